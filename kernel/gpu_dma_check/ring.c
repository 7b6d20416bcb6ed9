// SPDX-License-Identifier: GPL-2.0-or-later

#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>

#include "gpu_dma_check.h"

/* The layout that gpu_dma_check_regs.h describes. */
struct record {
	__le64 seq;
	__le64 pfn;
	__le64 time;
	__le32 pid;
	u8 order;
	u8 depth;
	__le16 reserved;
	char comm[GPU_DMA_CHECK_RECORD_COMM_SIZE];
	__le64 stack[GPU_DMA_CHECK_RECORD_DEPTH_MAX];
};

struct symbol {
	__le64 address;
	char text[GPU_DMA_CHECK_SYMBOL_TEXT_SIZE];
};

#define CHECK_FIELD(type, field, value) static_assert(offsetof(struct type, field) == (value))

static_assert(sizeof(struct record) == GPU_DMA_CHECK_RECORD_SIZE);
CHECK_FIELD(record, seq, GPU_DMA_CHECK_RECORD_SEQ);
CHECK_FIELD(record, pfn, GPU_DMA_CHECK_RECORD_PFN);
CHECK_FIELD(record, time, GPU_DMA_CHECK_RECORD_TIME);
CHECK_FIELD(record, pid, GPU_DMA_CHECK_RECORD_PID);
CHECK_FIELD(record, order, GPU_DMA_CHECK_RECORD_ORDER);
CHECK_FIELD(record, depth, GPU_DMA_CHECK_RECORD_DEPTH);
CHECK_FIELD(record, comm, GPU_DMA_CHECK_RECORD_COMM);
CHECK_FIELD(record, stack, GPU_DMA_CHECK_RECORD_STACK);
static_assert(sizeof(struct symbol) == GPU_DMA_CHECK_SYMBOL_SIZE);
CHECK_FIELD(symbol, address, GPU_DMA_CHECK_SYMBOL_ADDRESS);
CHECK_FIELD(symbol, text, GPU_DMA_CHECK_SYMBOL_TEXT);
static_assert(GPU_DMA_CHECK_RECORD_COMM_SIZE == TASK_COMM_LEN);

#define FRAME_RECORD_SIZE (2 * sizeof(unsigned long))

/* How far from its place in the table an address is looked for. */
#define MAX_PROBES 16

struct area ring_area;
struct area symbols_area;

static atomic64_t next_record;
static u64 record_mask;
static unsigned int symbol_bits;

int ring_init(unsigned int ring_pages, unsigned int symbol_pages)
{
	int ret = 0;

	if (ring_pages)
		ret = area_alloc(&ring_area, roundup_pow_of_two(ring_pages), NULL);
	if (!ret && ring_pages && symbol_pages)
		ret = area_alloc(&symbols_area, roundup_pow_of_two(symbol_pages), NULL);
	if (ret) {
		ring_exit();
		return ret;
	}
	record_mask = area_size(&ring_area) / sizeof(struct record) - 1;
	if (symbols_area.base)
		symbol_bits = ilog2(area_size(&symbols_area) / sizeof(struct symbol));
	return 0;
}

void ring_exit(void)
{
	area_free(&symbols_area);
	area_free(&ring_area);
}

/* Give an address its name when it is seen for the first time. */
static void note_symbol(u64 address)
{
	struct symbol *table = symbols_area.base;
	u32 place = hash_64(address, symbol_bits);
	__le64 key = cpu_to_le64(address);
	unsigned int i;

	for (i = 0; i < MAX_PROBES; i++) {
		struct symbol *symbol = &table[(place + i) & (BIT(symbol_bits) - 1)];
		__le64 found = READ_ONCE(symbol->address);

		if (!found)
			found = cmpxchg(&symbol->address, 0, key);
		if (found == key)
			return;
		if (!found) {
			char text[GPU_DMA_CHECK_SYMBOL_TEXT_SIZE];

			snprintf(text, sizeof(text), "%pB", (void *)(uintptr_t)address);
			strscpy_pad(symbol->text, text, sizeof(symbol->text));
			return;
		}
	}
}

/*
 * Pages are freed again and again from the same places: the names of the stacks
 * that a CPU saw last are there. A task that is moved to another CPU meanwhile
 * only makes for a look that was not needed.
 */
#define SEEN_BITS 7
static DEFINE_PER_CPU(u64[1 << SEEN_BITS], seen_stacks);

static void note_symbols(const struct record *record, u64 hash)
{
	u64 __percpu *seen = &seen_stacks[hash >> (64 - SEEN_BITS)];
	unsigned int i;

	if (raw_cpu_read(*seen) == hash)
		return;
	for (i = 0; i < record->depth; i++)
		note_symbol(le64_to_cpu(record->stack[i]));
	raw_cpu_write(*seen, hash);
}

/*
 * The kernel's own unwinder takes several times as long as freeing a page; all
 * that is wanted here is the chain of frame records, each the address of the
 * next one and a return address (AAPCS64, "The Frame Pointer"). It is followed
 * as long as it stays in the stack we are on: stacks are aligned to their size
 * at least (arch/arm64/include/asm/memory.h, THREAD_ALIGN). What an interrupt
 * interrupted is on another stack and did not free the page.
 *
 * Fills in the record's stack, returns what tells it from other stacks.
 */
static __always_inline u64 walk_stack(struct record *record)
{
	unsigned long frame = (unsigned long)__builtin_frame_address(0);
	unsigned long size = round_up(frame + 1, THREAD_SIZE) - frame - FRAME_RECORD_SIZE;
	unsigned long low = frame;
	unsigned int depth;
	u64 hash = 0;

	/* Leave out probe_free() and the tracepoint, whose frames are surely there. */
	frame = READ_ONCE_NOCHECK(*(unsigned long *)frame);
	frame = READ_ONCE_NOCHECK(*(unsigned long *)frame);
	for (depth = 0; depth < GPU_DMA_CHECK_RECORD_DEPTH_MAX && frame - low <= size; depth++) {
		u64 address = READ_ONCE_NOCHECK(((unsigned long *)frame)[1]);

		if (!address)
			break;
		address = ptrauth_strip_kernel_insn_pac(address);
		record->stack[depth] = cpu_to_le64(address);
		hash = (hash ^ address) * GOLDEN_RATIO_64;
		frame = READ_ONCE_NOCHECK(*(unsigned long *)frame);
	}
	record->depth = depth;
	return hash;
}

void ring_record(unsigned long pfn, unsigned int order)
{
	struct record *record = ring_area.base;
	u64 number, hash;

	if (!record)
		return;
	number = atomic64_fetch_inc_relaxed(&next_record);
	record += number & record_mask;
	WRITE_ONCE(record->seq, 0);
	smp_wmb();	/* before anything of the record changes */
	record->pfn = cpu_to_le64(pfn);
	record->time = cpu_to_le64(sched_clock());
	record->pid = cpu_to_le32(current->pid);
	record->order = order;
	memcpy(record->comm, current->comm, sizeof(record->comm));
	hash = walk_stack(record);
	if (symbols_area.base)
		note_symbols(record, hash);
	/* after everything of the record */
	smp_store_release(&record->seq, cpu_to_le64(number + 1));
}
