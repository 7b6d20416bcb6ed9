// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: the states that a buffer can be in when the shrinker comes to
 * it. Each function creates a buffer, fills it, and brings it into its state.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "group.h"
#include "harness.h"
#include "reclaim.h"
#include "vgem.h"
#include "vmstat.h"

#define SMALL		(64 * PAGE)
#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define CHUNK_SIZE	(128 * KIB)
#define CHUNK_LABEL	"Tiler heap chunk"

/* Where in the buffer the job that holds it looks: no word of the pattern */
#define WAIT_OFFSET	64

static void filled(struct rig *rig, struct buffer *b, size_t size, uint32_t flags,
		   unsigned int private_vm)
{
	buffer_create(rig, b, size, flags, private_vm);
	buffer_map_cpu(rig, b);
	buffer_fill_cpu(b);
}

static void bind_whole(struct rig *rig, struct buffer *b, unsigned int vm, uint64_t va)
{
	buffer_bind(rig, b, vm, va, 0, b->pages, 0);
}

/* The VM has an address space only when a job has run: the GPU shall have seen the pages */
static void gpu_reads(struct rig *rig, struct buffer *b)
{
	CHECK(!buffer_wrong_gpu(rig, b), "the GPU does not see what was written");
}

static void shared(struct rig *rig, struct buffer *b, size_t size, uint32_t flags)
{
	filled(rig, b, size, flags, SHARED);
	buffer_unmap_cpu(b);
	bind_whole(rig, b, 0, rig_va(rig, 0));
	gpu_reads(rig, b);
}

static void evict(struct rig *rig, struct buffer *b)
{
	CHECK_OK(panthor_shrink(&rig->gpu, ALL_PAGES));
	CHECK(!buffer_resident(rig, b), "the buffer cannot be evicted to begin with");
}

/* Pages in the middle are not mapped any more: two mappings are left */
static void take_out_middle(struct rig *rig, struct buffer *b)
{
	struct gpu_map *m = &b->maps[b->nr_maps - 1], *rest = &b->maps[b->nr_maps];
	uint32_t quarter = m->pages / 4;

	CHECK_OK(vm_unbind(&rig->gpu, rig->vms[m->vm].vm, m->va + quarter * PAGE,
			   2 * quarter * PAGE));
	*rest = *m;
	rest->va += 3 * quarter * PAGE;
	rest->first += 3 * quarter;
	rest->pages -= 3 * quarter;
	m->pages = quarter;
	b->nr_maps++;
}

static void unused(struct rig *rig, struct buffer *b)
{
	filled(rig, b, SMALL, 0, SHARED);
	buffer_unmap_cpu(b);
}

static void mmapped(struct rig *rig, struct buffer *b)
{
	filled(rig, b, SMALL, 0, SHARED);
}

static void private_one(struct rig *rig, struct buffer *b)
{
	filled(rig, b, SMALL, 0, 0);
	buffer_unmap_cpu(b);
	bind_whole(rig, b, 0, rig_va(rig, 0));
	buffer_fill_gpu(rig, b);
	gpu_reads(rig, b);
}

static void shared_one(struct rig *rig, struct buffer *b)
{
	shared(rig, b, SMALL, 0);
}

static void shared_two(struct rig *rig, struct buffer *b)
{
	shared(rig, b, SMALL, 0);
	bind_whole(rig, b, 1, rig_va(rig, 1));
	gpu_reads(rig, b);
}

static void need_vgem(struct buffer *b)
{
	b->vgem = vgem_open();
	if (b->vgem < 0)
		test_skip("the kernel has no vgem (CONFIG_DRM_VGEM)");
}

static void attached(struct rig *rig, struct buffer *b)
{
	need_vgem(b);
	shared(rig, b, SMALL, 0);
	b->dmabuf = CHECK_OK(bo_export(&rig->gpu, &b->bo));
	CHECK_OK(vgem_attach(b->vgem, b->dmabuf, &b->attached));
}

static void detach(struct rig *rig, struct buffer *b)
{
	(void)rig;
	CHECK_OK(vgem_detach(b->vgem, b->attached));
}

/* A VM_BIND that waits for a fence has the pages that it will map */
static void bind_pending(struct rig *rig, struct buffer *b)
{
	uint32_t wait = CHECK_OK(syncobj_create(&rig->gpu));
	int fd;

	shared(rig, b, SMALL, 0);
	if (fences_open(&b->fences))
		test_skip("the kernel has neither CONFIG_SW_SYNC nor CONFIG_DRM_VGEM");
	fd = CHECK_OK(fence_create(&b->fences));
	CHECK_OK(fence_import(&rig->gpu, fd, wait));
	b->held = CHECK_OK(syncobj_create(&rig->gpu));
	CHECK_OK(bo_bind_later(&rig->gpu, &b->bo, rig->vms[0].vm, rig_other_va(rig, 0), wait,
			       b->held));
	CHECK_OK(syncobj_destroy(&rig->gpu, wait));
}

