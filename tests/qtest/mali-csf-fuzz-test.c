/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: whatever the guest writes
 *
 * Random words where the device reads: streams, descriptors, rings, interface
 * blocks, suspend buffers, page tables, registers.  The device must survive,
 * answer the firmware's requests in their usual time, leave another group
 * alone, and run a clean group afterwards; where registers were written, after
 * a reset.
 */

#include "qemu/osdep.h"
#include "mali-csf-fuzz.h"

/* --- Instructions --- */

static const uint8_t opcodes[] = {
    OP_NOP, OP_MOVE48, OP_MOVE32, OP_WAIT, OP_RUN_COMPUTE, OP_RUN_TILING,
    OP_RUN_IDVS, OP_RUN_FRAGMENT, OP_RUN_FULLSCREEN, OP_FINISH_TILING,
    OP_FINISH_FRAGMENT, OP_ADD_IMM32, OP_ADD_IMM64, OP_UMIN32, OP_LOAD,
    OP_STORE, OP_BRANCH, OP_SET_SB_ENTRY, OP_PROGRESS_WAIT,
    OP_SET_EXCEPTION_HANDLER, OP_CALL, OP_JUMP, OP_REQ_RESOURCE,
    OP_FLUSH_CACHE2, OP_SYNC_ADD32, OP_SYNC_SET32, OP_SYNC_WAIT32,
    OP_STORE_STATE, OP_PROT_REGION, OP_PROGRESS_STORE, OP_PROGRESS_LOAD,
    OP_RUN_COMPUTE_INDIRECT, OP_ERROR_BARRIER, OP_HEAP_SET, OP_HEAP_OPERATION,
    OP_TRACE_POINT, OP_SYNC_ADD64, OP_SYNC_SET64, OP_SYNC_WAIT64,
};

/* Mostly instructions that pass the decoder, on registers with something in */
static uint64_t rnd_insn(void)
{
    uint64_t word = rnd();

    switch (rnd_below(8)) {
    case 0:
        return word;
    case 1:
    case 2:
        return MOVE48(rnd_below(16) * 2, rnd_value() & 0xffffffffffff);
    default:
        return INSN(opcodes[rnd_below(ARRAY_SIZE(opcodes))],
                    rnd_below(16) * 2, rnd_below(16) * 2, rnd_below(16) * 2,
                    word);
    }
}

static void write_words(Fuzz *f, uint64_t va, uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        words[i] = cpu_to_le64(words[i]);
    }
    qtest_bufwrite(f->b.qts, vm_pa(&f->b.vm, va), words, n * 8);
}

static void fill_insns(Fuzz *f, uint64_t va, unsigned n)
{
    g_autofree uint64_t *words = g_new(uint64_t, n);

    for (unsigned i = 0; i < n; i++) {
        words[i] = rnd_insn();
    }
    write_words(f, va, words, n);
}

/* A job in the ring of the first queue, before the group is in its slot */
static void put_job(Fuzz *f, uint64_t stream, uint32_t size)
{
    uint64_t words[JOB_INSNS];

    job_insns(words, stream, size, ring_sync(&f->b.g, 0));
    write_words(f, ring_va(&f->b.g, 0), words, JOB_INSNS);
    ring_set(&f->b.g, 0, RING_INSERT, sizeof(words));
}

static void one_stream(Fuzz *f)
{
    group_fresh(f, 2);
    fill_insns(f, VA_STREAMS, 64);
    put_job(f, VA_STREAMS + rnd_below(32) * 8, 256);
    group_go(f, 300000);
    group_evict(f);
}

