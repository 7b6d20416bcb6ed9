# SPDX-License-Identifier: GPL-2.0-or-later
"""``./mali-vm setup``: everything a run needs, fetched and built."""

from . import firmware, guest, kernel, packages, progress, qemu


def ensure_all(kernel_spec: str = "debian") -> None:
    """Fetch and build what is missing for a run with `kernel_spec`, and say what is there."""
    packages.ensure("qemu", "guest")
    # First, because a mistake in its name should not show only after QEMU's build.
    chosen = kernel.resolve(kernel_spec)
    binary = qemu.ensure_qemu()
    files = firmware.load("free", guest.driver_module(chosen))
    initramfs = guest.ensure_initramfs(chosen, files)
    tests = guest.list_tests()
    progress.say(f"QEMU:      {binary}")
    progress.say(f"kernel:    {chosen.release}, {chosen.origin}")
    progress.say(f"initramfs: {initramfs}, {len(tests)} tests")
