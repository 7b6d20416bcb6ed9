// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite load: the GPU's registers and the firmware's interface, as the driver finds them. */

#include <errno.h>

#include "load.h"

#define REG(name, value)	"reg-read block=gpu reg=" name " -> set value=" #value

static const struct load_case register_cases[] = {
	{ "no_gpu", ENXIO, NULL, "panthor_hw_gpu_id_init", .rules = { REG("gpu-id", 0) } },
	{ "older_gpu", EOPNOTSUPP, NULL, "panthor_hw_bind_device",
	  .rules = { REG("gpu-id", 0x90000000) } },
	{ "newer_gpu", EOPNOTSUPP, NULL, "panthor_hw_bind_device",
	  .rules = { REG("gpu-id", 0xf0000000) } },
	{ "few_physical_addresses", EIO, NULL, "panthor_gpu_init",
	  .rules = { REG("mmu-features", 0x1030) } },
	{ "one_address_space", EINVAL, "Not enough AS", "panthor_sched_init",
	  .rules = { REG("as-present", 1) } },
	/* The lower half of the register */
	{ "two_core_groups", 0, NULL, "panthor_gpu_l2_power_on",
	  .rules = { "reg-read block=gpu offset=0x120 -> set value=0x11" } },
	{ "l2_in_transition", ETIMEDOUT, "timeout waiting on L2:1 power transition",
	  "panthor_gpu_block_power_on",
	  .rules = { "reg-read block=gpu offset=0x220 -> set value=1" } },
	{ "other_l2", ETIMEDOUT, "timeout waiting on L2:1 readiness", "panthor_gpu_block_power_on",
	  .rules = { "reg-read block=gpu offset=0x160 -> set value=2" } },
	{ "mcu_of_no_state", ETIMEDOUT, "Failed to boot MCU \\(status=unknown\\)",
	  "panthor_fw_start",
	  .rules = { "mcu-boot -> never",
		     "reg-read block=mcu reg=mcu-status optional -> set value=9" },
	  .may = "Failed to stop MCU" },
};

const struct load_table load_registers = {
	"gpu", register_cases, ARRAY_SIZE(register_cases)
};

/* Some bits of what the firmware writes at an address are others. */
#define FLIP(address, bits)							\
	"access as=0 access=write va=" address " count=1 -> flip bits=" #bits

/* The control blocks in the shared section: global, of groups, of their queues */
#define GLB_VERSION	"0x4000000"
#define GLB_INPUT	"0x4000008"
#define GLB_OUTPUT	"0x400000c"
#define GLB_GROUPS	"0x4000010"
#define GLB_STRIDE	"0x4000014"
#define CSG_INPUT	"0x4001004"
#define CSG_OUTPUT	"0x4001008"
#define CSG_STREAMS	"0x4001014"
#define CSG_STRIDE	"0x4001018"
#define CSG1_FEATURES	"0x40010a0"
#define CSG1_SUSPEND	"0x40010ac"
#define CSG1_PROTM	"0x40010b0"
#define CSG1_STREAMS	"0x40010b4"
#define CS_INPUT	"0x4001044"
#define CS_OUTPUT	"0x4001048"
#define CS1_FEATURES	"0x400104c"

#define IFACE(name, says, by, address, bits)					\
	{ name, EINVAL, says, by, .rules = { FLIP(address, bits) } }

static const struct load_case interface_cases[] = {
	IFACE("no_version", "Firmware version is 0", "panthor_fw_init_ifaces", GLB_VERSION,
	      0x01010000),
	{ "old_version", 0, NULL, "panthor_get_instr_features",
	  .rules = { FLIP(GLB_VERSION, 0x00010000) } },
	IFACE("global_input_below", "Invalid global control interface", "iface_fw_to_cpu_addr",
	      GLB_INPUT, 0x04000000),
	IFACE("global_input_behind", "Invalid global control interface", "iface_fw_to_cpu_addr",
	      GLB_INPUT, 0x80000000),
	IFACE("global_output_at_end", "Invalid global control interface", "iface_fw_to_cpu_addr",
	      GLB_OUTPUT, 0x00079ff0),
	IFACE("no_groups", "Invalid number of control groups", "panthor_fw_init_ifaces",
	      GLB_GROUPS, 8),
	IFACE("too_many_groups", "Invalid number of control groups", "panthor_fw_init_ifaces",
	      GLB_GROUPS, 0x40),
	IFACE("groups_behind_section", NULL, "panthor_init_csg_iface", GLB_STRIDE, 0x40000000),
	IFACE("few_queues", NULL, "panthor_init_csg_iface", CSG_STREAMS, 8),
	IFACE("too_many_queues", NULL, "panthor_init_csg_iface", CSG_STREAMS, 0x40),
	IFACE("group_input", "Invalid group control interface", "panthor_init_csg_iface",
	      CSG_INPUT, 0x80000000),
	IFACE("group_output", "Invalid group control interface", "panthor_init_csg_iface",
	      CSG_OUTPUT, 0x80000000),
	IFACE("other_group_features", "Expecting identical CSG slots", "compare_csg",
	      CSG1_FEATURES, 1),
	IFACE("other_suspend_size", "Expecting identical CSG slots", "compare_csg",
	      CSG1_SUSPEND, 0x1000),
	IFACE("other_protm_size", "Expecting identical CSG slots", "compare_csg",
	      CSG1_PROTM, 0x1000),
	IFACE("other_queues", "Expecting identical CSG slots", "compare_csg", CSG1_STREAMS, 1),
	IFACE("queues_behind_section", NULL, "panthor_init_cs_iface", CSG_STRIDE, 0x40000000),
	IFACE("queue_input", "Invalid stream control interface", "panthor_init_cs_iface",
	      CS_INPUT, 0x80000000),
	IFACE("queue_output", "Invalid stream control interface", "panthor_init_cs_iface",
	      CS_OUTPUT, 0x80000000),
	IFACE("other_queue_features", "Expecting identical CS slots", "panthor_init_cs_iface",
	      CS1_FEATURES, 1),
};

const struct load_table load_interfaces = {
	"interface", interface_cases, ARRAY_SIZE(interface_cases)
};