static void bind_now(struct rig *rig, struct buffer *b)
{
	CHECK_OK(fence_signal(&b->fences));
	CHECK_OK(syncobj_wait(&rig->gpu, b->held, RECLAIM_WAIT_MS));
	CHECK_OK(syncobj_destroy(&rig->gpu, b->held));
	fences_close(&b->fences);
	b->maps[b->nr_maps] = b->maps[0];
	b->maps[b->nr_maps++].va = rig_other_va(rig, 0);
}

/* A job waits for a word of the buffer itself */
static void waited_for(struct rig *rig, struct buffer *b)
{
	shared(rig, b, SMALL, 0);
	b->held = CHECK_OK(syncobj_create(&rig->gpu));
	rig_block(rig, 0, HELD_QUEUE, b->maps[0].va + WAIT_OFFSET, b->held);
}

static void wait_ends(struct rig *rig, struct buffer *b)
{
	buffer_map_cpu(rig, b);
	*(volatile uint64_t *)(b->map + WAIT_OFFSET) = 1;
	CHECK_OK(syncobj_wait(&rig->gpu, b->held, RECLAIM_WAIT_MS));
	rig_need_blocked(rig);
	CHECK_OK(syncobj_destroy(&rig->gpu, b->held));
}

static void evicted(struct rig *rig, struct buffer *b)
{
	shared(rig, b, SMALL, 0);
	evict(rig, b);
}

static void evicted_touched(struct rig *rig, struct buffer *b)
{
	evicted(rig, b);
	CHECK(!buffer_wrong_cpu(rig, b), "the pages have come back with another content");
}

static void evicted_bound_again(struct rig *rig, struct buffer *b)
{
	evicted(rig, b);
	bind_whole(rig, b, 0, rig_other_va(rig, 0));
}

static void evicted_split(struct rig *rig, struct buffer *b)
{
	evicted(rig, b);
	take_out_middle(rig, b);
}

static void evicted_overmapped(struct rig *rig, struct buffer *b)
{
	struct gpu_map *m = &b->maps[0];
	uint64_t va;

	evicted(rig, b);
	va = m->va + b->pages / 4 * PAGE;
	take_out_middle(rig, b);
	/* Another buffer lies where the middle was */
	CHECK_OK(bo_create(&rig->gpu, &b->other, b->pages / 2 * PAGE, 0, "reclaim-other"));
	CHECK_OK(bo_bind(&rig->gpu, &b->other, rig->vms[0].vm, va));
}

static void split(struct rig *rig, struct buffer *b)
{
	shared(rig, b, SMALL, 0);
	take_out_middle(rig, b);
	gpu_reads(rig, b);
}

/* The driver's own mount asks for huge pages; only this setting overrules it. */
static void with_pages(struct rig *rig, struct buffer *b, uint64_t va, bool huge)
{
	long long before, got;

	if (!huge)
		CHECK_OK(tunable_set(SHMEM_ENABLED, "deny"));
	before = meminfo("ShmemHugePages");
	filled(rig, b, HUGE_PAGE, 0, SHARED);
	got = meminfo("ShmemHugePages") - before;
	metric_int("huge_bytes", got);
	if (huge && got < (long long)HUGE_PAGE)
		test_skip("no huge page is free");
	buffer_unmap_cpu(b);
	bind_whole(rig, b, 0, va);
	gpu_reads(rig, b);
}

static void huge(struct rig *rig, struct buffer *b)
{
	if (!path_exists(SHMEM_ENABLED))
		test_skip("the kernel has no huge pages (CONFIG_TRANSPARENT_HUGEPAGE)");
	with_pages(rig, b, rig_va(rig, 0), true);
}

static void small(struct rig *rig, struct buffer *b)
{
	with_pages(rig, b, rig_va(rig, 0), !path_exists(SHMEM_ENABLED));
}

static void huge_misaligned(struct rig *rig, struct buffer *b)
{
	if (!path_exists(SHMEM_ENABLED))
		test_skip("the kernel has no huge pages (CONFIG_TRANSPARENT_HUGEPAGE)");
	with_pages(rig, b, rig_va(rig, 0) + PAGE, true);
}

