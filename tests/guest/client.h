/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the GPU, with what its jobs need: a VM, buffers and a group; and
 * a way to write streams down.
 */
#ifndef GUEST_CLIENT_H
#define GUEST_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "group.h"
#include "panthor.h"

#define CODE_VA		0x10000000ull
#define DATA_VA		0x20000000ull
/* Nothing is ever mapped there, nor near it */
#define HOLE_VA		0x30000000ull
#define BO_SIZE		0x10000

/* Longer than any job takes on a slow host; what hangs fails by it */
#define JOB_MS		patience(20000)

/* What a job needs: a VM with a buffer of code and one of data, and a group */
struct client {
	struct panthor gpu;
	uint32_t vm;
	struct bo code;
	struct bo data;
	uint32_t group;
	uint32_t done;			/* syncobj of the last job */
};

void client_open(struct client *c, unsigned int queues);
void client_close(struct client *c);

/* In place of the group, another one of the same VM. */
void client_new_group(struct client *c, unsigned int queues);

/* Another buffer of the client, mapped for the CPU, filled with zeroes, bound at va. */
void client_buffer(struct client *c, struct bo *bo, size_t size, const char *label, uint64_t va);

/*
 * Keep the GPU powered until the test ends: the driver suspends it, and all its
 * groups, when no queue has anything to do.
 */
void client_keep_awake(struct client *c);
/* Wait until it has gone down. */
void client_wait_suspended(struct client *c);

/* Put a stream at an offset of the code buffer, and queue it. */
void client_submit(struct client *c, unsigned int queue, size_t offset,
		   const uint64_t *words, size_t nr);
/* The same at offset 0 on queue 0, and wait. */
void client_run(struct client *c, const uint64_t *words, size_t nr);

#define RUN(c, ...) do {						\
	const uint64_t words_[] = { __VA_ARGS__ };			\
	client_run(c, words_, sizeof(words_) / sizeof(words_[0]));	\
} while (0)

static inline uint32_t *data32(struct client *c)
{
	return (uint32_t *)c->data.map;
}

static inline uint64_t *data64(struct client *c)
{
	return (uint64_t *)c->data.map;
}

/* A stream under construction */
struct stream {
	uint64_t *words;
	size_t nr;
	size_t max;
};

void emit(struct stream *s, uint64_t word);

#define STREAM(name, n)							\
	uint64_t name##_words[n];					\
	struct stream name = { .words = name##_words, .max = (n) }

/* Registers by use: the data's address, and what is stored there */
#define R_ADDR	60
#define R_A	10
#define R_B	12

/* Registers that the driver leaves alone: it uses the last four between jobs */
#define JOB_REGS 92

#endif
