// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: one case. The buffer is brought into its state, reclaim comes to
 * it while the load goes on, it is evicted or not as it has to be, and has its
 * content afterwards for the CPU and for the GPU.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "gems.h"
#include "harness.h"
#include "host.h"
#include "need.h"
#include "pressure.h"
#include "reclaim.h"
#include "swap.h"
#include "vmstat.h"

/* What goes slower than it should. Harder faults have tests of their own. */
const struct fault faults[] = {
	{ "J0", "sound hardware", NULL },
	{ "J1", "locks take 2 ms", "as-command command=lock optional -> delay time=2ms" },
	{ "J2", "flushes take 20 ms", "flush optional -> delay time=20ms" },
	{ "J4", "an interrupt is lost", "irq line=gpu bits=0x20000 count=1 optional -> mute" },
};

const size_t nr_faults = ARRAY_SIZE(faults);

void reclaim_need(void)
{
	struct panthor gpu;

	/* A test that turned swap off, and failed, left it so */
	swap_on();
	CHECK(meminfo("SwapTotal") > 0, "there is no swap, without which the driver evicts "
	      "nothing: run with --swap 256M, on a kernel with CONFIG_ZRAM");
	CHECK_OK(panthor_find(&gpu));
	need_shrinker(&gpu);
	driver_may_free_in_reclaim();
}

enum verdict { EVICTED, KEPT, EMPTY, ANY, NOT_KNOWN };

static enum verdict expected(const struct cell *c)
{
	if (c->state->fate == NO_SHRINKER)
		return NOT_KNOWN;
	if (c->load->touches && c->state->fate != STAYS)
		return ANY;
	/* A job of the VM brings back what was evicted, and holds it */
	if (c->load->busy && c->state->bound)
		return KEPT;
	if (c->state->fate == GONE)
		return EMPTY;
	if (c->state->fate == STAYS || !c->trigger->evicts)
		return KEPT;
	return EVICTED;
}

bool cell_makes_sense(const struct cell *c)
{
	/* Else what the load takes, or holds, would decide whether memory runs out */
	if (c->trigger->presses && (expected(c) != EVICTED || !c->load->light))
		return false;
	if (c->load->touches && (c->state->no_cpu || !c->trigger->evicts))
		return false;
	if (c->load->needs_handle && c->state->no_handle)
		return false;
	return true;
}

static bool has_come_true(const struct rig *rig, const struct buffer *b, enum verdict verdict,
			  int evictions)
{
	struct gem gem;

	if (verdict == NOT_KNOWN)
		return true;
	buffer_gem(rig, b, &gem);
	switch (verdict) {
	case EVICTED:
		return !gem.resident && gem.evictions > evictions;
	case ANY:
		return gem.evictions > evictions;
	case KEPT:
		return gem.resident == gem.size && gem.evictions == evictions;
	default:
		return !gem.resident && gem.evictions == evictions;
	}
}

/* Reclaim may find locks taken; it comes again, and has to succeed some time. */
static void fire(const struct cell *c, struct rig *rig, struct buffer *b, int evictions)
{
	static const char * const texts[] = {
		[EVICTED] = "is not evicted", [KEPT] = "is evicted, or has no pages",
		[EMPTY] = "has got pages, or was evicted once more", [ANY] = "is never evicted",
	};
	enum verdict verdict = expected(c);
	bool wait = verdict == ANY ||
		    (verdict == EVICTED && !(c->load->alone && c->trigger->once));
	double deadline = now() + RECLAIM_WAIT_S;
	struct gem gem;
	int tries = 1;

	c->trigger->fire(rig, b);
	while (wait && !has_come_true(rig, b, verdict, evictions) && now() < deadline) {
		sleep_ms(1);
		c->trigger->fire(rig, b);
		tries++;
	}
	metric_int("tries", tries);
	/* Once more: the driver counts what it tries in vain */
	if (verdict != EVICTED && verdict != ANY)
		c->trigger->fire(rig, b);
	rig_need_blocked(rig);
	if (has_come_true(rig, b, verdict, evictions))
		return;
	buffer_gem(rig, b, &gem);
	test_fail(__FILE__, __LINE__, 1, "fire", "the buffer %s: %zu of its %zu bytes are there, "
		  "evicted %d times, %d of them before", texts[verdict], gem.resident, gem.size,
		  gem.evictions, evictions);
}

