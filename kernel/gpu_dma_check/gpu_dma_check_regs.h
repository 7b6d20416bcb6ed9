/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest module gpu_dma_check and the GPU model say to each other: the
 * registers of the device "mali-vm,gpu-dma-check" and what is in the memory
 * that the module shows it. For the kernel and for QEMU: defines only.
 *
 * All numbers are little endian. The registers are 32 bits wide; an address
 * takes two, the low half first, and is what the guest calls physical.
 *
 * The module writes everything else first and ENABLE last. While ENABLE is set
 * the other registers must not change, and none of the memory is given back
 * before ENABLE is 0 again: once a read of STATUS shows that, the device does
 * not look any more.
 *
 * Three areas are shown to the device: the frames' states, a ring of records
 * of what was freed, and a table of symbols. Each is cut into pieces of 4 KiB,
 * which lie anywhere; a directory, an array of 64-bit numbers without a gap,
 * says where. An entry of 0 is a piece that is not there: its bytes are 0.
 */
#ifndef GPU_DMA_CHECK_REGS_H
#define GPU_DMA_CHECK_REGS_H

#define GPU_DMA_CHECK_COMPATIBLE	"mali-vm,gpu-dma-check"

#define GPU_DMA_CHECK_MAGIC		0x00	/* read only */
#define GPU_DMA_CHECK_MAGIC_VALUE	0x4b434d44	/* "DMCK" */
#define GPU_DMA_CHECK_VERSION		0x04	/* read only */
#define GPU_DMA_CHECK_VERSION_VALUE	1
#define GPU_DMA_CHECK_CONTROL		0x08
#define GPU_DMA_CHECK_CONTROL_ENABLE	0x1
#define GPU_DMA_CHECK_STATUS		0x0c	/* read only */
#define GPU_DMA_CHECK_STATUS_ENABLED	0x1
#define GPU_DMA_CHECK_STATUS_REFUSED	0x2	/* something given is not in RAM */

/* States: piece N holds those of 4096 frames from FIRST_PFN + 4096 * N on. */
#define GPU_DMA_CHECK_DIRECTORY_LO	0x10
#define GPU_DMA_CHECK_DIRECTORY_HI	0x14
#define GPU_DMA_CHECK_FIRST_PFN_LO	0x18
#define GPU_DMA_CHECK_FIRST_PFN_HI	0x1c
#define GPU_DMA_CHECK_DIRECTORY_ENTRIES	0x20

/* The ring of records; RING_PAGES is a power of two, or 0 for no ring. */
#define GPU_DMA_CHECK_RING_LO		0x24
#define GPU_DMA_CHECK_RING_HI		0x28
#define GPU_DMA_CHECK_RING_PAGES	0x2c

/* The guest's page size, of which a frame number counts: 12, 14 or 16. */
#define GPU_DMA_CHECK_FRAME_SIZE_LOG2	0x30

/* The table of symbols; SYMBOL_PAGES is 0 for none. */
#define GPU_DMA_CHECK_SYMBOLS_LO	0x34
#define GPU_DMA_CHECK_SYMBOLS_HI	0x38
#define GPU_DMA_CHECK_SYMBOL_PAGES	0x3c

#define GPU_DMA_CHECK_REGS_SIZE		0x1000

#define GPU_DMA_CHECK_PIECE_SIZE	4096

/* The state of a frame, one byte. Only FREED is ever a reason to report. */
#define GPU_DMA_CHECK_UNKNOWN		0	/* not freed since the module watches */
#define GPU_DMA_CHECK_ALLOCATED		1
#define GPU_DMA_CHECK_FREED		2

/*
 * A record of the ring: pages that were freed together, 2^ORDER frames from
 * PFN on. Number n is in slot n % (number of slots) and has SEQ = n + 1; while
 * it is being written SEQ is 0. A frame's record is the one of those that
 * cover the frame with the greatest SEQ. It is complete before the frame's
 * state is FREED, and may since have been overwritten.
 */
#define GPU_DMA_CHECK_RECORD_SIZE	128
#define GPU_DMA_CHECK_RECORD_SEQ	0x00	/* 64 bits */
#define GPU_DMA_CHECK_RECORD_PFN	0x08	/* 64 bits */
#define GPU_DMA_CHECK_RECORD_TIME	0x10	/* 64 bits, ns as in the kernel's log */
#define GPU_DMA_CHECK_RECORD_PID	0x18	/* 32 bits */
#define GPU_DMA_CHECK_RECORD_ORDER	0x1c	/* 8 bits */
#define GPU_DMA_CHECK_RECORD_DEPTH	0x1d	/* 8 bits, addresses that are there */
#define GPU_DMA_CHECK_RECORD_COMM	0x20	/* the task's name, ends in NUL */
#define GPU_DMA_CHECK_RECORD_COMM_SIZE	16
#define GPU_DMA_CHECK_RECORD_STACK	0x30	/* return addresses, innermost first */
#define GPU_DMA_CHECK_RECORD_DEPTH_MAX	10

/*
 * An entry of the symbol table: a return address of some record's stack and
 * its name with offset and module, as the kernel would print it. In no order;
 * ADDRESS is 0 where there is none. A table that is full takes no more.
 */
#define GPU_DMA_CHECK_SYMBOL_SIZE	128
#define GPU_DMA_CHECK_SYMBOL_ADDRESS	0x00	/* 64 bits */
#define GPU_DMA_CHECK_SYMBOL_TEXT	0x08	/* ends in NUL; empty: not written yet */
#define GPU_DMA_CHECK_SYMBOL_TEXT_SIZE	120

#endif
