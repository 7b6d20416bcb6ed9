/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF command streams: decoder and disassembler
 *
 * Words and masks were put together by hand from the fields' positions; nothing
 * here is derived with the decoder's own table, except where a test says so.
 */

#include "qemu/osdep.h"
#include "mali_csf_isa.h"
#include "isa-assemble.h"

#define PC 0x101000ULL

typedef struct Example {
    uint64_t word;
    const char *text;           /* as if at PC */
} Example;

/* Each opcode of v10, with something else in each field; all valid */
static const Example examples[] = {
    { 0x0000000000000000, "NOP" },
    { 0x00123456789abcde, "NOP payload=0x123456789abcde" },
    { 0x015cfedcba987654, "MOVE48 r92:r93, 0xfedcba987654" },
    { 0x025f0000fedcba98, "MOVE32 r95, 0xfedcba98" },
    { 0x0300000100a50000, "WAIT 0xa5, progress" },
    { 0x0400790100009234,
      "RUN_COMPUTE axis=z, increment=4660, srt=1, spd=2, tsd=3, fau=1, "
      "progress" },
    { 0x0500e701deadbeef,
      "RUN_TILING flags=0xdeadbeef, srt=3, spd=1, tsd=2, fau=3, progress" },
    { 0x0600425689abcdef,
      "RUN_IDVS flags=0x89abcdef, varying_srt=0, varying_fau=1, "
      "varying_tsd=0, fragment_srt=1, fragment_tsd=0, malloc, "
      "draw_id_enable, draw_id=r66" },
    { 0x060000a900000000,
      "RUN_IDVS flags=0x0, varying_srt=1, varying_fau=0, "
      "varying_tsd=1, fragment_srt=0, fragment_tsd=1, progress" },
    { 0x0700000100000061,
      "RUN_FRAGMENT order=reverse_vertical, tem, progress" },
    { 0x0800260176543210,
      "RUN_FULLSCREEN dcd=r38:r39, flags=0x76543210, progress" },
    { 0x0900000100000000, "FINISH_TILING progress" },
    { 0x0b00565800000001,
      "FINISH_FRAGMENT first=r86:r87, last=r88:r89, frag_end" },
    { 0x0b01565800f80000,
      "FINISH_FRAGMENT first=r86:r87, last=r88:r89, wait=0xf8, signal=1" },
    { 0x1007090080000000, "ADD_IMM32 r7, r9, -2147483648" },
    { 0x11545600fffffffe, "ADD_IMM64 r84:r85, r86:r87, -2" },
    { 0x1201020300000000, "UMIN32 r1, r2, r3" },
    { 0x14214200001bfffc,
      "LOAD_MULTIPLE base=r33, regs=r33-r34,r36-r37, address=r66:r67, "
      "offset=-4" },
    { 0x15105a00800af000,
      "STORE_MULTIPLE base=r16, regs=r17,r19,r31, address=r90:r91, "
      "offset=-4096" },
    { 0x16004e003000fffe, "BRANCH if=ne, r78, target=0x100ff8" },
    { 0x1700000000000052, "SET_SB_ENTRY endpoint=2, other=5" },
    { 0x18000a0000000015, "PROGRESS_WAIT queue=21, r10:r11" },
    { 0x19002e3300000002,
      "SET_EXCEPTION_HANDLER type=tiler_oom, address=r46:r47, length=r51" },
    { 0x20005c5e00000000, "CALL address=r92:r93, length=r94" },
    { 0x21005e5d00000000, "JUMP address=r94:r95, length=r93" },
    { 0x2200000000000005, "REQ_RESOURCE compute, tiler" },
    { 0x220000000000000a, "REQ_RESOURCE fragment, idvs" },
    { 0x2200000000000000, "REQ_RESOURCE" },
    { 0x24064a0000f00201,
      "FLUSH_CACHE2 l2=clean, lsc=none, other=invalidate, id=r74, "
      "wait=0xf0, signal=6" },
    { 0x2503040700810005,
      "SYNC_ADD32 scope=csg, address=r4:r5, data=r7, propagate, "
      "wait=0x81, signal=3" },
    { 0x2600080b00000000, "SYNC_SET32 scope=system, address=r8:r9, data=r11" },
    { 0x27000c0f10000001,
      "SYNC_WAIT32 until=gt, address=r12:r13, data=r15, reject" },
    { 0x28075a0300028000,
      "STORE_STATE state=error, address=r90:r91, offset=-32768, "
      "wait=0x2, signal=7" },
    { 0x290000000000ffff, "PROT_REGION size=65535" },
    { 0x2a00140000000000, "PROGRESS_STORE r20:r21" },
    { 0x2b16000000000000, "PROGRESS_LOAD r22:r23" },
    { 0x2c009e010000abcd,
      "RUN_COMPUTE_INDIRECT per_task=43981, srt=2, spd=3, tsd=1, "
      "fau=2, progress" },
    { 0x2f00000000000000, "ERROR_BARRIER" },
    { 0x3000300000000000, "HEAP_SET address=r48:r49" },
    { 0x3104000300400000, "HEAP_OPERATION op=frag_end, wait=0x40, signal=4" },
    { 0x3202243c00010000,
      "TRACE_POINT base=r60, count=36, wait=0x1, signal=2" },
    { 0x33005c5e00000001,
      "SYNC_ADD64 scope=system, address=r92:r93, data=r94:r95, propagate" },
    { 0x3405000200100004,
      "SYNC_SET64 scope=csg, address=r0:r1, data=r2:r3, wait=0x10, signal=5" },
    { 0x3500060800000000, "SYNC_WAIT64 until=le, address=r6:r7, data=r8:r9" },
};

