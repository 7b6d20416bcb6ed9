/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suite soak: what its operations work on. Beside each address space of the GPU
 * is a model of it: what is mapped where, and what has to be in each buffer
 * when all jobs that were queued are done.
 */
#ifndef GUEST_SOAK_H
#define GUEST_SOAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "group.h"
#include "panthor.h"

#define PAGE		4096ul
#define HUGE_PAGES	512		/* of which a descriptor of level 2 maps 2 MiB */

#define SPACE_BOS	12
#define WINDOW_PAGES	4096
#define WINDOW_VA	0x40000000ull
#define CODE_VA		0x10000000ull
#define CODE_SLOTS	64
#define CODE_SLOT	1024ul

/* Of each page so many words are used, the first and the last among them. */
#define PAGE_WORDS	4

/* A slow host is no failure. */
#define SOAK_WAIT_MS	patience(60000)

struct soak_bo {
	struct bo bo;
	bool open;			/* it has a handle */
	unsigned int mapped;		/* pages of the window that it is behind */
	uint64_t *words;		/* the model; NULL: there is no such buffer */
};

struct soak_page {
	struct soak_bo *bo;		/* NULL: nothing is mapped */
	uint32_t page;			/* of the buffer */
	bool readonly;
	uint64_t used;			/* the last point at which something uses it */
};

/* A VM with a group of one queue, whose jobs and asynchronous binds follow one another. */
struct space {
	const struct panthor *gpu;
	uint32_t vm, group;
	uint32_t timeline;		/* each job and asynchronous bind is a point */
	uint64_t point;			/* the last one given out */
	uint64_t bound;			/* that of the last asynchronous bind */
	uint64_t waited;		/* all is done up to it */
	struct bo code;
	uint64_t code_used[CODE_SLOTS];
	unsigned int next_code;
	struct soak_bo bos[SPACE_BOS];
	struct soak_page window[WINDOW_PAGES];
};

void space_open(struct space *s, const struct panthor *gpu);
/* At once, with what is still at work. */
void space_close(struct space *s);

/* Wait until all before a point is done, the point itself included. */
void space_wait(struct space *s, uint64_t point);

/* A buffer of so many pages; NULL if there are too many. */
struct soak_bo *space_add_bo(struct space *s, size_t pages);
void space_drop_bo(struct space *s, struct soak_bo *bo);

/* One part of a VM_BIND; without a buffer it takes away what is there. */
struct soak_bind {
	unsigned int at, pages;		/* in the window */
	struct soak_bo *bo;
	uint32_t first;			/* page of the buffer */
	bool readonly;
};

#define MAX_BINDS 3

void space_bind(struct space *s, const struct soak_bind *binds, unsigned int nr, bool async);

/* A job adds the word at one place of the window to a number and stores it at another. */
struct soak_copy {
	unsigned int from, from_word;
	unsigned int to, to_word;
	uint32_t add;
	uint32_t delay;			/* so many turns of a loop come first */
};

#define MAX_COPIES 12

void space_submit(struct space *s, const struct soak_copy *copies, unsigned int nr);

/* Look at a page of a buffer with the CPU, and write to it, where nothing is at work. */
void space_check_page(struct space *s, struct soak_bo *bo, uint32_t page);
void space_write_page(struct space *s, struct soak_bo *bo, uint32_t page, uint64_t value);

#endif
