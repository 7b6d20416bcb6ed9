// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite ioctl: buffers that are mapped or shared, and what the driver tells of them. */

#include <drm/drm.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gems.h"
#include "harness.h"
#include "ioctl.h"
#include "ioctl_rows.h"
#include "need.h"
#include "stream.h"
#include "vgem.h"

/* --- mmap() --- */

static bool mapped(const struct panthor *gpu, size_t size, int prot, int flags, uint64_t offset)
{
	void *map = mmap(NULL, size, prot, flags, gpu->fd, offset);

	if (map == MAP_FAILED)
		return false;
	munmap(map, size);
	return true;
}

/* The page that LATEST_FLUSH_ID is in, wherever it was asked to be. */
static void check_mmio(const struct panthor *gpu)
{
	static const struct {
		uint64_t offset;
		const char *name;
	} bases[] = {
		{ DRM_PANTHOR_USER_MMIO_OFFSET_32BIT, "32 bits" },
		{ DRM_PANTHOR_USER_MMIO_OFFSET_64BIT, "64 bits" },
	};
	size_t page = sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		struct drm_panthor_set_user_mmio_offset args = { .offset = bases[i].offset };

		CHECK_OK(drm_ioctl(gpu, DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET, &args));
		EXPECT(mapped(gpu, page, PROT_READ, MAP_SHARED, bases[i].offset),
		       "%s: not mapped: %m", bases[i].name);
		EXPECT(!mapped(gpu, page, PROT_READ, MAP_SHARED, bases[i].offset + page) &&
		       errno == EINVAL, "%s: the page behind it was mapped", bases[i].name);
		EXPECT(!mapped(gpu, page, PROT_READ | PROT_EXEC, MAP_SHARED, bases[i].offset) &&
		       errno == EINVAL, "%s: mapped to be executed", bases[i].name);
	}
}

/* A child has the mapping as well, and what it writes. */
static void check_fork(struct bo *bo)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0, "fork: %m");
	if (!pid) {
		memset(bo->map, 0x33, bo->size);
		munmap(bo->map, bo->size);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid, "waitpid: %m");
	EXPECT_EQ(status, 0);
	for (size_t i = 0; i < bo->size; i++)
		CHECK(bo->map[i] == 0x33, "byte %zu is 0x%x", i, bo->map[i]);
}

void test_ioctl_mmap(const void *arg)
{
	struct ioctl_scene s;
	size_t half = BO_SIZE / 2;
	uint8_t *map;

	(void)arg;
	ioctl_scene_open(&s);
	if (has_version(&s.c.gpu, 5))
		check_mmio(&s.c.gpu);
	/* panthor_gem_mmap(): a copy of its own is no mapping of a buffer. */
	EXPECT(!mapped(&s.c.gpu, BO_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, s.bo.offset) &&
	       errno == EINVAL, "a private mapping was allowed");
	EXPECT(!mapped(&s.c.gpu, BO_SIZE + 4096, PROT_READ, MAP_SHARED, s.bo.offset) &&
	       errno == EINVAL, "more than the buffer was mapped");
	check_fork(&s.bo);

	/* Two of one buffer; one of them loses its end, then the rest. */
	map = mmap(NULL, BO_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s.c.gpu.fd, s.bo.offset);
	CHECK(map != MAP_FAILED, "mmap: %m");
	munmap(map + half, half);
	map[0] = 0x44;
	EXPECT_EQ(s.bo.map[0], 0x44);
	munmap(map, half);
	EXPECT_EQ(s.bo.map[half], 0x33);
	ioctl_scene_close(&s);
}

/* --- dma-bufs --- */

