/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: the tiler heap
 *
 * Where draws get their memory from, what happens when there is none
 * (group_process_tiler_oom, panthor_heap_grow), and how it comes back.
 */

#include "qemu/osdep.h"
#include "mali-csf-task.h"

/* In one chunk; in two; in three */
#define FEW                     1
#define TWO_CHUNKS              200
#define THREE_CHUNKS            500

#define ROOM                    (CHUNK - CHUNK_HEADER)

static void heap_start(Bed *b, unsigned queues, unsigned chunks)
{
    bed_start(b, queues);
    shader_init(&b->vm);
    fbd_init(&b->vm, 64, 64);
    vm_write64(&b->vm, VA_FBD + FBD_TILER, VA_TILER);
    heap_init(&b->vm, chunks);
    for (unsigned j = 0; j < queues; j++) {
        cs_run_words(&b->g, j, MOVE48(64, VA_HEAP_CONTEXT), HEAP_SET(64),
                     ON_SLOT);
    }
}

/* A render pass that is not tiled to its end yet */
#define START_PASS              HEAP_OPERATION(HEAP_VT_START)
#define END_PASS                HEAP_OPERATION(HEAP_VT_END)

static void submit_draw(Bed *b, uint32_t vertices)
{
    draw_regs(&b->g, 0, vertices);
    cs_submit_words(&b->g, 0, START_PASS, RUN(OP_RUN_IDVS), DONE);
}

static void draw(Bed *b, uint32_t vertices)
{
    submit_draw(b, vertices);
    g_assert_true(cs_wait_drained(&b->g, 0));
    g_assert_cmphex(cs_events(&b->g, 0), ==, 0);
}

/* Render what was tiled on VA_TILER, on queue @j, and give its chunks back */
static void render(Bed *b, unsigned j)
{
    fragment_regs(&b->g, j, FBD_ONE_TARGET, 0, 0, 63, 63);
    cs_run_words(&b->g, j, RUN(OP_RUN_FRAGMENT), DONE,
                 MOVE48(70, VA_TILER), LOAD(72, 70, 0xf, TILER_COMPLETED),
                 WAIT(0xff), FINISH_FRAGMENT(72, 74) | COUNT_RENDERED);
}

/* --- Taking --- */

typedef struct Draw {
    const char *name;
    uint8_t op;
    uint32_t vertices;      /* what it counts as */
} Draw;

static const Draw draws[] = {
    { "idvs", OP_RUN_IDVS, 20 },
    { "tiling", OP_RUN_TILING, 20 },
    /* A rectangle */
    { "fullscreen", OP_RUN_FULLSCREEN, 4 },
};

/* From the chunk in use, one behind the other */
static void test_draw(const void *opaque)
{
    const Draw *d = opaque;
    Bed b;

    heap_start(&b, 1, 1);
    draw_regs(&b.g, 0, 20);
    for (int i = 1; i <= 3; i++) {
        cs_run_words(&b.g, 0, RUN(d->op), DONE);
        g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(0));
        g_assert_cmpuint(heap_room(&b.vm), ==,
                         ROOM - i * DRAW_BYTES(d->vertices));
    }
    qtest_quit(b.qts);
}

/* Instances multiply */
static void test_instances(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    draw_regs(&b.g, 0, 5);
    cs_run_words(&b.g, 0, MOVE32(34, 7), RUN(OP_RUN_IDVS), DONE);
    g_assert_cmpuint(heap_room(&b.vm), ==, ROOM - DRAW_BYTES(35));
    qtest_quit(b.qts);
}

/* From one chunk to those that its header leads to */
static void test_next_chunk(void)
{
    Bed b;

    heap_start(&b, 1, 3);
    draw(&b, THREE_CHUNKS);
    g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(2));
    g_assert_cmpuint(heap_room(&b.vm), ==, 3 * ROOM - DRAW_BYTES(THREE_CHUNKS));
    qtest_quit(b.qts);
}

/* --- Giving back --- */

