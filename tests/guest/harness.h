/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test program is made of. A suite is a table of tests and a main()
 * that hands it to suite_main(); the suite's name is its program's name.
 *
 * Each test runs in a process of its own, so that a crash or a time-out is the
 * failure of one test, and nothing a test leaves open reaches the next one.
 * Results are written to standard output as TAP 14 with a YAML block a test,
 * whose values are JSON.
 */
#ifndef GUEST_HARNESS_H
#define GUEST_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct test {
	const char *name;		/* without the suite's */
	const char *description;
	void (*fn)(const void *arg);
	const void *arg;
	unsigned int timeout;		/* seconds; 0 = TEST_TIMEOUT */
};

#define TEST_TIMEOUT 120

/*
 * A limit of time, or how long something that has no end is waited for, as this kernel has
 * it: limits are said for one that does not look for its own mistakes. Not for what a test
 * measures, nor for what the driver's own limits follow from.
 */
unsigned int patience(unsigned int time);

/* Memory lost by this function, in a report of kmemleak's, as a file of docs/findings has it */
struct known_leak {
	const char *function;
	const char *file;
};

struct suite {
	const char *name;
	const struct test *tests;
	size_t nr;
	/* What they lose, with the driver's mistakes that it is due to; ends with NULL. May be NULL. */
	const struct known_leak *leaks;
	/* What all tests need, before the first one: 0 or -errno. May be NULL. */
	int (*setup)(void);
};

/*
 * Run what the command line asks for: [--list] [SUITE | SUITE.NAME ...], a name
 * standing for every test that begins with its dot-separated parts. Where the kernel
 * has kmemleak one more test is run at the end, SUITE.leaks: nothing was lost.
 * Returns the exit code: 0 all passed, 1 a test failed, 2 it could not run.
 */
int suite_main(const struct suite *suite, int argc, char **argv);

/*
 * Everything below is for use inside a test.
 *
 * CHECK* end the test when they fail, EXPECT* note the failure and go on: use
 * them to compare many values of one thing. Arguments are evaluated once.
 */
#define CHECK(cond, ...) \
	do { if (!(cond)) test_fail(__FILE__, __LINE__, 1, #cond, __VA_ARGS__); } while (0)
#define EXPECT(cond, ...) \
	do { if (!(cond)) test_fail(__FILE__, __LINE__, 0, #cond, __VA_ARGS__); } while (0)

#define CHECK_EQ(got, want) \
	test_compare(__FILE__, __LINE__, 1, #got, (long long)(got), (long long)(want))
#define EXPECT_EQ(got, want) \
	test_compare(__FILE__, __LINE__, 0, #got, (long long)(got), (long long)(want))

/* For calls that return -errno: success is 0 or more. Gives what it returned. */
#define CHECK_OK(call) \
	test_ok(__FILE__, __LINE__, #call, (call))
/* For calls that must fail with one error, given as its positive number. */
#define EXPECT_ERRNO(call, want) \
	test_errno(__FILE__, __LINE__, #call, (call), (want))

void test_fail(const char *file, int line, int fatal, const char *what, const char *fmt, ...)
	__printf(5, 6);
void test_compare(const char *file, int line, int fatal, const char *what,
		  long long got, long long want);
long long test_ok(const char *file, int line, const char *what, long long ret);
void test_errno(const char *file, int line, const char *what, long long ret, int want);

/*
 * Run a part of the test in a process of its own. Returns 0, or how it ended, as waitpid()
 * has it. That it failed, and what it said then, is forgotten unless it counts.
 */
int test_try(void (*fn)(const void *arg), const void *arg, bool counts);

/* End the test as skipped, and say why. */
void test_skip(const char *fmt, ...) __printf(1, 2) __attribute__((noreturn));

/* A line of the test's log. */
void test_log(const char *fmt, ...) __printf(1, 2);

/* The log's line that says how to have again what comes now; it takes the place of the last. */
void test_again(const char *fmt, ...) __printf(1, 2);

/*
 * Kernel messages, and findings of the device's checker ("KIND: ..."), that match this
 * regular expression (Python's) are what this test provokes. Any other complaint of the
 * kernel's or the checker's fails it.
 */
void test_allow(const char *regex);

/*
 * The device's checker shall find a mistake of this kind while the test runs, at
 * least once. Kinds that are not named here fail the test.
 */
void test_finding(const char *kind);

/*
 * Kernel messages, and findings of the device's checker ("KIND: ..."), that match this
 * regular expression (Python's) come of a bug of the kernel's that a file of
 * docs/findings describes. A test that passes but for them is neither passed nor
 * failed: its status is "known", with the file as the reason.
 */
void test_known(const char *regex, const char *file);

/*
 * A bug of the kernel's that a file of docs/findings describes has just been seen: how
 * it showed, and by which evidence it is that one and no other. The test goes on, and
 * has to pass all the same; its status is "known" then.
 */
void test_seen(const char *file, const char *fmt, ...) __printf(2, 3);

/* A measured value by name; the last one given under a name counts. */
void metric_int(const char *name, long long value);
void metric_double(const char *name, double value);
void metric_string(const char *name, const char *value);

/*
 * A stretch of eviction or restore, as a JSON object: malivm/eviction.py says what is in
 * it, and adds what the device was busy with meanwhile.
 */
void test_pass(const char *fmt, ...) __printf(1, 2);

/*
 * Set a kernel setting for the time of this test. The old value is put back
 * when the test is over, however it ends. -errno if it cannot be set.
 */
int tunable_set(const char *path, const char *fmt, ...) __printf(2, 3);

/*
 * The test asks the host for something (host.h does): the host is told when it
 * is over, and undoes what it asked for.
 */
void test_asks_host(void);

/*
 * A quiet point: nothing that this test has begun is under way. With --oracle the host
 * looks at the driver's state, and what is wrong in it fails the test, which goes on.
 * panthor_shrink() and panthor_close() are such points, and the end of each test.
 */
void quiet_point(void);

/* What the oracle says: "clean", "broken INVARIANT: ...", "busy LOCK", "off ..."; NULL: no oracle */
const char *test_oracle(void);

/* Pseudo-random numbers that depend on the run's seed and the test's name. */
uint64_t test_seed(void);

/* How many cases a test with random input has: as many as usual, or as the run asks for. */
unsigned int test_cases(unsigned int usual);

#endif
