// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite bench: how fast streams run. The driver ends a job that takes 5 s: a
 * measured one takes some tenths of that on a slow host.
 */

#include <string.h>

#include "bench.h"
#include "bench_loop.h"
#include "harness.h"

#define ROUNDS	15

/* Seconds that the stream at the start of the code takes, ioctl and fence included */
static double run_code(struct client *c, size_t words)
{
	double start = now();

	CHECK_OK(group_submit(&c->gpu, c->group, 0, CODE_VA, words * 8, 0, c->done));
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	return now() - start;
}

/*
 * The least of them, after one that warms up: whatever else the host does can
 * only add to it. tests/bench/rate.h does the same.
 */
static double time_code(struct client *c, const struct stream *s)
{
	double least;

	memcpy(c->code.map, s->words, s->nr * 8);
	run_code(c, s->nr);
	least = run_code(c, s->nr);
	for (unsigned int i = 1; i < ROUNDS; i++) {
		double seconds = run_code(c, s->nr);

		if (seconds < least)
			least = seconds;
	}
	return least;
}

void bench_loop(const void *arg)
{
	enum { TIMES = 5000000 };
	const uint64_t words[] = {
		CS_MOVE32(LOOP_COUNT, TIMES), CS_MOVE(LOOP_SUM, 0ull),
		LOOP_BODY,
		CS_MOVE(R_ADDR, DATA_VA), CS_STORE(LOOP_SUM, R_ADDR, 3, 0), CS_WAIT(0xff),
	};
	const struct stream s = { .words = (uint64_t *)words, .nr = ARRAY_SIZE(words) };
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	client_keep_awake(&c);
	bench_measured(LOOP_LENGTH * (TIMES / 1e6) / time_code(&c, &s));
	EXPECT_EQ(data64(&c)[0], 3ull * TIMES);
	client_close(&c);
}

/* 64 registers at a time, a page in every round of the loop */
void bench_copy(const void *arg)
{
	enum {
		FROM = 80, TO = 82, COUNT = 84,
		PIECE = 64, PIECES = 4, ROUND = 4096, SIZE = 64 * MIB,
	};
	const uint64_t from_va = 0x40000000, to_va = 0x50000000;
	struct client c = { 0 };
	struct bo from, to;
	STREAM(s, 256);
	size_t start;

	(void)arg;
	client_open(&c, 1);
	client_keep_awake(&c);
	client_buffer(&c, &from, SIZE, "bench-from", from_va);
	client_buffer(&c, &to, SIZE, "bench-to", to_va);
	for (size_t i = 0; i < SIZE / 8; i++)
		((uint64_t *)from.map)[i] = mix64(i);

	emit(&s, CS_MOVE(FROM, from_va));
	emit(&s, CS_MOVE(TO, to_va));
	emit(&s, CS_MOVE32(COUNT, SIZE / ROUND));
	start = s.nr;
	for (unsigned int at = 0; at < ROUND; at += PIECES * PIECE) {
		for (unsigned int i = 0; i < PIECES; i++)
			emit(&s, CS_LOAD(i * 16, FROM, 0xffff, at + i * PIECE));
		emit(&s, CS_WAIT(0xff));
		for (unsigned int i = 0; i < PIECES; i++)
			emit(&s, CS_STORE(i * 16, TO, 0xffff, at + i * PIECE));
		emit(&s, CS_WAIT(0xff));
	}
	emit(&s, CS_ADD64(FROM, FROM, ROUND));
	emit(&s, CS_ADD64(TO, TO, ROUND));
	emit(&s, CS_ADD32(COUNT, COUNT, -1));
	emit(&s, CS_BRANCH(CS_GT, COUNT, (int)start - (int)s.nr - 1));

	bench_measured(SIZE / 1e9 / time_code(&c, &s));
	EXPECT(!memcmp(from.map, to.map, SIZE), "the copy differs");
	bo_munmap(&from);
	bo_munmap(&to);
	bo_destroy(&c.gpu, &from);
	bo_destroy(&c.gpu, &to);
	client_close(&c);
}
