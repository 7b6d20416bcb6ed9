/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: its properties and its device-tree nodes
 *
 * The tree is that of "-machine dumpdtb".  What the driver wants in it is in
 * arm,mali-valhall-csf.yaml and in panthor_device.c and panthor_devfreq.c.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"

#define BUS                     "/platform-bus@c000000"
#define GPU                     BUS "/gpu@0"

/* --- Running QEMU to its end --- */

/* QEMU with the GPU @props (NULL: none): its exit status, what it printed */
static int run(const char *machine, const char *props, char **err)
{
    const char *qemu = g_getenv("QTEST_QEMU_BINARY");
    g_autofree char *device = g_strdup_printf("mali-csf,id=gpu%s%s",
                                              props && *props ? "," : "",
                                              props ?: "");
    const char *argv[] = {
        qemu, "-machine", machine, "-accel", "qtest", "-nodefaults",
        "-display", "none", props ? "-device" : NULL, device, NULL,
    };
    g_autoptr(GError) error = NULL;
    int status;

    g_assert_nonnull(qemu);
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                 NULL, err, &status, &error);
    g_assert_no_error(error);
    return status;
}

/* --- A flattened device tree, flattened further: "/node:property" -> value */

#define FDT_MAGIC               0xd00dfeed
#define FDT_BEGIN_NODE          1
#define FDT_END_NODE            2
#define FDT_PROP                3
#define FDT_NOP                 4
#define FDT_END                 9

typedef struct Tree {
    char *dtb;
    size_t size;
    GHashTable *props;      /* name -> GBytes */
} Tree;

static uint32_t cell(const char *p)
{
    return ldl_be_p(p);
}

static void parse(Tree *t)
{
    const char *p = t->dtb + cell(t->dtb + 8);
    const char *strings = t->dtb + cell(t->dtb + 12);
    GString *path = g_string_new(NULL);
    uint32_t token, len;

    g_assert_cmphex(cell(t->dtb), ==, FDT_MAGIC);
    g_assert_cmpuint(cell(t->dtb + 4), <=, t->size);
    while ((token = cell(p)) != FDT_END) {
        p += 4;
        switch (token) {
        case FDT_BEGIN_NODE:
            /* The root has no name */
            if (*p) {
                g_string_append_printf(path, "/%s", p);
            }
            p += ROUND_UP(strlen(p) + 1, 4);
            break;
        case FDT_END_NODE:
            g_string_truncate(path, strrchr(path->str, '/') ?
                              strrchr(path->str, '/') - path->str : 0);
            break;
        case FDT_PROP:
            len = cell(p);
            g_hash_table_insert(t->props,
                                g_strdup_printf("%s:%s", path->str,
                                                strings + cell(p + 4)),
                                g_bytes_new(p + 8, len));
            p += 8 + ROUND_UP(len, 4);
            break;
        default:
            g_assert_cmpuint(token, ==, FDT_NOP);
        }
    }
    g_string_free(path, true);
}

static Tree tree_of(const char *props)
{
    Tree t = { };
    g_autofree char *path = NULL;
    g_autofree char *machine = NULL;
    g_autofree char *err = NULL;
    int fd = g_file_open_tmp("mali-csf-test-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, !=, -1);
    close(fd);
    machine = g_strdup_printf("virt,gic-version=3,dtb-randomness=off,"
                              "dumpdtb=%s", path);
    g_assert_cmpint(run(machine, props, &err), ==, 0);
    g_assert_true(g_file_get_contents(path, &t.dtb, &t.size, NULL));
    unlink(path);
    t.props = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                    (GDestroyNotify)g_bytes_unref);
    parse(&t);
    return t;
}

static void tree_free(Tree *t)
{
    g_hash_table_unref(t->props);
    g_free(t->dtb);
}

static bool has(Tree *t, const char *name)
{
    return g_hash_table_contains(t->props, name);
}

static void check_bytes(Tree *t, const char *name, const void *expect,
                        size_t size)
{
    GBytes *val = g_hash_table_lookup(t->props, name);

    if (!val) {
        g_error("no %s", name);
    }
    g_assert_cmpmem(g_bytes_get_data(val, NULL), g_bytes_get_size(val),
                    expect, size);
}

/* A string, or several with a NUL between */
#define check_string(t, name, expect) \
    check_bytes(t, name, expect, sizeof(expect))

static void check_cells(Tree *t, const char *name, const uint32_t *expect,
                        int n)
{
    g_autofree uint32_t *be = g_new(uint32_t, n);

    for (int i = 0; i < n; i++) {
        be[i] = cpu_to_be32(expect[i]);
    }
    check_bytes(t, name, be, n * sizeof(*be));
}

