// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: more work than fits: rings, slots and address spaces that are
 * used again and again, groups that are suspended and resumed, processes that
 * die at work.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "harness.h"
#include "need.h"
#include "stream.h"

/* The counter at the start of the data, up by one */
#define COUNT_JOB	CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 1ull),	\
			CS_SYNC_ADD64(R_ADDR, R_A, CS_SYSTEM)

/* A job of a stream of its own, which leaves its number and counts */
#define NUMBERED_SIZE	64
#define NUMBERED_AT(i)	(DATA_VA + 256 + (i) * 4)

static void numbered_submit(struct client *c, uint32_t group, unsigned int i)
{
	const uint64_t words[] = {
		CS_MOVE32(R_B, 0x600d000 + i), CS_MOVE(62, NUMBERED_AT(i)),
		CS_STORE(R_B, 62, 1, 0), COUNT_JOB, CS_WAIT(0xff),
	};

	memcpy(c->code.map + i * NUMBERED_SIZE, words, sizeof(words));
	CHECK_OK(group_submit(&c->gpu, group, 0, CODE_VA + i * NUMBERED_SIZE, sizeof(words), 0,
			      c->done));
}

/* Each was done, and once */
static void numbered_check(struct client *c, unsigned int nr)
{
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	EXPECT_EQ(data64(c)[0], nr);
	for (unsigned int i = 0; i < nr; i++)
		EXPECT(data32(c)[64 + i] == 0x600d000 + i, "job %u of %u: 0x%x", i, nr,
		       data32(c)[64 + i]);
}

static void count_jobs(struct client *c, unsigned int nr)
{
	memset(c->data.map, 0, BO_SIZE);
	for (unsigned int i = 0; i < nr; i++)
		numbered_submit(c, c->group, i);
	numbered_check(c, nr);
}

/* More jobs than the ring of 4 KiB holds at once (32 of 128 bytes) */
void test_ring_wrap(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	count_jobs(&c, 200);
	client_close(&c);
}

/* The longest ring there is, full (512 jobs) and nearly twice around */
void test_ring_64k(const void *arg)
{
	enum { JOBS = 1000, HOLD = JOBS * NUMBERED_SIZE };
	const uint64_t hold[] = {
		CS_MOVE(R_ADDR, DATA_VA + 0x8000), CS_MOVE(R_A, 0ull),
		CS_SYNC_WAIT64(CS_GT, R_ADDR, R_A),
	};
	struct client c = { 0 };
	uint32_t group;

	(void)arg;
	client_open(&c, 1);
	EXPECT_ERRNO(group_create(&c.gpu, c.vm, 1, 128 * KIB, PANTHOR_GROUP_PRIORITY_MEDIUM),
		     EINVAL);
	group = CHECK_OK(group_create(&c.gpu, c.vm, 1, 64 * KIB, PANTHOR_GROUP_PRIORITY_MEDIUM));
	client_keep_awake(&c);
	memcpy(c.code.map + HOLD, hold, sizeof(hold));
	/* Nothing leaves the ring until all are queued */
	CHECK_OK(group_submit(&c.gpu, group, 0, CODE_VA + HOLD, sizeof(hold), 0, c.done));
	for (unsigned int i = 0; i < JOBS; i++)
		numbered_submit(&c, group, i);
	EXPECT_EQ(data64(&c)[0], 0);
	((volatile uint64_t *)data64(&c))[0x8000 / 8] = 1;
	numbered_check(&c, JOBS);
	CHECK_OK(group_destroy(&c.gpu, group));
	client_close(&c);
}

