// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite mmu: the device's checker names each mistake that can be made with page
 * tables and with the registers of an address space, and finds none in the same
 * sequence done right. The real driver makes none of them: the module mmu_wrong
 * does it behind its back (kernel/mmu_wrong/main.c has its language), between
 * the jobs of a client.
 *
 * A test is named by its mistake and "wrong" or "right". What has to be found is
 * a part of its report (test_finding()); the host compares.
 */

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "conf.h"
#include "harness.h"
#include "modules.h"
#include "stream.h"

#define WRONG_MODULE	"/lib/mmu_wrong.ko"
#define WRONG_FILE	"/sys/kernel/debug/mmu_wrong/run"
#define DMA_CHECK_BOUND	"/sys/bus/platform/drivers/gpu_dma_check/c200000.gpu-dma-check"

/*
 * Pages of the data, as the scripts have them: the first has the value that the
 * address space is known by, what jobs read, and the flag that ends an endless
 * one; then the one that everything is done to, one to be found in its place,
 * and one that the smallest region around them leaves out.
 */
#define HOME		"0x20000000 "
#define PAGE		"0x20004000 "
#define OTHER		"0x20006000 "
#define AROUND		"0x20000000 15 "
#define BESIDE		"0x20008000 15 "
#define ALL		"0x20000000 16 "

#define HOME_VA		DATA_VA
#define PAGE_VA		(DATA_VA + 0x4000)
#define OTHER_VA	(DATA_VA + 0x6000)
#define AT_RESULT	64
#define AT_STOP		128
/* Of the pages' contents, by the address */
#define CONTENT(va)	(0x1122334400000000ull | (va))

/* A change of what PAGE maps to, with all that belongs to it, and its undoing */
#define CHANGE(edit)	"lock " AROUND edit "unlock "
#define RESTORE		CHANGE("restore ")

enum use {
	NOTHING,
	READ,				/* a job loads from PAGE, after the script */
	WRITE,				/* it stores there */
	LOOP,				/* an endless one loads from it, during the script */
	ASLEEP,				/* the GPU is suspended during the script */
};

/* What the job gets */
enum outcome {
	AS_IT_WAS,			/* what was at PAGE at first */
	AS_OTHER,			/* what is at OTHER */
	ANYTHING,
	FAULT,				/* the group dies of it */
};

struct sequence {
	const char *script;
	const char *cleanup;		/* NULL: none */
	enum use use;
	enum outcome outcome;
	const char *findings[3];
};

struct mistake {
	const char *name;
	const char *description;
	struct sequence wrong, right;
	bool frees;			/* it takes the module gpu_dma_check to see */
};

