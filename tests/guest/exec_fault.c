// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: what goes wrong in a stream, and what the driver makes of it: an
 * error that ends the group (CS_FATAL), one that ends the job (CS_FAULT), a job
 * that takes too long. After each the GPU works on.
 */

#include <drm/panthor_drm.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "harness.h"
#include "klog.h"
#include "stream.h"

#define READONLY_VA	0x28000000ull
/* Longer than a message takes on a slow host */
#define MESSAGE_S	patience(10)

/* Exceptions, from the driver's enum (panthor_device.h) */
enum {
	INSTR_INVALID = 0x49, CALL_STACK_OVERFLOW = 0x4a, INHERIT_FAULT = 0x4b,
	INVALID_PC = 0x50, DATA_INVALID = 0x58,
	TRANSLATION_FAULT_2 = 0xc2, PERM_FAULT_3 = 0xcb,
};

/* How an access was made, in the fault status of an address space */
enum { ANY, READ = 2, WRITE = 3 };

struct fault {
	bool fatal;			/* it ends the group, not just the job */
	unsigned int exception;		/* of the queue, or of the address space: */
	uint64_t va;			/* where the MMU saw a fault, if not 0 */
	unsigned int access;
	uint64_t stream;		/* the job's address if not the code's */
	unsigned int nr;
	uint64_t words[8];
};

#define FATAL(type)	.fatal = true, .exception = (type)
#define FAULT(type)	.exception = (type)
/* An access that the MMU refuses is an error of the queue too, of whatever type */
#define PAGE_FAULT(type, at, how)	\
			.fatal = true, .exception = (type), .va = (at), .access = (how)
#define WORDS(...)	.nr = sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, .words = { __VA_ARGS__ }

