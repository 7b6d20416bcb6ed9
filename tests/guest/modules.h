/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading kernel modules with what depmod wrote (modules.dep, modules.alias),
 * in this process: under emulation starting a modprobe for each device takes
 * longer than loading the modules.
 */
#ifndef GUEST_MODULES_H
#define GUEST_MODULES_H

/*
 * Load a module by name, and before it what it depends on. 0 also when it is
 * loaded already or built in; -ENOENT when there is no such module.
 */
int module_load(const char *name);

/* The module that shows the device which pages are free; not there in every guest. */
#define CHECK_MODULE "gpu_dma_check"
#define CHECK_MODULE_FILE "/lib/" CHECK_MODULE ".ko"

/* Load the module in a file that no index has. 0 also when it is loaded already. */
int module_load_file(const char *path);

/* Unload one module; -errno as delete_module() gives it. */
int module_unload(const char *name);

/* The module is a file of its own, not built into the kernel. */
int module_is_file(const char *name);

/*
 * Load the modules for every device that is there, by its modalias, until no
 * more devices appear. Returns the number of modules loaded.
 */
int modules_coldplug(void);

#endif
