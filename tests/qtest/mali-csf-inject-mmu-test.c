/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU that misbehaves: address spaces
 *
 * Commands that are late, lost or stuck, and faults without a reason; the
 * driver's side is panthor_mmu.c (contract 2.5 and 7).
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"

#define PAGE                    (VA_DATA + 0x10000)
#define ELSEWHERE               0x47000000ULL

/* --- Commands (mmu_hw_wait_ready, 100 ms) --- */

static void start_command(Bed *b, uint32_t cmd)
{
    gpu_write(b->qts, AS(1) + AS_COMMAND, cmd);
}

static bool as_done(Bed *b)
{
    return !(gpu_read(b->qts, AS(1) + AS_STATUS) & 1);
}

static void start_update(Bed *b)
{
    start_command(b, CMD_UPDATE);
}

static void start_lock(Bed *b)
{
    gpu_write64(b->qts, AS(1) + AS_LOCKADDR, PAGE | 14);
    start_command(b, CMD_LOCK);
}

static void lock_page(Bed *b)
{
    gpu_as_lock(b->qts, 1, PAGE, 15);
}

static void start_unlock(Bed *b)
{
    start_command(b, CMD_UNLOCK);
}

static void start_flush_pt(Bed *b)
{
    start_command(b, CMD_FLUSH_PT);
}

static void start_flush_mem(Bed *b)
{
    start_command(b, CMD_FLUSH_MEM);
}

static void unlock_page(Bed *b)
{
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
}

static const Wait waits[] = {
    { "update", "as-command as=1 command=update", NS_AS_COMMAND, LIMIT_AS,
      NULL, start_update, as_done, nothing, bed_reset },
    { "lock", "as-command as=1 command=lock va=0x100d0000", NS_AS_COMMAND,
      LIMIT_AS, NULL, start_lock, as_done, unlock_page, bed_reset },
    { "unlock", "as-command as=1 command=unlock va=0x100d7fff", NS_AS_COMMAND,
      LIMIT_AS, lock_page, start_unlock, as_done, nothing, bed_reset },
    { "flush-pt", "as-command as=1 command=flush-pt", NS_AS_COMMAND, LIMIT_AS,
      lock_page, start_flush_pt, as_done, nothing, bed_reset },
    { "flush-mem", "as-command as=1 command=flush-mem", NS_AS_COMMAND,
      LIMIT_AS, lock_page, start_flush_mem, as_done, nothing, bed_reset },
};

/* Which commands a rule is for: the region, the address space, the command */
static void test_filters(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "as-command name=here as=1 va=0x100d0000..0x100d0fff -> "
               "count");
    inject_add(b.qts, "as-command name=there va=0x20000000 -> count");
    inject_add(b.qts, "as-command name=lock as=1..3 command=lock -> count");
    inject_add(b.qts, "as-command name=zero as=0 -> count");
    gpu_as_lock(b.qts, 1, PAGE, 15);
    g_assert_cmpint(inject_hits(b.qts, "here"), ==, 1);
    g_assert_cmpint(inject_hits(b.qts, "there"), ==, 0);
    g_assert_cmpint(inject_hits(b.qts, "lock"), ==, 1);
    /* UNLOCK is about what is locked, UPDATE about everything */
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_cmpint(inject_hits(b.qts, "here"), ==, 2);
    g_assert_cmpint(inject_hits(b.qts, "there"), ==, 0);
    gpu_as_command(b.qts, 1, CMD_UPDATE);
    g_assert_cmpint(inject_hits(b.qts, "here"), ==, 3);
    g_assert_cmpint(inject_hits(b.qts, "there"), ==, 1);
    gpu_as_lock(b.qts, 1, 0, 48);
    g_assert_cmpint(inject_hits(b.qts, "here"), ==, 4);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    gpu_as_lock(b.qts, 1, PAGE + 0x8000, 15);
    g_assert_cmpint(inject_hits(b.qts, "here"), ==, 5);
    g_assert_cmpint(inject_hits(b.qts, "lock"), ==, 3);
    g_assert_cmpint(inject_hits(b.qts, "zero"), ==, 0);
    qtest_quit(b.qts);
}

