// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: groups and queues, as panthor_sched.c has them. */

#include "fault.h"


/* A request that is not answered, or wrongly, has the GPU reset; groups go on after it */
#define REQUEST(name, phase, filter, act)					\
	{									\
		name, phase, { "csg-request " filter " count=1 -> " act },	\
		RECOVERS, .by = "csgs_upd_ctx_apply_locked", .ms = ACK_MS + REBOOT_MS,	\
		.says = M(CSG_LATE), .may = M(TERMINATING),			\
	}

/* An error of a queue; all but CS_UNRECOVERABLE (0x41) end the group without a reset */
#define QUEUE_FATAL(name, type)							\
	{									\
		name, RUNNING, { "fetch csg=0 count=1 -> fatal type=" #type },	\
		KILLS_GROUP, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES,	\
		.says = M(CS_FATAL), .text = "CS_FATAL.EXCEPTION_TYPE: " #type " ",	\
	}

#define QUEUE_FAULT(name, type)							\
	{									\
		name, RUNNING, { "fetch csg=0 count=1 -> fault type=" #type },	\
		KILLS_GROUP, .by = "cs_slot_process_fault_event_locked", JOB_FAULT, LIVES,	\
		.says = M(CS_FAULT), .text = "CS_FAULT.EXCEPTION_TYPE: " #type " ",	\
	}

/* CS_ACK's bits, and the interrupt that tells of the queue: nobody is to blame */
#define FATAL_EVENT	"0x40000000"
#define FAULT_EVENT	"0x80000000"
#define UNOWNED(name, csg, csg_bit, cs, cs_bit, event, what)			\
	{									\
		name, RUNNING,							\
		{ AT_ONCE "interface block=cs side=out csg=" #csg " cs=" #cs	\
		  " offset=0 bits=" event,					\
		  AT_ONCE "interface block=csg side=out csg=" #csg		\
		  " offset=0xc bits=" #cs_bit " time=50us",			\
		  AT_ONCE "raise line=job bits=" #csg_bit " time=100us" },	\
		UNAFFECTED, .by = "cs_slot_process_irq_locked", .says = M(what),	\
		.text = "CSG slot " #csg " CS slot: " #cs "($|[^0-9])",		\
	}

static const struct fault_case fault_sched_cases[] = {
	REQUEST("start_unanswered", RUNNING, "request=start", "never"),
	REQUEST("end_unanswered", RUNNING, "request=terminate", "never"),
	REQUEST("status_unanswered", RUNNING, "csg=0 request=status-update", "never"),
	REQUEST("status_unanswered", IDLE, "csg=0 request=status-update", "never"),
	REQUEST("endpoint_unanswered", RUNNING, "csg=0 request=endpoint-config", "never"),
	REQUEST("resume_unanswered", RESUME, "csg=0 request=resume", "never"),
	REQUEST("start_wrong", RUNNING, "request=start", "ack value=5"),
	REQUEST("resume_wrong", RESUME, "csg=0 request=resume", "ack value=5"),
	{
		"status_slow", RUNNING, { "csg-request request=status-update -> delay time=50ms" },
		UNAFFECTED, .by = "panthor_fw_csg_wait_acks", .ms = 16 * ACK_MS,
	},
	/* A group that is not suspended is ended, and is said to be innocent */
	{
		"suspend_unanswered", SUSPEND,
		{ "csg-request csg=0 request=suspend count=1 -> never" },
		KILLS_GROUP, .by = "panthor_sched_suspend", INNOCENT, LIVES, .ms = 2 * ACK_MS,
		.says = M(CSG_LATE) | M(TERMINATING),
	}, {
		"suspend_wrong", SUSPEND,
		{ "csg-request csg=0 request=suspend count=1 -> ack value=5" },
		KILLS_GROUP, .by = "panthor_sched_suspend", INNOCENT, LIVES, .ms = 2 * ACK_MS,
		.says = M(CSG_LATE) | M(TERMINATING),
	}, {
		"suspend_end_unanswered", SUSPEND,
		{ "csg-request csg=0 request=suspend count=1 -> never",
		  "csg-request csg=0 request=terminate count=1 -> never" },
		KILLS_GROUP, .by = "panthor_sched_suspend", INNOCENT, LIVES, .ms = 3 * ACK_MS,
		.says = M(CSG_LATE) | M(TERMINATING),
	},

	/* The suspend buffer */
	{
		"suspend_flipped", SUSPEND,
		{ "suspend-save csg=0 count=1 -> flip offset=0 bits=0xff" },
		KILLS_GROUP, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES,
		.says = M(CS_FATAL),
	}, {
		"suspend_fails", SUSPEND, { "suspend-save csg=0 count=1 -> fail" },
		KILLS_GROUP, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES,
		.says = M(CS_FATAL),
	}, {
		"resume_flipped", RESUME,
		{ "suspend-load csg=0 count=1 -> flip offset=0 bits=0xff" },
		KILLS_GROUP, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES,
		.says = M(CS_FATAL),
	}, {
		"resume_fails", RESUME, { "suspend-load csg=0 count=1 -> fail" },
		KILLS_GROUP, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES,
		.says = M(CS_FATAL),
	},

	/* A job whose end is not counted never ends */
	{
		"sync_lost", RUNNING, { "sync csg=0 opcode=sync_add64 count=1 -> drop" },
		KILLS_GROUP, .by = "queue_timedout_job", TIMED_OUT, LIVES, .ms = 2 * TIMEOUT_MS,
		.says = M(JOB_LATE),
	}, {
		"sync_update_lost", RUNNING,
		{ "csg-event csg=0 event=sync-update count=1 -> drop" },
		UNAFFECTED, .by = "queue_timeout_work", .ms = TIMEOUT_MS,
	}, {
		"doorbell_lost", IDLE, { "doorbell doorbell=1 count=1 -> drop" },
		KILLS_GROUP, .by = "queue_timedout_job", TIMED_OUT, LIVES,
		.ms = TIMEOUT_MS + ACK_MS, .says = M(JOB_LATE),
	}, {
		"queue_stalled", RUNNING, { AT_ONCE "stall-queue csg=0 cs=0 for=never" },
		KILLS_GROUP, .by = "queue_timedout_job", TIMED_OUT, LIVES,
		.ms = TIMEOUT_MS + ACK_MS, .says = M(JOB_LATE),
	},

	/* Spurious events */
	{
		"progress_timer", RUNNING,
		{ AT_ONCE "interface block=csg side=out csg=0 offset=0 bits=0x80000000",
		  AT_ONCE "raise line=job bits=0x1 time=100us" },
		KILLS_GROUP, .by = "csg_slot_process_progress_timer_event_locked", TIMED_OUT, LIVES,
		.says = M(PROGRESS_LATE),
	}, {
		"tiler_oom", RUNNING,
		{ AT_ONCE "interface block=cs side=out csg=0 cs=0 offset=0 bits=0x4000000",
		  AT_ONCE "interface block=csg side=out csg=0 offset=0xc bits=0x1 time=50us",
		  AT_ONCE "raise line=job bits=0x1 time=100us" },
		KILLS_GROUP, .by = "group_process_tiler_oom", FATAL, LIVES,
		.says = M(HEAP_FAILED),
	},

	/* An event of a slot without a group, of a queue that the group does not have */
	UNOWNED("fatal_of_nobody", 7, 0x80, 0, 0x1, FATAL_EVENT, CS_FATAL),
	UNOWNED("fault_of_nobody", 7, 0x80, 0, 0x1, FAULT_EVENT, CS_FAULT),
	UNOWNED("fault_of_no_queue", 0, 0x1, 3, 0x8, FAULT_EVENT, CS_FAULT),

	QUEUE_FATAL("cs_config_fault", 0x40),
	QUEUE_FATAL("cs_endpoint_fault", 0x44),
	QUEUE_FATAL("cs_bus_fault", 0x48),
	QUEUE_FATAL("cs_instr_invalid", 0x49),
	QUEUE_FATAL("cs_call_stack_overflow", 0x4a),
	QUEUE_FATAL("csf_fw_internal_error", 0x68),
	QUEUE_FAULT("cs_res_term", 0xf),
	QUEUE_FAULT("cs_inherit_fault", 0x4b),
	QUEUE_FAULT("instr_invalid_pc", 0x50),
	QUEUE_FAULT("instr_invalid_enc", 0x51),
	QUEUE_FAULT("instr_barrier_fault", 0x55),
	QUEUE_FAULT("data_invalid_fault", 0x58),
	QUEUE_FAULT("tile_range_fault", 0x59),
	QUEUE_FAULT("addr_range_fault", 0x5a),
	QUEUE_FAULT("imprecise_fault", 0x5b),
	QUEUE_FAULT("oom", 0x60),
	QUEUE_FAULT("csf_res_eviction_timeout", 0x69),
	{
		"cs_unrecoverable", RUNNING, { "fetch csg=0 count=1 -> fatal type=0x41" },
		RECOVERS, .by = "cs_slot_process_fatal_event_locked", FATAL, LIVES, .ms = REBOOT_MS,
		.says = M(CS_FATAL), .text = "CS_FATAL.EXCEPTION_TYPE: 0x41 ",
	},
};

FAULT_TABLE(fault_sched);
