// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: a third client, whose asynchronous VM_BIND fails. */

#include <errno.h>
#include <string.h>

#include "fault.h"
#include "fence.h"
#include "harness.h"
#include "host.h"

/* Also in the rule of async_bind_stuck */
#define EXTRA_VA	0x50000000ull

enum { QUEUED = 2, EXTRA = 4 };

static int map_later(struct party *p, const struct bo *bo, unsigned int i, uint32_t hold,
		     uint32_t done)
{
	return bo_bind_later(&p->c.gpu, bo, p->c.vm, EXTRA_VA + i * BO_SIZE, hold, done);
}

/* The VM takes no mapping any more, at once or later; and while the reset lasts, no lock. */
static void check_unusable(struct scene *s, struct party *p, const struct bo *bo)
{
	uint32_t hold = CHECK_OK(syncobj_create(&p->c.gpu));
	uint32_t done = CHECK_OK(syncobj_create(&p->c.gpu));
	int ret;

	while ((ret = bo_bind(&p->c.gpu, bo, p->c.vm, EXTRA_VA + QUEUED * BO_SIZE)) == -ETIMEDOUT &&
	       fault_left(s))
		sleep_ms(10);
	EXPECT(ret == -EINVAL, "a map of that VM: %s", strerror(-ret));
	CHECK_OK(syncobj_signal(&p->c.gpu, hold));
	EXPECT_ERRNO(map_later(p, bo, QUEUED + 1, hold, done), EINVAL);
}

/*
 * Two maps are queued. The first one's lock does not end, which is the error that its sync
 * object gets; the second one finds that too, if the GPU is not yet reset, or an unusable VM.
 */
void meet_async_binds(struct scene *s)
{
	uint32_t hold, done[QUEUED];
	struct bo extra[EXTRA];
	struct fences fences;
	struct party p;
	int status;

	if (fences_open(&fences))
		test_skip("the kernel has neither CONFIG_SW_SYNC nor CONFIG_DRM_VGEM");
	/* Active, so that its maps lock: the rule knows them by EXTRA_VA. */
	party_open(&p, "wrecked");
	CHECK_OK(party_copy(&p));
	CHECK_OK(party_result(&p, JOB_MS));
	party_check_copy(&p);
	CHECK_EQ(inject_hits(s->rules[0]), 0);
	hold = CHECK_OK(syncobj_create(&p.c.gpu));
	CHECK_OK(fence_import(&p.c.gpu, CHECK_OK(fence_create(&fences)), hold));
	for (unsigned int i = 0; i < EXTRA; i++)
		CHECK_OK(bo_create(&p.c.gpu, &extra[i], BO_SIZE, 0, "extra"));
	for (unsigned int i = 0; i < QUEUED; i++) {
		done[i] = CHECK_OK(syncobj_create(&p.c.gpu));
		CHECK_OK(map_later(&p, &extra[i], i, hold, done[i]));
	}
	CHECK_OK(fence_signal(&fences));
	for (unsigned int i = 0; i < QUEUED; i++)
		CHECK_OK(syncobj_wait(&p.c.gpu, done[i], JOB_MS));
	CHECK_EQ(inject_hits(s->rules[0]), 1);
	EXPECT_EQ(syncobj_status(&p.c.gpu, done[0]), -ETIMEDOUT);
	status = syncobj_status(&p.c.gpu, done[1]);
	EXPECT(status == -EINVAL || status == -ETIMEDOUT, "the second map: %s", strerror(-status));
	check_unusable(s, &p, &extra[QUEUED]);
	for (unsigned int i = 0; i < EXTRA; i++)
		bo_destroy(&p.c.gpu, &extra[i]);
	party_check_pattern(&p);
	party_close(&p);
	fences_close(&fences);
}
