/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU
 *
 * All that the rest of QEMU sees of the device: its type, and the class method
 * that describes it in a device tree.
 */

#ifndef HW_GPU_MALI_CSF_H
#define HW_GPU_MALI_CSF_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_MALI_CSF "mali-csf"
OBJECT_DECLARE_TYPE(MaliCsfState, MaliCsfClass, MALI_CSF)

#define MALI_CSF_NUM_IRQS 3

struct MaliCsfClass {
    SysBusDeviceClass parent_class;

    /*
     * add_fdt_node: describe @sbdev under the bus node @bus_node of @fdt
     *
     * @mmio_base is relative to that bus; @irqs are numbers of shared
     * peripheral interrupts, in the order job, mmu, gpu.  A class method,
     * since sysbus-fdt.c is also linked where the device is not.
     */
    void (*add_fdt_node)(SysBusDevice *sbdev, void *fdt, const char *bus_node,
                         uint64_t mmio_base,
                         const int irqs[MALI_CSF_NUM_IRQS]);
};

#endif /* HW_GPU_MALI_CSF_H */
