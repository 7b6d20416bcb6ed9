// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: random sequences. A sequence is made from its seed before it
 * begins and runs in a process of its own, so that it can be run again without
 * some of its steps: one that fails is made as short as it still fails.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf.h"
#include "harness.h"
#include "host.h"
#include "klog.h"
#include "pressure.h"
#include "reclaim.h"

#define BUFFERS		6
#define BUFFER_PAGES	32
#define SPOTS		4		/* that a buffer can be mapped at: two in each VM */
#define STEPS		300
#define MAX_STEPS	2000
#define ROUNDS		3
/* Which are enough for any mistake that comes of a single buffer */
#define MAX_SHORT	10
#define DROP_CACHES	"/proc/sys/vm/drop_caches"

/* Of one sequence: longer hangs */
#define WALK_S		patience(300)

enum kind {
	CREATE, DESTROY, MAP, UNMAP, WRITE, CHECK_CPU, BIND, UNBIND, HALVE, READ_GPU, WRITE_GPU,
	SYNC, SHRINK, DROP, LOOK,
};

/* What ends with a translation that is to be forgotten */
#define UNMAPS		(1u << UNBIND | 1u << HALVE | 1u << BIND | 1u << SHRINK | 1u << DROP)

struct step {
	uint8_t kind, buffer;
	uint16_t arg;
};

/* What is written of a step when the sequence is printed, and how often it comes, of 100 */
static const struct {
	char letter;
	unsigned int weight;
} kinds[] = {
	[CREATE] = { 'c', 12 }, [DESTROY] = { 'd', 3 }, [MAP] = { 'm', 5 }, [UNMAP] = { 'u', 5 },
	[WRITE] = { 'w', 9 }, [CHECK_CPU] = { 'r', 8 }, [BIND] = { 'b', 14 },
	[UNBIND] = { 'x', 5 }, [HALVE] = { 'h', 4 }, [READ_GPU] = { 'R', 10 },
	[WRITE_GPU] = { 'W', 9 }, [SYNC] = { 'y', 3 }, [SHRINK] = { 's', 6 }, [DROP] = { 'p', 2 },
	[LOOK] = { 'l', 5 },
};

struct walker {
	struct rig rig;
	struct {
		struct buffer b;
		bool open, private;
		struct gpu_map spots[SPOTS];	/* no pages: not mapped */
	} at[BUFFERS];
};

static struct {
	unsigned long steps, evicted, rounds;
} *total;

/* --- Steps: one that makes no sense now does nothing --- */

static uint64_t spot_va(const struct walker *w, unsigned int buffer, unsigned int spot)
{
	return rig_va(&w->rig, spot & 1) + (buffer * 2 + (spot >> 1)) * HUGE_PAGE;
}

static void create(struct walker *w, unsigned int i, unsigned int arg)
{
	struct buffer *b = &w->at[i].b;

	memset(b, 0, sizeof(*b));
	b->dmabuf = b->vgem = -1;
	w->at[i].open = true;
	w->at[i].private = arg & 1;
	memset(w->at[i].spots, 0, sizeof(w->at[i].spots));
	buffer_create(&w->rig, b, BUFFER_PAGES * PAGE,
		      arg & 2 ? DRM_PANTHOR_BO_WB_MMAP : 0, arg & 1 ? 0 : SHARED);
}

static void unbind(struct walker *w, unsigned int i, unsigned int spot)
{
	struct gpu_map *m = &w->at[i].spots[spot];

	if (m->pages)
		CHECK_OK(vm_unbind(&w->rig.gpu, w->rig.vms[m->vm].vm, m->va, m->pages * PAGE));
	m->pages = 0;
}

static void destroy(struct walker *w, unsigned int i)
{
	for (unsigned int spot = 0; spot < SPOTS; spot++)
		unbind(w, i, spot);
	buffer_destroy(&w->rig, &w->at[i].b);
	w->at[i].open = false;
}

