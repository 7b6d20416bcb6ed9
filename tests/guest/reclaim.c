// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: the driver's shrinker comes to a buffer in each state, by each
 * way, while other things go on and the hardware is not at its best; then the
 * pages are where they have to be, and as they were.
 *
 *   reclaim.smoke.STATE                       each state by debugfs shrink, and nothing else
 *   reclaim.pair.STATE.TRIGGER.LOAD.FAULT     each pair of rows of two tables
 *   reclaim.directed.NAME                     what was raised when the driver got its shrinker
 *   reclaim.walk                              random sequences
 */

#include <stdio.h>

#include "harness.h"
#include "pressure.h"
#include "reclaim.h"

#define MAX_TESTS	640
#define NAME_SIZE	40
#define TEXT_SIZE	192

static struct cell cells[MAX_TESTS];
static char names[MAX_TESTS][NAME_SIZE], texts[MAX_TESTS][TEXT_SIZE];
static struct test tests[MAX_TESTS];
static size_t nr_tests;

static void add_smoke(void)
{
	for (size_t i = 0; i < nr_states; i++, nr_tests++) {
		cells[nr_tests] = (struct cell){ &states[i], triggers, loads, faults };
		snprintf(names[nr_tests], NAME_SIZE, "smoke.%s", states[i].name);
		snprintf(texts[nr_tests], TEXT_SIZE, "%s; %s", states[i].description,
			 triggers[0].description);
		tests[nr_tests] = (struct test){
			names[nr_tests], texts[nr_tests], test_cell, &cells[nr_tests], 0,
		};
	}
}

static void add_pairs(void)
{
	/* One more is the walk */
	size_t n = pair_cells(&cells[nr_tests], MAX_TESTS - 1 - nr_tests);

	for (size_t i = 0; i < n; i++, nr_tests++) {
		const struct cell *c = &cells[nr_tests];

		snprintf(names[nr_tests], NAME_SIZE, "pair.%s.%s.%s.%s", c->state->name,
			 c->trigger->name, c->load->name, c->fault->name);
		snprintf(texts[nr_tests], TEXT_SIZE, "%s; %s; %s; %s", c->state->description,
			 c->trigger->description, c->load->description, c->fault->description);
		tests[nr_tests] = (struct test){
			names[nr_tests], texts[nr_tests], test_cell, c, 0,
		};
	}
}

int main(int argc, char **argv)
{
	static const struct test_table * const tables[] = {
		&directed_tests, &shrinker_tests, &end_tests, &fail_tests, &disk_tests, &hard_tests,
		&walk_tests,
	};
	static struct suite suite = {
		.name = "reclaim", .tests = tests, .setup = pressure_set_up,
	};

	add_smoke();
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < tables[t]->nr; i++)
			tests[nr_tests++] = tables[t]->tests[i];
	add_pairs();
	suite.nr = nr_tests;
	return suite_main(&suite, argc, argv);
}