/* The chunks that are full are told when they were rendered; and used again */
static void test_give_back(void)
{
    Bed b;

    heap_start(&b, 1, 3);
    draw(&b, THREE_CHUNKS);
    g_assert_cmphex(vm_read64(&b.vm, VA_TILER + TILER_COMPLETED), ==, 0);
    render(&b, 0);
    g_assert_cmphex(vm_read64(&b.vm, VA_TILER + TILER_COMPLETED), ==,
                    CHUNK_LINK(0));
    g_assert_cmphex(vm_read64(&b.vm, VA_TILER + TILER_COMPLETED + 8), ==,
                    CHUNK_LINK(1));
    g_assert_cmphex(vm_read64(&b.vm, VA_CHUNK(0)), ==, CHUNK_LINK(1));
    g_assert_cmphex(vm_read64(&b.vm, VA_CHUNK(1)), ==, 0);
    /* They come back in that order, when the third is full */
    draw(&b, TWO_CHUNKS);
    g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(0));
    draw(&b, TWO_CHUNKS);
    g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(1));
    qtest_quit(b.qts);
}

/* As long as it is rendered each time, a heap lasts for ever */
static void test_steady(void)
{
    Bed b;

    heap_start(&b, 1, 3);
    for (int i = 0; i < 20; i++) {
        qtest_memset(b.qts, vm_pa(&b.vm, VA_TILER + TILER_COMPLETED), 0, 16);
        draw(&b, TWO_CHUNKS);
        cs_run_words(&b.g, 0, END_PASS);
        render(&b, 0);
    }
    qtest_quit(b.qts);
}

/* FINISH_FRAGMENT with a wait mask comes later, with the operands it had */
static void test_give_back_later(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    draw(&b, FEW);
    cs_submit_words(&b.g, 0, MOVE48(72, CHUNK_LINK(4)),
                    MOVE48(74, CHUNK_LINK(4)), FLUSH(10, 0, 1),
                    FINISH_FRAGMENT(72, 74) | (uint64_t)BIT(1) << 16 |
                    2ULL << 48, MOVE48(72, 0), MOVE48(74, 0));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, BIT(1) | BIT(2));
    qtest_clock_step(b.qts, NS_FLUSH);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, 0);
    draw(&b, TWO_CHUNKS);
    g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(4));
    qtest_quit(b.qts);
}

/* --- TILER_OOM --- */

static void wait_for_oom(Bed *b)
{
    g_assert_true(cs_wait_events(&b->g, 0, CS_EVENT_TILER_OOM));
    g_assert_cmphex(cs_events(&b->g, 0), ==, CS_EVENT_TILER_OOM);
}

static void check_oom_fault(Bed *b)
{
    g_assert_true(cs_wait_events(&b->g, 0, CS_EVENT_FAULT));
    g_assert_cmphex(cs_out(&b->g, 0, CS_FAULT) & 0xff, ==, EXC_OOM);
    g_assert_cmphex(cs_out64(&b->g, 0, CS_FAULT_INFO), ==, VA_HEAP_CONTEXT);
    cs_ack_events(&b->g, 0);
    cs_submit_words(&b->g, 0, ERROR_BARRIER);
    csg_ring_queues(&b->g, 1);
    g_assert_true(cs_wait_drained(&b->g, 0));
    check_works(&b->g, 0, 0x4444);
}