static void bind(struct walker *w, unsigned int i, unsigned int arg)
{
	unsigned int spot = arg % SPOTS, first = arg / SPOTS % BUFFER_PAGES;
	struct gpu_map *m = &w->at[i].spots[spot];

	if (m->pages || (w->at[i].private && spot & 1))
		return;
	*m = (struct gpu_map){
		.vm = spot & 1, .va = spot_va(w, i, spot), .first = first,
		.pages = BUFFER_PAGES - first,
	};
	CHECK_OK(vm_map(&w->rig.gpu, w->rig.vms[m->vm].vm, &w->at[i].b.bo, first * PAGE, m->va,
			m->pages * PAGE, 0));
}

/* The first half of a mapping is not mapped any more */
static void halve(struct walker *w, unsigned int i, unsigned int spot)
{
	struct gpu_map *m = &w->at[i].spots[spot];
	uint32_t half = m->pages / 2;

	if (!half)
		return;
	CHECK_OK(vm_unbind(&w->rig.gpu, w->rig.vms[m->vm].vm, m->va, half * PAGE));
	m->va += half * PAGE;
	m->first += half;
	m->pages -= half;
}

/* What the GPU sees, by the mapping at one spot */
static void read_gpu(struct walker *w, unsigned int i, unsigned int spot)
{
	struct buffer *b = &w->at[i].b;

	if (!w->at[i].spots[spot].pages)
		return;
	b->maps[0] = w->at[i].spots[spot];
	b->nr_maps = 1;
	CHECK_EQ(buffer_wrong_gpu(&w->rig, b), 0);
	b->nr_maps = 0;
}

static void set_words(struct buffer *b, uint32_t page, uint64_t value)
{
	b->words[page * 2] = mix64(value);
	b->words[page * 2 + 1] = mix64(value + 1);
}

static void write_gpu(struct walker *w, unsigned int i, unsigned int arg)
{
	struct gpu_map *m = &w->at[i].spots[arg % SPOTS];
	struct buffer *b = &w->at[i].b;
	uint32_t page;

	if (!m->pages)
		return;
	page = arg / SPOTS % m->pages;
	set_words(b, m->first + page, arg);
	memcpy(w->rig.vms[m->vm].copy.map, &b->words[(m->first + page) * 2],
	       2 * sizeof(*b->words));
	rig_write_pages(&w->rig, m->vm, m->va + page * PAGE, 1);
}

static void write_cpu(struct walker *w, unsigned int i, unsigned int arg)
{
	struct buffer *b = &w->at[i].b;
	uint32_t page = arg % BUFFER_PAGES;

	buffer_map_cpu(&w->rig, b);
	set_words(b, page, arg);
	*(volatile uint64_t *)(b->map + page * PAGE) = b->words[page * 2];
	*(volatile uint64_t *)(b->map + page * PAGE + PAGE - 8) = b->words[page * 2 + 1];
}

/* With nothing at work all goes; then the GPU may reach nothing of the buffer */
static void look(struct walker *w, unsigned int i)
{
	struct buffer *b = &w->at[i].b;

	total->evicted += CHECK_OK(panthor_shrink(&w->rig.gpu, ALL_PAGES));
	b->nr_maps = 0;
	for (unsigned int spot = 0; spot < SPOTS; spot++)
		if (w->at[i].spots[spot].pages)
			b->maps[b->nr_maps++] = w->at[i].spots[spot];
	CHECK_EQ(buffer_reached(b), 0);
	b->nr_maps = 0;
	/* They come back as other pages */
	pressure_swap_out(BUFFERS * BUFFER_PAGES * PAGE);
}

