// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: random streams on the GPU and on a model of it. The model decodes
 * the words by itself; nothing of it comes from the device.
 *
 * A program is a handful of streams: the first calls the second and stores all
 * registers, each other one may call and jump to those behind it. Registers
 * and memory go from program to program, on both sides.
 */

#include <string.h>

#include "exec.h"
#include "harness.h"
#include "stream.h"

#define PROGRAMS	400
/* A program that takes longer is thrown away before it is run */
#define MAX_STEPS	20000

#define STREAMS		6
#define STREAM_SIZE	0x1000		/* bytes of code; the entry is before them */
#define STREAM_AT(k)	(0x1000 + (k) * STREAM_SIZE)
#define LOOPS		2		/* nested in a stream */

/* The data: what is loaded and stored, sync objects, and the registers at the end */
#define WORDS_SIZE	0x1000
#define SYNC_AT		0x1000
#define SYNC_OBJECTS	64
#define DUMP_AT		0x2000
#define DATA_SIZE	0x3000

/* Registers below are anybody's; the others have their use, so that programs end */
#define FREE_REGS	60
#define COUNTER(k, depth)	(60 + (k) * LOOPS + (depth))
#define R_SYNC		72
#define R_TARGET	74
#define R_LENGTH	76
#define R_BASE		80

/* --- Programs --- */

struct generator {
	uint64_t seed;
	struct stream s;
	unsigned int stream;		/* which one */
	unsigned int loops;		/* open ones */
	size_t lengths[STREAMS];	/* of those behind it */
};

static uint32_t pick(struct generator *g, uint32_t n)
{
	return (mix64(g->seed++) >> 16) % n;
}

/* Numbers from all over the range, with those at its edges more often */
static uint64_t pick_value(struct generator *g)
{
	static const uint64_t edges[] = {
		0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
		0x8000000000000000, UINT64_MAX,
	};

	return pick(g, 3) ? mix64(g->seed++) : edges[pick(g, ARRAY_SIZE(edges))];
}

static unsigned int pick_reg(struct generator *g)
{
	return pick(g, FREE_REGS);
}

static unsigned int pick_pair(struct generator *g)
{
	return pick(g, FREE_REGS / 2) * 2;
}

static void random_block(struct generator *g, unsigned int nr);

static void random_memory(struct generator *g)
{
	unsigned int base = pick_reg(g);
	uint32_t mask = mix64(g->seed++) & 0xffff;
	int offset = ((int)pick(g, (WORDS_SIZE - 64) / 4) - WORDS_SIZE / 8) * 4;

	if (base + 16 > FREE_REGS)
		mask &= (1u << (FREE_REGS - base)) - 1;
	if (!pick(g, 4))
		mask &= mix64(g->seed++);
	if (pick(g, 2))
		emit(&g->s, CS_LOAD(base, R_BASE, mask, offset));
	else
		emit(&g->s, CS_STORE(base, R_BASE, mask, offset));
	emit(&g->s, CS_WAIT(0xff));
}

static void random_sync(struct generator *g)
{
	unsigned int data = pick_pair(g);

	emit(&g->s, CS_ADD64(R_SYNC, R_BASE, SYNC_AT - WORDS_SIZE / 2 +
					     16 * (int)pick(g, SYNC_OBJECTS)));
	switch (pick(g, 4)) {
	case 0:
		emit(&g->s, CS_SYNC_ADD32(R_SYNC, data, CS_SYSTEM));
		break;
	case 1:
		emit(&g->s, CS_SYNC_SET32(R_SYNC, data, CS_CSG));
		break;
	case 2:
		emit(&g->s, CS_SYNC_ADD64(R_SYNC, data, CS_CSG));
		break;
	default:
		emit(&g->s, CS_SYNC_SET64(R_SYNC, data, CS_SYSTEM));
		break;
	}
}

static void random_arithmetic(struct generator *g)
{
	switch (pick(g, 6)) {
	case 0:
		emit(&g->s, CS_MOVE(pick_pair(g), pick_value(g)));
		break;
	case 1:
		emit(&g->s, CS_MOVE32(pick_reg(g), pick_value(g)));
		break;
	case 2:
		emit(&g->s, CS_ADD32(pick_reg(g), pick_reg(g), pick_value(g)));
		break;
	case 3:
		emit(&g->s, CS_ADD64(pick_pair(g), pick_pair(g), pick_value(g)));
		break;
	case 4:
		emit(&g->s, CS_UMIN32(pick_reg(g), pick_reg(g), pick_reg(g)));
		break;
	default:
		emit(&g->s, CS_NOP() | (pick_value(g) & 0xffffffffffffff));
		break;
	}
}

/* Over a block, on a condition */
static void random_skip(struct generator *g)
{
	size_t at = g->s.nr;

	emit(&g->s, 0);
	random_block(g, 1 + pick(g, 3));
	g->s.words[at] = CS_BRANCH(pick(g, 7), pick_reg(g), g->s.nr - at - 1);
}

