/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command streams as 64-bit words, built by the bits that contract 8.2 gives:
 * on purpose without a line in common with the device.
 */
#ifndef GUEST_STREAM_H
#define GUEST_STREAM_H

#include <stdint.h>

#define CS_OP(op)		((uint64_t)(op) << 56)
#define CS_DST(r)		((uint64_t)(r) << 48)
#define CS_SRC(r)		((uint64_t)(r) << 40)
#define CS_SRC1(r)		((uint64_t)(r) << 32)
#define CS_MASK(m)		((uint64_t)(m) << 16)
#define CS_SIGNAL(slot)		((uint64_t)(slot) << 48)
#define CS_IMM16(v)		((uint64_t)(uint16_t)(v))
#define CS_IMM32(v)		((uint64_t)(uint32_t)(v))

#define CS_NOP()		0ull
#define CS_MOVE(r, v)		(CS_OP(1) | CS_DST(r) | ((v) & 0xffffffffffffull))
#define CS_MOVE32(r, v)		(CS_OP(2) | CS_DST(r) | CS_IMM32(v))
#define CS_WAIT(mask)		(CS_OP(3) | CS_MASK(mask))
#define CS_RUN_COMPUTE()	CS_OP(4)
#define CS_RUN_IDVS()		CS_OP(6)
#define CS_FINISH_TILING()	CS_OP(9)
#define CS_FINISH_FRAGMENT(first, last)	(CS_OP(11) | CS_SRC(first) | CS_SRC1(last))
#define CS_ADD32(d, s, v)	(CS_OP(16) | CS_DST(d) | CS_SRC(s) | CS_IMM32(v))
#define CS_ADD64(d, s, v)	(CS_OP(17) | CS_DST(d) | CS_SRC(s) | CS_IMM32(v))
#define CS_UMIN32(d, a, b)	(CS_OP(18) | CS_DST(d) | CS_SRC(a) | CS_SRC1(b))
#define CS_LOAD(r, a, mask, off)	\
	(CS_OP(20) | CS_DST(r) | CS_SRC(a) | CS_MASK(mask) | CS_IMM16(off))
#define CS_STORE(r, a, mask, off)	\
	(CS_OP(21) | CS_DST(r) | CS_SRC(a) | CS_MASK(mask) | CS_IMM16(off))
#define CS_BRANCH(cond, r, off)	\
	(CS_OP(22) | (uint64_t)(cond) << 28 | CS_SRC(r) | CS_IMM16(off))
#define CS_SB_ENTRY(endpoint, other)	(CS_OP(23) | (other) << 4 | (endpoint))
#define CS_PROGRESS_WAIT(queue, r)	(CS_OP(24) | CS_SRC(r) | (queue))
#define CS_HANDLER(type, a, len)	(CS_OP(25) | CS_SRC(a) | CS_SRC1(len) | (type))
#define CS_CALL(a, len)		(CS_OP(32) | CS_SRC(a) | CS_SRC1(len))
#define CS_JUMP(a, len)		(CS_OP(33) | CS_SRC(a) | CS_SRC1(len))
#define CS_REQ_RESOURCE(mask)	(CS_OP(34) | (mask))
#define CS_FLUSH(l2, lsc, other, id, wait, slot)	\
	(CS_OP(36) | CS_SIGNAL(slot) | CS_SRC(id) | CS_MASK(wait) | \
	 (other) << 8 | (lsc) << 4 | (l2))
#define CS_SYNC_ADD32(a, d, scope)	(CS_OP(37) | CS_SRC(a) | CS_SRC1(d) | (scope) << 1)
#define CS_SYNC_SET32(a, d, scope)	(CS_OP(38) | CS_SRC(a) | CS_SRC1(d) | (scope) << 1)
#define CS_SYNC_WAIT32(cond, a, d)	\
	(CS_OP(39) | CS_SRC(a) | CS_SRC1(d) | (uint64_t)(cond) << 28)
#define CS_STORE_STATE(a, state, off)	\
	(CS_OP(40) | CS_SRC(a) | CS_SRC1(state) | CS_IMM16(off))
#define CS_PROT_REGION(nr)	(CS_OP(41) | CS_IMM16(nr))
#define CS_PROGRESS_STORE(r)	(CS_OP(42) | CS_SRC(r))
#define CS_PROGRESS_LOAD(r)	(CS_OP(43) | CS_DST(r))
#define CS_ERROR_BARRIER()	CS_OP(47)
#define CS_HEAP_SET(a)		(CS_OP(48) | CS_SRC(a))
#define CS_HEAP_OPERATION(op)	(CS_OP(49) | CS_SRC1(op))
#define CS_TRACE_POINT(r, count)	(CS_OP(50) | CS_SRC1(r) | CS_SRC(count))
#define CS_SYNC_ADD64(a, d, scope)	(CS_OP(51) | CS_SRC(a) | CS_SRC1(d) | (scope) << 1)
#define CS_SYNC_SET64(a, d, scope)	(CS_OP(52) | CS_SRC(a) | CS_SRC1(d) | (scope) << 1)
#define CS_SYNC_WAIT64(cond, a, d)	\
	(CS_OP(53) | CS_SRC(a) | CS_SRC1(d) | (uint64_t)(cond) << 28)

/*
 * What may be added to an instruction: count one step of progress; wait until
 * slots of a mask are free, and hold one until then; take the queue's error
 * into a sync object; do not mind an error in it.
 */
#define CS_PROGRESS		CS_SRC1(1)
#define CS_DEFER(wait, slot)	(CS_MASK(wait) | CS_SIGNAL(slot))
#define CS_PROPAGATE		1ull
#define CS_REJECT		1ull

/* Conditions of BRANCH, on a signed register; SYNC_WAIT has the first two */
enum { CS_LE, CS_GT, CS_EQ, CS_NE, CS_LT, CS_GE, CS_ALWAYS };
/* Scopes of SYNC_ADD and SYNC_SET */
enum { CS_SYSTEM = 0, CS_CSG = 2 };
/* What STORE_STATE stores */
enum { CS_TIMESTAMP, CS_CYCLES, CS_DISJOINT, CS_ERROR };
/* How FLUSH_CACHE2 treats caches */
enum { CS_FLUSH_NONE = 0, CS_CLEAN = 1, CS_INVALIDATE = 2, CS_CLEAN_INVALIDATE = 3 };

#endif
