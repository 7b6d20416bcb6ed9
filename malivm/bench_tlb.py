# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of the device's TLB alone: what tests/unit/bench-mali-csf-tlb.c prints."""

import functools
import json
from pathlib import Path

from . import paths, proc, qemu
from .figure import Round, Samples, Source

PROGRAM = "bench-mali-csf-tlb"
DEVICE = paths.PROJECT / "hw" / "gpu"
CFLAGS = ("-std=gnu11", "-O2", "-D_GNU_SOURCE")


@functools.cache
def _program() -> Path:
    """The program, compiled with what QEMU's build has of headers."""
    home = paths.build() / PROGRAM
    glib = proc.run(["pkg-config", "--cflags", "--libs", "glib-2.0"], "looking for GLib").split()
    tree = qemu.source_dir()
    sources = [paths.PROJECT / "tests" / "unit" / f"{PROGRAM}.c", DEVICE / "mali_csf_ptw.c",
               DEVICE / "mali_csf_tlb.c", tree / "util" / "interval-tree.c"]
    with paths.whole_dir(home) as folder:
        proc.run(["gcc", *CFLAGS, "-I", tree / "include", "-I", qemu.build_dir(), "-I", DEVICE,
                  "-o", folder / PROGRAM, *sources, *glib],
                 f"compiling {PROGRAM}.c", log="bench-build")
    return home / PROGRAM


def parse(text: str) -> dict[str, Samples]:
    """The figures of what the program printed."""
    return {name: Samples([figure["measured"]],
                          [figure["reference"]] if "reference" in figure else [])
            for name, figure in json.loads(text).items()}


def measure(round_: Round) -> dict[str, Samples]:
    """One run of the program."""
    return parse(proc.run([_program()], "measuring the TLB"))


SOURCE = Source("the TLB", measure)