/* Far more groups than slots, all in work at once; suspend_load sees that they change places */
void test_many_groups(const void *arg)
{
	enum { GROUPS = 40, LOOPS = 400000 };
	struct client c = { 0 };
	uint32_t groups[GROUPS], done[GROUPS];

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < GROUPS; i++) {
		const uint64_t words[] = {
			CS_MOVE(R_ADDR, DATA_VA + i * 64),
			CS_MOVE32(R_A, LOOPS), CS_MOVE32(R_A + 1, i),
			CS_ADD32(R_A + 1, R_A + 1, 1),
			CS_ADD32(R_A, R_A, -1),
			CS_BRANCH(CS_GT, R_A, -3),
			CS_STORE(R_A, R_ADDR, 0x3, 0),
			CS_WAIT(0xff),
		};

		groups[i] = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
		done[i] = CHECK_OK(syncobj_create(&c.gpu));
		memcpy(c.code.map + i * 64, words, sizeof(words));
		CHECK_OK(group_submit(&c.gpu, groups[i], 0, CODE_VA + i * 64, sizeof(words),
				      0, done[i]));
	}
	for (unsigned int i = 0; i < GROUPS; i++) {
		CHECK_OK(syncobj_wait(&c.gpu, done[i], 60000));
		EXPECT_EQ(data32(&c)[i * 16 + 1], LOOPS + i);
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	}
	client_close(&c);
}

/* A thousand groups, of eight clients since one may have 128, each with a job */
void test_thousand_groups(const void *arg)
{
	enum { CLIENTS = 8, GROUPS = 125, CODE = 64 };
	static struct client clients[CLIENTS];
	static uint32_t groups[CLIENTS][GROUPS], done[CLIENTS][GROUPS];

	(void)arg;
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		client_open(c, 1);
		for (unsigned int k = 0; k < GROUPS; k++) {
			groups[i][k] = CHECK_OK(group_create(&c->gpu, c->vm, 1, 4096,
							     PANTHOR_GROUP_PRIORITY_MEDIUM));
			done[i][k] = CHECK_OK(syncobj_create(&c->gpu));
		}
	}
	/* Round the clients, so that slots and address spaces change hands */
	for (unsigned int k = 0; k < GROUPS; k++) {
		for (unsigned int i = 0; i < CLIENTS; i++) {
			struct client *c = &clients[i];
			const uint64_t words[] = {
				CS_MOVE32(R_B, 0x10000 * (i + 1) + k),
				CS_MOVE(62, DATA_VA + 64 + k * 4),
				CS_STORE(R_B, 62, 1, 0), COUNT_JOB, CS_WAIT(0xff),
			};

			memcpy(c->code.map + k * CODE, words, sizeof(words));
			CHECK_OK(group_submit(&c->gpu, groups[i][k], 0, CODE_VA + k * CODE,
					      sizeof(words), 0, done[i][k]));
		}
	}
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		for (unsigned int k = 0; k < GROUPS; k++) {
			CHECK_OK(syncobj_wait(&c->gpu, done[i][k], JOB_MS));
			EXPECT_EQ(data32(c)[16 + k], 0x10000 * (i + 1) + k);
			CHECK_OK(group_destroy(&c->gpu, groups[i][k]));
		}
		EXPECT_EQ(data64(c)[0], GROUPS);
		client_close(c);
	}
}

/*
 * Many more address spaces in use than the GPU has (7 for clients), all of them
 * with the same addresses: nobody may see or touch another's memory.
 */
