// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite channel: questions to the host are answered, each to whoever asked it,
 * also while others ask, and after some who did not live to hear the answer. A
 * rule lasts as long as its test.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "channel.h"
#include "conf.h"
#include "harness.h"
#include "host.h"
#include "panthor.h"

/* Of a question that the answer repeats; a rule has less than 1,024 characters */
#define LONG_WORD 900

/* It matches nothing that happens here. */
#define IDLE_RULE "as-command name=left optional as=0 va=0xfff000000000 -> count"

static void answers(const void *arg)
{
	struct host_range range;
	struct host_peek peek;
	struct panthor gpu;
	unsigned int n;
	char path[192];

	/* While it sleeps, the GPU has no address space. */
	CHECK_OK(panthor_find(&gpu));
	snprintf(path, sizeof(path), "%s/power/control", gpu.sysfs);
	CHECK_OK(tunable_set(path, "on"));
	EXPECT_EQ(host_property("as-count"), conf_number("device.as-count", 8));
	EXPECT_EQ(host_findings("freed-page"), 0);
	/* The firmware's address space has its interface, wherever that is. */
	n = host_mappings(0, 0, ~0ull >> 16, &range, 1);
	CHECK(n, "the firmware's address space maps nothing");
	EXPECT(range.size && range.readable, "%u ranges, the first is empty", n);
	host_translate(0, range.va, "read", &peek);
	EXPECT_EQ(peek.cached.exception, 0);
	EXPECT_EQ(peek.fresh.pa, range.pa);
	EXPECT_EQ(peek.stale, false);
	/* Beside it there is nothing, and the answer says why. */
	EXPECT_EQ(host_mappings(0, range.va + range.size, range.va + range.size, NULL, 0), 0);
	host_translate(0, range.va + range.size, "read", &peek);
	EXPECT(peek.fresh.exception, "beside the first range there is a page");
	EXPECT(host_tlb(0, 0, ~0ull >> 16) >= host_tlb(0, range.va, range.va),
	       "there is more in a page's place than in all");
	(void)arg;
}

static void refused(const void *arg)
{
	static const struct { const char *question, *says; } rows[] = {
		{ "nothing", "there is no command nothing" },
		{ "translate", "it is translate AS VA [ACCESS]" },
		{ "translate one 2", "it is translate AS VA [ACCESS]" },
		{ "translate 0 1 read twice", "it is translate AS VA [ACCESS]" },
		{ "translate 99 0", "There is no address space 99" },
		{ "property no-such-thing", "no-such-thing" },
		{ "inject-remove rule1", "this test has added no rule rule1" },
		{ "hits nobody", "there is no rule nobody" },
		{ "inject-add as-command -> fly", "fly" },
		{ "inject-add as-command -> snapshot file=/tmp/x", "a test cannot use snapshot" },
		{ "inject-add as-command -> Pause", "a test cannot use pause" },
	};
	char answer[ANSWER_SIZE];
	size_t i;

	host_need();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int ret = ask(answer, "%s", rows[i].question);

		EXPECT_EQ(ret, -EREMOTEIO);
		EXPECT(strstr(answer, rows[i].says), "%s: %s", rows[i].question, answer);
	}
	(void)arg;
}

/* Two answers that differ in each asker: what is translated shows in the answer's refusal. */
static void ask_often(unsigned int who)
{
	char answer[ANSWER_SIZE], mine[32];

	for (unsigned int i = 0; i < 20; i++) {
		snprintf(mine, sizeof(mine), "space %u:", 1000 * who + i + 100);
		CHECK_EQ(ask(answer, "translate %u 0", 1000 * who + i + 100), -EREMOTEIO);
		CHECK(strstr(answer, mine), "%u asked for %s and heard: %s", who, mine, answer);
	}
}

