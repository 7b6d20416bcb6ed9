// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "ioctl.h"
#include "need.h"
#include "vgem.h"

/* What is freed by a work, some time later */

void ioctl_scene_open(struct ioctl_scene *s)
{
	int dmabuf;

	memset(s, 0, sizeof(*s));
	client_open(&s->c, 2);
	s->other_vm = CHECK_OK(panthor_vm_create(&s->c.gpu));
	CHECK_OK(bo_create(&s->c.gpu, &s->bo, BO_SIZE, 0, "ioctl"));
	CHECK_OK(bo_mmap(&s->c.gpu, &s->bo));
	memset(s->bo.map, 0x5a, s->bo.size);
	CHECK_OK(bo_create(&s->c.gpu, &s->no_mmap, BO_SIZE, DRM_PANTHOR_BO_NO_MMAP,
			   "ioctl-no-mmap"));
	CHECK_OK(bo_create_private(&s->c.gpu, &s->private, BO_SIZE, 0, s->other_vm,
				   "ioctl-private"));
	s->vgem = vgem_open();
	if (s->vgem >= 0) {
		dmabuf = CHECK_OK(vgem_create(s->vgem, BO_SIZE));
		CHECK_OK(bo_import(&s->c.gpu, &s->imported, dmabuf, BO_SIZE));
		close(dmabuf);
	}
	s->unsignalled = CHECK_OK(syncobj_create(&s->c.gpu));
	s->heap = (struct drm_panthor_tiler_heap_create) {
		.vm_id = s->c.vm, .initial_chunk_count = 1, .chunk_size = 128 * KIB,
		.max_chunks = 2, .target_in_flight = 1,
	};
	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &s->heap));
}

void ioctl_scene_close(struct ioctl_scene *s)
{
	CHECK_OK(syncobj_destroy(&s->c.gpu, s->unsignalled));
	if (s->imported.handle)
		CHECK_OK(bo_destroy(&s->c.gpu, &s->imported));
	if (s->vgem >= 0)
		close(s->vgem);
	CHECK_OK(bo_destroy(&s->c.gpu, &s->private));
	CHECK_OK(bo_destroy(&s->c.gpu, &s->no_mmap));
	CHECK_OK(bo_destroy(&s->c.gpu, &s->bo));
	CHECK_OK(panthor_vm_destroy(&s->c.gpu, s->other_vm));
	client_close(&s->c);
}

static void fill(const struct ioctl_case *its, const struct ioctl_scene *s,
		 struct ioctl_call *call)
{
	memset(call, 0, sizeof(*call));
	its->fill(s, call);
}

/* The argument as it should be is taken. */
static void check_good(const struct ioctl_case *its, const struct ioctl_scene *s,
		       const char *after)
{
	struct ioctl_call call;
	int ret;

	fill(its, s, &call);
	ret = drm_ioctl(&s->c.gpu, its->request, call.args);
	CHECK(!ret, "%s: %s %s", its->name, strerror(-ret), after);
	if (its->undo)
		its->undo(s, &call);
}

static void check_wrong(const struct ioctl_case *its, const struct ioctl_scene *s,
			const struct wrong *w)
{
	struct ioctl_call call;
	uint8_t *parts[] = {
		[ARGS] = call.args, [ITEM] = call.items[0], [SYNC] = call.syncs[0],
	};
	uint64_t value;
	int ret;

	fill(its, s, &call);
	value = w->value_of ? w->value_of(s, &call) : w->value;
	/* The guest is little-endian: a narrower field is the low bytes. */
	memcpy(parts[w->part] + w->offset, &value, w->size);
	ret = drm_ioctl(&s->c.gpu, its->request, call.args);
	EXPECT(ret == -w->error, "%s with %s: %s() has %s, got %s", its->name, w->what, w->by,
	       w->error ? strerrorname_np(w->error) : "success",
	       ret ? strerrorname_np(-ret) : "success");
	if (!ret && its->undo)
		its->undo(s, &call);
}

static void test_case(const void *arg)
{
	const struct ioctl_case *its = arg;
	struct ioctl_scene s;
	char after[96];

	ioctl_scene_open(&s);
	need_version(&s.c.gpu, its->since, its->name);
	check_good(its, &s, "before anything was wrong");
	for (size_t i = 0; i < its->nr; i++) {
		check_wrong(its, &s, &its->wrong[i]);
		snprintf(after, sizeof(after), "after one with %s", its->wrong[i].what);
		check_good(its, &s, after);
	}
	metric_int("rows", its->nr);
	RUN(&s.c, 0);
	EXPECT_EQ(group_state(&s.c.gpu, s.c.group, NULL), 0);
	ioctl_scene_close(&s);
}

static const struct test more[] = {
	{ "batch", "of several operations one is wrong", test_ioctl_batch, NULL, 0 },
	{ "nothing", "operations on no bytes, arrays of no elements", test_ioctl_nothing, NULL, 0 },
	{ "count", "arrays too long for any memory", test_ioctl_count, NULL, 0 },
	{ "limits", "as many VMs, groups and heaps as there can be", test_ioctl_limits, NULL, 0 },
	{ "chunks", "heaps with chunks from small to large", test_ioctl_chunks, NULL, 0 },
	{ "user", "a user without privileges", test_ioctl_user, NULL, 0 },
	{ "unplugged", "a device that has gone", test_ioctl_unplugged, NULL, 0 },
	{ "mmap", "mappings that are refused, copied, cut", test_ioctl_mmap, NULL, 0 },
	{ "share", "dma-bufs of the driver's and of others", test_ioctl_share, NULL, 0 },
	{ "twice", "a buffer in two open files, one of which closes", test_ioctl_twice, NULL, 0 },
	{ "files", "debugfs, fdinfo and sysfs files", test_ioctl_files, NULL, 0 },
};

static void add_cases(struct test *tests, size_t *nr, const struct ioctl_case *cases,
		      size_t nr_cases)
{
	for (size_t i = 0; i < nr_cases; i++)
		tests[(*nr)++] = (struct test) {
			.name = cases[i].name,
			.description = "what is wrong with its argument, field by field",
			.fn = test_case, .arg = &cases[i],
		};
}

int main(int argc, char **argv)
{
	struct test *tests = calloc(nr_ioctl_memory + nr_ioctl_group + ARRAY_SIZE(more) +
				    nr_ioctl_unmap, sizeof(*tests));
	struct suite suite = { .name = "ioctl", .tests = tests };

	if (!tests)
		return 2;
	add_cases(tests, &suite.nr, ioctl_memory, nr_ioctl_memory);
	add_cases(tests, &suite.nr, ioctl_group, nr_ioctl_group);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		tests[suite.nr++] = more[i];
	for (size_t i = 0; i < nr_ioctl_unmap; i++)
		tests[suite.nr++] = ioctl_unmap[i];
	return suite_main(&suite, argc, argv);
}
