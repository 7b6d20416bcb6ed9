# SPDX-License-Identifier: GPL-2.0-or-later
"""From the command line's words to a virtual machine that can be started."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import (dma_check, driver, firmware, guest, kbuild, kernel, linux, modules, options, paths,
               qemu, swap, vm)


@dataclass(frozen=True)
class Prepared:
    """Everything a guest needs, fetched and built."""
    qemu: Path
    kernel: kernel.Kernel
    initramfs: Path
    device: dict[str, str]
    smp: int
    memory: int                         # MiB
    swap: swap.Swap
    check: str = options.CHECKS[0]
    env: Mapping[str, str] = field(default_factory=dict)    # for QEMU

    def config(self, settings: Sequence[str], *, device: bool = True,
               kernel_args: Mapping[str, str] | None = None, **more: Any) -> vm.Config:
        """A machine in which init finds `settings`; `more` are fields of vm.Config."""
        properties = self.device if device else None
        lines = [*settings, *self.swap.settings(), f"check={self.check}"]
        lines += [f"device.{name}={value}" for name, value in (properties or {}).items()]
        return vm.Config(qemu=self.qemu, kernel=self.kernel.image, initramfs=self.initramfs,
                         settings=guest.conf_cpio(lines), device=properties, smp=self.smp,
                         memory=f"{self.memory}M", env=self.env, swap_disk=self.swap.disk,
                         kernel_args={**self.kernel.args, **(kernel_args or {})}, **more)

    def with_check(self, check: str) -> "Prepared":
        """The same machine with another value of --check; what it needs has to be there."""
        device = {**self.device, "check": check}
        if check == options.CHECKS[0]:
            del device["check"]
        return replace(self, device=device, check=check)


def _own_modules(chosen: kernel.Kernel, check: str,
                 suites: Sequence[guest.Suite]) -> dict[str, bytes]:
    """The guest modules of kernel/ that a run needs."""
    names = {name for suite in suites for name in suite.modules}
    found = {name: modules.read(kbuild.module(chosen, paths.PROJECT / "kernel" / name))
             for name in sorted(names)}
    content = dma_check.load(chosen) if check != options.CHECKS[0] else None
    if content is not None:
        found[dma_check.SOURCE.name] = content
    return found


def choose(args: argparse.Namespace) -> kernel.Kernel:
    """The kernel that the user asked for, with the driver that they did."""
    fragments = linux.fragments(args.config)
    wanted = kernel.to_build(args.kernel)
    chosen = driver.latest(*wanted, fragments) if wanted else \
        kernel.resolve(args.kernel, fragments)
    if args.driver:
        chosen = driver.ensure(chosen, Path(args.driver), f"--driver {args.driver}")
    return chosen


def prepare(args: argparse.Namespace, suites: Sequence[guest.Suite] = (),
            choose_kernel: Callable[[argparse.Namespace], kernel.Kernel] = choose) -> Prepared:
    """Check what the user asked for, then fetch and build what is missing; what they did not
    ask for is as the tests of `suites` need it."""
    check = args.check or max([suite.check for suite in suites], key=options.CHECKS.index,
                              default=options.CHECKS[0])
    wanted = [f"{name}={value}" for suite in suites for name, value in suite.device.items()]
    device = vm.effective([*wanted, *args.device_opt], args.model)
    # A rule is one line, here and in the guest's configuration.
    rules = [" ".join(rule.split()) for rule in [device.get("inject", ""), *args.inject]]
    if any(rules):
        device["inject"] = "; ".join(filter(None, rules))
    if check != options.CHECKS[0]:
        device["check"] = check
    chosen = choose_kernel(args)
    files = firmware.load(args.firmware, guest.driver_module(chosen))
    variant = qemu.SANITIZED if args.sanitize else qemu.NORMAL
    program = qemu.ensure_qemu(variant)
    own_modules = _own_modules(chosen, check, suites)
    initramfs = guest.ensure_initramfs(chosen, files, own_modules,
                                       [suite.name for suite in suites if suite.name])
    return Prepared(program, chosen, initramfs, device, args.smp, args.memory, args.swap, check,
                    variant.env)