static uint32_t get_cell(Tree *t, const char *name)
{
    GBytes *val = g_hash_table_lookup(t->props, name);

    if (!val) {
        g_error("no %s", name);
    }
    g_assert_cmpuint(g_bytes_get_size(val), ==, 4);
    return cell(g_bytes_get_data(val, NULL));
}

/* The node whose phandle the property @name holds */
static char *node_of(Tree *t, const char *name)
{
    uint32_t phandle = get_cell(t, name);
    char *node = NULL;
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, t->props);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (g_str_has_suffix(key, ":phandle") && get_cell(t, key) == phandle) {
            g_assert_null(node);
            node = g_strndup(key, strlen(key) - strlen(":phandle"));
        }
    }
    g_assert_nonnull(node);
    return node;
}

static char *under(const char *node, const char *prop)
{
    return g_strdup_printf("%s:%s", node, prop);
}

/* --- The node --- */

static void check_node(Tree *t, uint32_t window, uint32_t hz)
{
    const uint32_t reg[] = { 0, window };
    /* SPIs from the platform bus's first one on, level high */
    const uint32_t interrupts[] = { 0, 112, 4, 0, 113, 4, 0, 114, 4 };
    const uint32_t opp_hz[] = { 0, hz };
    g_autofree char *clock = node_of(t, GPU ":clocks");
    g_autofree char *clock_type = under(clock, "compatible");
    g_autofree char *clock_cells = under(clock, "#clock-cells");
    g_autofree char *clock_hz = under(clock, "clock-frequency");
    g_autofree char *opps = node_of(t, GPU ":operating-points-v2");
    g_autofree char *opps_type = under(opps, "compatible");
    g_autofree char *opp = g_strdup_printf("%s/opp-%u:opp-hz", opps, hz);
    g_autofree char *supply = node_of(t, GPU ":mali-supply");
    g_autofree char *supply_type = under(supply, "compatible");

    check_cells(t, GPU ":reg", reg, ARRAY_SIZE(reg));
    check_cells(t, GPU ":interrupts", interrupts, ARRAY_SIZE(interrupts));
    check_string(t, GPU ":interrupt-names", "job\0mmu\0gpu");

    check_string(t, GPU ":clock-names", "core");
    check_string(t, clock_type, "fixed-clock");
    g_assert_cmpuint(get_cell(t, clock_cells), ==, 0);
    g_assert_cmpuint(get_cell(t, clock_hz), ==, hz);

    check_string(t, opps_type, "operating-points-v2");
    check_cells(t, opp, opp_hz, ARRAY_SIZE(opp_hz));
    check_string(t, supply_type, "regulator-fixed");
}

static void test_node(void)
{
    Tree t = tree_of("");

    check_node(&t, 0x200000, 500000000);
    check_string(&t, GPU ":compatible",
                 "rockchip,rk3588-mali\0arm,mali-valhall-csf");
    g_assert_true(has(&t, GPU ":dma-coherent"));
    g_assert_false(has(&t, GPU ":dma-noncoherent"));
    tree_free(&t);
}

/* The root is coherent: the opposite must be said where it holds */
static void test_noncoherent(void)
{
    Tree t = tree_of("coherent=off");

    g_assert_true(has(&t, ":dma-coherent"));
    check_node(&t, 0x200000, 500000000);
    g_assert_true(has(&t, GPU ":dma-noncoherent"));
    g_assert_false(has(&t, GPU ":dma-coherent"));
    tree_free(&t);
}

static void test_node_of_properties(void)
{
    Tree t = tree_of("model=g710,csg-slots=31,clock-frequency=100000000");

    check_node(&t, 0x480000, 100000000);
    check_string(&t, GPU ":compatible", "arm,mali-valhall-csf");
    tree_free(&t);
}

/* What tells of freed pages is a device beside the GPU, where it is wanted */
static void test_dma_check(void)
{
    const uint32_t reg[] = { 0x200000, 0x1000 };
    Tree with = tree_of("check=report");
    Tree without = tree_of("check=off");

    check_node(&with, 0x200000, 500000000);
    check_string(&with, BUS "/gpu-dma-check@200000:compatible",
                 "mali-vm,gpu-dma-check");
    check_cells(&with, BUS "/gpu-dma-check@200000:reg", reg, ARRAY_SIZE(reg));
    g_assert_false(has(&without, BUS "/gpu-dma-check@200000:compatible"));
    g_assert_cmpuint(g_hash_table_size(with.props), ==,
                     g_hash_table_size(without.props) + 2);
    tree_free(&with);
    tree_free(&without);
}

