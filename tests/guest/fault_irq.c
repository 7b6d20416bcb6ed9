// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: interrupts that are lost, kept back, or for no reason. */

#include "fault.h"

/* Bits of the lines, as the driver's headers have them */
#define FLUSH_DONE	"0x20000"
#define RESET_DONE	"0x100"
#define GLOBAL		"0x80000000"

static const struct fault_case fault_irq_cases[] = {
	/* The firmware's, without which a boot is none; nothing stops it before the next attempt */
	{
		"job_irq_lost", PROBE, { "irq line=job bits=" GLOBAL " count=1 -> drop" },
		PROBE_FAILS, .by = "panthor_fw_start", .ms = BOOT_MS + STOP_MS, .error = -110,
		.says = M(BOOT_FAILED) | M(PROBE_FAILED),
	}, {
		"job_irq_lost", RESUME, { "irq line=job bits=" GLOBAL " count=1 -> drop" },
		RECOVERS, .by = "panthor_fw_start", JOB_LOST, LIVES, .ms = 2 * BOOT_MS + REBOOT_MS,
		.says = M(BOOT_FAILED) | M(FW_RESET_FAILED) | M(FAST_FAILED) | M(WARN_RESUME),
		.may = M(MCU_RUNS_ON),
	},
	/* What it told of is found with the next one, or by who waits for it */
	{
		"job_irq_lost", IDLE, { "irq line=job count=1 -> drop" },
		UNAFFECTED, .by = "queue_timeout_work", .ms = TIMEOUT_MS + 4 * ACK_MS,
	}, {
		"job_irq_lost", RUNNING, { "irq line=job count=1 -> drop" },
		UNAFFECTED, .by = "panthor_fw_wait_acks", .ms = TIMEOUT_MS + 4 * ACK_MS,
	}, {
		"job_irq_lost", SUSPEND, { "irq line=job count=1 -> drop" },
		UNAFFECTED, .by = "panthor_fw_wait_acks", .ms = 4 * ACK_MS,
	}, {
		"job_irq_mute", PROBE, { "irq line=job bits=" GLOBAL " count=1 -> mute" },
		UNAFFECTED, .by = "panthor_fw_start", .ms = BOOT_MS,
	}, {
		"job_irq_mute", RUNNING, { "irq line=job count=1 -> mute" },
		UNAFFECTED, .by = "panthor_fw_wait_acks", .ms = TIMEOUT_MS + 4 * ACK_MS,
	}, {
		"job_irq_none", RUNNING, { "irq line=job -> drop" },
		UNAFFECTED, .by = "queue_timeout_work", .ms = 2 * TIMEOUT_MS + 16 * ACK_MS,
	}, {
		"job_irq_spurious", IDLE, { AT_ONCE "raise line=job bits=0x80000003" },
		UNAFFECTED, .by = "sched_process_csg_irq_locked",
	}, {
		"job_irq_spurious", RUNNING, { AT_ONCE "raise line=job bits=0x80000003" },
		UNAFFECTED, .by = "sched_process_csg_irq_locked",
	}, {
		"job_irq_spurious", SUSPEND,
		{ "mcu-halt count=1 -> raise line=job bits=0x80000003" },
		UNAFFECTED, .by = "sched_process_csg_irq_locked",
	}, {
		"job_irq_spurious", RESUME,
		{ "mcu-boot count=1 -> raise line=job bits=0x00000003" },
		UNAFFECTED, .by = "panthor_job_irq_handler",
	},

	/* The driver looks at RAWSTAT before it gives up on a flush, or a reset */
	{
		"gpu_irq_mute", IDLE, { "irq line=gpu bits=" FLUSH_DONE " count=1 -> mute" },
		UNAFFECTED, .by = "panthor_gpu_flush_caches", .ms = FLUSH_MS,
	}, {
		"gpu_irq_mute", RUNNING, { "irq line=gpu bits=" FLUSH_DONE " count=1 -> mute" },
		UNAFFECTED, .by = "panthor_gpu_flush_caches", .ms = FLUSH_MS,
	}, {
		"gpu_irq_mute", SUSPEND, { "irq line=gpu bits=" FLUSH_DONE " count=1 -> mute" },
		UNAFFECTED, .by = "panthor_gpu_flush_caches", .ms = FLUSH_MS,
	}, {
		"gpu_irq_mute", EVICTION, { "irq line=gpu bits=" FLUSH_DONE " count=1 -> mute" },
		UNAFFECTED, .by = "panthor_gpu_flush_caches", .ms = FLUSH_MS,
	}, {
		"gpu_irq_lost", RUNNING, { "irq line=gpu bits=" FLUSH_DONE " count=1 -> drop" },
		RECOVERS, .by = "panthor_gpu_flush_caches", CANCELED, CANCELED,
		.ms = FLUSH_MS + REBOOT_MS, .says = M(FLUSH_LATE),
	}, {
		"gpu_irq_lost", EVICTION, { "irq line=gpu bits=" FLUSH_DONE " count=1 -> drop" },
		RECOVERS, .by = "panthor_gpu_flush_caches", CANCELED, CANCELED,
		.ms = FLUSH_MS + REBOOT_MS, .says = M(FLUSH_LATE),
	}, {
		"reset_irq_mute", RUNNING,
		{ "as-command as=1 command=lock count=1 -> never",
		  "irq line=gpu bits=" RESET_DONE " count=1 -> mute" },
		RECOVERS, .by = "panthor_gpu_soft_reset", .ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK),
	}, {
		"reset_irq_lost", RUNNING,
		{ "as-command as=1 command=lock count=1 -> never",
		  "irq line=gpu bits=" RESET_DONE " count=1 -> drop" },
		RECOVERS, .by = "panthor_gpu_soft_reset", .ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK) | M(RESET_LATE),
	}, {
		"gpu_irq_spurious", IDLE, { AT_ONCE "raise line=gpu bits=0x20102" },
		UNAFFECTED, .by = "panthor_gpu_irq_handler", .says = M(GPU_FAULT),
		.text = "in protected mode",
	}, {
		"gpu_irq_spurious", RUNNING, { AT_ONCE "raise line=gpu bits=0x20100" },
		UNAFFECTED, .by = "panthor_gpu_irq_handler",
	},

	/* Without the MMU's, the firmware's word for it is left */
	{
		"mmu_irq_lost", RUNNING,
		{ "irq line=mmu count=1 -> drop", "access as=1 count=1 -> fault type=0xc3" },
		KILLS_GROUP, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES,
		.says = M(CS_FATAL),
	}, {
		"mmu_irq_mute", RUNNING,
		{ "irq line=mmu count=1 -> mute", "access as=1 count=1 -> fault type=0xc3" },
		KILLS_GROUP, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES,
		.says = M(CS_FATAL), .may = M(MMU_FAULT), .dirty = true,
	},
	/* One without a fault is taken for one; commands' ends are masked */
	{
		"mmu_irq_spurious", IDLE, { AT_ONCE "raise line=mmu bits=0x2" },
		KILLS_GROUP, .by = "tick_ctx_init", FATAL, LIVES,
		.says = M(MMU_FAULT), .idle_ms = 500,
	}, {
		"mmu_irq_spurious", RUNNING, { AT_ONCE "raise line=mmu bits=0x2" },
		KILLS_GROUP, .by = "tick_ctx_init", FATAL, LIVES, .says = M(MMU_FAULT),
		.may = M(CS_FATAL) | M(DISABLED_IN_FLIGHT),
	}, {
		"mmu_irq_masked", RUNNING, { AT_ONCE "raise line=mmu bits=0xffff0000" },
		UNAFFECTED, .by = "panthor_mmu_fault_mask",
	},
	/* Of an address space that nobody has: said, and masked until somebody has it */
	{
		"mmu_irq_unowned", IDLE, { AT_ONCE "raise line=mmu bits=0x80" },
		UNAFFECTED, .by = "panthor_mmu_irq_handler", .says = M(MMU_FAULT),
		.text = "AS7 at VA", .dirty = true,
	}, {
		"mmu_irq_unowned", RUNNING, { AT_ONCE "raise line=mmu bits=0x80" },
		UNAFFECTED, .by = "panthor_mmu_irq_handler", .says = M(MMU_FAULT),
		.text = "AS7 at VA", .dirty = true,
	},
};

FAULT_TABLE(fault_irq);