/* Amid 4 MiB of a sparse mapping, which has pages of the driver's own behind it */
static void in_sparse(struct rig *rig, struct buffer *b)
{
	uint64_t va = rig_va(rig, 0);

	if (panthor_minor(&rig->gpu) < 9)
		test_skip("the driver has no DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE");
	filled(rig, b, SMALL, 0, SHARED);
	buffer_unmap_cpu(b);
	CHECK_OK(vm_map(&rig->gpu, rig->vms[0].vm, NULL, 0, va, 2 * HUGE_PAGE,
			DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE));
	bind_whole(rig, b, 0, va + HUGE_PAGE);
	gpu_reads(rig, b);
	rig_read_pages(rig, 0, va, 16);
}

static void sparse_reads(struct rig *rig, struct buffer *b)
{
	(void)b;
	rig_read_pages(rig, 0, rig_va(rig, 0), 16);
	CHECK_OK(vm_unbind(&rig->gpu, rig->vms[0].vm, rig_va(rig, 0), HUGE_PAGE));
	CHECK_OK(vm_unbind(&rig->gpu, rig->vms[0].vm, rig_va(rig, 0) + HUGE_PAGE + SMALL,
			   HUGE_PAGE - SMALL));
}

/* A buffer of the driver's own: what it wrote there, the next chunk's address, has to stay */
static void heap_chunk(struct rig *rig, struct buffer *b)
{
	struct drm_panthor_tiler_heap_create heap = {
		.vm_id = rig->vms[0].vm, .initial_chunk_count = 2, .chunk_size = CHUNK_SIZE,
		.max_chunks = 4, .target_in_flight = 2,
	};

	CHECK_OK(drm_ioctl(&rig->gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap));
	buffer_create(rig, b, CHUNK_SIZE, 0, SHARED);
	CHECK_OK(bo_destroy(&rig->gpu, &b->bo));
	memset(&b->bo, 0, sizeof(b->bo));
	strcpy(b->bo.label, CHUNK_LABEL);
	b->held = heap.handle;
	b->maps[b->nr_maps++] = (struct gpu_map){
		.va = heap.first_heap_chunk_gpu_va & ~(PAGE - 1), .pages = b->pages,
	};
	buffer_learn(rig, b);
	CHECK(b->words[0], "the first chunk of a heap knows no other");
}

static void heap_end(struct rig *rig, struct buffer *b)
{
	struct drm_panthor_tiler_heap_destroy heap = { .handle = b->held };

	CHECK(!buffer_wrong_gpu(rig, b), "the chunk has another content");
	b->nr_maps = 0;
	CHECK_OK(drm_ioctl(&rig->gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &heap));
}

static void imported(struct rig *rig, struct buffer *b)
{
	need_vgem(b);
	buffer_create(rig, b, SMALL, 0, SHARED);
	CHECK_OK(bo_destroy(&rig->gpu, &b->bo));
	b->dmabuf = CHECK_OK(vgem_create(b->vgem, SMALL));
	CHECK_OK(bo_import(&rig->gpu, &b->bo, b->dmabuf, SMALL));
	buffer_map_cpu(rig, b);
	buffer_fill_cpu(b);
	bind_whole(rig, b, 0, rig_va(rig, 0));
	gpu_reads(rig, b);
}

static void exported(struct rig *rig, struct buffer *b)
{
	shared(rig, b, SMALL, 0);
	b->dmabuf = CHECK_OK(bo_export(&rig->gpu, &b->bo));
	buffer_map_cpu(rig, b);
	CHECK(!buffer_wrong_cpu(rig, b), "the dma-buf has another content");
}

static void cached(struct rig *rig, struct buffer *b)
{
	shared(rig, b, SMALL, DRM_PANTHOR_BO_WB_MMAP);
}

static void gpu_only(struct rig *rig, struct buffer *b)
{
	buffer_create(rig, b, SMALL, DRM_PANTHOR_BO_NO_MMAP, 0);
	bind_whole(rig, b, 0, rig_va(rig, 0));
	buffer_fill_gpu(rig, b);
	gpu_reads(rig, b);
}

static void readonly(struct rig *rig, struct buffer *b)
{
	filled(rig, b, SMALL, 0, SHARED);
	buffer_unmap_cpu(b);
	buffer_bind(rig, b, 0, rig_va(rig, 0), 0, b->pages, DRM_PANTHOR_VM_BIND_OP_MAP_READONLY);
	gpu_reads(rig, b);
}

/*
 * A page of what is left, which may have to be faulted in. The driver takes a page's
 * place in the piece for its place in the buffer.
 */
