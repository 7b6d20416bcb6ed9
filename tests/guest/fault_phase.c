// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite fault: the phases of the driver's life. Each ends with a job of both
 * clients, whose results say what became of them.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"
#include "fault.h"
#include "harness.h"
#include "host.h"
#include "need.h"
#include "stream.h"

#define EXTRA_VA	0x50000000ull
/* All there is */
#define SHRINK_PAGES	(1ul << 20)
/*
 * What the guest takes for everything that is not waiting for the hardware; less than a
 * job's time-out, so that a case shows that came to its end by way of one it should not need
 */
#define WORK_MS		patience(TIMEOUT_MS - 1000)
/* Long enough for a few ticks of the driver's scheduler, of 10 ms */
#define SETTLE_MS	200
/* How often what a phase does is done until the fault strikes */
#define ROUNDS		12
#define READS		1000

static void add_rule(char *name, const char *rule)
{
	char *given = inject("%s", rule);

	snprintf(name, RULE_NAME, "%s", given);
	free(given);
}

static void fault_begin(struct scene *s)
{
	add_rule(s->resets, "reset optional -> count");
	add_rule(s->boots, "mcu-boot kind=cold optional -> count");
	for (unsigned int i = 0; i < MAX_RULES && s->f->rules[i]; i++)
		add_rule(s->rules[i], s->f->rules[i]);
	s->begin = now();
}

void fault_end(struct scene *s)
{
	for (unsigned int i = 0; i < MAX_RULES; i++) {
		if (s->rules[i][0])
			inject_remove(s->rules[i]);
		s->rules[i][0] = '\0';
	}
}

unsigned int fault_restarts(const struct scene *s)
{
	return inject_hits(s->resets) + inject_hits(s->boots);
}

static unsigned int elapsed(const struct scene *s)
{
	return (now() - s->begin) * 1e3;
}

/*
 * read_poll_timeout_atomic() counts its polls, of 10 us, and not the time that
 * reading takes besides, which is long in an emulated machine.
 */
unsigned int fault_left(const struct scene *s)
{
	unsigned int polls = s->f->polls * (1 + 2 * s->read_us / 10);
	unsigned int limit = s->f->ms + polls + s->f->idle_ms + WORK_MS, gone = elapsed(s);

	return gone < limit ? limit - gone : 0;
}

static bool struck(const struct scene *s)
{
	return inject_hits(s->rules[0]) > 0;
}

static int touch(const struct panthor *gpu)
{
	struct drm_panthor_timestamp_info info = { .flags = DRM_PANTHOR_TIMESTAMP_GPU };

	return panthor_query(gpu, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &info, sizeof(info));
}

/* By the one register that user space sees, while the GPU is powered */
static double measure_read(const struct panthor *gpu)
{
	volatile uint32_t *map = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, gpu->fd,
				      DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
	double start = now();

	CHECK(map != MAP_FAILED, "mmap: %s", strerror(errno));
	for (unsigned int i = 0; i < READS; i++)
		(void)*map;
	start = now() - start;
	munmap((void *)map, sysconf(_SC_PAGESIZE));
	return start * 1e6 / READS;
}

/* What is to come of the fault has come, as far as that shows before the jobs end. */
static bool has_come(struct scene *s)
{
	struct drm_panthor_gpu_info info = { 0 };

	switch (s->f->outcome) {
	case KILLS_GROUP:
		return party_done(&s->victim);
	case RECOVERS:
		return fault_restarts(s) > 0;
	case UNPLUGS:
		return panthor_query(&s->victim.c.gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info,
				     sizeof(info)) == -ENODEV;
	default:
		return true;
	}
}

static void await(struct scene *s)
{
	while (!has_come(s) && fault_left(s))
		sleep_ms(10);
}

/* To a device that is to go no job is given while it goes: what of it depends on the moment. */
static void copy_jobs(struct scene *s)
{
	if (s->f->outcome == UNPLUGS)
		await(s);
	party_copy(&s->victim);
	party_copy(&s->other);
}

static void do_probe(struct scene *s)
{
	struct panthor gpu;

	CHECK_OK(panthor_open(&gpu));
	need_version(&gpu, 1, "TIMESTAMP_INFO query");
	CHECK_OK(touch(&gpu));
	s->read_us = measure_read(&gpu);
	panthor_close(&gpu);
	CHECK_OK(driver_unload());
	fault_begin(s);
	s->probe = driver_load();
	if (s->probe)
		return;
	party_open(&s->victim, "victim");
	party_open(&s->other, "other");
	client_wait_suspended(&s->victim.c);
	copy_jobs(s);
}

/* The ways in which a phase with jobs meets the hardware beside them */