static void verify(struct rig *rig, struct buffer *b, bool gpu_first)
{
	bool cpu = !b->state->no_cpu;
	size_t wrong = 0;

	if (!gpu_first && cpu)
		wrong = buffer_wrong_cpu(rig, b);
	CHECK(!wrong, "the CPU sees another content in %zu of %zu pages", wrong, b->pages);
	if (!b->nr_maps && !b->state->no_handle)
		buffer_bind(rig, b, 0, rig_va(rig, 0), 0, b->pages, 0);
	wrong = buffer_wrong_gpu(rig, b);
	CHECK(!wrong, "the GPU sees another content in %zu of %zu pages", wrong, b->pages);
	if (cpu)
		wrong = buffer_wrong_cpu(rig, b);
	CHECK(!wrong, "the CPU sees another content in %zu of %zu pages", wrong, b->pages);
}

/* Nothing of it is left */
static void check_gone(struct rig *rig, const struct buffer *b)
{
	if (!b->bo.label[0] || gems_gone(&rig->gpu, b->bo.label, 0))
		return;
	/* A queue that once waited for it off its slot keeps it for as long as it lives */
	rig_new_groups(rig);
	CHECK(b->state->waited && gems_gone(&rig->gpu, b->bo.label, RECLAIM_WAIT_S),
	      "the buffer is still there");
	test_seen("docs/findings/syncwait-kept.md",
		  "the buffer is freed with the queue that had waited for a word in it, and not "
		  "with its last handle");
}

void test_cell(const void *arg)
{
	const struct cell *c = arg;
	bool sound = c->load->alone && !c->fault->rule;
	bool has_gem = c->state->fate != NO_SHRINKER;
	struct buffer b = { .state = c->state, .dmabuf = -1, .vgem = -1 };
	struct gem gem = { 0 };
	char *rule = NULL;
	struct rig rig;
	double start;

	/* The table of results has one place for a state and a trigger */
	if (sound) {
		metric_string("state", c->state->name);
		metric_string("trigger", c->trigger->name);
	}
	reclaim_need();
	if (c->trigger->needs && !path_exists("%s", c->trigger->needs))
		test_skip("there is no %s (%s)", c->trigger->needs, c->trigger->option);
	if (c->trigger->prepare)
		c->trigger->prepare();
	rig_open(&rig, !c->load->sleeps);
	c->state->set_up(&rig, &b);
	if (sound && !c->state->unmapped)
		CHECK(buffer_check_reachable(&b), "no address space has the buffer");
	/* Before the load, which may take so much memory that the kernel evicts the buffer itself */
	if (has_gem)
		buffer_gem(&rig, &b, &gem);
	if (c->load->start)
		c->load->start(&rig, &b);
	if (c->fault->rule)
		rule = inject("%s", c->fault->rule);

	start = now();
	fire(c, &rig, &b, gem.evictions);
	metric_double("seconds", now() - start);
	metric_int("evicted", expected(c) == EVICTED ? b.pages : 0);
	if (expected(c) == EVICTED)
		buffer_check_unreachable(&b);
	if (rule) {
		metric_int("hits", inject_hits(rule));
		inject_remove(rule);
		free(rule);
	}
	if (c->load->stop)
		c->load->stop(&rig, &b);
	if (c->trigger->finish)
		c->trigger->finish();
	pressure_swap_out(b.pages * PAGE);
	if (c->state->settle)
		c->state->settle(&rig, &b);
	metric_string("content", "wrong");
	verify(&rig, &b, test_seed() & 1);
	metric_string("content", "ok");
	buffer_destroy(&rig, &b);
	check_gone(&rig, &b);
	rig_close(&rig);
}