const struct fault fault_opcode = { FATAL(INSTR_INVALID), WORDS(CS_OP(0xff)) };
const struct fault fault_unused_opcode = { FATAL(INSTR_INVALID), WORDS(CS_OP(10)) };
const struct fault fault_register = { FATAL(INSTR_INVALID), WORDS(CS_MOVE32(96, 1)) };
/* The register that the mask's highest bit stands for */
const struct fault fault_tuple = {
	FATAL(INSTR_INVALID), WORDS(CS_MOVE(R_ADDR, DATA_VA), CS_STORE(81, R_ADDR, 0x8000, 0))
};
const struct fault fault_pair = { FATAL(INSTR_INVALID), WORDS(CS_MOVE(11, 1ull)) };
const struct fault fault_slot = {
	FATAL(INSTR_INVALID), WORDS(CS_FLUSH(CS_CLEAN, CS_CLEAN, 0, R_A, 0, 8))
};
const struct fault fault_condition = { FATAL(INSTR_INVALID), WORDS(CS_BRANCH(7, R_A, 0)) };
const struct fault fault_pc = {
	FAULT(INVALID_PC),
	WORDS(CS_MOVE(R_ADDR, CODE_VA + 4), CS_MOVE32(R_A, 8), CS_CALL(R_ADDR, R_A))
};
const struct fault fault_length = {
	FAULT(INVALID_PC),
	WORDS(CS_MOVE(R_ADDR, CODE_VA), CS_MOVE32(R_A, 12), CS_JUMP(R_ADDR, R_A))
};
const struct fault fault_target = {
	FAULT(INVALID_PC), WORDS(CS_NOP(), CS_BRANCH(CS_ALWAYS, R_A, -3))
};
/* A stream that calls itself: nine levels where there are eight */
const struct fault fault_call_depth = {
	FATAL(CALL_STACK_OVERFLOW),
	WORDS(CS_MOVE(R_ADDR, CODE_VA), CS_MOVE32(R_A, 24), CS_CALL(R_ADDR, R_A))
};
const struct fault fault_store = {
	PAGE_FAULT(TRANSLATION_FAULT_2, HOLE_VA, WRITE),
	WORDS(CS_MOVE(R_ADDR, HOLE_VA), CS_STORE(R_A, R_ADDR, 1, 0), CS_WAIT(0xff))
};
const struct fault fault_load = {
	PAGE_FAULT(TRANSLATION_FAULT_2, HOLE_VA + 0x40, READ),
	WORDS(CS_MOVE(R_ADDR, HOLE_VA), CS_LOAD(R_A, R_ADDR, 1, 0x40), CS_WAIT(0xff))
};
const struct fault fault_fetch = {
	PAGE_FAULT(TRANSLATION_FAULT_2, HOLE_VA, ANY), .stream = HOLE_VA, WORDS(CS_NOP())
};
const struct fault fault_call_fetch = {
	PAGE_FAULT(TRANSLATION_FAULT_2, HOLE_VA, ANY),
	WORDS(CS_MOVE(R_ADDR, HOLE_VA), CS_MOVE32(R_A, 8), CS_CALL(R_ADDR, R_A))
};
const struct fault fault_readonly = {
	PAGE_FAULT(PERM_FAULT_3, READONLY_VA, WRITE),
	WORDS(CS_MOVE(R_ADDR, READONLY_VA), CS_MOVE32(R_A, 0xbad), CS_STORE(R_A, R_ADDR, 1, 0),
	      CS_WAIT(0xff))
};
/* Found out only when the flush is done */
const struct fault fault_deferred = {
	PAGE_FAULT(TRANSLATION_FAULT_2, HOLE_VA, WRITE),
	WORDS(CS_MOVE(R_ADDR, HOLE_VA), CS_MOVE(R_A, 0ull),
	      CS_FLUSH(CS_CLEAN_INVALIDATE, CS_CLEAN_INVALIDATE, 2, R_A, 0, 1),
	      CS_SYNC_SET32(R_ADDR, R_A, CS_CSG) | CS_DEFER(1 << 1, 2), CS_WAIT(0xff))
};
const struct fault fault_misaligned = {
	FAULT(DATA_INVALID),
	WORDS(CS_MOVE(R_ADDR, DATA_VA + 2), CS_MOVE32(R_A, 0xbad), CS_STORE(R_A, R_ADDR, 1, 0),
	      CS_WAIT(0xff))
};
const struct fault fault_misaligned_sync = {
	FAULT(DATA_INVALID),
	WORDS(CS_MOVE(R_ADDR, DATA_VA + 4), CS_MOVE(R_A, 0xbadull),
	      CS_SYNC_SET64(R_ADDR, R_A, CS_CSG))
};

/* The messages about an error of a queue, and about a page fault (panthor_sched.c, _mmu.c) */
static void allow_messages(const struct fault *f)
{
	char regex[128];

	test_allow(f->fatal ? "CS_FATAL" : "CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	if (!f->va)
		return;
	snprintf(regex, sizeof(regex), "Unhandled Page fault in AS\\d+ at VA 0x%016llX",
		 (unsigned long long)f->va);
	test_allow(regex);
	test_allow("raw fault status: 0x[0-9A-F]+$");
}

/* Line breaks of a message are escapes when its record is read (dev-kmsg) */
static bool says(const struct klog_record *record, const char *text, unsigned long long value)
{
	const char *at = strstr(record->text, text);
	char *end;

	return at && strtoull(at + strlen(text), &end, 16) == value;
}

static bool says_page_fault(const struct klog_record *record, const struct fault *f)
{
	return strstr(record->text, "Unhandled Page fault") &&
	       says(record, "at VA ", f->va) && says(record, "exception type ", f->exception) &&
	       (f->access == ANY || says(record, "access type ", f->access));
}

/*
 * Both messages must come, once each. They are of different interrupts: when
 * the job is done, the second one may still be on its way.
 */
static void check_messages(struct klog *log, const struct fault *f)
{
	const char *type = f->fatal ? "CS_FATAL.EXCEPTION_TYPE: " : "CS_FAULT.EXCEPTION_TYPE: ";
	unsigned int queue = 0, mmu = 0, wanted = f->va ? 1 : 0;
	double deadline = now() + MESSAGE_S;
	struct klog_record record;

	do {
		while (klog_read(log, &record)) {
			if (strstr(record.text, type))
				queue += f->va || says(&record, type, f->exception);
			mmu += says_page_fault(&record, f);
		}
		if (queue >= 1 && mmu >= wanted)
			break;
		sleep_ms(1);
	} while (now() < deadline);
	EXPECT_EQ(queue, 1);
	EXPECT_EQ(mmu, wanted);
}

/* A buffer that the GPU may only read */
static void bind_readonly(struct client *c, struct bo *bo)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
			 DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
		.va = READONLY_VA, .size = 4096,
	};
	struct drm_panthor_vm_bind args = {
		.vm_id = c->vm, .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	CHECK_OK(bo_create(&c->gpu, bo, 4096, 0, "exec-readonly"));
	CHECK_OK(bo_mmap(&c->gpu, bo));
	memset(bo->map, 0, 4096);
	*(uint32_t *)bo->map = 0x600d;
	op.bo_handle = bo->handle;
	CHECK_OK(drm_ioctl(&c->gpu, DRM_IOCTL_PANTHOR_VM_BIND, &args));
}