/* Told once, with what the host needs; only the queue that draws is held up */
static void test_ask(void)
{
    uint32_t ack;
    Bed b;

    heap_start(&b, 2, 1);
    cs_run_words(&b.g, 0, START_PASS, END_PASS, START_PASS, END_PASS,
                 HEAP_OPERATION(HEAP_FRAG_END));
    draw_regs(&b.g, 0, TWO_CHUNKS);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    gpu_write(b.qts, JOB_INT + CLEAR, UINT32_MAX);
    cs_submit_words(&b.g, 0, START_PASS, RUN(OP_RUN_IDVS), DONE);
    wait_for_oom(&b);
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT) & 1, ==, 1);
    g_assert_cmphex(csg_out(&b.g, CSG_CS_IRQ_REQ) ^
                    csg_in(&b.g, CSG_CS_IRQ_ACK), ==, BIT(0));
    g_assert_cmphex(cs_out64(&b.g, 0, CS_HEAP_ADDRESS), ==, VA_HEAP_CONTEXT);
    g_assert_cmpuint(cs_out(&b.g, 0, CS_HEAP_VT_START), ==, 3);
    g_assert_cmpuint(cs_out(&b.g, 0, CS_HEAP_VT_END), ==, 2);
    g_assert_cmpuint(cs_out(&b.g, 0, CS_HEAP_FRAG_END), ==, 1);
    csg_status(&b.g);
    g_assert_cmpuint(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_RESOURCE);
    ack = cs_out(&b.g, 0, CS_ACK);
    csg_ring_queues(&b.g, 3);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(cs_out(&b.g, 0, CS_ACK), ==, ack);
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_cmphex(csg_events(&b.g), ==, 0);
    check_works(&b.g, 1, 0x1111);
    qtest_quit(b.qts);
}

