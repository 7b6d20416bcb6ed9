# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the unittest file it is given and prints TAP, so that every test is counted."""

import importlib.util
import sys
import traceback
import unittest
from pathlib import Path
from typing import Any


class _TapResult(unittest.TestResult):
    """Prints a line for each test as it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self._bad: set[unittest.TestCase] = set()

    def _line(self, test: unittest.TestCase, passed: bool, remark: str = "") -> None:
        self.number += 1
        word = "ok" if passed else "not ok"
        print(f"{word} {self.number} - {test.id()}{remark}", flush=True)

    def _failed(self, test: unittest.TestCase, error: Any) -> None:
        # To standard error: of a TAP test, meson shows no other output.
        traceback.print_exception(*error)
        if test not in self._bad:
            self._bad.add(test)
            self._line(test, False)

    def addSuccess(self, test: unittest.TestCase) -> None:
        if test not in self._bad:
            self._line(test, True)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._failed(test, err)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self._failed(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err:
            print(f"in {subtest.id()}:", file=sys.stderr)
            self._failed(test, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._line(test, True, f" # SKIP {reason}")


def main() -> int:
    """Run all tests of one file."""
    path = Path(sys.argv[1]).resolve()
    sys.path[:0] = [str(path.parent.parent.parent), str(path.parent)]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    tests = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = _TapResult()
    tests.run(result)
    print(f"1..{result.number}")
    return 0 if result.wasSuccessful() and result.number else 1


if __name__ == "__main__":
    sys.exit(main())
