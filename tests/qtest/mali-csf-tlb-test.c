/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: the TLB
 *
 * What was cached answers until it is invalidated, and not one access longer;
 * seen by streams that read pages of which the translation has changed.
 */

#include "qemu/osdep.h"
#include "mali-csf-migrate.h"
#include "mali-csf-tlb.h"

/* --- What ends a translation, and what does not --- */

static void lock_page(Bed *b)
{
    gpu_as_lock(b->qts, b->vm.as, VA_TEST, 15);
}

static void end_unlock(Bed *b)
{
    lock_page(b);
    gpu_as_command(b->qts, b->vm.as, CMD_UNLOCK);
}

/* As Tyr ends an update */
static void end_lock_flush_pt(Bed *b)
{
    lock_page(b);
    gpu_as_command(b->qts, b->vm.as, CMD_FLUSH_PT);
}

static void end_lock_flush_mem(Bed *b)
{
    lock_page(b);
    gpu_as_command(b->qts, b->vm.as, CMD_FLUSH_MEM);
}

static void end_flush_pt(Bed *b)
{
    gpu_as_command(b->qts, b->vm.as, CMD_FLUSH_PT);
}

static void end_flush_mem(Bed *b)
{
    gpu_as_command(b->qts, b->vm.as, CMD_FLUSH_MEM);
}

static void end_update(Bed *b)
{
    gpu_as_command(b->qts, b->vm.as, CMD_UPDATE);
}

