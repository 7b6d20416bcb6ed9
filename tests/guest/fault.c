// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite fault: what becomes of the driver, and of those that use it, when the
 * hardware fails: fault.h says what a case is.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "harness.h"

/* Longer than a ping of the firmware's takes to come and to fail, and a few boots */
#define TIMEOUT_S 180

static const char * const phase_names[NR_PHASES] = {
	[PROBE] = "probe", [IDLE] = "idle", [RUNNING] = "running", [SUSPEND] = "suspend",
	[RESUME] = "resume", [EVICTION] = "eviction",
};

static const char * const outcome_names[NR_OUTCOMES] = {
	[UNAFFECTED] = "unaffected", [KILLS_GROUP] = "kills the group", [RECOVERS] = "recovers",
	[UNPLUGS] = "unplugs the device", [PROBE_FAILS] = "the probe fails",
};

static const struct {
	int job;			/* of the last job */
	int state;			/* of the group */
	bool lives;			/* it takes jobs */
} fates[NR_FATES] = {
	[LIVES] = { 0, 0, true },
	[JOB_FAULT] = { -EINVAL, 0, true },
	[JOB_LOST] = { -ETIMEDOUT, 0, true },
	[FATAL] = { -EINVAL, DRM_PANTHOR_GROUP_STATE_FATAL_FAULT, false },
	[TIMED_OUT] = { -ETIMEDOUT, DRM_PANTHOR_GROUP_STATE_TIMEDOUT, false },
	[INNOCENT] = { -ETIMEDOUT, DRM_PANTHOR_GROUP_STATE_TIMEDOUT |
				   DRM_PANTHOR_GROUP_STATE_INNOCENT, false },
	[CANCELED] = { -ECANCELED, 0, false },
};

/*
 * Neither a device that is gone takes a job, nor a group that is dead
 * (panthor_job_create()); one that dies before the job is given to the GPU has it
 * cancelled (queue_run_job()).
 */
static bool came_too_late(const struct scene *s, const struct party *p, enum fate fate, int result)
{
	if (s->f->phase == RUNNING || fates[fate].lives)
		return false;
	if (s->f->outcome == UNPLUGS && p->fence < 0)
		return result == -ENODEV;
	return result == (p->fence < 0 ? -EINVAL : -ECANCELED);
}

static void check_fate(struct scene *s, struct party *p, enum fate fate)
{
	int result = party_result(p, s->rules[0][0] ? fault_left(s) : JOB_MS);

	EXPECT(result == fates[fate].job || came_too_late(s, p, fate, result),
	       "%s's job: expected %s, got %s", p->name, strerror(-fates[fate].job),
	       strerror(-result));
	if (!result)
		party_check_copy(p);
}

/* What a client does when the fault is over: its next job, in another group if it has to be. */
static void check_next(struct party *p, enum fate fate)
{
	int state = group_state(&p->c.gpu, p->c.group, NULL);

	EXPECT(state == fates[fate].state, "%s's group: expected state %d, got %d", p->name,
	       fates[fate].state, state);
	if (!fates[fate].lives) {
		EXPECT_ERRNO(party_copy(p), EINVAL);
		client_new_group(&p->c, 1);
	}
	CHECK_OK(party_copy(p));
	CHECK_OK(party_result(p, JOB_MS));
	party_check_copy(p);
	party_check_pattern(p);
}

static void check_gone(struct party *p)
{
	struct drm_panthor_gpu_info info = { 0 };

	EXPECT_ERRNO(panthor_query(&p->c.gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info,
				   sizeof(info)), ENODEV);
	EXPECT_ERRNO(party_copy(p), ENODEV);
	party_check_pattern(p);
}

static void check_restarts(struct scene *s)
{
	unsigned int restarts = fault_restarts(s), usual = s->f->phase == PROBE ? 1 : 0;

	metric_int("restarts", restarts);
	/* What keeps the driver from a reset is the finding. */
	if (s->f->lasting)
		return;
	if (s->f->outcome == RECOVERS || s->f->outcome == UNPLUGS)
		/* A slow reset of a resume is no reset of the GPU, and says so. */
		EXPECT(restarts > usual || s->f->says & M(FAST_FAILED),
		       "neither a reset nor a cold boot");
	else if (s->f->outcome != PROBE_FAILS)
		EXPECT(restarts == usual, "%u resets and cold boots", restarts - usual);
}

