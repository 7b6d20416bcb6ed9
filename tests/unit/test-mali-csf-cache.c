/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF caches, against a model
 *
 * The model has no lines to look up and no order: for every byte of a small
 * memory it knows what the cache would answer, whether that is dirty, and when
 * its line came in.
 *
 * GLib prints the seed; --seed=R02S... repeats a run, -m slow makes it longer.
 */

#include "qemu/osdep.h"
#include "mali_csf_cache.h"

#define MEMORY          0x2000
#define LINES           (MEMORY / MALI_CACHE_LINE)
#define LIMIT           40
/* The end of memory is where nothing answers */
#define HOLE            (MEMORY - 3 * MALI_CACHE_LINE)

typedef struct Model {
    uint8_t memory[MEMORY];     /* behind the cache under test */
    uint8_t expected[MEMORY];   /* behind the model */
    uint8_t cached[MEMORY];
    bool valid[MEMORY];
    bool dirty[MEMORY];
    uint64_t age[LINES];        /* 0: the line is not there */
    uint64_t clock;
} Model;

static bool transfer(void *opaque, uint64_t pa, void *buf, uint32_t len,
                     bool write)
{
    Model *m = opaque;

    g_assert_cmphex(pa + len, <=, MEMORY);
    g_assert_cmpuint(pa / MALI_CACHE_LINE, ==,
                     (pa + len - 1) / MALI_CACHE_LINE);
    if (pa >= HOLE) {
        return false;
    }
    memcpy(write ? m->memory + pa : buf, write ? buf : m->memory + pa, len);
    return true;
}

/* --- The model --- */

static void model_clean(Model *m, unsigned line)
{
    for (unsigned i = line * MALI_CACHE_LINE;
         i < (line + 1) * MALI_CACHE_LINE; i++) {
        if (m->dirty[i] && i < HOLE) {
            m->expected[i] = m->cached[i];
        }
        m->dirty[i] = false;
    }
}

static void model_drop(Model *m, unsigned line)
{
    memset(m->valid + line * MALI_CACHE_LINE, 0, MALI_CACHE_LINE);
    memset(m->dirty + line * MALI_CACHE_LINE, 0, MALI_CACHE_LINE);
    m->age[line] = 0;
}

static unsigned model_count(const Model *m)
{
    unsigned n = 0;

    for (unsigned i = 0; i < LINES; i++) {
        n += m->age[i] != 0;
    }
    return n;
}

static void model_bring_in(Model *m, unsigned line)
{
    unsigned oldest = 0;

    if (m->age[line]) {
        return;
    }
    if (model_count(m) == LIMIT) {
        for (unsigned i = 0; i < LINES; i++) {
            if (m->age[i] &&
                (!m->age[oldest] || m->age[i] < m->age[oldest])) {
                oldest = i;
            }
        }
        model_clean(m, oldest);
        model_drop(m, oldest);
    }
    m->age[line] = ++m->clock;
}

static bool model_read(Model *m, unsigned pa, unsigned len, uint8_t *buf)
{
    for (unsigned i = pa; i < pa + len; i++) {
        unsigned line = i / MALI_CACHE_LINE;

        model_bring_in(m, line);
        if (!m->valid[i]) {
            unsigned first = line * MALI_CACHE_LINE;
            bool any = false;

            for (unsigned j = first; j < first + MALI_CACHE_LINE; j++) {
                any |= m->valid[j];
                if (first < HOLE && !m->valid[j]) {
                    m->valid[j] = true;
                    m->cached[j] = m->expected[j];
                }
            }
            if (first >= HOLE) {
                if (!any) {
                    model_drop(m, line);
                }
                return false;
            }
        }
        buf[i - pa] = m->cached[i];
    }
    return true;
}

static void model_write(Model *m, unsigned pa, unsigned len,
                        const uint8_t *buf)
{
    for (unsigned i = pa; i < pa + len; i++) {
        model_bring_in(m, i / MALI_CACHE_LINE);
        m->valid[i] = m->dirty[i] = true;
        m->cached[i] = buf[i - pa];
    }
}

