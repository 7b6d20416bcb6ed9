// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: jobs on the GPU, through the driver's ioctls.
 */

#include "exec.h"
#include "harness.h"
#include "stream.h"

static void test_empty(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	RUN(&c, CS_NOP());
	EXPECT_EQ(syncobj_status(&c.gpu, c.done), 0);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	client_close(&c);
}

#define TEST(name, description)	{ #name, description, test_##name, NULL, 0 }
#define FAULT_TEST(name, description)	\
	{ "fault_" #name, description, test_fault, &fault_##name, 0 }
#define WAKING_TEST(name, description)	\
	{ #name, description, test_waking, &waking_##name, 0 }

static const struct test tests[] = {
	TEST(empty, "a job that does nothing is done"),

	TEST(arith, "MOVE, ADD_IMM, UMIN read back from memory"),
	TEST(multiple, "LOAD_MULTIPLE and STORE_MULTIPLE with holes in the mask"),
	TEST(page_cross, "loads, stores and streams over the edge of a page"),
	TEST(branch, "every condition of BRANCH, taken and not"),
	TEST(loop, "a BRANCH taken a million times"),
	TEST(call, "CALLs eight deep, and back again"),
	TEST(jump, "a thousand JUMPs, and back to the caller"),
	TEST(registers, "registers are 0 at first and stay, also while the GPU is down"),
	TEST(no_effect, "what changes no register and no memory"),
	TEST(scoreboard, "all slots, with SET_SB_ENTRY and WAIT"),
	TEST(store_state, "STORE_STATE stores the time and cycles that the CPU sees"),
	TEST(flush, "FLUSH_CACHE2 and LATEST_FLUSH_ID"),
	TEST(progress, "PROGRESS_LOAD, _STORE and _WAIT"),

	TEST(sync_write, "SYNC_ADD and SYNC_SET of both widths, beside the CPU's atomics"),
	TEST(sync_wait, "SYNC_WAIT of both widths and conditions, at the limits"),
	TEST(deferred, "writes with wait masks come later than what follows"),
	{ "ping_pong", "two queues signal one another", test_ring_of_queues,
	  &(const unsigned int){ 2 }, 0 },
	TEST(wait_cpu, "SYNC_WAIT for a store of the CPU"),
	{ "ring_of_queues", "a token goes round eight queues", test_ring_of_queues,
	  &(const unsigned int){ 8 }, 0 },
	TEST(chain_of_groups, "24 groups wait for one another, the first one starts last"),
	TEST(release, "groups without a slot are let go by one that works on"),
	TEST(syncobj_chain, "64 jobs, each waits for the fence of the one before"),
	TEST(sw_fence, "jobs held back by a fence that the CPU controls"),
	TEST(fence_chain, "12 jobs let go one by one by fences of another driver"),
	TEST(fence_destroy, "a group is destroyed while its jobs wait for such fences"),
	TEST(timeline, "32 jobs along the points of one syncobj"),

	TEST(ring_wrap, "200 jobs through a ring that holds 32"),
	TEST(ring_64k, "1,000 jobs through a ring that holds 512, queued at once"),
	TEST(many_groups, "40 groups at work over 8 slots"),
	TEST(thousand_groups, "1,000 groups with a job each"),
	TEST(many_vms, "40 VMs with the same addresses over 7 address spaces"),
	TEST(suspend_load, "busy groups suspended and resumed 500 times"),
	WAKING_TEST(realtime_job, "a job of a real-time group has a slot at once"),
	WAKING_TEST(high_job, "one of a group of high priority when the period ends"),
	WAKING_TEST(realtime_sync, "a real-time group that waited has a slot at once"),
	WAKING_TEST(high_sync, "one of high priority when the period ends"),
	WAKING_TEST(blocked_job, "a job behind one that waits takes nobody's slot"),
	TEST(half_blocked, "a queue waits, another works, and the group's slot comes and goes"),
	TEST(kill, "100 processes killed at work; the GPU works on"),
	TEST(profiling, "time and cycles of jobs in fdinfo"),

	FAULT_TEST(opcode, "an instruction that does not exist ends its group"),
	FAULT_TEST(unused_opcode, "so does one with a number between others"),
	FAULT_TEST(register, "a register that does not exist"),
	FAULT_TEST(tuple, "one that a mask reaches"),
	FAULT_TEST(pair, "a pair that begins with an odd register"),
	FAULT_TEST(slot, "a scoreboard slot that does not exist"),
	FAULT_TEST(condition, "a condition that does not exist"),
	FAULT_TEST(call_depth, "CALLs too deep"),
	FAULT_TEST(store, "a store to an address without a page"),
	FAULT_TEST(load, "a load from one"),
	FAULT_TEST(fetch, "a job that is at one"),
	FAULT_TEST(call_fetch, "a CALL to one"),
	FAULT_TEST(deferred, "a deferred write to one"),
	FAULT_TEST(readonly, "a store to a page that may only be read"),
	FAULT_TEST(pc, "a CALL to a misaligned address fails its job only"),
	FAULT_TEST(length, "so does a JUMP of half an instruction"),
	FAULT_TEST(target, "a BRANCH out of its stream"),
	FAULT_TEST(misaligned, "a store to an odd address"),
	FAULT_TEST(misaligned_sync, "a sync object at half its size"),
	TEST(fault_between, "one of three jobs in the ring fails, and no other"),
	TEST(error, "a job's error in sync objects and STORE_STATE"),
	TEST(inherit, "SYNC_WAIT for an object with an error"),
	TEST(timeout, "an endless stream is stopped, and slows down nobody"),

	TEST(random, "random streams against a model of them"),
	{ "garbage", "streams and descriptors of random words, beside a group at work",
	  test_garbage, NULL, 3600 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "exec", .tests = tests, .nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
