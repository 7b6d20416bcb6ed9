/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: what RUN_FRAGMENT clears
 *
 * Every byte of a render target, against what Mesa's layouts and formats say
 * (genxml; pan_clear.c, pan_layout.c): those of the region have the clear
 * value, all others what they had.
 */

#include "qemu/osdep.h"
#include "mali-csf-task.h"

/* What is in memory that nobody clears */
#define OLD                     0xee
/* Targets of one framebuffer, one behind the other */
#define TARGET_STEP             0x40000

enum { TILED = 1, LINEAR = 2, AFBC = 12 };
enum { RAW = 0, RGBA8 = 1, RGB10A2 = 2, RGBA4 = 4, RGB565 = 5, RGB5A1 = 6,
       RAW32 = 34, RAW128 = 36 };
enum { OUT_RAW8 = 0, OUT_RAW32 = 3, OUT_RAW64 = 5, OUT_RAW128 = 7, OUT_R8 = 16,
       OUT_RG8 = 17, OUT_RGB8 = 18, OUT_RGBA8 = 19, OUT_RGBA4 = 20,
       OUT_RGB565 = 21, OUT_RGB10A2 = 24, OUT_ABGR2 = 25, OUT_RGB5A1 = 28 };
enum { D16 = 1, D24X8 = 4, D24S8 = 5, D32 = 14 };
#define SWIZZLE(r, g, b, a)     ((r) | (g) << 3 | (b) << 6 | (a) << 9)
#define RGBA                    SWIZZLE(0, 1, 2, 3)
#define BGRA                    SWIZZLE(2, 1, 0, 3)

/* Flags of a render target; drivers set the first two for what they clear */
#define WRITE                   BIT(0)
#define CLEAN                   BIT(1)
#define MSAA                    BIT(2)
#define PLAIN                   (WRITE | CLEAN)

typedef struct Frame {
    uint32_t width, height;
    /* The region, and the framebuffer's bounds: corners, both included */
    uint16_t region[4];
    uint16_t bounds[4];
} Frame;

typedef struct Target {
    uint8_t block;
    uint8_t bytes;          /* of a pixel */
    uint8_t value[16];      /* what a cleared one is in memory */
} Target;

/* --- What must be in memory --- */

static bool inside(const Frame *f, uint32_t x, uint32_t y)
{
    return x >= MAX(f->region[0], f->bounds[0]) &&
           y >= MAX(f->region[1], f->bounds[1]) &&
           x <= MIN(f->region[2], f->bounds[2]) &&
           y <= MIN(f->region[3], f->bounds[3]) &&
           x < f->width && y < f->height;
}

/* A row of pixels, or of tiles of 16 by 16 */
static uint32_t row_stride(const Frame *f, const Target *t)
{
    return t->block == TILED ? ROUND_UP(f->width, 16) * 16 * t->bytes
                             : f->width * t->bytes + 12;
}

static uint32_t pixel_offset(const Frame *f, const Target *t, uint32_t x,
                             uint32_t y)
{
    uint32_t in = 0;

    if (t->block == LINEAR) {
        return y * row_stride(f, t) + x * t->bytes;
    }
    for (int bit = 0; bit < 4; bit++) {
        in |= (((x ^ y) >> bit) & 1) << (2 * bit);
        in |= ((y >> bit) & 1) << (2 * bit + 1);
    }
    return y / 16 * row_stride(f, t) + (x / 16 * 256 + in) * t->bytes;
}

/* All of a target's memory; @cleared: whether its region has been */
static void check_target(Bed *b, const Frame *f, const Target *t, unsigned n,
                         bool cleared)
{
    uint32_t rows = t->block == TILED ? DIV_ROUND_UP(f->height, 16) : f->height;
    uint32_t size = MAX(TARGET_STEP, rows * row_stride(f, t));
    g_autofree uint8_t *want = g_malloc(size);
    g_autofree uint8_t *got = g_malloc(size);

    memset(want, OLD, size);
    for (uint32_t y = 0; y < f->height && cleared; y++) {
        for (uint32_t x = 0; x < f->width; x++) {
            if (inside(f, x, y)) {
                memcpy(want + pixel_offset(f, t, x, y), t->value, t->bytes);
            }
        }
    }
    qtest_memread(b->qts, RAM_TARGET + n * TARGET_STEP, got, size);
    for (uint32_t i = 0; i < size; i++) {
        if (got[i] != want[i]) {
            g_test_message("target %u, byte 0x%x", n, i);
        }
        g_assert_cmphex(got[i], ==, want[i]);
    }
}