static void one_ring(Fuzz *f)
{
    group_fresh(f, 1);
    fill_insns(f, ring_va(&f->b.g, 0), 64);
    ring_set(&f->b.g, 0, RING_INSERT, rnd_below(2) ? 512 : rnd_value());
    ring_set(&f->b.g, 0, RING_EXTRACT_INIT, rnd_below(4) ? 0 : rnd_value());
    if (!rnd_below(4)) {
        f->in.cs[0][CS_RING_SIZE / 4] = rnd_value();
    }
    if (!rnd_below(4)) {
        f->in.cs[0][CS_RING_BASE / 4] = rnd_value();
        f->in.cs[0][CS_RING_BASE / 4 + 1] = rnd_below(2) ? 0 : rnd();
    }
    group_go(f, 200000);
    group_evict(f);
}

/* --- Descriptors --- */

/*
 * In the data: the registers' contents, then one descriptor of each kind, as
 * genxml has them, by 64-bit words
 */
#define DESC_SHADER             0x200
#define DESC_TILER              0x300
#define DESC_HEAP               0x400
#define DESC_FRAME              0x500
#define DESC_ZS                 (DESC_FRAME + 0x80)
#define DESC_TARGETS            (DESC_FRAME + 0xc0)
#define DESC_CONTEXT            0x900
#define DESC_TABLE              0xc00
#define DESC_CHUNK              0x8000
#define DESC_SIZE               0x1000
#define REGS                    96

static uint64_t rnd_desc(void)
{
    static const uint16_t places[] = {
        0, DESC_SHADER, DESC_TILER, DESC_HEAP, DESC_FRAME, DESC_ZS,
        DESC_TARGETS, DESC_CONTEXT, DESC_TABLE, DESC_CHUNK,
    };
    uint64_t place = places[rnd_below(ARRAY_SIZE(places))];

    return rnd_below(8) ? VA_DATA + place : rnd_value();
}

/* A render target with a format that is written, or with any */
static void rnd_target(uint64_t *w)
{
    uint32_t format[] = { 1, 2, 3, 4, 5, 6, 0, 32, rnd_below(64) };
    uint32_t internal = format[rnd_below(ARRAY_SIZE(format))];

    w[0] = internal << 26 |
           (uint64_t)(1 | rnd_below(32) << 3 | rnd_below(4) << 8 |
                      !rnd_below(8) << 12 | 03210 << 16) << 32;
    w[4] = VA_DATA + 0x10000 + rnd_below(16) * 64;
    w[5] = rnd_below(4096);
    w[6] = rnd();
    w[7] = rnd();
}

static void fill_descriptors(Fuzz *f)
{
    g_autofree uint64_t *words = g_new0(uint64_t, DESC_SIZE / 8);
    uint64_t *frame = words + DESC_FRAME / 8;
    uint64_t size = rnd_below(4) ? rnd_below(512) << 16 | rnd_below(512)
                                 : (uint32_t)rnd();

    for (int i = 0; i < REGS / 2; i++) {
        words[i] = rnd_desc();
    }
    /* Resource tables and FAU have lengths in their pointers */
    for (int i = 0; i < 8; i++) {
        words[i] = i < 4 ? words[i] | rnd_below(64)
                         : words[i] | (uint64_t)rnd_below(256) << 56;
    }
    /* Sizes of tasks: small, or anything */
    for (int i = 16; i < 20; i++) {
        words[i] = rnd_below(4) ? rnd_below(64) | 1ULL << 32 : rnd();
    }
    words[21] = size << 32;
    words[DESC_SHADER / 8] = 8;
    words[DESC_TILER / 8 + 3] = VA_DATA + DESC_HEAP;
    words[DESC_HEAP / 8] = 0x29;
    words[DESC_HEAP / 8 + 1] = VA_DATA + DESC_CHUNK;
    words[DESC_HEAP / 8 + 2] = VA_DATA + DESC_CHUNK + 64;
    words[DESC_HEAP / 8 + 3] = VA_DATA + DESC_CHUNK + rnd_below(4) * 0x1000;
    frame[4] = size;
    frame[5] = size;
    frame[6] = rnd();
    frame[7] = rnd_below(2) ? 0 : VA_DATA + DESC_TILER;
    words[DESC_ZS / 8] = rnd();
    words[DESC_ZS / 8 + 4] = VA_DATA + 0x10000;
    words[DESC_ZS / 8 + 5] = rnd_below(4096);
    for (int i = 0; i < 8; i++) {
        rnd_target(words + DESC_TARGETS / 8 + i * 8);
    }
    for (int n = rnd_below(16); n > 0; n--) {
        uint64_t *word = &words[rnd_below(DESC_SIZE / 8)];

        *word = rnd_below(2) ? *word ^ 1ULL << rnd_below(64) : rnd_value();
    }
    write_words(f, VA_DATA, words, DESC_SIZE / 8);
    vm_write64(&f->b.vm, VA_DATA + DESC_CHUNK,
               rnd_below(2) ? 0 : (VA_DATA + DESC_CHUNK) | rnd_below(16));
}

