// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite oracle: what the oracle of ./mali-vm run --oracle tells. It finds nothing
 * wrong with a sound driver, and each of its invariants is made untrue in the
 * kernel's memory, by the host, and then named.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "harness.h"
#include "host.h"
#include "panthor.h"

#define PAGES 8
#define SIZE (PAGES * 4 * KIB)
#define VA 0x1000000ull
#define ALL_PAGES (1ul << 20)

struct scene {
	struct panthor gpu;
	uint32_t vm;
	struct bo evicted, bound, mapped;
};

/* The oracle's answer: that of one question, or after it has been asked again */
static const char *says(void)
{
	const char *answer;

	host_need();
	answer = test_oracle();
	if (!answer)
		test_skip("needs ./mali-vm run --oracle");
	if (!strncmp(answer, "off", 3))
		test_skip("%s", answer);
	return answer;
}

static void expect_clean(const char *when)
{
	const char *answer = says();

	CHECK(!strcmp(answer, "clean"), "%s: %s", when, answer);
}

/* A buffer in each of the states that invariants are about */
static void set_up(struct scene *s)
{
	CHECK_OK(panthor_open(&s->gpu));
	s->vm = CHECK_OK(panthor_vm_create(&s->gpu));
	CHECK_OK(bo_create_private(&s->gpu, &s->evicted, SIZE, 0, s->vm, "oracle-evicted"));
	CHECK_OK(bo_bind(&s->gpu, &s->evicted, s->vm, VA));
	expect_clean("a buffer is bound");
	if (CHECK_OK(panthor_shrink(&s->gpu, ALL_PAGES)) < PAGES)
		test_skip("the driver evicts nothing: run with --swap 256M, with CONFIG_ZRAM");
	expect_clean("it is evicted");
	CHECK_OK(bo_create_private(&s->gpu, &s->bound, SIZE, 0, s->vm, "oracle-bound"));
	CHECK_OK(bo_bind(&s->gpu, &s->bound, s->vm, VA + SIZE));
	CHECK_OK(bo_create(&s->gpu, &s->mapped, SIZE, 0, "oracle-mapped"));
	CHECK_OK(bo_mmap(&s->gpu, &s->mapped));
	memset(s->mapped.map, 1, SIZE);
	expect_clean("one is bound, one is mapped, one is evicted");
}

static void clean(const void *arg)
{
	struct scene s = { 0 };

	says();
	set_up(&s);
	CHECK_OK(bo_destroy(&s.gpu, &s.mapped));
	CHECK_OK(bo_destroy(&s.gpu, &s.bound));
	expect_clean("buffers have gone");
	CHECK_OK(panthor_vm_destroy(&s.gpu, s.vm));
	expect_clean("the VM has gone");
	panthor_close(&s.gpu);
	(void)arg;
}

/* Whether an answer names an invariant: as the first, or among the others */
static bool names(const char *answer, const char *invariant)
{
	const char *at = strstr(answer, "(also ");
	size_t len = strlen(invariant);

	if (!strncmp(answer, "broken ", 7) && !strncmp(answer + 7, invariant, len) &&
	    answer[7 + len] == ':')
		return true;
	for (at = at ? at + 6 : NULL; at && *at; at += strspn(at, ", ")) {
		if (!strncmp(at, invariant, len) && strchr(",)", at[len]))
			return true;
		at += strcspn(at, ",)");
		if (*at == ')')
			break;
	}
	return false;
}

static void spoiled(const void *arg)
{
	char answer[ANSWER_SIZE], found[512];
	const char *name = arg;
	struct scene s = { 0 };
	int ret;

	says();
	set_up(&s);
	ret = ask(answer, "spoil %s", name);
	CHECK(!ret, "%s", answer);
	test_log("%s is changed", answer);
	snprintf(found, sizeof(found), "%s", says());
	test_log("%s", found);
	/* Before the driver comes by */
	ret = ask(answer, "mend");
	CHECK(!ret, "%s", answer);
	CHECK(names(found, name), "%s is untrue, and the oracle says: %s", name, found);
	expect_clean("it is mended");
	panthor_close(&s.gpu);
}

#define SPOILED(name) { name, name " is untrue, and named", spoiled, name, 0 }

static const struct test tests[] = {
	{ "clean", "a sound driver breaks no invariant", clean, NULL, 0 },
	SPOILED("I1"), SPOILED("I2"), SPOILED("I3"), SPOILED("I4"), SPOILED("I5"),
	SPOILED("I6"), SPOILED("I7"), SPOILED("I8"), SPOILED("I9"), SPOILED("I10"),
};

static const struct suite suite = { .name = "oracle", .tests = tests, .nr = ARRAY_SIZE(tests) };

int main(int argc, char **argv)
{
	return suite_main(&suite, argc, argv);
}
