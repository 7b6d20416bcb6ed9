// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's side of the figure copy: memcpy() in pieces of 64 bytes, GB a second. */

#include <string.h>

#include "rate.h"

#define PIECE	64
#define SIZE	(64 << 20)

static char *from, *to;

static void copy(void)
{
	for (size_t i = 0; i < SIZE; i += PIECE) {
		memcpy(to + i, from + i, PIECE);
		/* Not one copy in the end */
		__asm__ volatile ("" ::: "memory");
	}
}

int main(void)
{
	from = malloc(SIZE);
	to = malloc(SIZE);
	if (!from || !to)
		return 1;
	memset(from, 1, SIZE);
	memset(to, 2, SIZE);
	return print_rate(SIZE / 1e9, copy);
}