static int cpu_access(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

/* The CPU's access through the dma-buf begins and ends; nothing is lost by it. */
static void check_access(int dmabuf, const uint8_t *map, const char *when)
{
	test_log("%s", when);
	CHECK_OK(cpu_access(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_EQ(map[100], 0x5a);
	CHECK_OK(cpu_access(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
}

static void check_export(struct ioctl_scene *s)
{
	uint32_t attached = 0;
	struct bo again;
	uint8_t *map;
	int dmabuf;

	EXPECT_ERRNO(bo_export(&s->c.gpu, &s->private), EINVAL);
	dmabuf = CHECK_OK(bo_export(&s->c.gpu, &s->bo));
	CHECK_OK(bo_import(&s->c.gpu, &again, dmabuf, BO_SIZE));
	EXPECT_EQ(again.handle, s->bo.handle);
	map = mmap(NULL, BO_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	CHECK(map != MAP_FAILED, "mmap of the dma-buf: %m");
	check_access(dmabuf, map, "of the CPU alone");
	CHECK_OK(bo_bind(&s->c.gpu, &s->bo, s->c.vm, CALL_VA));
	check_access(dmabuf, map, "bound");
	if (s->vgem >= 0) {
		CHECK_OK(vgem_attach(s->vgem, dmabuf, &attached));
		check_access(dmabuf, map, "attached");
		CHECK_OK(vgem_detach(s->vgem, attached));
		check_access(dmabuf, map, "detached");
	}
	CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, CALL_VA, BO_SIZE));
	munmap(map, BO_SIZE);
	close(dmabuf);
}

static void check_imported(struct ioctl_scene *s)
{
	struct drm_panthor_bo_query_info info = { .handle = s->imported.handle };
	struct drm_panthor_bo_mmap_offset offset = { .handle = s->imported.handle };
	uint32_t *map;

	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info));
	EXPECT_EQ(info.extra_flags, DRM_PANTHOR_BO_IS_IMPORTED);
	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset));
	map = mmap(NULL, BO_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s->c.gpu.fd, offset.offset);
	CHECK(map != MAP_FAILED, "mmap of an imported buffer: %m");
	CHECK_OK(bo_bind(&s->c.gpu, &s->imported, s->c.vm, CALL_VA));
	RUN(&s->c, CS_MOVE(R_ADDR, CALL_VA), CS_MOVE32(R_A, 4712), CS_STORE(R_A, R_ADDR, 1, 256),
	    CS_WAIT(0xff));
	EXPECT_EQ(map[64], 4712);

	/*
	 * A queue waits for an object in it while the GPU is down, so that the driver
	 * looks at the object itself (panthor_queue_eval_syncwait()).
	 */
	memset(map, 0, 64);
	client_submit(&s->c, 1, 0x1000, (const uint64_t[]) {
		CS_MOVE(R_ADDR, CALL_VA), CS_MOVE(R_A, 0), CS_SYNC_WAIT64(CS_GT, R_ADDR, R_A),
	}, 3);
	client_wait_suspended(&s->c);
	EXPECT_ERRNO(syncobj_wait(&s->c.gpu, s->c.done, 1), ETIME);
	CHECK_OK(group_submit(&s->c.gpu, s->c.group, 0, CODE_VA + 0x2000, 32, 0, 0));
	CHECK_OK(syncobj_wait(&s->c.gpu, s->c.done, JOB_MS));
	EXPECT_EQ(syncobj_status(&s->c.gpu, s->c.done), 0);
	CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, CALL_VA, BO_SIZE));
	munmap(map, BO_SIZE);
}

/* It is the exporter, drm_gem_shmem_mmap(), that does not make a copy of its own. */
static void check_private(struct ioctl_scene *s)
{
	struct drm_panthor_bo_mmap_offset offset = { .handle = s->imported.handle };

	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset));
	EXPECT(!mapped(&s->c.gpu, BO_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, offset.offset) &&
	       errno == EINVAL, "a private mapping of an imported buffer was allowed");
	EXPECT(mapped(&s->c.gpu, BO_SIZE, PROT_READ, MAP_SHARED, offset.offset),
	       "a shared one was not, after that: %m");
}

