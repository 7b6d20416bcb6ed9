// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite bench: what jobs cost.
 */

#include <stdlib.h>

#include "bench.h"
#include "harness.h"

void bench_measured(double value)
{
	metric_double("measured", value);
}

void bench_reference(double value)
{
	metric_double("reference", value);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), by_value);
	return nr % 2 ? values[nr / 2] : (values[nr / 2 - 1] + values[nr / 2]) / 2;
}

static int by_quotient(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return by_value(&(double){ x[0] / x[1] }, &(double){ y[0] / y[1] });
}

void bench_pairs(double (*pairs)[2], size_t nr)
{
	qsort(pairs, nr, sizeof(*pairs), by_quotient);
	bench_measured(pairs[nr / 2][0]);
	bench_reference(pairs[nr / 2][1]);
}

void bench_submit(struct client *c, uint32_t group, uint64_t va, uint32_t size, unsigned int nr,
		  uint32_t signal)
{
	struct drm_panthor_sync_op op = {
		.flags = DRM_PANTHOR_SYNC_OP_SIGNAL | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ,
		.handle = signal,
	};
	struct drm_panthor_queue_submit *jobs = calloc(nr, sizeof(*jobs));
	struct drm_panthor_group_submit args = {
		.group_handle = group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(nr, jobs),
	};

	CHECK(jobs, "out of memory");
	for (unsigned int i = 0; i < nr; i++) {
		jobs[i].stream_addr = va;
		jobs[i].stream_size = size;
	}
	jobs[nr - 1].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &op);
	CHECK_OK(drm_ioctl(&c->gpu, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args));
	free(jobs);
}

#define TEST(name, description)	{ #name, description, bench_##name, NULL, 0 }

static const struct test tests[] = {
	TEST(loop, "instructions that work on registers only, million a second"),
	TEST(copy, "64 MiB by LOAD_MULTIPLE and STORE_MULTIPLE, GB a second"),
	TEST(fence, "us from ioctl to signalled fence, and of a ping-pong between threads"),
	TEST(queue, "us a job of 1,000 queued at once, and of a ping-pong between threads"),
	TEST(groups, "us a job of 8 busy groups, and of one"),
	TEST(evict, "thousand pages a second evicted and restored, and of tmpfs, by the same swap"),
	TEST(suspended, "us a job beside 300 suspended groups, and alone"),
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "bench", .tests = tests, .nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