/* How the finding shows in a job: its group has ended, or nobody runs it. Else it is as ever. */
static void check_lasting_job(struct party *p, int ret, const char *when)
{
	if (ret == -EINVAL || ret == -ECANCELED)
		test_seen(LASTING, "%s's group ended %s", p->name, when);
	else if (ret == -ETIME)
		test_seen(LASTING, "%s's job was not run %s", p->name, when);
	else
		EXPECT(!ret, "%s's job %s: %s", p->name, when, strerror(-ret));
	if (!ret)
		party_check_copy(p);
	party_check_pattern(p);
}

static int copy_now(struct party *p)
{
	int ret = party_copy(p);

	return ret ? ret : party_result(p, JOB_MS);
}

/*
 * What a client does with a driver that has its flushes fail. The GPU is down when the
 * group is made: mapped while it is active, the group's memory would lead to a reset, or
 * to more, depending on the moment.
 */
static void check_lasting(struct party *p)
{
	client_wait_suspended(&p->c);
	client_new_group(&p->c, 1);
	check_lasting_job(p, copy_now(p), "in a new group");
	client_wait_suspended(&p->c);
	check_lasting_job(p, copy_now(p), "after a suspend");
}

/* When the GPU has gone down and come up once more, nothing of it is left. */
static void check_again(struct scene *s)
{
	power_control(s, "auto");
	client_wait_suspended(&s->victim.c);
	party_copy(&s->victim);
	party_copy(&s->other);
	check_fate(s, &s->victim, LIVES);
	check_fate(s, &s->other, LIVES);
}

static bool lock_left(const struct party *p, unsigned int as)
{
	uint64_t va = party_locked(as);

	if (va)
		test_seen(LOCK_IN_RESET, "AS %u: the eviction of %s's buffer at 0x%llx left it locked",
			  as, p->name, (unsigned long long)va);
	return va;
}

/* The shrinker beside a reset: what comes after a lock that is left depends on the moment. */
static bool locks_left(struct scene *s)
{
	if (s->f->phase != EVICTION || s->f->outcome != RECOVERS)
		return false;
	party_result(&s->victim, fault_left(s));
	party_result(&s->other, fault_left(s));
	s->locked = lock_left(&s->victim, 1) || lock_left(&s->other, 2);
	if (s->locked)
		fault_log_known(JOB_LATE, LOCK_IN_RESET);
	return s->locked;
}

/*
 * A tick resumes the groups. If it comes before the victim's job is in its queue, the groups are
 * alike to it, and slot 0, at which the fault is aimed, may be the other's.
 */
static void find_victim(struct scene *s)
{
	struct party victim = s->victim;

	if (s->f->phase != RESUME || s->f->outcome != KILLS_GROUP ||
	    party_result(&s->victim, fault_left(s)))
		return;
	s->victim = s->other;
	s->other = victim;
}

static void check_clients(struct scene *s)
{
	const struct fault_case *f = s->f;

	if (locks_left(s)) {
		fault_end(s);
		return;
	}
	find_victim(s);
	check_fate(s, &s->victim, f->victim);
	check_fate(s, &s->other, f->other);
	metric_int("ms", (now() - s->begin) * 1e3);
	metric_double("read_us", s->read_us);
	EXPECT(fault_left(s), "it took longer than what %s() waits for", f->by);
	fault_end(s);
	if (f->lasting) {
		check_lasting(&s->victim);
		check_lasting(&s->other);
	} else if (f->outcome == UNPLUGS) {
		check_gone(&s->victim);
		check_gone(&s->other);
	} else {
		check_next(&s->victim, f->victim);
		check_next(&s->other, f->other);
	}
	check_restarts(s);
	if (f->outcome != UNPLUGS && !f->lasting)
		check_again(s);
}

static void run_case(struct scene *s)
{
	const struct fault_case *f = s->f;

	fault_log_open(f, &s->log);
	fault_phase(s);
	if (f->phase == EVICTION && f->outcome == UNAFFECTED)
		EXPECT(s->evicted > 0, "nothing was evicted");
	if (f->outcome == PROBE_FAILS) {
		EXPECT_ERRNO(s->probe, ENODEV);
		EXPECT(fault_left(s), "it took longer than %u ms", f->ms);
	} else {
		CHECK_OK(s->probe);
		check_clients(s);
	}
	EXPECT_EQ(fault_log_check(f, &s->log), f->error);
}