/* --- Both at once --- */

static void compare(const Model *m, const MaliCache *c)
{
    g_assert_cmpmem(m->memory, MEMORY, m->expected, MEMORY);
    g_assert_cmpuint(mali_cache_count(c), ==, model_count(m));
}

static void save_and_restore(Model *m, MaliCache *c)
{
    MaliCache fresh;
    MaliCacheLine *line;

    mali_cache_init(&fresh, LIMIT, transfer, m);
    QTAILQ_FOREACH(line, &c->order, next) {
        g_assert_true(mali_cache_restore(&fresh, line));
        g_assert_false(mali_cache_restore(&fresh, line));
    }
    mali_cache_destroy(c);
    *c = fresh;
    /* A list of this kind points back at its own head */
    QTAILQ_INIT(&c->order);
    while ((line = QTAILQ_FIRST(&fresh.order))) {
        QTAILQ_REMOVE(&fresh.order, line, next);
        QTAILQ_INSERT_TAIL(&c->order, line, next);
    }
}

static void step(Model *m, MaliCache *c)
{
    unsigned len = g_test_rand_int_range(1, 3 * MALI_CACHE_LINE);
    unsigned pa = g_test_rand_int_range(0, MEMORY - len);
    uint8_t got[3 * MALI_CACHE_LINE], want[3 * MALI_CACHE_LINE];
    unsigned what = g_test_rand_int_range(0, 100);

    if (what < 45) {
        bool works = model_read(m, pa, len, want);

        g_assert_cmpint(mali_cache_access(c, pa, got, len, false), ==, works);
        if (works) {
            g_assert_cmpmem(got, len, want, len);
        }
    } else if (what < 80) {
        for (unsigned i = 0; i < len; i++) {
            got[i] = g_test_rand_int();
        }
        model_write(m, pa, len, got);
        g_assert_true(mali_cache_access(c, pa, got, len, true));
    } else if (what < 92) {
        /* A CPU's write: past the cache */
        for (unsigned i = pa; i < pa + len; i++) {
            m->memory[i] = m->expected[i] = g_test_rand_int();
        }
    } else if (what < 96) {
        mali_cache_flush_range(c, pa, len);
        for (unsigned i = pa / MALI_CACHE_LINE;
             i <= (pa + len - 1) / MALI_CACHE_LINE; i++) {
            model_clean(m, i);
            model_drop(m, i);
        }
    } else if (what < 99) {
        bool clean = what & 1, invalidate = g_test_rand_bit() || !clean;

        mali_cache_flush(c, clean, invalidate);
        for (unsigned i = 0; i < LINES; i++) {
            if (clean) {
                model_clean(m, i);
            }
            if (invalidate) {
                model_drop(m, i);
            }
        }
    } else {
        save_and_restore(m, c);
    }
    compare(m, c);
}

static void test_random(void)
{
    g_autofree Model *m = g_new0(Model, 1);
    MaliCache c;

    mali_cache_init(&c, LIMIT, transfer, m);
    for (int i = 0; i < (g_test_slow() ? 1000000 : 50000); i++) {
        step(m, &c);
    }
    mali_cache_destroy(&c);
}

static void test_restore_refuses(void)
{
    static const MaliCacheLine bad[] = {
        { .pa = 0x41 }, { .pa = 0x40, .valid = 1, .dirty = 2 },
    };
    MaliCacheLine line = { .valid = 1 };
    MaliCache c;

    mali_cache_init(&c, 2, transfer, NULL);
    for (int i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(mali_cache_restore(&c, &bad[i]));
    }
    for (line.pa = 0; line.pa < 2 * MALI_CACHE_LINE;
         line.pa += MALI_CACHE_LINE) {
        g_assert_true(mali_cache_restore(&c, &line));
    }
    g_assert_false(mali_cache_restore(&c, &line));
    mali_cache_destroy(&c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mali-csf/cache/random", test_random);
    g_test_add_func("/mali-csf/cache/restore-refuses", test_restore_refuses);
    return g_test_run();
}