static const struct mistake mistakes[] = {
	{
		.name = "stale_gone",
		.description = "a page is taken away without a LOCK, and used",
		.wrong = { "clear " PAGE, "restore", READ, AS_IT_WAS, { "stale-translation" } },
		.right = { CHANGE("clear " PAGE) RESTORE, NULL, READ, AS_IT_WAS },
	}, {
		.name = "stale_page",
		.description = "a page is replaced without a LOCK, and used",
		.wrong = { "point " PAGE OTHER, "restore", READ, AS_IT_WAS,
			   { "stale-translation" } },
		.right = { CHANGE("point " PAGE OTHER), RESTORE, READ, AS_OTHER },
	}, {
		.name = "stale_right",
		.description = "the right to write is taken without a LOCK, and used",
		.wrong = { "readonly " PAGE, "restore", WRITE, ANYTHING, { "stale-translation" } },
		.right = { CHANGE("readonly " PAGE), RESTORE, READ, AS_IT_WAS },
	}, {
		.name = "lock_late",
		.description = "a page is replaced before the LOCK",
		.wrong = { "point " PAGE OTHER "lock " AROUND "unlock", RESTORE, READ, AS_OTHER,
			   { "edit-unlocked" } },
		.right = { "lock " AROUND "point " PAGE OTHER "unlock", RESTORE, READ, AS_OTHER },
	}, {
		.name = "lock_beside",
		.description = "a page is replaced outside the region that is locked",
		.wrong = { "lock " BESIDE "point " PAGE OTHER "unlock", "restore", NOTHING,
			   ANYTHING, { "edit-uncovered" } },
		.right = { "lock " ALL "point " PAGE OTHER "unlock", RESTORE, READ, AS_OTHER },
	}, {
		.name = "unlock_alone",
		.description = "UNLOCK without a LOCK",
		.wrong = { "unlock", NULL, READ, AS_IT_WAS, { "unlock-without-lock" } },
		.right = { "lock " AROUND "unlock", NULL, READ, AS_IT_WAS },
	}, {
		.name = "flush_alone",
		.description = "FLUSH_MEM without a LOCK, and not before UPDATE",
		.wrong = { "flush_mem lock " AROUND "unlock", NULL, READ, AS_IT_WAS,
			   { "flush-without-lock" } },
		.right = { "lock " AROUND "flush_mem flush_pt flush_mem update", NULL, READ,
			   AS_IT_WAS },
	}, {
		.name = "busy",
		.description = "a command while another one is active",
		.wrong = { "lock " AROUND "post flush_pt post unlock wait", NULL, READ, AS_IT_WAS,
			   { "command-while-active" } },
		.right = { "lock " AROUND "post flush_pt wait", NULL, READ, AS_IT_WAS },
	}, {
		.name = "region_small",
		.description = "LOCK of 64 bytes",
		.wrong = { "lockaddr 0x20004005 unlock", NULL, READ, AS_IT_WAS, { "bad-lockaddr" } },
		.right = { "lockaddr 0x2000000e unlock", NULL, READ, AS_IT_WAS },
	}, {
		.name = "region_large",
		.description = "LOCK of 2^60 bytes",
		.wrong = { "lockaddr 0x3b unlock", NULL, READ, AS_IT_WAS, { "bad-lockaddr" } },
		.right = { "lockaddr 0x2f unlock", NULL, READ, AS_IT_WAS },
	}, {
		.name = "region_misaligned",
		.description = "LOCK of 32 KiB that begin anywhere",
		.wrong = { "lockaddr 0x2000100e unlock", NULL, READ, AS_IT_WAS,
			   { "bad-lockaddr" } },
		/* The driver leaves the half of it there */
		.right = { "lockaddr 0x2000400e unlock", NULL, READ, AS_IT_WAS },
	}, {
		.name = "region_beyond",
		.description = "LOCK of what has no address",
		.wrong = { "lockaddr 0x400002000000e unlock", NULL, READ, AS_IT_WAS,
			   { "bad-lockaddr" } },
		.right = { "lockaddr 0x40002000000e unlock", NULL, READ, AS_IT_WAS },
	}, {
		.name = "config",
		.description = "TRANSTAB is written, and no UPDATE follows",
		.wrong = { "move lock " AROUND "unlock", "put_back update", NOTHING, ANYTHING,
			   { "config-without-update" } },
		.right = { "move put_back update lock " AROUND "unlock", NULL, READ,
			   AS_IT_WAS },
	}, {
		.name = "power",
		.description = "a command while the GPU is off",
		.wrong = { "again lock " AROUND "unlock", NULL, ASLEEP, ANYTHING,
			   { "powered-off" } },
		.right = { "again lock " AROUND "unlock", NULL, READ, AS_IT_WAS },
	}, {
		.name = "disable_busy",
		.description = "an address space is disabled while its job works",
		.wrong = { "disable update", NULL, LOOP, FAULT,
			   { "as-disabled-in-flight", "access-unmapped" } },
		.right = { "lock " AROUND "unlock", NULL, LOOP, AS_IT_WAS },
	}, {
		.name = "disabled",
		.description = "a job on an address space that is disabled",
		.wrong = { "disable update", NULL, READ, FAULT, { "access-unmapped" } },
		.right = { "disable update put_back update", NULL, READ, AS_IT_WAS },
	}, {
		.name = "table",
		.description = "a page table is mapped so that the GPU may write to it",
		.wrong = { CHANGE("table " PAGE), RESTORE, READ, ANYTHING, { "table-writable" } },
		.right = { CHANGE("table " PAGE "readonly " PAGE), RESTORE, READ, ANYTHING },
	}, {
		.name = "freed",
		.description = "a page is freed, which is mapped and used",
		.wrong = { CHANGE("page " PAGE) "free", RESTORE, READ, ANYTHING, { "freed-page" } },
		.right = { CHANGE("page " PAGE), RESTORE "free", READ, ANYTHING },
		.frees = true,
	},
};

/* --- What is done --- */

static void run_script(const char *script)
{
	if (script)
		CHECK_OK(write_file(WRONG_FILE, "%s", script));
}

static uint64_t *content(struct client *c, uint64_t va)
{
	return (uint64_t *)(c->data.map + (va - DATA_VA));
}

/*
 * The value at PAGE goes to the result, and back to another place of PAGE. Each
 * test has its streams where no other has: what the device has found at one
 * place of a stream it does not tell again.
 */
static void submit(struct client *c, const struct sequence *q, enum use use)
{
	size_t offset = ((const uint8_t *)q - (const uint8_t *)mistakes) / sizeof(*q) * 256;
	STREAM(s, 16);

	emit(&s, CS_MOVE(R_ADDR, PAGE_VA));
	emit(&s, CS_LOAD(R_A, R_ADDR, 3, 0));
	emit(&s, CS_WAIT(0xff));
	if (use == WRITE)
		emit(&s, CS_STORE(R_A, R_ADDR, 3, AT_RESULT));
	emit(&s, CS_MOVE(R_ADDR, HOME_VA));
	emit(&s, CS_STORE(R_A, R_ADDR, 3, AT_RESULT));
	if (use == LOOP) {
		emit(&s, CS_LOAD(R_B, R_ADDR, 1, AT_STOP));
		emit(&s, CS_WAIT(0xff));
		emit(&s, CS_BRANCH(CS_EQ, R_B, -(int)s.nr - 1));
	}
	emit(&s, CS_WAIT(0xff));
	*(volatile uint64_t *)(c->data.map + AT_RESULT) = 0;
	client_submit(c, 0, offset, s.words, s.nr);
}

