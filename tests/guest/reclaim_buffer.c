// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite reclaim: a buffer, its pattern, and who can reach it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "host.h"
#include "reclaim.h"

#define LAST_WORD (PAGE - 8)

static uint64_t pattern(size_t page, unsigned int word)
{
	return mix64(test_seed() ^ (page << 1 | word));
}

static volatile uint64_t *cpu_word(struct buffer *b, size_t page, unsigned int word)
{
	return (volatile uint64_t *)(b->map + page * PAGE + (word ? LAST_WORD : 0));
}

void buffer_create(struct rig *rig, struct buffer *b, size_t size, uint32_t flags,
		   unsigned int private_vm)
{
	uint32_t vm = private_vm == SHARED ? 0 : rig->vms[private_vm].vm;
	char label[32];

	/* What a test that failed has left is not to be taken for it */
	snprintf(label, sizeof(label), "reclaim-%d", getpid());
	CHECK_OK(bo_create_private(&rig->gpu, &b->bo, size, flags, vm, label));
	b->pages = size / PAGE;
	b->words = calloc(b->pages * 2, sizeof(*b->words));
	CHECK(b->words, "out of memory");
}

void buffer_destroy(struct rig *rig, struct buffer *b)
{
	buffer_unmap_cpu(b);
	for (unsigned int i = 0; i < b->nr_maps; i++)
		CHECK_OK(vm_unbind(&rig->gpu, rig->vms[b->maps[i].vm].vm, b->maps[i].va,
				   b->maps[i].pages * PAGE));
	if (b->bo.handle)
		CHECK_OK(bo_destroy(&rig->gpu, &b->bo));
	if (b->other.handle)
		CHECK_OK(bo_destroy(&rig->gpu, &b->other));
	if (b->dmabuf >= 0)
		close(b->dmabuf);
	free(b->words);
}

/* Through the dma-buf, where there is one: its users see the buffer by it. */
void buffer_map_cpu(struct rig *rig, struct buffer *b)
{
	int fd = b->dmabuf >= 0 ? b->dmabuf : rig->gpu.fd;
	off_t offset = b->dmabuf >= 0 ? 0 : b->bo.offset;

	if (b->map)
		return;
	b->map = mmap(NULL, b->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	CHECK(b->map != MAP_FAILED, "mmap: %s", strerror(errno));
}

void buffer_unmap_cpu(struct buffer *b)
{
	if (b->map)
		munmap(b->map, b->pages * PAGE);
	b->map = NULL;
}

void buffer_bind(struct rig *rig, struct buffer *b, unsigned int vm, uint64_t va,
		 uint32_t first, uint32_t pages, uint32_t flags)
{
	CHECK(b->nr_maps < MAX_MAPS, "more than %d mappings", MAX_MAPS);
	CHECK_OK(vm_map(&rig->gpu, rig->vms[vm].vm, &b->bo, first * PAGE, va, pages * PAGE,
			flags));
	b->maps[b->nr_maps++] = (struct gpu_map){
		.vm = vm, .va = va, .first = first, .pages = pages, .flags = flags,
	};
}

static void set_words(struct buffer *b)
{
	for (size_t i = 0; i < b->pages * 2; i++)
		b->words[i] = pattern(i / 2, i % 2);
}

void buffer_fill_cpu(struct buffer *b)
{
	set_words(b);
	for (size_t i = 0; i < b->pages * 2; i++)
		*cpu_word(b, i / 2, i % 2) = b->words[i];
}

void buffer_fill_gpu(struct rig *rig, struct buffer *b)
{
	const struct gpu_map *m = &b->maps[0];

	set_words(b);
	memcpy(rig->vms[m->vm].copy.map, b->words, b->pages * 2 * sizeof(*b->words));
	rig_write_pages(rig, m->vm, m->va, b->pages);
}

void buffer_learn(struct rig *rig, struct buffer *b)
{
	const struct gpu_map *m = &b->maps[0];

	rig_read_pages(rig, m->vm, m->va, b->pages);
	memcpy(b->words, rig->vms[m->vm].copy.map, b->pages * 2 * sizeof(*b->words));
}

static bool is_wrong(const struct buffer *b, size_t page, uint64_t first, uint64_t last,
		     const char *who, bool tell)
{
	const uint64_t *want = &b->words[page * 2];

	if (first == want[0] && last == want[1])
		return false;
	if (tell)
		test_log("%s: page %zu is 0x%llx...0x%llx instead of 0x%llx...0x%llx", who, page,
			 (unsigned long long)first, (unsigned long long)last,
			 (unsigned long long)want[0], (unsigned long long)want[1]);
	return true;
}

size_t buffer_wrong_cpu(struct rig *rig, struct buffer *b)
{
	size_t wrong = 0;

	buffer_map_cpu(rig, b);
	for (size_t page = 0; page < b->pages; page++)
		wrong += is_wrong(b, page, *cpu_word(b, page, 0), *cpu_word(b, page, 1), "CPU",
				  !wrong);
	return wrong;
}

size_t buffer_wrong_gpu(struct rig *rig, struct buffer *b)
{
	size_t wrong = 0;

	for (unsigned int i = 0; i < b->nr_maps; i++) {
		const struct gpu_map *m = &b->maps[i];
		const uint64_t *got = (const uint64_t *)rig->vms[m->vm].copy.map;

		rig_read_pages(rig, m->vm, m->va, m->pages);
		for (size_t page = 0; page < m->pages; page++)
			wrong += is_wrong(b, m->first + page, got[page * 2], got[page * 2 + 1],
					  "GPU", !wrong);
	}
	return wrong;
}

void buffer_gem(const struct rig *rig, const struct buffer *b, struct gem *gem)
{
	CHECK_OK(panthor_gem(&rig->gpu, b->bo.label, gem));
}

bool buffer_resident(const struct rig *rig, const struct buffer *b)
{
	struct gem gem;

	buffer_gem(rig, b, &gem);
	return gem.resident;
}

static uint64_t last_byte(const struct gpu_map *m)
{
	return m->va + m->pages * PAGE - 1;
}

unsigned int buffer_check_reachable(const struct buffer *b)
{
	unsigned int looked = 0;

	for (unsigned int i = 0; i < b->nr_maps; i++) {
		const struct gpu_map *m = &b->maps[i];
		struct host_peek peek;
		int as = rig_find_as(m->va);

		if (as < 0)
			continue;
		host_translate(as, last_byte(m), "read", &peek);
		EXPECT_EQ(peek.fresh.exception, 0);
		EXPECT_EQ(peek.cached.exception, 0);
		EXPECT_EQ(peek.stale, 0);
		looked++;
	}
	return looked;
}

static bool reaches(unsigned int as, const struct gpu_map *m)
{
	struct host_range range;

	if (host_mappings(as, m->va, last_byte(m), &range, 1) && !range.exception) {
		test_log("address space %u maps 0x%llx", as, (unsigned long long)range.va);
		return true;
	}
	if (host_tlb(as, m->va, last_byte(m))) {
		test_log("the TLB has 0x%llx of address space %u", (unsigned long long)m->va, as);
		return true;
	}
	return false;
}

/* Their addresses are no other VM's: no address space may have them */
unsigned int buffer_reached(const struct buffer *b)
{
	unsigned int spaces = host_property("as-count"), reached = 0;

	for (unsigned int i = 0; i < b->nr_maps; i++)
		for (unsigned int as = 1; as < spaces; as++)
			reached += reaches(as, &b->maps[i]);
	return reached;
}

void buffer_check_unreachable(const struct buffer *b)
{
	EXPECT_EQ(buffer_reached(b), 0);
}