void test_many_vms(const void *arg)
{
	enum { CLIENTS = 2, VMS = 20, ROUNDS = 3, LOOPS = 100000 };
	static struct {
		struct client *owner;
		uint32_t vm, group, done;
		struct bo code, data;
	} spaces[CLIENTS * VMS], *s;
	struct client clients[CLIENTS] = { 0 };
	const uint64_t words[] = {
		CS_MOVE(R_ADDR, DATA_VA),
		CS_MOVE32(R_A, LOOPS), CS_ADD32(R_A, R_A, -1), CS_BRANCH(CS_GT, R_A, -2),
		CS_LOAD(R_A, R_ADDR, 3, 0), CS_WAIT(0xff),
		CS_ADD64(R_A, R_A, 0x10000),
		CS_STORE(R_A, R_ADDR, 3, 0), CS_STORE(R_A, R_ADDR, 3, 4088),
		CS_WAIT(0xff),
	};

	(void)arg;
	for (unsigned int i = 0; i < CLIENTS; i++)
		CHECK_OK(panthor_open(&clients[i].gpu));
	for (unsigned int i = 0; i < CLIENTS * VMS; i++) {
		s = &spaces[i];
		s->owner = &clients[i % CLIENTS];
		s->vm = s->owner->vm = CHECK_OK(panthor_vm_create(&s->owner->gpu));
		client_buffer(s->owner, &s->code, 4096, "exec-vm-code", CODE_VA);
		client_buffer(s->owner, &s->data, 4096, "exec-vm-data", DATA_VA);
		memcpy(s->code.map, words, sizeof(words));
		*(uint64_t *)s->data.map = i + 1;
		s->group = CHECK_OK(group_create(&s->owner->gpu, s->vm, 1, 4096,
						 PANTHOR_GROUP_PRIORITY_MEDIUM));
		s->done = CHECK_OK(syncobj_create(&s->owner->gpu));
	}
	for (unsigned int round = 1; round <= ROUNDS; round++) {
		for (s = spaces; s < spaces + CLIENTS * VMS; s++)
			CHECK_OK(group_submit(&s->owner->gpu, s->group, 0, CODE_VA, sizeof(words),
					      0, s->done));
		for (s = spaces; s < spaces + CLIENTS * VMS; s++) {
			uint64_t want = round * 0x10000 + (s - spaces) + 1;

			CHECK_OK(syncobj_wait(&s->owner->gpu, s->done, JOB_MS));
			EXPECT_EQ(((uint64_t *)s->data.map)[0], want);
			EXPECT_EQ(((uint64_t *)s->data.map)[511], want);
		}
	}
	for (unsigned int i = 0; i < CLIENTS; i++)
		panthor_close(&clients[i].gpu);
}

/*
 * --- Suspended and resumed under load ---
 *
 * When all groups are busy the driver takes one of them out of its slot each
 * 10 ms, for one that waits: that bounds how fast this can be.
 */

#define LOAD_GROUPS	16
#define LOAD_RESUMES	500
#define LOAD_SECONDS	2
#define LOAD_JOBS	20
#define LOAD_STEP	0x1234567
#define LOAD_INNER	100
/* Addresses in the code: two streams shared by all groups, then each group's own */
#define LOAD_INNER_AT	0
#define LOAD_BODY_AT	0x100
#define LOAD_MAIN_AT	0x1000
#define LOAD_MAIN_SIZE	0x400
/* Of a group's part of the data: the sum, the number of rounds, its registers */
#define LOAD_CELL	0x400
#define LOAD_ROUNDS	16
#define LOAD_REGS	64
#define LOAD_STOP	(LOAD_GROUPS * LOAD_CELL)

/*
 * Each round goes two streams deeper, adds LOAD_STEP to the pair 20 a hundred
 * times, adds that pair to a sum in memory, and counts in r24; until the CPU
 * sets a flag. Registers 30 to 59 only have to stay what they are.
 */
static void load_submit(struct client *c, unsigned int i, uint32_t group, uint32_t done)
{
	const uint64_t cell = DATA_VA + i * LOAD_CELL;
	STREAM(s, LOAD_MAIN_SIZE / 8);

	emit(&s, CS_MOVE(60, cell));
	emit(&s, CS_MOVE(62, DATA_VA + LOAD_STOP));
	emit(&s, CS_MOVE(64, CODE_VA + LOAD_BODY_AT));
	emit(&s, CS_MOVE32(66, 6 * 8));
	emit(&s, CS_MOVE(68, CODE_VA + LOAD_INNER_AT));
	emit(&s, CS_MOVE32(67, 4 * 8));
	emit(&s, CS_MOVE(20, i * 0x1000000ull));
	emit(&s, CS_MOVE32(24, 0));
	for (unsigned int r = 30; r < 60; r++)
		emit(&s, CS_MOVE32(r, mix64(i * 64 + r)));
	emit(&s, CS_CALL(64, 66));
	emit(&s, CS_LOAD(26, 62, 1, 0));
	emit(&s, CS_WAIT(0xff));
	emit(&s, CS_BRANCH(CS_EQ, 26, -4));
	for (unsigned int r = 20; r < 60; r += 8)
		emit(&s, CS_STORE(r, 60, 0xff, LOAD_REGS + r * 4));
	emit(&s, CS_WAIT(0xff));
	memcpy(c->code.map + LOAD_MAIN_AT + i * LOAD_MAIN_SIZE, s.words, s.nr * 8);
	CHECK_OK(group_submit(&c->gpu, group, 0, CODE_VA + LOAD_MAIN_AT + i * LOAD_MAIN_SIZE,
			      s.nr * 8, 0, done));
}

