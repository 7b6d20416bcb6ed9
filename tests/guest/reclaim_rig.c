// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite reclaim: address spaces, groups and jobs that work on a buffer. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "group.h"
#include "harness.h"
#include "host.h"
#include "reclaim.h"
#include "stream.h"

#define CODE_SIZE	PAGE
#define COPY_SIZE	(4 * PAGE)	/* of 1024 pages */
#define CODE_AT		0ull
#define COPY_AT		0x1000000ull
#define TARGET_AT	0x10000000ull
#define OTHER_AT	0x20000000ull

/* panthor_sched.c, JOB_TIMEOUT_MS: whatever a job waits for */
#define JOB_TIMEOUT_S	5

/* In the code buffer: the copying job, the blocked ones, what one of them may wait for */
#define BLOCK_OFFSET	1024
#define BLOCK_SIZE	64
#define FLAG_OFFSET	2048

#define LAST_WORD	(PAGE - 8)
#define COPY_STEP	16

#define R_FROM		60
#define R_TO		62
#define R_COUNT		20
#define R_FIRST		10
#define R_LAST		12

uint64_t rig_va(const struct rig *rig, unsigned int vm)
{
	return rig->vms[vm].base + TARGET_AT;
}

uint64_t rig_other_va(const struct rig *rig, unsigned int vm)
{
	return rig->vms[vm].base + OTHER_AT;
}

static void keep_awake(struct rig *rig)
{
	char path[256], control[16] = "";

	snprintf(path, sizeof(path), "%s/power/control", rig->gpu.sysfs);
	/* A test may open more than one rig, and there is a limit to settings */
	if (read_file(control, sizeof(control), "%s", path) > 0 && !strcmp(control, "on"))
		return;
	CHECK_OK(tunable_set(path, "on"));
}

static void create_buffer(struct rig *rig, struct rig_vm *vm, struct bo *bo, size_t size,
			  const char *label, uint64_t va, uint32_t flags)
{
	CHECK_OK(bo_create(&rig->gpu, bo, size, 0, label));
	CHECK_OK(bo_mmap(&rig->gpu, bo));
	memset(bo->map, 0, size);
	CHECK_OK(vm_map(&rig->gpu, vm->vm, bo, 0, va, bo->size, flags));
}

static void create_group(struct rig *rig, struct rig_vm *vm)
{
	vm->group = CHECK_OK(group_create(&rig->gpu, vm->vm, RIG_QUEUES, 4096,
					  PANTHOR_GROUP_PRIORITY_MEDIUM));
}

void rig_open(struct rig *rig, bool awake)
{
	struct drm_panthor_gpu_info info = { 0 };

	memset(rig, 0, sizeof(*rig));
	CHECK_OK(panthor_open(&rig->gpu));
	CHECK_OK(panthor_query(&rig->gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info)));
	rig->coherent = info.coherency_features & 1u << DRM_PANTHOR_GPU_COHERENCY_ACE_LITE;
	rig->awake = awake;
	if (awake)
		keep_awake(rig);
	rig->done = CHECK_OK(syncobj_create(&rig->gpu));
	for (unsigned int i = 0; i < RIG_VMS; i++) {
		struct rig_vm *vm = &rig->vms[i];

		vm->base = 0x40000000ull * (i + 1);
		vm->vm = CHECK_OK(panthor_vm_create(&rig->gpu));
		/* A job that waits for a word of it has to see the CPU change that. */
		create_buffer(rig, vm, &vm->code, CODE_SIZE, "reclaim-code", vm->base + CODE_AT,
			      DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED);
		create_buffer(rig, vm, &vm->copy, COPY_SIZE, "reclaim-copy", vm->base + COPY_AT,
			      0);
		create_group(rig, vm);
	}
}

void rig_new_groups(struct rig *rig)
{
	for (unsigned int i = 0; i < RIG_VMS; i++) {
		CHECK_OK(group_destroy(&rig->gpu, rig->vms[i].group));
		create_group(rig, &rig->vms[i]);
	}
}

void rig_close(struct rig *rig)
{
	for (unsigned int i = 0; i < RIG_VMS; i++) {
		struct rig_vm *vm = &rig->vms[i];

		CHECK_OK(group_destroy(&rig->gpu, vm->group));
		CHECK_OK(bo_destroy(&rig->gpu, &vm->code));
		CHECK_OK(bo_destroy(&rig->gpu, &vm->copy));
		CHECK_OK(panthor_vm_destroy(&rig->gpu, vm->vm));
	}
	CHECK_OK(syncobj_destroy(&rig->gpu, rig->done));
	panthor_close(&rig->gpu);
}

/* A job that failed signals as well: its fence says so */
static void run(struct rig *rig, unsigned int vm, const uint64_t *words, size_t size)
{
	struct rig_vm *v = &rig->vms[vm];

	memcpy(v->code.map, words, size);
	CHECK_OK(group_submit(&rig->gpu, v->group, COPY_QUEUE, v->base + CODE_AT, size, 0,
			      rig->done));
	CHECK_OK(syncobj_wait(&rig->gpu, rig->done, RECLAIM_WAIT_MS));
	CHECK_OK(syncobj_status(&rig->gpu, rig->done));
	CHECK_EQ(group_state(&rig->gpu, v->group, NULL), 0);
}

