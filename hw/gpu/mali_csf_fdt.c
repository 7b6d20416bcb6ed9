/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: its device-tree nodes
 *
 * arm,mali-valhall-csf.yaml; what panthor wants of it is in contract 5.
 */

#include "qemu/osdep.h"
#include "hw/arm/fdt.h"
#include "system/device_tree.h"
#include "mali_csf_internal.h"

static const char *const mali_csf_irq_names[MALI_IRQ_COUNT] = {
    [MALI_IRQ_JOB] = "job",
    [MALI_IRQ_MMU] = "mmu",
    [MALI_IRQ_GPU] = "gpu",
};

/* Lists of strings, one NUL after each */
static void mali_fdt_strings(void *fdt, const char *node, const char *prop,
                             const char *const *list, int n)
{
    g_autoptr(GString) val = g_string_new(NULL);

    for (int i = 0; i < n; i++) {
        if (list[i]) {
            g_string_append_len(val, list[i], strlen(list[i]) + 1);
        }
    }
    qemu_fdt_setprop(fdt, node, prop, val->str, val->len);
}

/*
 * The clock and the regulator are siblings of the GPU: below it, Linux would
 * see a cycle, a supplier that waits for its parent (fw_devlink).
 */
static uint32_t mali_fdt_clock(void *fdt, const char *bus_node,
                               uint64_t mmio_base, uint32_t hz)
{
    g_autofree char *node = g_strdup_printf("%s/clock-mali-%" PRIx64, bus_node,
                                            mmio_base);
    uint32_t phandle = qemu_fdt_alloc_phandle(fdt);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible", "fixed-clock");
    qemu_fdt_setprop_cell(fdt, node, "#clock-cells", 0);
    qemu_fdt_setprop_cell(fdt, node, "clock-frequency", hz);
    qemu_fdt_setprop_string(fdt, node, "clock-output-names", "mali-core");
    qemu_fdt_setprop_cell(fdt, node, "phandle", phandle);
    return phandle;
}

static uint32_t mali_fdt_regulator(void *fdt, const char *bus_node,
                                   uint64_t mmio_base, uint32_t microvolt)
{
    g_autofree char *node = g_strdup_printf("%s/regulator-mali-%" PRIx64,
                                            bus_node, mmio_base);
    uint32_t phandle = qemu_fdt_alloc_phandle(fdt);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible", "regulator-fixed");
    qemu_fdt_setprop_string(fdt, node, "regulator-name", "mali");
    qemu_fdt_setprop_cell(fdt, node, "regulator-min-microvolt", microvolt);
    qemu_fdt_setprop_cell(fdt, node, "regulator-max-microvolt", microvolt);
    qemu_fdt_setprop(fdt, node, "regulator-always-on", NULL, 0);
    qemu_fdt_setprop_cell(fdt, node, "phandle", phandle);
    return phandle;
}

/* One operating point, at the rate of the clock: enough for devfreq */
static uint32_t mali_fdt_opp(void *fdt, const char *gpu, uint32_t hz,
                             uint32_t microvolt)
{
    g_autofree char *table = g_strdup_printf("%s/opp-table", gpu);
    g_autofree char *node = g_strdup_printf("%s/opp-%" PRIu32, table, hz);
    uint32_t phandle = qemu_fdt_alloc_phandle(fdt);

    qemu_fdt_add_subnode(fdt, table);
    qemu_fdt_setprop_string(fdt, table, "compatible", "operating-points-v2");
    qemu_fdt_setprop_cell(fdt, table, "phandle", phandle);
    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_u64(fdt, node, "opp-hz", hz);
    qemu_fdt_setprop_cell(fdt, node, "opp-microvolt", microvolt);
    return phandle;
}

/*
 * The second region, which is in the same bus.  Beside the GPU and not below
 * it: Linux would not look there for devices.
 */
static void mali_fdt_dma_check(MaliCsfState *s, void *fdt, const char *bus_node,
                               uint64_t mmio_base)
{
    uint64_t base = mmio_base + s->dma_check.mr.addr - s->window.addr;
    g_autofree char *node = g_strdup_printf("%s/gpu-dma-check@%" PRIx64,
                                            bus_node, base);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible",
                            GPU_DMA_CHECK_COMPATIBLE);
    qemu_fdt_setprop_sized_cells(fdt, node, "reg", 1, base, 1,
                                 GPU_DMA_CHECK_REGS_SIZE);
}

void mali_csf_add_fdt_node(SysBusDevice *sbdev, void *fdt, const char *bus_node,
                           uint64_t mmio_base,
                           const int irqs[MALI_CSF_NUM_IRQS])
{
    MaliCsfState *s = MALI_CSF(sbdev);
    const char *const compatible[] = { s->model->soc_compatible,
                                       "arm,mali-valhall-csf" };
    const uint32_t microvolt = 850000;
    g_autofree char *node = g_strdup_printf("%s/gpu@%" PRIx64, bus_node,
                                            mmio_base);
    uint32_t interrupts[MALI_IRQ_COUNT * 3];

    qemu_fdt_add_subnode(fdt, node);
    mali_fdt_strings(fdt, node, "compatible", compatible,
                     ARRAY_SIZE(compatible));
    qemu_fdt_setprop_sized_cells(fdt, node, "reg", 1, mmio_base,
                                 1, memory_region_size(&s->window));

    for (int i = 0; i < MALI_IRQ_COUNT; i++) {
        interrupts[3 * i] = cpu_to_be32(GIC_FDT_IRQ_TYPE_SPI);
        interrupts[3 * i + 1] = cpu_to_be32(irqs[i]);
        interrupts[3 * i + 2] = cpu_to_be32(GIC_FDT_IRQ_FLAGS_LEVEL_HI);
    }
    qemu_fdt_setprop(fdt, node, "interrupts", interrupts, sizeof(interrupts));
    mali_fdt_strings(fdt, node, "interrupt-names", mali_csf_irq_names,
                     MALI_IRQ_COUNT);

    qemu_fdt_setprop_cell(fdt, node, "clocks",
                          mali_fdt_clock(fdt, bus_node, mmio_base,
                                         s->clock_hz));
    qemu_fdt_setprop_string(fdt, node, "clock-names", "core");
    qemu_fdt_setprop_cell(fdt, node, "operating-points-v2",
                          mali_fdt_opp(fdt, node, s->clock_hz, microvolt));
    qemu_fdt_setprop_cell(fdt, node, "mali-supply",
                          mali_fdt_regulator(fdt, bus_node, mmio_base,
                                             microvolt));
    /*
     * The root node of virt is dma-coherent, and Linux asks a device's parents
     * (of_dma_is_coherent), so that the opposite must be said.
     */
    qemu_fdt_setprop(fdt, node,
                     s->coherent ? "dma-coherent" : "dma-noncoherent", NULL, 0);
    if (mali_check_on(s)) {
        mali_fdt_dma_check(s, fdt, bus_node, mmio_base);
    }
}