/* --- Setting up and running --- */

static void clear_start(Bed *b, const Frame *f)
{
    bed_start(b, 1);
    vm_map_target(&b->vm);
    qtest_memset(b->qts, RAM_TARGET, OLD, TARGET_SIZE);
    fbd_init(&b->vm, f->width, f->height);
    vm_write(&b->vm, VA_FBD + FBD_BOUND_MIN, f->bounds[0] | f->bounds[1] << 16);
    vm_write(&b->vm, VA_FBD + FBD_BOUND_MAX, f->bounds[2] | f->bounds[3] << 16);
}

static void clear_run(Bed *b, const Frame *f, unsigned tags)
{
    fragment_regs(&b->g, 0, tags, f->region[0], f->region[1], f->region[2],
                  f->region[3]);
    cs_run_words(&b->g, 0, ON_SLOT, RUN(OP_RUN_FRAGMENT), DONE);
}

typedef struct Color {
    const char *name;
    uint8_t internal, writeback;
    uint16_t swizzle;
    uint32_t color[4];      /* as the descriptor has it */
    uint8_t bytes;
    uint8_t value[16];
    uint8_t block;
    uint8_t flags;
} Color;

/* Part @part of the framebuffer descriptor */
static void set_color(Bed *b, const Frame *f, const Color *c, unsigned part,
                      unsigned n)
{
    const Target t = { c->block, c->bytes };
    uint64_t rt = VA_FBD + FBD_PARTS + part * FBD_PART;

    vm_write(&b->vm, rt, (uint32_t)c->internal << 26);
    vm_write(&b->vm, rt + 4, (c->flags & WRITE ? 1 : 0) | c->writeback << 3 |
                             c->block << 8 | (c->flags & MSAA ? 2 << 12 : 0) |
                             (uint32_t)c->swizzle << 16 |
                             (c->flags & CLEAN ? BIT(31) : 0));
    vm_write64(&b->vm, rt + 32, VA_TARGET + n * TARGET_STEP);
    vm_write(&b->vm, rt + 40, row_stride(f, &t));
    for (int i = 0; i < 4; i++) {
        vm_write(&b->vm, rt + 48 + i * 4, c->color[i]);
    }
}

static Target color_target(const Color *c)
{
    Target t = { c->block, c->bytes };

    memcpy(t.value, c->value, sizeof(t.value));
    return t;
}

/* --- Regions --- */

typedef struct Region {
    const char *name;
    Frame frame;
} Region;

static const Color rgba8 = {
    "rgba8", RGBA8, OUT_RGBA8, RGBA, { 0x44332211 }, 4,
    { 0x11, 0x22, 0x33, 0x44 }, LINEAR, PLAIN,
};

static const Region regions[] = {
    { "whole", { 80, 48, { 0, 0, 79, 47 }, { 0, 0, 79, 47 } } },
    { "no-tiles", { 70, 45, { 0, 0, 69, 44 }, { 0, 0, 69, 44 } } },
    { "corner", { 80, 48, { 17, 18, 40, 33 }, { 0, 0, 79, 47 } } },
    { "bounds", { 80, 48, { 0, 0, 79, 47 }, { 5, 7, 63, 31 } } },
    { "both", { 80, 48, { 9, 0, 79, 30 }, { 0, 11, 50, 47 } } },
    { "pixel", { 80, 48, { 33, 21, 33, 21 }, { 0, 0, 79, 47 } } },
    { "past-frame", { 40, 20, { 8, 8, 0xffff, 0xffff },
                      { 0, 0, 0xffff, 0xffff } } },
    { "bounds-apart", { 80, 48, { 0, 0, 20, 20 }, { 21, 0, 79, 47 } } },
    /* Several times what the device writes in a slice */
    { "large", { 512, 500, { 1, 1, 510, 499 }, { 0, 0, 511, 499 } } },
};

