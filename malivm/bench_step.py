# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of a step of a bisection: one file of the driver has changed; build, boot, test."""

import dataclasses
import shutil
import time
from pathlib import Path

from . import apt, driver, firmware, guest, kernel, linux, machine, paths, vm
from .errors import MaliError
from .figure import Round, Samples, Source

END_SECONDS = 300                       # a guest that has not ended by then is not going to
FILE = driver.FOLDER / "panthor_mmu.c"
TEST = "evict.bound1-4k.shrink"


def _tree() -> Path:
    """The driver's source, to be changed, the same each time so that its build is kept."""
    tree = paths.cache_dir("bench") / "linux"
    if not (tree / FILE).exists():
        source = linux.source(apt.Repo("arm64", kernel.SUITES)).tree
        with paths.whole_dir(tree) as temp:
            shutil.copytree(source / driver.FOLDER, temp / driver.FOLDER)
    return tree


def _build(prepared: machine.Prepared, tree: Path) -> tuple[machine.Prepared, float]:
    """The machine with the driver of `tree`, and how long that took."""
    begun = time.monotonic()
    chosen = driver.ensure(prepared.kernel, tree, "the bench's driver")
    files = firmware.load("free", guest.driver_module(chosen))
    made = dataclasses.replace(prepared, kernel=chosen,
                               initramfs=guest.ensure_initramfs(chosen, files))
    return made, time.monotonic() - begun


def _run(prepared: machine.Prepared, tests: list[str], device: bool) -> float:
    """Seconds from QEMU's start to the guest's end."""
    settings = ["mode=run", *(f"test={name}" for name in tests)]
    with vm.Vm(prepared.config(settings, device=device)) as running:
        try:
            for event in running.events(running.started + END_SECONDS):
                if event.text == vm.SHUTDOWN and event.channel == vm.QMP:
                    return time.monotonic() - running.started
        except vm.Timeout:
            pass
    raise MaliError("a guest did not come to its end: ./mali-vm run shows why", code=3)


def measure(round_: Round) -> dict[str, Samples]:
    """Figures step, step-build and boots, of one change."""
    tree = _tree()
    prepared, _ = _build(round_.prepared, tree)
    with open(tree / FILE, "a", encoding="utf-8") as file:
        file.write(f"/* {time.time_ns()} */\n")
    prepared, build = _build(prepared, tree)
    order = (True, False) if round_.number % 2 == 0 else (False, True)
    boot = {device: _run(prepared, [], device) for device in order}
    tested = _run(prepared, [TEST], True)
    return {"step": Samples([build + tested], [build + boot[False]]),
            "step-build": Samples([build], []),
            "step-test": Samples([tested - boot[True]], []),
            "boots": Samples([3600 / boot[True]], [3600 / boot[False]])}


SOURCE = Source("a step of a bisection", measure)