/*
 * What panthor puts around a job (panthor_sched.c, prepare_job_instrs()) when
 * it profiles both cycles and time
 */
static const Example job[] = {
    { 0x025e000000000042, "MOVE32 r94, 0x42" },
    { 0x24005e0000000233,
      "FLUSH_CACHE2 l2=clean_invalidate, lsc=clean_invalidate, "
      "other=invalidate, id=r94, wait=0x0, signal=0" },
    { 0x015c0000deadbe00, "MOVE48 r92:r93, 0xdeadbe00" },
    { 0x28005c0100000000,
      "STORE_STATE state=cycles, address=r92:r93, offset=0" },
    { 0x015e0000deadbe10, "MOVE48 r94:r95, 0xdeadbe10" },
    { 0x28005e0000000000,
      "STORE_STATE state=timestamp, address=r94:r95, offset=0" },
    { 0x015c7fffff000040, "MOVE48 r92:r93, 0x7fffff000040" },
    { 0x025e000000000100, "MOVE32 r94, 0x100" },
    { 0x0300000000010000, "WAIT 0x1" },
    { 0x20005c5e00000000, "CALL address=r92:r93, length=r94" },
    { 0x015c0000cafe0000, "MOVE48 r92:r93, 0xcafe0000" },
    { 0x015e000000000001, "MOVE48 r94:r95, 0x1" },
    { 0x0300000000ff0000, "WAIT 0xff" },
    { 0x33005c5e00000001,
      "SYNC_ADD64 scope=system, address=r92:r93, data=r94:r95, propagate" },
    { 0x2f00000000000000, "ERROR_BARRIER" },
    { 0x0000000000000000, "NOP" },
};

typedef struct Shape {
    uint8_t opcode;
    uint64_t defined;
    uint8_t timing;
} Shape;

/* The opcodes of v10: which bits they have, and when they are complete */
static const Shape shapes[] = {
    { 0, 0xffffffffffffffff, MALI_CS_SYNC },
    { 1, 0xffffffffffffffff, MALI_CS_SYNC },
    { 2, 0xffff0000ffffffff, MALI_CS_SYNC },
    { 3, 0xff00000100ff0000, MALI_CS_SYNC },
    { 4, 0xff00ff010000ffff, MALI_CS_ASYNC_ENDPOINT },
    { 5, 0xff00ff01ffffffff, MALI_CS_ASYNC_ENDPOINT },
    { 6, 0xff00ffffffffffff, MALI_CS_ASYNC_ENDPOINT },
    { 7, 0xff000001000000f1, MALI_CS_ASYNC_ENDPOINT },
    { 8, 0xff00ff01ffffffff, MALI_CS_ASYNC_ENDPOINT },
    { 9, 0xff00000100000000, MALI_CS_ASYNC_ENDPOINT },
    { 11, 0xff0fffffffff0001, MALI_CS_DEFERRABLE },
    { 16, 0xffffff00ffffffff, MALI_CS_SYNC },
    { 17, 0xffffff00ffffffff, MALI_CS_SYNC },
    { 18, 0xffffffff00000000, MALI_CS_SYNC },
    { 20, 0xffffff00ffffffff, MALI_CS_ASYNC_OTHER },
    { 21, 0xffffff00ffffffff, MALI_CS_ASYNC_OTHER },
    { 22, 0xff00ff007000ffff, MALI_CS_SYNC },
    { 23, 0xff000000000000ff, MALI_CS_SYNC },
    { 24, 0xff00ff000000001f, MALI_CS_SYNC },
    { 25, 0xff00ffff000000ff, MALI_CS_SYNC },
    { 32, 0xff00ffff00000000, MALI_CS_SYNC },
    { 33, 0xff00ffff00000000, MALI_CS_SYNC },
    { 34, 0xff0000000000000f, MALI_CS_SYNC },
    { 36, 0xff0fff00ffff0fff, MALI_CS_ASYNC_SIGNAL },
    { 37, 0xff0fffffffff0007, MALI_CS_DEFERRABLE },
    { 38, 0xff0fffffffff0007, MALI_CS_DEFERRABLE },
    { 39, 0xff00fffff0000001, MALI_CS_SYNC },
    { 40, 0xff0fff03ffffffff, MALI_CS_DEFERRABLE },
    { 41, 0xff0000000000ffff, MALI_CS_SYNC },
    { 42, 0xff00ff0000000000, MALI_CS_SYNC },
    { 43, 0xffff000000000000, MALI_CS_SYNC },
    { 44, 0xff00ff010000ffff, MALI_CS_ASYNC_ENDPOINT },
    { 47, 0xff00000000000000, MALI_CS_SYNC },
    { 48, 0xff00ff0000000000, MALI_CS_SYNC },
    { 49, 0xff0f0003ffff0000, MALI_CS_DEFERRABLE },
    { 50, 0xff0fffffffff0000, MALI_CS_DEFERRABLE },
    { 51, 0xff0fffffffff0007, MALI_CS_DEFERRABLE },
    { 52, 0xff0fffffffff0007, MALI_CS_DEFERRABLE },
    { 53, 0xff00fffff0000001, MALI_CS_SYNC },
};

