/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: what RUN_FRAGMENT writes without a shader, the clear values
 * of its render targets (contract 9.6; genxml: Framebuffer Parameters, Render
 * Target, ZS CRC Extension)
 *
 * A large target takes several slices: a slice writes no more than its budget,
 * and the task remembers how far it has come.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "mali_csf_isa.h"
#include "mali_csf_task.h"
#include "trace.h"

/* The pointer's tags, and the parts of the descriptor */
#define FBD_HAS_ZS              BIT(1)
#define FBD_PARAMS_SIZE         64
#define FBD_HEADER_SIZE         128     /* parameters and padding */
#define FBD_PART_SIZE           64      /* the ZS extension, a render target */

/*
 * Clean Pixel Write Enable, of colours and of depth and stencil: drivers set it
 * for what they clear (Mesa's pan_desc.c).  Without it, what no primitive has
 * touched stays in memory as it is.
 */
#define TARGET_CLEAN_WRITE      BIT(31)

#define BLOCK_TILED             1
#define BLOCK_LINEAR            2

/* A tile of 16 by 16 pixels is contiguous in a U-interleaved target */
#define TILE                    16
#define MAX_PIXEL               16
#define SPAN_BYTES              (TILE * TILE * MAX_PIXEL)
/* What the shortest span counts for: it may have to be translated */
#define SPAN_MIN_COST           1024

/* Where a task goes on: target, and pixel relative to the region */
#define PROGRESS(target, y, x)  \
    ((uint64_t)(target) << 32 | (uint64_t)(y) << 16 | (x))

typedef struct MaliRegion {
    uint32_t x0, y0;
    uint32_t x1, y1;        /* exclusive */
} MaliRegion;

typedef struct MaliTarget {
    uint64_t base;
    uint32_t row_stride;    /* of a row of pixels, or of tiles */
    bool tiled;
    uint8_t bytes;          /* of a pixel; 0: nothing is written */
    uint8_t pixel[MAX_PIXEL];
} MaliTarget;

/* --- Colours --- */

/* Bits of each channel, red first from bit 0 on: what counts, and below it */
typedef struct MaliTileFormat {
    uint8_t bits[4];
    uint8_t fraction[4];
} MaliTileFormat;

/* By internal format; a clear colour is packed so (pan_clear.c) */
static const MaliTileFormat mali_tile_formats[] = {
    [1] = { { 8, 8, 8, 8 } },
    [2] = { { 10, 10, 10, 2 } },
    [3] = { { 8, 8, 8, 2 }, { 2, 2, 2, 0 } },
    [4] = { { 4, 4, 4, 4 }, { 4, 4, 4, 4 } },
    [5] = { { 5, 6, 5, 0 }, { 5, 4, 5, 2 } },
    [6] = { { 5, 5, 5, 1 }, { 5, 5, 5, 1 } },
};

/* Internal formats from this one on are raw: their colour is the pixel */
#define TILE_RAW_VALUE          0
#define TILE_RAW8               32
#define TILE_RAW128             36

typedef struct MaliColorFormat {
    uint8_t bytes;
    uint8_t bits[4];        /* of the channels in memory, from bit 0 on */
} MaliColorFormat;

/* By writeback format */
static const MaliColorFormat mali_color_formats[] = {
    [0] = { 1 },                        /* raw */
    [1] = { 2 },
    [2] = { 3 },
    [3] = { 4 },
    [4] = { 6 },
    [5] = { 8 },
    [6] = { 12 },
    [7] = { 16 },
    [16] = { 1, { 8 } },
    [17] = { 2, { 8, 8 } },
    [18] = { 3, { 8, 8, 8 } },
    [19] = { 4, { 8, 8, 8, 8 } },
    [20] = { 2, { 4, 4, 4, 4 } },
    [21] = { 2, { 5, 6, 5 } },
    [22] = { 3, { 8, 8, 8 } },
    [24] = { 4, { 10, 10, 10, 2 } },
    [28] = { 2, { 5, 5, 5, 1 } },
};

/*
 * One channel of a clear colour, for a channel of @bits in memory.  @source is
 * a channel, or 4 for zero and 5 for one.
 */
