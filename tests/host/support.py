# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the host's side share: import path, a QEMU that plays a script."""

import contextlib
import io
import json
import os
import select
import sys
import tempfile
import unittest
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
FAKE_QEMU = Path(__file__).resolve().parent / "fake_qemu"
sys.path.insert(0, str(PROJECT))

from malivm import vm  # noqa: E402  (needs the path above)


def console(level: int, text: str, facility: int = 0) -> list[str]:
    """A line of the kernel's console, as a step of fake_qemu's script."""
    return ["console", f"<{8 * facility + level}>[    1.000000] {text}"]


def marker(word: str, test: str) -> list[str]:
    """The guest's marker of a test, as a step of fake_qemu's script."""
    return console(4, f"mali-vm: {word} {test}", facility=1)


def tap(*lines: str) -> list[list[str]]:
    """Lines of the TAP port, as steps of fake_qemu's script."""
    return [["tap", line] for line in lines]


class FakeQemuCase(unittest.TestCase):
    """Tests with a QEMU that plays a script instead of a machine."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "initramfs").write_bytes(b"12345")

    def script(self, steps: Sequence[Any]) -> None:
        """What the next fake QEMU does."""
        path = self.folder / "script.json"
        path.write_text(json.dumps(steps), encoding="utf-8")
        os.environ["FAKE_QEMU_SCRIPT"] = str(path)
        self.addCleanup(os.environ.pop, "FAKE_QEMU_SCRIPT", None)

    def config(self, **more: Any) -> vm.Config:
        """A machine made of it."""
        return vm.Config(qemu=FAKE_QEMU, kernel=Path("Image"),
                         initramfs=self.folder / "initramfs", **more)


def ended(pidfd: int, seconds: float = 30) -> bool:
    """The process ends before the time is up."""
    return bool(select.select([pidfd], [], [], seconds)[0])


@contextlib.contextmanager
def captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Standard output and error of the block."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err
