// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: caches, resets and power, as panthor_gpu.c has them. */

#include "fault.h"

/* Within the driver's 100 ms: it waits, and nothing else */
#define FLUSH_SLOW(name, phase, time)						\
	{									\
		name, phase, { "flush -> delay time=" time },			\
		UNAFFECTED, .by = "panthor_gpu_flush_caches", .ms = 24 * FLUSH_MS,	\
	}

#define GPU_FAULT_CASE(phase, event)						\
	{									\
		"gpu_fault", phase, { event "gpu-fault type=0x80 va=0x12345000" },	\
		UNAFFECTED, .by = "panthor_gpu_irq_handler", .says = M(GPU_FAULT),	\
		.text = "GPU_BUS_FAULT\\) at 0x0*12345000",			\
	}

static const struct fault_case fault_gpu_cases[] = {
	FLUSH_SLOW("flush_slow_1ms", RUNNING, "1ms"),
	FLUSH_SLOW("flush_slow_1ms", EVICTION, "1ms"),
	FLUSH_SLOW("flush_slow_50ms", IDLE, "50ms"),
	FLUSH_SLOW("flush_slow_50ms", SUSPEND, "50ms"),
	/* At 100 ms the driver gives up; what a busy host adds counts. qtests come closer. */
	FLUSH_SLOW("flush_slow_90ms", RUNNING, "90ms"),
	FLUSH_SLOW("flush_slow_90ms", SUSPEND, "90ms"),
	FLUSH_SLOW("flush_slow_90ms", EVICTION, "90ms"),

	/*
	 * The reset's own flush fails with the lost one's request still pending, and
	 * panthor_sched_suspend() gives up all groups on slots
	 */
	{
		"flush_lost", IDLE, { "flush count=1 -> never" },
		RECOVERS, .by = "panthor_gpu_flush_caches", CANCELED, CANCELED,
		.ms = FLUSH_MS + REBOOT_MS, .says = M(FLUSH_LATE),
	}, {
		"flush_lost", RUNNING, { "flush count=1 -> never" },
		RECOVERS, .by = "panthor_gpu_flush_caches", CANCELED, CANCELED,
		.ms = FLUSH_MS + REBOOT_MS, .says = M(FLUSH_LATE),
	}, {
		"flush_lost", EVICTION, { "flush count=1 -> never" },
		RECOVERS, .by = "panthor_gpu_flush_caches", CANCELED, CANCELED,
		.ms = FLUSH_MS + REBOOT_MS, .says = M(FLUSH_LATE),
	},

	/* Here nothing resets the GPU */
	{
		"flush_lost", SUSPEND, { "flush count=1 -> never" },
		RECOVERS, .by = "panthor_device_resume", CANCELED, CANCELED,
		.ms = FLUSH_MS + BOOT_MS, .says = M(FLUSH_LATE),
		.may = M(WARN_AS_DISABLE) | M(BOOT_FAILED) | M(PROBE_FAILED) | M(CSG_LATE) |
		       M(CS_FATAL) | M(JOB_LATE),
		.lasting = true, .wedged = true,
	},

	/* Resets, here asked for because of a command that does not end */
	{
		"reset_slow", RUNNING,
		{ "as-command as=1 command=lock count=1 -> never", "reset -> delay time=99ms" },
		RECOVERS, .by = "panthor_gpu_soft_reset", .ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK),
	}, {
		/* The driver goes on, and starts the MCU of a GPU that is still in reset */
		"reset_late", RUNNING,
		{ "as-command as=1 command=lock count=1 -> never", "reset -> delay time=150ms" },
		UNPLUGS, .by = "panthor_device_reset_work", CANCELED, CANCELED,
		.ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK) | M(RESET_LATE) | M(BOOT_FAILED) | M(FW_RESET_FAILED) |
			M(UNUSABLE),
		.may = M(WARN_AS_DISABLE) | M(FLUSH_LATE),
	}, {
		"reset_never", RUNNING,
		{ "as-command as=1 command=lock count=1 -> never", "reset -> never" },
		UNPLUGS, .by = "panthor_device_reset_work", CANCELED, CANCELED,
		.ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK) | M(RESET_LATE) | M(BOOT_FAILED) | M(FW_RESET_FAILED) |
			M(UNUSABLE),
		.may = M(WARN_AS_DISABLE) | M(FLUSH_LATE) | M(PROBE_FAILED) | M(DEBUGFS_LEFT),
		.wedged = true,
	}, {
		"reset_slow", SUSPEND,
		{ "mcu-halt count=1 -> never", "reset -> delay time=99ms" },
		RECOVERS, .by = "panthor_gpu_suspend", .ms = REBOOT_MS, .polls = HALT_MS,
		.says = M(HALT_LATE),
	},

	/* L2: nothing waits for it when it is turned on (docs/findings/l2-power-on.md) */
	{
		"power_on_stuck", PROBE, { "power domain=l2 to=on count=1 -> delay time=1100ms" },
		PROBE_FAILS, .by = "panthor_fw_start", .error = -110,
		.ms = BOOT_MS + STOP_MS + 3 * L2_MS,
		.says = M(BOOT_FAILED) | M(PROBE_FAILED), .may = M(L2_STUCK) | M(MCU_WITHOUT_L2),
	}, {
		"power_on_stuck", RESUME, { "power domain=l2 to=on -> never" },
		RECOVERS, .by = "panthor_device_resume", JOB_LOST, JOB_LOST,
		.ms = 4 * (BOOT_MS + 4 * L2_MS + STOP_MS + RESET_MS),
		.says = M(BOOT_FAILED) | M(FW_RESET_FAILED) | M(FAST_FAILED) | M(WARN_RESUME),
		.may = M(L2_STUCK),
	}, {
		"power_off_stuck", SUSPEND, { "power domain=l2 to=off count=1 -> never" },
		UNAFFECTED, .by = "panthor_gpu_block_power_off", .ms = 4 * L2_MS,
		.says = M(L2_STUCK), .may = M(BOOT_FAILED) | M(PROBE_FAILED), .wedged = true,
	},

	GPU_FAULT_CASE(PROBE, "mcu-boot count=1 -> "),
	GPU_FAULT_CASE(IDLE, AT_ONCE),
	GPU_FAULT_CASE(RUNNING, AT_ONCE),
	GPU_FAULT_CASE(SUSPEND, "mcu-halt count=1 -> "),
	GPU_FAULT_CASE(RESUME, "mcu-boot count=1 -> "),
	GPU_FAULT_CASE(EVICTION, "flush count=1 -> "),
};

FAULT_TABLE(fault_gpu);
