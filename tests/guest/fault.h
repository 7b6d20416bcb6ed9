/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suite fault: the hardware does something wrong at a moment of the driver's
 * life, and what the driver's own code says becomes of it.
 *
 * A case is a row: the rules that make the hardware fail (docs/mali-csf.rst,
 * "Fault injection"), the phase of the driver in which they apply, and what is
 * to come of it. The rows are in one file for each file of the driver.
 */
#ifndef GUEST_FAULT_H
#define GUEST_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "driver.h"
#include "klog.h"
#include "util.h"

enum phase {
	PROBE,			/* the module is loaded */
	IDLE,			/* the GPU is powered, its groups have nothing to do */
	RUNNING,		/* two clients' jobs run; memory is bound, a group comes and goes */
	SUSPEND,		/* the GPU goes down, with groups that have nothing to do */
	RESUME,			/* a job wakes it */
	EVICTION,		/* the shrinker takes buffers that are bound in active VMs */
	NR_PHASES
};

enum outcome {
	UNAFFECTED,		/* the driver goes on, without a reset */
	KILLS_GROUP,		/* it ends the group that the fault struck, without a reset */
	RECOVERS,		/* it resets the GPU or boots its firmware anew, and goes on */
	UNPLUGS,		/* it gives the device up: -ENODEV; loaded again, it works */
	PROBE_FAILS,		/* it does not take the device; loaded again, it does */
	NR_OUTCOMES
};

/*
 * What becomes of a client: of its job, which runs meanwhile or is the first one
 * after the fault, and of its group (DRM_PANTHOR_GROUP_STATE_*).
 */
enum fate {
	LIVES,
	JOB_FAULT,		/* -EINVAL, its group lives: cs_slot_process_fault_event_locked() */
	JOB_LOST,		/* -ETIMEDOUT of a failed resume, likewise: queue_run_job() */
	FATAL,			/* -EINVAL: fatal_queues, group_term_post_processing() */
	TIMED_OUT,		/* -ETIMEDOUT: queue_timedout_job() */
	INNOCENT,		/* -ETIMEDOUT, too, and it is said to be: panthor_sched_suspend() */
	CANCELED,		/* -ECANCELED, without a reason: TERMINATED, UNKNOWN_STATE */
	NR_FATES
};

/* What the driver waits for each thing: contract 7 has the places */
enum {
	AS_MS = 100, FLUSH_MS = 100, RESET_MS = 100, L2_MS = 20, BOOT_MS = 1000, HALT_MS = 1000,
	STOP_MS = 100, ACK_MS = 100, PING_MS = 12000, TIMEOUT_MS = 5000,
	/* A reset: panthor_device_reset_work() */
	REBOOT_MS = STOP_MS + RESET_MS + BOOT_MS,
	/* Two groups are asked for their state, to suspend, and to end; none answers */
	SILENCE_MS = 6 * ACK_MS,
};

/* What it logs: fault_log.c has the texts */
enum message {
	AS_STUCK, FLUSH_LATE, RESET_LATE, L2_STUCK, BOOT_FAILED, FW_RESET_FAILED, FAST_FAILED,
	UNUSABLE, STOP_FAILED, HALT_LATE, PING_LATE, CSG_LATE, TERMINATING,
	GPU_FAULT, MMU_FAULT, CS_FATAL, CS_FAULT, JOB_LATE, PROGRESS_LATE, HEAP_FAILED,
	PROBE_FAILED, DEBUGFS_LEFT, TABLES_LEFT, UNPLUG_CYCLE,
	/* Warnings with a stack */
	WARN_AS_DISABLE, WARN_RESUME,
	/* Of the device's checker, not the driver */
	MCU_WITHOUT_L2, MCU_RUNS_ON, DISABLED_IN_FLIGHT,
	NR_MESSAGES
};

/* Of a client's data: a shader program's descriptor, and an empty one of its storage */
#define AT_SHADER	0x100
#define AT_STORAGE	0x140

#define M(message)	(1u << (message))
#define MAX_RULES	4
/* A rule that hits when the phase begins, with the driver's next read of the clock */
#define AT_ONCE		"reg-read block=gpu reg=timestamp count=1 -> "

struct scene;

