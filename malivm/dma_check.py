# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's module that shows the device which pages the kernel has freed."""

from . import errors, kbuild, kernel, modules, paths, progress

SOURCE = paths.PROJECT / "kernel" / "gpu_dma_check"
# What the module and the device agree on.
REGISTERS = SOURCE / "gpu_dma_check_regs.h"

# alloc_pages_bulk_noprof() has the arguments that hooks.c knows since then.
SINCE = (6, 14)


def load(chosen: kernel.Kernel) -> bytes | None:
    """The module for `chosen`; None, and one sentence why, where there can be none."""
    try:
        if kernel.number(chosen.release) < SINCE:
            raise errors.MaliError(f"the guest's module for it needs Linux {SINCE[0]}.{SINCE[1]} "
                                   f"or newer, and this is {chosen.release}")
        return modules.read(kbuild.module(chosen, SOURCE))
    except errors.MaliError as exc:
        progress.say(f"going on without a check for pages that the kernel has freed: {exc.message}")
        return None
