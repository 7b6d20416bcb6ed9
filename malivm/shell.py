# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm shell: the guest's console on the user's terminal, a host folder in /host."""

import argparse
import contextlib
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

from . import machine, progress, vm
from .errors import MaliError


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """QEMU makes the terminal raw; have it back as it was however QEMU ends."""
    if not sys.stdin.isatty():
        yield
        return
    saved = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    share = Path(args.share).expanduser().absolute()
    if not share.is_dir():
        raise MaliError(f"--share {args.share}: not a folder")
    prepared = machine.prepare(args)
    # The kernel's log would get between the user's lines: dmesg has it.
    config = prepared.config(["mode=shell", "share=1"], share=share, terminal=True,
                             kernel_args={"loglevel": "4"})
    progress.say(f"Linux {prepared.kernel.release}; /host is {share}; "
                 "Ctrl-A x ends the machine, Ctrl-A h shows more keys")
    with _terminal_kept(), vm.Vm(config) as running:
        for _ in running.events():
            pass
        code = running.wait()
        error = vm.refusal(running.stderr()) if code else ""
    if error:
        raise MaliError(error, code=3)
    return 0