/* Later versions: what v10 does not have, or has with other bits */
static const struct {
    uint8_t opcode, first, last;
    uint64_t defined;
    uint8_t timing;
} later_shapes[] = {
    { 3, 11, 13, 0xff000003ffff0000, MALI_CS_SYNC },
    { 3, 14, 14, 0xff000002ffff0000, MALI_CS_SYNC },
    { 4, 12, 13, 0xff0fff0100ffffff, MALI_CS_ASYNC_ENDPOINT },
    { 4, 14, 14, 0xff0fff0000ffffff, MALI_CS_ASYNC_ENDPOINT },
    { 8, 11, 13, 0xff80ff01ffffffff, MALI_CS_ASYNC_ENDPOINT },
    { 8, 14, 14, 0xff80ff00ffffffff, MALI_CS_ASYNC_ENDPOINT },
    { 9, 14, 14, 0xff00000000000000, MALI_CS_ASYNC_ENDPOINT },
    { 11, 11, 14, 0xff1fffffffff0001, MALI_CS_DEFERRABLE },
    { 12, 12, 13, 0xff0fff1fffffffff, MALI_CS_ASYNC_ENDPOINT },
    { 12, 14, 14, 0xff0fff1effffffff, MALI_CS_ASYNC_ENDPOINT },
    { 14, 14, 14, 0xffff0000ffff00f1, MALI_CS_ASYNC_ENDPOINT },
    { 16, 13, 14, 0xffffffffffffffff, MALI_CS_SYNC },
    { 17, 13, 14, 0xffffffffffffffff, MALI_CS_SYNC },
    { 18, 13, 14, 0xffffffffffffffff, MALI_CS_SYNC },
    { 19, 11, 14, 0xffffffff0000001f, MALI_CS_SYNC },
    { 22, 11, 14, 0xff00ff00f000ffff, MALI_CS_SYNC },
    { 26, 11, 14, 0xffff001f00000000, MALI_CS_SYNC },
    { 27, 11, 14, 0xff00ffff00000000, MALI_CS_SYNC },
    { 28, 11, 14, 0xff0000ffffffffff, MALI_CS_SYNC },
    { 30, 11, 13, 0xff1f0001ffff0000, MALI_CS_DEFERRABLE },
    { 30, 14, 14, 0xff1f0000ffff0000, MALI_CS_DEFERRABLE },
    { 31, 11, 13, 0xff0f000100000000, MALI_CS_SYNC },
    { 31, 14, 14, 0xff0f000000000000, MALI_CS_SYNC },
    { 34, 11, 14, 0xff0000000000001f, MALI_CS_SYNC },
    { 36, 11, 14, 0xff1fff00ffff0fff, MALI_CS_ASYNC_SIGNAL },
    { 37, 11, 14, 0xff1fffffffff0007, MALI_CS_DEFERRABLE },
    { 38, 11, 14, 0xff1fffffffff0007, MALI_CS_DEFERRABLE },
    { 40, 11, 14, 0xff1fffffffffffff, MALI_CS_DEFERRABLE },
    { 44, 12, 13, 0xff0fff0100ffffff, MALI_CS_ASYNC_ENDPOINT },
    { 44, 14, 14, 0xff0fff0000ffffff, MALI_CS_ASYNC_ENDPOINT },
    { 49, 11, 14, 0xff1f0007ffff0000, MALI_CS_DEFERRABLE },
    { 50, 11, 14, 0xff1fffffffff0000, MALI_CS_DEFERRABLE },
    { 51, 11, 14, 0xff1fffffffff0007, MALI_CS_DEFERRABLE },
    { 52, 11, 14, 0xff1fffffffff0007, MALI_CS_DEFERRABLE },
    { 57, 13, 14, 0xffffffffffffffff, MALI_CS_SYNC },
    { 128, 14, 14, 0xffffffffffffffff, MALI_CS_SYNC },
};

static const MaliCsIsa *v10(void)
{
    return mali_cs_isa(10);
}

static const char *disasm(const MaliCsIsa *isa, uint64_t word, uint64_t pc)
{
    static char buf[MALI_CS_DISASM_MAX];
    size_t len = mali_cs_disasm(isa, word, pc, buf, sizeof(buf));

    g_assert_cmpuint(len, ==, strlen(buf));
    return buf;
}

static const char *check(const MaliCsIsa *isa, uint64_t word)
{
    const MaliCsInsn *insn = mali_cs_decode(isa, word);

    g_assert_nonnull(insn);
    return mali_cs_check(isa, insn, word, isa->n_regs);
}

static void test_versions(void)
{
    static const struct {
        unsigned arch, regs, slots;
    } limits[] = {
        { 10, 96, 8 }, { 11, 96, 16 }, { 12, 128, 16 }, { 13, 128, 16 },
        { 14, 128, 16 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        const MaliCsIsa *isa = mali_cs_isa(limits[i].arch);

        g_assert_nonnull(isa);
        g_assert_true(isa == mali_cs_isa(limits[i].arch));
        g_assert_cmpuint(isa->arch_major, ==, limits[i].arch);
        g_assert_cmpuint(isa->n_regs, ==, limits[i].regs);
        g_assert_cmpuint(isa->n_slots, ==, limits[i].slots);
    }
    g_assert_null(mali_cs_isa(0));
    g_assert_null(mali_cs_isa(9));
    g_assert_null(mali_cs_isa(15));
    g_assert_null(mali_cs_isa(UINT_MAX));
}

static void test_examples(void)
{
    bool seen[256] = { };
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        uint64_t word = examples[i].word;

        g_assert_cmpstr(disasm(v10(), word, PC), ==, examples[i].text);
        g_assert_cmpstr(check(v10(), word), ==, NULL);
        n += !seen[word >> 56];
        seen[word >> 56] = true;
    }
    g_assert_cmpuint(n, ==, 39);
}

