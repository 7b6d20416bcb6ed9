/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests with random input share: numbers, a machine that lives for
 * many cases, and what must be true after each of them.
 *
 * MALI_CSF_FUZZ_SEED and MALI_CSF_FUZZ_CASES say what to do, and how often in
 * all.  Each machine has the next seed; what went wrong in one is repeated by a
 * test that begins with it: the command is printed.
 */

#ifndef TESTS_QTEST_MALI_CSF_FUZZ_H
#define TESTS_QTEST_MALI_CSF_FUZZ_H

#include "mali-csf-stream.h"

#define FUZZ_SEED               0x6d616c69
#define FUZZ_CASES              10000
/* Between two looks at whether the firmware and a clean group are well */
#define FUZZ_ROUND              100
/* That one machine lives */
#define FUZZ_MACHINE            2500
/* What QEMU may grow by, past its first round: caches of QEMU's own, in KiB */
#define FUZZ_GROWTH             (32 * 1024)

/* The slot that is fuzzed, and that of who must not notice */
#define SLOT_FUZZED             0
#define SLOT_OTHER              1

/* --- Random numbers: xorshift64*, the same on every host --- */

static uint64_t rng_state;

static inline uint64_t rnd(void)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * 0x2545f4914f6cdd1dULL;
}

static inline uint32_t rnd_below(uint32_t n)
{
    return (rnd() >> 32) % n;
}

static inline uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = g_getenv(name);

    return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

/*
 * A value that may mean something: a boundary, an address, or anything.  None
 * is in the firmware's section: the device may well write where it is told to.
 */
static inline uint64_t rnd_value(void)
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

/* --- The machine --- */

/* The input blocks of a slot, as they are written in one go */
typedef struct SlotInput {
    uint32_t csg[0x80 / 4];
    uint32_t cs[GROUP_QUEUES][0x80 / 4];
} SlotInput;

typedef struct SlotOutput {
    uint32_t csg[0x40 / 4];
    uint32_t cs[GROUP_QUEUES][0x100 / 4];
} SlotOutput;

typedef struct Fuzz {
    Bed b;
    Vm other_vm;
    Group other;
    uint64_t other_jobs;    /* that it has done */
    SlotInput clean[2];     /* by slot: as the driver programs it */
    SlotInput in;           /* of the slot that is fuzzed */
    SlotOutput out;
    uint64_t peak;          /* of QEMU's memory in its first round, in KiB */
} Fuzz;

static inline void fw_bytes(QTestState *qts, uint32_t va, void *buf,
                            uint32_t len, bool write)
{
    uint64_t pa = RAM_SECTION + va - FW_SHARED;

    if (write) {
        qtest_bufwrite(qts, pa, buf, len);
    } else {
        qtest_bufread(qts, pa, buf, len);
    }
}

static inline void slot_read(QTestState *qts, unsigned slot, SlotInput *in)
{
    fw_bytes(qts, CSG_IN(slot), in->csg, sizeof(in->csg), false);
    fw_bytes(qts, CS_IN(slot, 0), in->cs, sizeof(in->cs), false);
}

/* Groups' doorbells of the firmware, and time for it to answer */
static inline void slot_ring(QTestState *qts, uint32_t slots, int64_t ns)
{
    fw_write(qts, FW_DOORBELL_REQ, fw_read(qts, FW_DOORBELL_ACK) ^ slots);
    gpu_write(qts, DOORBELL(0), 1);
    qtest_clock_step(qts, ns);
}

/*
 * What csg_program() and csg_ask_state() do, in few accesses: @in becomes what
 * they would write for @queues queues.
 */
static inline void slot_program(Fuzz *f, unsigned slot, SlotInput *in,
                                unsigned queues, uint32_t state)
{
    SlotOutput *out = &f->out;

    fw_bytes(f->b.qts, CSG_OUT(slot), out->csg, sizeof(out->csg), false);
    fw_bytes(f->b.qts, CS_OUT(slot, 0), out->cs, sizeof(out->cs), false);
    *in = f->clean[slot];
    in->csg[CSG_REQ / 4] = (out->csg[CSG_ACK / 4] & CSG_EVENTS) | state |
                           (~out->csg[CSG_ACK / 4] & CSG_ENDPOINT_CONFIG);
    in->csg[CSG_CS_IRQ_ACK / 4] = out->csg[CSG_CS_IRQ_REQ / 4];
    in->csg[CSG_DOORBELL_REQ / 4] = out->csg[CSG_DOORBELL_ACK / 4] ^
                                    (BIT(queues) - 1);
    for (int j = 0; j < GROUP_QUEUES; j++) {
        in->cs[j][CS_REQ / 4] = out->cs[j][CS_ACK / 4] & CS_EVENTS;
        if (j < queues) {
            in->cs[j][CS_REQ / 4] |= CS_START | CS_IDLE_SYNC_WAIT |
                                     CS_IDLE_EMPTY;
        }
    }
}