/* Registers from the data, then tasks and what belongs to them */
static void fill_tasks(Fuzz *f)
{
    static const uint8_t tasks[] = {
        OP_RUN_TILING, OP_RUN_COMPUTE, OP_RUN_COMPUTE_INDIRECT, OP_RUN_IDVS,
        OP_RUN_FRAGMENT, OP_RUN_FULLSCREEN, OP_FINISH_TILING,
        OP_FINISH_FRAGMENT, OP_HEAP_SET, OP_HEAP_OPERATION,
        OP_SET_EXCEPTION_HANDLER, OP_SET_SB_ENTRY, OP_WAIT,
    };
    uint64_t words[64];
    unsigned n = 0;

    words[n++] = MOVE48(REGS - 2, VA_DATA);
    for (int r = 0; r < REGS - 16; r += 16) {
        words[n++] = LOAD(r, REGS - 2, 0xffff, r * 4);
    }
    words[n++] = WAIT(0xff);
    words[n++] = MOVE48(70, rnd_below(4) ? VA_DATA + DESC_CONTEXT
                                         : rnd_value() & 0xffffffffffff);
    words[n++] = INSN(OP_HEAP_SET, 0, 70, 0, 0);
    while (n < ARRAY_SIZE(words)) {
        uint8_t op = tasks[rnd_below(ARRAY_SIZE(tasks))];

        if (op == OP_RUN_FRAGMENT) {
            words[n++] = MOVE48(40, (VA_DATA + DESC_FRAME) | rnd_below(64));
        } else if (rnd_below(2)) {
            words[n++] = MOVE48(40, VA_DATA + DESC_TILER);
        }
        if (n < ARRAY_SIZE(words)) {
            words[n++] = INSN(op, rnd_below(8), rnd_below(32) * 2,
                              rnd_below(4) ? rnd_below(32) * 2 : rnd(),
                              rnd_below(2) ? 0 : rnd());
        }
    }
    write_words(f, VA_STREAMS, words, n);
}

/* A tiler that wants memory gets something that may not be any */
static void answer_oom(Fuzz *f)
{
    SlotInput *in = &f->in;
    uint32_t ack = cs_out(&f->b.g, 0, CS_ACK);

    if ((in->cs[0][CS_REQ / 4] ^ ack) & CS_EVENT_TILER_OOM) {
        cs_in_set64(&f->b.g, 0, 0x20, rnd_desc());
        cs_in_set64(&f->b.g, 0, 0x28, rnd_desc());
        cs_in_set(&f->b.g, 0, CS_REQ,
                  in->cs[0][CS_REQ / 4] ^ CS_EVENT_TILER_OOM);
        csg_in_set(&f->b.g, CSG_DOORBELL_REQ,
                   csg_out(&f->b.g, CSG_DOORBELL_ACK) ^ 1);
        slot_ring(f->b.qts, BIT(SLOT_FUZZED), 100000);
    }
}