/* A client's job, from opening the device on */
static int works(void)
{
	struct panthor gpu;
	struct party p;
	int ret = panthor_find(&gpu);

	if (ret < 0)
		return ret;
	party_open(&p, "next");
	ret = party_copy(&p);
	if (!ret)
		ret = party_result(&p, JOB_MS);
	if (!ret)
		party_check_copy(&p);
	party_close(&p);
	return ret;
}

/* Done where the driver has no part in it, by hand */
static void reset(void)
{
	CHECK_OK(driver_unload());
	CHECK_OK(gpu_reset());
	CHECK_OK(driver_load());
}

static int load_and_work(void)
{
	int ret = driver_load();

	return ret ? ret : works();
}

/* What an eviction has locked beside a reset stays so, whoever comes next. */
static bool lock_stays(const struct fault_case *f)
{
	if (f->phase != EVICTION || (!party_locked(1) && !party_locked(2)))
		return false;
	test_seen(LOCK_IN_RESET, "an eviction left an address space locked");
	fault_log_known(JOB_LATE, LOCK_IN_RESET);
	return true;
}

/* The driver takes the device anew, which may need help if it is wedged. */
static void reload(const struct fault_case *f)
{
	bool locked;
	int ret;

	EXPECT(f->wedged || f->lasting || f->outcome == UNPLUGS || f->outcome == PROBE_FAILS,
	       "the GPU does not work afterwards");
	sleep_ms(f->heal_ms);
	CHECK_OK(driver_unload());
	locked = lock_stays(f);
	ret = load_and_work();
	if (!ret)
		return;
	EXPECT(f->wedged || locked, "loaded again: %s", strerror(-ret));
	if (f->wedged)
		test_seen(NO_RESET, "the GPU did not work until it was reset");
	reset();
	CHECK_OK(works());
}

/*
 * The clients live in a process of their own: when it ends, by a failure too,
 * the driver can be loaded anew if it has to be, for this case and for the next.
 */
static void test_case(const void *arg)
{
	struct scene *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	pid_t pid;

	CHECK(s != MAP_FAILED, "mmap: %s", strerror(errno));
	s->f = arg;
	test_log("%s: %s()", outcome_names[s->f->outcome], s->f->by);
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		run_case(s);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	fault_end(s);
	if (!s->locked && (s->f->wedged || s->f->lasting || works()))
		reload(s->f);
	if (s->f->dirty || s->locked)
		reset();
	CHECK(WIFEXITED(status), "killed by %s", signal_name(WTERMSIG(status)));
}

static size_t add_tests(struct test *tests, const struct fault_table *table)
{
	for (size_t i = 0; i < table->nr; i++) {
		const struct fault_case *f = &table->cases[i];
		char *name, *description;

		if (asprintf(&name, "%s.%s", f->fault, phase_names[f->phase]) < 0 ||
		    asprintf(&description, "%s: %s", f->rules[0], outcome_names[f->outcome]) < 0)
			abort();
		tests[i] = (struct test) { name, description, test_case, f, TIMEOUT_S };
	}
	return table->nr;
}

int main(int argc, char **argv)
{
	static const struct fault_table * const tables[] = {
		&fault_mmu, &fault_gpu, &fault_irq, &fault_fw, &fault_sched, &fault_heap,
		&fault_wedged,
	};
	/* The device that cannot be let go, its client's, and the cache that is not empty then */
	static const struct known_leak leaks[] = {
		{ "panthor_probe", VM_KEPT }, { "copy_creds", VM_KEPT },
		{ "__kmem_cache_create_args", VM_KEPT }, { },
	};
	struct suite suite = { .name = "fault", .leaks = leaks };
	struct test *tests;
	size_t nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		nr += tables[i]->nr;
	tests = calloc(nr, sizeof(*tests));
	if (!tests)
		return 2;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		suite.nr += add_tests(&tests[suite.nr], tables[i]);
	suite.tests = tests;
	return suite_main(&suite, argc, argv);
}
