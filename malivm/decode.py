# SPDX-License-Identifier: GPL-2.0-or-later
"""``./mali-vm decode``: a dump of a command stream as text.

The work is done by tools/mali-decode.c with the device's own decoder, so that what it
prints is what the device would run.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from . import errors, paths, proc, progress, qemu

SOURCES = (paths.PROJECT / "tools" / "mali-decode.c",
           paths.PROJECT / "hw" / "gpu" / "mali_csf_isa.c")
HEADERS = (paths.PROJECT / "hw" / "gpu" / "mali_csf_isa.h",)
CFLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter",
          "-Wno-sign-compare", "-Wno-missing-field-initializers")


def ensure_tool() -> Path:
    """The decoder as a program of the host, compiled when needed."""
    # For QEMU's headers, of which configure makes one.
    qemu.ensure_qemu()
    includes = [f"-I{path}" for path in (qemu.source_dir() / "include", qemu.build_dir(),
                                         paths.PROJECT / "hw" / "gpu")]
    out = paths.build() / "tools"
    tool, stamp = out / "mali-decode", out / "mali-decode.key"
    key = paths.digest(CFLAGS, includes,
                       [paths.stat_key(path) for path in (*SOURCES, *HEADERS)])
    if tool.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == key:
        return tool
    with paths.lock(out), progress.step("compiling the decoder"):
        glib = proc.run(["pkg-config", "--cflags", "--libs", "glib-2.0"], "pkg-config").split()
        with tempfile.TemporaryDirectory(prefix=paths.PART, dir=out) as temp:
            fresh = Path(temp) / tool.name
            proc.run(["gcc", *CFLAGS, *includes, *SOURCES, *glib, "-o", fresh],
                     "compiling the decoder", log="decode")
            fresh.replace(tool)
        paths.write_whole(stamp, key)
    return tool


def main(args: argparse.Namespace) -> int:
    """Decode `args.file` (- for standard input); `args.arch` and `args.base` say how."""
    tool = ensure_tool()
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        dump = None if args.file == "-" else stack.enter_context(open(args.file, "rb"))
        done = subprocess.run([tool, f"--arch={args.arch}", f"--base={args.base}"], stdin=dump,
                              stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if done.returncode < 0:
        # The reader of our output left, as in `./mali-vm decode FILE | head`.
        raise BrokenPipeError
    if done.returncode:
        raise errors.MaliError(done.stderr.strip(), done.returncode)
    return 0
