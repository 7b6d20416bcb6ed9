/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test has the host do: make the hardware misbehave, and look at the
 * device from outside. For use inside a test. Where the device or the host
 * refuses, the test fails with their sentence; in ./mali-vm shell, where
 * nobody answers, it is skipped.
 */
#ifndef GUEST_HOST_H
#define GUEST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

/*
 * Skip the test unless a host answers. All functions below do, so this is only
 * for a test that has a long way to go to the first of them.
 */
void host_need(void);

/*
 * Add a rule (docs/mali-csf.rst, "Fault injection") for the time of this test:
 * the host removes it when the test is over, however it ends. Returns its name,
 * which the caller may free. If it has not hit by then the test fails, unless
 * the rule says "optional". "pause" and "snapshot" are the command line's.
 */
char *inject(const char *fmt, ...) __printf(1, 2);

/* Remove a rule of this test before its end. */
void inject_remove(const char *name);

/* How often a rule has hit: one of this test, or of the command line. */
unsigned long long inject_hits(const char *name);

/* What becomes of an address; see MaliCsfTranslation in qapi/mali-csf.json. */
struct host_translation {
	unsigned int exception;		/* 0: none, and what follows is there */
	unsigned int level;
	uint64_t pa, size;
	bool readable, writable, executable;
	unsigned int attr;
};

struct host_peek {
	bool locked;			/* an access would wait for the end of a lock */
	bool stale;			/* the two differ */
	char source[16];		/* of `cached`: tlb, walk-cache, tables, or mode: it has none */
	struct host_translation cached;	/* what an access gets now */
	struct host_translation fresh;	/* what the page tables say now */
};

/*
 * Translate an address as the GPU would, without a trace in its TLB. `access`
 * is "read", "write", "execute" or "atomic".
 */
void host_translate(unsigned int as, uint64_t va, const char *access, struct host_peek *peek);

/* Adjacent pages that are mapped alike, also if their memory is scattered. */
struct host_range {
	uint64_t va, size;
	unsigned int exception;		/* what every access ends in; 0: mapped */
	uint64_t pa;			/* of the first byte */
	bool contiguous;		/* so are the rest */
	bool readable, writable, executable;
	unsigned int attr;
};

/*
 * What an address space maps between two addresses, both included. Returns how
 * many ranges there are; at most `max` of them, by address, are filled in.
 */
size_t host_mappings(unsigned int as, uint64_t first, uint64_t last,
		     struct host_range *ranges, size_t max);

/* How many translations the TLB keeps that hold any address between two. */
unsigned long long host_tlb(unsigned int as, uint64_t first, uint64_t last);

/* How often the device's checker has found something of a kind, repetitions included. */
unsigned long long host_findings(const char *kind);

/*
 * Have the disk that is swapped to be "sound", "slow", or fail with "bad-reads" or
 * "bad-writes", for the time of this test. For swap_is_on_disk().
 */
void host_swap_disk(const char *how);

/* A property of the device that is a number, such as "shader-work-skipped". */
long long host_property(const char *name);
/* Whether the device watches for what hardware hides (property `check`) */
bool host_checks(void);

#endif