static void end_soft_reset(Bed *b)
{
    gpu_write(b->qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(b->qts, NS_RESET);
    tlb_restart(b);
}

/* The guest's memory stays as it is, its devices do not */
static void end_system_reset(Bed *b)
{
    qtest_system_reset(b->qts);
    tlb_restart(b);
}

/* The whole of the address space, as panthor gives it up and takes it again */
static void end_unbind(Bed *b)
{
    gpu_write(b->qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(b->qts, NS_FLUSH);
    vm_unbind(&b->vm);
    vm_bind(&b->vm, b->vm.as);
}

static void end_unlock_all(Bed *b)
{
    gpu_as_changed(b->qts, b->vm.as);
}

/* A region beside the page's, on either side */
static void keep_unlock_others(Bed *b)
{
    gpu_as_lock(b->qts, b->vm.as, VA_TEST + 0x8000, 15);
    gpu_as_command(b->qts, b->vm.as, CMD_UNLOCK);
    gpu_as_lock(b->qts, b->vm.as, VA_TEST - 0x8000, 15);
    gpu_as_command(b->qts, b->vm.as, CMD_UNLOCK);
    gpu_as_lock(b->qts, b->vm.as, 0, 29);
    gpu_as_command(b->qts, b->vm.as, CMD_FLUSH_PT);
}

/* A lock by itself: the next one, elsewhere, takes its place */
static void keep_lock(Bed *b)
{
    lock_page(b);
    gpu_as_lock(b->qts, b->vm.as, 0x600000000000, 15);
}

static void keep_unlock_alone(Bed *b)
{
    gpu_as_command(b->qts, b->vm.as, CMD_UNLOCK);
}

static void keep_other_spaces(Bed *b)
{
    for (unsigned as = 0; as < 8; as++) {
        if (as != b->vm.as && as != 0) {
            gpu_as_changed(b->qts, as);
            gpu_as_command(b->qts, as, CMD_FLUSH_PT);
            gpu_as_command(b->qts, as, CMD_FLUSH_MEM);
            gpu_as_command(b->qts, as, CMD_UPDATE);
        }
    }
    gpu_as_changed(b->qts, 0);
}

/* The caches of data are not the TLB */
static void keep_cache_flush(Bed *b)
{
    gpu_write(b->qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(b->qts, NS_FLUSH);
    gpu_write(b->qts, GPU_INT + CLEAR, UINT32_MAX);
}

/* Registers that were not put in force */
static void keep_registers(Bed *b)
{
    gpu_write64(b->qts, AS(b->vm.as) + AS_TRANSTAB, RAM_NOTHING);
    gpu_write64(b->qts, AS(b->vm.as) + AS_TRANSCFG, TRANSCFG_UNMAPPED);
    gpu_write64(b->qts, AS(b->vm.as) + AS_LOCKADDR, 47);
}

/* What comes while a command is under way is lost */
static void keep_while_active(Bed *b)
{
    static const uint32_t lost[] = { CMD_FLUSH_PT, CMD_FLUSH_MEM, CMD_UPDATE };

    for (int i = 0; i < ARRAY_SIZE(lost); i++) {
        gpu_write64(b->qts, AS(b->vm.as) + AS_LOCKADDR, 0x600000000000 | 14);
        gpu_write(b->qts, AS(b->vm.as) + AS_COMMAND, CMD_LOCK);
        qtest_clock_step(b->qts, NS_AS_COMMAND - 1);
        gpu_as_command(b->qts, b->vm.as, lost[i]);
        gpu_as_command(b->qts, b->vm.as, CMD_UNLOCK);
    }
}

static void keep_suspend(Bed *b)
{
    group_suspend(&b->g);
    group_resume(&b->g, 3);
}

typedef struct Operation {
    const char *name;
    void (*run)(Bed *b);
    bool drops;
    bool drops_others;      /* what is not in VA_TEST's 32 KiB as well */
} Operation;

static const Operation operations[] = {
    { "unlock", end_unlock, true, false },
    { "lock-flush-pt", end_lock_flush_pt, true, false },
    { "lock-flush-mem", end_lock_flush_mem, true, false },
    { "flush-pt", end_flush_pt, true, true },
    { "flush-mem", end_flush_mem, true, true },
    { "update", end_update, true, true },
    { "soft-reset", end_soft_reset, true, true },
    { "system-reset", end_system_reset, true, true },
    { "unbind", end_unbind, true, true },
    { "unlock-all", end_unlock_all, true, true },
    { "unlock-others", keep_unlock_others },
    { "lock", keep_lock },
    { "unlock-alone", keep_unlock_alone },
    { "other-spaces", keep_other_spaces },
    { "cache-flush", keep_cache_flush },
    { "registers", keep_registers },
    { "while-active", keep_while_active },
    { "suspend", keep_suspend },
};

static void test_operation(const void *opaque)
{
    const Operation *op = opaque;
    uint64_t other = VA_TEST + 0x10000;
    Bed b;

    tlb_start(&b, "");
    make_stale(&b, VA_TEST, 1);
    make_stale(&b, other, 2);
    op->run(&b);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(op->drops, 1));
    g_assert_cmphex(gpu_load_word(&b, other), ==, CONTENT(op->drops_others, 2));
    g_assert_cmphex(gpu_read(b.qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
    qtest_quit(b.qts);
}

/* The moment when a command ends is the one that counts */
static void test_moment(void)
{
    Bed b;

    tlb_start(&b, "as-flush-pt-ns=100000000");
    make_stale(&b, VA_TEST, 1);
    gpu_write(b.qts, AS(1) + AS_COMMAND, CMD_FLUSH_PT);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(0, 1));
    g_assert_cmphex(gpu_read(b.qts, AS(1) + AS_STATUS), ==, 1);
    qtest_clock_step(b.qts, 100000000);
    g_assert_cmphex(gpu_read(b.qts, AS(1) + AS_STATUS), ==, 0);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(1, 1));
    qtest_quit(b.qts);
}

/* What is cached with one right is cached with the others: also as forbidden */
static void test_rights(void)
{
    const uint64_t words[] = {
        MOVE48(60, VA_TEST), MOVE32(0, 0x7777), STORE(0, 60, 1, 0), WAIT(0xff),
    };
    Bed b;

    tlb_start(&b, "");
    pt_map(&b.vm.pt, VA_TEST, set_pa(0, 1), 0x1000, PTE_LEAF | PTE_READ_ONLY);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(0, 1));
    map_page(&b, VA_TEST, 0, 1);
    cs_submit_job(&b.g, 0, vm_stream(&b.vm, words, ARRAY_SIZE(words)),
                  sizeof(words));
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(gpu_read(b.qts, AS(1) + AS_FAULTSTATUS) & 0xff, ==, 0xcb);
    g_assert_cmphex(gpu_read64(b.qts, AS(1) + AS_FAULTADDRESS), ==, VA_TEST);
    g_assert_cmphex(qtest_readl(b.qts, set_pa(0, 1)), ==, CONTENT(0, 1));
    qtest_quit(b.qts);

    /* And the right that was taken away stands until it is invalidated */
    tlb_start(&b, "");
    make_stale(&b, VA_TEST, 1);
    pt_map(&b.vm.pt, VA_TEST, set_pa(0, 1), 0x1000, PTE_LEAF | PTE_READ_ONLY);
    cs_run_job(&b.g, 0, words, ARRAY_SIZE(words));
    g_assert_cmphex(qtest_readl(b.qts, set_pa(0, 1)), ==, 0x7777);
    qtest_quit(b.qts);
}

/* A page that is not mapped is not cached as such */
static void test_no_fault_cached(void)
{
    Bed b;

    tlb_start(&b, "");
    pt_set(&b.vm.pt, VA_TEST, 3, 0);
    begin_load(&b, 1, VA_TEST);
    g_assert_true(cs_wait_events(&b.g, 1, CS_EVENT_FATAL));
    g_assert_cmphex(gpu_read(b.qts, AS(1) + AS_FAULTSTATUS) & 0xff, ==, 0xc3);
    map_page(&b, VA_TEST, 1, 3);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(1, 3));
    qtest_quit(b.qts);
}

