/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: the checker
 *
 * For each kind of finding, what a driver may do beside what it must not do:
 * the first leads to no finding, the second to those of that kind and no other.
 */

#include "qemu/osdep.h"
#include "mali-csf-stream.h"
#include "mali-csf-migrate.h"

/* Pages of the VM that these tests move about, and where they are moved to */
#define PAGE_A                  (VA_DATA + 0x10000)
#define PAGE_B                  (VA_DATA + 0x18000)
#define PAGE_FAR                (VM_VA + 2 * BLOCK_2M)
#define ELSEWHERE               0x47000000ULL
#define TABLE_ELSEWHERE         0x47100000ULL
#define BLOCK_2M                0x200000

/* --- What was found, as the trace tells it --- */

typedef struct Findings {
    char *log;
    GPtrArray *lines;       /* "KIND COUNT: TEXT" */
} Findings;

static Findings findings_open(void)
{
    Findings f = { .lines = g_ptr_array_new_with_free_func(g_free) };
    int fd = g_file_open_tmp("mali-csf-check-XXXXXX", &f.log, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return f;
}

static void findings_close(Findings *f)
{
    unlink(f->log);
    g_free(f->log);
    g_ptr_array_unref(f->lines);
}

/* Read what there is; returns how many there were in all */
static unsigned findings_read(Findings *f)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents(f->log, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    g_ptr_array_set_size(f->lines, 0);
    for (int i = 0; lines[i]; i++) {
        const char *event = strstr(lines[i], "mali_csf_check_finding ");

        if (event) {
            g_ptr_array_add(f->lines, g_strdup(strchr(event, ' ') + 1));
        }
    }
    return f->lines->len;
}

static const char *findings_first(const Findings *f)
{
    return f->lines->len ? g_ptr_array_index(f->lines, 0) : "none";
}

/* All are of this kind */
static bool findings_all(const Findings *f, const char *kind)
{
    g_autofree char *start = g_strdup_printf("%s ", kind);

    for (int i = 0; i < f->lines->len; i++) {
        if (!g_str_has_prefix(g_ptr_array_index(f->lines, i), start)) {
            g_test_message("%s", (char *)g_ptr_array_index(f->lines, i));
            return false;
        }
    }
    return true;
}

/* --- A machine with a checker --- */

static Findings found;

static void bed_start_checked(Bed *b, const char *check)
{
    g_autofree char *args = g_strdup_printf("-trace mali_csf_check_finding "
                                            "-D %s", found.log);
    g_autofree char *props = g_strdup_printf(CLOCK_PROPS "%s%s",
                                             check ? ",check=" : "",
                                             check ?: "");

    b->qts = gpu_start_args(props, args);
    b->d = driver_on(b->qts);
    b->vm = vm_new(&b->d, 0, 1);
    b->g = group_new(&b->vm, 0, 2);
    group_start(&b->g, 0);
}

/* A job that writes a word to @va */
static void job_writes(Bed *b, uint64_t va, uint32_t val)
{
    cs_run_words(&b->g, 0, MOVE48(4, va), MOVE32(6, val), STORE(6, 4, 1, 0),
                 WAIT(0xff));
}

/* A job that reads a word of @va */
static void job_reads(Bed *b, uint64_t va)
{
    cs_run_words(&b->g, 0, MOVE48(4, va), LOAD(6, 4, 1, 0), WAIT(0xff));
}

/* One that does not end, and looks at memory once in a millisecond */
static void job_waits(Bed *b, unsigned queue)
{
    const uint64_t words[] = {
        MOVE48(4, VA_DATA), MOVE48(6, 5),
        SYNC_UNTIL(OP_SYNC_WAIT64, 4, 6, IF_GT),
    };

    cs_submit_job(&b->g, queue, vm_stream(&b->vm, words, ARRAY_SIZE(words)),
                  sizeof(words));
    qtest_clock_step(b->qts, NS_REQUEST + NS_FLUSH + 5 * NS_LOOK);
}

/* One that ends in a fault, and its queue with it */
static void job_faults(Bed *b, unsigned queue)
{
    const uint64_t words[] = { MOVE48(4, VA_NOTHING), STORE(6, 4, 1, 0) };

    cs_submit_job(&b->g, queue, vm_stream(&b->vm, words, ARRAY_SIZE(words)),
                  sizeof(words));
    g_assert_true(cs_wait_events(&b->g, queue, CS_EVENT_FATAL));
}

static void flush_caches(Bed *b)
{
    gpu_write(b->qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(b->qts, NS_FLUSH);
}

static void lock(Bed *b, uint64_t va, unsigned log2)
{
    gpu_as_lock(b->qts, 1, va, log2);
}

static void unlock(Bed *b)
{
    flush_caches(b);
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
}

static void set_page(Bed *b, uint64_t va, uint64_t pa, uint64_t leaf)
{
    pt_set(&b->vm.pt, va, 3, leaf ? pa | leaf | PTE_PAGE : 0);
}

/* --- Translations that are used --- */

static void edit_page(Bed *b, bool wrong, uint64_t pa, uint64_t leaf)
{
    job_writes(b, PAGE_A, 1);
    if (!wrong) {
        lock(b, PAGE_A, 15);
    }
    set_page(b, PAGE_A, pa, leaf);
    if (!wrong) {
        unlock(b);
    }
}

static void run_stale_page(Bed *b, bool wrong)
{
    edit_page(b, wrong, ELSEWHERE, PTE_LEAF);
    job_writes(b, PAGE_A, 0x1234);
    /* The checker looks on: what is stale is used all the same */
    g_assert_cmphex(qtest_readl(b->qts, ELSEWHERE), ==, wrong ? 0 : 0x1234);
}

/* Gone: the correct sequence ends in a fault, the wrong one does not */
static void run_stale_unmapped(Bed *b, bool wrong)
{
    const uint64_t words[] = { MOVE48(4, PAGE_A), STORE(6, 4, 1, 0) };

    edit_page(b, wrong, 0, 0);
    cs_submit_job(&b->g, 0, vm_stream(&b->vm, words, ARRAY_SIZE(words)),
                  sizeof(words));
    g_assert_true(wrong ? cs_wait_drained(&b->g, 0)
                        : cs_wait_events(&b->g, 0, CS_EVENT_FATAL));
}

static void run_stale_right(Bed *b, bool wrong)
{
    uint64_t pa = vm_pa(&b->vm, PAGE_A);

    edit_page(b, wrong, pa, PTE_LEAF | PTE_READ_ONLY);
    /* Reading is permitted as before */
    job_reads(b, PAGE_A);
}

static void run_stale_attribute(Bed *b, bool wrong)
{
    edit_page(b, wrong, vm_pa(&b->vm, PAGE_A), PTE_LEAF | PTE_ATTR(1));
    job_reads(b, PAGE_A);
}

/* Of another page, but by way of a table that was replaced */
static void run_stale_table(Bed *b, bool wrong)
{
    uint64_t slot = pt_slot(&b->vm.pt, PAGE_A, 2);

    job_writes(b, PAGE_A, 1);
    for (int i = 0; i < 512; i++) {
        uint64_t page = VM_VA + i * 0x1000;
        uint64_t desc = page < VM_VA + VM_SIZE ? pt_get(&b->vm.pt, page, 3)
                                               : 0;

        qtest_writeq(b->qts, TABLE_ELSEWHERE + i * 8, page == PAGE_B
                     ? ELSEWHERE | PTE_LEAF | PTE_PAGE : desc);
    }
    if (!wrong) {
        lock(b, VM_VA, 21);
    }
    qtest_writeq(b->qts, slot, TABLE_ELSEWHERE | PTE_TABLE);
    if (!wrong) {
        unlock(b);
    }
    job_writes(b, PAGE_B, 1);
}

/* What nobody has used may be changed at any time */
static void run_stale_unused(Bed *b, bool wrong)
{
    if (wrong) {
        job_writes(b, PAGE_A, 1);
    }
    set_page(b, PAGE_A, ELSEWHERE, PTE_LEAF);
    job_writes(b, PAGE_A, 1);
}

/* UPDATE takes everything with it: an address space given to another VM */
static void run_stale_recycled(Bed *b, bool wrong)
{
    job_writes(b, PAGE_A, 1);
    group_suspend(&b->g);
    set_page(b, PAGE_A, ELSEWHERE, PTE_LEAF);
    if (!wrong) {
        vm_bind(&b->vm, 1);
    }
    group_resume(&b->g, 0);
    job_writes(b, PAGE_A, 1);
}

/*
 * After a fault, the driver unlocks before it is done with the tables, and then
 * disables the address space: what is used in between is lost anyway
 */
static void run_stale_abandoned(Bed *b, bool wrong)
{
    const uint64_t words[] = { MOVE48(4, PAGE_A), STORE(6, 4, 1, 0) };

    if (!wrong) {
        job_faults(b, 0);
    }
    lock(b, PAGE_A, 15);
    unlock(b);
    for (int i = 0; i < 2; i++) {
        cs_run_job(&b->g, 1, words, ARRAY_SIZE(words));
        set_page(b, PAGE_A, ELSEWHERE, PTE_LEAF);
    }
    if (!wrong) {
        vm_bind(&b->vm, 1);
        cs_run_job(&b->g, 1, words, ARRAY_SIZE(words));
    }
}

/* --- Edits beside the lock --- */

static void run_edit_unlocked(Bed *b, bool wrong)
{
    job_writes(b, PAGE_A, 1);
    if (wrong) {
        set_page(b, PAGE_A, ELSEWHERE, PTE_LEAF);
    }
    lock(b, PAGE_A, 15);
    set_page(b, PAGE_A, ELSEWHERE, PTE_LEAF);
    unlock(b);
    job_writes(b, PAGE_A, 2);
}

/* Between two LOCKs, what the first one did not hold */
static void run_edit_before_wider(Bed *b, bool wrong)
{
    job_writes(b, PAGE_A, 1);
    job_writes(b, PAGE_B, 1);
    lock(b, PAGE_A, 15);
    set_page(b, PAGE_A, ELSEWHERE, PTE_LEAF);
    if (wrong) {
        set_page(b, PAGE_B, ELSEWHERE, PTE_LEAF);
    }
    lock(b, PAGE_A, 16);
    set_page(b, PAGE_B, ELSEWHERE, PTE_LEAF);
    unlock(b);
    job_writes(b, PAGE_B, 2);
}

static void run_edit_beside(Bed *b, bool wrong)
{
    job_writes(b, PAGE_A, 1);
    job_writes(b, PAGE_B, 1);
    lock(b, PAGE_A, wrong ? 15 : 16);
    set_page(b, PAGE_B, ELSEWHERE, PTE_LEAF);
    unlock(b);
}

/* As Tyr ends an update */
static void run_edit_beside_flush(Bed *b, bool wrong)
{
    job_writes(b, PAGE_A, 1);
    job_writes(b, PAGE_B, 1);
    lock(b, PAGE_B, wrong ? 15 : 16);
    set_page(b, PAGE_A, ELSEWHERE, PTE_LEAF);
    gpu_as_command(b->qts, 1, CMD_FLUSH_PT);
}

/* A second LOCK must hold what the first one held, in other tables too */
static void run_edit_narrower(Bed *b, bool wrong)
{
    set_page(b, PAGE_FAR, TABLE_ELSEWHERE, PTE_LEAF);
    job_writes(b, PAGE_FAR, 1);
    job_writes(b, PAGE_B, 1);
    lock(b, PAGE_FAR, 15);
    set_page(b, PAGE_FAR, ELSEWHERE, PTE_LEAF);
    lock(b, wrong ? PAGE_B : VM_VA, wrong ? 15 : 23);
    unlock(b);
}

/* --- Commands --- */

static void run_unlock(Bed *b, bool wrong)
{
    lock(b, VM_VA, 15);
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
    if (wrong) {
        gpu_as_command(b->qts, 1, CMD_UNLOCK);
    }
}

/* A fault ends an update before the one who does it: panthor_mmu_as_disable */
static void run_unlock_disabled(Bed *b, bool wrong)
{
    lock(b, VM_VA, 15);
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
    if (!wrong) {
        vm_unbind(&b->vm);
    }
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
}

/* Tyr gives up an address space so */
static void run_flush(Bed *b, bool wrong)
{
    lock(b, VM_VA, 15);
    gpu_as_command(b->qts, 1, CMD_FLUSH_PT);
    gpu_as_command(b->qts, 1, CMD_FLUSH_PT);
    gpu_as_command(b->qts, 1, wrong ? CMD_FLUSH_PT : CMD_FLUSH_MEM);
    vm_unbind(&b->vm);
    gpu_as_command(b->qts, 1, CMD_FLUSH_PT);
    lock(b, VM_VA, 15);
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
}

static void run_flush_then_lock(Bed *b, bool wrong)
{
    gpu_as_command(b->qts, 1, CMD_FLUSH_MEM);
    if (!wrong) {
        vm_bind(&b->vm, 1);
    }
    lock(b, VM_VA, 15);
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
}

static void run_active(Bed *b, bool wrong)
{
    gpu_write64(b->qts, AS(1) + AS_LOCKADDR, VM_VA | 14);
    gpu_write(b->qts, AS(1) + AS_COMMAND, CMD_LOCK);
    qtest_clock_step(b->qts, NS_AS_COMMAND - wrong);
    gpu_write(b->qts, AS(1) + AS_COMMAND, CMD_UNLOCK);
    qtest_clock_step(b->qts, NS_AS_COMMAND);
    if (wrong) {
        gpu_as_command(b->qts, 1, CMD_UNLOCK);
    }
}

/* Another address space's commands do not count */
static void run_active_other(Bed *b, bool wrong)
{
    for (int i = 0; i < 2; i++) {
        gpu_write64(b->qts, AS(2 - i) + AS_LOCKADDR, VM_VA | 14);
        gpu_write(b->qts, AS(2 - i) + AS_COMMAND, CMD_LOCK);
    }
    if (wrong) {
        gpu_write(b->qts, AS(1) + AS_COMMAND, CMD_LOCK);
    }
    qtest_clock_step(b->qts, NS_AS_COMMAND);
}

static void run_lockaddr(Bed *b, bool wrong)
{
    static const uint64_t right_ones[] = {
        0x0010000e, 0x0000002f, 0x000080000000002e, 0x00200014,
        /* What panthor says for 4 KiB at 0x104000 */
        0x0010400e,
    };
    static const uint64_t wrong_ones[] = {
        /* Sizes */
        0x00100000, 0x0010000d, 0x00000030, 0x0000003f,
        /* Bases */
        0x0010200e, 0x0010004e, 0x00180014, 0x000100000000000eULL,
    };
    const uint64_t *list = wrong ? wrong_ones : right_ones;
    int n = wrong ? ARRAY_SIZE(wrong_ones) : ARRAY_SIZE(right_ones);

    for (int i = 0; i < n; i++) {
        gpu_write64(b->qts, AS(2) + AS_LOCKADDR, list[i]);
        gpu_as_command(b->qts, 2, CMD_LOCK);
        gpu_as_command(b->qts, 2, CMD_UNLOCK);
        g_assert_cmpuint(findings_read(&found), ==, wrong ? i + 1 : 0);
    }
}

static void run_config(Bed *b, bool wrong)
{
    static const uint32_t regs[] = {
        AS_TRANSTAB, AS_MEMATTR + 4, AS_TRANSCFG,
    };

    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        uint64_t before = findings_read(&found);
        uint32_t reg = AS(2) + regs[i];

        gpu_write(b->qts, reg, gpu_read(b->qts, reg));
        if (!wrong) {
            gpu_as_command(b->qts, 2, CMD_UPDATE);
        }
        lock(b, VM_VA, 15);
        gpu_as_lock(b->qts, 2, VM_VA, 15);
        g_assert_cmpuint(findings_read(&found), ==, before + wrong);
        /* For the next round: no finding */
        gpu_as_command(b->qts, 2, CMD_UPDATE);
    }
}

/* Nothing follows, and the old configuration goes on being used */
static void run_config_used(Bed *b, bool wrong)
{
    gpu_write64(b->qts, AS(1) + AS_TRANSCFG, TRANSCFG_48);
    if (!wrong) {
        gpu_as_command(b->qts, 1, CMD_UPDATE);
    } else {
        qtest_clock_step(b->qts, 900000000);
        job_writes(b, PAGE_A, 1);
        g_assert_cmpuint(findings_read(&found), ==, 0);
    }
    qtest_clock_step(b->qts, NS_LONG);
    job_writes(b, PAGE_A, 1);
}

/* --- Power --- */

static void l2_off(Bed *b)
{
    gpu_write(b->qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(b->qts, NS_MCU_STOP);
    gpu_write64(b->qts, PWR_OFF + DOMAIN_L2, 1);
    qtest_clock_step(b->qts, NS_POWER);
    g_assert_cmphex(gpu_read(b->qts, PWR_READY + DOMAIN_L2), ==, 0);
}

/* Nothing comes but the end of it all */
static void run_config_off(Bed *b, bool wrong)
{
    gpu_write64(b->qts, AS(1) + AS_TRANSCFG, TRANSCFG_UNMAPPED);
    if (!wrong) {
        gpu_as_command(b->qts, 1, CMD_UPDATE);
    }
    l2_off(b);
}

/* Disabling is permitted without L2: panthor_device_unplug() does so */
static void run_power_as(Bed *b, bool wrong)
{
    l2_off(b);
    vm_unbind(&b->vm);
    if (!wrong) {
        gpu_power_on(b->qts, DOMAIN_L2);
    }
    vm_bind(&b->vm, 1);
}

/*
 * The driver does not wait for L2 to be on before it enables address space 0.
 * When the MCU starts it must be.
 */
static void run_power_mcu(Bed *b, bool wrong)
{
    l2_off(b);
    gpu_write64(b->qts, PWR_ON + DOMAIN_L2, 1);
    vm_bind(&b->vm, 1);
    qtest_clock_step(b->qts, NS_POWER - NS_AS_COMMAND - wrong);
    gpu_write(b->qts, MCU_CONTROL, MCU_AUTO);
}

static void run_power_doorbell(Bed *b, bool wrong)
{
    if (wrong) {
        l2_off(b);
    }
    gpu_write(b->qts, DOORBELL(1), 1);
}

/* --- Address spaces that are in use --- */

/* A group that has nothing to do may stay in its slot */
static void run_disable(Bed *b, bool wrong)
{
    job_writes(b, PAGE_A, 1);
    if (wrong) {
        job_waits(b, 0);
    }
    vm_unbind(&b->vm);
}

/* Nor is it a loss to have the same tables again */
static void run_disable_replaced(Bed *b, bool wrong)
{
    PageTables other = pt_new(b->qts, TABLE_ELSEWHERE);

    job_waits(b, 0);
    gpu_as_config(b->qts, 1, wrong ? other.root : b->vm.pt.root,
                  MEMATTR_COHERENT, TRANSCFG_48);
}

/* After a fault, the driver takes the tables from all that still runs */
static void run_disable_faulted(Bed *b, bool wrong)
{
    job_waits(b, 1);
    if (!wrong) {
        job_faults(b, 0);
    }
    vm_unbind(&b->vm);
}

static void run_disable_firmware(Bed *b, bool wrong)
{
    if (!wrong) {
        gpu_write(b->qts, MCU_CONTROL, MCU_DISABLE);
        qtest_clock_step(b->qts, NS_MCU_STOP);
    }
    gpu_as_config(b->qts, 0, 0, 0, TRANSCFG_UNMAPPED);
}

/* Again only after a fault */
static void run_unmapped(Bed *b, bool wrong)
{
    if (!wrong) {
        job_faults(b, 0);
    }
    vm_unbind(&b->vm);
    cs_submit_words(&b->g, 1, MOVE32(0, 1));
    g_assert_true(cs_wait_events(&b->g, 1, CS_EVENT_FATAL));
}

/* What had a fault before it was enabled again is as new */
static void run_unmapped_again(Bed *b, bool wrong)
{
    job_faults(b, 0);
    vm_unbind(&b->vm);
    vm_bind(&b->vm, 1);
    if (wrong) {
        vm_unbind(&b->vm);
    }
    cs_submit_words(&b->g, 1, MOVE32(0, 1));
    g_assert_true(wrong ? cs_wait_events(&b->g, 1, CS_EVENT_FATAL)
                        : cs_wait_drained(&b->g, 1));
}

/* --- Memory of groups that are gone --- */

static void remap_all(Bed *b)
{
    gpu_as_changed(b->qts, 0);
    gpu_as_changed(b->qts, 1);
}

/* Its memory may become another group's when it was mapped again */
static void run_terminate(Bed *b, bool wrong)
{
    group_terminate(&b->g);
    if (!wrong) {
        remap_all(b);
    }
    group_start(&b->g, 0);
    job_writes(b, PAGE_A, 1);
}

/* Nor may the firmware look for a suspended group there */
static void run_terminate_resume(Bed *b, bool wrong)
{
    group_suspend(&b->g);
    if (wrong) {
        group_resume(&b->g, 0);
        group_terminate(&b->g);
    }
    group_resume(&b->g, 1);
}

/*
 * Another group of the VM must not have the same ring.  That its stream reads
 * the one of a group that is gone is nobody's business.
 */
static void run_terminate_ring(Bed *b, bool wrong)
{
    Group other = group_new(&b->vm, 1, 1);

    other.ring = wrong ? 0 : 2;
    group_terminate(&b->g);
    group_start(&other, 1);
    cs_run_words(&other, 0, MOVE48(4, ring_va(&b->g, 0)), LOAD(6, 4, 1, 0),
                 WAIT(0xff));
}

/* The same, remapped: its VM has got another address space */
static void run_terminate_update(Bed *b, bool wrong)
{
    group_terminate(&b->g);
    gpu_as_changed(b->qts, 0);
    if (!wrong) {
        vm_bind(&b->vm, 1);
    }
    group_start(&b->g, 0);
    job_writes(b, PAGE_A, 1);
}

/* --- Page tables that the GPU may write to --- */

/* A page that is mapped becomes a table */
static void run_table_walked(Bed *b, bool wrong)
{
    uint64_t va = VM_VA + BLOCK_2M;

    lock(b, PAGE_A, 15);
    set_page(b, PAGE_A, TABLE_ELSEWHERE,
             PTE_LEAF | (wrong ? 0 : PTE_READ_ONLY));
    unlock(b);
    job_reads(b, PAGE_A);

    lock(b, va, 21);
    qtest_memset(b->qts, TABLE_ELSEWHERE, 0, 0x1000);
    qtest_writeq(b->qts, TABLE_ELSEWHERE, ELSEWHERE | PTE_LEAF | PTE_PAGE);
    pt_set(&b->vm.pt, va, 2, TABLE_ELSEWHERE | PTE_TABLE);
    unlock(b);
    job_reads(b, va);
}

/* A second VM at work in address space 2 */
static Vm second_vm(Bed *b)
{
    Vm vm = vm_new(&b->d, 1, 2);
    Group g = group_new(&vm, 1, 1);

    group_start(&g, 1);
    cs_run_words(&g, 0, MOVE48(4, PAGE_A), LOAD(6, 4, 1, 0), WAIT(0xff));
    return vm;
}

static void map_table(Bed *b, uint64_t pa, bool writable)
{
    lock(b, PAGE_A, 15);
    set_page(b, PAGE_A, pa, PTE_LEAF | (writable ? 0 : PTE_READ_ONLY));
    unlock(b);
    job_reads(b, PAGE_A);
}

/* A table becomes a page */
static void run_table_mapped(Bed *b, bool wrong)
{
    Vm other = second_vm(b);

    map_table(b, pt_get(&other.pt, PAGE_A, 2) & PTE_ADDR, wrong);
}

static void run_table_root(Bed *b, bool wrong)
{
    Vm other = vm_new(&b->d, 1, 2);

    map_table(b, other.pt.root, wrong);
}

/* The driver frees tables before it unlocks what they mapped */
static void run_table_locked(Bed *b, bool wrong)
{
    Vm other = second_vm(b);

    if (!wrong) {
        gpu_as_lock(b->qts, 2, VM_VA, 21);
    }
    map_table(b, pt_get(&other.pt, PAGE_A, 2) & PTE_ADDR, true);
}

/* --- The table --- */

typedef struct Row {
    const char *name;
    const char *kind;
    void (*run)(Bed *b, bool wrong);
    /* In the text of the first finding; NULL: looked at elsewhere */
    const char *says;
} Row;

static const Row rows[] = {
    { "stale/page", "stale-translation", run_stale_page,
      "AS 1, write of VA 0x100d0000 by group 0 queue 0 at 0x10080010 "
      "(STORE_MULTIPLE" },
    { "stale/unmapped", "stale-translation", run_stale_unmapped,
      "fault 0xc3 at level 3" },
    { "stale/right", "stale-translation", run_stale_right,
      "; this access comes to the same" },
    { "stale/attribute", "stale-translation", run_stale_attribute,
      "attributes 0x" },
    { "stale/table", "stale-translation", run_stale_table, "write of VA 0x" },
    { "stale/unused", "stale-translation", run_stale_unused,
      "PA 0x47000000 rw" },
    { "stale/recycled", "stale-translation", run_stale_recycled,
      "PA 0x47000000 rw" },
    { "stale/abandoned", "stale-translation", run_stale_abandoned,
      "group 0 queue 1" },
    { "edit/unlocked", "edit-unlocked", run_edit_unlocked,
      "AS 1, VA 0x100d0000: changed before LOCK" },
    { "edit/before-wider", "edit-unlocked", run_edit_before_wider,
      "AS 1, VA 0x100d8000: changed before LOCK" },
    { "edit/beside", "edit-uncovered", run_edit_beside,
      "AS 1, VA 0x100d8000: changed outside the region 0x100d0000 to "
      "0x100d7fff" },
    { "edit/beside-flush", "edit-uncovered", run_edit_beside_flush,
      "AS 1, VA 0x100d0000: changed outside" },
    { "edit/narrower", "edit-uncovered", run_edit_narrower,
      "AS 1, VA 0x10400000: changed outside the region 0x100d8000" },
    { "unlock", "unlock-without-lock", run_unlock, "AS 1: UNLOCK" },
    { "unlock-disabled", "unlock-without-lock", run_unlock_disabled,
      "AS 1: UNLOCK" },
    { "flush", "flush-without-lock", run_flush, "AS 1: FLUSH_PT without" },
    { "flush-then-lock", "flush-without-lock", run_flush_then_lock,
      "LOCK follows" },
    { "active", "command-while-active", run_active,
      "AS 1: UNLOCK while LOCK is active" },
    { "active-other", "command-while-active", run_active_other,
      "AS 1: LOCK while LOCK is active" },
    { "lockaddr", "bad-lockaddr", run_lockaddr, "LOCKADDR 0x100000" },
    { "config", "config-without-update", run_config, "LOCK follows" },
    { "config-used", "config-without-update", run_config_used,
      "more than a second ago" },
    { "config-off", "config-without-update", run_config_off,
      "turned off without UPDATE" },
    { "power/as", "powered-off", run_power_as, "UPDATE while" },
    { "power/mcu", "powered-off", run_power_mcu, "the MCU was started" },
    { "power/doorbell", "powered-off", run_power_doorbell, "a doorbell" },
    { "disable/busy", "as-disabled-in-flight", run_disable,
      "AS 1: UPDATE took the tables of group 0, whose queue 0" },
    { "disable/replaced", "as-disabled-in-flight", run_disable_replaced,
      "group 0, whose queue 0" },
    { "disable/faulted", "as-disabled-in-flight", run_disable_faulted,
      "group 0, whose queue 1" },
    { "disable/firmware", "as-disabled-in-flight", run_disable_firmware,
      "AS 0: UPDATE took the tables of the firmware" },
    { "unmapped", "access-unmapped", run_unmapped,
      "AS 1, read of VA 0x10010000 by group 0 queue 1" },
    { "unmapped-again", "access-unmapped", run_unmapped_again,
      "AS 1, read of VA 0x10010000 by group 0 queue 1" },
    { "terminate/start", "access-after-terminate", run_terminate,
      "AS 0, write of VA 0x4820000 by the firmware: this is in the suspend "
      "buffer, 0x4820000 to 0x" },
    { "terminate/resume", "access-after-terminate", run_terminate_resume,
      "by the firmware: this is in the suspend buffer" },
    { "terminate/ring", "access-after-terminate", run_terminate_ring,
      "AS 1, read of VA 0x10000000 by group 1 queue 0 at 0x10000000" },
    { "terminate/update", "access-after-terminate", run_terminate_update,
      "AS 1, read of VA 0x10000000 by group 0 queue 0" },
    { "table/walked", "table-writable", run_table_walked,
      "AS 1, read of VA 0x10200000 by group 0 queue 0 at 0x10080008 "
      "(LOAD_MULTIPLE base=r6, regs=r6, address=r4:r5, offset=0): a "
      "descriptor was read at PA 0x47100000, which AS 1 may write to at VA "
      "0x100d0000" },
    { "table/mapped", "table-writable", run_table_mapped,
      "is a table of level 3 of AS 2" },
    { "table/root", "table-writable", run_table_root,
      "is the root table of AS 2" },
    { "table/locked", "table-writable", run_table_locked,
      "is a table of level 3 of AS 2" },
};

static void test_row(const void *data)
{
    const Row *row = data;

    for (int wrong = 0; wrong < 2; wrong++) {
        Bed b;

        g_test_message("%s sequence", wrong ? "wrong" : "correct");
        found = findings_open();
        bed_start_checked(&b, "report");
        row->run(&b, wrong);
        qtest_clock_step(b.qts, NS_LOOK);
        if (!wrong) {
            g_assert_cmpuint(findings_read(&found), ==, 0);
        } else {
            g_assert_cmpuint(findings_read(&found), >, 0);
            g_assert_true(findings_all(&found, row->kind));
            g_test_message("%s", findings_first(&found));
            g_assert_nonnull(strstr(findings_first(&found), row->says));
        }
        qtest_quit(b.qts);
        findings_close(&found);
    }
}

/* --- How findings are told --- */

/* What is seen once more is counted, wherever it is in its page */
static void test_repeated(void)
{
    Bed b;

    found = findings_open();
    bed_start_checked(&b, "report");
    edit_page(&b, true, ELSEWHERE, PTE_LEAF);
    for (int i = 1; i <= 3; i++) {
        g_autofree char *start = g_strdup_printf("stale-translation %d:", i);

        job_writes(&b, PAGE_A + i * 64, 1);
        g_assert_cmpuint(findings_read(&found), ==, i);
        g_assert_true(g_str_has_prefix(g_ptr_array_index(found.lines, i - 1),
                                       start));
    }
    qtest_quit(b.qts);
    findings_close(&found);
}

static bool is_running(QTestState *qts)
{
    QDict *rsp = qtest_qmp_assert_success_ref(qts,
                                              "{ 'execute': 'query-status' }");
    bool running = qdict_get_bool(rsp, "running");

    if (!running) {
        g_assert_cmpstr(qdict_get_str(rsp, "status"), ==, "internal-error");
    }
    qobject_unref(rsp);
    return running;
}

static void test_modes(void)
{
    static const struct {
        const char *check;
        bool finds, stops;
    } modes[] = {
        { NULL, false, false }, { "off", false, false },
        { "report", true, false }, { "fatal", true, true },
    };

    for (int i = 0; i < ARRAY_SIZE(modes); i++) {
        Bed b;

        found = findings_open();
        bed_start_checked(&b, modes[i].check);
        run_unlock(&b, false);
        g_assert_cmpuint(findings_read(&found), ==, 0);
        g_assert_true(is_running(b.qts));
        run_unlock(&b, true);
        g_assert_cmpuint(findings_read(&found), ==, modes[i].finds);
        if (modes[i].stops) {
            qtest_qmp_eventwait(b.qts, "STOP");
        }
        g_assert_cmpint(is_running(b.qts), ==, !modes[i].stops);
        qtest_quit(b.qts);
        findings_close(&found);
    }
}

/* --- Migration --- */

/* Go on in another QEMU */
static void bed_migrate(Bed *b)
{
    g_autofree char *args = g_strdup_printf("-incoming defer -D %s -trace "
                                            "mali_csf_check_finding",
                                            found.log);
    int64_t clock = gpu_read64(b->qts, TIMESTAMP);
    g_autofree char *path = gpu_save(b->qts);
    g_autofree char *status = NULL;

    qtest_quit(b->qts);
    b->qts = gpu_start_args(CLOCK_PROPS ",check=report", args);
    b->d.qts = b->vm.qts = b->vm.pt.qts = b->g.qts = b->qts;
    qtest_clock_set(b->qts, clock);
    status = gpu_load(b->qts, path);
    g_assert_cmpstr(status, ==, "completed");
    qtest_qmp_assert_success(b->qts, "{ 'execute': 'cont' }");
    unlink(path);
}

/* What excuses the driver, and what does not, goes with the machine */
static void test_migration(void)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        Bed b;

        found = findings_open();
        bed_start_checked(&b, "report");
        if (!wrong) {
            job_faults(&b, 0);
        }
        vm_unbind(&b.vm);
        g_assert_cmpuint(findings_read(&found), ==, 0);
        bed_migrate(&b);
        cs_submit_words(&b.g, 1, MOVE32(0, 1));
        g_assert_true(cs_wait_events(&b.g, 1, CS_EVENT_FATAL));
        g_assert_cmpuint(findings_read(&found), ==, wrong);
        g_assert_true(findings_all(&found, "access-unmapped"));
        qtest_quit(b.qts);
        findings_close(&found);
    }
}

/* Memory of a group that was terminated is known in the other machine */
static void test_migration_terminated(void)
{
    Bed b;

    found = findings_open();
    bed_start_checked(&b, "report");
    group_terminate(&b.g);
    bed_migrate(&b);
    g_assert_cmpuint(findings_read(&found), ==, 0);
    group_start(&b.g, 0);
    g_assert_cmpuint(findings_read(&found), >, 0);
    g_assert_true(findings_all(&found, "access-after-terminate"));
    qtest_quit(b.qts);
    findings_close(&found);
}

static const TestCase cases[] = {
    { "repeated", test_repeated },
    { "modes", test_modes },
    { "migration", test_migration },
    { "migration-terminated", test_migration_terminated },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        add_data_case("check", rows[i].name, &rows[i], test_row);
    }
    add_cases("check", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