static void many(const void *arg)
{
	unsigned int who, failed = 0;
	int status;

	host_need();
	for (who = 0; who < 6; who++) {
		if (!fork()) {
			ask_often(who);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		failed += status != 0;
	EXPECT_EQ(failed, 0);
	(void)arg;
}

/* Lines on both ports, as fast as they go */
static void make_noise(void)
{
	static const char line[] = "# noise\n";

	for (unsigned int i = 0; ; i++) {
		kmsg(6, "channel: noise %u", i);
		if (write(STDOUT_FILENO, line, strlen(line)) < 0)
			_exit(1);
	}
}

/* What the host reads while it asks QEMU must not keep the question waiting that is in it. */
static void noise(const void *arg)
{
	unsigned int who;
	pid_t pid;

	host_need();
	pid = fork();
	if (!pid)
		make_noise();
	CHECK(pid > 0, "fork: %s", strerror(errno));
	for (who = 0; who < 5; who++)
		ask_often(who);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	(void)arg;
}

/* Answers of a thousand bytes: longer than any FIFO or buffer on their way but the last */
static void large(const void *arg)
{
	char answer[ANSWER_SIZE], first[ANSWER_SIZE] = "";

	host_need();
	for (unsigned int i = 0; i < 100; i++) {
		/* It is refused, with the question's words in the sentence. */
		EXPECT_EQ(ask(answer, "inject-add flush -> %0*d", LONG_WORD, 0), -EREMOTEIO);
		CHECK(strlen(answer) > LONG_WORD, "only %zu bytes: %s", strlen(answer), answer);
		if (!i)
			strcpy(first, answer);
		CHECK(!strcmp(answer, first), "another answer: %s", answer);
	}
	(void)arg;
}

/* Some die before they ask, some in the middle, some before they have heard. */
static void killed(const void *arg)
{
	char answer[ANSWER_SIZE];
	unsigned int i;
	pid_t pid;

	host_need();
	for (i = 0; i < 40; i++) {
		pid = fork();
		if (!pid) {
			for (;;)
				ask(answer, "translate 99 0");
		}
		usleep(300 * i);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		CHECK_EQ(host_property("as-count"), conf_number("device.as-count", 8));
	}
	(void)arg;
}

/* Output of another process in the middle of a question, as a kill leaves it. */
static void torn(const void *arg)
{
	static const char half[] = "# mali-vm: ask 1.2 inject-add as-command";

	host_need();
	CHECK_EQ(write(STDOUT_FILENO, half, strlen(half)), strlen(half));
	EXPECT_EQ(host_property("as-count"), conf_number("device.as-count", 8));
	(void)arg;
}

/* The driver's probe sets up the firmware's address space. */
static void hits(const void *arg)
{
	char *name = inject("as-command name=update as=0 command=update -> count");
	unsigned long long before = inject_hits(name);
	struct panthor gpu;

	CHECK(!strcmp(name, "update"), "the rule is called %s", name);
	CHECK_OK(panthor_find(&gpu));
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", gpu.device));
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/bind", "%s", gpu.device));
	EXPECT(inject_hits(name) > before, "%llu hits, and %llu after a probe", before,
	       inject_hits(name));
	inject_remove(name);
	free(name);
	(void)arg;
}

/* The rule of this test is left behind, and not to be found in the next one. */
static void leave(const void *arg)
{
	free(inject(IDLE_RULE));
	(void)arg;
}

static void left(const void *arg)
{
	char answer[ANSWER_SIZE];

	host_need();
	CHECK_EQ(ask(answer, "hits left"), -EREMOTEIO);
	(void)arg;
}

static const struct test tests[] = {
	{ "answers", "what the device says of itself comes into the guest", answers, NULL, 0 },
	{ "refused", "the host and the device say why they refuse", refused, NULL, 0 },
	{ "many", "six processes ask at the same time", many, NULL, 0 },
	{ "noise", "while both ports have other things to carry", noise, NULL, 0 },
	{ "large", "answers that do not fit into what they pass", large, NULL, 0 },
	{ "killed", "processes that are killed while they ask", killed, NULL, 0 },
	{ "torn", "half a question", torn, NULL, 0 },
	{ "hits", "a rule hits, as often as the driver's probe has it", hits, NULL, 0 },
	{ "leave", "a rule is left at the end of a test", leave, NULL, 0 },
	{ "left", "it is gone in the next test", left, NULL, 0 },
	{ "evict", "buffers in three address spaces are evicted, twice", test_evict, NULL, 0 },
};

static const struct suite suite = { .name = "channel", .tests = tests, .nr = ARRAY_SIZE(tests) };

int main(int argc, char **argv)
{
	return suite_main(&suite, argc, argv);
}
