/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Swap on a compressed RAM disk: without swap panthor's shrinker does nothing. */
#ifndef GUEST_SWAP_H
#define GUEST_SWAP_H

/* Make a zram device of so many bytes and swap on it. -errno on failure. */
int swap_on_zram(unsigned long long bytes);

/* Turn that off, what is in it read back; and on again, if it is not. */
int swap_off(void);
int swap_on(void);

#endif