static bool mali_color_channel(const MaliTileFormat *f, uint32_t color,
                               unsigned source, unsigned bits, uint32_t *val)
{
    unsigned shift = 0;

    if (source >= 4) {
        *val = source == 5 ? MAKE_64BIT_MASK(0, bits) : 0;
        return source <= 5;
    }
    for (unsigned i = 0; i < source; i++) {
        shift += f->bits[i] + f->fraction[i];
    }
    shift += f->fraction[source];
    if (f->bits[source] != bits) {
        return false;
    }
    *val = extract32(color, shift, bits);
    return true;
}

static bool mali_color_pixel(const uint32_t *rt, MaliTarget *target)
{
    unsigned internal = extract32(rt[0], 26, 6);
    unsigned writeback = extract32(rt[1], 3, 5);
    unsigned swizzle = extract32(rt[1], 16, 12);
    const MaliColorFormat *cf;
    uint32_t pixel = 0;

    if (writeback >= ARRAY_SIZE(mali_color_formats) ||
        !mali_color_formats[writeback].bytes) {
        return false;
    }
    cf = &mali_color_formats[writeback];
    if (!cf->bits[0]) {
        for (int i = 0; i < 4; i++) {
            stl_le_p(target->pixel + i * 4, rt[12 + i]);
        }
        target->bytes = cf->bytes;
        return internal == TILE_RAW_VALUE ||
               (internal >= TILE_RAW8 && internal <= TILE_RAW128);
    }
    if (internal == TILE_RAW_VALUE ||
        internal >= ARRAY_SIZE(mali_tile_formats)) {
        return false;
    }
    for (unsigned i = 0, shift = 0; i < 4 && cf->bits[i]; i++) {
        uint32_t val;

        if (!mali_color_channel(&mali_tile_formats[internal], rt[12],
                                extract32(swizzle, i * 3, 3), cf->bits[i],
                                &val)) {
            return false;
        }
        pixel |= val << shift;
        shift += cf->bits[i];
    }
    stl_le_p(target->pixel, pixel);
    target->bytes = cf->bytes;
    return true;
}

/* --- Targets --- */

static bool mali_target_layout(MaliTarget *target, unsigned block,
                               unsigned msaa, const uint32_t *buffer)
{
    target->base = mali_reg64(buffer, 0);
    target->row_stride = buffer[2];
    target->tiled = block == BLOCK_TILED;
    /* One surface: single samples, or their average */
    return (block == BLOCK_TILED || block == BLOCK_LINEAR) && msaa <= 1;
}

/* False for a target that would be written, but in a way that is not known */
static bool mali_target_color(const uint32_t *rt, MaliTarget *target)
{
    bool write = extract32(rt[1], 0, 1) && extract32(rt[1], 8, 4) &&
                 rt[1] & TARGET_CLEAN_WRITE;
    bool plain = !extract32(rt[0], 0, 4) && !extract32(rt[0], 24, 1);

    if (!write) {
        return true;
    }
    return plain &&
           mali_target_layout(target, extract32(rt[1], 8, 4),
                              extract32(rt[1], 12, 2), rt + 8) &&
           mali_color_pixel(rt, target);
}

static uint32_t mali_depth_unorm(uint32_t bits, uint32_t max)
{
    float z;

    memcpy(&z, &bits, sizeof(z));
    /* What is not a number fails both comparisons */
    return z >= 1 ? max : z > 0 ? (uint32_t)((double)z * max + 0.5) : 0;
}

static bool mali_target_depth(const uint32_t *fbd, const uint32_t *zs,
                              MaliTarget *target)
{
    uint32_t flags = fbd[12], z = fbd[13];
    bool stencil = extract32(flags, 8, 1) && !extract32(flags, 9, 1);

    /* Written, and not what was preloaded */
    if (!extract32(flags, 18, 1) || extract32(flags, 19, 1) ||
        !extract32(zs[0], 4, 4) || !(zs[0] & TARGET_CLEAN_WRITE)) {
        return true;
    }
    switch (extract32(zs[0], 0, 4)) {
    case 1:             /* D16 */
        z = mali_depth_unorm(z, 0xffff);
        target->bytes = 2;
        break;
    case 5:             /* D24S8 */
        if (!stencil) {
            return false;
        }
        z = mali_depth_unorm(z, 0xffffff) | extract32(flags, 0, 8) << 24;
        target->bytes = 4;
        break;
    case 4:             /* D24X8 */
        z = mali_depth_unorm(z, 0xffffff);
        target->bytes = 4;
        break;
    case 14:            /* D32 */
        target->bytes = 4;
        break;
    default:
        return false;
    }
    stl_le_p(target->pixel, z);
    return mali_target_layout(target, extract32(zs[0], 4, 4),
                              extract32(zs[0], 8, 2), zs + 8);
}