static void test_region(const void *opaque)
{
    const Region *r = opaque;

    for (int block = TILED; block <= LINEAR; block++) {
        Color c = rgba8;
        Target t;
        Bed b;

        c.block = block;
        t = color_target(&c);
        clear_start(&b, &r->frame);
        set_color(&b, &r->frame, &c, 0, 0);
        clear_run(&b, &r->frame, FBD_ONE_TARGET);
        check_target(&b, &r->frame, &t, 0, true);
        g_assert_cmpuint(gpu_counter(b.qts, "clears-skipped"), ==, 0);
        qtest_quit(b.qts);
    }
}

/* --- Formats --- */

static const Frame small = { 36, 20, { 3, 2, 33, 17 }, { 0, 0, 35, 19 } };

#define C10(r, g, b, a) ((r) | (g) << 10 | (b) << 20 | (uint32_t)(a) << 30)

static const Color colors[] = {
    { "rgba8", RGBA8, OUT_RGBA8, RGBA, { 0x44332211 }, 4,
      { 0x11, 0x22, 0x33, 0x44 }, LINEAR, PLAIN },
    { "bgra8", RGBA8, OUT_RGBA8, BGRA, { 0x44332211 }, 4,
      { 0x33, 0x22, 0x11, 0x44 }, LINEAR, PLAIN },
    { "rgbx8", RGBA8, OUT_RGBA8, SWIZZLE(0, 1, 2, 5), { 0x44332211 }, 4,
      { 0x11, 0x22, 0x33, 0xff }, LINEAR, PLAIN },
    { "rgb08", RGBA8, OUT_RGBA8, SWIZZLE(0, 1, 4, 3), { 0x44332211 }, 4,
      { 0x11, 0x22, 0x00, 0x44 }, LINEAR, PLAIN },
    { "rgb8", RGBA8, OUT_RGB8, RGBA, { 0x44332211 }, 3,
      { 0x11, 0x22, 0x33 }, LINEAR, PLAIN },
    { "rg8", RGBA8, OUT_RG8, RGBA, { 0x44332211 }, 2, { 0x11, 0x22 }, LINEAR,
      PLAIN },
    { "r8", RGBA8, OUT_R8, RGBA, { 0x44332211 }, 1, { 0x11 }, TILED, PLAIN },
    { "rgb10a2", RGB10A2, OUT_RGB10A2, RGBA,
      { C10(0x155, 0x2aa, 0x333, 2) }, 4, { 0x55, 0xa9, 0x3a, 0xb3 }, LINEAR,
      PLAIN },
    /* Fields of ten bits, of which the upper five or six are the colour */
    { "rgb565", RGB565, OUT_RGB565, RGBA, { C10(0x15 << 5, 0x2b << 4, 0x0a << 5,
                                                0) }, 2, { 0x75, 0x55 }, TILED,
      PLAIN },
    { "rgb5a1", RGB5A1, OUT_RGB5A1, RGBA, { C10(0x15 << 5, 0x0b << 5, 0x0a << 5,
                                                2) }, 2, { 0x75, 0xa9 },
      LINEAR, PLAIN },
    { "rgba4", RGBA4, OUT_RGBA4, RGBA, { 0xd0b09050 }, 2, { 0x95, 0xdb },
      LINEAR, PLAIN },
    { "raw8", RAW32, OUT_RAW8, RGBA, { 0x44332211 }, 1, { 0x11 }, LINEAR,
      PLAIN },
    { "raw32", RAW32, OUT_RAW32, RGBA, { 0x44332211 }, 4,
      { 0x11, 0x22, 0x33, 0x44 }, TILED, PLAIN },
    { "raw64", RAW, OUT_RAW64, RGBA, { 0x44332211, 0x88776655 }, 8,
      { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 }, TILED, PLAIN },
    { "raw128", RAW128, OUT_RAW128, RGBA,
      { 0x44332211, 0x88776655, 0xccbbaa99, 0x10ffeedd }, 16,
      { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
        0xdd, 0xee, 0xff, 0x10 }, LINEAR, PLAIN },
};