void test_ioctl_share(const void *arg)
{
	const uint64_t set[] = {
		CS_MOVE(R_ADDR, CALL_VA), CS_MOVE(R_A, 1), CS_SYNC_SET64(R_ADDR, R_A, CS_SYSTEM),
		CS_NOP(),
	};
	struct ioctl_scene s;

	(void)arg;
	ioctl_scene_open(&s);
	need_version(&s.c.gpu, 7, "BO_QUERY_INFO ioctl");
	memcpy(s.c.code.map + 0x2000, set, sizeof(set));
	check_export(&s);
	if (s.imported.handle) {
		check_private(&s);
		check_imported(&s);
	} else {
		test_log("the kernel has no vgem (CONFIG_DRM_VGEM): nothing is imported");
	}
	ioctl_scene_close(&s);
}

/* --- One buffer in two open files --- */

/* The GPU, for this file, stores a value at the buffer's start; the CPU has it by both maps. */
static void store(struct client *c, uint32_t value)
{
	RUN(c, CS_MOVE(R_ADDR, CALL_VA), CS_MOVE32(R_A, value), CS_STORE(R_A, R_ADDR, 1, 0),
	    CS_WAIT(0xff));
	CHECK_EQ(syncobj_status(&c->gpu, c->done), 0);
}

static uint32_t first_word(const struct bo *bo)
{
	return *(volatile uint32_t *)bo->map;
}

static void import_own(struct client *to, struct client *from, const struct bo *bo,
		       struct bo *own)
{
	struct drm_panthor_bo_mmap_offset offset = { 0 };
	struct drm_panthor_bo_query_info info = { 0 };
	size_t before = gems_size(&to->gpu);
	int dmabuf;

	dmabuf = CHECK_OK(bo_export(&from->gpu, bo));
	CHECK_OK(bo_import(&to->gpu, own, dmabuf, bo->size));
	close(dmabuf);
	/* It is the same buffer, and not one of another driver. */
	EXPECT_EQ(gems_size(&to->gpu), before);
	info.handle = own->handle;
	CHECK_OK(drm_ioctl(&to->gpu, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info));
	EXPECT_EQ(info.extra_flags, 0);
	offset.handle = own->handle;
	CHECK_OK(drm_ioctl(&to->gpu, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset));
	own->offset = offset.offset;
	CHECK_OK(bo_mmap(&to->gpu, own));
}

/* The file that imports it, or the one that it is of, closes first. */
static void check_close(bool importer_first)
{
	struct client c[2] = { 0 };
	struct bo bo[2];
	unsigned int gone = importer_first, left = !importer_first;

	test_log("%s closes first", importer_first ? "the importer" : "the exporter");
	for (unsigned int i = 0; i < 2; i++)
		client_open(&c[i], 1);
	CHECK_OK(bo_create(&c[0].gpu, &bo[0], BO_SIZE, 0, "ioctl-twice"));
	CHECK_OK(bo_mmap(&c[0].gpu, &bo[0]));
	memset(bo[0].map, 0x5a, BO_SIZE);
	import_own(&c[1], &c[0], &bo[0], &bo[1]);
	EXPECT(!memcmp(bo[0].map, bo[1].map, BO_SIZE), "the content is another");
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_OK(bo_bind(&c[i].gpu, &bo[i], c[i].vm, CALL_VA));
		store(&c[i], 100 + i);
		EXPECT_EQ(first_word(&bo[0]), 100 + i);
		EXPECT_EQ(first_word(&bo[1]), 100 + i);
	}

	/* With its mappings */
	CHECK_OK(bo_munmap(&bo[gone]));
	client_close(&c[gone]);
	EXPECT_EQ(first_word(&bo[left]), 101);
	EXPECT_EQ(bo[left].map[BO_SIZE - 1], 0x5a);
	store(&c[left], 102);
	EXPECT_EQ(first_word(&bo[left]), 102);
	CHECK_OK(vm_unbind(&c[left].gpu, c[left].vm, CALL_VA, BO_SIZE));
	CHECK_OK(bo_destroy(&c[left].gpu, &bo[left]));
	client_close(&c[left]);
}