/* As often as it takes */
static void test_grant(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    submit_draw(&b, THREE_CHUNKS);
    wait_for_oom(&b);
    cs_answer_oom(&b.g, 0, 3);
    wait_for_oom(&b);
    g_assert_cmphex(heap_base(&b.vm), ==, 0);
    cs_answer_oom(&b.g, 0, 5);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(5));
    g_assert_cmpuint(heap_room(&b.vm), ==, 3 * ROOM - DRAW_BYTES(THREE_CHUNKS));
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* An answer that comes without its acknowledgement is none */
static void test_grant_unacknowledged(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    submit_draw(&b, TWO_CHUNKS);
    wait_for_oom(&b);
    cs_in_set64(&b.g, 0, CS_HEAP_START, CHUNK_LINK(3));
    cs_in_set64(&b.g, 0, CS_HEAP_END, CHUNK_LINK(3));
    csg_ring_queues(&b.g, 1);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    cs_answer_oom(&b.g, 0, 3);
    g_assert_true(cs_wait_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* No memory, no pass to wait for, no handler */
static void test_refuse(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    submit_draw(&b, TWO_CHUNKS);
    wait_for_oom(&b);
    cs_answer_oom(&b.g, 0, NO_CHUNK);
    check_oom_fault(&b);
    qtest_quit(b.qts);
}

/* A pass that was tiled will give its chunks back: the draw waits for it */
static void test_wait(void)
{
    Bed b;

    heap_start(&b, 2, 2);
    draw(&b, TWO_CHUNKS);
    cs_run_words(&b.g, 0, END_PASS);
    submit_draw(&b, TWO_CHUNKS);
    wait_for_oom(&b);
    cs_answer_oom(&b.g, 0, NO_CHUNK);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_false(cs_drained(&b.g, 0));
    csg_status(&b.g);
    g_assert_cmpuint(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_RESOURCE);
    render(&b, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(0));
    qtest_quit(b.qts);
}

/* When that pass gave nothing back, there is nothing to wait for any more */
static void test_wait_in_vain(void)
{
    Bed b;

    heap_start(&b, 2, 2);
    draw(&b, TWO_CHUNKS);
    cs_run_words(&b.g, 0, END_PASS);
    submit_draw(&b, TWO_CHUNKS);
    wait_for_oom(&b);
    cs_answer_oom(&b.g, 0, NO_CHUNK);
    cs_run_words(&b.g, 1, HEAP_OPERATION(HEAP_FRAG_END));
    wait_for_oom(&b);
    g_assert_cmpuint(cs_out(&b.g, 0, CS_HEAP_VT_END), ==, 1);
    g_assert_cmpuint(cs_out(&b.g, 0, CS_HEAP_FRAG_END), ==, 1);
    cs_answer_oom(&b.g, 0, NO_CHUNK);
    check_oom_fault(&b);
    qtest_quit(b.qts);
}

/* --- The exception handler --- */

#define HANDLED                 78      /* counts the handler's runs */

static void set_handler(Bed *b, const uint64_t *words, unsigned n,
                        uint32_t length)
{
    uint64_t va = vm_stream(&b->vm, words, n);

    cs_run_words(&b->g, 0, MOVE48(66, va), MOVE32(68, length),
                 OOM_HANDLER(66, 68), MOVE32(HANDLED, 0));
    /* Those of the next jobs go behind it */
    b->vm.next_stream = va + 0x1000;
}

/* As set up by render(), and back to what the draw had */
static const uint64_t rendering[] = {
    ADD_IMM32(HANDLED, HANDLED, 1), MOVE48(40, VA_FBD | FBD_ONE_TARGET),
    MOVE48(42, 0), RUN(OP_RUN_FRAGMENT), DONE, MOVE48(70, VA_TILER),
    LOAD(72, 70, 0xf, TILER_COMPLETED), WAIT(0xff), FINISH_FRAGMENT(72, 74),
    MOVE48(40, VA_TILER),
};

static uint32_t handled(Bed *b)
{
    uint32_t regs[16];

    cs_read_regs(&b->g, 0, 64, regs);
    return regs[HANDLED - 64];
}

/* It renders what there is, and the draw goes on with what that frees */
static void test_handler(void)
{
    Bed b;

    heap_start(&b, 1, 2);
    set_handler(&b, rendering, ARRAY_SIZE(rendering), sizeof(rendering));
    submit_draw(&b, THREE_CHUNKS);
    wait_for_oom(&b);
    g_assert_cmphex(cs_events(&b.g, 0), ==, CS_EVENT_TILER_OOM);
    cs_answer_oom(&b.g, 0, NO_CHUNK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_cmpuint(handled(&b), ==, 1);
    g_assert_cmphex(heap_base(&b.vm), ==, VA_CHUNK(0));
    g_assert_cmpuint(heap_room(&b.vm), ==, 3 * ROOM - DRAW_BYTES(THREE_CHUNKS));
    qtest_quit(b.qts);
}

/* Memory that the host has comes before it */
static void test_handler_unused(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    set_handler(&b, rendering, ARRAY_SIZE(rendering), sizeof(rendering));
    submit_draw(&b, TWO_CHUNKS);
    wait_for_oom(&b);
    cs_answer_oom(&b.g, 0, 3);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(handled(&b), ==, 0);
    qtest_quit(b.qts);
}

/* One that frees nothing is not called for ever */
static void test_handler_useless(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    set_handler(&b, rendering, 1, 8);
    submit_draw(&b, TWO_CHUNKS);
    wait_for_oom(&b);
    cs_answer_oom(&b.g, 0, NO_CHUNK);
    check_oom_fault(&b);
    g_assert_cmpuint(handled(&b), ==, 1);
    qtest_quit(b.qts);
}

/* Length 0 takes it away; half an instruction is none */
static void test_no_handler(void)
{
    static const uint32_t lengths[] = { 0, 4 };

    for (int i = 0; i < ARRAY_SIZE(lengths); i++) {
        Bed b;

        heap_start(&b, 1, 1);
        set_handler(&b, rendering, ARRAY_SIZE(rendering), lengths[i]);
        submit_draw(&b, TWO_CHUNKS);
        wait_for_oom(&b);
        cs_answer_oom(&b.g, 0, NO_CHUNK);
        check_oom_fault(&b);
        g_assert_cmpuint(handled(&b), ==, 0);
        qtest_quit(b.qts);
    }
}

/* It is a call: where there are as many as can be, there is no room for it */
static void test_handler_depth(void)
{
    for (int depth = 7; depth <= 8; depth++) {
        const uint64_t word = RUN(OP_RUN_IDVS);
        uint64_t stream;
        Bed b;

        heap_start(&b, 1, 2);
        set_handler(&b, rendering, ARRAY_SIZE(rendering), sizeof(rendering));
        draw_regs(&b.g, 0, THREE_CHUNKS);
        stream = vm_stream(&b.vm, &word, 1);
        for (int i = 1; i < depth; i++) {
            const uint64_t words[] = {
                MOVE48(80, stream), MOVE32(82, i == 1 ? 8 : 24), CALL(80, 82),
            };

            stream = vm_stream(&b.vm, words, ARRAY_SIZE(words));
        }
        cs_submit_job(&b.g, 0, stream, 24);
        wait_for_oom(&b);
        cs_answer_oom(&b.g, 0, NO_CHUNK);
        if (depth == 8) {
            check_oom_fault(&b);
        } else {
            g_assert_true(cs_wait_drained(&b.g, 0));
            g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
        }
        g_assert_cmpuint(handled(&b), ==, depth == 7);
        qtest_quit(b.qts);
    }
}

/* --- Nonsense --- */

/* Chunks without room, round and round: that draw's own affair */
static void test_endless_chunks(void)
{
    Group other;
    uint32_t req;
    Bed b;

    heap_start(&b, 2, 1);
    other = bed_neighbour(&b, 1);
    vm_write64(&b.vm, VA_CHUNK(0), VA_CHUNK(0));
    submit_draw(&b, TWO_CHUNKS);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    req = fw_read(b.qts, FW_REQ) ^ GLB_PING;
    fw_request(b.qts, req);
    g_assert_cmphex(fw_read(b.qts, FW_ACK), ==, req);
    check_works(&b.g, 1, 0x1111);
    check_works(&other, 0, 0x2222);
    group_suspend(&b.g);
    check_works(&other, 0, 0x3333);
    qtest_quit(b.qts);
}

static void check_lost(Bed *b, uint64_t info)
{
    g_assert_true(cs_wait_events(&b->g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b->g, 0, CS_FATAL) & 0xff, ==, EXC_BUS);
    g_assert_cmphex(cs_out64(&b->g, 0, CS_FATAL_INFO), ==, info);
    qtest_quit(b->qts);
}

/* The next chunk, the heap's context, and the chunk that the host gave */
static void test_unmapped(void)
{
    Bed b;

    heap_start(&b, 1, 1);
    vm_write64(&b.vm, VA_CHUNK(0), VA_NOTHING | CHUNK >> 12);
    submit_draw(&b, THREE_CHUNKS);
    check_lost(&b, VA_NOTHING);

    heap_start(&b, 1, 1);
    cs_submit_words(&b.g, 0, MOVE48(64, VA_NOTHING), HEAP_SET(64), START_PASS);
    check_lost(&b, VA_NOTHING);

    heap_start(&b, 1, 1);
    submit_draw(&b, TWO_CHUNKS);
    wait_for_oom(&b);
    cs_in_set64(&b.g, 0, CS_HEAP_START, VA_NOTHING | CHUNK >> 12);
    cs_in_set64(&b.g, 0, CS_HEAP_END, VA_NOTHING | CHUNK >> 12);
    cs_ack_events(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    check_lost(&b, VA_NOTHING);
}

static const TestCase cases[] = {
    { "instances", test_instances },
    { "next-chunk", test_next_chunk },
    { "give-back", test_give_back },
    { "give-back-later", test_give_back_later },
    { "steady", test_steady },
    { "oom/ask", test_ask },
    { "oom/grant", test_grant },
    { "oom/grant-unacknowledged", test_grant_unacknowledged },
    { "oom/refuse", test_refuse },
    { "oom/wait", test_wait },
    { "oom/wait-in-vain", test_wait_in_vain },
    { "handler/renders", test_handler },
    { "handler/unused", test_handler_unused },
    { "handler/useless", test_handler_useless },
    { "handler/none", test_no_handler },
    { "handler/depth", test_handler_depth },
    { "endless-chunks", test_endless_chunks },
    { "unmapped", test_unmapped },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(draws); i++) {
        add_data_case("heap/draw", draws[i].name, &draws[i], test_draw);
    }
    add_cases("heap", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