static void test_color(const void *opaque)
{
    const Color *c = opaque;
    Target t = color_target(c);
    Bed b;

    clear_start(&b, &small);
    set_color(&b, &small, c, 0, 0);
    clear_run(&b, &small, FBD_ONE_TARGET);
    check_target(&b, &small, &t, 0, true);
    g_assert_cmpuint(gpu_counter(b.qts, "clears-skipped"), ==, 0);
    qtest_quit(b.qts);
}

/* --- What stays as it is --- */

typedef struct Kept {
    const char *name;
    uint8_t block;
    uint8_t flags;
    uint8_t internal, writeback;
    uint32_t shaders;       /* of the framebuffer */
    uint64_t bits;          /* of the instruction */
    bool skipped;           /* hardware would write something */
} Kept;

static const Kept kept[] = {
    { "no-write", LINEAR, CLEAN, RGBA8, OUT_RGBA8, 0, 0, false },
    /* Nothing touched the pixels: a pass that loads, and draws nothing */
    { "no-clear", LINEAR, WRITE, RGBA8, OUT_RGBA8, 0, 0, false },
    { "no-block", 0, PLAIN, RGBA8, OUT_RGBA8, 0, 0, false },
    { "afbc", AFBC, PLAIN, RGBA8, OUT_RGBA8, 0, 0, true },
    { "samples", LINEAR, PLAIN | MSAA, RGBA8, OUT_RGBA8, 0, 0, true },
    { "format", LINEAR, PLAIN, RGBA8, OUT_ABGR2, 0, 0, true },
    { "blending", LINEAR, PLAIN, RGB565, OUT_RGBA8, 0, 0, true },
    { "raw-of-blending", LINEAR, PLAIN, RGBA8, OUT_RAW32, 0, 0, true },
    /* Frame shaders would load what is there */
    { "first-pre-frame", LINEAR, PLAIN, RGBA8, OUT_RGBA8, 1, 0, true },
    { "second-pre-frame", LINEAR, PLAIN, RGBA8, OUT_RGBA8, 2 << 3, 0, true },
    { "tile-map", LINEAR, PLAIN, RGBA8, OUT_RGBA8, 0, 1, true },
};

static void test_kept(const void *opaque)
{
    const Kept *k = opaque;
    const Color c = {
        .internal = k->internal, .writeback = k->writeback, .swizzle = RGBA,
        .color = { 0x44332211 }, .bytes = 4, .block = k->block,
        .flags = k->flags,
    };
    const Target t = { LINEAR, 4 };
    Bed b;

    clear_start(&b, &small);
    set_color(&b, &small, &c, 0, 0);
    vm_write(&b.vm, VA_FBD + FBD_SHADERS, k->shaders);
    fragment_regs(&b.g, 0, FBD_ONE_TARGET, 0, 0, 35, 19);
    cs_run_words(&b.g, 0, ON_SLOT, RUN(OP_RUN_FRAGMENT) | k->bits, DONE);
    check_target(&b, &small, &t, 0, false);
    g_assert_cmpuint(gpu_counter(b.qts, "clears-skipped"), ==, k->skipped);
    qtest_quit(b.qts);
}

/* After the tiles, a shader may change them: the clear value is there before */
static void test_post_frame(void)
{
    const Target t = color_target(&rgba8);
    Bed b;

    clear_start(&b, &small);
    set_color(&b, &small, &rgba8, 0, 0);
    vm_write(&b.vm, VA_FBD + FBD_SHADERS, 1 << 6);
    clear_run(&b, &small, FBD_ONE_TARGET);
    check_target(&b, &small, &t, 0, true);
    qtest_quit(b.qts);
}

/* --- Depth and stencil --- */

#define S_WRITE                 BIT(8)
#define S_PRELOAD               BIT(9)
#define Z_WRITE                 BIT(18)
#define Z_PRELOAD               BIT(19)
#define ZS_CLEAN                BIT(31)

typedef struct Depth {
    const char *name;
    uint32_t flags;         /* with the stencil value */
    float z;
    uint8_t format;
    uint8_t block;
    bool stencil;           /* has a target of its own, of 8 bits */
    bool clean;
    uint8_t bytes;          /* of the depth */
    uint8_t value[16];
    bool cleared, stencil_cleared;
    bool skipped;
} Depth;

