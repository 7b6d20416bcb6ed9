/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop that suite bench and the host's own interpreter in tests/bench/loop.c
 * both run: every instruction that works on registers only, once.
 */
#ifndef GUEST_BENCH_LOOP_H
#define GUEST_BENCH_LOOP_H

#include "stream.h"

/* The counter, and where the sum is */
#define LOOP_COUNT	10
#define LOOP_SUM	12

#define LOOP_LENGTH	8
#define LOOP_BODY							\
	CS_MOVE(20, 0x123456789aull),					\
	CS_MOVE32(22, 7),						\
	CS_ADD32(23, 22, 5),						\
	CS_ADD64(24, 20, -3),						\
	CS_UMIN32(26, 23, 24),						\
	CS_ADD64(LOOP_SUM, LOOP_SUM, 3),				\
	CS_ADD32(LOOP_COUNT, LOOP_COUNT, -1),				\
	CS_BRANCH(CS_GT, LOOP_COUNT, -LOOP_LENGTH)

#endif
