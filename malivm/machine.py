# SPDX-License-Identifier: GPL-2.0-or-later
"""From the command line's words to a virtual machine that can be started."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import dma_check, firmware, guest, kernel, options, qemu, vm


@dataclass(frozen=True)
class Prepared:
    """Everything a guest needs, fetched and built."""
    qemu: Path
    kernel: kernel.Kernel
    initramfs: Path
    device: dict[str, str]
    smp: int
    memory: int                         # MiB
    swap: int                           # MiB
    check: str = options.CHECKS[0]
    env: Mapping[str, str] = field(default_factory=dict)    # for QEMU

    def config(self, settings: Sequence[str], *, device: bool = True,
               **more: Any) -> vm.Config:
        """A machine in which init finds `settings`; `more` are fields of vm.Config."""
        properties = self.device if device else None
        lines = [*settings, f"swap={self.swap}", f"check={self.check}"]
        lines += [f"device.{name}={value}" for name, value in (properties or {}).items()]
        return vm.Config(qemu=self.qemu, kernel=self.kernel.image, initramfs=self.initramfs,
                         settings=guest.conf_cpio(lines), device=properties, smp=self.smp,
                         memory=f"{self.memory}M", env=self.env, **more)


def prepare(args: argparse.Namespace) -> Prepared:
    """Check what the user asked for, then fetch and build what is missing."""
    device = vm.effective(args.device_opt, args.model)
    if args.check != options.CHECKS[0]:
        device["check"] = args.check
    chosen = kernel.resolve(args.kernel)
    files = firmware.load(args.firmware, guest.driver_module(chosen))
    variant = qemu.SANITIZED if args.sanitize else qemu.NORMAL
    program = qemu.ensure_qemu(variant)
    module = dma_check.load(chosen) if args.check != options.CHECKS[0] else None
    return Prepared(program, chosen, guest.ensure_initramfs(chosen, files, module), device,
                    args.smp, args.memory, args.swap, args.check, variant.env)
