// SPDX-License-Identifier: GPL-2.0-or-later

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "harness.h"
#include "host.h"

void host_need(void)
{
	if (!ask_possible())
		test_skip("needs ./mali-vm run, without --icount");
}

/* Ask for what cannot be refused without the test being over. */
#define ASK(answer, ...) \
	do { \
		host_need(); \
		test_asks_host(); \
		if (ask(answer, __VA_ARGS__)) \
			test_fail(__FILE__, __LINE__, 1, __func__, "%s", answer); \
	} while (0)

char *inject(const char *fmt, ...)
{
	char answer[ANSWER_SIZE], rule[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(rule, sizeof(rule), fmt, ap);
	va_end(ap);
	CHECK(len < (int)sizeof(rule), "the rule is too long: %s", rule);
	ASK(answer, "inject-add %s", rule);
	return strdup(answer);
}

void inject_remove(const char *name)
{
	char answer[ANSWER_SIZE];

	ASK(answer, "inject-remove %s", name);
}

/*
 * The value behind KEY= in an answer, which is words separated by spaces; NULL
 * if it is not there, as the page of a translation that has none.
 */
static const char *find_word(const char *answer, const char *key)
{
	size_t len = strlen(key);
	const char *word;

	for (word = answer; word; word = strchr(word, ' ')) {
		word += *word == ' ';
		if (!strncmp(word, key, len) && word[len] == '=')
			return word + len + 1;
	}
	return NULL;
}

static uint64_t number(const char *answer, const char *key)
{
	const char *word = find_word(answer, key);

	return word ? strtoull(word, NULL, 0) : 0;
}

static unsigned long long whole(const char *answer)
{
	char *end;
	unsigned long long value = strtoull(answer, &end, 0);

	CHECK(end != answer && !*end, "the host's answer is no number: %s", answer);
	return value;
}

unsigned long long inject_hits(const char *name)
{
	char answer[ANSWER_SIZE];

	ASK(answer, "hits %s", name);
	return whole(answer);
}

static uint64_t part(const char *answer, const char *which, const char *name)
{
	char key[48];

	snprintf(key, sizeof(key), "%s.%s", which, name);
	return number(answer, key);
}

static struct host_translation translation(const char *answer, const char *which)
{
	return (struct host_translation){
		.exception = part(answer, which, "exception"),
		.level = part(answer, which, "level"),
		.pa = part(answer, which, "pa"),
		.size = part(answer, which, "size"),
		.readable = part(answer, which, "readable"),
		.writable = part(answer, which, "writable"),
		.executable = part(answer, which, "executable"),
		.attr = part(answer, which, "attr"),
	};
}

void host_translate(unsigned int as, uint64_t va, const char *access, struct host_peek *peek)
{
	char answer[ANSWER_SIZE];
	const char *source;

	ASK(answer, "translate %u 0x%" PRIx64 " %s", as, va, access);
	memset(peek, 0, sizeof(*peek));
	source = find_word(answer, "source");
	CHECK(source, "the host's answer lacks a source: %s", answer);
	snprintf(peek->source, sizeof(peek->source), "%.*s", (int)strcspn(source, " "), source);
	peek->locked = number(answer, "locked");
	peek->stale = number(answer, "stale");
	peek->cached = translation(answer, "cached");
	peek->fresh = translation(answer, "fresh");
}

/* A range in an answer: VA:SIZE:EXCEPTION:PA:CONTIGUOUS:RIGHTS:ATTR, in hex; RIGHTS are bits. */
static void parse_range(const char *text, struct host_range *range)
{
	unsigned int contiguous, rights;
	int n;

	n = sscanf(text, "%" SCNx64 ":%" SCNx64 ":%x:%" SCNx64 ":%x:%x:%x", &range->va,
		   &range->size, &range->exception, &range->pa, &contiguous, &rights,
		   &range->attr);
	CHECK(n == 7, "the host's answer is no range: %s", text);
	range->contiguous = contiguous;
	range->readable = rights & 4;
	range->writable = rights & 2;
	range->executable = rights & 1;
}

size_t host_mappings(unsigned int as, uint64_t first, uint64_t last,
		     struct host_range *ranges, size_t max)
{
	char answer[ANSWER_SIZE], *word, *save;
	size_t n = 0;

	ASK(answer, "mappings %u 0x%" PRIx64 " 0x%" PRIx64 " %zu", as, first, last, max);
	word = strtok_r(answer, " ", &save);
	CHECK(word, "the host's answer is empty");
	for (; n < max; n++) {
		char *text = strtok_r(NULL, " ", &save);

		if (!text)
			break;
		parse_range(text, &ranges[n]);
	}
	return whole(word);
}

unsigned long long host_tlb(unsigned int as, uint64_t first, uint64_t last)
{
	char answer[ANSWER_SIZE];

	ASK(answer, "tlb %u 0x%" PRIx64 " 0x%" PRIx64, as, first, last);
	return whole(answer);
}

unsigned long long host_findings(const char *kind)
{
	char answer[ANSWER_SIZE];

	ASK(answer, "findings");
	CHECK(find_word(answer, kind), "the checker does not look for %s", kind);
	return number(answer, kind);
}

void host_swap_disk(const char *how)
{
	char answer[ANSWER_SIZE];

	ASK(answer, "swap-disk %s", how);
}

bool host_checks(void)
{
	char answer[ANSWER_SIZE];

	ASK(answer, "property check");
	return answer[0] && strcmp(answer, "off");
}

long long host_property(const char *name)
{
	char answer[ANSWER_SIZE], *end;
	long long value;

	ASK(answer, "property %s", name);
	value = strtoll(answer, &end, 0);
	CHECK(end != answer && !*end, "property %s is no number: %s", name, answer);
	return value;
}