void test_ioctl_twice(const void *arg)
{
	struct panthor gpu;
	size_t before;

	(void)arg;
	CHECK_OK(panthor_open(&gpu));
	need_gems(&gpu);
	before = gems_size(&gpu);
	for (unsigned int importer_first = 0; importer_first < 2; importer_first++) {
		check_close(importer_first);
		gems_check_freed(&gpu, before);
	}
	panthor_close(&gpu);
}

/* --- Files --- */

static void check_contains(const char *path, const char *words)
{
	char *text = read_all(path);

	CHECK(text, "%s: %m", path);
	EXPECT(strstr(text, words), "%s has no \"%s\"", path, words);
	free(text);
}

/* As long as the group has work it is on a slot, and its memory counts as active. */
static void check_fdinfo(struct ioctl_scene *s)
{
	const uint64_t endless[] = { CS_NOP(), CS_BRANCH(CS_ALWAYS, 0, -2) };
	uint32_t group = CHECK_OK(group_create(&s->c.gpu, s->c.vm, 1, 4096, 0));
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s->c.gpu.fd);
	RUN(&s->c, CS_NOP());
	client_wait_suspended(&s->c);
	check_contains(path, "panthor-active-memory:\t0");
	memcpy(s->c.code.map + 0x3000, endless, sizeof(endless));
	CHECK_OK(group_submit(&s->c.gpu, group, 0, CODE_VA + 0x3000, sizeof(endless), 0, 0));
	RUN(&s->c, CS_NOP());
	check_contains(path, "panthor-resident-memory:\t");
	check_contains(path, "panthor-active-memory:\t");
	check_contains(path, "drm-resident-memory:\t");
	CHECK_OK(group_destroy(&s->c.gpu, group));
}

void test_ioctl_files(const void *arg)
{
	struct drm_panthor_bo_set_label label = { 0 };
	struct ioctl_scene s;
	char path[192];
	struct gem gem;
	int dmabuf;

	(void)arg;
	ioctl_scene_open(&s);
	need_gems(&s.c.gpu);
	CHECK_OK(bo_bind(&s.c.gpu, &s.bo, s.c.vm, CALL_VA));
	snprintf(path, sizeof(path), "%s/gpuvas", s.c.gpu.debugfs);
	check_contains(path, "panthor-MCU-VM");
	check_contains(path, "panthor-GPU-VM");
	check_contains(path, "0x0000000040000000");

	dmabuf = CHECK_OK(bo_export(&s.c.gpu, &s.bo));
	CHECK_OK(panthor_gem(&s.c.gpu, "ioctl", &gem));
	EXPECT_EQ(gem.state, GEM_EXPORTED);
	EXPECT_EQ(gem.resident, BO_SIZE);
	close(dmabuf);
	if (s.imported.handle) {
		label.handle = s.imported.handle;
		label.label = (uintptr_t)"ioctl-imported";
		CHECK_OK(drm_ioctl(&s.c.gpu, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label));
		if (panthor_gem(&s.c.gpu, "ioctl-imported", &gem))
			test_seen("docs/findings/imported-not-listed.md",
				  "debugfs gems has no line for an imported buffer");
		else
			EXPECT(gem.state & GEM_IMPORTED, "state 0x%x", gem.state);
	}

	snprintf(path, sizeof(path), "%s/profiling", s.c.gpu.sysfs);
	EXPECT_ERRNO(write_file(path, "4"), EINVAL);
	EXPECT_ERRNO(write_file(path, "much"), EINVAL);
	check_fdinfo(&s);
	ioctl_scene_close(&s);
}