static inline void slot_write(Fuzz *f, unsigned slot, SlotInput *in,
                              int64_t ns)
{
    fw_bytes(f->b.qts, CSG_IN(slot), in->csg, sizeof(in->csg), true);
    fw_bytes(f->b.qts, CS_IN(slot, 0), in->cs, sizeof(in->cs), true);
    slot_ring(f->b.qts, BIT(slot), ns);
}

/* Have the group in the slot in another state */
static inline void slot_state(Fuzz *f, unsigned slot, uint32_t state)
{
    uint32_t ack = fw_read(f->b.qts, CSG_OUT(slot) + CSG_ACK);

    fw_write(f->b.qts, CSG_IN(slot) + CSG_REQ, (ack & ~CSG_STATE) | state);
    slot_ring(f->b.qts, BIT(slot), NS_REQUEST);
}

/* --- Who must not notice --- */

#define VA_OTHER_COUNT          (VA_DATA + 0x100)

/* Its ring is full of jobs that count; a doorbell lets one more run */
static inline void other_fill_ring(Fuzz *f)
{
    static const uint64_t job[JOB_INSNS] = {
        MOVE48(0, VA_OTHER_COUNT), MOVE48(2, 1),
        SYNC(OP_SYNC_ADD64, 0, 2, 0), ERROR_BARRIER,
    };

    for (int i = 0; i < f->other.ring_size; i += sizeof(job)) {
        vm_write_words(&f->other_vm, ring_va(&f->other, 0) + i, job, JOB_INSNS);
    }
}

static inline void other_start(Fuzz *f)
{
    SlotInput in;

    qtest_memset(f->b.qts, GROUP_RAM(1), 0, GROUP_QUEUES * 0x2000);
    f->other_jobs = 0;
    vm_write64(&f->other_vm, VA_OTHER_COUNT, 0);
    slot_program(f, SLOT_OTHER, &in, 1, CSG_START);
    slot_write(f, SLOT_OTHER, &in, NS_REQUEST);
}

static inline void other_submit(Fuzz *f)
{
    ring_set(&f->other, 0, RING_INSERT,
             ++f->other_jobs * JOB_INSNS * sizeof(uint64_t));
    gpu_write(f->b.qts, DOORBELL(SLOT_OTHER + 1), 1);
}

static inline void other_check(Fuzz *f)
{
    g_assert_cmpuint(vm_read64(&f->other_vm, VA_OTHER_COUNT), ==,
                     f->other_jobs);
}

/* --- The machine's life --- */

/* On memory that is there from the start: whatever grows is QEMU's own */
static inline void fuzz_start(Fuzz *f)
{
    memset(f, 0, sizeof(*f));
    f->b.qts = gpu_start_args("check=report,timestamp-frequency=1000000000",
                              "-mem-prealloc");
    f->b.d = driver_on(f->b.qts);
    f->b.vm = vm_new(&f->b.d, 0, 1);
    f->b.g = group_new(&f->b.vm, 0, GROUP_QUEUES);
    group_start(&f->b.g, SLOT_FUZZED);
    slot_read(f->b.qts, SLOT_FUZZED, &f->clean[SLOT_FUZZED]);
    group_terminate(&f->b.g);
    f->other_vm = vm_new(&f->b.d, 1, 2);
    f->other = group_new(&f->other_vm, 1, 1);
    group_start(&f->other, SLOT_OTHER);
    slot_read(f->b.qts, SLOT_OTHER, &f->clean[SLOT_OTHER]);
    group_terminate(&f->other);
    other_fill_ring(f);
    other_start(f);
}

/* Reset, and what the driver does after that (panthor_device_reset_work) */
static inline void fuzz_reset(Fuzz *f)
{
    QTestState *qts = f->b.qts;

    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(qts, NS_RESET + NS_LOOK);
    gpu_power_on(qts, DOMAIN_L2);
    gpu_as_config(qts, 0, f->b.d.fw.root, MEMATTR_COHERENT, TRANSCFG_48);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, JOB_INT + MASK, UINT32_MAX);
    qtest_memset(qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    fw_boot(qts, NS_COLD_BOOT);
    vm_bind(&f->b.vm, 1);
    vm_bind(&f->other_vm, 2);
    other_start(f);
}

/* A group as if nothing had been; its memory holds nothing any more */
static inline void group_fresh(Fuzz *f, unsigned queues)
{
    qtest_memset(f->b.qts, GROUP_RAM(0), 0, GROUP_QUEUES * 0x2000);
    slot_program(f, SLOT_FUZZED, &f->in, queues, CSG_START);
}

