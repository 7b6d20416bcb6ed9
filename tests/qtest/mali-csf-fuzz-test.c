/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: whatever the guest writes
 *
 * Random words where the device reads: streams, rings, interface blocks,
 * suspend buffers, page tables.  The device must survive, answer the firmware's
 * requests in their usual time, leave other groups alone, and run a clean group
 * afterwards.
 *
 * MALI_CSF_FUZZ_SEED and MALI_CSF_FUZZ_CASES say what to do again, and how
 * often; each test prints its seed.
 */

#include "qemu/osdep.h"
#include "mali-csf-stream.h"

#define CASES                   10000
/* Between two looks at whether all is well */
#define CASES_A_ROUND           100
/* Rounds that one machine lives */
#define ROUNDS_A_MACHINE        10

/* The slot that is fuzzed, and that of who must not notice */
#define SLOT_FUZZED             0
#define SLOT_OTHER              1

/* --- Random numbers: xorshift64*, the same on every host --- */

static uint64_t rng_state;

static uint64_t rnd(void)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * 0x2545f4914f6cdd1dULL;
}

static uint32_t rnd_below(uint32_t n)
{
    return (rnd() >> 32) % n;
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = g_getenv(name);

    return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

/* --- What is thrown at the device --- */

/*
 * A value that may mean something: a boundary, an address, or anything.  None
 * is in the firmware's section: the device may well write where it is told to.
 */
static uint64_t rnd_value(void)
{
    static const uint64_t values[] = {
        0, 1, 7, 8, 0xfff, 0x1000, UINT32_MAX, UINT64_MAX, 1ULL << 47,
        1ULL << 48, 1ULL << 63, VM_VA, VA_STREAMS, VA_DATA, VA_NOTHING,
        VM_VA + VM_SIZE - 8, GROUP_VA(0), GPU_BASE,
    };

    switch (rnd_below(4)) {
    case 0:
        return rnd();
    case 1:
        return values[rnd_below(ARRAY_SIZE(values))] + rnd_below(16);
    case 2:
        return VA_STREAMS + rnd_below(0x8000) * 8;
    default:
        return values[rnd_below(ARRAY_SIZE(values))];
    }
}

static const uint8_t opcodes[] = {
    OP_NOP, OP_MOVE48, OP_MOVE32, OP_WAIT, OP_RUN_COMPUTE, 5, 6, 7, 8,
    OP_FINISH_TILING, OP_FINISH_FRAGMENT, OP_ADD_IMM32, OP_ADD_IMM64,
    OP_UMIN32, OP_LOAD, OP_STORE, OP_BRANCH, OP_SET_SB_ENTRY, OP_PROGRESS_WAIT,
    OP_SET_EXCEPTION_HANDLER, OP_CALL, OP_JUMP, OP_REQ_RESOURCE,
    OP_FLUSH_CACHE2, OP_SYNC_ADD32, OP_SYNC_SET32, OP_SYNC_WAIT32,
    OP_STORE_STATE, OP_PROT_REGION, OP_PROGRESS_STORE, OP_PROGRESS_LOAD, 44,
    OP_ERROR_BARRIER, OP_HEAP_SET, OP_HEAP_OPERATION, OP_TRACE_POINT,
    OP_SYNC_ADD64, OP_SYNC_SET64, OP_SYNC_WAIT64,
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

static void fill_insns(QTestState *qts, uint64_t pa, unsigned n)
{
    g_autofree uint64_t *words = g_new(uint64_t, n);

    for (unsigned i = 0; i < n; i++) {
        words[i] = cpu_to_le64(rnd_insn());
    }
    qtest_bufwrite(qts, pa, words, n * 8);
}

static void fill_bytes(QTestState *qts, uint64_t pa, uint32_t size)
{
    g_autofree uint64_t *words = g_new(uint64_t, size / 8);

    for (uint32_t i = 0; i < size / 8; i++) {
        words[i] = rnd();
    }
    qtest_bufwrite(qts, pa, words, size);
}

/* --- Rounds --- */

typedef struct Fuzz {
    Bed b;
    Vm other_vm;
    Group other;
} Fuzz;

typedef struct Target {
    const char *name;
    /* One case, with the fuzzed group not in its slot before and after */
    void (*one)(Fuzz *f);
} Target;

static void fuzz_start(Fuzz *f)
{
    bed_start(&f->b, 2);
    group_terminate(&f->b.g);
    f->other_vm = vm_new(&f->b.d, 1, 2);
    f->other = group_new(&f->other_vm, 1, 1);
    group_start(&f->other, SLOT_OTHER);
}

/* A group as if nothing had been; its memory holds nothing any more */
static void group_fresh(Fuzz *f)
{
    f->b.g = group_new(&f->b.vm, 0, 2);
    f->b.g.slot = SLOT_FUZZED;
    csg_program(&f->b.g);
}

/* Whatever is in its slot: out, in the time that the driver allows */
static void group_evict(Fuzz *f)
{
    csg_update(&f->b.g, CSG_TERMINATE, CSG_STATE);
    csg_ring(&f->b.g);
    g_assert_cmphex(csg_out(&f->b.g, CSG_ACK) & CSG_STATE, ==, CSG_TERMINATE);
    gpu_write(f->b.qts, MMU_INT + CLEAR, UINT32_MAX);
}

static void one_stream(Fuzz *f)
{
    group_fresh(f);
    fill_insns(f->b.qts, vm_pa(&f->b.vm, VA_STREAMS), 64);
    cs_submit_job(&f->b.g, 0, VA_STREAMS + rnd_below(32) * 8, 256);
    csg_ask_state(&f->b.g, CSG_START);
    qtest_clock_step(f->b.qts, 300000);
    group_evict(f);
}

static void one_ring(Fuzz *f)
{
    group_fresh(f);
    fill_insns(f->b.qts, vm_pa(&f->b.vm, ring_va(&f->b.g, 0)), 64);
    ring_set(&f->b.g, 0, RING_INSERT, rnd_below(2) ? 512 : rnd_value());
    ring_set(&f->b.g, 0, RING_EXTRACT_INIT, rnd_below(4) ? 0 : rnd_value());
    csg_ask_state(&f->b.g, CSG_START);
    qtest_clock_step(f->b.qts, 200000);
    group_evict(f);
}

/* Some words of the input blocks of the group and its queues */
static void one_interface(Fuzz *f)
{
    static const uint32_t states[] = { CSG_START, CSG_SUSPEND, CSG_RESUME };

    group_fresh(f);
    fill_insns(f->b.qts, vm_pa(&f->b.vm, ring_va(&f->b.g, 0)), 16);
    ring_set(&f->b.g, 0, RING_INSERT, 128);
    for (int n = rnd_below(4); n >= 0; n--) {
        if (rnd_below(2)) {
            csg_in_set(&f->b.g, 4 + rnd_below(21) * 4, rnd_value());
        } else {
            cs_in_set(&f->b.g, rnd_below(8), rnd_below(22) * 4, rnd_value());
        }
    }
    for (int i = 0; i < 2; i++) {
        csg_ask_state(&f->b.g, states[rnd_below(ARRAY_SIZE(states))]);
        fw_write(f->b.qts, CSG_IN(SLOT_FUZZED) + CSG_DOORBELL_REQ, rnd());
        csg_ring(&f->b.g);
        qtest_clock_step(f->b.qts, 100000);
    }
    group_evict(f);
}

static void one_suspend(Fuzz *f)
{
    uint64_t buf = GROUP_RAM(0) + GROUP_SUSPEND;
    uint32_t size = fw_read(f->b.qts, FW_SUSPEND_SIZE);

    group_fresh(f);
    fill_insns(f->b.qts, vm_pa(&f->b.vm, VA_STREAMS), 32);
    cs_submit_job(&f->b.g, 0, VA_STREAMS, 256);
    csg_ask_state(&f->b.g, CSG_START);
    qtest_clock_step(f->b.qts, 10000 + rnd_below(20000));
    csg_ask_state(&f->b.g, CSG_SUSPEND);
    if (rnd_below(4)) {
        /* Valid but for some bytes, most of them of the first queue */
        for (int n = rnd_below(16); n >= 0; n--) {
            uint32_t at = rnd_below(rnd_below(4) ? 128 : size);

            qtest_writeb(f->b.qts, buf + at, rnd());
        }
    } else {
        fill_bytes(f->b.qts, buf + 16, size - 16);
    }
    csg_program(&f->b.g);
    csg_ask_state(&f->b.g, CSG_RESUME);
    qtest_clock_step(f->b.qts, 100000);
    group_evict(f);
}

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

    group_fresh(f);
    fill_insns(f->b.qts, vm_pa(&f->b.vm, VA_STREAMS), 32);
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
    cs_submit_job(&f->b.g, 0, VA_STREAMS, 256);
    csg_ask_state(&f->b.g, CSG_START);
    qtest_clock_step(f->b.qts, 100000);
    group_evict(f);
    while (n--) {
        qtest_writeq(f->b.qts, at[n], saved[n]);
    }
}

static const Target targets[] = {
    { "streams", one_stream },
    { "rings", one_ring },
    { "interface", one_interface },
    { "suspend", one_suspend },
    { "tables", one_table },
};

/* The firmware answers, another group runs, and a clean one in this slot */
static void check_well(Fuzz *f)
{
    uint32_t req = fw_read(f->b.qts, FW_REQ) ^ GLB_PING;

    fw_request(f->b.qts, req);
    g_assert_cmphex((fw_read(f->b.qts, FW_ACK) ^ req) & GLB_PING, ==, 0);
    g_assert_cmphex(gpu_read(f->b.qts, MCU_STATUS), ==, MCU_ENABLED);
    check_works(&f->other, 0, req);
    for (int j = 0; j < GROUP_QUEUES; j++) {
        cs_ack_events(&f->b.g, j);
    }
    f->b.vm.next_stream = VA_STREAMS;
    f->b.g = group_new(&f->b.vm, 0, 2);
    vm_write64(&f->b.vm, ring_sync(&f->b.g, 0), 0);
    group_start(&f->b.g, SLOT_FUZZED);
    check_works(&f->b.g, 0, ~req);
    group_terminate(&f->b.g);
}

static void test_fuzz(const void *opaque)
{
    const Target *target = opaque;
    uint64_t seed = env_number("MALI_CSF_FUZZ_SEED", 0x6d616c69);
    uint64_t n = env_number("MALI_CSF_FUZZ_CASES", CASES) / ARRAY_SIZE(targets);
    Fuzz f;

    g_test_message("MALI_CSF_FUZZ_SEED=%" PRIu64, seed);
    rng_state = seed * 0x9e3779b97f4a7c15ULL + (target - targets) + 1;
    for (uint64_t i = 0; i < n; i++) {
        if (i % (CASES_A_ROUND * ROUNDS_A_MACHINE) == 0) {
            if (i) {
                qtest_quit(f.b.qts);
            }
            fuzz_start(&f);
        }
        target->one(&f);
        if (i % CASES_A_ROUND == CASES_A_ROUND - 1 || i == n - 1) {
            g_test_message("%" PRIu64 " cases", i + 1);
            check_well(&f);
        }
    }
    qtest_quit(f.b.qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(targets); i++) {
        g_autofree char *path = g_strdup_printf("mali-csf/fuzz/%s",
                                                targets[i].name);

        qtest_add_data_func(path, &targets[i], test_fuzz);
    }

    return g_test_run();
}
