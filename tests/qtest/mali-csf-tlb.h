/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the Mali CSF GPU's TLB share: pages whose content says
 * through which translation they were read.
 */

#ifndef TESTS_QTEST_MALI_CSF_TLB_H
#define TESTS_QTEST_MALI_CSF_TLB_H

#include "mali-csf-stream.h"

/* Nothing that a job itself needs is in this table's 2 MiB */
#define VA_TEST                 0x20000000ULL
#define VA_RESULT               (VA_DATA + 0x3c000)

/* Two sets of pages; page n of set s begins with CONTENT(s, n) */
#define SET_PAGES               64
#define SET_RAM(s)              (0x46800000ULL + (s) * 0x100000)
#define CONTENT(s, n)           (((s) + 1) << 16 | (n))
/* Room for tables that tests make themselves */
#define RAM_SPARE               0x46c00000ULL
/* 2 MiB each */
#define RAM_BLOCK(n)            (0x47000000ULL + (n) * 0x200000)

static inline uint64_t set_pa(unsigned set, unsigned n)
{
    return SET_RAM(set) + n * 0x1000;
}

static inline void fill_sets(QTestState *qts)
{
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned n = 0; n < SET_PAGES; n++) {
            qtest_writel(qts, set_pa(s, n), CONTENT(s, n));
        }
    }
}

/* Edit the descriptor of a page; nobody is told */
static inline void map_page(Bed *b, uint64_t va, unsigned set, unsigned n)
{
    pt_map(&b->vm.pt, va, set_pa(set, n), 0x1000, PTE_LEAF);
}

/* The job that reads the word at @va and stores it to VA_RESULT */
#define READ_JOB_WORDS          6

static inline void read_job(uint64_t *out, uint64_t va)
{
    const uint64_t words[READ_JOB_WORDS] = {
        MOVE48(60, va), LOAD(0, 60, 1, 0), WAIT(0xff),
        MOVE48(60, VA_RESULT), STORE(0, 60, 1, 0), WAIT(0xff),
    };

    memcpy(out, words, sizeof(words));
}

/* The word at @va, as the GPU finds it */
static inline uint32_t gpu_load_word(Bed *b, uint64_t va)
{
    uint64_t words[READ_JOB_WORDS];

    read_job(words, va);
    vm_write(&b->vm, VA_RESULT, 0xdead);
    cs_run_job(&b->g, 0, words, READ_JOB_WORDS);
    return vm_read(&b->vm, VA_RESULT);
}

/* Begin the same on queue @j, and let it come as far as it can */
static inline void begin_load(Bed *b, unsigned j, uint64_t va)
{
    uint64_t words[READ_JOB_WORDS];
    uint64_t stream;

    read_job(words, va);
    stream = vm_stream(&b->vm, words, READ_JOB_WORDS);
    vm_write(&b->vm, VA_RESULT, 0xdead);
    cs_submit_job(&b->g, j, stream, sizeof(words));
    qtest_clock_step(b->qts, NS_JOB);
}

/* A page at @va that the TLB has as page @n of set 0, and that is of set 1 */
static inline void make_stale(Bed *b, uint64_t va, unsigned n)
{
    map_page(b, va, 0, n);
    g_assert_cmphex(gpu_load_word(b, va), ==, CONTENT(0, n));
    map_page(b, va, 1, n);
    g_assert_cmphex(gpu_load_word(b, va), ==, CONTENT(0, n));
}

/* Two queues, and pages to map */
static inline void tlb_start(Bed *b, const char *props)
{
    bed_start_with(b, 2, props);
    fill_sets(b->qts);
    /* The first mapping makes tables; what is not mapped is not cached */
    map_page(b, VA_TEST, 0, 0);
}

/* All that there is to do after a reset, from the firmware on */
static inline void tlb_restart(Bed *b)
{
    gpu_write(b->qts, GPU_INT + CLEAR, UINT32_MAX);
    /* panthor_reload_fw_sections() */
    qtest_memset(b->qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    b->d = driver_on(b->qts);
    vm_bind(&b->vm, b->vm.as);
    b->g = group_new(&b->vm, 0, 2);
    group_start(&b->g, 0);
}

#endif /* TESTS_QTEST_MALI_CSF_TLB_H */