/* --- Blocks --- */

static void set_block(Bed *b, unsigned n)
{
    pt_set(&b->vm.pt, VA_TEST, 2, RAM_BLOCK(n) | PTE_LEAF | PTE_BLOCK);
}

static void block_start(Bed *b)
{
    tlb_start(b, "");
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned o = 0; o < 0x200000; o += 0x1000) {
            qtest_writel(b->qts, RAM_BLOCK(n) + o, CONTENT(n, o >> 12));
        }
    }
}

/* One entry for all of its 2 MiB, which any address of it drops */
static void test_block(void)
{
    Bed b;

    block_start(&b);
    set_block(&b, 0);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x1000), ==, CONTENT(0, 1));
    set_block(&b, 1);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(0, 0));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x1ff000), ==,
                    CONTENT(0, 511));
    gpu_as_lock(b.qts, 1, VA_TEST + 0x200000, 15);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x2000), ==, CONTENT(0, 2));
    gpu_as_lock(b.qts, 1, VA_TEST + 0x1f8000, 15);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x1000), ==, CONTENT(1, 1));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(1, 0));
    qtest_quit(b.qts);
}

/* A page whose table gave way to a block is still there beside it */
static void test_page_beside_block(void)
{
    Bed b;

    block_start(&b);
    map_page(&b, VA_TEST + 0x10000, 0, 33);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x10000), ==, CONTENT(0, 33));
    set_block(&b, 1);
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(1, 0));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x11000), ==,
                    CONTENT(1, 0x11));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x10000), ==, CONTENT(0, 33));
    gpu_as_lock(b.qts, 1, VA_TEST + 0x10000, 15);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x10000), ==,
                    CONTENT(1, 0x10));
    qtest_quit(b.qts);
}

/* --- The walk cache --- */

/* A replaced table is read through until what it maps is invalidated */
static void test_walk_cache(void)
{
    uint64_t old_table;
    Bed b;

    tlb_start(&b, "");
    map_page(&b, VA_TEST + 0x1000, 0, 1);
    map_page(&b, VA_TEST + 0x2000, 0, 2);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(0, 0));

    /* Another table, with other pages */
    old_table = pt_get(&b.vm.pt, VA_TEST, 2) & PTE_ADDR;
    qtest_memset(b.qts, RAM_SPARE, 0, 0x1000);
    pt_set(&b.vm.pt, VA_TEST, 2, RAM_SPARE | PTE_TABLE);
    map_page(&b, VA_TEST, 1, 0);
    map_page(&b, VA_TEST + 0x1000, 1, 1);
    map_page(&b, VA_TEST + 0x2000, 1, 2);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x1000), ==, CONTENT(0, 1));

    /* What becomes of the old table is what counts, though it is free */
    qtest_writeq(b.qts, old_table + 2 * 8,
                 set_pa(1, 50) | PTE_LEAF | PTE_PAGE);
    gpu_as_lock(b.qts, 1, VA_TEST + 0x200000, 21);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x2000), ==, CONTENT(1, 50));

    /* Any page of the table's drops it, and leaves the pages that were read */
    gpu_as_lock(b.qts, 1, VA_TEST + 0x1f8000, 15);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    map_page(&b, VA_TEST + 0x3000, 1, 3);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x3000), ==, CONTENT(1, 3));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x1000), ==, CONTENT(0, 1));
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x1000), ==, CONTENT(1, 1));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x2000), ==, CONTENT(1, 2));
    qtest_quit(b.qts);
}

