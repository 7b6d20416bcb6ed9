// SPDX-License-Identifier: GPL-2.0-or-later

#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "gpu_dma_check.h"

#define PIECES_PER_PAGE (PAGE_SIZE / GPU_DMA_CHECK_PIECE_SIZE)

static unsigned long nr_area_pages(const struct area *area)
{
	return DIV_ROUND_UP(area->nr_pieces, PIECES_PER_PAGE);
}

static bool page_wanted(const struct area *area, unsigned long page,
			bool (*wanted)(unsigned long piece))
{
	unsigned long piece = page * PIECES_PER_PAGE;
	unsigned long end = min(piece + PIECES_PER_PAGE, area->nr_pieces);

	for (; piece < end; piece++)
		if (!wanted || wanted(piece))
			return true;
	return false;
}

static int fill(struct area *area, bool (*wanted)(unsigned long piece))
{
	unsigned long i, nr = nr_area_pages(area);

	area->pages = kvcalloc(nr, sizeof(*area->pages), GFP_KERNEL);
	area->directory = alloc_pages_exact(area->nr_pieces * sizeof(*area->directory),
					    GFP_KERNEL | __GFP_ZERO);
	area->filler = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!area->pages || !area->directory || !area->filler)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		bool is_wanted = page_wanted(area, i, wanted);

		area->pages[i] = is_wanted ? alloc_page(GFP_KERNEL | __GFP_ZERO) : area->filler;
		if (!area->pages[i])
			return -ENOMEM;
	}
	for (i = 0; i < area->nr_pieces; i++) {
		struct page *page = area->pages[i / PIECES_PER_PAGE];

		if (page != area->filler)
			area->directory[i] = cpu_to_le64(page_to_phys(page) +
							 i % PIECES_PER_PAGE *
							 GPU_DMA_CHECK_PIECE_SIZE);
	}
	area->base = vmap(area->pages, nr, VM_MAP, PAGE_KERNEL);
	return area->base ? 0 : -ENOMEM;
}

int area_alloc(struct area *area, unsigned long nr_pieces, bool (*wanted)(unsigned long piece))
{
	int ret;

	area->nr_pieces = nr_pieces;
	ret = fill(area, wanted);
	if (ret)
		area_free(area);
	return ret;
}

void area_free(struct area *area)
{
	unsigned long i;

	vunmap(area->base);
	for (i = 0; area->pages && i < nr_area_pages(area); i++)
		if (area->pages[i] && area->pages[i] != area->filler)
			__free_page(area->pages[i]);
	if (area->filler)
		__free_page(area->filler);
	if (area->directory)
		free_pages_exact(area->directory, area->nr_pieces * sizeof(*area->directory));
	kvfree(area->pages);
	memset(area, 0, sizeof(*area));
}

phys_addr_t area_directory(const struct area *area)
{
	return area->directory ? virt_to_phys(area->directory) : 0;
}

size_t area_size(const struct area *area)
{
	return area->nr_pieces * GPU_DMA_CHECK_PIECE_SIZE;
}