/* Into its slot; the other one has a job meanwhile */
static inline void group_go(Fuzz *f, int64_t ns)
{
    other_submit(f);
    slot_write(f, SLOT_FUZZED, &f->in, ns);
}

/* Whatever is in its slot: out, in the time that the driver allows */
static inline void group_evict(Fuzz *f)
{
    slot_state(f, SLOT_FUZZED, CSG_TERMINATE);
    g_assert_cmphex(fw_read(f->b.qts, CSG_OUT(SLOT_FUZZED) + CSG_ACK) &
                    CSG_STATE, ==, CSG_TERMINATE);
    gpu_write(f->b.qts, MMU_INT + CLEAR, UINT32_MAX);
    other_check(f);
}

/* QEMU's memory at its highest, in KiB */
static inline uint64_t fuzz_peak(Fuzz *f)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status",
                                            (int)qtest_pid(f->b.qts));
    g_autofree char *text = NULL;
    const char *line;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    line = strstr(text, "VmHWM:");
    g_assert_nonnull(line);
    return g_ascii_strtoull(line + 6, NULL, 10);
}

/* The firmware answers, a clean group runs in this slot, QEMU is as it was */
static inline void check_well(Fuzz *f)
{
    QTestState *qts = f->b.qts;
    uint32_t req = fw_read(qts, FW_REQ) ^ GLB_PING;
    uint64_t peak = fuzz_peak(f);

    fw_request(qts, req);
    g_assert_cmphex((fw_read(qts, FW_ACK) ^ req) & GLB_PING, ==, 0);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    f->b.vm.next_stream = VA_STREAMS;
    group_fresh(f, 2);
    vm_write64(&f->b.vm, ring_sync(&f->b.g, 0), 0);
    group_go(f, NS_REQUEST);
    check_works(&f->b.g, 0, ~req);
    group_evict(f);
    if (!f->peak) {
        f->peak = peak;
    }
    g_assert_cmpuint(peak, <=, f->peak + FUZZ_GROWTH);
}

typedef struct FuzzTarget {
    const char *name;
    /* One case, with the fuzzed group not in its slot before and after */
    void (*one)(Fuzz *f);
} FuzzTarget;

/* For the command that repeats a failure */
static struct {
    const char *program;
    const char *name;
    uint64_t seed;
    uint64_t cases;
    unsigned targets;
} fuzz_now;

static inline void fuzz_say_again(void *data)
{
    fprintf(stderr, "To repeat this: MALI_CSF_FUZZ_SEED=%" PRIu64
            " MALI_CSF_FUZZ_CASES=%" PRIu64 " QTEST_QEMU_BINARY=%s"
            " %s -p /aarch64/mali-csf/fuzz/%s\n",
            fuzz_now.seed, fuzz_now.cases * fuzz_now.targets,
            g_getenv("QTEST_QEMU_BINARY"), fuzz_now.program, fuzz_now.name);
}

/* Sanitizers speak when QEMU ends, too */
static inline void fuzz_quit(Fuzz *f)
{
    qtest_quit(f->b.qts);
    qtest_remove_abrt_handler(f);
}

/* Its share of the cases, on as many machines as they need */
static inline void fuzz_run(const FuzzTarget *target, unsigned number,
                            unsigned targets)
{
    uint64_t seed = env_number("MALI_CSF_FUZZ_SEED", FUZZ_SEED);
    uint64_t n = DIV_ROUND_UP(env_number("MALI_CSF_FUZZ_CASES", FUZZ_CASES),
                              targets);
    Fuzz f;

    for (uint64_t i = 0; i < n; i++) {
        if (i % FUZZ_MACHINE == 0) {
            if (i) {
                fuzz_quit(&f);
            }
            fuzz_now.name = target->name;
            fuzz_now.seed = seed + i / FUZZ_MACHINE;
            fuzz_now.targets = targets;
            rng_state = fuzz_now.seed * 0x9e3779b97f4a7c15ULL + number + 1;
            g_test_message("%" PRIu64 " cases, next seed %" PRIu64, i,
                           fuzz_now.seed);
            fuzz_start(&f);
            qtest_add_abrt_handler(fuzz_say_again, &f);
        }
        fuzz_now.cases = i % FUZZ_MACHINE + 1;
        target->one(&f);
        if (i % FUZZ_ROUND == FUZZ_ROUND - 1 || i == n - 1) {
            check_well(&f);
        }
    }
    fuzz_quit(&f);
}

#endif /* TESTS_QTEST_MALI_CSF_FUZZ_H */