/* --- Tables that lead anywhere --- */

#define VA_ANYWHERE             0x7f0000000000ULL
#define UART_BASE               0x09000000ULL
#define GIC_BASE                0x08000000ULL
#define FLASH_BASE              0x00000000ULL

/* Whatever comes of it, it comes to its end, and others are none the wiser */
static void check_ends(Bed *b, Group *neighbour, uint64_t va)
{
    const uint64_t words[] = {
        MOVE48(60, va), LOAD(0, 60, 1, 8), WAIT(0xff), STORE(0, 60, 1, 8),
        WAIT(0xff), LOAD(0, 60, 1, 8), WAIT(0xff),
    };
    uint64_t stream = vm_stream(&b->vm, words, ARRAY_SIZE(words));

    cs_submit_job(&b->g, 0, stream, sizeof(words));
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_true(cs_drained(&b->g, 0) ||
                  cs_events(&b->g, 0) & CS_EVENT_FATAL);
    check_works(neighbour, 0, va);
    b->vm.next_stream = stream;
    gpu_write(b->qts, MMU_INT + CLEAR, UINT32_MAX);
    group_terminate(&b->g);
    b->g = group_new(&b->vm, 0, 2);
    group_start(&b->g, 0);
}

/* Each level's descriptor at itself, at devices, and at nothing */
static void test_anywhere(void)
{
    Group neighbour;
    Vm vm2;
    Bed b;

    tlb_start(&b, "");
    vm2 = vm_new(&b.d, 1, 2);
    neighbour = group_new(&vm2, 1, 1);
    group_start(&neighbour, 1);
    map_page(&b, VA_ANYWHERE, 0, 1);
    for (int level = 0; level < PT_LEVELS; level++) {
        const uint64_t targets[] = {
            b.vm.pt.root, pt_slot(&b.vm.pt, VA_ANYWHERE, level) & ~0xfffULL,
            GPU_BASE, GPU_BASE + 0x2000, GPU_BASE + 0x80000, UART_BASE,
            GIC_BASE, FLASH_BASE, RAM_NOTHING, 0xfffffff000,
        };
        uint64_t desc = pt_get(&b.vm.pt, VA_ANYWHERE, level);
        uint64_t slot = pt_slot(&b.vm.pt, VA_ANYWHERE, level);
        uint64_t root = qtest_readq(b.qts, b.vm.pt.root);

        for (int i = 0; i < ARRAY_SIZE(targets); i++) {
            /* As a page it may be read and written */
            qtest_writeq(b.qts, slot,
                         targets[i] | PTE_TABLE | PTE_UNPRIV | PTE_AF);
            gpu_as_changed(b.qts, 1);
            check_ends(&b, &neighbour, VA_ANYWHERE);
            /* The stream may have written to the tables */
            qtest_writeq(b.qts, slot, desc);
            qtest_writeq(b.qts, b.vm.pt.root, root);
            gpu_as_changed(b.qts, 1);
            g_assert_cmphex(gpu_load_word(&b, VA_ANYWHERE), ==, CONTENT(0, 1));
        }
    }
    qtest_quit(b.qts);
}

/* --- Recycling --- */

/* Another VM over a live address space, with UPDATE and nothing else */
static void test_recycle(void)
{
    uint64_t words[READ_JOB_WORDS];
    Group other;
    Vm vm2;
    Bed b;

    tlb_start(&b, "");
    vm_write(&b.vm, VA_DATA, 0x1111);
    g_assert_cmphex(gpu_load_word(&b, VA_DATA), ==, 0x1111);
    make_stale(&b, VA_TEST, 1);
    group_suspend(&b.g);

    vm2 = vm_new(&b.d, 1, 1);
    vm_write(&vm2, VA_DATA, 0x2222);
    other = group_new(&vm2, 1, 1);
    group_start(&other, 0);
    vm_write(&vm2, VA_RESULT, 0xdead);
    read_job(words, VA_DATA);
    cs_run_job(&other, 0, words, READ_JOB_WORDS);
    g_assert_cmphex(vm_read(&vm2, VA_RESULT), ==, 0x2222);
    g_assert_cmphex(vm_read(&b.vm, VA_RESULT), ==, CONTENT(0, 1));
    group_suspend(&other);

    vm_bind(&b.vm, 1);
    group_resume(&b.g, 0);
    g_assert_cmphex(gpu_load_word(&b, VA_DATA), ==, 0x1111);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(1, 1));
    qtest_quit(b.qts);
}