/*
 * What the CPU sees of it: a group that stands still while all others together
 * do far more than eight slots between two turns of one (some 80 rounds) has
 * no slot. Returns how many times a group went on after that, up to so many.
 */
static unsigned int load_watch(struct client *c, unsigned int wanted)
{
	enum { STILL = 250 };
	uint32_t last[LOAD_GROUPS] = { 0 };
	uint64_t total = 0, seen[LOAD_GROUPS] = { 0 };
	bool out[LOAD_GROUPS] = { false };
	unsigned int resumes = 0;
	double deadline = now() + LOAD_SECONDS;

	while (resumes < wanted && now() < deadline) {
		for (unsigned int i = 0; i < LOAD_GROUPS; i++) {
			uint32_t rounds = *(volatile uint32_t *)(c->data.map + i * LOAD_CELL +
								 LOAD_ROUNDS);

			if (rounds == last[i]) {
				out[i] |= total - seen[i] > STILL;
				continue;
			}
			total += rounds - last[i];
			last[i] = rounds;
			seen[i] = total;
			resumes += out[i];
			out[i] = false;
		}
		sleep_ms(1);
	}
	return resumes;
}

/* The group's job is done: what it stored, computed again. Returns its rounds. */
static uint32_t load_check(struct client *c, unsigned int i)
{
	const uint8_t *cell = c->data.map + i * LOAD_CELL;
	const uint32_t *regs = (const uint32_t *)(cell + LOAD_REGS);
	uint64_t value = i * 0x1000000ull, sum = 0;
	uint32_t rounds = *(const uint32_t *)(cell + LOAD_ROUNDS);

	for (uint32_t k = 0; k < rounds; k++) {
		value += (uint64_t)LOAD_STEP * LOAD_INNER;
		sum += value;
	}
	EXPECT(*(const uint64_t *)cell == sum, "group %u: a wrong sum of %u rounds", i, rounds);
	EXPECT_EQ(regs[20] | (uint64_t)regs[21] << 32, value);
	EXPECT_EQ(regs[24], rounds);
	for (unsigned int r = 30; r < 60; r++)
		EXPECT(regs[r] == (uint32_t)mix64(i * 64 + r), "group %u: r%u is 0x%x", i, r,
		       regs[r]);
	return rounds;
}

