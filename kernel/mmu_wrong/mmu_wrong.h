/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the module, each in a file of its own:
 *
 *   regs.c     the GPU's registers of address spaces, by the names that they
 *              have in panthor_regs.h
 *   tables.c   the page tables that these registers lead to
 *   main.c     the language of the command file
 *
 * Functions return 0 or -errno.
 */
#ifndef MMU_WRONG_H
#define MMU_WRONG_H

#include <linux/types.h>

#define NR_AS 16

enum as_command { AS_NOP, AS_UPDATE, AS_LOCK, AS_UNLOCK, AS_FLUSH_PT, AS_FLUSH_MEM };

int regs_init(void);
void regs_exit(void);

/* The address of the root table; 0 if there is none that this module can read. */
phys_addr_t regs_root(unsigned int as);

void regs_set_lockaddr(unsigned int as, u64 lockaddr);
void regs_set_region(unsigned int as, u64 va, unsigned int log2);

/* Write a command, whatever is active. */
void regs_post(unsigned int as, enum as_command command);
/* Wait until none is. */
int regs_wait(unsigned int as);

/* Another configuration, before UPDATE: no tables at all; a root table elsewhere; as it was. */
void regs_disable(unsigned int as);
void regs_move(unsigned int as);
void regs_put_back(unsigned int as);

/* What is at an address; false if nothing is mapped. */
bool tables_read(phys_addr_t root, u64 va, u64 *value);

/* Changes of the descriptor of a 4 KiB page. */
int tables_clear(phys_addr_t root, u64 va);
int tables_make_readonly(phys_addr_t root, u64 va);
/* It leads to where the one of another address does. */
int tables_point(phys_addr_t root, u64 va, u64 other);
/* It leads to the table that it is in, and may be written to. */
int tables_point_to_table(phys_addr_t root, u64 va);
/* It leads to a page of the module's own; and that page is freed. */
int tables_point_to_page(phys_addr_t root, u64 va);
void tables_free_page(void);

/* All descriptors as they were before. */
void tables_restore(void);

#endif
