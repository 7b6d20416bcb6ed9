// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite soak: an address space of the GPU and the model beside it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "soak.h"
#include "stream.h"

#define RING_SIZE	4096
#define R_ADDR		60
#define R_VALUE		10
#define R_COUNT		12

static const unsigned int word_offsets[PAGE_WORDS] = { 0, 1032, 2064, PAGE - 8 };

static uint64_t *model_word(const struct soak_bo *bo, uint32_t page, unsigned int word)
{
	return &bo->words[page * PAGE_WORDS + word];
}

/* --- Life --- */

void space_open(struct space *s, const struct panthor *gpu)
{
	memset(s, 0, sizeof(*s));
	s->gpu = gpu;
	s->vm = CHECK_OK(panthor_vm_create(gpu));
	CHECK_OK(bo_create(gpu, &s->code, CODE_SLOTS * CODE_SLOT, 0, "soak-code"));
	CHECK_OK(bo_mmap(gpu, &s->code));
	CHECK_OK(bo_bind(gpu, &s->code, s->vm, CODE_VA));
	s->group = CHECK_OK(group_create(gpu, s->vm, 1, RING_SIZE,
					 PANTHOR_GROUP_PRIORITY_MEDIUM));
	s->timeline = CHECK_OK(syncobj_create(gpu));
}

void space_close(struct space *s)
{
	CHECK_OK(group_destroy(s->gpu, s->group));
	for (unsigned int i = 0; i < SPACE_BOS; i++) {
		if (s->bos[i].open)
			CHECK_OK(bo_destroy(s->gpu, &s->bos[i].bo));
		free(s->bos[i].words);
	}
	CHECK_OK(bo_destroy(s->gpu, &s->code));
	CHECK_OK(panthor_vm_destroy(s->gpu, s->vm));
	CHECK_OK(syncobj_destroy(s->gpu, s->timeline));
}

/* A job that failed signals as well: see what the group says */
void space_wait(struct space *s, uint64_t point)
{
	uint32_t fatal = 0;

	if (point <= s->waited)
		return;
	CHECK_OK(timeline_wait(s->gpu, s->timeline, point, SOAK_WAIT_MS));
	CHECK_EQ(group_state(s->gpu, s->group, &fatal), 0);
	CHECK_EQ(fatal, 0);
	s->waited = point;
}

/* --- Buffers --- */

struct soak_bo *space_add_bo(struct space *s, size_t pages)
{
	for (unsigned int i = 0; i < SPACE_BOS; i++) {
		struct soak_bo *bo = &s->bos[i];

		if (bo->words)
			continue;
		CHECK_OK(bo_create(s->gpu, &bo->bo, pages * PAGE, 0, "soak"));
		bo->open = true;
		bo->mapped = 0;
		bo->words = calloc(pages * PAGE_WORDS, sizeof(*bo->words));
		CHECK(bo->words, "out of memory");
		return bo;
	}
	return NULL;
}

/* The buffer is gone when it has neither handle nor mapping */
static void put_bo(struct soak_bo *bo)
{
	if (bo->open || bo->mapped)
		return;
	free(bo->words);
	bo->words = NULL;
}

void space_drop_bo(struct space *s, struct soak_bo *bo)
{
	CHECK_OK(bo_destroy(s->gpu, &bo->bo));
	bo->open = false;
	put_bo(bo);
}

/* --- Mappings --- */

static void model_bind(struct space *s, const struct soak_bind *b, uint64_t point)
{
	for (unsigned int i = 0; i < b->pages; i++) {
		struct soak_page *p = &s->window[b->at + i];
		struct soak_bo *old = p->bo;

		p->bo = b->bo;
		p->page = b->first + i;
		p->readonly = b->readonly;
		if (point)
			p->used = point;
		if (b->bo)
			b->bo->mapped++;
		if (old) {
			old->mapped--;
			put_bo(old);
		}
	}
}

static void fill_op(const struct soak_bind *b, struct drm_panthor_vm_bind_op *op)
{
	memset(op, 0, sizeof(*op));
	op->va = WINDOW_VA + b->at * PAGE;
	op->size = b->pages * PAGE;
	if (!b->bo) {
		op->flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP;
		return;
	}
	op->flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
	if (b->readonly)
		op->flags |= DRM_PANTHOR_VM_BIND_OP_MAP_READONLY;
	op->bo_handle = b->bo->bo.handle;
	op->bo_offset = b->first * PAGE;
}

static void fill_sync(struct drm_panthor_sync_op *op, uint32_t flags, uint32_t timeline,
		      uint64_t point)
{
	*op = (struct drm_panthor_sync_op) {
		.flags = flags | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
		.handle = timeline,
		.timeline_value = point,
	};
}

/*
 * A synchronous bind comes before all that is queued: what uses its range has to
 * be done, what uses another range works on beside it.
 */
