/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Swap, without which panthor's shrinker does nothing: on a compressed RAM disk
 * (zram) or a disk of the machine's, as the configuration says. -errno on failure.
 */
#ifndef GUEST_SWAP_H
#define GUEST_SWAP_H

#include <stdbool.h>

/* Find or make the device, and swap on so many bytes of it. */
int swap_set_up(unsigned long long bytes);

/* The machine's disk is what is swapped to. */
bool swap_is_on_disk(void);

/* Turn it off, what is in it read back; and on again, if it is not. */
int swap_off(void);
int swap_on(void);

#endif
