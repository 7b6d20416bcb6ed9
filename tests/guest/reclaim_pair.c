// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: cases in which each row of each table meets each row of each
 * other one. One after the other is chosen that has the most pairs which no one
 * before it had, the first of them if there are several.
 */

#include <stdlib.h>

#include "harness.h"
#include "reclaim.h"

#define AXES		4
#define MAX_ROWS	32

struct point {
	uint8_t at[AXES];
};

static void to_cell(const struct point *p, struct cell *cell)
{
	*cell = (struct cell){
		&states[p->at[0]], &triggers[p->at[1]], &loads[p->at[2]], &faults[p->at[3]],
	};
}

/* All that make sense, in the order of the tables */
static size_t all_points(struct point *points)
{
	struct cell cell;
	size_t n = 0;

	for (size_t s = 0; s < nr_states; s++)
		for (size_t t = 0; t < nr_triggers; t++)
			for (size_t l = 0; l < nr_loads; l++)
				for (size_t f = 0; f < nr_faults; f++) {
					struct point p = { { s, t, l, f } };

					to_cell(&p, &cell);
					if (cell_makes_sense(&cell))
						points[n++] = p;
				}
	return n;
}

typedef uint8_t seen_pairs[AXES][AXES][MAX_ROWS][MAX_ROWS];

static unsigned int new_pairs(seen_pairs seen, const struct point *p)
{
	unsigned int n = 0;

	for (int i = 0; i < AXES; i++)
		for (int j = i + 1; j < AXES; j++)
			n += !seen[i][j][p->at[i]][p->at[j]];
	return n;
}

static void mark_pairs(seen_pairs seen, const struct point *p)
{
	for (int i = 0; i < AXES; i++)
		for (int j = i + 1; j < AXES; j++)
			seen[i][j][p->at[i]][p->at[j]] = 1;
}

size_t pair_cells(struct cell *cells, size_t max)
{
	struct point *points = calloc(nr_states * nr_triggers * nr_loads * nr_faults,
				      sizeof(*points));
	static seen_pairs seen;
	size_t count, n = 0;

	if (!points)
		return 0;
	for (count = all_points(points); n < max; n++) {
		const struct point *best = NULL;
		unsigned int most = 0;
		size_t kept = 0;

		for (size_t i = 0; i < count; i++) {
			unsigned int pairs = new_pairs(seen, &points[i]);

			/* One without a new pair will never have one again */
			if (!pairs)
				continue;
			points[kept] = points[i];
			if (pairs > most) {
				most = pairs;
				best = &points[kept];
			}
			kept++;
		}
		count = kept;
		if (!best)
			break;
		to_cell(best, &cells[n]);
		mark_pairs(seen, best);
	}
	free(points);
	return n;
}
