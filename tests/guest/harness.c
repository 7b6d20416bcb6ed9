// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "conf.h"
#include "harness.h"
#include "leaks.h"
#include "record.h"

#define MAX_METRICS 48
#define MAX_TUNABLES 48
#define MAX_LOG_LINES 64
#define MAX_ALLOWED 24
#define MAX_FINDINGS 8
#define MAX_KNOWN 8
#define MAX_SEEN 4
#define MAX_PASSES 128
#define TEXT_SIZE 256

/*
 * The oracle is asked again after these times, four times as long each; and while
 * it loads what it needs, which takes the host a second at a time.
 */
#define ORACLE_FIRST_MS 2
#define ORACLE_LAST_MS 200
#define ORACLE_LOADS 150

/* Of standard output: a whole report, so that it is one write and nothing gets between. */
#define OUT_SIZE (128 * KIB)

enum outcome { NOT_FINISHED, PASSED, FAILED, SKIPPED };

struct metric {
	char name[32];
	char value[TEXT_SIZE];		/* as JSON */
};

struct tunable {
	char path[160];
	char value[TEXT_SIZE];
};

struct known {
	char regex[TEXT_SIZE];
	char file[TEXT_SIZE];
};

struct seen {
	char file[TEXT_SIZE];
	char how[TEXT_SIZE];
};

/*
 * What a test has to say, in memory shared with the process that waits for it:
 * whatever was noted before a crash is reported.
 */
struct result {
	enum outcome outcome;
	char reason[4 * TEXT_SIZE];
	size_t nr_metrics;
	struct metric metrics[MAX_METRICS];
	size_t nr_lines;
	char lines[MAX_LOG_LINES][TEXT_SIZE];
	char *again;			/* one of these */
	size_t nr_allowed;
	char allowed[MAX_ALLOWED][TEXT_SIZE];
	size_t nr_findings;
	char findings[MAX_FINDINGS][TEXT_SIZE];
	uint64_t begin, end;		/* see machine_ns() */
	size_t nr_known;
	struct known known[MAX_KNOWN];
	size_t nr_seen;
	struct seen seen[MAX_SEEN];
	size_t nr_passes;
	char passes[MAX_PASSES][2 * TEXT_SIZE];
	size_t nr_tunables;
	struct tunable tunables[MAX_TUNABLES];
	bool asks_host;
};

static struct result *result;
static uint64_t seed;

/* Write a string as JSON. Bytes that are not ASCII are replaced: TAP's reader may be strict. */
static void json_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c < 0x7f ? c : '?', out);
	}
	fputc('"', out);
}

static void vset_reason(const char *fmt, va_list ap)
{
	vsnprintf(result->reason, sizeof(result->reason), fmt, ap);
}

static void set_outcome(enum outcome outcome, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vset_reason(fmt, ap);
	va_end(ap);
	result->outcome = outcome;
}

void test_fail(const char *file, int line, int fatal, const char *what, const char *fmt, ...)
{
	char text[2 * TEXT_SIZE];
	const char *base = strrchr(file, '/');
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	base = base ? base + 1 : file;
	if (result->outcome == FAILED)
		test_log("%s:%d: %s: %s", base, line, what, text);
	else
		set_outcome(FAILED, "%s:%d: %s: %s", base, line, what, text);
	if (fatal)
		_exit(1);
}

void test_compare(const char *file, int line, int fatal, const char *what,
		  long long got, long long want)
{
	if (got != want)
		test_fail(file, line, fatal, what, "expected %lld (0x%llx), got %lld (0x%llx)",
			  want, want, got, got);
}

long long test_ok(const char *file, int line, const char *what, long long ret)
{
	if (ret < 0)
		test_fail(file, line, 1, what, "expected success, got %s (%s)",
			  strerrorname_np(-ret), strerror(-ret));
	return ret;
}

static const char *errno_text(long long ret)
{
	return ret >= 0 ? "success" : strerrorname_np(-ret);
}

void test_errno(const char *file, int line, const char *what, long long ret, int want)
{
	if (ret != -want)
		test_fail(file, line, 0, what, "expected %s, got %s", strerrorname_np(want),
			  errno_text(ret));
}

void test_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vset_reason(fmt, ap);
	va_end(ap);
	result->outcome = SKIPPED;
	_exit(0);
}