static void wait_until_it_loops(struct client *c)
{
	double deadline = now() + JOB_MS / 1000.0;

	while (!*(volatile uint64_t *)(c->data.map + AT_RESULT)) {
		CHECK(now() < deadline, "the job does not begin");
		sleep_ms(1);
	}
}

static void expect_outcome(struct client *c, enum outcome outcome)
{
	const uint64_t *result = (uint64_t *)(c->data.map + AT_RESULT);

	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	if (outcome == FAULT) {
		EXPECT(syncobj_status(&c->gpu, c->done) < 0, "the job did not fail");
		return;
	}
	CHECK_EQ(syncobj_status(&c->gpu, c->done), 0);
	if (outcome != ANYTHING)
		EXPECT_EQ(*result, CONTENT(outcome == AS_OTHER ? OTHER_VA : PAGE_VA));
}

/* What the driver says of a job whose address space is gone */
static void allow_messages(void)
{
	test_allow("CS_FATAL");
	test_allow("CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	test_allow("Unhandled Page fault in AS\\d+ at VA 0x[0-9A-F]+");
	test_allow("raw fault status: 0x[0-9A-F]+$");
}

static void test_sequence(const void *arg)
{
	const struct sequence *q = arg;
	struct client c = { 0 };

	for (unsigned int i = 0; i < ARRAY_SIZE(q->findings) && q->findings[i]; i++)
		test_finding(q->findings[i]);
	if (q->outcome == FAULT)
		allow_messages();
	client_open(&c, 1);
	if (q->use != ASLEEP)
		client_keep_awake(&c);
	*content(&c, HOME_VA) = test_seed();
	*content(&c, PAGE_VA) = CONTENT(PAGE_VA);
	*content(&c, OTHER_VA) = CONTENT(OTHER_VA);

	/* It fills the TLB, too */
	submit(&c, q, WRITE);
	expect_outcome(&c, AS_IT_WAS);
	CHECK_OK(write_file(WRONG_FILE, "find " HOME "%llu", (unsigned long long)test_seed()));
	if (q->use == ASLEEP)
		client_wait_suspended(&c);
	if (q->use == LOOP) {
		submit(&c, q, LOOP);
		wait_until_it_loops(&c);
	}
	run_script(q->script);
	*(volatile uint32_t *)(c.data.map + AT_STOP) = 1;
	if (q->use == READ || q->use == WRITE)
		submit(&c, q, q->use);
	if (q->use != NOTHING && q->use != ASLEEP)
		expect_outcome(&c, q->outcome);
	run_script(q->cleanup);
	if (q->outcome != FAULT) {
		submit(&c, q, WRITE);
		expect_outcome(&c, AS_IT_WAS);
	}
	client_close(&c);
}

/* --- Table --- */

static int set_up(void)
{
	return module_load_file(WRONG_MODULE);
}

static void test_freed(const void *arg)
{
	if (!path_exists(DMA_CHECK_BOUND))
		test_skip("the device knows of no freed pages: the module " CHECK_MODULE
			  " is not in this guest");
	test_sequence(arg);
}

static void test_unchecked(const void *arg)
{
	(void)arg;
	test_skip("run with --check report, which is what this suite does by itself");
}

int main(int argc, char **argv)
{
	enum { NR = 2 * ARRAY_SIZE(mistakes) };
	static char names[NR][32], descriptions[NR][128];
	static struct test tests[NR];
	static const struct suite suite = {
		.name = "mmu", .tests = tests, .nr = NR, .setup = set_up,
	};
	bool checked;

	conf_load(CONF_PATH);
	checked = !strcmp(conf_get("check", "off"), "report");
	for (size_t i = 0; i < NR; i++) {
		const struct mistake *m = &mistakes[i / 2];
		bool right = i % 2;

		snprintf(names[i], sizeof(names[i]), "%s.%s", m->name, right ? "right" : "wrong");
		snprintf(descriptions[i], sizeof(descriptions[i]), "%s%s",
			 right ? "done right: " : "", m->description);
		tests[i] = (struct test) {
			.name = names[i],
			.description = descriptions[i],
			.fn = !checked ? test_unchecked : m->frees ? test_freed : test_sequence,
			.arg = right ? &m->right : &m->wrong,
		};
	}
	return suite_main(&suite, argc, argv);
}