static const Depth depths[] = {
    { "d16", Z_WRITE, 0.5, D16, LINEAR, false, true, 2, { 0x00, 0x80 }, true },
    { "d16-one", Z_WRITE, 1, D16, TILED, false, true, 2, { 0xff, 0xff },
      true },
    { "d16-zero", Z_WRITE, 0, D16, LINEAR, false, true, 2, { 0 }, true },
    { "d16-above", Z_WRITE, 7, D16, LINEAR, false, true, 2, { 0xff, 0xff },
      true },
    { "d16-below", Z_WRITE, -1, D16, LINEAR, false, true, 2, { 0 }, true },
    { "d24x8", Z_WRITE, 1, D24X8, LINEAR, false, true, 4,
      { 0xff, 0xff, 0xff, 0x00 }, true },
    { "d24s8", Z_WRITE | S_WRITE | 0x5a, 1, D24S8, TILED, false, true, 4,
      { 0xff, 0xff, 0xff, 0x5a }, true },
    { "d32", Z_WRITE, 0.75, D32, LINEAR, false, true, 4,
      { 0x00, 0x00, 0x40, 0x3f }, true },
    { "d32-s8", Z_WRITE | S_WRITE | 0xa5, 0.75, D32, LINEAR, true, true, 4,
      { 0x00, 0x00, 0x40, 0x3f }, true, true },
    { "s8", S_WRITE | 0xa5, 1, 0, 0, true, true, 4, { 0 }, false, true },
    { "s8-preloaded", S_WRITE | S_PRELOAD | 0xa5, 1, 0, 0, true, true, 4 },
    { "s8-no-write", 0xa5, 1, 0, 0, true, true, 4 },
    { "no-write", 0, 1, D32, LINEAR, false, true, 4 },
    { "preloaded", Z_WRITE | Z_PRELOAD, 1, D32, LINEAR, false, true, 4 },
    { "no-clear", Z_WRITE | S_WRITE, 1, D32, LINEAR, true, false, 4 },
    { "no-block", Z_WRITE, 1, D32, 0, false, true, 4 },
    /* Half of each word would have to stay */
    { "d24-without-s8", Z_WRITE, 1, D24S8, LINEAR, false, true, 4,
      .skipped = true },
    { "afbc", Z_WRITE, 1, D32, AFBC, false, true, 4, .skipped = true },
};

/* Before the colours, in one part of the descriptor */
static void test_depth(const void *opaque)
{
    const Depth *d = opaque;
    Target color = color_target(&rgba8);
    Target depth = { d->block ?: LINEAR, d->bytes };
    const Target stencil = { LINEAR, 1, { d->flags & 0xff } };
    uint64_t zs = VA_FBD + FBD_PARTS;
    uint32_t z;
    Bed b;

    memcpy(depth.value, d->value, sizeof(depth.value));
    memcpy(&z, &d->z, sizeof(z));
    clear_start(&b, &small);
    set_color(&b, &small, &rgba8, 1, 0);
    vm_write(&b.vm, VA_FBD + FBD_ZS_FLAGS, d->flags);
    vm_write(&b.vm, VA_FBD + FBD_Z_CLEAR, z);
    vm_write(&b.vm, zs, d->format | d->block << 4 |
                        (d->stencil ? 1 << 16 | LINEAR << 20 : 0) |
                        (d->clean ? ZS_CLEAN : 0));
    vm_write64(&b.vm, zs + 32, VA_TARGET + TARGET_STEP);
    vm_write(&b.vm, zs + 40, row_stride(&small, &depth));
    vm_write64(&b.vm, zs + 48, VA_TARGET + 2 * TARGET_STEP);
    vm_write(&b.vm, zs + 56, row_stride(&small, &stencil));
    clear_run(&b, &small, FBD_ONE_TARGET | FBD_HAS_ZS);
    check_target(&b, &small, &color, 0, true);
    check_target(&b, &small, &depth, 1, d->cleared);
    check_target(&b, &small, &stencil, 2, d->stencil_cleared);
    g_assert_cmpuint(gpu_counter(b.qts, "clears-skipped"), ==, d->skipped);
    qtest_quit(b.qts);
}