static void one_task(Fuzz *f)
{
    group_fresh(f, 1);
    fill_descriptors(f);
    fill_tasks(f);
    put_job(f, VA_STREAMS, 64 * 8);
    group_go(f, 200000);
    answer_oom(f);
    group_evict(f);
}

/* --- Interface blocks --- */

/* Some words of the input blocks of the group and its queues */
static void one_interface(Fuzz *f)
{
    SlotInput *in = &f->in;

    group_fresh(f, 2);
    fill_insns(f, ring_va(&f->b.g, 0), 16);
    ring_set(&f->b.g, 0, RING_INSERT, 128);
    for (int n = rnd_below(4); n >= 0; n--) {
        if (rnd_below(2)) {
            in->csg[rnd_below(22)] = rnd_value();
        } else {
            in->cs[rnd_below(8)][rnd_below(22)] = rnd_value();
        }
    }
    /* The host does not give it an address space that others have */
    if ((in->csg[CSG_CONFIG / 4] & 15) == 0 ||
        (in->csg[CSG_CONFIG / 4] & 15) == f->other_vm.as) {
        in->csg[CSG_CONFIG / 4] ^= 4;
    }
    group_go(f, 100000);
    if (rnd_below(2)) {
        in->csg[CSG_REQ / 4] = rnd();
        in->csg[CSG_DOORBELL_REQ / 4] = rnd();
        slot_write(f, SLOT_FUZZED, in, 100000);
    }
    group_evict(f);
}

/* The firmware's own, with the first groups at work; it may halt */
static void one_global(Fuzz *f)
{
    QTestState *qts = f->b.qts;

    group_fresh(f, 1);
    fill_insns(f, VA_STREAMS, 32);
    put_job(f, VA_STREAMS, 256);
    group_go(f, 20000);
    for (int n = rnd_below(4); n >= 0; n--) {
        fw_write(qts, FW_INPUT + rnd_below(0x88 / 4) * 4, rnd_value());
        gpu_write(qts, DOORBELL(rnd_below(2) ? 0 : rnd_below(64)), rnd());
        qtest_clock_step(qts, 1 + rnd_below(100000));
    }
    fuzz_reset(f);
}

/*
 * What has to follow a change of tables: until then the GPU may go by what they
 * were before, and by what they are after it is undone
 */
static void drop_translations(QTestState *qts, unsigned as)
{
    gpu_as_command(qts, as, CMD_FLUSH_PT);
}

/* What the firmware finds, and where it finds it, when it boots */
static void one_boot(Fuzz *f)
{
    QTestState *qts = f->b.qts;
    uint64_t saved[4], at[4];
    uint32_t words[64];
    int n = rnd_below(5);

    for (int i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = rnd_value();
    }
    fw_bytes(qts, FW_SHARED + rnd_below(0xb000 / 256) * 256, words,
             sizeof(words), true);
    for (int i = 0; i < n; i++) {
        at[i] = pt_slot(&f->b.d.fw, FW_SHARED + rnd_below(16) * 0x1000,
                        rnd_below(8) ? 3 : rnd_below(4));
    }
    for (int i = 0; i < n; i++) {
        saved[i] = qtest_readq(qts, at[i]);
        /* To nowhere or to the fuzzed VM: see rnd_descriptor() */
        qtest_writeq(qts, at[i], rnd_below(2) ? 0 :
                     (saved[i] & ~PTE_ADDR) | (rnd() & 0xfff) |
                     (rnd_below(2) ? RAM_NOTHING : VM_RAM(0)));
    }
    drop_translations(qts, 0);
    gpu_write(qts, MCU_CONTROL, rnd_below(3));
    qtest_clock_step(qts, NS_COLD_BOOT);
    gpu_write(qts, MCU_CONTROL, rnd_below(4) ? MCU_AUTO : rnd());
    gpu_write(qts, DOORBELL(rnd_below(2)), 1);
    qtest_clock_step(qts, NS_COLD_BOOT);
    while (n--) {
        qtest_writeq(qts, at[n], saved[n]);
    }
    fuzz_reset(f);
    other_submit(f);
    qtest_clock_step(qts, NS_LOOK * 2);
    other_check(f);
}

