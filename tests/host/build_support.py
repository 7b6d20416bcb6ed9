# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of fetching and building share: a cache and files of their own."""

import os
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from malivm import errors, progress  # noqa: E402  (needs the path above)


class BuildCase(unittest.TestCase):
    """A test with an empty cache, an empty checkout and a mirror that nobody answers at."""

    def setUp(self) -> None:
        temp = tempfile.TemporaryDirectory(prefix="mali-vm-test-")
        self.addCleanup(temp.cleanup)
        self.dir = Path(temp.name)
        self.checkout = self.dir / "checkout"
        self.checkout.mkdir()
        env = {"XDG_CACHE_HOME": str(self.dir / "cache"), "DEBIAN_MIRROR": "http://127.0.0.1:9"}
        self.enter(mock.patch.dict(os.environ, env))
        for name in ("QEMU_SRC", "LINUX_SRC"):
            os.environ.pop(name, None)
        self.enter(mock.patch("malivm.paths.PROJECT", self.checkout))
        self.said: list[str] = []
        self.enter(mock.patch.object(progress, "say", self.said.append))
        self.cache = self.dir / "cache" / "mali-vm"

    def enter(self, patch: Any) -> None:
        """Have `patch` in effect until the test ends."""
        patch.start()
        self.addCleanup(patch.stop)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file below the test's directory."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def error(self, call: Callable[[], object]) -> str:
        """The message of the MaliError that `call` must end with; one line it must be."""
        with self.assertRaises(errors.MaliError) as caught:
            call()
        self.assertEqual(caught.exception.code, 2)
        self.assertNotIn("\n", caught.exception.message)
        return caught.exception.message

    def assert_no_parts(self) -> None:
        """Nothing half-written is left in the cache."""
        self.assertEqual([], list(self.dir.rglob("part_*")))
