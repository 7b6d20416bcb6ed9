/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: what it tells whoever looks for a stream's mistake
 */

#include "qemu/osdep.h"
#include "mali-csf-stream.h"

typedef struct Log {
    Bed b;
    char *path;
} Log;

/* A machine that logs to a file, with a group of one queue */
static void log_start(Log *log, const char *options)
{
    g_autofree char *args = NULL;
    int fd = g_file_open_tmp("mali-csf-test-XXXXXX", &log->path, NULL);
    Bed *b = &log->b;

    g_assert_cmpint(fd, !=, -1);
    close(fd);
    args = g_strdup_printf("%s -D %s", options, log->path);
    b->qts = gpu_start_args("", args);
    b->d = driver_on(b->qts);
    b->vm = vm_new(&b->d, 0, 1);
    b->g = group_new(&b->vm, 0, 1);
    group_start(&b->g, 0);
}

/* The machine's end, and all that it has logged */
static char *log_finish(Log *log)
{
    char *text;

    qtest_quit(log->b.qts);
    g_assert_true(g_file_get_contents(log->path, &text, NULL, NULL));
    unlink(log->path);
    g_free(log->path);
    return text;
}

static bool has_line(const char *text, const char *begin, const char *end)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (int i = 0; lines[i]; i++) {
        const char *at = strstr(lines[i], begin);

        if (at && g_str_has_suffix(at, end)) {
            return true;
        }
    }
    return false;
}

/* A fault with its instruction, also one that comes later; and what is none */
static void test_faults(void)
{
    g_autofree char *text = NULL;
    Log log;

    log_start(&log, "-d guest_errors");
    cs_submit_words(&log.b.g, 0, MOVE48(4, VA_DATA + 2), MOVE48(6, 1),
                    SYNC_LATER(OP_SYNC_ADD32, 4, 6, 0, BIT(2), 3), WAIT(0xff),
                    ERROR_BARRIER);
    g_assert_true(cs_wait_events(&log.b.g, 0, CS_EVENT_FAULT));
    cs_ack_events(&log.b.g, 0);
    csg_ring_queues(&log.b.g, 1);
    g_assert_true(cs_wait_drained(&log.b.g, 0));
    cs_submit_words(&log.b.g, 0, STORE(6, 4, 1, 4));
    g_assert_true(cs_wait_events(&log.b.g, 0, CS_EVENT_FAULT));
    cs_ack_events(&log.b.g, 0);
    csg_ring_queues(&log.b.g, 1);
    cs_submit_words(&log.b.g, 0, ERROR_BARRIER, INSN(0xee, 0, 0, 0, 0x1234));
    g_assert_true(cs_wait_events(&log.b.g, 0, CS_EVENT_FATAL));
    text = log_finish(&log);
    g_assert_true(has_line(text, "fault 0x58", "SYNC_ADD32 scope=system, "
                           "address=r4:r5, data=r6, wait=0x4, signal=3"));
    g_assert_true(has_line(text, "fault 0x58", "STORE_MULTIPLE base=r6, "
                           "regs=r6, address=r4:r5, offset=4"));
    g_assert_true(has_line(text, "fatal 0x49", ".word 0xee00000000001234"));
}

/* Where nothing could be read, nothing is told of */
static void test_not_fetched(void)
{
    g_autofree char *text = NULL;
    Log log;

    log_start(&log, "-d guest_errors");
    cs_submit_words(&log.b.g, 0, MOVE48(0, VA_NOTHING), MOVE32(2, 8),
                    CALL(0, 2));
    g_assert_true(cs_wait_events(&log.b.g, 0, CS_EVENT_FATAL));
    text = log_finish(&log);
    g_assert_true(has_line(text, "fatal 0x48", "not fetched"));
}

/* Instructions where they were, in their order */
static void test_instructions(void)
{
    static const char *const words[] = {
        "MOVE32 r7, 0x3", "ADD_IMM32 r8, r7, -1", "NOP",
        "WAIT 0xff", "STORE_STATE state=error, address=r0:r1, offset=8",
    };
    g_autofree char *text = NULL;
    const char *at;
    Log log;

    log_start(&log, "-trace mali_csf_cs_insn");
    cs_submit_words(&log.b.g, 0, MOVE32(7, 3), ADD_IMM32(8, 7, -1), NOP,
                    WAIT(0xff), STORE_STATE(0, STATE_ERROR, 8));
    g_assert_true(cs_wait_events(&log.b.g, 0, CS_EVENT_FATAL));
    text = log_finish(&log);
    at = text;
    for (int i = 0; i < ARRAY_SIZE(words); i++) {
        g_autofree char *pc = g_strdup_printf("0x%" PRIx64 ": ",
                                              ring_va(&log.b.g, 0) + i * 8);

        at = strstr(at, pc);
        g_assert_nonnull(at);
        at = strstr(at, words[i]);
        g_assert_nonnull(at);
    }
}

/* Each turn of a loop in a called stream */
static void test_loop(void)
{
    static const struct { const char *text; int count; } insns[] = {
        { "MOVE32 r7, 0x3", 1 }, { "ADD_IMM32 r7, r7, -1", 3 },
        { "BRANCH if=gt, r7, target=0x", 3 }, { "STORE_MULTIPLE base=r7", 1 },
    };
    g_autofree char *text = NULL;
    Log log;

    log_start(&log, "-trace mali_csf_cs_insn");
    vm_write(&log.b.vm, VA_DATA, 0xeeeeeeee);
    cs_run_words(&log.b.g, 0, MOVE48(0, VA_DATA), MOVE32(7, 3),
                 ADD_IMM32(7, 7, -1), BRANCH(IF_GT, 7, -2), STORE(7, 0, 1, 0),
                 WAIT(0xff));
    g_assert_cmpuint(vm_read(&log.b.vm, VA_DATA), ==, 0);
    text = log_finish(&log);
    for (int i = 0; i < ARRAY_SIZE(insns); i++) {
        const char *at = text;
        int seen = 0;

        while ((at = strstr(at, insns[i].text))) {
            at++;
            seen++;
        }
        g_assert_cmpint(seen, ==, insns[i].count);
    }
}

/* What a register write causes stands behind the machine's time of the write */
static void test_clock(void)
{
    g_autofree char *text = NULL, *line = NULL;
    const char *clock, *command;
    int64_t now;
    Log log;

    log_start(&log, "-trace mali_csf_clock -trace mali_csf_mmu_command");
    now = qtest_clock_step(log.b.qts, 12345);
    gpu_write(log.b.qts, AS(7) + AS_COMMAND, CMD_FLUSH_MEM);
    text = log_finish(&log);
    line = g_strdup_printf("mali_csf_clock %" PRId64 " ns\n", now);
    clock = strstr(text, line);
    g_assert_nonnull(clock);
    clock += strlen(line);
    command = strstr(text, "mali_csf_mmu_command AS 7 ");
    g_assert_true(clock == command);
}

static const TestCase cases[] = {
    { "faults", test_faults },
    { "not-fetched", test_not_fetched },
    { "instructions", test_instructions },
    { "loop", test_loop },
    { "clock", test_clock },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_cases("trace", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
