// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors of the LPAE format with a granule of 4 KiB, as the driver has the
 * kernel write them (drivers/iommu/io-pgtable-arm.c); all tables are in memory
 * that the kernel maps.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "mmu_wrong.h"

#define LEVELS		4
#define BITS_PER_LEVEL	9
#define PTE_VALID	BIT_ULL(0)
#define PTE_TABLE	BIT_ULL(1)	/* below the last level: else it is a block */
#define PTE_READONLY	BIT_ULL(7)
#define PTE_ADDRESS	GENMASK_ULL(47, 12)

/* Freed as a whole it goes to the buddy allocator, and is not the first to be taken again */
#define OWN_ORDER	6
#define OWN_PAGE	((1 << OWN_ORDER) / 2)

#define MAX_EDITS	16

static struct edit {
	u64 *pte, old;
} edits[MAX_EDITS];
static unsigned int nr_edits;

static struct page *own;

/* The descriptor of level 3; NULL if there is none, or one for more than 4 KiB before it */
static u64 *find(phys_addr_t root, u64 va, phys_addr_t *table)
{
	phys_addr_t at = root;
	u64 *pte;
	int level;

	for (level = 0;; level++) {
		unsigned int shift = PAGE_SHIFT + (LEVELS - 1 - level) * BITS_PER_LEVEL;

		if (!at || !pfn_valid(PHYS_PFN(at)))
			return NULL;
		pte = (u64 *)phys_to_virt(at) + (va >> shift) % BIT(BITS_PER_LEVEL);
		*table = at;
		if (level == LEVELS - 1)
			return pte;
		if ((READ_ONCE(*pte) & (PTE_VALID | PTE_TABLE)) != (PTE_VALID | PTE_TABLE))
			return NULL;
		at = READ_ONCE(*pte) & PTE_ADDRESS;
	}
}

static u64 *find_valid(phys_addr_t root, u64 va, phys_addr_t *table)
{
	u64 *pte = find(root, va, table);

	return pte && READ_ONCE(*pte) & PTE_VALID ? pte : NULL;
}

bool tables_read(phys_addr_t root, u64 va, u64 *value)
{
	phys_addr_t table, page;
	u64 *pte = find_valid(root, va, &table);

	if (!pte)
		return false;
	page = READ_ONCE(*pte) & PTE_ADDRESS;
	if (!pfn_valid(PHYS_PFN(page)))
		return false;
	*value = *(u64 *)phys_to_virt(page + (va & (PAGE_SIZE - 8)));
	return true;
}

static int edit(u64 *pte, u64 value)
{
	if (nr_edits == MAX_EDITS)
		return -ENOSPC;
	edits[nr_edits++] = (struct edit){ pte, READ_ONCE(*pte) };
	WRITE_ONCE(*pte, value);
	/* Before the registers that tell the GPU of it, as the driver has it */
	wmb();
	return 0;
}

static int set_address(u64 *pte, phys_addr_t page)
{
	return edit(pte, (READ_ONCE(*pte) & ~PTE_ADDRESS) | page);
}

int tables_clear(phys_addr_t root, u64 va)
{
	phys_addr_t table;
	u64 *pte = find_valid(root, va, &table);

	return pte ? edit(pte, 0) : -EFAULT;
}

int tables_make_readonly(phys_addr_t root, u64 va)
{
	phys_addr_t table;
	u64 *pte = find_valid(root, va, &table);

	return pte ? edit(pte, READ_ONCE(*pte) | PTE_READONLY) : -EFAULT;
}

int tables_point(phys_addr_t root, u64 va, u64 other)
{
	phys_addr_t table;
	u64 *pte = find_valid(root, va, &table), *to = find_valid(root, other, &table);

	return pte && to ? set_address(pte, READ_ONCE(*to) & PTE_ADDRESS) : -EFAULT;
}

int tables_point_to_table(phys_addr_t root, u64 va)
{
	phys_addr_t table;
	u64 *pte = find_valid(root, va, &table);

	return pte ? set_address(pte, table) : -EFAULT;
}

int tables_point_to_page(phys_addr_t root, u64 va)
{
	phys_addr_t table;
	u64 *pte = find_valid(root, va, &table);

	if (!pte)
		return -EFAULT;
	if (!own)
		own = alloc_pages(GFP_KERNEL | __GFP_ZERO, OWN_ORDER);
	return own ? set_address(pte, page_to_phys(own + OWN_PAGE)) : -ENOMEM;
}

void tables_free_page(void)
{
	if (own)
		__free_pages(own, OWN_ORDER);
	own = NULL;
}

void tables_restore(void)
{
	while (nr_edits) {
		const struct edit *e = &edits[--nr_edits];

		WRITE_ONCE(*e->pte, e->old);
	}
	wmb();
}