/* --- Sizes --- */

#define N_TOUCHED               48

/* Which of the pages are stale after all were read, and then mapped anew */
static uint64_t stale_pages(const char *props)
{
    uint64_t stale = 0;
    Bed b;

    tlb_start(&b, props);
    for (unsigned n = 0; n < N_TOUCHED; n++) {
        map_page(&b, VA_TEST + n * 0x1000, 0, n);
    }
    for (unsigned n = 0; n < N_TOUCHED; n++) {
        g_assert_cmphex(gpu_load_word(&b, VA_TEST + n * 0x1000), ==,
                        CONTENT(0, n));
    }
    for (unsigned n = 0; n < N_TOUCHED; n++) {
        map_page(&b, VA_TEST + n * 0x1000, 1, n);
    }
    for (unsigned n = 0; n < N_TOUCHED; n++) {
        uint32_t val = gpu_load_word(&b, VA_TEST + n * 0x1000);

        g_assert_true(val == CONTENT(0, n) || val == CONTENT(1, n));
        stale |= (uint64_t)(val == CONTENT(0, n)) << n;
    }
    qtest_quit(b.qts);
    return stale;
}

static void test_entries(void)
{
    uint64_t all = MAKE_64BIT_MASK(0, N_TOUCHED);
    uint64_t some;

    /* No limit */
    g_assert_cmphex(stale_pages(""), ==, all);
    /* One is taken by the ring; it stays so, and the rest is not kept */
    g_assert_cmphex(stale_pages("tlb-entries=1"), ==, 0);
    /* The first that came, and a job needs some for itself */
    some = stale_pages("tlb-entries=16");
    g_assert_cmpuint(ctpop64(some), >, 4);
    g_assert_cmpuint(ctpop64(some), <, 16);
    g_assert_cmphex(some & (some + 1), ==, 0);
    /* Replacement has nothing to do where there is room */
    g_assert_cmphex(stale_pages("tlb-entries=1000,tlb-evict=on"), ==, all);
    g_assert_cmphex(stale_pages("tlb-entries=0,tlb-evict=on"), ==, all);
}

/* The last ones that came are there, and chance, as the seed has it */
static void test_evict(void)
{
    const char *props = "tlb-entries=24,tlb-evict=on,tlb-seed=5";
    uint64_t first = stale_pages(props);
    unsigned others = 0;

    g_assert_cmpuint(ctpop64(first), >, 0);
    g_assert_cmpuint(ctpop64(first), <, 24);
    /* Not those that a full one keeps without replacement */
    g_assert_cmphex(first & (first + 1), !=, 0);
    g_assert_cmphex(stale_pages(props), ==, first);
    for (int seed = 6; seed < 10; seed++) {
        g_autofree char *other =
            g_strdup_printf("tlb-entries=24,tlb-evict=on,tlb-seed=%d", seed);

        others += stale_pages(other) != first;
    }
    g_assert_cmpuint(others, >, 0);
}

/* --- Migration --- */

/* What is stale before a snapshot is stale after it: pages, blocks, tables */
static void test_migrate(void)
{
    Bed b;

    block_start(&b);
    make_stale(&b, VA_TEST + 0x40000000, 5);
    set_block(&b, 0);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(0, 0));
    set_block(&b, 1);
    for (int i = 0; i < 2; i++) {
        bed_moved(&b, gpu_migrate(b.qts));
        g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x40000000), ==,
                        CONTENT(0, 5));
        g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x7000), ==,
                        CONTENT(0, 7));
    }
    /* The table of the first page is cached: this one is not seen yet */
    qtest_memset(b.qts, RAM_SPARE, 0, 0x1000);
    pt_set(&b.vm.pt, VA_TEST + 0x40000000, 2, RAM_SPARE | PTE_TABLE);
    map_page(&b, VA_TEST + 0x40001000, 1, 9);
    qtest_writeq(b.qts, b.vm.pt.next - 0x1000 + 8,
                 set_pa(0, 8) | PTE_LEAF | PTE_PAGE);
    bed_moved(&b, gpu_migrate(b.qts));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x40001000), ==,
                    CONTENT(0, 8));
    gpu_as_changed(b.qts, 1);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(1, 0));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x40001000), ==,
                    CONTENT(1, 9));
    qtest_quit(b.qts);
}