static bool mali_target_stencil(const uint32_t *fbd, const uint32_t *zs,
                                MaliTarget *target)
{
    uint32_t flags = fbd[12];

    /* A stencil that is packed with the depth has no block format */
    if (!extract32(flags, 8, 1) || extract32(flags, 9, 1) ||
        !extract32(zs[0], 20, 4) || !(zs[0] & TARGET_CLEAN_WRITE)) {
        return true;
    }
    target->bytes = 1;
    target->pixel[0] = flags;
    return extract32(zs[0], 16, 4) == 1 &&      /* S8 */
           mali_target_layout(target, extract32(zs[0], 20, 4),
                              extract32(zs[0], 24, 2), zs + 12);
}

static void mali_clear_words(MaliTask *t, uint64_t va, uint32_t *words)
{
    mali_task_read(t, va, words, FBD_PART_SIZE);
    for (int i = 0; i < FBD_PART_SIZE / 4; i++) {
        words[i] = le32_to_cpu(words[i]);
    }
}

/* Colours come first, then depth, then stencil */
static void mali_clear_target(MaliTask *t, uint64_t fbd, const uint32_t *params,
                              unsigned i, unsigned colors, MaliTarget *target)
{
    uint64_t va = (fbd & ~63ull) + FBD_HEADER_SIZE;
    uint32_t words[FBD_PART_SIZE / 4];
    bool known;

    memset(target, 0, sizeof(*target));
    if (i < colors) {
        va += fbd & FBD_HAS_ZS ? FBD_PART_SIZE : 0;
        va += i * FBD_PART_SIZE;
    }
    mali_clear_words(t, va, words);
    if (i < colors) {
        known = mali_target_color(words, target);
    } else if (i == colors) {
        known = mali_target_depth(params, words, target);
    } else {
        known = mali_target_stencil(params, words, target);
    }
    if (!known) {
        target->bytes = 0;
        t->s->sched.clears_skipped++;
    }
    trace_mali_csf_clear_target(t->csg, t->cs, i, target->base, target->bytes,
                                target->tiled);
}

/* --- Writing --- */

/* The place of a pixel in its tile: bits y3, x3 ^ y3, y2, x2 ^ y2, ... */
static unsigned mali_tile_index(unsigned x, unsigned y)
{
    unsigned index = 0;

    for (unsigned bit = 0; bit < 4; bit++) {
        index |= (((x ^ y) >> bit) & 1) << (2 * bit);
        index |= ((y >> bit) & 1) << (2 * bit + 1);
    }
    return index;
}

static void mali_clear_spend(MaliTask *t, uint32_t bytes)
{
    t->s->sched.task_left -= MAX(bytes, SPAN_MIN_COST);
}

/*
 * Write from pixel @x, @y to the right, as far as one span goes; returns the
 * pixel behind it.
 */
static uint32_t mali_clear_linear(MaliTask *t, const MaliTarget *target,
                                  const uint8_t *span, uint32_t x, uint32_t y,
                                  const MaliRegion *r)
{
    uint32_t n = MIN(r->x1 - x, SPAN_BYTES / target->bytes);

    mali_task_write(t, target->base + (uint64_t)y * target->row_stride +
                       (uint64_t)x * target->bytes, span, n * target->bytes);
    mali_clear_spend(t, n * target->bytes);
    return x + n;
}