static void one_suspend(Fuzz *f)
{
    uint64_t buf = GROUP_RAM(0) + GROUP_SUSPEND;
    uint32_t size = fw_read(f->b.qts, FW_SUSPEND_SIZE);

    group_fresh(f, 2);
    fill_insns(f, VA_STREAMS, 32);
    put_job(f, VA_STREAMS, 256);
    group_go(f, 10000 + rnd_below(20000));
    slot_state(f, SLOT_FUZZED, CSG_SUSPEND);
    if (rnd_below(4)) {
        /* Valid but for some bytes, most of them of the first queue */
        for (int n = rnd_below(16); n >= 0; n--) {
            uint32_t at = rnd_below(rnd_below(4) ? 128 : size);

            qtest_writeb(f->b.qts, buf + at, rnd());
        }
    } else {
        uint64_t bytes[512];

        /* Behind the header, as far as the first queues */
        for (int i = 0; i < ARRAY_SIZE(bytes); i++) {
            bytes[i] = rnd();
        }
        qtest_bufwrite(f->b.qts, buf + 16, bytes, sizeof(bytes));
    }
    slot_program(f, SLOT_FUZZED, &f->in, 2, CSG_RESUME);
    slot_write(f, SLOT_FUZZED, &f->in, 100000);
    group_evict(f);
}

/* --- Page tables --- */

/*
 * A descriptor that leads to memory of the fuzzed VM, or to none: what the host
 * maps is the VM's to destroy.
 */
static uint64_t rnd_descriptor(uint64_t saved)
{
    uint64_t desc = rnd_below(2) ? rnd() : saved ^ 1ULL << rnd_below(64);
    uint64_t pa = desc & PTE_ADDR;

    if ((desc & PTE_TABLE) == PTE_BLOCK) {
        return (desc & ~PTE_ADDR) | RAM_NOTHING;
    }
    if (pa != (saved & PTE_ADDR) && pa >= 0x40000000 && pa < 0x48000000) {
        return (desc & ~PTE_ADDR) | VM_RAM(0);
    }
    return desc;
}

/* Some descriptors of the group's own tables */
static void one_table(Fuzz *f)
{
    uint64_t saved[4], at[4];
    int n = 1 + rnd_below(4);

    group_fresh(f, 1);
    fill_insns(f, VA_STREAMS, 32);
    put_job(f, VA_STREAMS, 256);
    for (int i = 0; i < n; i++) {
        uint64_t table = VM_TABLES(0) + rnd_below(4) * 0x1000;

        at[i] = table + rnd_below(512) * 8;
        if (rnd_below(2)) {
            at[i] = pt_slot(&f->b.vm.pt, rnd_below(2) ? VM_VA : VA_STREAMS,
                            rnd_below(4));
        }
    }
    /* The walks above need them as they were */
    for (int i = 0; i < n; i++) {
        saved[i] = qtest_readq(f->b.qts, at[i]);
        qtest_writeq(f->b.qts, at[i], rnd_descriptor(saved[i]));
    }
    drop_translations(f->b.qts, f->b.vm.as);
    group_go(f, 100000);
    group_evict(f);
    while (n--) {
        qtest_writeq(f->b.qts, at[n], saved[n]);
    }
    drop_translations(f->b.qts, f->b.vm.as);
}

/* --- Registers --- */

typedef struct RegArea {
    uint32_t from;
    uint32_t size;
} RegArea;

static const RegArea areas[] = {
    { 0, 0x400 }, { PWR_ON, 0x80 }, { MCU_CONTROL, 8 }, { JOB_INT, 0x20 },
    { MMU_INT, 0x20 }, { AS(0), 0x400 }, { AS(1), 0x40 }, { AS(1), 0x40 },
    { LATEST_FLUSH, 8 }, { DOORBELL(0), 0x200000 - DOORBELL(0) },
    { 0, GPU_WINDOW },
};