/* The GPU adds to the tree of the machine, and leaves the rest as it was */
static void test_without_device(void)
{
    Tree without = tree_of(NULL);
    Tree with = tree_of("");
    GHashTableIter iter;
    gpointer key, val;
    int added = 0;

    g_hash_table_iter_init(&iter, without.props);
    while (g_hash_table_iter_next(&iter, &key, &val)) {
        GBytes *other = g_hash_table_lookup(with.props, key);

        g_assert_false(g_str_has_prefix(key, BUS "/"));
        if (!other || !g_bytes_equal(val, other)) {
            g_error("%s is not the same", (char *)key);
        }
    }
    g_hash_table_iter_init(&iter, with.props);
    while (g_hash_table_iter_next(&iter, &key, &val)) {
        if (!has(&without, key)) {
            g_assert_true(g_str_has_prefix(key, BUS "/"));
            added++;
        }
    }
    g_assert_cmpint(added, >, 0);
    tree_free(&without);
    tree_free(&with);
}

/* --- Properties --- */

static const struct {
    const char *props;
    const char *message;    /* a part of it */
} bad_props[] = {
    { "model=g999", "unknown model 'g999'" },
    { "model=g999", "g310, g510, g610, g710" },
    { "shader-cores=33", "shader-cores=33" },
    { "shader-cores=abc", "shader-cores" },
    { "csg-slots=2", "csg-slots=2" },
    { "csg-slots=32", "csg-slots=32" },
    { "cs-slots=7", "cs-slots=7" },
    { "cs-slots=33", "cs-slots=33" },
    { "cs-slots=4294967296", "cs-slots" },
    { "as-count=1", "as-count=1" },
    { "as-count=17", "as-count=17" },
    { "va-bits=32", "va-bits=32" },
    { "va-bits=49", "va-bits=49" },
    { "pa-bits=31", "pa-bits=31" },
    { "pa-bits=41", "pa-bits=41" },
    { "pa-bits=52", "pa-bits=52" },
    { "coherent=perhaps", "coherent" },
    { "clock-frequency=0", "clock-frequency" },
    { "fw-iface=1.1", "fw-iface='1.1'" },
    { "fw-iface=1.1.0.0", "fw-iface='1.1.0.0'" },
    { "fw-iface=256.0.0", "fw-iface='256.0.0'" },
    { "fw-iface=1.256.0", "fw-iface='1.256.0'" },
    { "fw-iface=1.0.65536", "fw-iface='1.0.65536'" },
    { "fw-iface=0.0.0", "fw-iface='0.0.0'" },
    { "fw-iface=-1.0.0", "fw-iface='-1.0.0'" },
    { "fw-iface=1.-1.0", "fw-iface='1.-1.0'" },
    { "fw-iface=4294967297.1.0", "fw-iface" },
    { "fw-iface=", "fw-iface=''" },
    { "no-such-property=1", "no-such-property" },
};

static void test_bad_properties(void)
{
    g_autofree char *path = NULL;
    g_autofree char *machine = NULL;
    int fd = g_file_open_tmp("mali-csf-test-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, !=, -1);
    close(fd);
    /*
     * So that QEMU ends also if it takes the value.  It replaces the file it
     * is given: root must not name a device here.
     */
    machine = g_strdup_printf("virt,dumpdtb=%s", path);
    for (int i = 0; i < ARRAY_SIZE(bad_props); i++) {
        g_autofree char *err = NULL;
        int status = run(machine, bad_props[i].props, &err);

        g_test_message("%s: %s", bad_props[i].props, err);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 1);
        g_assert_nonnull(strstr(err, bad_props[i].message));
    }
    unlink(path);
}

/* The ends of what is allowed */
static void test_good_properties(void)
{
    static const char *const good[] = {
        "model=g310", "model=g510", "shader-cores=1", "shader-cores=32",
        "csg-slots=3,cs-slots=8", "csg-slots=31,cs-slots=32", "as-count=2",
        "as-count=16", "va-bits=33", "va-bits=48", "pa-bits=32", "pa-bits=48",
        "fw-iface=255.255.65535", "clock-frequency=1",
    };

    for (int i = 0; i < ARRAY_SIZE(good); i++) {
        Tree t = tree_of(good[i]);

        g_assert_true(has(&t, GPU ":compatible"));
        tree_free(&t);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/mali-csf/fdt/node", test_node);
    g_test_add_func("/mali-csf/fdt/noncoherent", test_noncoherent);
    g_test_add_func("/mali-csf/fdt/node-of-properties",
                    test_node_of_properties);
    g_test_add_func("/mali-csf/fdt/dma-check", test_dma_check);
    g_test_add_func("/mali-csf/fdt/without-device", test_without_device);
    g_test_add_func("/mali-csf/fdt/bad-properties", test_bad_properties);
    g_test_add_func("/mali-csf/fdt/good-properties", test_good_properties);

    return g_test_run();
}
