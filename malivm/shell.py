# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm shell: the guest's console on the user's terminal, a host folder in /host."""

import argparse
import contextlib
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

from . import injected, machine, progress, vm
from .errors import MaliError
from .rules import Rules


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


def _tell(stops: injected.Stops, stopped: str) -> None:
    """What the user of the terminal has to know after a rule has stopped the machine."""
    while stops.failed:
        progress.say(stops.failed.pop())
    if stopped:
        progress.say(f"{stopped}; to have it go on: Ctrl-A c, cont, Ctrl-A c")


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
        rules = Rules(running.qmp)
        if "inject" in prepared.device:
            rules.start()
        stops = injected.Stops(running.qmp, rules, progress.say)
        for event in running.events():
            if event.text == injected.EVENT:
                _tell(stops, stops.handle(event.data))
        code = running.wait()
        error = vm.refusal(running.stderr()) if code else ""
    if error:
        raise MaliError(error, code=3)
    return 0
