// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite fault: jobs that draw. Each draw takes more memory than a chunk of the tiler
 * heap has, and nothing is rendered that would give some back: so each asks the driver
 * for more.
 */

#include <drm/panthor_drm.h>
#include <stdint.h>

#include "fault.h"
#include "harness.h"
#include "stream.h"

#define CHUNK		(128 * KIB)
/* For all the jobs of a case, also if each request is made twice */
#define MAX_CHUNKS	200
/* Three chunks (docs/design.md, "tiler memory of a draw") */
#define VERTICES	5000
#define DRAWS		3
/* Of the data */
#define AT_TILER	0x400
#define AT_HEAP		0x500
#define R_HEAP		64

/* Operations on the heap's counts */
enum { VT_START, VT_END, FRAG_END = 3 };

/* The tiler context, and the heap's descriptor: v10.xml of Mesa, by their words */
static void fill_descriptors(struct party *p, uint64_t first_chunk)
{
	uint64_t *tiler = data64(&p->c) + AT_TILER / 8, *heap = data64(&p->c) + AT_HEAP / 8;

	data32(&p->c)[AT_SHADER / 4] = 8;
	tiler[3] = DATA_VA + AT_HEAP;
	heap[0] = 0x29 | (uint64_t)CHUNK << 32;
	heap[1] = first_chunk;
	heap[2] = first_chunk + 64;
	heap[3] = first_chunk + CHUNK;
}

void party_draws(struct party *p)
{
	struct drm_panthor_tiler_heap_create heap = {
		.vm_id = p->c.vm, .initial_chunk_count = 1, .chunk_size = CHUNK,
		.max_chunks = MAX_CHUNKS, .target_in_flight = DRAWS,
	};

	CHECK_OK(drm_ioctl(&p->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap));
	fill_descriptors(p, heap.first_heap_chunk_gpu_va);
	p->heap = heap.tiler_heap_ctx_gpu_va;
}

void emit_draws(const struct party *p, struct stream *s)
{
	if (!p->heap)
		return;
	emit(s, CS_MOVE(R_HEAP, p->heap));
	emit(s, CS_HEAP_SET(R_HEAP));
	emit(s, CS_MOVE(0, 0ull));
	emit(s, CS_MOVE(8, 0ull));
	emit(s, CS_MOVE(12, 0ull));
	emit(s, CS_MOVE(16, DATA_VA + AT_SHADER));
	emit(s, CS_MOVE(20, 0ull));
	emit(s, CS_MOVE(24, DATA_VA + AT_STORAGE));
	emit(s, CS_MOVE32(33, VERTICES));
	emit(s, CS_MOVE32(34, 1));
	emit(s, CS_MOVE(40, DATA_VA + AT_TILER));
	emit(s, CS_MOVE(50, 0ull));
	emit(s, CS_MOVE(52, 0ull));
	for (unsigned int i = 0; i < DRAWS; i++) {
		emit(s, CS_HEAP_OPERATION(VT_START));
		emit(s, CS_RUN_IDVS());
		emit(s, CS_WAIT(0xff));
		emit(s, CS_HEAP_OPERATION(VT_END));
		emit(s, CS_HEAP_OPERATION(FRAG_END));
	}
}