/* A job that reads and writes all there is; each time another number */
static void check_clean(struct client *c)
{
	static uint32_t number = 0x600d;

	RUN(c, CS_MOVE(R_ADDR, READONLY_VA), CS_LOAD(R_A, R_ADDR, 1, 0), CS_WAIT(0xff),
	    CS_MOVE32(R_A + 1, ++number),
	    CS_MOVE(R_ADDR, DATA_VA), CS_STORE(R_A, R_ADDR, 3, 0x100), CS_WAIT(0xff));
	EXPECT_EQ(data32(c)[64], 0x600d);
	EXPECT_EQ(data32(c)[65], number);
	EXPECT_EQ(syncobj_status(&c->gpu, c->done), 0);
	EXPECT_EQ(group_state(&c->gpu, c->group, NULL), 0);
}

/*
 * The job fails; behind the error nothing is done. Then another job works: of
 * the same group, or of a new one if the error ends groups.
 */
void test_fault(const void *arg)
{
	const struct fault *f = arg;
	struct client c = { 0 };
	uint32_t fatal = 0;
	STREAM(s, 16);
	struct klog log;
	struct bo bo;

	client_open(&c, 1);
	bind_readonly(&c, &bo);
	allow_messages(f);
	CHECK_OK(klog_open(&log, true));
	for (unsigned int i = 0; i < f->nr; i++)
		emit(&s, f->words[i]);
	if (f != &fault_call_depth) {
		emit(&s, CS_MOVE(R_ADDR, DATA_VA));
		emit(&s, CS_MOVE32(R_A, 0xbad));
		emit(&s, CS_STORE(R_A, R_ADDR, 1, 0x200));
		emit(&s, CS_WAIT(0xff));
	}
	memcpy(c.code.map, s.words, s.nr * 8);
	CHECK_OK(group_submit(&c.gpu, c.group, 0, f->stream ?: CODE_VA, s.nr * 8, 0, c.done));
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(syncobj_status(&c.gpu, c.done), -EINVAL);
	EXPECT_EQ(group_state(&c.gpu, c.group, &fatal),
		  f->fatal ? DRM_PANTHOR_GROUP_STATE_FATAL_FAULT : 0);
	EXPECT_EQ(fatal, f->fatal ? 1 : 0);
	EXPECT_EQ(*(uint32_t *)bo.map, 0x600d);
	for (size_t i = 0; i < BO_SIZE / 4; i++)
		CHECK(!data32(&c)[i], "0x%x at 0x%zx of the data", data32(&c)[i], i * 4);
	check_messages(&log, f);
	if (f->fatal)
		client_new_group(&c, 1);
	check_clean(&c);
	check_clean(&c);
	klog_close(&log);
	client_close(&c);
}