/* Writes to a page, and says whether it got there */
static bool writes_to(Bed *b, uint32_t val, uint64_t pa)
{
    cs_run_words(&b->g, 0, MOVE48(4, PAGE), MOVE32(6, val), STORE(6, 4, 1, 0),
                 WAIT(0xff));
    return qtest_readl(b->qts, pa) == val;
}

/* What the driver does to move a page (panthor_vm_lock_region and on) */
static void move_page(Bed *b, uint64_t pa)
{
    gpu_as_lock(b->qts, 1, PAGE, 15);
    pt_set(&b->vm.pt, PAGE, 3, pa | PTE_LEAF | PTE_PAGE);
    gpu_write(b->qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(b->qts, NS_FLUSH);
    gpu_as_command(b->qts, 1, CMD_UNLOCK);
}

typedef struct Stale {
    const char *name;
    const char *rule;
    const char *finding;    /* the first one; NULL: none at all */
    bool stale;             /* the old page is written to */
    bool locked;            /* the region stays locked */
} Stale;

static const Stale stales[] = {
    { "none", "as-command command=update as=2 -> lose", NULL },
    { "unlock-stale", "as-command as=1 command=unlock -> stale",
      "stale-translation", true },
    { "unlock-lost", "as-command as=1 command=unlock -> lose", NULL,
      .locked = true },
    { "lock-lost", "as-command as=1 command=lock -> lose",
      "unlock-without-lock", true },
    { "lock-stale", "as-command as=1 command=lock -> stale", NULL },
};

/* The kinds of the checker's findings, in their order */
static char *findings(QTestState *qts)
{
    QDict *rsp = qtest_qmp(qts, "{ 'execute': 'x-mali-csf-findings' }");
    GString *kinds = g_string_new(NULL);
    const QListEntry *e;
    QList *list;

    g_assert_true(qdict_haskey(rsp, "return"));
    list = qdict_get_qlist(qdict_get_qdict(rsp, "return"), "findings");
    QLIST_FOREACH_ENTRY(list, e) {
        g_string_append_printf(kinds, "%s%s", kinds->len ? " " : "",
                               qdict_get_str(qobject_to(QDict,
                                                        qlist_entry_obj(e)),
                                             "kind"));
    }
    qobject_unref(rsp);
    return g_string_free(kinds, false);
}

/*
 * Hardware that does not do what it was told, behind a driver that does: the
 * checker sees what comes of it
 */
static void test_stale(const void *opaque)
{
    const Stale *c = opaque;
    g_autofree char *found = NULL;
    uint64_t pa;
    Bed b;

    bed_start_with(&b, 1, "check=report");
    pa = vm_pa(&b.vm, PAGE);
    g_assert_true(writes_to(&b, 0x1111, pa));
    inject_addf(b.qts, "%s", c->rule);
    move_page(&b, ELSEWHERE);
    if (c->locked) {
        /* The page is not to be had, until the lock goes after all */
        cs_submit_words(&b.g, 0, MOVE48(4, PAGE), MOVE32(6, 1),
                        STORE(6, 4, 1, 0), WAIT(0xff));
        qtest_clock_step(b.qts, NS_LONG);
        g_assert_false(cs_drained(&b.g, 0));
        inject_remove(b.qts, "rule1");
        gpu_as_command(b.qts, 1, CMD_UNLOCK);
        g_assert_true(cs_wait_drained(&b.g, 0));
    }
    g_assert_true(writes_to(&b, 0x2222, c->stale ? pa : ELSEWHERE));
    found = findings(b.qts);
    if (c->finding) {
        g_assert_nonnull(strstr(found, c->finding));
    } else {
        g_assert_cmpstr(found, ==, "");
    }
    if (c->stale) {
        g_assert_nonnull(strstr(found, "stale-translation"));
    }
    qtest_quit(b.qts);
}

/* An UPDATE that is lost leaves the tables of before in force */
static void test_update_lost(void)
{
    PageTables other;
    uint64_t pa;
    Bed b;

    bed_start(&b, 1);
    pa = vm_pa(&b.vm, PAGE);
    other = pt_new(b.qts, VM_TABLES(3));
    pt_map(&other, VM_VA, VM_RAM(0), VM_SIZE, PTE_LEAF);
    pt_set(&other, PAGE, 3, ELSEWHERE | PTE_LEAF | PTE_PAGE);
    inject_add(b.qts, "as-command as=1 command=update count=1 -> lose");
    gpu_as_config(b.qts, 1, other.root, MEMATTR_COHERENT, TRANSCFG_48);
    g_assert_true(writes_to(&b, 0x1111, pa));
    gpu_as_config(b.qts, 1, other.root, MEMATTR_COHERENT, TRANSCFG_48);
    g_assert_true(writes_to(&b, 0x2222, ELSEWHERE));
    qtest_quit(b.qts);
}

/* --- Faults (panthor_mmu_irq_handler, contract 2.5) --- */

typedef struct FaultType {
    const char *name;
    uint8_t type;
} FaultType;

static const FaultType types[] = {
    { "translation-0", 0xc0 }, { "translation-1", 0xc1 },
    { "translation-2", 0xc2 }, { "translation-3", 0xc3 },
    { "translation-4", 0xc4 }, { "permission-0", 0xc8 },
    { "permission-1", 0xc9 }, { "permission-2", 0xca },
    { "permission-3", 0xcb }, { "access-flag-1", 0xd9 },
    { "access-flag-2", 0xda }, { "access-flag-3", 0xdb },
    { "address-in", 0xe0 }, { "address-out-0", 0xe4 },
    { "address-out-1", 0xe5 }, { "address-out-2", 0xe6 },
    { "address-out-3", 0xe7 }, { "attribute-0", 0xe8 },
    { "attribute-1", 0xe9 }, { "attribute-2", 0xea },
    { "attribute-3", 0xeb }, { "bus", 0x80 }, { "shareability", 0x88 },
};

static void submit_write(Bed *b, unsigned j)
{
    cs_submit_words(&b->g, j, MOVE48(4, PAGE), MOVE32(6, 0x77),
                    STORE(6, 4, 1, 0), WAIT(0xff));
}

/*
 * What the driver finds, and what it does: the address space is disabled while
 * the queue is still there, the group is terminated, both are set up again
 */
static void check_fault(Bed *b, uint8_t type, uint32_t access, uint64_t va)
{
    g_assert_true(gpu_read(b->qts, MMU_INT + RAWSTAT) & BIT(1));
    g_assert_cmphex(gpu_read(b->qts, AS(1) + AS_FAULTSTATUS) & 0x3ff, ==,
                    access << 8 | type);
    g_assert_cmphex(gpu_read64(b->qts, AS(1) + AS_FAULTADDRESS), ==, va);
    gpu_write(b->qts, MMU_INT + CLEAR, BIT(1));
    gpu_write(b->qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(b->qts, NS_FLUSH);
    vm_unbind(&b->vm);
    group_terminate(&b->g);
    vm_bind(&b->vm, 1);
    /* The group is freed, and its pages are another one's */
    gpu_as_changed(b->qts, 0);
    b->g = group_new(&b->vm, 0, b->g.queues);
    group_start(&b->g, 0);
    check_works(&b->g, 0, 0x1111);
    check_works(&b->g, 1, 0x1111);
    g_assert_cmphex(gpu_read(b->qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
}

/* Of a walk: once, as what the TLB has needs none */
static void test_walk_fault(const void *opaque)
{
    const FaultType *t = opaque;
    g_autofree char *found = NULL;
    Group other;
    Bed b;

    bed_start_with(&b, 2, "check=report");
    other = bed_neighbour(&b, 1);
    inject_addf(b.qts, "walk name=w as=1 va=0x100d0000 access=write count=1 -> "
                "fault type=0x%x", t->type);
    submit_write(&b, 0);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_BUS);
    g_assert_cmphex(cs_out64(&b.g, 0, CS_FATAL_INFO), ==, PAGE);
    g_assert_cmphex(vm_read(&b.vm, PAGE), ==, 0);
    check_works(&other, 0, 0x2222);
    check_fault(&b, t->type, 3, PAGE);
    /* It was the hardware's mistake, and the second walk finds the page */
    g_assert_true(writes_to(&b, 0x3333, vm_pa(&b.vm, PAGE)));
    g_assert_cmpint(inject_hits(b.qts, "w"), ==, 1);
    /* The driver has done nothing wrong */
    found = findings(b.qts);
    g_assert_cmpstr(found, ==, "");
    qtest_quit(b.qts);
}

/* Of an access, also by way of the TLB; only of who is meant, and of what */
static void test_access_fault(const void *opaque)
{
    const FaultType *t = opaque;
    Bed b;

    bed_start(&b, 2);
    g_assert_true(writes_to(&b, 0x1234, vm_pa(&b.vm, PAGE)));
    inject_addf(b.qts, "access name=a as=1 csg=0 cs=1 va=0x100d0000 "
                "access=write count=1 -> fault type=0x%x", t->type);
    g_assert_true(writes_to(&b, 0x2345, vm_pa(&b.vm, PAGE)));
    cs_run_words(&b.g, 1, MOVE48(4, PAGE), LOAD(6, 4, 1, 0), WAIT(0xff));
    g_assert_cmpint(inject_matches(b.qts, "a"), ==, 0);
    submit_write(&b, 1);
    g_assert_true(cs_wait_events(&b.g, 1, CS_EVENT_FATAL));
    g_assert_cmphex(vm_read(&b.vm, PAGE), ==, 0x2345);
    check_works(&b.g, 0, 0x2222);
    check_fault(&b, t->type, 3, PAGE);
    qtest_quit(b.qts);
}

/* Of a read, one of the stream's own instructions among them */
static void test_fetch_fault(void)
{
    const uint64_t words[] = { MOVE32(8, 1), MOVE32(8, 2), MOVE32(8, 3) };
    uint64_t stream;
    Bed b;

    bed_start(&b, 2);
    stream = vm_stream(&b.vm, words, ARRAY_SIZE(words));
    inject_addf(b.qts, "access name=a as=1 va=0x%" PRIx64 " access=read "
                "count=1 -> fault", stream + 8);
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    check_fault(&b, 0xc3, 2, stream + 8);
    qtest_quit(b.qts);
}

/* The second fault is not latched while the driver has one to look at */
static void test_second_fault(void)
{
    Bed b;

    bed_start(&b, 2);
    inject_add(b.qts, "access cs=0 va=0x100d0000 access=write -> "
               "fault type=0xc1");
    inject_add(b.qts, "access cs=1 va=0x100d0000 access=write -> "
               "fault type=0xc2");
    submit_write(&b, 0);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    submit_write(&b, 1);
    g_assert_true(cs_wait_events(&b.g, 1, CS_EVENT_FATAL));
    check_fault(&b, 0xc1, 3, PAGE);
    qtest_quit(b.qts);
}

/* A walk that fails leaves nothing in the TLB: the next one fails as well */
static void test_walk_again(void)
{
    Bed b;

    bed_start(&b, 2);
    inject_add(b.qts, "walk name=w va=0x100d0000 access=write -> fault");
    submit_write(&b, 0);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    submit_write(&b, 1);
    g_assert_true(cs_wait_events(&b.g, 1, CS_EVENT_FATAL));
    g_assert_cmpint(inject_hits(b.qts, "w"), ==, 2);
    qtest_quit(b.qts);
}

/* One that the firmware meets is its end: the next ping fails, then a reset */
static void check_firmware_fault(const char *rule)
{
    Bed b;

    bed_start(&b, 2);
    /* It has told all that it has to */
    qtest_clock_step(b.qts, NS_LONG);
    inject_addf(b.qts, "%s", rule);
    gpu_write(b.qts, DOORBELL(0), 1);
    qtest_clock_step(b.qts, NS_REQUEST);
    g_assert_cmphex(gpu_read(b.qts, MMU_INT + RAWSTAT) & 0xffff, ==, 1);
    g_assert_cmphex(gpu_read(b.qts, AS(0) + AS_FAULTSTATUS) & 0xff, ==, 0xc2);
    g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, MCU_FATAL);
    gpu_write(b.qts, MMU_INT + CLEAR, BIT(0));
    fw_write(b.qts, FW_REQ, fw_read(b.qts, FW_REQ) ^ GLB_PING);
    gpu_write(b.qts, DOORBELL(0), 1);
    qtest_clock_step(b.qts, LIMIT_PING);
    g_assert_true((fw_read(b.qts, FW_REQ) ^ fw_read(b.qts, FW_ACK)) &
                  GLB_PING);
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

static void test_firmware_fault(void)
{
    check_firmware_fault("access as=0 va=0x04002000 count=1 -> "
                         "fault type=0xc2");
    check_firmware_fault("access as=0 count=1 -> fault type=0xc2");
}

/* --- Other values --- */

static void test_values(void)
{
    uint64_t pa;
    uint32_t regs[16];
    Bed b;

    bed_start(&b, 1);
    pa = vm_pa(&b.vm, PAGE);
    /* What is written; what lies beside it is as it was */
    inject_add(b.qts, "access va=0x100d0004 access=write count=1 -> "
               "set value=0x5555");
    cs_run_words(&b.g, 0, MOVE48(4, PAGE), MOVE32(8, 1), MOVE32(9, 2),
                 MOVE32(10, 3), MOVE32(11, 4), STORE(8, 4, 0xf, 0),
                 WAIT(0xff));
    g_assert_cmphex(qtest_readl(b.qts, pa), ==, 1);
    g_assert_cmphex(qtest_readl(b.qts, pa + 4), ==, 0x5555);
    /* 8 bytes */
    g_assert_cmphex(qtest_readl(b.qts, pa + 8), ==, 0);
    g_assert_cmphex(qtest_readl(b.qts, pa + 12), ==, 4);
    /* What the queue has stays what it was */
    cs_read_regs(&b.g, 0, 8, regs);
    g_assert_cmphex(regs[1], ==, 2);
    g_assert_cmphex(regs[2], ==, 3);
    /* What is read; memory stays */
    inject_add(b.qts, "access va=0x100d000c..0x100d000f access=read count=1 -> "
               "flip bits=0xf0000000f0");
    cs_run_words(&b.g, 0, MOVE48(4, PAGE), LOAD(16, 4, 0xf, 0), WAIT(0xff));
    cs_read_regs(&b.g, 0, 16, regs);
    g_assert_cmphex(regs[0], ==, 1);
    g_assert_cmphex(regs[3], ==, 4 ^ 0xf0);
    g_assert_cmphex(qtest_readl(b.qts, pa + 12), ==, 4);
    /* A write that is dropped, and a read of nothing */
    inject_add(b.qts, "access va=0x100d0000 access=write count=1 -> drop");
    cs_run_words(&b.g, 0, MOVE48(4, PAGE), MOVE32(8, 9), STORE(8, 4, 1, 0),
                 WAIT(0xff));
    g_assert_cmphex(qtest_readl(b.qts, pa), ==, 1);
    inject_add(b.qts, "access va=0x100d0000 access=read count=1 -> drop");
    cs_run_words(&b.g, 0, MOVE48(4, PAGE), LOAD(16, 4, 1, 0), WAIT(0xff));
    cs_read_regs(&b.g, 0, 16, regs);
    g_assert_cmphex(regs[0], ==, 0);
    /* Sync objects have a way of their own */
    vm_write64(&b.vm, PAGE, 100);
    inject_add(b.qts, "access va=0x100d0000 access=write count=1 -> "
               "set value=7");
    cs_run_words(&b.g, 0, MOVE48(4, PAGE), MOVE48(6, 1),
                 SYNC(OP_SYNC_ADD64, 4, 6, 0));
    g_assert_cmpint(vm_read64(&b.vm, PAGE), ==, 107);
    inject_add(b.qts, "access va=0x100d0000 access=write count=1 -> drop");
    cs_run_words(&b.g, 0, MOVE48(4, PAGE), MOVE48(6, 1),
                 SYNC(OP_SYNC_ADD64, 4, 6, 0));
    g_assert_cmpint(vm_read64(&b.vm, PAGE), ==, 107);
    qtest_quit(b.qts);
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "filters", test_filters },
        { "update-lost", test_update_lost },
        { "fetch-fault", test_fetch_fault },
        { "second-fault", test_second_fault },
        { "walk-again", test_walk_again },
        { "firmware-fault", test_firmware_fault },
        { "values", test_values },
    };

    g_test_init(&argc, &argv, NULL);
    add_waits("inject-mmu", waits, ARRAY_SIZE(waits));
    add_cases("inject-mmu", cases, ARRAY_SIZE(cases));
    for (int i = 0; i < ARRAY_SIZE(stales); i++) {
        add_data_case("inject-mmu/checker", stales[i].name, &stales[i],
                      test_stale);
    }
    for (int i = 0; i < ARRAY_SIZE(types); i++) {
        add_data_case("inject-mmu/walk", types[i].name, &types[i],
                      test_walk_fault);
        add_data_case("inject-mmu/access", types[i].name, &types[i],
                      test_access_fault);
    }
    return g_test_run();
}
