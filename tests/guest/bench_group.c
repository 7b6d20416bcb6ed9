// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite bench: what other groups do to the cost of a job.
 */

#include <string.h>

#include "bench.h"
#include "harness.h"
#include "stream.h"

#define ROUNDS		9
#define RING_SIZE	(64 * KIB)
#define INSTRUCTIONS	1000
/* In one measurement, by all groups together: some tenths of a second */
#define JOBS		1600

/* A job's stream at the start of the code: a loop so many instructions long */
static uint32_t put_job(struct client *c, unsigned int instructions)
{
	const uint64_t words[] = {
		CS_MOVE32(R_A, instructions / 2),
		CS_ADD32(R_A, R_A, -1), CS_BRANCH(CS_GT, R_A, -2),
	};

	memcpy(c->code.map, words, sizeof(words));
	return sizeof(words);
}

/* us a job when each of nr groups gets its share of JOBS at once */
static double time_groups(struct client *c, const uint32_t *groups, const uint32_t *done,
			  unsigned int nr, uint32_t size)
{
	double start = now();

	for (unsigned int i = 0; i < nr; i++)
		bench_submit(c, groups[i], CODE_VA, size, JOBS / nr, done[i]);
	for (unsigned int i = 0; i < nr; i++)
		CHECK_OK(syncobj_wait(&c->gpu, done[i], JOB_MS));
	return (now() - start) * 1e6 / JOBS;
}

static void add_group(struct client *c, uint32_t *group, uint32_t *done)
{
	*group = CHECK_OK(group_create(&c->gpu, c->vm, 1, RING_SIZE,
				       PANTHOR_GROUP_PRIORITY_MEDIUM));
	*done = CHECK_OK(syncobj_create(&c->gpu));
}

void bench_groups(const void *arg)
{
	enum { GROUPS = 8 };
	double one[ROUNDS], all[ROUNDS];
	uint32_t groups[GROUPS], done[GROUPS], size;
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	client_keep_awake(&c);
	size = put_job(&c, INSTRUCTIONS);
	for (unsigned int i = 0; i < GROUPS; i++)
		add_group(&c, &groups[i], &done[i]);
	time_groups(&c, groups, done, GROUPS, size);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		one[i] = time_groups(&c, groups, done, 1, size);
		all[i] = time_groups(&c, groups, done, GROUPS, size);
	}
	bench_measured(bench_median(all, ROUNDS));
	bench_reference(bench_median(one, ROUNDS));
	for (unsigned int i = 0; i < GROUPS; i++)
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	client_close(&c);
}

/*
 * Groups of other clients that have worked and do nothing now. The driver
 * suspends all groups before it lets the GPU go down, and starts again only
 * those with jobs.
 */
#define WARM_UP		2
#define SETTLE_MS	2000
#define OTHERS		3
#define OTHER_GROUPS	100

static void add_suspended(struct client clients[OTHERS])
{
	uint32_t groups[OTHERS][OTHER_GROUPS];

	for (unsigned int i = 0; i < OTHERS; i++) {
		client_open(&clients[i], 1);
		put_job(&clients[i], 0);
		for (unsigned int k = 0; k < OTHER_GROUPS; k++)
			groups[i][k] = CHECK_OK(group_create(&clients[i].gpu, clients[i].vm, 1,
						4096, PANTHOR_GROUP_PRIORITY_MEDIUM));
	}
	for (unsigned int i = 0; i < OTHERS; i++)
		for (unsigned int k = 0; k < OTHER_GROUPS; k++)
			CHECK_OK(group_submit(&clients[i].gpu, groups[i][k], 0, CODE_VA, 8, 0,
					      clients[i].done));
	for (unsigned int i = 0; i < OTHERS; i++)
		CHECK_OK(syncobj_wait(&clients[i].gpu, clients[i].done, JOB_MS));
	client_wait_suspended(&clients[0]);
}

/* One group at work on its own */
static void time_alone(struct client *c, uint32_t group, uint32_t done, uint32_t size, double *us)
{
	for (unsigned int i = 0; i < WARM_UP; i++)
		time_groups(c, &group, &done, 1, size);
	for (unsigned int i = 0; i < ROUNDS; i++)
		us[i] = time_groups(c, &group, &done, 1, size);
}

/* Without the others before and after, so that what changes with time falls on both */
void bench_suspended(const void *arg)
{
	struct client c = { 0 }, others[OTHERS] = { 0 };
	double alone[2 * ROUNDS], beside[ROUNDS];
	uint32_t group, done, size;

	(void)arg;
	client_open(&c, 1);
	size = put_job(&c, INSTRUCTIONS);
	add_group(&c, &group, &done);
	time_alone(&c, group, done, size, alone);
	add_suspended(others);
	time_alone(&c, group, done, size, beside);
	/* With a client all its groups end; the driver frees them later */
	for (unsigned int i = 0; i < OTHERS; i++)
		panthor_close(&others[i].gpu);
	sleep_ms(SETTLE_MS);
	time_alone(&c, group, done, size, alone + ROUNDS);
	bench_measured(bench_median(beside, ROUNDS));
	bench_reference(bench_median(alone, 2 * ROUNDS));
	client_close(&c);
}
