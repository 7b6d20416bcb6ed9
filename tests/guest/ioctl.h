/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suite ioctl: what the driver is asked for that it has to refuse. Each ioctl
 * has an argument that is taken, and a table of what is wrong with it: a row
 * changes one field, so that it is this field that the error is of. After each
 * refusal the argument is taken as before.
 */
#ifndef GUEST_IOCTL_H
#define GUEST_IOCTL_H

#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "harness.h"
#include "panthor.h"
#include "util.h"

/* What the arguments are about: made once for a test. */
struct ioctl_scene {
	struct client c;
	uint32_t other_vm;
	struct bo bo;			/* BO_SIZE bytes, of no VM */
	struct bo no_mmap;
	struct bo private;		/* of other_vm alone */
	int vgem;			/* another driver, or negative: the kernel has none */
	struct bo imported;		/* of that one; handle 0 then */
	uint32_t unsignalled;		/* a syncobj that has no fence */
	struct drm_panthor_tiler_heap_create heap;	/* of c.vm; other_vm has none */
};

/* Arrays that arguments point to have elements of that size, to tell what is behind them. */
#define ITEM_ROOM 128

/* One call: the argument, what it points to, and what that points to. */
struct ioctl_call {
	_Alignas(8) uint8_t args[128];
	_Alignas(8) uint8_t items[2][ITEM_ROOM];
	_Alignas(8) uint8_t syncs[2][ITEM_ROOM];
	char label[4 * KIB + 64];
};

enum part { ARGS, ITEM, SYNC };

struct wrong {
	const char *what;
	enum part part;
	size_t offset, size;		/* of the field */
	uint64_t value;
	/* in place of value: what is known when the test runs */
	uint64_t (*value_of)(const struct ioctl_scene *s, const struct ioctl_call *call);
	int error;			/* 0: it is taken */
	const char *by;			/* the driver's function that says so */
};

#define FIELD(part, type, member)	\
	(part), offsetof(struct drm_panthor_##type, member),	\
	sizeof(((struct drm_panthor_##type *)0)->member)

struct ioctl_case {
	const char *name;
	unsigned long request;
	/* Fill in an argument that is taken, in zeroed memory. */
	void (*fill)(const struct ioctl_scene *s, struct ioctl_call *call);
	/* Take back what such a call has made; may be NULL. */
	void (*undo)(const struct ioctl_scene *s, struct ioctl_call *call);
	const struct wrong *wrong;
	size_t nr;
	int since;			/* version 1.since of the driver, which brought it */
};

/* ioctl_memory.c: VMs, buffers, mappings; ioctl_group.c: groups, jobs, heaps */
extern const struct ioctl_case ioctl_memory[], ioctl_group[];
extern const size_t nr_ioctl_memory, nr_ioctl_group;

void ioctl_scene_open(struct ioctl_scene *s);
void ioctl_scene_close(struct ioctl_scene *s);

/* ioctl_more.c: what is no single field */
void test_ioctl_batch(const void *arg);
void test_ioctl_nothing(const void *arg);
void test_ioctl_count(const void *arg);
void test_ioctl_limits(const void *arg);
void test_ioctl_user(const void *arg);
void test_ioctl_chunks(const void *arg);
void test_ioctl_unplugged(const void *arg);

/* ioctl_share.c: mappings and buffers of others */
void test_ioctl_mmap(const void *arg);
void test_ioctl_share(const void *arg);
void test_ioctl_twice(const void *arg);
void test_ioctl_files(const void *arg);

/* ioctl_unmap.c: parts of mappings and of buffers */
extern const struct test ioctl_unmap[];
extern const size_t nr_ioctl_unmap;

/* Nobody has such a handle. */
#define NO_HANDLE	0x7ffffffu
/* No user memory is there. */
#define NO_POINTER	8ull
/* Where the calls map; nothing else does. */
#define CALL_VA		0x40000000ull

#endif
