/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suite reclaim: what its parts share. A case is a buffer in one of the states,
 * a trigger that has the driver's shrinker look at it, what else goes on
 * meanwhile, and what the hardware does wrong: four tables, each in a file of
 * its own.
 */
#ifndef GUEST_RECLAIM_H
#define GUEST_RECLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fence.h"
#include "panthor.h"

#define PAGE		4096ul
#define HUGE_PAGE	(2ul << 20)

/* Far longer than anything takes here: a slow host is no failure */
#define RECLAIM_WAIT_S	patience(60)
#define RECLAIM_WAIT_MS	(RECLAIM_WAIT_S * 1000)

/* More pages than there are */
#define ALL_PAGES	(1ul << 20)

/* --- reclaim_rig.c: what the GPU needs to work on a buffer --- */

#define RIG_VMS		2
enum rig_queue {
	COPY_QUEUE,		/* of the jobs that read and write pages */
	BUSY_QUEUE,		/* of a load's */
	HELD_QUEUE,		/* of a buffer's, whose state it is to be waited for */
	RIG_QUEUES
};

struct rig_vm {
	uint32_t vm, group;
	uint64_t base;			/* VMs have no address in common, to be told apart */
	struct bo code;			/* of jobs */
	struct bo copy;			/* two words of each page */
};

struct rig {
	struct panthor gpu;
	struct rig_vm vms[RIG_VMS];
	uint32_t done;			/* syncobj of the last copy */
	bool awake;			/* the GPU is not let go down */
	bool coherent;			/* the CPU sees what is in the GPU's caches */
	struct {
		double since;		/* or 0 */
		uint32_t done;		/* syncobj */
	} blocked[RIG_QUEUES];		/* jobs that wait */
};

/* Addresses of a VM for the buffer under test: the usual one, and another one */
uint64_t rig_va(const struct rig *rig, unsigned int vm);
uint64_t rig_other_va(const struct rig *rig, unsigned int vm);

void rig_open(struct rig *rig, bool awake);
void rig_close(struct rig *rig);
/* New groups, where the hardware's faults have killed the old ones */
void rig_new_groups(struct rig *rig);

/*
 * A job that copies the first and last word of so many pages from a range of the
 * VM to the buffer `copy`, or the other way.
 */
void rig_read_pages(struct rig *rig, unsigned int vm, uint64_t va, size_t pages);
void rig_write_pages(struct rig *rig, unsigned int vm, uint64_t va, size_t pages);

/* A job that waits until the 64 bits at an address are not 0, and its end. One for a queue. */
void rig_block(struct rig *rig, unsigned int vm, enum rig_queue queue, uint64_t va,
	       uint32_t signal);
/* The place in the code buffer that such a job may wait for, and letting it go on */
uint64_t rig_flag_va(const struct rig *rig, unsigned int vm);
void rig_set_flag(struct rig *rig, unsigned int vm, uint64_t value);
/* Skips the test if the driver has ended such a job meanwhile, for it has waited too long. */
void rig_need_blocked(const struct rig *rig);

/* The address space that maps an address; -1: none does */
int rig_find_as(uint64_t va);
/* The address space that has one of the VMs' buffers locked, and where; -1: none has */
int rig_find_lock(const struct rig *rig, uint64_t *va);

/* --- reclaim_buffer.c: a buffer under test, and what has to be in it --- */

#define MAX_MAPS 4

struct gpu_map {
	unsigned int vm;		/* of the rig */
	uint64_t va;
	uint32_t first, pages;
	uint32_t flags;			/* DRM_PANTHOR_VM_BIND_OP_MAP_* */
};

struct state;

struct buffer {
	const struct state *state;
	struct bo bo;
	size_t pages;
	uint64_t *words;		/* two of each page */
	struct gpu_map maps[MAX_MAPS];
	unsigned int nr_maps;
	uint8_t *map;			/* what the CPU sees it through */
	/* What states need to hold, until they settle */
	int dmabuf, vgem;
	uint32_t attached;
	uint32_t held;			/* syncobj of what holds it */
	struct fences fences;
	struct bo other;
	uint8_t *pieces;
};

void buffer_create(struct rig *rig, struct buffer *b, size_t size, uint32_t flags,
		   unsigned int private_vm);
#define SHARED ~0u
void buffer_destroy(struct rig *rig, struct buffer *b);

void buffer_map_cpu(struct rig *rig, struct buffer *b);
void buffer_unmap_cpu(struct buffer *b);
void buffer_bind(struct rig *rig, struct buffer *b, unsigned int vm, uint64_t va,
		 uint32_t first, uint32_t pages, uint32_t flags);

/* Fill it with a pattern that depends on the run's seed, page and word */
void buffer_fill_cpu(struct buffer *b);
void buffer_fill_gpu(struct rig *rig, struct buffer *b);
/* Take what the GPU sees in it for what has to be there */
void buffer_learn(struct rig *rig, struct buffer *b);

/* How many pages are not as they were filled, as the CPU or as the GPU sees them */
size_t buffer_wrong_cpu(struct rig *rig, struct buffer *b);
size_t buffer_wrong_gpu(struct rig *rig, struct buffer *b);

