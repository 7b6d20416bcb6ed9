// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite reclaim: what tests of a single mistake begin and end with. */

#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "group.h"
#include "harness.h"
#include "host.h"
#include "reclaim.h"

void scene_open(struct scene *s, const char *state)
{
	reclaim_need();
	memset(&s->b, 0, sizeof(s->b));
	s->b.state = state_find(state);
	s->b.dmabuf = s->b.vgem = -1;
	rig_open(&s->rig, true);
	s->b.state->set_up(&s->rig, &s->b);
}

void scene_verify(struct scene *s)
{
	EXPECT_EQ(buffer_wrong_gpu(&s->rig, &s->b), 0);
	EXPECT_EQ(buffer_wrong_cpu(&s->rig, &s->b), 0);
}

void scene_close(struct scene *s)
{
	buffer_destroy(&s->rig, &s->b);
	rig_close(&s->rig);
}

long long scene_shrink(struct scene *s)
{
	return CHECK_OK(panthor_shrink(&s->rig.gpu, ALL_PAGES));
}

int scene_submit_empty(struct scene *s, unsigned int vm)
{
	return group_submit(&s->rig.gpu, s->rig.vms[vm].group, COPY_QUEUE, 0, 0, 0, s->rig.done);
}

char *scene_expect_reset(void)
{
	driver_may_lock_in_reset();
	test_allow("AS_ACTIVE bit stuck");
	test_allow("Flush caches timeout");
	return inject("mcu-boot -> delay time=20ms");
}

void scene_wait_for_reset(struct scene *s, char *boot)
{
	double deadline = now() + RECLAIM_WAIT_S;
	uint32_t vm = CHECK_OK(panthor_vm_create(&s->rig.gpu));
	int group;

	while (!inject_hits(boot)) {
		CHECK(now() < deadline, "there is no reset");
		sleep_ms(1);
	}
	free(boot);
	group = CHECK_OK(group_create_any_time(&s->rig.gpu, vm, 1, 4096,
					       PANTHOR_GROUP_PRIORITY_MEDIUM));
	CHECK_OK(group_destroy(&s->rig.gpu, group));
	CHECK_OK(panthor_vm_destroy(&s->rig.gpu, vm));
}

void scene_check_others(void)
{
	struct scene other;

	scene_open(&other, "B04");
	scene_verify(&other);
	scene_close(&other);
}

void scene_check_after_reset(struct scene *s)
{
	uint64_t va;
	int as = rig_find_lock(&s->rig, &va);

	EXPECT_EQ(buffer_wrong_cpu(&s->rig, &s->b), 0);
	if (as > 0) {
		test_seen(LOCK_IN_RESET, "AS %d: an eviction left 0x%llx locked", as,
			  (unsigned long long)va);
		buffer_unmap_cpu(&s->b);
		panthor_close(&s->rig.gpu);
		CHECK_OK(driver_renew());
	}
	scene_check_others();
}