static void random_loop(struct generator *g)
{
	unsigned int counter = COUNTER(g->stream, g->loops);
	size_t start;

	if (g->loops == LOOPS)
		return;
	g->loops++;
	emit(&g->s, CS_MOVE32(counter, 1 + pick(g, 6)));
	start = g->s.nr;
	random_block(g, 1 + pick(g, 4));
	emit(&g->s, CS_ADD32(counter, counter, -1));
	emit(&g->s, CS_BRANCH(pick(g, 2) ? CS_GT : CS_NE, counter,
			      (int)start - (int)g->s.nr - 1));
	g->loops--;
}

static void random_call(struct generator *g, bool jump)
{
	unsigned int target = g->stream + 1 + pick(g, STREAMS);

	if (target >= STREAMS)
		return;
	emit(&g->s, CS_MOVE(R_TARGET, CODE_VA + STREAM_AT(target)));
	emit(&g->s, CS_MOVE32(R_LENGTH, g->lengths[target]));
	emit(&g->s, jump ? CS_JUMP(R_TARGET, R_LENGTH) : CS_CALL(R_TARGET, R_LENGTH));
}

static void random_block(struct generator *g, unsigned int nr)
{
	while (nr--) {
		/* Room for the largest of them, and what closes the open blocks */
		if (g->s.nr + 32 > g->s.max)
			return;
		switch (pick(g, 16)) {
		case 0:
		case 1:
		case 2:
			random_memory(g);
			break;
		case 3:
			random_sync(g);
			break;
		case 4:
		case 5:
			random_skip(g);
			break;
		case 6:
			random_loop(g);
			break;
		case 7:
			random_call(g, false);
			break;
		case 8:
			emit(&g->s, CS_SB_ENTRY(pick(g, 8), pick(g, 8)));
			break;
		default:
			random_arithmetic(g);
			break;
		}
	}
}

/* The streams of a program, the last one first; returns the first one's length */
static size_t random_program(uint8_t *code, uint64_t seed)
{
	struct generator g = { .seed = mix64(seed) };
	STREAM(entry, 32);

	for (unsigned int k = STREAMS; k--; ) {
		g.stream = k;
		g.s = (struct stream){
			.words = (uint64_t *)(code + STREAM_AT(k)), .max = STREAM_SIZE / 8,
		};
		random_block(&g, 4 + pick(&g, 24));
		if (!pick(&g, 3))
			random_call(&g, true);
		g.lengths[k] = g.s.nr * 8;
	}
	emit(&entry, CS_MOVE(R_BASE, DATA_VA + WORDS_SIZE / 2));
	emit(&entry, CS_MOVE(R_TARGET, CODE_VA + STREAM_AT(0)));
	emit(&entry, CS_MOVE32(R_LENGTH, g.lengths[0]));
	emit(&entry, CS_CALL(R_TARGET, R_LENGTH));
	emit(&entry, CS_MOVE(R_BASE, DATA_VA + DUMP_AT));
	for (unsigned int r = 0; r < JOB_REGS; r += 4)
		emit(&entry, CS_STORE(r, R_BASE, 0xf, r * 4));
	emit(&entry, CS_WAIT(0xff));
	memcpy(code, entry.words, entry.nr * 8);
	return entry.nr * 8;
}

/* --- The model --- */

struct model {
	uint32_t r[96];
	const uint8_t *code;
	uint8_t data[DATA_SIZE];
	unsigned int steps;
};

static uint64_t bits(uint64_t word, unsigned int lowest, unsigned int nr)
{
	return word >> lowest & ((1ull << nr) - 1);
}

static int64_t sign_extend(uint64_t value, unsigned int nr)
{
	return (int64_t)(value << (64 - nr)) >> (64 - nr);
}

static uint64_t model_pair(const struct model *m, unsigned int r)
{
	return (uint64_t)m->r[r + 1] << 32 | m->r[r];
}

static void model_set_pair(struct model *m, unsigned int r, uint64_t value)
{
	m->r[r] = value & 0xffffffff;
	m->r[r + 1] = value >> 32;
}

static uint8_t *model_at(struct model *m, uint64_t va, size_t size)
{
	CHECK(va >= DATA_VA && va + size <= DATA_VA + DATA_SIZE,
	      "the model accesses 0x%llx", (unsigned long long)va);
	return m->data + (va - DATA_VA);
}

static bool model_condition(unsigned int cond, int32_t v)
{
	return cond == 6 || (cond == 0 && v <= 0) || (cond == 1 && v > 0) ||
	       (cond == 2 && !v) || (cond == 3 && v) || (cond == 4 && v < 0) ||
	       (cond == 5 && v >= 0);
}

static void model_multiple(struct model *m, uint64_t w, bool load)
{
	uint64_t va = model_pair(m, bits(w, 40, 8)) + sign_extend(bits(w, 0, 16), 16);
	unsigned int base = bits(w, 48, 8);

	for (unsigned int i = 0; i < 16; i++) {
		if (!bits(w, 16 + i, 1))
			continue;
		if (load)
			memcpy(&m->r[base + i], model_at(m, va, 4), 4);
		else
			memcpy(model_at(m, va, 4), &m->r[base + i], 4);
		va += 4;
	}
}