/*
 * Three jobs in the ring at once, the second one fails: the others do not, neither the one
 * that is done by then nor the one that has not begun.
 */
void test_fault_between(const void *arg)
{
	enum { JOBS = 3, CODE = 0x100 };
	const struct fault *f = &fault_pc;
	const uint64_t hold[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 0ull), CS_SYNC_WAIT64(CS_GT, R_ADDR, R_A),
	};
	struct client c = { 0 };
	uint32_t done[JOBS];
	struct klog log;

	(void)arg;
	client_open(&c, 1);
	client_keep_awake(&c);
	allow_messages(f);
	CHECK_OK(klog_open(&log, true));
	for (unsigned int i = 0; i < JOBS; i++) {
		STREAM(s, 16);

		for (unsigned int k = 0; i == 0 && k < ARRAY_SIZE(hold); k++)
			emit(&s, hold[k]);
		for (unsigned int k = 0; i == 1 && k < f->nr; k++)
			emit(&s, f->words[k]);
		emit(&s, CS_MOVE(R_ADDR, DATA_VA + 0x100 + i * 4));
		emit(&s, CS_MOVE32(R_A, 0x600d + i));
		emit(&s, CS_STORE(R_A, R_ADDR, 1, 0));
		emit(&s, CS_WAIT(0xff));
		memcpy(c.code.map + i * CODE, s.words, s.nr * 8);
		done[i] = CHECK_OK(syncobj_create(&c.gpu));
		CHECK_OK(group_submit(&c.gpu, c.group, 0, CODE_VA + i * CODE, s.nr * 8, 0,
				      done[i]));
	}
	for (unsigned int i = 0; i < JOBS; i++)
		EXPECT_EQ(syncobj_wait(&c.gpu, done[i], 0), -ETIME);
	*(volatile uint64_t *)data64(&c) = 1;
	for (unsigned int i = 0; i < JOBS; i++) {
		CHECK_OK(syncobj_wait(&c.gpu, done[i], JOB_MS));
		EXPECT_EQ(syncobj_status(&c.gpu, done[i]), i == 1 ? -EINVAL : 0);
		EXPECT_EQ(data32(&c)[64 + i], i == 1 ? 0 : 0x600d + i);
	}
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	check_messages(&log, f);
	klog_close(&log);
	client_close(&c);
}

/*
 * What was deferred when the stream failed is still done, and tells of the
 * error where it was asked to. The next job begins without it.
 */
void test_error(const void *arg)
{
	struct client c = { 0 };
	const uint32_t *w;

	(void)arg;
	client_open(&c, 1);
	w = data32(&c);
	test_allow("CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	RUN(&c,
	    CS_MOVE(60, DATA_VA), CS_MOVE(62, DATA_VA + 16), CS_MOVE(64, DATA_VA + 32),
	    CS_MOVE(66, DATA_VA + 48), CS_MOVE(68, DATA_VA + 2), CS_MOVE(10, 7ull),
	    CS_MOVE32(20, 0),
	    CS_FLUSH(CS_CLEAN_INVALIDATE, CS_CLEAN_INVALIDATE, 2, 20, 0, 2),
	    CS_SYNC_SET64(60, 10, CS_CSG) | CS_PROPAGATE | CS_DEFER(1 << 2, 3),
	    CS_SYNC_SET32(62, 10, CS_CSG) | CS_PROPAGATE | CS_DEFER(1 << 2, 3),
	    CS_SYNC_ADD64(64, 10, CS_CSG) | CS_DEFER(1 << 2, 3),
	    CS_STORE_STATE(66, CS_ERROR, 0) | CS_DEFER(1 << 2, 3),
	    CS_STORE(10, 68, 1, 0));
	EXPECT_EQ(syncobj_status(&c.gpu, c.done), -EINVAL);
	EXPECT_EQ(data64(&c)[0], 7);
	EXPECT(w[2], "the 64-bit object has no error");
	EXPECT_EQ(w[4], 7);
	EXPECT(w[5], "the 32-bit object has no error");
	EXPECT_EQ(data64(&c)[4], 7);
	EXPECT_EQ(w[10], 0);
	EXPECT(data64(&c)[6], "STORE_STATE saw no error");

	memset(c.data.map, 0, 4096);
	RUN(&c,
	    CS_MOVE(60, DATA_VA), CS_MOVE(66, DATA_VA + 48), CS_MOVE(10, 7ull),
	    CS_SYNC_SET64(60, 10, CS_CSG) | CS_PROPAGATE,
	    CS_STORE_STATE(66, CS_ERROR, 0));
	EXPECT_EQ(syncobj_status(&c.gpu, c.done), 0);
	EXPECT_EQ(data64(&c)[0], 7);
	EXPECT_EQ(w[2], 0);
	EXPECT_EQ(data64(&c)[6], 0);
	client_close(&c);
}

