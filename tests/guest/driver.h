/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver and its device: parting them, and bringing them together again. */
#ifndef GUEST_DRIVER_H
#define GUEST_DRIVER_H

/* Take the driver away and bring it back. 0, or -errno if there is no device then. */
int driver_unload(void);
int driver_load(void);
/*
 * Reset the GPU while it has no driver, as a restart of the machine would,
 * and wait until that is done. 0 or -errno.
 */
int gpu_reset(void);

/* Commands to address spaces while the GPU is reset, and what comes of them */
#define LOCK_IN_RESET	"docs/findings/lock-during-reset.md"

/*
 * The test has the GPU reset while the driver gives commands to address spaces: that is no
 * failure, whether the device's checker looks or not.
 */
void driver_may_lock_in_reset(void);

/* A flush that fails leaves a region locked, and the next LOCK takes its place */
#define LOCK_REPLACED	"docs/findings/lock-replaced.md"

/*
 * The test has a flush fail in an eviction: what the GPU's TLB keeps of it until the reset is
 * no failure when the device's checker looks.
 */
void driver_may_keep_translations(void);

/* The shrinker may be the last one that has a VM, which it frees from within reclaim */
#define FREED_IN_RECLAIM	"docs/findings/vm-freed-in-reclaim.md"

/* The test has VMs end while there are scans: what lockdep says of that is no failure. */
void driver_may_free_in_reclaim(void);

/* Take the device from the driver while clients have it open, as if it were pulled out. */
int driver_unbind(void);
int driver_bind(void);
/* Take it, reset the GPU, and bring it back: for a GPU that no job of the driver's can mend. */
int driver_renew(void);

#endif