void test_suspend_load(const void *arg)
{
	const uint64_t inner[] = {
		CS_MOVE32(28, LOAD_INNER),
		CS_ADD64(20, 20, LOAD_STEP), CS_ADD32(28, 28, -1), CS_BRANCH(CS_GT, 28, -3),
	};
	const uint64_t body[] = {
		CS_CALL(68, 67),
		CS_SYNC_ADD64(60, 20, CS_CSG),
		CS_ADD32(24, 24, 1),
		CS_STORE(24, 60, 1, LOAD_ROUNDS),
		CS_WAIT(0xff),
		CS_NOP(),
	};
	uint32_t groups[LOAD_GROUPS], done[LOAD_GROUPS];
	unsigned int resumes = 0, jobs;
	struct client c = { 0 };
	uint64_t rounds = 0;

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < LOAD_GROUPS; i++) {
		groups[i] = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
		done[i] = CHECK_OK(syncobj_create(&c.gpu));
	}
	/* In several jobs, since the driver ends one that runs for 5 s */
	for (jobs = 0; resumes < LOAD_RESUMES && jobs < LOAD_JOBS; jobs++) {
		memset(c.data.map, 0, BO_SIZE);
		memcpy(c.code.map + LOAD_INNER_AT, inner, sizeof(inner));
		memcpy(c.code.map + LOAD_BODY_AT, body, sizeof(body));
		for (unsigned int i = 0; i < LOAD_GROUPS; i++)
			load_submit(&c, i, groups[i], done[i]);
		resumes += load_watch(&c, LOAD_RESUMES - resumes);
		*(volatile uint32_t *)(c.data.map + LOAD_STOP) = 1;
		for (unsigned int i = 0; i < LOAD_GROUPS; i++)
			CHECK_OK(syncobj_wait(&c.gpu, done[i], JOB_MS));
		for (unsigned int i = 0; i < LOAD_GROUPS; i++)
			rounds += load_check(&c, i);
	}
	metric_int("resumes", resumes);
	metric_int("jobs", jobs * LOAD_GROUPS);
	metric_int("rounds", rounds);
	EXPECT(resumes >= LOAD_RESUMES, "only %u resumes", resumes);
	for (unsigned int i = 0; i < LOAD_GROUPS; i++)
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	client_close(&c);
}

/* --- Processes that die --- */

/* Open, work on several groups, close, again and again until killed */
static void victim(void)
{
	const uint64_t endless[] = { CS_NOP(), CS_BRANCH(CS_ALWAYS, 0, -2) };
	const uint64_t count[] = { COUNT_JOB };
	uint32_t group;

	for (;;) {
		struct client c = { 0 };

		client_open(&c, 2);
		group = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096,
					      PANTHOR_GROUP_PRIORITY_MEDIUM));
		memcpy(c.code.map + 0x100, endless, sizeof(endless));
		CHECK_OK(group_submit(&c.gpu, group, 0, CODE_VA + 0x100, sizeof(endless), 0, 0));
		for (unsigned int i = 0; i < 20; i++)
			client_submit(&c, i % 2, 0, count, ARRAY_SIZE(count));
		CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
		CHECK_OK(group_destroy(&c.gpu, group));
		client_close(&c);
	}
}

void test_kill(const void *arg)
{
	enum { TIMES = 100, MAX_US = 20000 };
	static const char file[] = "docs/findings/vm-destroyed-early.md";
	struct client c = { 0 };
	int status;

	(void)arg;
	/* The driver takes the endless job's code away before it ends the job */
	test_known("Unhandled Page fault in AS\\d+ at VA 0x000000001000010[08]$", file);
	test_known("CS_FATAL: pid=\\d+, comm=exec$", file);
	test_known("CS_FATAL.EXCEPTION_TYPE: 0x48 \\(CS_BUS_FAULT\\)$", file);
	client_open(&c, 1);
	for (unsigned int i = 0; i < TIMES; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0, "fork: %m");
		if (!pid) {
			victim();
			_exit(0);
		}
		usleep(mix64(test_seed() + i) % MAX_US);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid, "waitpid: %m");
		CHECK(WIFSIGNALED(status), "it ended by itself, with status 0x%x", status);
		count_jobs(&c, 3);
		EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	}
	client_close(&c);
}

/* --- What jobs cost, as the driver has the GPU measure it --- */

/* Whether fdinfo has a line of it */
static bool fdinfo_has(struct client *c, const char *key, unsigned long long *value)
{
	char path[64], *text, *at;
	bool has;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", c->gpu.fd);
	text = read_all(path);
	CHECK(text, "%s: %m", path);
	at = strstr(text, key);
	has = at && sscanf(at + strlen(key), ": %llu", value) == 1;
	free(text);
	return has;
}

static unsigned long long fdinfo(struct client *c, const char *key)
{
	unsigned long long value;

	CHECK(fdinfo_has(c, key, &value), "no %s in fdinfo", key);
	return value;
}

#define PROFILE_CYCLES	1
#define PROFILE_TIME	2

/*
 * A job with each setting: fdinfo has the lines of what is on, and a job counts for what
 * was on when it was queued, as is seen when both are on again.
 */