static void meet_bind(struct scene *s)
{
	struct party *p = &s->victim;
	struct bo bo;

	if (bo_create(&p->c.gpu, &bo, BO_SIZE, 0, "extra"))
		return;
	if (!bo_bind(&p->c.gpu, &bo, p->c.vm, EXTRA_VA))
		vm_unbind(&p->c.gpu, p->c.vm, EXTRA_VA, BO_SIZE);
	bo_destroy(&p->c.gpu, &bo);
}

static void meet_touch(struct scene *s)
{
	touch(&s->victim.c.gpu);
}

static void meet_group(struct scene *s)
{
	static const uint64_t nothing[] = { CS_NOP() };
	struct client *c = &s->victim.c;
	int group = group_create(&c->gpu, c->vm, 1, 4096, PANTHOR_GROUP_PRIORITY_MEDIUM);

	if (group < 0)
		return;
	memcpy(c->code.map + BO_SIZE / 2, nothing, sizeof(nothing));
	group_submit(&c->gpu, group, 0, CODE_VA + BO_SIZE / 2, sizeof(nothing), 0, 0);
	sleep_ms(20);
	group_destroy(&c->gpu, group);
}

/* Once each, unless the fault has come already: what it is of may be in the next job. */
static void do_idle(struct scene *s)
{
	fault_begin(s);
	if (!struck(s))
		meet_touch(s);
	if (!struck(s))
		meet_bind(s);
	sleep_ms(s->f->idle_ms);
	copy_jobs(s);
}

static void do_running(struct scene *s)
{
	static void (* const meet[])(struct scene *s) = { meet_touch, meet_bind, meet_group };

	CHECK_OK(party_spin(&s->victim));
	CHECK_OK(party_spin(&s->other));
	party_started(&s->victim);
	party_started(&s->other);
	fault_begin(s);
	for (unsigned int i = 0; i < ROUNDS && !struck(s); i++)
		(s->f->meet ?: meet[i % ARRAY_SIZE(meet)])(s);
	/* What has not struck yet is to strike when the jobs end. */
	if (struck(s)) {
		sleep_ms(SETTLE_MS);
		/* Its time is not to run out while the victim's does. */
		if (s->f->outcome == KILLS_GROUP)
			party_stop(&s->other);
		await(s);
	}
	party_stop(&s->victim);
	party_stop(&s->other);
}

void power_control(const struct scene *s, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/power/control", s->victim.c.gpu.sysfs);
	CHECK_OK(tunable_set(path, "%s", value));
}

static bool is_suspended(const struct scene *s)
{
	char status[32];

	CHECK_OK(panthor_power_read(&s->victim.c.gpu, "runtime_status", status, sizeof(status)));
	return !strcmp(status, "suspended");
}

static void wait_suspended(const struct scene *s)
{
	while (!is_suspended(s) && fault_left(s))
		sleep_ms(2);
}

static void do_suspend(struct scene *s)
{
	fault_begin(s);
	power_control(s, "auto");
	wait_suspended(s);
	/* What the scheduler was to do meanwhile resumes the GPU for a moment: tick_work() */
	sleep_ms(SETTLE_MS);
	wait_suspended(s);
	EXPECT(is_suspended(s), "the GPU does not go down");
	copy_jobs(s);
}

static void do_resume(struct scene *s)
{
	power_control(s, "auto");
	client_wait_suspended(&s->victim.c);
	fault_begin(s);
	/* One after the other, so that it is the victim's that resumes the GPU. */
	party_copy(&s->victim);
	party_result(&s->victim, fault_left(s));
	party_copy(&s->other);
}

static void do_eviction(struct scene *s)
{
	driver_may_keep_translations();
	fault_begin(s);
	/* The shrinker only tries the locks that it needs. */
	for (unsigned int i = 0; i < ROUNDS && !s->evicted && !struck(s); i++)
		s->evicted = CHECK_OK(panthor_shrink(&s->victim.c.gpu, SHRINK_PAGES));
	metric_int("evicted", s->evicted);
	copy_jobs(s);
}

void fault_phase(struct scene *s)
{
	static void (* const phases[NR_PHASES])(struct scene *s) = {
		[PROBE] = do_probe, [IDLE] = do_idle, [RUNNING] = do_running,
		[SUSPEND] = do_suspend, [RESUME] = do_resume, [EVICTION] = do_eviction,
	};

	if (s->f->phase != PROBE) {
		party_open(&s->victim, "victim");
		party_open(&s->other, "other");
		if (s->f->draws) {
			party_draws(&s->victim);
			party_draws(&s->other);
		}
		/* It was suspended: the first one that is active gets address space 1, slot 0 */
		client_wait_suspended(&s->victim.c);
		power_control(s, "on");
		CHECK_OK(party_copy(&s->victim));
		CHECK_OK(party_result(&s->victim, JOB_MS));
		CHECK_OK(party_copy(&s->other));
		CHECK_OK(party_result(&s->other, JOB_MS));
		s->read_us = measure_read(&s->victim.c.gpu);
	}
	phases[s->f->phase](s);
}
