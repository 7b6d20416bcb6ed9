// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite reclaim: swap on a disk that is slow, or fails (J11). */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "group.h"
#include "harness.h"
#include "host.h"
#include "pressure.h"
#include "reclaim.h"
#include "swap.h"
#include "vmstat.h"

static void need_disk(void)
{
	if (!swap_is_on_disk())
		test_skip("swap is not on a disk: run with --swap disk");
}

static long long swapped(enum vmstat_item item)
{
	struct vmstat stat;

	CHECK_OK(vmstat_read(&stat));
	return stat.v[item];
}

/* Evict it, and have all of it written to the disk */
static void send_to_disk(struct scene *s)
{
	long long before = swapped(VM_PSWPOUT);

	scene_shrink(s);
	CHECK(!buffer_resident(&s->rig, &s->b), "the buffer is not evicted");
	pressure_swap_out(s->b.bo.size);
	metric_int("pswpout", swapped(VM_PSWPOUT) - before);
}

/* Each request takes 10 ms: evicted and read back all the same */
static void test_slow(const void *arg)
{
	long long before;
	struct scene s;

	need_disk();
	scene_open(&s, arg);
	host_swap_disk("slow");
	send_to_disk(&s);
	before = swapped(VM_PSWPIN);
	scene_verify(&s);
	EXPECT(swapped(VM_PSWPIN) > before, "nothing was read from the disk");
	host_swap_disk("sound");
	scene_close(&s);
}

/* Nothing can be written: the pages stay in memory, where they are found */
static void test_bad_writes(const void *arg)
{
	struct scene s;

	need_disk();
	test_allow("Write-error on swap-device|I/O error, dev vd");
	scene_open(&s, arg);
	host_swap_disk("bad-writes");
	send_to_disk(&s);
	scene_verify(&s);
	send_to_disk(&s);
	host_swap_disk("sound");
	scene_verify(&s);
	send_to_disk(&s);
	scene_verify(&s);
	scene_close(&s);
}

static sigjmp_buf no_page;

static void take_sigbus(int sig)
{
	(void)sig;
	siglongjmp(no_page, 1);
}

/* A page is lost for good: who touches it, or wants it for a job, is told so */
static void test_bad_reads(const void *arg)
{
	volatile bool killed = false;
	struct scene s;

	need_disk();
	test_allow("Read-error on swap-device|I/O error, dev vd");
	scene_open(&s, arg);
	send_to_disk(&s);
	/* Only the buffer is to be lost: what a test before had swapped out of us comes back */
	CHECK_OK(mlockall(MCL_CURRENT));
	host_swap_disk("bad-reads");
	signal(SIGBUS, take_sigbus);
	if (!sigsetjmp(no_page, 1))
		buffer_wrong_cpu(&s.rig, &s.b);
	else
		killed = true;
	EXPECT(killed, "the CPU reads a page that cannot be read");
	EXPECT_ERRNO(group_submit(&s.rig.gpu, s.rig.vms[0].group, COPY_QUEUE, 0, 0, 0,
				  s.rig.done), EIO);
	host_swap_disk("sound");
	/* Others do not mind */
	scene_check_others();
}

static const struct test tests[] = {
	{ "directed.J11.slow-B04", "a slow swap disk: shared, in one VM", test_slow, "B04", 0 },
	{ "directed.J11.slow-B12b", "a slow swap disk: 2 MiB of small pages", test_slow, "B12b",
	  0 },
	{ "directed.J11.writes", "a swap disk that cannot be written", test_bad_writes, "B04", 0 },
	{ "directed.J11.reads", "a swap disk that cannot be read", test_bad_reads, "B04", 0 },
};

const struct test_table disk_tests = { tests, ARRAY_SIZE(tests) };