/* An entry in the stream: where its parts are */
enum {
    E_KIND, E_LEVEL, E_LIMITS, E_ATTR, E_RIGHTS, E_START, E_PA = E_START + 8,
    E_DESC_PA = E_PA + 8, E_WHEN = E_DESC_PA + 8, E_SERIAL = E_WHEN + 8,
    E_SIZE = E_SERIAL + 8,
};

/* The entry of VA_TEST in a saved machine; there must be just one */
static uint8_t *find_entry(char *stream, size_t len)
{
    uint8_t want[16], *found = NULL;

    stq_be_p(want, VA_TEST);
    stq_be_p(want + 8, set_pa(0, 1));
    for (size_t i = E_START; i + E_SIZE < len; i++) {
        if (!memcmp(stream + i, want, sizeof(want))) {
            g_assert_null(found);
            found = (uint8_t *)stream + i - E_START;
        }
    }
    g_assert_nonnull(found);
    return found;
}

/* What no TLB can hold is not loaded */
static void test_hostile(void)
{
    static const struct {
        const char *what;
        int offset;
        uint8_t byte;
        bool ok;
    } hostile[] = {
        { "nothing", E_KIND, 0, true },
        { "another attribute", E_ATTR, 0xff, true },
        { "all rights", E_RIGHTS, 7, true },
        { "an unknown kind", E_KIND, 2 },
        { "level 0", E_LEVEL, 0 },
        { "level 4", E_LEVEL, 4 },
        { "level 7", E_LEVEL, 7 },
        { "level 255", E_LEVEL, 255 },
        { "limits of a leaf", E_LIMITS, 1 },
        { "unknown rights", E_RIGHTS, 8 },
        { "beyond 48 bits", E_START + 1, 1 },
        { "beyond 63 bits", E_START, 0x80 },
        { "within a page", E_START + 7, 1 },
        { "to within a page", E_PA + 6, 1 },
        { "a descriptor that is not aligned", E_DESC_PA + 7, 1 },
        /* A block of 2 MiB at a page */
        { "level 2", E_LEVEL, 2 },
    };
    g_autofree char *stream = NULL;
    g_autofree char *path = NULL;
    g_autoptr(GError) err = NULL;
    uint8_t *entry;
    int64_t clock;
    size_t len;
    Bed b;

    tlb_start(&b, "");
    make_stale(&b, VA_TEST, 1);
    clock = gpu_read64(b.qts, TIMESTAMP);
    path = gpu_save(b.qts);
    qtest_quit(b.qts);
    g_assert_true(g_file_get_contents(path, &stream, &len, &err));
    entry = find_entry(stream, len);

    for (int i = 0; i < ARRAY_SIZE(hostile); i++) {
        QTestState *to = gpu_start_destination(CLOCK_PROPS, clock);
        const char *end = hostile[i].ok ? "completed" : "failed";
        g_autofree char *status = NULL;
        uint8_t was = entry[hostile[i].offset];

        g_test_message("%s", hostile[i].what);
        entry[hostile[i].offset] = hostile[i].byte;
        g_assert_true(g_file_set_contents(path, stream, len, &err));
        entry[hostile[i].offset] = was;
        status = gpu_load(to, path);
        g_assert_cmpstr(status, ==, end);
        qtest_quit(to);
    }
    unlink(path);
}

static const TestCase cases[] = {
    { "moment", test_moment },
    { "rights", test_rights },
    { "no-fault-cached", test_no_fault_cached },
    { "block", test_block },
    { "page-beside-block", test_page_beside_block },
    { "walk-cache", test_walk_cache },
    { "anywhere", test_anywhere },
    { "recycle", test_recycle },
    { "entries", test_entries },
    { "evict", test_evict },
    { "migrate", test_migrate },
    { "hostile", test_hostile },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(operations); i++) {
        add_data_case(operations[i].drops ? "tlb/drop" : "tlb/keep",
                      operations[i].name, &operations[i], test_operation);
    }
    add_cases("tlb", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