void test_log(const char *fmt, ...)
{
	va_list ap;

	if (result->nr_lines == MAX_LOG_LINES)
		return;
	va_start(ap, fmt);
	vsnprintf(result->lines[result->nr_lines], TEXT_SIZE, fmt, ap);
	va_end(ap);
	result->nr_lines++;
}

void test_again(const char *fmt, ...)
{
	va_list ap;

	if (!result->again) {
		if (result->nr_lines == MAX_LOG_LINES)
			return;
		result->again = result->lines[result->nr_lines++];
	}
	va_start(ap, fmt);
	vsnprintf(result->again, TEXT_SIZE, fmt, ap);
	va_end(ap);
}

/* One that was cut would match something else, or nothing. */
static void check_length(const char *what, const char *regex)
{
	if (strlen(regex) >= TEXT_SIZE)
		test_fail(__FILE__, __LINE__, 1, what, "longer than %d: %s", TEXT_SIZE - 1, regex);
}

void test_allow(const char *regex)
{
	check_length("test_allow", regex);
	if (result->nr_allowed == MAX_ALLOWED)
		test_fail(__FILE__, __LINE__, 1, "test_allow", "more than %d", MAX_ALLOWED);
	snprintf(result->allowed[result->nr_allowed++], TEXT_SIZE, "%s", regex);
}

void test_finding(const char *kind)
{
	if (result->nr_findings == MAX_FINDINGS)
		test_fail(__FILE__, __LINE__, 1, "test_finding", "more than %d", MAX_FINDINGS);
	snprintf(result->findings[result->nr_findings++], TEXT_SIZE, "%s", kind);
}

void test_known(const char *regex, const char *file)
{
	struct known *k = &result->known[result->nr_known];

	check_length("test_known", regex);
	if (result->nr_known == MAX_KNOWN)
		test_fail(__FILE__, __LINE__, 1, "test_known", "more than %d", MAX_KNOWN);
	snprintf(k->regex, sizeof(k->regex), "%s", regex);
	snprintf(k->file, sizeof(k->file), "%s", file);
	result->nr_known++;
}

/* The same bug once more: as it showed first */
static bool seen_before(const char *file)
{
	for (size_t i = 0; i < result->nr_seen; i++)
		if (!strcmp(result->seen[i].file, file))
			return true;
	return false;
}

void test_seen(const char *file, const char *fmt, ...)
{
	struct seen *s = &result->seen[result->nr_seen];
	va_list ap;

	if (seen_before(file))
		return;
	if (result->nr_seen == MAX_SEEN)
		test_fail(__FILE__, __LINE__, 1, "test_seen", "more than %d", MAX_SEEN);
	snprintf(s->file, sizeof(s->file), "%s", file);
	va_start(ap, fmt);
	vsnprintf(s->how, sizeof(s->how), fmt, ap);
	va_end(ap);
	result->nr_seen++;
}

static struct metric *find_metric(const char *name)
{
	struct metric *m;

	for (m = result->metrics; m < result->metrics + result->nr_metrics; m++)
		if (!strcmp(m->name, name))
			return m;
	if (result->nr_metrics == MAX_METRICS)
		return NULL;
	snprintf(m->name, sizeof(m->name), "%s", name);
	result->nr_metrics++;
	return m;
}

static void set_metric(const char *name, const char *fmt, ...)
{
	struct metric *m = find_metric(name);
	va_list ap;

	if (!m)
		return;
	va_start(ap, fmt);
	vsnprintf(m->value, sizeof(m->value), fmt, ap);
	va_end(ap);
}

void metric_int(const char *name, long long value)
{
	set_metric(name, "%lld", value);
}

void metric_double(const char *name, double value)
{
	set_metric(name, "%.6f", value);
}

void metric_string(const char *name, const char *value)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	json_string(out, value);
	fclose(out);
	set_metric(name, "%s", text);
	free(text);
}

void test_pass(const char *fmt, ...)
{
	char *text = result->passes[result->nr_passes];
	va_list ap;
	int len;

	if (result->nr_passes == MAX_PASSES)
		test_fail(__FILE__, __LINE__, 1, __func__, "more than %d", MAX_PASSES);
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(result->passes[0]), fmt, ap);
	va_end(ap);
	CHECK(len < (int)sizeof(result->passes[0]), "it is too long: %s", text);
	result->nr_passes++;
}