static void copy_pages(struct rig *rig, unsigned int vm, uint64_t from, uint32_t from_step,
		       uint64_t to, uint32_t to_step, size_t pages)
{
	const unsigned int from_last = from_step == PAGE ? LAST_WORD : 8;
	const unsigned int to_last = to_step == PAGE ? LAST_WORD : 8;
	const uint64_t words[] = {
		CS_MOVE(R_FROM, from), CS_MOVE(R_TO, to), CS_MOVE32(R_COUNT, pages),
		CS_LOAD(R_FIRST, R_FROM, 3, 0), CS_LOAD(R_LAST, R_FROM, 3, from_last),
		CS_WAIT(0xff),
		CS_STORE(R_FIRST, R_TO, 3, 0), CS_STORE(R_LAST, R_TO, 3, to_last),
		CS_WAIT(0xff),
		CS_ADD64(R_FROM, R_FROM, from_step), CS_ADD64(R_TO, R_TO, to_step),
		CS_ADD32(R_COUNT, R_COUNT, -1), CS_BRANCH(CS_GT, R_COUNT, -10),
		/* R_COUNT is 0: whatever has been flushed already */
		CS_FLUSH(CS_CLEAN, CS_CLEAN, 0, R_COUNT, 0, 1), CS_WAIT(1 << 1),
	};
	const size_t size = sizeof(words) - (rig->coherent ? 2 * sizeof(words[0]) : 0);

	CHECK(pages * COPY_STEP <= COPY_SIZE, "%zu pages", pages);
	run(rig, vm, words, size);
}

void rig_read_pages(struct rig *rig, unsigned int vm, uint64_t va, size_t pages)
{
	memset(rig->vms[vm].copy.map, 0x5a, pages * COPY_STEP);
	copy_pages(rig, vm, va, PAGE, rig->vms[vm].base + COPY_AT, COPY_STEP, pages);
}

void rig_write_pages(struct rig *rig, unsigned int vm, uint64_t va, size_t pages)
{
	copy_pages(rig, vm, rig->vms[vm].base + COPY_AT, COPY_STEP, va, PAGE, pages);
}

uint64_t rig_flag_va(const struct rig *rig, unsigned int vm)
{
	return rig->vms[vm].base + CODE_AT + FLAG_OFFSET;
}

void rig_set_flag(struct rig *rig, unsigned int vm, uint64_t value)
{
	*(volatile uint64_t *)(rig->vms[vm].code.map + FLAG_OFFSET) = value;
	if (value)
		rig->blocked[BUSY_QUEUE].since = 0;
}

void rig_block(struct rig *rig, unsigned int vm, enum rig_queue queue, uint64_t va,
	       uint32_t signal)
{
	const uint32_t at = BLOCK_OFFSET + queue * BLOCK_SIZE;
	struct rig_vm *v = &rig->vms[vm];
	const uint64_t words[] = {
		CS_MOVE(R_FROM, va), CS_MOVE(R_FIRST, 0ull),
		CS_SYNC_WAIT64(CS_GT, R_FROM, R_FIRST),
	};

	memcpy(v->code.map + at, words, sizeof(words));
	CHECK_OK(group_submit(&rig->gpu, v->group, queue, v->base + CODE_AT + at, sizeof(words), 0,
			      signal));
	rig->blocked[queue].since = now();
	rig->blocked[queue].done = signal;
}

void rig_need_blocked(const struct rig *rig)
{
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		double waits = now() - rig->blocked[i].since;

		if (!rig->blocked[i].since || waits < JOB_TIMEOUT_S ||
		    syncobj_wait(&rig->gpu, rig->blocked[i].done, 0) ||
		    syncobj_status(&rig->gpu, rig->blocked[i].done) != -ETIMEDOUT)
			continue;
		test_allow("job timeout");
		test_skip("what was to happen while a job waits took %.1f s, and the driver ends a "
			  "job after %d s (panthor_sched.c, JOB_TIMEOUT_MS): the kernel, or the "
			  "host, is too slow for it",
			  waits, JOB_TIMEOUT_S);
	}
}

static unsigned int as_count(void)
{
	static unsigned int count;

	if (!count)
		count = host_property("as-count");
	return count;
}

int rig_find_as(uint64_t va)
{
	struct host_range range;

	for (unsigned int as = 1; as < as_count(); as++)
		if (host_mappings(as, va, va + PAGE - 1, &range, 1) && !range.exception)
			return as;
	return -1;
}

int rig_find_lock(const struct rig *rig, uint64_t *va)
{
	static const uint64_t ats[] = { CODE_AT, COPY_AT, TARGET_AT, OTHER_AT };
	struct host_peek peek;

	for (unsigned int i = 0; i < RIG_VMS * ARRAY_SIZE(ats); i++) {
		*va = rig->vms[i % RIG_VMS].base + ats[i / RIG_VMS];
		for (unsigned int as = 1; as < as_count(); as++) {
			host_translate(as, *va, "read", &peek);
			if (peek.locked)
				return as;
		}
	}
	return -1;
}