static void profile_each(struct client *c, const char *path)
{
	static const unsigned int settings[] = { 1, 2, 3, 0, 3 };
	const uint64_t words[] = {
		CS_MOVE32(R_A, 200000), CS_ADD32(R_A, R_A, -1), CS_BRANCH(CS_GT, R_A, -2),
	};
	unsigned long long ns = fdinfo(c, "drm-engine-panthor"), value;
	unsigned long long cycles = fdinfo(c, "drm-cycles-panthor");

	for (unsigned int i = 0; i < ARRAY_SIZE(settings); i++) {
		unsigned long long ns_before = ns, cycles_before = cycles;
		unsigned int on = settings[i];

		CHECK_OK(tunable_set(path, "%u", on));
		client_run(c, words, ARRAY_SIZE(words));
		EXPECT_EQ(fdinfo_has(c, "drm-cycles-panthor", &value), !!(on & PROFILE_CYCLES));
		EXPECT_EQ(fdinfo_has(c, "drm-engine-panthor", &value), !!(on & PROFILE_TIME));
		CHECK_OK(tunable_set(path, "%u", PROFILE_CYCLES | PROFILE_TIME));
		ns = fdinfo(c, "drm-engine-panthor");
		cycles = fdinfo(c, "drm-cycles-panthor");
		EXPECT((cycles > cycles_before) == !!(on & PROFILE_CYCLES) &&
		       cycles >= cycles_before, "with %u: from %llu to %llu cycles", on,
		       cycles_before, cycles);
		EXPECT((ns > ns_before) == !!(on & PROFILE_TIME) && ns >= ns_before,
		       "with %u: from %llu to %llu ns", on, ns_before, ns);
	}
}

void test_profiling(const void *arg)
{
	unsigned long long ns[3], cycles[3], hz;
	struct client c = { 0 };
	char path[256];
	double start;

	(void)arg;
	client_open(&c, 1);
	/* Of the same release as the file (6.13) */
	need_version(&c.gpu, 2, "job profiling");
	snprintf(path, sizeof(path), "%s/profiling", c.gpu.sysfs);
	CHECK_OK(tunable_set(path, "3"));
	hz = fdinfo(&c, "drm-curfreq-panthor");
	for (unsigned int i = 0; i < 3; i++) {
		/* A second loop that takes ten times as long as the first */
		const uint64_t words[] = {
			CS_MOVE32(R_A, i == 2 ? 2000000 : 200000),
			CS_ADD32(R_A, R_A, -1), CS_BRANCH(CS_GT, R_A, -2),
		};

		start = now();
		if (i)
			client_run(&c, words, ARRAY_SIZE(words));
		ns[i] = fdinfo(&c, "drm-engine-panthor");
		cycles[i] = fdinfo(&c, "drm-cycles-panthor");
		if (i)
			EXPECT(ns[i] - ns[i - 1] < (now() - start) * 1e9,
			       "%llu ns of GPU in %.0f ns", ns[i] - ns[i - 1],
			       (now() - start) * 1e9);
	}
	EXPECT_EQ(ns[0], 0);
	EXPECT_EQ(cycles[0], 0);
	EXPECT(ns[1] > 0 && ns[2] - ns[1] > ns[1], "%llu ns, then %llu ns", ns[1], ns[2]);
	EXPECT(cycles[1] > 0 && cycles[2] - cycles[1] > cycles[1], "%llu cycles, then %llu",
	       cycles[1], cycles[2]);
	/* Both counters tell of the same time, up to what lies between reading the two */
	metric_double("cycles_per_tick", cycles[2] * 1e9 / hz / ns[2]);
	EXPECT(cycles[2] * 1e9 / hz > ns[2] / 2 && cycles[2] * 1e9 / hz < ns[2] * 2.0,
	       "%llu cycles at %llu Hz in %llu ns", cycles[2], hz, ns[2]);

	profile_each(&c, path);

	/* Jobs are 24 instructions long now, and do not divide the ring's length */
	count_jobs(&c, 200);
	client_close(&c);
}