static void model_sync(struct model *m, uint64_t w, bool wide, bool add)
{
	uint8_t *object = model_at(m, model_pair(m, bits(w, 40, 8)), wide ? 12 : 8);
	unsigned int r = bits(w, 32, 8);
	uint64_t value = 0;

	memcpy(&value, object, wide ? 8 : 4);
	value = (add ? value : 0) + (wide ? model_pair(m, r) : m->r[r]);
	memcpy(object, &value, wide ? 8 : 4);
	/* Behind it, the status: no error */
	memset(object + (wide ? 8 : 4), 0, 4);
}

/* Run a stream to its end; false if it takes too long */
static bool model_run(struct model *m, uint64_t va, uint32_t length)
{
	uint64_t pc = va, end = va + length;

	while (pc != end) {
		unsigned int op, dst, src, src1;
		uint64_t w;

		if (++m->steps > MAX_STEPS)
			return false;
		memcpy(&w, m->code + (pc - CODE_VA), 8);
		pc += 8;
		op = bits(w, 56, 8);
		dst = bits(w, 48, 8);
		src = bits(w, 40, 8);
		src1 = bits(w, 32, 8);
		switch (op) {
		case 0:		/* NOP */
		case 3:		/* WAIT */
		case 23:	/* SET_SB_ENTRY */
			break;
		case 1:		/* MOVE */
			model_set_pair(m, dst, bits(w, 0, 48));
			break;
		case 2:		/* MOVE32 */
			m->r[dst] = bits(w, 0, 32);
			break;
		case 16:	/* ADD_IMM32 */
			m->r[dst] = m->r[src] + bits(w, 0, 32);
			break;
		case 17:	/* ADD_IMM64 */
			model_set_pair(m, dst, model_pair(m, src) +
					       sign_extend(bits(w, 0, 32), 32));
			break;
		case 18:	/* UMIN32 */
			m->r[dst] = m->r[src] < m->r[src1] ? m->r[src] : m->r[src1];
			break;
		case 20:	/* LOAD_MULTIPLE */
		case 21:	/* STORE_MULTIPLE */
			model_multiple(m, w, op == 20);
			break;
		case 22:	/* BRANCH */
			if (model_condition(bits(w, 28, 3), m->r[src]))
				pc += sign_extend(bits(w, 0, 16), 16) * 8;
			break;
		case 32:	/* CALL */
			if (!model_run(m, model_pair(m, src), m->r[src1]))
				return false;
			break;
		case 33:	/* JUMP */
			pc = model_pair(m, src);
			end = pc + m->r[src1];
			break;
		case 37:	/* SYNC_ADD32 */
		case 38:	/* SYNC_SET32 */
			model_sync(m, w, false, op == 37);
			break;
		case 51:	/* SYNC_ADD64 */
		case 52:	/* SYNC_SET64 */
			model_sync(m, w, true, op == 51);
			break;
		default:
			CHECK(0, "the model does not know opcode %u", op);
		}
	}
	return true;
}

/* --- Both --- */

static void compare(struct client *c, const struct model *m, unsigned int nr)
{
	const uint32_t *got = data32(c), *want = (const uint32_t *)m->data;

	for (unsigned int i = 0; i < DATA_SIZE / 4; i++) {
		if (got[i] == want[i])
			continue;
		if (i * 4 >= DUMP_AT)
			CHECK(0, "program %u of seed %llu: r%u is 0x%x, not 0x%x", nr,
			      (unsigned long long)test_seed(), i - DUMP_AT / 4, got[i], want[i]);
		CHECK(0, "program %u of seed %llu: at 0x%x is 0x%x, not 0x%x", nr,
		      (unsigned long long)test_seed(), i * 4, got[i], want[i]);
	}
}

void test_random(const void *arg)
{
	static struct model model, next;
	unsigned long long steps = 0;
	struct client c = { 0 };
	unsigned int done = 0;

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < WORDS_SIZE / 4; i++)
		data32(&c)[i] = mix64(test_seed() + i);
	memcpy(model.data, c.data.map, DATA_SIZE);
	model.code = c.code.map;
	for (unsigned int nr = 0; done < PROGRAMS; nr++) {
		size_t length = random_program(c.code.map, test_seed() + nr);

		CHECK(nr < PROGRAMS * 10, "most programs are too long");
		next = model;
		next.steps = 0;
		if (!model_run(&next, CODE_VA, length))
			continue;
		model = next;
		steps += model.steps;
		done++;
		CHECK_OK(group_submit(&c.gpu, c.group, 0, CODE_VA, length, 0, c.done));
		CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
		compare(&c, &model, nr);
	}
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	metric_int("instructions", steps);
	client_close(&c);
}