static void test_job(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(job); i++) {
        g_assert_cmpstr(disasm(v10(), job[i].word, PC), ==, job[i].text);
        g_assert_cmpstr(check(v10(), job[i].word), ==, NULL);
    }
}

static void test_shapes(void)
{
    const Shape *shape = shapes;

    g_assert_cmpuint(ARRAY_SIZE(shapes), ==, 39);
    for (unsigned op = 0; op < 256; op++) {
        uint64_t word = (uint64_t)op << 56 | 0xa5;
        const MaliCsInsn *insn = mali_cs_decode(v10(), word);
        g_autofree char *text = NULL;

        if (shape < shapes + ARRAY_SIZE(shapes) && shape->opcode == op) {
            g_assert_nonnull(insn);
            g_assert_cmphex(insn->defined, ==, shape->defined);
            g_assert_cmpuint(insn->timing, ==, shape->timing);
            shape++;
            continue;
        }
        g_assert_null(insn);
        text = g_strdup_printf(".word 0x%02x000000000000a5", op);
        g_assert_cmpstr(disasm(v10(), word, PC), ==, text);
    }
    g_assert_true(shape == shapes + ARRAY_SIZE(shapes));
}

static Shape later_shape(unsigned arch, unsigned opcode)
{
    for (size_t i = 0; i < ARRAY_SIZE(later_shapes); i++) {
        if (later_shapes[i].opcode == opcode &&
            later_shapes[i].first <= arch && arch <= later_shapes[i].last) {
            return (Shape) {
                opcode, later_shapes[i].defined, later_shapes[i].timing
            };
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        if (shapes[i].opcode == opcode) {
            return shapes[i];
        }
    }
    return (Shape) { };
}

static void test_later_shapes(void)
{
    for (unsigned arch = 11; arch <= 14; arch++) {
        const MaliCsIsa *isa = mali_cs_isa(arch);

        for (unsigned op = 0; op < 256; op++) {
            const MaliCsInsn *insn = &isa->insns[op];
            Shape shape = later_shape(arch, op);

            if (insn->name) {
                g_assert_cmphex(insn->defined, ==, shape.defined);
                g_assert_cmpuint(insn->timing, ==, shape.timing);
            }
        }
    }
}

/* Fields overlap nowhere, in no version: as many bits as their sizes' sum */
static void test_overlap(void)
{
    for (unsigned arch = 10; arch <= 14; arch++) {
        const MaliCsIsa *isa = mali_cs_isa(arch);

        for (unsigned op = 0; op < 256; op++) {
            const MaliCsInsn *insn = &isa->insns[op];
            unsigned bits = 8;

            if (!insn->name) {
                continue;
            }
            for (unsigned i = 0; i < insn->n_fields; i++) {
                bits += insn->fields[i].size;
                g_assert_cmpuint(insn->fields[i].start + insn->fields[i].size,
                                 <=, 56);
            }
            g_assert_cmpuint(ctpop64(insn->defined), ==, bits);
        }
    }
}

/* What later versions took away and added */
static void test_later_opcodes(void)
{
    static const struct {
        uint8_t opcode;
        const char *name[5];    /* v10 to v14 */
    } ops[] = {
        { 5, { "RUN_TILING", NULL, NULL, NULL, NULL } },
        { 6, { "RUN_IDVS", "RUN_IDVS", NULL, NULL, NULL } },
        { 7, { "RUN_FRAGMENT", "RUN_FRAGMENT", "RUN_FRAGMENT", "RUN_FRAGMENT",
               NULL } },
        { 10, { NULL, NULL, NULL, NULL, NULL } },
        { 12, { NULL, NULL, "RUN_IDVS2", "RUN_IDVS2", "RUN_IDVS2" } },
        { 14, { NULL, NULL, NULL, NULL, "RUN_FRAGMENT2" } },
        { 16, { "ADD_IMM32", "ADD_IMM32", "ADD_IMM32", "ARITH_IMM32",
                "ARITH_IMM32" } },
        { 17, { "ADD_IMM64", "ADD_IMM64", "ADD_IMM64", "ARITH_IMM64",
                "ARITH_IMM64" } },
        { 18, { "UMIN32", "UMIN32", "UMIN32", "ARITH_REG32", "ARITH_REG32" } },
        { 19, { NULL, "LOGIC_OP32", "LOGIC_OP32", "LOGIC_OP32",
                "LOGIC_OP32" } },
        { 24, { "PROGRESS_WAIT", "PROGRESS_WAIT", "PROGRESS_WAIT",
                "PROGRESS_WAIT", NULL } },
        { 26, { NULL, "NEXT_SB_ENTRY", "NEXT_SB_ENTRY", "NEXT_SB_ENTRY",
                "NEXT_SB_ENTRY" } },
        { 27, { NULL, "SET_STATE", "SET_STATE", "SET_STATE", "SET_STATE" } },
        { 28, { NULL, "SET_STATE_IMM32", "SET_STATE_IMM32", "SET_STATE_IMM32",
                "SET_STATE_IMM32" } },
        { 29, { NULL, NULL, NULL, NULL, NULL } },
        { 30, { NULL, "SHARED_SB_INC", "SHARED_SB_INC", "SHARED_SB_INC",
                "SHARED_SB_INC" } },
        { 31, { NULL, "SHARED_SB_DEC", "SHARED_SB_DEC", "SHARED_SB_DEC",
                "SHARED_SB_DEC" } },
        { 42, { "PROGRESS_STORE", "PROGRESS_STORE", "PROGRESS_STORE",
                "PROGRESS_STORE", NULL } },
        { 43, { "PROGRESS_LOAD", "PROGRESS_LOAD", "PROGRESS_LOAD",
                "PROGRESS_LOAD", NULL } },
        { 53, { "SYNC_WAIT64", "SYNC_WAIT64", "SYNC_WAIT64", "SYNC_WAIT64",
                "SYNC_WAIT64" } },
        { 57, { NULL, NULL, NULL, "ARITH_REG64", "ARITH_REG64" } },
        { 128, { NULL, NULL, NULL, NULL, "ENOP" } },
    };
    static const unsigned totals[5] = { 39, 44, 44, 45, 43 };

    for (unsigned arch = 10; arch <= 14; arch++) {
        const MaliCsIsa *isa = mali_cs_isa(arch);
        unsigned total = 0;

        for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
            uint64_t word = (uint64_t)ops[i].opcode << 56;
            const MaliCsInsn *insn = mali_cs_decode(isa, word);

            g_assert_cmpstr(insn ? insn->name : NULL, ==,
                            ops[i].name[arch - 10]);
        }
        for (unsigned op = 0; op < 256; op++) {
            total += isa->insns[op].name != NULL;
        }
        g_assert_cmpuint(total, ==, totals[arch - 10]);
    }
}