/*
 * The choices of a file like "always [madvise] never": keep the chosen one,
 * since that is what has to be written back.
 */
static void keep_choice(char *value)
{
	char *start = strchr(value, '['), *end;

	if (!start)
		return;
	end = strchr(start, ']');
	if (!end)
		return;
	*end = '\0';
	memmove(value, start + 1, end - start);
}

int tunable_set(const char *path, const char *fmt, ...)
{
	struct tunable *t = &result->tunables[result->nr_tunables];
	char value[TEXT_SIZE];
	va_list ap;
	int ret;

	if (result->nr_tunables == MAX_TUNABLES)
		return -ENOSPC;
	ret = read_file(t->value, sizeof(t->value), "%s", path);
	if (ret < 0)
		return ret;
	keep_choice(t->value);
	snprintf(t->path, sizeof(t->path), "%s", path);
	result->nr_tunables++;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	return write_file(path, "%s", value);
}

/* Last set, first put back: a setting may have been set more than once. */
static void restore_tunables(void)
{
	while (result->nr_tunables) {
		struct tunable *t = &result->tunables[--result->nr_tunables];
		int ret = write_file(t->path, "%s", t->value);

		/* ENOENT: the test took the device away that the setting belonged to. */
		if (ret < 0 && ret != -ENOENT && result->outcome == PASSED)
			set_outcome(FAILED, "cannot put %s back to %s: %s", t->path, t->value,
				    strerror(-ret));
	}
}

void test_asks_host(void)
{
	result->asks_host = true;
}

/*
 * The host removes the rules that the test added, before anything else happens
 * to the device. What it then has to say of them it says itself.
 */
static void end_for_host(const char *name)
{
	char answer[ANSWER_SIZE];

	if (result->asks_host && ask(answer, "test-end %s", name)) {
		if (result->outcome == PASSED)
			set_outcome(FAILED, "%s", answer);
		else
			test_log("%s", answer);
	}
}

/*
 * One question to the oracle. What others are in the middle of is over a moment
 * later: the last answer counts. "off" and what it cannot do is the host's to tell.
 */
static void ask_oracle(char answer[ANSWER_SIZE])
{
	unsigned int moment = ORACLE_FIRST_MS, loading = 0;
	unsigned long long address, size;
	char place[64] = "";

	snprintf(answer, ANSWER_SIZE, "off");
	if (read_file(place, sizeof(place), "/sys/kernel/vmcoreinfo") < 0 ||
	    sscanf(place, "%llx %llx", &address, &size) != 2)
		address = size = 0;
	for (;;) {
		if (ask(answer, "quiet 0x%llx 0x%llx", address, size))
			return;
		if (!strcmp(answer, "loading") && loading++ < ORACLE_LOADS) {
			sleep_ms(10);
			continue;
		}
		if (strncmp(answer, "busy", 4) && strncmp(answer, "broken", 6))
			return;
		if (moment > ORACLE_LAST_MS)
			return;
		sleep_ms(moment);
		moment *= 4;
	}
}

const char *test_oracle(void)
{
	static char answer[ANSWER_SIZE];

	if (!ask_possible() || !conf_bool("oracle", 0))
		return NULL;
	ask_oracle(answer);
	return answer;
}

void quiet_point(void)
{
	const char *answer = test_oracle();

	if (answer && !strncmp(answer, "broken ", 7))
		test_fail(__FILE__, __LINE__, 0, "oracle", "%s", answer + 7);
}

uint64_t test_seed(void)
{
	return seed;
}

unsigned int test_cases(unsigned int usual)
{
	return conf_number("cases", usual);
}

unsigned int patience(unsigned int time)
{
	static unsigned int times;

	if (!times)
		times = strtoul(getenv(PATIENCE) ?: "1", NULL, 10) ?: 1;
	return times * time;
}

