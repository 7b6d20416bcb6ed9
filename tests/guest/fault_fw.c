// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: the MCU and its firmware, as panthor_fw.c has them. */

#include "fault.h"

/*
 * The firmware does nothing any more. It is found out by the first request that
 * it does not answer, and the reset ends the groups, whose state is not known.
 */
#define SILENT(name, act, halt)							\
	{									\
		name, PROBE, { "glb-request request=cfg-alloc-en count=1 -> " act },	\
		RECOVERS, .by = "panthor_fw_wait_mcu_halted",				\
		.ms = REBOOT_MS, .polls = HALT_MS,				\
		.says = halt,							\
	}, {									\
		name, IDLE, { AT_ONCE act },					\
		RECOVERS, .by = "panthor_sched_suspend", INNOCENT, INNOCENT,		\
		.ms = SILENCE_MS + REBOOT_MS,				\
		.says = M(CSG_LATE) | M(TERMINATING),				\
	}, {									\
		name, RUNNING, { AT_ONCE act },					\
		RECOVERS, .by = "panthor_sched_suspend", INNOCENT, INNOCENT,		\
		.ms = SILENCE_MS + REBOOT_MS,				\
		.says = M(CSG_LATE) | M(TERMINATING),				\
	}, {									\
		name, SUSPEND, { "csg-request csg=0 request=suspend count=1 -> " act },	\
		RECOVERS, .by = "panthor_fw_wait_mcu_halted",				\
		.ms = SILENCE_MS + REBOOT_MS, .polls = HALT_MS,			\
		.says = halt, .may = M(CSG_LATE) | M(TERMINATING),		\
	}, {									\
		name, RESUME, { "glb-request request=cfg-alloc-en count=1 -> " act },	\
		RECOVERS, .by = "csgs_upd_ctx_apply_locked",			\
		.ms = SILENCE_MS + REBOOT_MS,				\
		.says = M(CSG_LATE),				\
	}, {									\
		name, EVICTION, { "as-command as=1 command=lock count=1 -> " act },	\
		RECOVERS, .by = "panthor_sched_suspend", INNOCENT, INNOCENT,		\
		.ms = SILENCE_MS + REBOOT_MS,				\
		.says = M(CSG_LATE) | M(TERMINATING),				\
	}

#define BOOT_BROKEN(name, act)							\
	{									\
		name, PROBE, { "mcu-boot count=1 -> " act },			\
		PROBE_FAILS, .by = "panthor_fw_init", .ms = BOOT_MS + STOP_MS, .error = -110,	\
		.says = M(BOOT_FAILED) | M(PROBE_FAILED),			\
	}, {									\
		name, RUNNING,							\
		{ "as-command as=1 command=lock count=1 -> never", "mcu-boot -> " act },	\
		UNPLUGS, .by = "panthor_device_reset_work", CANCELED, CANCELED,	\
		.ms = REBOOT_MS, .polls = 2 * AS_MS,					\
		.says = M(AS_STUCK) | M(BOOT_FAILED) | M(FW_RESET_FAILED) | M(UNUSABLE),	\
	}, {									\
		name "_once", RESUME, { "mcu-boot count=1 -> " act },		\
		RECOVERS, .by = "panthor_device_resume", .ms = BOOT_MS + REBOOT_MS,	\
		.says = M(BOOT_FAILED) | M(FW_RESET_FAILED) | M(FAST_FAILED),	\
	}, {									\
		name, RESUME, { "mcu-boot -> " act },				\
		RECOVERS, .by = "panthor_device_resume", JOB_LOST, JOB_LOST,		\
		.ms = 4 * REBOOT_MS,						\
		.says = M(BOOT_FAILED) | M(FW_RESET_FAILED) | M(FAST_FAILED) |	\
			M(WARN_RESUME),						\
	}

static const struct fault_case fault_fw_cases[] = {
	SILENT("mcu_silent", "mcu-hang", M(HALT_LATE)),
	/* It looks as it should when it is to be halted */
	SILENT("mcu_halted", "mcu-halted", 0),
	SILENT("mcu_crashed", "mcu-fatal", M(HALT_LATE)),
	BOOT_BROKEN("boot_never", "never"),
	BOOT_BROKEN("boot_fails", "fail"),

	/* Nobody asks for anything: the ping, every 12 s, finds it out */
	{
		"mcu_silent_ping", IDLE, { AT_ONCE "mcu-hang" },
		RECOVERS, .by = "panthor_fw_ping_work", INNOCENT, INNOCENT,
		.ms = SILENCE_MS + REBOOT_MS, .idle_ms = PING_MS + 2000,
		.says = M(PING_LATE) | M(TERMINATING), .may = M(CSG_LATE),
	}, {
		"ping_unanswered", IDLE, { "glb-request request=ping count=1 -> never" },
		RECOVERS, .by = "panthor_fw_ping_work", .ms = ACK_MS + REBOOT_MS,
		.idle_ms = PING_MS + 2000, .says = M(PING_LATE),
	}, {
		"ping_late", IDLE, { "glb-request request=ping count=1 -> delay time=90ms" },
		UNAFFECTED, .by = "panthor_fw_ping_work", .idle_ms = PING_MS + 2000,
	},

	/* What the driver asks for in panthor_fw_init_global_iface(), it does not wait for */
	{
		"config_unanswered", PROBE, { "glb-request request=cfg-progress-timer -> never" },
		UNAFFECTED, .by = "panthor_fw_init_global_iface",
	}, {
		"config_unanswered", RESUME, { "glb-request request=cfg-poweroff-timer -> never" },
		UNAFFECTED, .by = "panthor_fw_init_global_iface",
	},

	{
		"halt_never", SUSPEND, { "mcu-halt count=1 -> never" },
		RECOVERS, .by = "panthor_fw_wait_mcu_halted", .ms = REBOOT_MS, .polls = HALT_MS,
		.says = M(HALT_LATE),
	}, {
		"halt_slow", SUSPEND, { "mcu-halt count=1 -> delay time=900ms" },
		UNAFFECTED, .by = "panthor_fw_wait_mcu_halted", .polls = HALT_MS,
	}, {
		"stop_slow", SUSPEND, { "mcu-stop count=1 -> delay time=90ms" },
		UNAFFECTED, .by = "panthor_fw_stop", .ms = STOP_MS,
	}, {
		"stop_never", RUNNING,
		{ "as-command as=1 command=lock count=1 -> never", "mcu-stop count=1 -> never" },
		RECOVERS, .by = "panthor_fw_stop", .ms = REBOOT_MS, .polls = 2 * AS_MS,
		.says = M(AS_STUCK) | M(STOP_FAILED),
	},
};

FAULT_TABLE(fault_fw);