/* The same word, where the versions read it differently */
static void test_later_fields(void)
{
    static const struct {
        unsigned arch;
        uint64_t word;
        const char *text;
    } later[] = {
        { 10, 0x0300000280010000, "WAIT 0x1, reserved=0x280000000" },
        { 11, 0x0300000280010000, "WAIT 0x8001, indirect" },
        { 13, 0x0300000100010000, "WAIT 0x1, progress" },
        { 14, 0x0300000100010000, "WAIT 0x1, reserved=0x100000000" },
        { 11, 0x0405000000090001,
          "RUN_COMPUTE axis=x, increment=1, srt=0, spd=0, tsd=0, fau=0, "
          "reserved=0x5000000090000" },
        { 12, 0x0405000000090001,
          "RUN_COMPUTE axis=x, increment=1, ep_limit=9, srt=0, spd=0, tsd=0, "
          "fau=0, stage=geometry" },
        { 12, 0x2c02000000030004,
          "RUN_COMPUTE_INDIRECT per_task=4, ep_limit=3, srt=0, spd=0, tsd=0, "
          "fau=0, stage=vertex" },
        { 10, 0x0880260000000000,
          "RUN_FULLSCREEN dcd=r38:r39, flags=0x0, reserved=0x80000000000000" },
        { 11, 0x0880260000000000,
          "RUN_FULLSCREEN dcd=r38:r39, flags=0x0, flags2_enable" },
        { 14, 0x0900000100000000, "FINISH_TILING reserved=0x100000000" },
        { 10, 0x0b10000000000000,
          "FINISH_FRAGMENT first=r0:r1, last=r0:r1, "
          "reserved=0x10000000000000" },
        { 11, 0x0b10000000000000,
          "FINISH_FRAGMENT first=r0:r1, last=r0:r1, indirect" },
        { 12, 0x0c03460f00000002,
          "RUN_IDVS2 flags=0x2, shading=deferred, stage=tess_control, malloc, "
          "draw_id_enable, draw_id=r70, progress" },
        { 14, 0x0c00000000000000,
          "RUN_IDVS2 flags=0x0, shading=early, stage=internal" },
        { 14, 0x0e000000381c0021,
          "RUN_FRAGMENT2 base=r0, count=56, ep_offset=28, order=vertical, "
          "tem" },
        { 13, 0x10050604fffffff0,
          "ARITH_IMM32 op=bfext_u, r5, r6, -16" },
        { 13, 0x1106080780000000,
          "ARITH_IMM64 op=umin, r6:r7, r8:r9, -2147483648" },
        { 13, 0x1205060702000000, "ARITH_REG32 op=sub, r5, r6, r7, 0x0" },
        { 14, 0x3902040606000810,
          "ARITH_REG64 op=bfins, r2:r3, r4:r5, r6:r7, 0x810" },
        { 11, 0x1301020300000012, "LOGIC_OP32 op=and_a_nb, r1, r2, r3, index" },
        { 10, 0x1600040080000000,
          "BRANCH if=le, r4, target=0x101008, reserved=0x80000000" },
        { 11, 0x1600040080000000, "BRANCH if=8, r4, target=0x101008" },
        { 11, 0x1a0a001100000000,
          "NEXT_SB_ENTRY r10, type=endpoint, format=mask" },
        { 11, 0x1b000b0900000000, "SET_STATE state=sb_mask_wait, r11" },
        { 11, 0x1c0000020000000f,
          "SET_STATE_IMM32 state=sb_sel_deferred, 0xf" },
        { 11, 0x1e070001f0000000, "SHARED_SB_INC entry=7, wait=0xf000, "
          "progress" },
        { 14, 0x1e17000000000000, "SHARED_SB_INC entry=7, indirect" },
        { 11, 0x1f03000100000000, "SHARED_SB_DEC entry=3, progress" },
        { 10, 0x2200000000000010, "REQ_RESOURCE reserved=0x10" },
        { 11, 0x2200000000000010, "REQ_RESOURCE ray_tracing" },
        { 11, 0x241f000000000000,
          "FLUSH_CACHE2 l2=none, lsc=none, other=none, id=r0, wait=0x0, "
          "signal=15, indirect" },
        { 11, 0x3310000000000000,
          "SYNC_ADD64 scope=system, address=r0:r1, data=r0:r1, indirect" },
        { 10, 0x2800000400000000,
          "STORE_STATE state=timestamp, address=r0:r1, offset=0, "
          "reserved=0x400000000" },
        { 11, 0x2800000400000000,
          "STORE_STATE state=4, address=r0:r1, offset=0" },
        { 10, 0x3100000500000000,
          "HEAP_OPERATION op=vt_end, reserved=0x400000000" },
        { 11, 0x3100000500000000, "HEAP_OPERATION op=5" },
        { 11, 0x3215050400010000,
          "TRACE_POINT base=r4, count=5, wait=0x1, signal=5, indirect" },
        { 11, 0x3110000300000000, "HEAP_OPERATION op=frag_end, indirect" },
        { 11, 0x2510000000000000,
          "SYNC_ADD32 scope=system, address=r0:r1, data=r0, indirect" },
        { 11, 0x2610000000000000,
          "SYNC_SET32 scope=system, address=r0:r1, data=r0, indirect" },
        { 11, 0x3410000000000000,
          "SYNC_SET64 scope=system, address=r0:r1, data=r0:r1, indirect" },
        { 11, 0x2810000100000000,
          "STORE_STATE state=cycles, address=r0:r1, offset=0, indirect" },
        { 14, 0x8000000000000000, "ENOP" },
        { 14, 0x80ffffffffffffff, "ENOP payload=0xffffffffffffff" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
        g_assert_cmpstr(disasm(mali_cs_isa(later[i].arch), later[i].word, PC),
                        ==, later[i].text);
    }
}

/* Operands at the limit and past it, on v10 where nothing else is said */
static void test_check(void)
{
#define ODD "odd register pair"
#define REG "no such register"
#define PAST "registers past the last one"
#define SLOT "no such scoreboard slot"
#define VALUE "undefined value"
    static const struct {
        uint64_t word;
        const char *v10, *v12;
    } cases[] = {
        /* one register: destination, source, second source */
        { 0x025f000000000000, NULL, NULL },
        { 0x0260000000000000, REG, NULL },
        { 0x027f000000000000, REG, NULL },
        { 0x0280000000000000, REG, REG },
        { 0x02ff000000000000, REG, REG },
        { 0x10005f0000000000, NULL, NULL },
        { 0x1000600000000000, REG, NULL },
        { 0x1200005f00000000, NULL, NULL },
        { 0x1200006000000000, REG, NULL },
        /* a pair: destination, address, data */
        { 0x015e000000000000, NULL, NULL },
        { 0x015f000000000000, ODD, ODD },
        { 0x0101000000000000, ODD, ODD },
        { 0x0160000000000000, REG, NULL },
        { 0x017e000000000000, REG, NULL },
        { 0x01fe000000000000, REG, REG },
        { 0x01ff000000000000, ODD, ODD },
        { 0x2000010000000000, ODD, ODD },
        { 0x2000600000000000, REG, NULL },
        { 0x3300000300000000, ODD, ODD },
        { 0x2500000300000000, NULL, NULL },
        { 0x0b00000100000000, ODD, ODD },
        { 0x0800270000000000, ODD, ODD },
        /* a tuple: its last register counts, not its mask's width */
        { 0x1450000080010000, NULL, NULL },
        { 0x1451000080010000, PAST, NULL },
        { 0x145f000000010000, NULL, NULL },
        { 0x145f000000020000, PAST, NULL },
        { 0x145f000000000000, NULL, NULL },
        { 0x1460000000000000, REG, NULL },
        { 0x157f000000010000, REG, NULL },
        { 0x157f000000020000, REG, PAST },
        { 0x1400030000010000, ODD, ODD },
        /* registers counted from a base */
        { 0x3200600000000000, NULL, NULL },
        { 0x3200610000000000, PAST, NULL },
        { 0x3200ff0100000000, PAST, PAST },
        { 0x3200015f00000000, NULL, NULL },
        { 0x3200025f00000000, PAST, NULL },
        { 0x3200006000000000, REG, NULL },
        /* slots: set, waited for, signalled */
        { 0x1700000000000077, NULL, NULL },
        { 0x1700000000000008, SLOT, NULL },
        { 0x1700000000000080, SLOT, NULL },
        { 0x2407000000000000, NULL, NULL },
        { 0x2408000000000000, SLOT, NULL },
        { 0x2400000000800000, NULL, NULL },
        { 0x2400000001000000, SLOT, NULL },
        { 0x3300000000800000, NULL, NULL },
        { 0x3300000001000000, SLOT, NULL },
        { 0x3307000000010000, NULL, NULL },
        { 0x3308000000010000, SLOT, NULL },
        { 0x0b00000001000000, SLOT, NULL },
        { 0x0b08000000010000, SLOT, NULL },
        { 0x2800000080000000, SLOT, NULL },
        { 0x2808000000010000, SLOT, NULL },
        { 0x3100000001000000, SLOT, NULL },
        { 0x3108000000010000, SLOT, NULL },
        { 0x3200000001000000, SLOT, NULL },
        { 0x3208000000010000, SLOT, NULL },
        /* without a mask, the slot is not used */
        { 0x3308000000000000, NULL, NULL },
        /* values that nothing is known of */
        { 0x0400000000008000, NULL, NULL },
        { 0x040000000000c000, VALUE, VALUE },
        { 0x0700000000000030, VALUE, VALUE },
        { 0x0700000000000050, NULL, NULL },
        { 0x0700000000000070, VALUE, VALUE },
        { 0x1600000060000000, NULL, NULL },
        { 0x1600000070000000, VALUE, VALUE },
        { 0x1900000000000002, NULL, NULL },
        { 0x1900000000000000, VALUE, VALUE },
        { 0x2400000000000002, VALUE, VALUE },
        { 0x2400000000000020, VALUE, VALUE },
        { 0x2400000000000100, VALUE, VALUE },
        { 0x2400000000000300, VALUE, VALUE },
        { 0x2500000000000002, VALUE, VALUE },
        { 0x2500000000000004, NULL, NULL },
        { 0x2500000000000006, VALUE, VALUE },
        { 0x2700000010000000, NULL, NULL },
        { 0x2700000020000000, VALUE, VALUE },
        { 0x3500000060000000, VALUE, VALUE },
        { 0x2800000300000000, NULL, NULL },
        { 0x3100000200000000, VALUE, VALUE },
        /* reserved bits are another matter */
        { 0x2f00000000000001, NULL, NULL },
        { 0x2000000000ffffff, NULL, NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t word = cases[i].word;

        if (g_strcmp0(check(v10(), word), cases[i].v10) ||
            g_strcmp0(check(mali_cs_isa(12), word), cases[i].v12)) {
            g_test_message("word 0x%016" PRIx64, word);
        }
        g_assert_cmpstr(check(v10(), word), ==, cases[i].v10);
        g_assert_cmpstr(check(mali_cs_isa(12), word), ==, cases[i].v12);
    }

    /* The draw id counts when it is enabled */
    g_assert_cmpstr(check(v10(), 0x0600600000000000), ==, NULL);
    g_assert_cmpstr(check(v10(), 0x0600600400000000), ==, REG);
    /* v14's fragment registers */
    g_assert_cmpstr(check(mali_cs_isa(14), 0x0e48000038000000), ==, NULL);
    g_assert_cmpstr(check(mali_cs_isa(14), 0x0e49000038000000), ==, PAST);

    /* The stream's own number of registers counts, not the usual one */
    g_assert_cmpstr(mali_cs_check(v10(), mali_cs_decode(v10(), 0x02ULL << 56),
                                  0x0260000000000000, 98), ==, NULL);
    g_assert_cmpstr(mali_cs_check(v10(), mali_cs_decode(v10(), 0x01ULL << 56),
                                  0x0160000000000000, 98), ==, NULL);
    g_assert_cmpstr(mali_cs_check(v10(), mali_cs_decode(v10(), 0x01ULL << 56),
                                  0x0162000000000000, 98), ==, REG);
    g_assert_cmpstr(mali_cs_check(v10(), mali_cs_decode(v10(), 0x02ULL << 56),
                                  0x0200000000000000, 0), ==, REG);
}

static void test_async(void)
{
    static const struct {
        unsigned arch;
        uint64_t word;
        bool async;
    } cases[] = {
        { 10, 0x0300000000ff0000, false },      /* WAIT's mask is not this */
        { 10, 0x0400000000000000, true },
        { 10, 0x0900000000000000, true },
        { 10, 0x1400000000010000, true },
        { 10, 0x1500000000000000, true },
        { 10, 0x2400000000000000, true },
        { 10, 0x2c00000000000000, true },
        { 10, 0x3300000000000000, false },
        { 10, 0x3300000000010000, true },
        { 10, 0x2800000080000000, true },
        { 10, 0x3310000000000000, false },      /* reserved */
        { 11, 0x3310000000000000, true },
        { 11, 0x3301000000000000, false },
        { 10, 0x3500000000010000, false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const MaliCsIsa *isa = mali_cs_isa(cases[i].arch);
        const MaliCsInsn *insn = mali_cs_decode(isa, cases[i].word);

        g_assert_cmpint(mali_cs_is_async(insn, cases[i].word), ==,
                        cases[i].async);
    }
}

static void test_operands(void)
{
    uint64_t word = 0x112a3344abcd8001;

    g_assert_cmphex(mali_cs_opcode(word), ==, 0x11);
    g_assert_cmphex(mali_cs_dst(word), ==, 0x2a);
    g_assert_cmphex(mali_cs_src(word), ==, 0x33);
    g_assert_cmphex(mali_cs_src1(word), ==, 0x44);
    g_assert_cmphex(mali_cs_mask(word), ==, 0xabcd);
    g_assert_cmphex(mali_cs_signal(word), ==, 0xa);
    g_assert_cmpint(mali_cs_offset(word), ==, -32767);
}

static void test_branch_target(void)
{
    static const struct {
        uint64_t word, pc;
        const char *target;
    } cases[] = {
        { 0x1600000060000000, 0x1000, "0x1008" },
        { 0x160000006000ffff, 0x1000, "0x1000" },
        { 0x1600000060007fff, 0x1000, "0x41000" },
        { 0x1600000060008000, 0x100000, "0xc0008" },
        { 0x160000006000fffe, 0, "0xfffffffffffffff8" },
        { 0x1600000060000001, 0xfffffffffffffff0, "0x0" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("BRANCH if=always, r0, target=%s", cases[i].target);

        g_assert_cmpstr(disasm(v10(), cases[i].word, cases[i].pc), ==, text);
    }
}

/* As snprintf(): never past the end, always terminated, the full length */
static void test_short_buffer(void)
{
    uint64_t word = 0x15105a00aaaa1000;
    g_autofree char *full = g_strdup(disasm(v10(), word, PC));
    size_t len = strlen(full);
    char buf[MALI_CS_DISASM_MAX + 1];

    g_assert_cmpuint(mali_cs_disasm(v10(), word, PC, NULL, 0), ==, len);
    for (size_t size = 0; size <= len + 1; size++) {
        memset(buf, 0x7f, sizeof(buf));
        g_assert_cmpuint(mali_cs_disasm(v10(), word, PC, buf, size), ==, len);
        if (size) {
            g_assert_cmpuint(strlen(buf), ==, size - 1);
            g_assert_true(g_str_has_prefix(full, buf));
        }
        for (size_t i = size; i < sizeof(buf); i++) {
            g_assert_cmphex(buf[i], ==, 0x7f);
        }
    }
}

static void round_trip(const MaliCsIsa *isa, uint64_t word, uint64_t pc)
{
    g_autofree char *text = g_strdup(disasm(isa, word, pc));

    g_assert_cmpuint(strlen(text), <, MALI_CS_DISASM_MAX);
    if (isa_assemble(isa, text, pc) != word) {
        g_test_message("v%u 0x%016" PRIx64 ": %s", isa->arch_major, word, text);
    }
    g_assert_cmphex(isa_assemble(isa, text, pc), ==, word);
}

static uint64_t random64(void)
{
    return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

/* All registers at once or one by one: the same comes of it */
static void check_both_ways(const MaliCsIsa *isa, const MaliCsInsn *insn,
                            uint64_t word, unsigned n_regs)
{
    g_assert_cmpstr(mali_cs_check(isa, insn, word, n_regs), ==,
                    mali_cs_check_fields(isa, insn, word, n_regs, UINT_MAX));
}

/* Any word is survived, and its text says all of it */
static void test_random(void)
{
    for (unsigned arch = 10; arch <= 14; arch++) {
        const MaliCsIsa *isa = mali_cs_isa(arch);

        for (unsigned i = 0; i < 40000; i++) {
            uint64_t word = random64();
            const MaliCsInsn *insn;

            /* Half of them with an opcode that is one */
            if (i & 1) {
                word = deposit64(word, 56, 8, i / 2 % 64);
            }
            round_trip(isa, word, i & 2 ? PC : random64() & ~7ULL);

            insn = mali_cs_decode(isa, word);
            if (insn) {
                check_both_ways(isa, insn, word, i % 65 * 2);
                /* Without reserved bits, nothing is said of them */
                g_assert_null(strstr(disasm(isa, word & insn->defined, PC),
                                     "reserved"));
            }
        }
    }
}

/* The longest text there can be fits: all bits, and each of them alone */
static void test_extremes(void)
{
    for (unsigned arch = 10; arch <= 14; arch++) {
        const MaliCsIsa *isa = mali_cs_isa(arch);

        for (unsigned op = 0; op < 256; op++) {
            uint64_t word = (uint64_t)op << 56;

            round_trip(isa, word, PC);
            round_trip(isa, word | MAKE_64BIT_MASK(0, 56), UINT64_MAX - 7);
            round_trip(isa, word | 0x55555555555555, UINT64_MAX - 7);
            for (unsigned bit = 0; bit < 56; bit++) {
                round_trip(isa, word | BIT_ULL(bit), PC);
                round_trip(isa, word | (MAKE_64BIT_MASK(0, 56) & ~BIT_ULL(bit)),
                           PC);
            }
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/mali-csf/isa/versions", test_versions);
    g_test_add_func("/mali-csf/isa/examples", test_examples);
    g_test_add_func("/mali-csf/isa/job", test_job);
    g_test_add_func("/mali-csf/isa/shapes", test_shapes);
    g_test_add_func("/mali-csf/isa/later-shapes", test_later_shapes);
    g_test_add_func("/mali-csf/isa/overlap", test_overlap);
    g_test_add_func("/mali-csf/isa/later-opcodes", test_later_opcodes);
    g_test_add_func("/mali-csf/isa/later-fields", test_later_fields);
    g_test_add_func("/mali-csf/isa/check", test_check);
    g_test_add_func("/mali-csf/isa/async", test_async);
    g_test_add_func("/mali-csf/isa/operands", test_operands);
    g_test_add_func("/mali-csf/isa/branch-target", test_branch_target);
    g_test_add_func("/mali-csf/isa/short-buffer", test_short_buffer);
    g_test_add_func("/mali-csf/isa/random", test_random);
    g_test_add_func("/mali-csf/isa/extremes", test_extremes);

    return g_test_run();
}