void space_bind(struct space *s, const struct soak_bind *binds, unsigned int nr, bool async)
{
	struct drm_panthor_vm_bind_op ops[MAX_BINDS];
	struct drm_panthor_sync_op syncs[MAX_BINDS][2];
	struct drm_panthor_vm_bind args = {
		.vm_id = s->vm,
		.flags = async ? DRM_PANTHOR_VM_BIND_ASYNC : 0,
		.ops = DRM_PANTHOR_OBJ_ARRAY(nr, ops),
	};

	for (unsigned int i = 0; i < nr; i++) {
		const struct soak_bind *b = &binds[i];

		fill_op(b, &ops[i]);
		if (!async) {
			for (unsigned int k = 0; k < b->pages; k++)
				space_wait(s, s->window[b->at + k].used);
			continue;
		}
		unsigned int n = 0;

		if (s->point)
			fill_sync(&syncs[i][n++], DRM_PANTHOR_SYNC_OP_WAIT, s->timeline, s->point);
		fill_sync(&syncs[i][n++], DRM_PANTHOR_SYNC_OP_SIGNAL, s->timeline, ++s->point);
		ops[i].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(n, syncs[i]);
	}
	CHECK_OK(drm_ioctl(s->gpu, DRM_IOCTL_PANTHOR_VM_BIND, &args));
	if (async)
		s->bound = s->point;
	for (unsigned int i = 0; i < nr; i++)
		model_bind(s, &binds[i], async ? s->point : 0);
}

/* --- Jobs --- */

static uint64_t window_va(unsigned int at, unsigned int word)
{
	return WINDOW_VA + at * PAGE + word_offsets[word];
}

static size_t write_copy(uint64_t *words, const struct soak_copy *copy)
{
	size_t n = 0;

	if (copy->delay) {
		words[n++] = CS_MOVE32(R_COUNT, copy->delay);
		words[n++] = CS_ADD32(R_COUNT, R_COUNT, -1);
		words[n++] = CS_BRANCH(CS_GT, R_COUNT, -2);
	}
	words[n++] = CS_MOVE(R_ADDR, window_va(copy->from, copy->from_word));
	words[n++] = CS_LOAD(R_VALUE, R_ADDR, 3, 0);
	words[n++] = CS_WAIT(0xff);
	words[n++] = CS_ADD64(R_VALUE, R_VALUE, copy->add);
	words[n++] = CS_MOVE(R_ADDR, window_va(copy->to, copy->to_word));
	words[n++] = CS_STORE(R_VALUE, R_ADDR, 3, 0);
	words[n++] = CS_WAIT(0xff);
	return n;
}

static void model_copy(struct space *s, const struct soak_copy *copy, uint64_t point)
{
	struct soak_page *from = &s->window[copy->from], *to = &s->window[copy->to];

	*model_word(to->bo, to->page, copy->to_word) =
		*model_word(from->bo, from->page, copy->from_word) + copy->add;
	from->used = to->used = point;
}

void space_submit(struct space *s, const struct soak_copy *copies, unsigned int nr)
{
	unsigned int slot = s->next_code++ % CODE_SLOTS;
	uint64_t *words = (uint64_t *)(s->code.map + slot * CODE_SLOT);
	const struct sync_point wait = { .syncobj = s->timeline, .point = s->bound };
	const struct sync_point signal = { .syncobj = s->timeline, .point = s->point + 1 };
	size_t n = 0;

	space_wait(s, s->code_used[slot]);
	for (unsigned int i = 0; i < nr; i++)
		n += write_copy(words + n, &copies[i]);
	CHECK_OK(group_submit_syncs(s->gpu, s->group, 0, CODE_VA + slot * CODE_SLOT, n * 8, &wait,
				    s->bound ? 1 : 0, &signal));
	s->code_used[slot] = ++s->point;
	for (unsigned int i = 0; i < nr; i++)
		model_copy(s, &copies[i], s->point);
}

/* --- The CPU's view --- */

static void need_map(struct space *s, struct soak_bo *bo)
{
	if (!bo->bo.map)
		CHECK_OK(bo_mmap(s->gpu, &bo->bo));
}

static volatile uint64_t *cpu_word(struct soak_bo *bo, uint32_t page, unsigned int word)
{
	return (volatile uint64_t *)(bo->bo.map + page * PAGE + word_offsets[word]);
}

void space_check_page(struct space *s, struct soak_bo *bo, uint32_t page)
{
	need_map(s, bo);
	for (unsigned int w = 0; w < PAGE_WORDS; w++) {
		uint64_t got = *cpu_word(bo, page, w), want = *model_word(bo, page, w);

		CHECK(got == want, "page %u of %zu, word %u: 0x%llx instead of 0x%llx", page,
		      bo->bo.size / PAGE, w, (unsigned long long)got, (unsigned long long)want);
	}
}

void space_write_page(struct space *s, struct soak_bo *bo, uint32_t page, uint64_t value)
{
	need_map(s, bo);
	for (unsigned int w = 0; w < PAGE_WORDS; w++)
		*cpu_word(bo, page, w) = *model_word(bo, page, w) = value + w;
}
