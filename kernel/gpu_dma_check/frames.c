// SPDX-License-Identifier: GPL-2.0-or-later

#include <linux/ioport.h>
#include <linux/mm.h>

#include "gpu_dma_check.h"

#define FRAMES_PER_PIECE GPU_DMA_CHECK_PIECE_SIZE

struct area frames_area;
u64 frames_first_pfn;

/* What frames_set() wants, at hand. */
static u8 *states __read_mostly;
static unsigned long nr_states __read_mostly;

/* A section of the memory map is larger than what a piece is for, and aligned. */
static bool piece_has_memory(unsigned long piece)
{
	return pfn_valid(frames_first_pfn + piece * FRAMES_PER_PIECE);
}

/*
 * All memory that is there now, as /proc/iomem shows it. What is added later is
 * not followed.
 */
int frames_init(void)
{
	const struct resource *res;
	unsigned long first = ULONG_MAX, end = 0;
	int ret;

	for (res = iomem_resource.child; res; res = res->sibling) {
		if ((res->flags & IORESOURCE_SYSTEM_RAM) != IORESOURCE_SYSTEM_RAM)
			continue;
		first = min_t(unsigned long, first, PHYS_PFN(res->start));
		end = max_t(unsigned long, end, PHYS_PFN(res->end) + 1);
	}
	if (first >= end)
		return -ENODEV;
	frames_first_pfn = round_down(first, FRAMES_PER_PIECE);
	ret = area_alloc(&frames_area, DIV_ROUND_UP(end - frames_first_pfn, FRAMES_PER_PIECE),
			 piece_has_memory);
	states = frames_area.base;
	nr_states = area_size(&frames_area);
	return ret;
}

void frames_exit(void)
{
	area_free(&frames_area);
}

/* Memory that was added next to what is followed may share a range with it. */
static void set_range(unsigned long pfn, unsigned long nr, u8 state)
{
	unsigned long start = max_t(unsigned long, pfn, frames_first_pfn);
	unsigned long end = min_t(unsigned long, pfn + nr, frames_first_pfn + nr_states);

	if (start < end)
		memset(states + start - frames_first_pfn, state, end - start);
}

void frames_set(unsigned long pfn, unsigned long nr, u8 state)
{
	/* A frame below the first one has an index above the last one. */
	unsigned long index = pfn - frames_first_pfn;

	if (nr != 1)
		set_range(pfn, nr, state);
	else if (index < nr_states)
		WRITE_ONCE(states[index], state);
}

void frames_forget(void)
{
	memset(states, GPU_DMA_CHECK_UNKNOWN, nr_states);
}