void buffer_gem(const struct rig *rig, const struct buffer *b, struct gem *gem);
bool buffer_resident(const struct rig *rig, const struct buffer *b);

/*
 * How many address spaces reach any of the buffer's mappings, by the page tables or
 * by what the TLB keeps; and the expectation that none does.
 */
unsigned int buffer_reached(const struct buffer *b);
void buffer_check_unreachable(const struct buffer *b);
/* It can, for the mappings whose address space is known */
unsigned int buffer_check_reachable(const struct buffer *b);

/* --- reclaim_state.c: B1 to B20 --- */

enum fate {
	GOES,				/* is evicted, when it is looked at */
	STAYS,				/* something holds it */
	GONE,				/* has no pages */
	NO_SHRINKER,			/* is not the driver's to evict */
};

struct state {
	const char *name;
	const char *description;
	void (*set_up)(struct rig *rig, struct buffer *b);
	/* Let go of what holds it */
	void (*settle)(struct rig *rig, struct buffer *b);
	enum fate fate;
	bool bound;			/* jobs of VM 0 hold it while they run */
	bool no_cpu;			/* the CPU cannot look into it */
	bool no_handle;			/* the driver's own */
	bool waited;			/* jobs of VM 0 wait for a word in it */
	bool unmapped;			/* before the trigger the GPU cannot reach it */
};

extern const struct state states[];
extern const size_t nr_states;
const struct state *state_find(const char *name);

/* --- reclaim_trigger.c: T1 to T10 --- */

struct trigger {
	const char *name;
	const char *description;
	/* Once more until what has to go has gone; or once */
	void (*fire)(struct rig *rig, struct buffer *b);
	/* NULL, or what makes memory short before there is a buffer */
	void (*prepare)(void);
	void (*finish)(void);
	const char *needs;		/* a file without which it is skipped, and the option */
	const char *option;
	bool evicts;			/* else it must not */
	bool once;			/* it looks at all there is, each time */
	bool presses;			/* it ends only with the buffer's eviction */
};

extern const struct trigger triggers[];
extern const size_t nr_triggers;

/* --- reclaim_load.c: K1 to K13 --- */

struct load {
	const char *name;
	const char *description;
	void (*start)(struct rig *rig, struct buffer *b);
	void (*stop)(struct rig *rig, struct buffer *b);
	bool busy;			/* what is bound in VM 0 stays */
	bool touches;			/* it brings back what was evicted */
	bool sleeps;			/* the GPU goes down meanwhile */
	bool needs_handle;		/* it works on the buffer by an ioctl */
	bool light;			/* it takes hardly any memory, and none of the locks */
	bool alone;			/* nothing else is in the way: an eviction succeeds at once */
};

extern const struct load loads[];
extern const size_t nr_loads;

/* --- reclaim_case.c: J0 to J12, and a case --- */

struct fault {
	const char *name;
	const char *description;
	const char *rule;		/* NULL: none */
};

extern const struct fault faults[];
extern const size_t nr_faults;

struct cell {
	const struct state *state;
	const struct trigger *trigger;
	const struct load *load;
	const struct fault *fault;
};

/* Cases that mean something */
bool cell_makes_sense(const struct cell *cell);
void test_cell(const void *cell);

/* Skip, or fail, what cannot be tested on this kernel or without swap */
void reclaim_need(void);

/* --- reclaim_scene.c: a buffer in a state, for the tests of single mistakes --- */

struct scene {
	struct rig rig;
	struct buffer b;
};

void scene_open(struct scene *s, const char *state);
void scene_close(struct scene *s);
/* The GPU and the CPU see what they have to */
void scene_verify(struct scene *s);
/* Have all evicted that can be. Returns the number of pages. */
long long scene_shrink(struct scene *s);
/* A job without a stream, for which the VM's buffers are restored. 0 or -errno. */
int scene_submit_empty(struct scene *s, unsigned int vm);

/* There will be a reset, after which the firmware takes its time; returns a rule's name */
char *scene_expect_reset(void);
/*
 * Until the GPU works again. A group that is created meanwhile may find that the
 * firmware has not yet said how large a suspend buffer is.
 */
void scene_wait_for_reset(struct scene *s, char *boot);
/* A new client finds nothing wrong */
void scene_check_others(void);
/*
 * The buffer's VM may be lost, and not what the CPU sees of it; a new client works. The
 * scene is over with it.
 */
void scene_check_after_reset(struct scene *s);

/* --- reclaim_pair.c --- */

/* Cells in which each pair of rows of two tables occurs, if it makes sense. Returns how many. */
size_t pair_cells(struct cell *cells, size_t max);

/* --- Tests of single mistakes; README.md has what each is for --- */

struct test;
struct test_table {
	const struct test *tests;
	size_t nr;
};

/* reclaim_directed.c, reclaim_shrinker.c, and so on */
extern const struct test_table directed_tests, shrinker_tests, end_tests, hard_tests, fail_tests,
	disk_tests, walk_tests;

#endif