/* The same for the part of one tile that is in the region */
static uint32_t mali_clear_tile(MaliTask *t, const MaliTarget *target,
                                const uint8_t *span, uint32_t x, uint32_t y,
                                const MaliRegion *r)
{
    uint64_t va = target->base + (uint64_t)(y / TILE) * target->row_stride +
                  (uint64_t)(x / TILE) * TILE * TILE * target->bytes;
    uint32_t x1 = MIN(ROUND_DOWN(x, TILE) + TILE, r->x1);
    uint32_t y1 = MIN(ROUND_DOWN(y, TILE) + TILE, r->y1);

    if (x1 - x == TILE && y1 - y == TILE) {
        mali_task_write(t, va, span, TILE * TILE * target->bytes);
        mali_clear_spend(t, TILE * TILE * target->bytes);
        return x1;
    }
    for (uint32_t j = y; j < y1; j++) {
        for (uint32_t i = x; i < x1; i++) {
            mali_task_write(t, va + mali_tile_index(i % TILE, j % TILE) *
                                    target->bytes,
                            target->pixel, target->bytes);
        }
    }
    mali_clear_spend(t, (x1 - x) * (y1 - y) * 32);
    return x1;
}

/* One target, from where the task is; false when the slice has done enough */
static bool mali_clear_rows(MaliTask *t, const MaliTarget *target,
                            const MaliRegion *r)
{
    uint32_t x = r->x0 + extract64(t->progress, 0, 16);
    uint32_t y = r->y0 + extract64(t->progress, 16, 16);
    unsigned i = t->progress >> 32;
    g_autofree uint8_t *span = g_malloc(SPAN_BYTES);

    for (int n = 0; n + target->bytes <= SPAN_BYTES; n += target->bytes) {
        memcpy(span + n, target->pixel, target->bytes);
    }
    while (y < r->y1 && t->ret == MALI_TASK_OK) {
        /* The region is read again each time, and may be another one now */
        if (x >= r->x1) {
            x = r->x0;
            y = target->tiled ? ROUND_DOWN(y, TILE) + TILE : y + 1;
            continue;
        }
        t->progress = PROGRESS(i, y - r->y0, x - r->x0);
        if (t->s->sched.task_left <= 0) {
            return false;
        }
        x = target->tiled ? mali_clear_tile(t, target, span, x, y, r)
                          : mali_clear_linear(t, target, span, x, y, r);
    }
    return true;
}

/* Inside the frame, its bounds, and those of the task */
static MaliRegion mali_clear_region(const uint32_t *params, uint64_t bounds)
{
    uint32_t x1 = MIN(extract32(params[8], 0, 16),
                      extract32(params[10], 0, 16));
    uint32_t y1 = MIN(extract32(params[8], 16, 16),
                      extract32(params[10], 16, 16));

    return (MaliRegion) {
        .x0 = MAX(extract32(params[9], 0, 16), extract64(bounds, 0, 16)),
        .y0 = MAX(extract32(params[9], 16, 16), extract64(bounds, 16, 16)),
        .x1 = MIN(x1, extract64(bounds, 32, 16)) + 1,
        .y1 = MIN(y1, extract64(bounds, 48, 16)) + 1,
    };
}

void mali_clear(MaliTask *t, uint64_t fbd, uint64_t bounds)
{
    unsigned colors = extract64(fbd, 2, 4) + 1;
    unsigned n = colors + (fbd & FBD_HAS_ZS ? 2 : 0);
    uint32_t params[FBD_PARAMS_SIZE / 4];
    MaliRegion r;

    mali_clear_words(t, fbd & ~63ull, params);
    r = mali_clear_region(params, bounds);
    if (r.x0 >= r.x1 || r.y0 >= r.y1) {
        return;
    }
    while (t->ret == MALI_TASK_OK && t->progress >> 32 < n) {
        unsigned i = t->progress >> 32;
        MaliTarget target;

        mali_clear_target(t, fbd, params, i, colors, &target);
        if (t->ret == MALI_TASK_OK && target.bytes &&
            !mali_clear_rows(t, &target, &r)) {
            t->ret = MALI_TASK_MORE;
            return;
        }
        if (t->ret == MALI_TASK_OK) {
            t->progress = PROGRESS(i + 1, 0, 0);
        }
    }
}