/* --- Several targets --- */

/* One that is not known, or not written, keeps nobody else from theirs */
static void test_targets(void)
{
    Color c[4] = { colors[0], colors[8], rgba8, colors[7] };
    Bed b;

    c[2].block = AFBC;
    clear_start(&b, &small);
    for (int i = 0; i < ARRAY_SIZE(c); i++) {
        set_color(&b, &small, &c[i], i, i);
    }
    clear_run(&b, &small, FBD_TARGETS(ARRAY_SIZE(c)));
    for (int i = 0; i < ARRAY_SIZE(c); i++) {
        Target t = color_target(&c[i]);

        check_target(&b, &small, &t, i, i != 2);
    }
    g_assert_cmpuint(gpu_counter(b.qts, "clears-skipped"), ==, 1);
    qtest_quit(b.qts);
}

/* --- Faults, when the tiles are written --- */

/* The last page of the target's memory is followed by none */
static void test_past_memory(void)
{
    const Frame f = { 64, 64, { 0, 0, 63, 63 }, { 0, 0, 63, 63 } };
    const uint64_t base = VA_TARGET + TARGET_SIZE - 0x1000;
    Group other;
    Bed b;

    clear_start(&b, &f);
    other = bed_neighbour(&b, 1);
    set_color(&b, &f, &rgba8, 0, 0);
    vm_write64(&b.vm, VA_FBD + FBD_PARTS + 32, base);
    fragment_regs(&b.g, 0, FBD_ONE_TARGET, 0, 0, 63, 63);
    cs_submit_words(&b.g, 0, ON_SLOT, RUN(OP_RUN_FRAGMENT), DONE);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_BUS);
    g_assert_cmphex(cs_out64(&b.g, 0, CS_FATAL_INFO), >=, base);
    g_assert_cmphex(gpu_read(b.qts, MMU_INT + RAWSTAT) & 0xff, ==, BIT(1));
    g_assert_cmphex(gpu_read64(b.qts, AS(1) + AS_FAULTADDRESS), ==,
                    VA_TARGET + TARGET_SIZE);
    g_assert_cmphex(qtest_readl(b.qts, RAM_TARGET + TARGET_SIZE - 0x1000), ==,
                    0x44332211);
    check_works(&other, 0, 0x2222);
    qtest_quit(b.qts);
}

/* A region locked for a while holds the clear up, in the middle of it */
static void test_locked(void)
{
    const Region *large = &regions[ARRAY_SIZE(regions) - 1];
    const Target t = color_target(&rgba8);
    Bed b;

    clear_start(&b, &large->frame);
    set_color(&b, &large->frame, &rgba8, 0, 0);
    fragment_regs(&b.g, 0, FBD_ONE_TARGET, large->frame.region[0],
                  large->frame.region[1], large->frame.region[2],
                  large->frame.region[3]);
    gpu_as_lock(b.qts, 1, VA_TARGET + 0x20000, 17);
    cs_submit_words(&b.g, 0, ON_SLOT, RUN(OP_RUN_FRAGMENT), DONE);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    check_target(&b, &large->frame, &t, 0, true);
    qtest_quit(b.qts);
}

static const TestCase cases[] = {
    { "post-frame", test_post_frame },
    { "targets", test_targets },
    { "past-memory", test_past_memory },
    { "locked", test_locked },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(regions); i++) {
        add_data_case("clear/region", regions[i].name, &regions[i],
                      test_region);
    }
    for (int i = 0; i < ARRAY_SIZE(colors); i++) {
        add_data_case("clear/color", colors[i].name, &colors[i], test_color);
    }
    for (int i = 0; i < ARRAY_SIZE(kept); i++) {
        add_data_case("clear/kept", kept[i].name, &kept[i], test_kept);
    }
    for (int i = 0; i < ARRAY_SIZE(depths); i++) {
        add_data_case("clear/depth", depths[i].name, &depths[i], test_depth);
    }
    add_cases("clear", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