struct fault_case {
	const char *fault;		/* the test is FAULT.PHASE */
	enum phase phase;
	const char *rules[MAX_RULES];
	enum outcome outcome;
	const char *by;			/* the driver's function that says so */
	enum fate victim, other;	/* the client that the fault is aimed at, and another */
	unsigned int ms;		/* what the driver waits for all in all */
	unsigned int polls;		/* and what it polls for, in ms: see fault_left() */
	uint32_t says, may;		/* what has to be logged, and what may be besides */
	const char *text;		/* a regular expression that has to be in it */
	int error;			/* PROBE_FAILS: of the probe */
	unsigned int idle_ms;		/* IDLE: leave it alone that long before the next job */
	unsigned int heal_ms;		/* the hardware is whole again so long after the end */
	bool wedged;			/* or never, until it is reset */
	bool dirty;			/* it has latched something that only a reset takes away */
	bool lasting;			/* until the driver is loaded anew: LASTING */
	void (*meet)(struct scene *s);	/* RUNNING: beside the jobs, if not the usual */
	bool draws;			/* jobs draw before they copy, and need tiler memory for it */
};

struct fault_table {
	const struct fault_case *cases;
	size_t nr;
};

#define FAULT_TABLE(name)	\
	const struct fault_table name = { name##_cases, ARRAY_SIZE(name##_cases) }

extern const struct fault_table fault_mmu, fault_gpu, fault_irq, fault_fw, fault_sched,
	fault_heap, fault_wedged;

/* Of a GPU that stays broken until it is reset, which the driver does not do at first */
#define NO_RESET	"docs/findings/no-reset-at-probe.md"

/* After a flush that was lost in a suspend or a resume all that need one fail */
#define LASTING		"docs/findings/flush-never-again.md"

/* What lockdep says of a device that is given up, if a suspend has met a reset before */
#define SUSPEND_WAITS	"docs/findings/suspend-waits-for-reset.md"

/* It does not wait until L2 is on before it starts the MCU */
#define L2_POWER_ON	"docs/findings/l2-power-on.md"

/* Nor does it stop an MCU that it could not hear, before it turns off what that needs */
#define MCU_LEFT	"docs/findings/mcu-left-running.md"

/* A VM of which the driver could not lock a region is never freed, nor what it maps */
#define VM_KEPT		"docs/findings/vm-kept.md"

/* fault_log.c: what the kernel may say, and what it has to have said */
void fault_log_open(const struct fault_case *f, struct klog *log);
/* What it also says because of a bug that a file of docs/findings describes */
void fault_log_known(enum message message, const char *file);
/* Returns the error that a probe failed with, or 0. */
int fault_log_check(const struct fault_case *f, struct klog *log);

/*
 * fault_scene.c: one of two clients, each with its own VM and group. The content
 * of its pattern is known; its jobs copy it.
 */
struct party {
	const char *name;
	struct client c;
	struct bo pattern, copy;
	uint32_t number;		/* what the last job is to store */
	int fence;			/* its sync file, or -errno: it was refused */
	uint64_t heap;			/* the context of its tiler heap; 0: it draws nothing */
};

void party_open(struct party *p, const char *name);
void party_close(struct party *p);
/* Queue the job that runs until it is told to end; wait until it runs; tell it. */
int party_spin(struct party *p);
void party_started(struct party *p);
void party_stop(struct party *p);
/* Queue the one that copies the pattern. 0 or -errno. */
int party_copy(struct party *p);
bool party_done(const struct party *p);
/* From now on its jobs draw first: fault_draw.c */
void party_draws(struct party *p);
void emit_draws(const struct party *p, struct stream *s);
/* How the last job ended: 0, its error, the error it was refused with, or -ETIME. */
int party_result(struct party *p, unsigned int ms);
/*
 * Where an address space has one of a client's buffers locked, or 0. All clients have theirs
 * at the same addresses.
 */
uint64_t party_locked(unsigned int as);
/* Its work is there: the copy is the pattern. */
void party_check_copy(struct party *p);
/* The pattern is what it was, to the CPU. */
void party_check_pattern(const struct party *p);

/* fault_bind.c: what a case may have for `meet` */
void meet_async_binds(struct scene *s);

#define RULE_NAME	40

struct scene {
	const struct fault_case *f;
	struct klog log;
	char rules[MAX_RULES][RULE_NAME];
	char resets[RULE_NAME], boots[RULE_NAME];	/* rules that count them */
	double begin;			/* when the fault was injected */
	double read_us;			/* what a read of a register takes */
	struct party victim, other;
	int probe;			/* how the driver's loading ended */
	long long evicted;		/* pages */
	bool locked;			/* a lock was left: the GPU has to be reset */
};

/* fault_phase.c: bring the driver into the phase, inject, wait for what is to come of it */
void fault_phase(struct scene *s);
/* Of resets and cold boots of the firmware since then. */
unsigned int fault_restarts(const struct scene *s);
/* How many ms are left of those that the driver may take. */
unsigned int fault_left(const struct scene *s);
/* The hardware does nothing wrong any more. */
void fault_end(struct scene *s);
/* Have the GPU suspended when it has nothing to do ("auto"), or not ("on"). */
void power_control(const struct scene *s, const char *value);

#endif
