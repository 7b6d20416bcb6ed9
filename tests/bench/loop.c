// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of the figure loop: the same instructions, each of them a
 * call through a table of functions. Prints how many million a second.
 */

#include "../guest/bench_loop.h"
#include "rate.h"

#define TIMES	5000000

struct machine {
	uint32_t regs[96];
	const uint64_t *pc;
};

typedef void op_fn(struct machine *m, uint64_t word);

static unsigned int dst(uint64_t word)
{
	return word >> 48 & 0xff;
}

static unsigned int src(uint64_t word)
{
	return word >> 40 & 0xff;
}

static uint64_t get64(const struct machine *m, unsigned int r)
{
	return m->regs[r] | (uint64_t)m->regs[r + 1] << 32;
}

static void set64(struct machine *m, unsigned int r, uint64_t value)
{
	m->regs[r] = value;
	m->regs[r + 1] = value >> 32;
}

static void op_move(struct machine *m, uint64_t word)
{
	set64(m, dst(word), word & 0xffffffffffffull);
}

static void op_move32(struct machine *m, uint64_t word)
{
	m->regs[dst(word)] = word;
}

static void op_add32(struct machine *m, uint64_t word)
{
	m->regs[dst(word)] = m->regs[src(word)] + (uint32_t)word;
}

static void op_add64(struct machine *m, uint64_t word)
{
	set64(m, dst(word), get64(m, src(word)) + (int32_t)word);
}

static void op_umin32(struct machine *m, uint64_t word)
{
	uint32_t a = m->regs[src(word)], b = m->regs[word >> 32 & 0xff];

	m->regs[dst(word)] = a < b ? a : b;
}

/* The loop's only condition: greater than 0 */
static void op_branch(struct machine *m, uint64_t word)
{
	if ((int32_t)m->regs[src(word)] > 0)
		m->pc += (int16_t)word;
}

static op_fn *const ops[256] = {
	[1] = op_move,
	[2] = op_move32,
	[16] = op_add32,
	[17] = op_add64,
	[18] = op_umin32,
	[22] = op_branch,
};

static void run(void)
{
	static const uint64_t words[] = { LOOP_BODY };
	struct machine m = { .regs[LOOP_COUNT] = TIMES, .pc = words };

	while (m.pc < words + LOOP_LENGTH) {
		uint64_t word = *m.pc++;

		ops[word >> 56](&m, word);
	}
	if (get64(&m, LOOP_SUM) != 3ull * TIMES)
		abort();
}

int main(void)
{
	return print_rate(LOOP_LENGTH * (TIMES / 1e6), run);
}
