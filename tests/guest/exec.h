/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tests of suite exec that are in files of their own, and what suites share of them. */
#ifndef GUEST_EXEC_H
#define GUEST_EXEC_H

#include <stdbool.h>

#include "client.h"

/*
 * exec_tick.c: wait for a job that a sync object lets go, written by another group. The
 * client's own group has to have two queues and nothing to do, the job's one queue. Returns
 * whether the driver had to be helped, by a job of the client's group, because of a bug of
 * its own. That can be told only after client_watch_scheduler(), which takes time that jobs
 * that wait may not have, and gives -errno if the kernel cannot show it.
 */
int client_watch_scheduler(void);
bool client_wait_released(struct client *c, uint32_t done, const char *who);

/* exec_insn.c */
void test_arith(const void *arg);
void test_multiple(const void *arg);
void test_page_cross(const void *arg);
void test_branch(const void *arg);
void test_loop(const void *arg);
void test_call(const void *arg);
void test_jump(const void *arg);
void test_registers(const void *arg);
void test_no_effect(const void *arg);
void test_scoreboard(const void *arg);
void test_store_state(const void *arg);
void test_flush(const void *arg);
void test_progress(const void *arg);

/* exec_sync.c */
void test_sync_write(const void *arg);
void test_sync_wait(const void *arg);
void test_deferred(const void *arg);
void test_wait_cpu(const void *arg);
void test_ring_of_queues(const void *arg);	/* their number */
void test_chain_of_groups(const void *arg);
void test_syncobj_chain(const void *arg);
void test_sw_fence(const void *arg);

/* exec_tick.c */
void test_release(const void *arg);

/* exec_slot.c: arg is one of the ways to wake a group */
struct waking;
extern const struct waking waking_realtime_job, waking_high_job, waking_realtime_sync,
	waking_high_sync, waking_blocked_job;
void test_waking(const void *arg);
void test_half_blocked(const void *arg);

/* exec_fence.c */
void test_fence_chain(const void *arg);
void test_fence_destroy(const void *arg);
void test_timeline(const void *arg);

/* exec_sched.c */
void test_ring_wrap(const void *arg);
void test_ring_64k(const void *arg);
void test_many_groups(const void *arg);
void test_thousand_groups(const void *arg);
void test_many_vms(const void *arg);
void test_suspend_load(const void *arg);
void test_kill(const void *arg);
void test_profiling(const void *arg);

/* exec_fault.c: arg is one of the faults */
struct fault;
extern const struct fault fault_opcode, fault_unused_opcode, fault_register, fault_tuple,
	fault_pair, fault_slot, fault_condition, fault_pc, fault_length, fault_target,
	fault_call_depth, fault_store, fault_load, fault_fetch, fault_call_fetch, fault_readonly,
	fault_deferred, fault_misaligned, fault_misaligned_sync;
void test_fault(const void *arg);
void test_fault_between(const void *arg);
void test_error(const void *arg);
void test_inherit(const void *arg);
void test_timeout(const void *arg);

/* exec_garbage.c */
void test_garbage(const void *arg);

/* exec_random.c */
void test_random(const void *arg);

#endif
