// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: address spaces, as panthor_mmu.c has them. */

#include "fault.h"

/* The victim's is 1: it was the first to become active. 0 is the firmware's. */

/* A page fault of a user's access, of each type in the driver's enum (panthor_device.h) */
#define USER_FAULT(name, type)							\
	{									\
		name, RUNNING, { "access as=1 count=1 -> fault type=" #type },	\
		KILLS_GROUP, .by = "panthor_mmu_irq_handler", FATAL, LIVES,		\
		.says = M(MMU_FAULT), .may = M(CS_FATAL),			\
		.text = "exception type " #type ": ",				\
	}

/*
 * One of the firmware's: it does not get on from that moment. The driver's answer, to
 * disable the address space, comes later, and how much later depends on the host.
 */
#define FW_FAULT(event)								\
	event "as-fault as=0 va=0x4000000 type=0xc3", event "mcu-hang"

static const struct fault_case fault_mmu_cases[] = {
	/* A command that does not end: as_send_cmd_and_wait() asks for a reset */
	{
		"as_stuck_once", IDLE, { "as-command as=1 command=lock count=1 -> never" },
		RECOVERS, .by = "wait_ready", .ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK),
	}, {
		"as_stuck_once", RUNNING, { "as-command as=1 command=lock count=1 -> never" },
		RECOVERS, .by = "wait_ready", .ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK),
	}, {
		"unlock_stuck_once", RUNNING,
		{ "as-command as=1 command=unlock count=1 -> never" },
		RECOVERS, .by = "panthor_vm_unlock_region",
		.ms = REBOOT_MS, .polls = 2 * AS_MS, .says = M(AS_STUCK),
	}, {
		"as_stuck_once", SUSPEND, { "as-command as=1 command=update count=1 -> never" },
		RECOVERS, .by = "panthor_mmu_suspend", .ms = REBOOT_MS, .polls = 3 * AS_MS,
		.says = M(AS_STUCK) | M(WARN_AS_DISABLE),
	}, {
		"as_stuck_once", RESUME, { "as-command as=0 command=update count=1 -> never" },
		RECOVERS, .by = "panthor_device_resume", JOB_LOST, LIVES,
		.ms = REBOOT_MS, .polls = 4 * AS_MS,
		.says = M(AS_STUCK) | M(FAST_FAILED) | M(WARN_AS_DISABLE) | M(WARN_RESUME),
	}, {
		"as_stuck_once", EVICTION, { "as-command as=1 command=lock count=1 -> never" },
		RECOVERS, .by = "panthor_vm_evict_bo_mappings_locked",
		.ms = REBOOT_MS, .polls = 2 * AS_MS, .says = M(AS_STUCK),
	},

	/* A VM_BIND that nobody can report to fails: its VM is given up, and no other */
	{
		"async_bind_stuck", RUNNING, { "as-command command=lock va=0x50000000 count=1 -> never" },
		RECOVERS, .by = "panthor_vm_bind_run_job", .meet = meet_async_binds,
		.ms = REBOOT_MS, .polls = 8 * AS_MS, .says = M(AS_STUCK), .may = M(WARN_AS_DISABLE),
	},

	/* None does any more: the firmware cannot be booted again, and locks are left */
	{
		"as_stuck", IDLE, { "as-command -> delay time=1s" },
		UNPLUGS, .by = "panthor_device_reset_work", CANCELED, CANCELED,
		.ms = STOP_MS + RESET_MS, .polls = 6 * AS_MS, .heal_ms = 1500,
		.says = M(AS_STUCK) | M(UNUSABLE), .may = M(WARN_AS_DISABLE) | M(TABLES_LEFT),
		.dirty = true,
	}, {
		"as_stuck", RUNNING, { "as-command -> delay time=1s" },
		UNPLUGS, .by = "panthor_device_reset_work", CANCELED, CANCELED,
		.ms = STOP_MS + RESET_MS, .polls = 6 * AS_MS, .heal_ms = 1500,
		.says = M(AS_STUCK) | M(UNUSABLE), .may = M(WARN_AS_DISABLE) | M(TABLES_LEFT),
		.dirty = true,
	}, {
		"as_stuck", SUSPEND, { "as-command command=update -> never" },
		RECOVERS, .by = "panthor_device_resume", JOB_LOST, JOB_LOST,
		.ms = STOP_MS + RESET_MS, .polls = 12 * AS_MS,
		.says = M(AS_STUCK) | M(WARN_AS_DISABLE) | M(WARN_RESUME), .may = M(FAST_FAILED),
	}, {
		"as_stuck", RESUME, { "as-command command=update -> never" },
		RECOVERS, .by = "panthor_device_resume", JOB_LOST, JOB_LOST,
		.ms = STOP_MS + RESET_MS, .polls = 12 * AS_MS,
		.says = M(AS_STUCK) | M(WARN_AS_DISABLE) | M(WARN_RESUME) | M(FAST_FAILED),
	}, {
		"as_stuck", EVICTION, { "as-command -> delay time=1s" },
		UNPLUGS, .by = "panthor_device_reset_work", CANCELED, CANCELED,
		.ms = STOP_MS + RESET_MS, .polls = 6 * AS_MS, .heal_ms = 1500,
		.says = M(AS_STUCK) | M(UNUSABLE), .may = M(WARN_AS_DISABLE) | M(TABLES_LEFT),
		.dirty = true,
	},

	USER_FAULT("translation_fault_0", 0xC0),
	USER_FAULT("translation_fault_1", 0xC1),
	USER_FAULT("translation_fault_2", 0xC2),
	USER_FAULT("translation_fault_3", 0xC3),
	USER_FAULT("translation_fault_4", 0xC4),
	USER_FAULT("perm_fault_0", 0xC8),
	USER_FAULT("perm_fault_1", 0xC9),
	USER_FAULT("perm_fault_2", 0xCA),
	USER_FAULT("perm_fault_3", 0xCB),
	USER_FAULT("access_flag_1", 0xD9),
	USER_FAULT("access_flag_2", 0xDA),
	USER_FAULT("access_flag_3", 0xDB),
	USER_FAULT("addr_size_fault_in", 0xE0),
	USER_FAULT("addr_size_fault_out0", 0xE4),
	USER_FAULT("addr_size_fault_out1", 0xE5),
	USER_FAULT("addr_size_fault_out2", 0xE6),
	USER_FAULT("addr_size_fault_out3", 0xE7),
	USER_FAULT("mem_attr_fault_0", 0xE8),
	USER_FAULT("mem_attr_fault_1", 0xE9),
	USER_FAULT("mem_attr_fault_2", 0xEA),
	USER_FAULT("mem_attr_fault_3", 0xEB),

	/* One for which nothing is to blame */
	{
		"user_fault", IDLE, { AT_ONCE "as-fault as=1 va=0x12345000 type=0xc3" },
		KILLS_GROUP, .by = "tick_ctx_init", FATAL, LIVES, .says = M(MMU_FAULT),
		.text = "in AS1 at VA 0x0000000012345000", .idle_ms = 500,
	}, {
		"user_fault", SUSPEND,
		{ "csg-request csg=0 request=suspend count=1 -> "
		  "as-fault as=1 va=0x12345000 type=0xc3" },
		UNAFFECTED, .by = "panthor_vm_active", .says = M(MMU_FAULT),
	}, {
		"user_fault", EVICTION,
		{ "as-command as=1 command=lock count=1 -> as-fault as=1 va=0x12345000 type=0xc3" },
		KILLS_GROUP, .by = "tick_ctx_init", FATAL, LIVES, .says = M(MMU_FAULT),
	},

	/* The firmware's own: it loses its memory and can answer nothing */
	{
		"fw_fault", PROBE,
		{ "mcu-boot count=1 -> as-fault as=0 va=0x4000000 type=0xc3",
		  "mcu-boot count=1 -> delay time=50ms" },
		PROBE_FAILS, .by = "panthor_fw_start", .error = -110,
		.ms = BOOT_MS + STOP_MS + FLUSH_MS,
		.says = M(MMU_FAULT) | M(BOOT_FAILED) | M(PROBE_FAILED),
	}, {
		"fw_fault", IDLE, { FW_FAULT(AT_ONCE) },
		RECOVERS, .by = "panthor_sched_suspend", INNOCENT, INNOCENT,
		.ms = SILENCE_MS + REBOOT_MS,
		.says = M(MMU_FAULT) | M(CSG_LATE) | M(TERMINATING),
	}, {
		"fw_fault", RUNNING, { "access as=0 count=1 -> fault type=0xc3" },
		RECOVERS, .by = "panthor_sched_suspend", INNOCENT, INNOCENT,
		.ms = SILENCE_MS + REBOOT_MS,
		.says = M(MMU_FAULT) | M(CSG_LATE) | M(TERMINATING),
	}, {
		"fw_fault", SUSPEND,
		{ FW_FAULT("csg-request csg=0 request=suspend count=1 -> ") },
		RECOVERS, .by = "panthor_fw_wait_mcu_halted",
		.ms = REBOOT_MS, .polls = HALT_MS, .says = M(MMU_FAULT) | M(HALT_LATE),
	}, {
		"fw_fault", RESUME,
		{ FW_FAULT("glb-request request=cfg-alloc-en count=1 -> ") },
		RECOVERS, .by = "csgs_upd_ctx_apply_locked",
		.ms = SILENCE_MS + REBOOT_MS,
		.says = M(MMU_FAULT) | M(CSG_LATE),
	}, {
		"fw_fault", EVICTION,
		{ FW_FAULT("as-command as=1 command=lock count=1 -> ") },
		RECOVERS, .by = "panthor_sched_suspend", INNOCENT, INNOCENT,
		.ms = SILENCE_MS + REBOOT_MS,
		.says = M(MMU_FAULT) | M(CSG_LATE) | M(TERMINATING),
	},
};

FAULT_TABLE(fault_mmu);

/*
 * While the firmware's is stuck, the driver cannot let go of what it has mapped
 * there, and so not of the device: what comes after it finds its debugfs directory
 * taken. The last ones, therefore.
 */
static const struct fault_case fault_wedged_cases[] = {
	{
		"as_stuck_once", PROBE,
		{ "as-command as=0 command=update count=1 -> delay time=300ms" },
		PROBE_FAILS, .by = "panthor_fw_init", .polls = 4 * AS_MS, .error = -110,
		.says = M(AS_STUCK) | M(PROBE_FAILED), .may = M(WARN_AS_DISABLE) | M(DEBUGFS_LEFT) | M(TABLES_LEFT),
		.heal_ms = 300, .dirty = true,
	}, {
		"as_wedged", PROBE, { "as-command as=0 command=update count=1 -> never" },
		PROBE_FAILS, .by = "panthor_fw_init", .polls = 8 * AS_MS, .error = -110,
		.says = M(AS_STUCK) | M(PROBE_FAILED), .may = M(WARN_AS_DISABLE) | M(DEBUGFS_LEFT) | M(TABLES_LEFT),
		.wedged = true,
	},
};

FAULT_TABLE(fault_wedged);