static void take_step(struct walker *w, const struct step *s)
{
	unsigned int i = s->buffer, spot = s->arg % SPOTS;
	struct buffer *b = &w->at[i].b;

	switch (s->kind) {
	case CREATE:
		if (!w->at[i].open)
			create(w, i, s->arg);
		return;
	case SHRINK:
		total->evicted += CHECK_OK(panthor_shrink(&w->rig.gpu, 1 + s->arg % 128));
		return;
	case DROP:
		CHECK_OK(write_file(DROP_CACHES, "2"));
		return;
	}
	if (!w->at[i].open)
		return;
	switch (s->kind) {
	case DESTROY:
		destroy(w, i);
		break;
	case MAP:
		buffer_map_cpu(&w->rig, b);
		break;
	case UNMAP:
		buffer_unmap_cpu(b);
		break;
	case WRITE:
		write_cpu(w, i, s->arg);
		break;
	case CHECK_CPU:
		CHECK_EQ(buffer_wrong_cpu(&w->rig, b), 0);
		break;
	case BIND:
		bind(w, i, s->arg);
		break;
	case UNBIND:
		unbind(w, i, spot);
		break;
	case HALVE:
		halve(w, i, spot);
		break;
	case READ_GPU:
		read_gpu(w, i, spot);
		break;
	case WRITE_GPU:
		write_gpu(w, i, s->arg);
		break;
	case SYNC:
		CHECK_OK(bo_sync(&w->rig.gpu, &b->bo, s->arg & 1));
		break;
	case LOOK:
		look(w, i);
		break;
	}
}

/* At the end all that is there is looked at */
static void finish(struct walker *w)
{
	for (unsigned int i = 0; i < BUFFERS; i++) {
		if (!w->at[i].open)
			continue;
		for (unsigned int spot = 0; spot < SPOTS; spot++)
			read_gpu(w, i, spot);
		CHECK_EQ(buffer_wrong_cpu(&w->rig, &w->at[i].b), 0);
		destroy(w, i);
	}
	rig_close(&w->rig);
}

/* --- A sequence --- */

static void make_steps(uint64_t seed, struct step *steps, size_t nr, bool gpu_writes)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t random = mix64(mix64(seed) + i);
		unsigned int at = random % 100, kind = 0;

		while (at >= kinds[kind].weight)
			at -= kinds[kind++].weight;
		if (kind == WRITE_GPU && !gpu_writes)
			kind = READ_GPU;
		steps[i] = (struct step){
			.kind = kind, .buffer = (random >> 16) % BUFFERS, .arg = random >> 32,
		};
	}
}

/* The kernel says that it has made a mistake: that is not in a process's exit code */
static bool kernel_complains(struct klog *log)
{
	struct klog_record record;
	bool found = false;

	while (klog_read(log, &record))
		found |= strstr(record.text, "WARNING:") || strstr(record.text, "BUG:") ||
			 (klog_is_panthor(&record) && record.level <= 3);
	return found;
}

struct sequence {
	struct step steps[MAX_STEPS];
	size_t nr;
};

static void take(const void *arg)
{
	const struct sequence *sequence = arg;
	static struct walker w;

	alarm(WALK_S);
	rig_open(&w.rig, true);
	for (size_t i = 0; i < sequence->nr; i++) {
		take_step(&w, &sequence->steps[i]);
		total->steps++;
	}
	finish(&w);
}

static bool fails(const struct sequence *sequence, bool counts)
{
	struct klog log;
	int status;

	CHECK_OK(klog_open(&log, true));
	status = test_try(take, sequence, counts);
	status |= kernel_complains(&log);
	klog_close(&log);
	return status;
}

/*
 * Leave out half of the steps, then quarters, and so on to single ones, as long as
 * what is left fails.
 */
static void make_short(struct sequence *sequence)
{
	static struct sequence less;

	for (size_t part = (sequence->nr + 1) / 2; part; part /= 2) {
		for (size_t at = 0; at < sequence->nr;) {
			size_t end = at + part < sequence->nr ? at + part : sequence->nr;

			less.nr = sequence->nr - (end - at);
			memcpy(less.steps, sequence->steps, at * sizeof(*less.steps));
			memcpy(less.steps + at, sequence->steps + end,
			       (sequence->nr - end) * sizeof(*less.steps));
			if (less.nr && fails(&less, false))
				*sequence = less;
			else
				at = end;
		}
	}
}