/* An object with an error fails who waits for it, unless that is not asked for */
void test_inherit(const void *arg)
{
	static const struct fault inherit = { FAULT(INHERIT_FAULT) };
	struct client c = { 0 };
	struct klog log;

	(void)arg;
	client_open(&c, 1);
	allow_messages(&inherit);
	CHECK_OK(klog_open(&log, true));
	for (unsigned int i = 0; i < 4; i++) {
		bool wide = i & 1, reject = i & 2;
		uint64_t wait = wide ? CS_SYNC_WAIT64(CS_GT, 60, 10)
				     : CS_SYNC_WAIT32(CS_GT, 60, 10);

		memset(c.data.map, 0, 4096);
		data32(&c)[0] = 5;
		data32(&c)[wide ? 2 : 1] = 1;
		RUN(&c, CS_MOVE(60, DATA_VA), CS_MOVE(62, DATA_VA + 64), CS_MOVE(10, 4ull),
		    wait | (reject ? CS_REJECT : 0), CS_STORE(10, 62, 1, 0), CS_WAIT(0xff));
		EXPECT_EQ(syncobj_status(&c.gpu, c.done), reject ? 0 : -EINVAL);
		EXPECT_EQ(data32(&c)[16], reject ? 4 : 0);
		if (!reject)
			check_messages(&log, &inherit);
	}
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	klog_close(&log);
	client_close(&c);
}

/* A stream without end is stopped after the driver's 5 s; others do not notice */
void test_timeout(const void *arg)
{
	struct client c = { 0 };
	uint32_t group, done;
	const uint64_t endless[] = { CS_NOP(), CS_BRANCH(CS_ALWAYS, 0, -2) };
	const uint64_t quick[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 1ull),
		CS_SYNC_ADD64(R_ADDR, R_A, CS_SYSTEM),
	};

	(void)arg;
	client_open(&c, 1);
	test_allow("job timeout: pid=\\d+, comm=exec");
	group = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096, PANTHOR_GROUP_PRIORITY_MEDIUM));
	done = CHECK_OK(syncobj_create(&c.gpu));
	client_submit(&c, 0, 0, endless, 2);
	memcpy(c.code.map + 0x1000, quick, sizeof(quick));
	for (unsigned int i = 1; i <= 50; i++) {
		CHECK_OK(group_submit(&c.gpu, group, 0, CODE_VA + 0x1000, sizeof(quick), 0, done));
		CHECK_OK(syncobj_wait(&c.gpu, done, JOB_MS));
		EXPECT_EQ(data64(&c)[0], i);
	}
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(syncobj_status(&c.gpu, c.done), -ETIMEDOUT);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), DRM_PANTHOR_GROUP_STATE_TIMEDOUT);
	EXPECT_EQ(group_state(&c.gpu, group, NULL), 0);
	client_close(&c);
}
