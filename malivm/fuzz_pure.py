# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets that are parts of the device alone: tests/fuzz, compiled with what they are about.

A row of _ROWS is a target. Its file, tests/fuzz/fuzz-NAME.c, turns bytes into what the part
is given and asserts what must be true of the answer.
"""

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import paths, proc, progress, qemu
from .fuzz_target import Program, Target

_DEVICE = paths.PROJECT / "hw" / "gpu"
_FUZZ = paths.PROJECT / "tests" / "fuzz"
_UNIT = paths.PROJECT / "tests" / "unit"

_CFLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", "-fno-omit-frame-pointer",
           "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-Wall", "-Wextra",
           "-Werror", "-Wno-sign-compare", "-Wno-missing-field-initializers",
           "-Wno-unused-parameter")


@dataclass(frozen=True)
class _Row:
    name: str
    title: str
    runs: int
    max_len: int
    device: tuple[str, ...]             # files of hw/gpu that it is about
    tests: tuple[str, ...] = ()         # files of tests/unit, or of tests/fuzz
    qemu: tuple[str, ...] = ()          # files of QEMU's
    begin: tuple[str, ...] = ()         # inputs to begin with, where chance finds none


_ROWS = (
    _Row("isa", "the decoder of command streams", 20000, 512, ("mali_csf_isa.c",),
         ("isa-assemble.c",)),
    _Row("ptw", "the page-table walker", 50000, 512, ("mali_csf_ptw.c",),
         ("ptw-memory.c", "ptw-reference.c")),
    _Row("tlb", "the TLB", 3000, 1024, ("mali_csf_ptw.c", "mali_csf_tlb.c"),
         ("ptw-memory.c", "tlb-reference.c", "tlb-run.c"), ("util/interval-tree.c",)),
    _Row("rules", "the parser of fault injection rules", 20000, 256,
         ("mali_csf_inject_parse.c", "mali_csf_inject_words.c"), begin=(
             "as-command as=3 command=unlock skip=1 count=1 -> never",
             "walk va=0x1000..8191 as=1 probability=5% seed=7 -> fault type=0xc8",
             "fetch opcode=sync-add64 csg=1 cs=2 pc=0x80 -> fatal type=0x41 info=0x1234",
             "reg-read value=0/0xf0 name=x -> reg reg=AS_TRANSTAB bank=2 bits=1",
             "cs-event event=tiler-oom -> stall-queue for=5ms time=1ms",
             "csg-request -> ack value=7", "irq line=gpu bits=0x30 -> drop",
             "after rule=x time=5us -> snapshot file='a b.img'", "time at=2s -> pause",
             "flush -> interface value=1 block=cs side=in")),
)


def _test_file(name: str) -> Path:
    return _UNIT / name if (_UNIT / name).exists() else _FUZZ / name


def _compile(row: _Row) -> Program:
    """The program of `row`, compiled when needed."""
    tree = qemu.source_dir()
    sources = [_FUZZ / f"fuzz-{row.name}.c", *(_DEVICE / name for name in row.device),
               *(_test_file(name) for name in row.tests), *(tree / name for name in row.qemu)]
    includes = [f"-I{path}" for path in (tree / "include", qemu.build_dir(), _DEVICE, _UNIT)]
    headers = [*_DEVICE.glob("*.h"), *_UNIT.glob("*.h"), *_FUZZ.glob("*.h")]
    out = paths.build() / "fuzz" / row.name
    program, stamp = out / f"fuzz-{row.name}", out / "key"
    with paths.lock(out):
        # For QEMU's headers, of which configure makes one.
        qemu.ensure_qemu()
        key = paths.digest(_CFLAGS, includes, row.begin,
                           [paths.stat_key(path) for path in sorted((*sources, *headers))])
        if not (program.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == key):
            glib = proc.run(["pkg-config", "--cflags", "--libs", "glib-2.0"], "pkg-config").split()
            with (progress.step(f"compiling fuzz-{row.name}.c"),
                  tempfile.TemporaryDirectory(prefix=paths.PART, dir=out) as temp):
                fresh = Path(temp) / program.name
                proc.run(["clang", *_CFLAGS, *includes, *sources, *glib, "-o", fresh],
                         f"compiling fuzz-{row.name}.c", log="fuzz-build")
                fresh.replace(program)
            for number, text in enumerate(row.begin):
                paths.write_whole(out / "seeds" / str(number), text)
            paths.write_whole(stamp, key)
    return Program((str(program),), seeds=out / "seeds" if row.begin else None)


TARGETS = tuple(Target(row.name, row.title, row.runs, row.max_len,
                       functools.partial(_compile, row)) for row in _ROWS)