static void print(const struct sequence *sequence)
{
	char text[200];
	size_t len = 0;

	metric_int("shortest", sequence->nr);
	for (size_t i = 0; i < sequence->nr; i++) {
		const struct step *s = &sequence->steps[i];

		len += snprintf(text + len, sizeof(text) - len, " %c%u.%x", kinds[s->kind].letter,
				s->buffer, s->arg);
		if (len < 170 && i + 1 < sequence->nr)
			continue;
		kmsg(4, "reclaim: steps:%s", text);
		test_log("steps:%s", text);
		/* The log may be full of what all the tries had to say */
		if (i < MAX_STEPS / 100)
			metric_string("steps_left", text);
		len = 0;
	}
}

/* False if it fails: then it is left as short as it still does. */
static bool walk(struct sequence *sequence, uint64_t seed, size_t nr, bool gpu_writes)
{
	make_steps(seed, sequence->steps, nr, gpu_writes);
	sequence->nr = nr;
	if (!fails(sequence, false))
		return true;
	make_short(sequence);
	print(sequence);
	return false;
}

static void prepare(void)
{
	reclaim_need();
	total = mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	CHECK(total != MAP_FAILED, "mmap: %s", strerror(errno));
}

static void test_walk(const void *arg)
{
	unsigned long long seed = conf_number("seed", 1);
	double end = now() + 60.0 * conf_number("minutes", 0);
	unsigned int cases = test_cases(STEPS), rounds = 0;
	static struct sequence sequence;

	(void)arg;
	prepare();
	CHECK(cases <= MAX_STEPS, "at most %d steps a sequence (--cases)", MAX_STEPS);
	do {
		test_again("again: ./mali-vm run reclaim.walk --seed %llu --cases %u", seed,
			   cases);
		kmsg(5, "reclaim: walk with seed %llu", seed);
		if (!walk(&sequence, seed++, cases, true)) {
			fails(&sequence, true);
			CHECK(0, "a sequence fails; %zu of its steps are enough", sequence.nr);
		}
		total->rounds++;
	} while (++rounds < ROUNDS || now() < end);
	metric_int("last_seed", seed - 1);
	metric_int("rounds", total->rounds);
	metric_int("steps", total->steps);
	metric_int("pages_evicted", total->evicted);
	if (cases >= STEPS)
		EXPECT(total->evicted, "nothing was evicted");
}

/*
 * That of a GPU which does not forget a translation, and what follows from it, the walker sees. The
 * GPU does not write: it would do so to pages that are somebody else's by then, such as the kernel's.
 */
static void test_walk_control(const void *arg)
{
	static struct sequence sequence;
	unsigned int rounds = 0;
	bool unmaps = false;
	struct rig rig;
	uint64_t va;
	char *rule;

	(void)arg;
	if (host_checks())
		test_skip("the device's checker says first that a translation is an old one");
	prepare();
	/* Those of the buffers' addresses: the firmware has to find its own */
	rig_open(&rig, true);
	va = rig_va(&rig, 0);
	rig_close(&rig);
	rule = inject("as-command command=unlock va=0x%llx..0x%llx -> stale",
		      (unsigned long long)va,
		      (unsigned long long)va + BUFFERS * SPOTS * HUGE_PAGE - 1);
	while (rounds < ROUNDS && walk(&sequence, conf_number("seed", 1) + rounds, STEPS, false))
		rounds++;
	CHECK(rounds < ROUNDS, "%d sequences do not show that the GPU keeps what it should forget",
	      ROUNDS);
	for (size_t i = 0; i < sequence.nr; i++)
		unmaps |= (1u << sequence.steps[i].kind) & UNMAPS;
	EXPECT(unmaps, "what is left of the sequence unmaps nothing");
	EXPECT(sequence.nr <= MAX_SHORT, "%zu steps are left", sequence.nr);
	inject_remove(rule);
	free(rule);
	EXPECT(!fails(&sequence, true), "what is left fails on sound hardware as well");
}

static const struct test tests[] = {
	{ "walk", "random sequences of maps, jobs and evictions; one that fails is made short",
	  test_walk, NULL, 24 * 3600 },
	{ "walk_control", "so is one that a GPU fails which keeps old translations",
	  test_walk_control, NULL, 1200 },
};

const struct test_table walk_tests = { tests, ARRAY_SIZE(tests) };