static void access_register(QTestState *qts)
{
    const RegArea *area = &areas[rnd_below(ARRAY_SIZE(areas))];
    uint64_t at = GPU_BASE + area->from + rnd_below(area->size / 4) * 4;
    uint64_t val = rnd_below(2) ? rnd_below(16) : rnd_value();

    switch (rnd_below(16)) {
    case 0:
        qtest_writeq(qts, ROUND_DOWN(at, 8), val);
        break;
    case 1:
        qtest_writew(qts, at + rnd_below(2) * 2, val);
        break;
    case 2:
        qtest_writeb(qts, at + rnd_below(4), val);
        break;
    case 3:
        qtest_readl(qts, at);
        break;
    default:
        qtest_writel(qts, at, val);
        break;
    }
}

/* An address space that changes under the group that uses it, one or twice */
static void one_space(Fuzz *f)
{
    static const uint8_t regs[] = {
        AS_TRANSTAB, AS_TRANSTAB + 4, AS_MEMATTR, AS_LOCKADDR, AS_LOCKADDR + 4,
        AS_TRANSCFG, AS_TRANSCFG + 4, AS_FAULTSTATUS, AS_STATUS,
    };
    QTestState *qts = f->b.qts;

    group_fresh(f, 1);
    fill_insns(f, VA_STREAMS, 32);
    put_job(f, VA_STREAMS, 256);
    group_go(f, 5000 + rnd_below(20000));
    for (int n = rnd_below(4); n >= 0; n--) {
        gpu_write(qts, AS(1) + regs[rnd_below(ARRAY_SIZE(regs))], rnd_value());
        gpu_write(qts, AS(1) + AS_COMMAND, rnd_below(8));
        qtest_clock_step(qts, rnd_below(4) ? NS_AS_COMMAND
                                           : 1 + rnd_below(50000));
    }
    /* A region that stays locked would hold back who leaves in it */
    qtest_clock_step(qts, NS_AS_COMMAND);
    gpu_as_command(qts, 1, CMD_UNLOCK);
    qtest_clock_step(qts, 40000);
    group_evict(f);
    vm_bind(&f->b.vm, 1);
}

/* Any register at all, with the first groups at work */
static void one_register(Fuzz *f)
{
    group_fresh(f, 1);
    fill_insns(f, VA_STREAMS, 32);
    put_job(f, VA_STREAMS, 256);
    group_go(f, 5000 + rnd_below(20000));
    for (int n = rnd_below(12); n >= 0; n--) {
        access_register(f->b.qts);
        if (rnd_below(2)) {
            qtest_clock_step(f->b.qts, 1 + rnd_below(50000));
        }
    }
    fuzz_reset(f);
    other_submit(f);
    qtest_clock_step(f->b.qts, NS_LOOK * 2);
    other_check(f);
}

/* --- All of them --- */

static const FuzzTarget targets[] = {
    { "streams", one_stream },
    { "rings", one_ring },
    { "tasks", one_task },
    { "interface", one_interface },
    { "global", one_global },
    { "boot", one_boot },
    { "suspend", one_suspend },
    { "tables", one_table },
    { "spaces", one_space },
    { "registers", one_register },
};

static void test_fuzz(const void *opaque)
{
    const FuzzTarget *target = opaque;

    fuzz_run(target, target - targets, ARRAY_SIZE(targets));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fuzz_now.program = argv[0];

    for (int i = 0; i < ARRAY_SIZE(targets); i++) {
        g_autofree char *path = g_strdup_printf("mali-csf/fuzz/%s",
                                                targets[i].name);

        qtest_add_data_func(path, &targets[i], test_fuzz);
    }

    return g_test_run();
}
