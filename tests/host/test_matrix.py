# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run with several kernels: one table, and a kernel that there is not is a sentence."""

import argparse
import json
import unittest
from pathlib import Path
from unittest import mock

import support
from malivm import cli, guest, machine, matrix
from malivm.errors import MaliError
from malivm.kernel import Kernel
from malivm.swap import Swap
from test_run import OFF, PASSING, TESTS

SKIPPING = [[port, line.replace("ok 1 - a.one", "ok 1 - a.one # SKIP no shrinker")]
            for port, line in PASSING]
FAILING = [[port, line.replace("ok 1", "not ok 1")] for port, line in PASSING]


class Matrix(support.FakeQemuCase):
    def run_cli(self, scripts: dict[str, list[list[str]]], *words: str) -> tuple[int, str]:
        """Run on the kernels that have a script; there is no other one."""
        def prepare(args: argparse.Namespace, *_: object) -> machine.Prepared:
            if args.kernel not in scripts:
                raise MaliError(f"there is no Debian kernel {args.kernel}")
            self.script([*scripts[args.kernel], *OFF])
            return machine.Prepared(
                support.FAKE_QEMU, Kernel(Path("Image"), None, args.kernel.upper(), "test"),
                self.folder / "initramfs", {"model": "g610"}, 2, 512, Swap("zram", 256))

        with mock.patch.object(machine, "prepare", prepare), \
                mock.patch.object(guest, "list_tests", return_value=TESTS), \
                mock.patch.object(guest, "suites", dict), \
                mock.patch("malivm.vm.Vm.device_properties", return_value={}), \
                mock.patch("signal.signal"), support.captured() as (out, err):
            code = cli.main(["run", "a.one", *words])
        self.assertEqual(err.getvalue(), "")
        return code, out.getvalue()

    def test_one_table(self) -> None:
        code, out = self.run_cli({"old": SKIPPING, "new": PASSING}, "--kernel", "old,new")
        self.assertEqual(code, 0)
        lines = out.splitlines()
        head = next(number for number, line in enumerate(lines) if line.split() == ["OLD", "NEW"])
        self.assertRegex(lines[head + 2], r"^ *boot +pass \S+ +pass \S+$")
        self.assertRegex(lines[head + 3], r"^ *a\.one +skip \S+ +pass \S+$")
        self.assertIn("  old: skip a.one: no shrinker", lines)

    def test_a_kernel_that_there_is_not(self) -> None:
        code, out = self.run_cli({"new": PASSING}, "--kernel", "gone,new")
        self.assertEqual(code, 2)
        self.assertIn("gone: there is no Debian kernel gone", out)
        self.assertRegex(out, r"(?m)^new: PASS: 2 passed")

    def test_the_worst_counts(self) -> None:
        for scripts, code in (({"a": FAILING, "b": PASSING}, 1),
                              ({"a": FAILING}, 1),
                              ({"a": PASSING, "b": PASSING[:5]}, 3)):
            with self.subTest(code):
                self.assertEqual(self.run_cli(scripts, "--kernel", "a,b")[0], code)

    def test_json_has_each(self) -> None:
        path = self.folder / "out.json"
        self.run_cli({"new": PASSING}, "--kernel", "gone,new", "--json", str(path))
        gone, new = json.loads(path.read_text(encoding="utf-8"))["kernels"]
        self.assertEqual(gone, {"kernel": {"asked": "gone"},
                                "missing": "there is no Debian kernel gone"})
        self.assertEqual((new["kernel"]["asked"], new["kernel"]["release"]), ("new", "NEW"))
        self.assertEqual([test["name"] for test in new["tests"]], ["boot", "a.one"])

    def test_each_has_its_own_log(self) -> None:
        self.run_cli({"a": PASSING, "b": PASSING}, "--kernel", "a,b", "--log",
                     str(self.folder / "logs"))
        for name in ("a", "b"):
            self.assertTrue((self.folder / "logs" / name / "console.log").exists())

    def test_the_same_one_twice_is_one(self) -> None:
        self.assertEqual(matrix.kernels("a,b,a"), ["a", "b"])

    def test_an_empty_name(self) -> None:
        with self.assertRaisesRegex(MaliError, "an empty name"):
            matrix.kernels("a,,b")


if __name__ == "__main__":
    unittest.main()