static void check_piece(const struct buffer *b, size_t at, size_t page)
{
	uint64_t got = *(volatile uint64_t *)(b->pieces + at * PAGE);

	if (got == b->words[0] && page)
		test_seen("docs/findings/fault-in-piece.md",
			  "page %zu of the buffer is the first one of a piece of its mapping, "
			  "and shows page 0", page);
	else
		CHECK_EQ(got, b->words[page * 2]);
}

/* The CPU's mapping has lost its second quarter, and its last one is there instead */
static void in_pieces(struct rig *rig, struct buffer *b)
{
	size_t quarter;

	shared(rig, b, SMALL, 0);
	/* All pages are faulted in, and move along */
	CHECK(!buffer_wrong_cpu(rig, b), "the CPU does not see what was written");
	quarter = b->pages / 4 * PAGE;
	b->pieces = b->map;
	b->map = NULL;
	CHECK_EQ(munmap(b->pieces + quarter, quarter), 0);
	CHECK(mremap(b->pieces + 3 * quarter, quarter, quarter, MREMAP_MAYMOVE | MREMAP_FIXED,
		     b->pieces + quarter) == b->pieces + quarter, "mremap: %s", strerror(errno));
	CHECK_EQ(*(volatile uint64_t *)(b->pieces + quarter), b->words[b->pages / 4 * 3 * 2]);
}

static void pieces_right(struct rig *rig, struct buffer *b)
{
	size_t quarter = b->pages / 4;

	check_piece(b, 0, 0);
	check_piece(b, quarter, 3 * quarter);
	check_piece(b, 2 * quarter, 2 * quarter);
	CHECK_EQ(munmap(b->pieces, 3 * quarter * PAGE), 0);
	(void)rig;
}

const struct state states[] = {
	{ "B01", "filled, then used by nobody", unused, NULL, GOES, .unmapped = true },
	{ "B02", "mapped by the CPU", mmapped, NULL, GOES, .unmapped = true },
	{ "B03", "private to a VM", private_one, NULL, GOES, .bound = true },
	{ "B04", "shared, in one VM", shared_one, NULL, GOES, .bound = true },
	{ "B05", "shared, in two VMs", shared_two, NULL, GOES, .bound = true },
	{ "B06a", "held by another device, through a dma-buf", attached, detach, STAYS,
	  .bound = true },
	{ "B06b", "held by a VM_BIND that waits", bind_pending, bind_now, STAYS, .bound = true },
	{ "B06c", "waited for by a job", waited_for, wait_ends, STAYS, .bound = true,
	  .waited = true },
	{ "B07", "evicted", evicted, NULL, GONE, .bound = true, .unmapped = true },
	{ "B08", "evicted, then touched by the CPU", evicted_touched, NULL, GOES, .bound = true,
	  .unmapped = true },
	{ "B09", "evicted, then mapped once more", evicted_bound_again, NULL, GOES, .bound = true,
	  .unmapped = true },
	{ "B10a", "evicted, then mapped in parts only", evicted_split, NULL, GONE, .bound = true,
	  .unmapped = true },
	{ "B10b", "evicted, then another buffer in its middle", evicted_overmapped, NULL, GONE,
	  .bound = true, .unmapped = true },
	{ "B11", "mapped in parts", split, NULL, GOES, .bound = true },
	{ "B12a", "of a huge page", huge, NULL, GOES, .bound = true },
	{ "B12b", "2 MiB of small pages", small, NULL, GOES, .bound = true },
	{ "B12c", "of a huge page, mapped across one's bounds", huge_misaligned, NULL, GOES,
	  .bound = true },
	{ "B13", "amid a sparse mapping", in_sparse, sparse_reads, GOES, .bound = true },
	{ "B14", "a chunk of a tiler heap", heap_chunk, heap_end, GOES, .bound = true,
	  .no_cpu = true, .no_handle = true },
	{ "B15a", "another driver's", imported, NULL, NO_SHRINKER, .bound = true },
	{ "B15b", "exported, and mapped through its dma-buf", exported, NULL, GOES,
	  .bound = true },
	{ "B16", "cached by the CPU (WB_MMAP)", cached, NULL, GOES, .bound = true },
	{ "B17", "never mapped by the CPU (NO_MMAP)", gpu_only, NULL, GOES, .bound = true,
	  .no_cpu = true },
	{ "B18", "mapped read-only", readonly, NULL, GOES, .bound = true },
	{ "B19", "in pieces of a CPU mapping", in_pieces, pieces_right, GOES, .bound = true },
};

const size_t nr_states = ARRAY_SIZE(states);

const struct state *state_find(const char *name)
{
	for (size_t i = 0; i < nr_states; i++)
		if (!strcmp(states[i].name, name))
			return &states[i];
	return NULL;
}
