// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite channel: the driver evicts buffers from address spaces that the GPU
 * has just used, twice, and each time they are seen from outside to be gone.
 * docs/inject.md makes the hardware misbehave in it.
 */

#include <stdlib.h>

#include "channel.h"
#include "client.h"
#include "harness.h"
#include "host.h"
#include "need.h"
#include "stream.h"

#define SPACES		3
#define EVICTIONS	2
#define DATA_LAST	(DATA_VA + BO_SIZE - 1)

/* The GPU stores to the data, which has to be there for it. */
static void use(struct client *c, uint32_t value)
{
	const uint64_t words[] = {
		CS_MOVE(R_ADDR, DATA_VA),
		CS_MOVE32(R_A, value),
		CS_STORE(R_A, R_ADDR, 1, 0),
		CS_WAIT(1),
	};

	client_run(c, words, ARRAY_SIZE(words));
	EXPECT_EQ(data32(c)[0], value);
}

/* All VMs have their data at the same address: the spaces where it is are theirs. */
static unsigned int find_spaces(unsigned int spaces[SPACES])
{
	unsigned int as, n = 0, as_count = host_property("as-count");
	struct host_peek peek;

	for (as = 1; as < as_count; as++) {
		host_translate(as, DATA_VA, "write", &peek);
		EXPECT_EQ(peek.stale, false);
		if (peek.fresh.exception || n == SPACES)
			continue;
		EXPECT_EQ(peek.fresh.writable, true);
		spaces[n++] = as;
	}
	return n;
}

static void check_gone(unsigned int as)
{
	struct host_peek peek;

	host_translate(as, DATA_VA, "write", &peek);
	EXPECT(peek.fresh.exception, "AS %u has the data after its eviction", as);
	EXPECT_EQ(peek.stale, false);
	EXPECT_EQ(host_mappings(as, DATA_VA, DATA_LAST, NULL, 0), 0);
	EXPECT_EQ(host_tlb(as, DATA_VA, DATA_LAST), 0);
}

void test_evict(const void *arg)
{
	struct client clients[SPACES];
	unsigned int spaces[SPACES], i, round;
	unsigned long long before;
	long long pages;
	char *locks;

	host_need();
	for (i = 0; i < SPACES; i++)
		client_open(&clients[i], 1);
	need_shrinker(&clients[0].gpu);
	client_keep_awake(&clients[0]);
	locks = inject("as-command command=lock va=0x%llx -> count",
		       (unsigned long long)DATA_VA);
	for (round = 1; round <= EVICTIONS; round++) {
		for (i = 0; i < SPACES; i++)
			use(&clients[i], 16 * round + i);
		CHECK_EQ(find_spaces(spaces), SPACES);
		CHECK(host_tlb(spaces[0], DATA_VA, DATA_LAST), "the TLB has nothing of a store");
		before = inject_hits(locks);
		pages = CHECK_OK(panthor_shrink(&clients[0].gpu, 1000000));
		CHECK(pages >= (long long)(SPACES * BO_SIZE / 4096), "%lld pages evicted", pages);
		EXPECT(inject_hits(locks) >= before + SPACES, "eviction %u: %llu locks", round,
		       inject_hits(locks) - before);
		for (i = 0; i < SPACES; i++)
			check_gone(spaces[i]);
	}
	free(locks);
	for (i = 0; i < SPACES; i++)
		client_close(&clients[i]);
	(void)arg;
}
