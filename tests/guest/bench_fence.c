// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite bench: from the ioctl to the fence, beside two threads that wake one
 * another. Both wait for wake-ups of the guest's kernel, so that the host's
 * speed cancels out.
 */

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"
#include "harness.h"
#include "stream.h"

/*
 * What is compared takes turns, as short as they can be: whatever else the host
 * does falls on both.
 */
#define ROUNDS		100
#define TIMES		10
#define WARM_UP		100

/* --- Ping-pong --- */

struct pair {
	int there, back;		/* eventfds */
	pthread_t thread;
};

static void pass(int to)
{
	CHECK_EQ(write(to, &(const uint64_t){ 1 }, 8), 8);
}

static void await(int from)
{
	uint64_t value;

	CHECK_EQ(read(from, &value, sizeof(value)), 8);
}

/* The other thread, until its test ends */
static void *answer(void *arg)
{
	const struct pair *p = arg;

	for (;;) {
		await(p->there);
		pass(p->back);
	}
	return NULL;
}

static void pair_start(struct pair *p)
{
	p->there = eventfd(0, EFD_CLOEXEC);
	p->back = eventfd(0, EFD_CLOEXEC);
	CHECK(p->there >= 0 && p->back >= 0, "eventfd: %m");
	CHECK_EQ(pthread_create(&p->thread, NULL, answer, p), 0);
}

/* There and back again, in us */
static double ping_pong(const struct pair *p)
{
	double start = now();

	pass(p->there);
	await(p->back);
	return (now() - start) * 1e6;
}

static void time_pairs(const struct pair *p, double *us, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		us[i] = ping_pong(p);
}

/* --- Jobs --- */

static void start(struct client *c, struct pair *p)
{
	client_open(c, 1);
	/* A power-up of the GPU is another matter */
	client_keep_awake(c);
	*(uint64_t *)c->code.map = CS_NOP();
	pair_start(p);
}

static double fence(struct client *c)
{
	double start = now();

	CHECK_OK(group_submit(&c->gpu, c->group, 0, CODE_VA, 8, 0, c->done));
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	return (now() - start) * 1e6;
}

void bench_fence(const void *arg)
{
	double fences[TIMES], times[WARM_UP], pairs[ROUNDS][2];
	struct client c = { 0 };
	struct pair p;

	(void)arg;
	start(&c, &p);
	time_pairs(&p, times, WARM_UP);
	for (unsigned int i = 0; i < WARM_UP; i++)
		fence(&c);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < TIMES; i++)
			fences[i] = fence(&c);
		time_pairs(&p, times, TIMES);
		pairs[round][0] = bench_median(fences, TIMES);
		pairs[round][1] = bench_median(times, TIMES);
	}
	bench_pairs(pairs, ROUNDS);
	client_close(&c);
}

/* us a job */
static double queue(struct client *c, uint32_t group, unsigned int jobs)
{
	double start = now();

	bench_submit(c, group, CODE_VA, 8, jobs, c->done);
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	return (now() - start) * 1e6 / jobs;
}

void bench_queue(const void *arg)
{
	enum { BATCHES = 20, JOBS = 1000, PAIRS = ROUNDS * TIMES / BATCHES };
	double times[PAIRS + WARM_UP], pairs[BATCHES][2];
	struct client c = { 0 };
	uint32_t group;
	struct pair p;

	(void)arg;
	start(&c, &p);
	/* The longest ring, as real clients have */
	group = CHECK_OK(group_create(&c.gpu, c.vm, 1, 64 * KIB, PANTHOR_GROUP_PRIORITY_MEDIUM));
	time_pairs(&p, times, WARM_UP);
	queue(&c, group, JOBS);
	for (unsigned int i = 0; i < BATCHES; i++) {
		pairs[i][0] = queue(&c, group, JOBS);
		time_pairs(&p, times, PAIRS);
		pairs[i][1] = bench_median(times, PAIRS);
	}
	bench_pairs(pairs, BATCHES);
	CHECK_OK(group_destroy(&c.gpu, group));
	client_close(&c);
}