/* Wait for a child no longer than its time-out. Returns its wait status, or -1 if it is late. */
static int wait_child(pid_t pid, unsigned int timeout)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	bool late = false;
	int status, ready;

	if (pidfd >= 0) {
		do {
			ready = poll(&pfd, 1, timeout * 1000);
		} while (ready < 0 && errno == EINTR);
		late = !ready;
		close(pidfd);
	}
	if (late) {
		kill(pid, SIGKILL);
		/* A process stuck in the kernel does not die: leave it. */
		sleep_ms(500);
		waitpid(pid, &status, WNOHANG);
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int test_try(void (*fn)(const void *arg), const void *arg, bool counts)
{
	struct result *before = malloc(sizeof(*before));
	int status;
	pid_t pid;

	CHECK(before, "out of memory");
	*before = *result;
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		fn(arg);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (status && !counts)
		*result = *before;
	free(before);
	return status;
}

/* Run one test in a child. True if it crashed or timed out. */
static bool run_child(const struct test *t)
{
	unsigned int timeout = patience(t->timeout ?: TEST_TIMEOUT);
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		set_outcome(FAILED, "cannot start a process: %s", strerror(errno));
		return true;
	}
	if (!pid) {
		/* The child leads a group, so that its own children can be killed with it. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		t->fn(t->arg);
		_exit(0);
	}
	setpgid(pid, pid);
	status = wait_child(pid, timeout);
	kill(-pid, SIGKILL);

	if (status == -1) {
		set_outcome(FAILED, "not done after %u s", timeout);
		return true;
	}
	if (WIFSIGNALED(status)) {
		set_outcome(FAILED, "killed by %s", signal_name(WTERMSIG(status)));
		return true;
	}
	if (result->outcome == NOT_FINISHED) {
		if (WEXITSTATUS(status))
			set_outcome(FAILED, "ended with exit code %d", WEXITSTATUS(status));
		else
			result->outcome = PASSED;
	}
	return false;
}

static void print_strings(const char *key, char (*strings)[TEXT_SIZE], size_t nr)
{
	printf("  %s: [", key);
	for (size_t i = 0; i < nr; i++) {
		printf("%s", i ? ", " : "");
		json_string(stdout, strings[i]);
	}
	printf("]\n");
}

/* One pair of a JSON object */
static void print_pair(size_t i, const char *key, const char *value)
{
	printf("%s", i ? ", " : "");
	json_string(stdout, key);
	printf(": ");
	json_string(stdout, value);
}

static void print_result(size_t number, const char *name, double seconds)
{
	bool failed = result->outcome == FAILED;
	size_t i;

	printf("%sok %zu - %s", failed ? "not " : "", number, name);
	if (result->outcome == SKIPPED)
		printf(" # SKIP %s", result->reason);
	printf("\n  ---\n  seconds: %.6f\n  metrics: {", seconds);
	for (i = 0; i < result->nr_metrics; i++) {
		printf("%s", i ? ", " : "");
		json_string(stdout, result->metrics[i].name);
		printf(": %s", result->metrics[i].value);
	}
	printf("}\n");
	if (result->reason[0]) {
		printf("  reason: ");
		json_string(stdout, result->reason);
		printf("\n");
	}
	print_strings("log", result->lines, result->nr_lines);
	print_strings("allow", result->allowed, result->nr_allowed);
	print_strings("findings", result->findings, result->nr_findings);
	printf("  machine_ns: [%llu, %llu]\n", (unsigned long long)result->begin,
	       (unsigned long long)result->end);
	printf("  known: {");
	for (i = 0; i < result->nr_known; i++)
		print_pair(i, result->known[i].regex, result->known[i].file);
	printf("}\n  seen: {");
	for (i = 0; i < result->nr_seen; i++)
		print_pair(i, result->seen[i].file, result->seen[i].how);
	printf("}\n");
	if (result->nr_passes) {
		printf("  passes: [");
		for (i = 0; i < result->nr_passes; i++)
			printf("%s%s", i ? ", " : "", result->passes[i]);
		printf("]\n");
	}
	printf("  ...\n");
	fflush(stdout);
}

static bool name_matches(const char *name, const char *pattern)
{
	size_t len = strlen(pattern);

	return !strncmp(name, pattern, len) && (name[len] == '\0' || name[len] == '.');
}

struct selection {
	const struct test *test;	/* NULL: nothing has this name */
	char name[96];
};

/* Choose the tests that a name stands for; a name that stands for none becomes a failing test. */
static size_t select_tests(struct selection *sel, const struct suite *suite, int argc, char **argv)
{
	size_t i, count = 0;
	int arg;

	for (i = 0; i < suite->nr; i++) {
		char name[sizeof(sel->name)];
		bool wanted = argc == 0;

		snprintf(name, sizeof(name), "%s.%s", suite->name, suite->tests[i].name);
		for (arg = 0; arg < argc; arg++)
			wanted |= name_matches(name, argv[arg]);
		if (!wanted)
			continue;
		sel[count].test = &suite->tests[i];
		memcpy(sel[count++].name, name, sizeof(name));
	}
	for (arg = 0; arg < argc; arg++) {
		bool known = false;

		for (i = 0; i < count; i++)
			known |= sel[i].test && name_matches(sel[i].name, argv[arg]);
		if (known)
			continue;
		sel[count].test = NULL;
		snprintf(sel[count++].name, sizeof(sel->name), "%s", argv[arg]);
	}
	return count;
}

/* --- What the tests have lost --- */

/* The first lines of a report say how large, and whose; the last ones where it came from. */
static void log_report(char *report)
{
	char *line, *save;

	for (line = strtok_r(report, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		test_log("%s", line);
}

static void judge_leak(char *report, void *data)
{
	const struct suite *suite = data;
	const struct known_leak *known;

	for (known = suite->leaks; known && known->function; known++) {
		if (strstr(report, known->function)) {
			test_seen(known->file, "memory of %s() is lost", known->function);
			return;
		}
	}
	EXPECT(0, "%.*s", (int)strcspn(report, ":"), report);
	log_report(report);
}

static void test_leaks(const void *arg)
{
	CHECK_OK(leaks_find(judge_leak, (void *)arg));
}

static size_t add_leaks_test(struct selection *sel, size_t count, const struct suite *suite)
{
	static struct test test = {
		"leaks", "the kernel has lost no memory", test_leaks, NULL, 0
	};

	if (!count || !leaks_watched())
		return count;
	test.arg = suite;
	sel[count].test = &test;
	snprintf(sel[count].name, sizeof(sel->name), "%s.%s", suite->name, test.name);
	return count + 1;
}

static int run_selection(const struct selection *sel, size_t count)
{
	bool keep_going = conf_bool("keep-going", 0);
	const char *crashed = NULL;
	size_t i;
	int ret = 0;

	printf("TAP version 14\n1..%zu\n", count);
	for (i = 0; i < count; i++) {
		double start = now();

		memset(result, 0, sizeof(*result));
		if (!sel[i].test) {
			set_outcome(FAILED, "there is no test of this name");
		} else if (crashed && !keep_going) {
			set_outcome(SKIPPED, "not run after the crash of %s", crashed);
		} else {
			seed = mix64(conf_number("seed", 1) ^ hash_string(sel[i].name));
			result->begin = machine_ns();
			kmsg(4, "mali-vm: begin %s", sel[i].name);
			record_test("begin", sel[i].name);
			if (run_child(sel[i].test))
				crashed = sel[i].name;
			end_for_host(sel[i].name);
			/* What the test has left behind, or should not have */
			if (result->outcome != SKIPPED && !crashed)
				quiet_point();
			restore_tunables();
			result->end = machine_ns();
			kmsg(4, "mali-vm: end %s", sel[i].name);
			record_test("end", sel[i].name);
		}
		print_result(i + 1, sel[i].name, now() - start);
		if (result->outcome == FAILED)
			ret = 1;
	}
	return ret;
}

int suite_main(const struct suite *suite, int argc, char **argv)
{
	static char out[OUT_SIZE];
	struct selection *sel;
	bool list = false;
	size_t i, count;
	int err;

	argc--;
	argv++;
	if (argc && !strcmp(argv[0], "--list")) {
		list = true;
		argc--;
		argv++;
	}
	if (argc && argv[0][0] == '-') {
		fprintf(stderr, "usage: %s [--list] [%s | %s.NAME ...]\n", suite->name,
			suite->name, suite->name);
		return 2;
	}

	conf_load(CONF_PATH);
	sel = calloc(suite->nr + argc + 1, sizeof(*sel));
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!sel || result == MAP_FAILED) {
		fprintf(stderr, "%s: out of memory\n", suite->name);
		return 2;
	}
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	count = select_tests(sel, suite, argc, argv);
	if (list) {
		for (i = 0; i < count; i++)
			if (sel[i].test)
				printf("%s\t%s\n", sel[i].name, sel[i].test->description);
		return 0;
	}
	err = suite->setup ? suite->setup() : 0;
	if (err) {
		fprintf(stderr, "%s: cannot set up: %s\n", suite->name, strerror(-err));
		return 2;
	}
	return run_selection(sel, add_leaks_test(sel, count, suite));
}
