/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of suite exec share: a client of the GPU with its buffers, a
 * way to write streams down, and the tests that are in files of their own.
 */
#ifndef GUEST_EXEC_H
#define GUEST_EXEC_H

#include <stddef.h>
#include <stdint.h>

#include "group.h"
#include "panthor.h"

#define CODE_VA		0x10000000ull
#define DATA_VA		0x20000000ull
/* Nothing is ever mapped there, nor near it */
#define HOLE_VA		0x30000000ull
#define BO_SIZE		0x10000

/* Longer than any job takes on a slow host; what hangs fails by it */
#define JOB_MS		20000

/* What a job needs: a VM with a buffer of code and one of data, and a group */
struct client {
	struct panthor gpu;
	uint32_t vm;
	struct bo code;
	struct bo data;
	uint32_t group;
	uint32_t done;			/* syncobj of the last job */
};

void client_open(struct client *c, unsigned int queues);
void client_close(struct client *c);

/* In place of the group, another one of the same VM. */
void client_new_group(struct client *c, unsigned int queues);

/* Another buffer of the client, mapped for the CPU, filled with zeroes, bound at va. */
void client_buffer(struct client *c, struct bo *bo, size_t size, const char *label, uint64_t va);

/*
 * Keep the GPU powered until the test ends: the driver suspends it, and all its
 * groups, when no queue has anything to do.
 */
void client_keep_awake(struct client *c);
/* Wait until it has gone down. */
void client_wait_suspended(struct client *c);

/* Put a stream at an offset of the code buffer, and queue it. */
void client_submit(struct client *c, unsigned int queue, size_t offset,
		   const uint64_t *words, size_t nr);
/* The same at offset 0 on queue 0, and wait. */
void client_run(struct client *c, const uint64_t *words, size_t nr);

#define RUN(c, ...) do {						\
	const uint64_t words_[] = { __VA_ARGS__ };			\
	client_run(c, words_, sizeof(words_) / sizeof(words_[0]));	\
} while (0)

static inline uint32_t *data32(struct client *c)
{
	return (uint32_t *)c->data.map;
}

static inline uint64_t *data64(struct client *c)
{
	return (uint64_t *)c->data.map;
}

/*
 * exec_tick.c: wait for a job that a sync object lets go, written by another group. The
 * client's own group has to have two queues and nothing to do, the job's one queue. Returns
 * whether the driver had to be helped, by a job of the client's group, because of a bug of
 * its own. That can be told only after client_watch_scheduler(), which takes time that jobs
 * that wait may not have, and gives -errno if the kernel cannot show it.
 */
int client_watch_scheduler(void);
bool client_wait_released(struct client *c, uint32_t done, const char *who);

/* A stream under construction */
struct stream {
	uint64_t *words;
	size_t nr;
	size_t max;
};

void emit(struct stream *s, uint64_t word);

#define STREAM(name, n)							\
	uint64_t name##_words[n];					\
	struct stream name = { .words = name##_words, .max = (n) }

/* Registers by use: the data's address, and what is stored there */
#define R_ADDR	60
#define R_A	10
#define R_B	12

/* Registers that the driver leaves alone: it uses the last four between jobs */
#define JOB_REGS 92

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
void test_error(const void *arg);
void test_inherit(const void *arg);
void test_timeout(const void *arg);

/* exec_garbage.c */
void test_garbage(const void *arg);

/* exec_random.c */
void test_random(const void *arg);

#endif
