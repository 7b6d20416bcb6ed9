# SPDX-License-Identifier: GPL-2.0-or-later
"""What a machine is made of: the user's words, and what the tests of its suites want."""

import argparse
import contextlib
import dataclasses
import unittest
from pathlib import Path
from unittest import mock

import support  # noqa: F401
from malivm import dma_check, firmware, guest, kbuild, kernel, machine, modules, qemu, swap

SUITE = guest.Suite(True, "report", ("mmu_wrong",), {"as-lock-ns": "7"})


class Prepare(unittest.TestCase):
    def prepare(self, suites: list[guest.Suite], check: str | None = None,
                **more: object) -> tuple[machine.Prepared, dict[str, bytes]]:
        """The machine, and the modules that go into its initramfs."""
        args = argparse.Namespace(device_opt=[], model="g610", check=check, kernel="debian",
                                  firmware="free", sanitize=False, smp=1, memory=512,
                                  swap=swap.Swap(swap.ZRAM, 0),
                                  inject=[], config=[], driver=None)
        vars(args).update(more)
        chosen = kernel.Kernel(Path("Image"), None, "7.3.4", "test")
        with contextlib.ExitStack() as stack:
            for module, name, value in (
                    (kernel, "resolve", chosen), (firmware, "load", {}),
                    (guest, "driver_module", None), (qemu, "ensure_qemu", Path("qemu")),
                    (dma_check, "load", b"check"), (modules, "read", b"module"),
                    (kbuild, "module", Path("x.ko"))):
                stack.enter_context(mock.patch.object(module, name, return_value=value))
            initramfs = stack.enter_context(mock.patch.object(guest, "ensure_initramfs"))
            prepared = machine.prepare(args, suites)
        self.programs = initramfs.call_args.args[3]
        return prepared, initramfs.call_args.args[2]

    def test_without_a_wish(self) -> None:
        prepared, own = self.prepare([guest.Suite(False)])
        self.assertEqual((prepared.check, own), ("off", {}))
        self.assertNotIn("check", prepared.device)

    def test_the_guest_has_the_suites_alone(self) -> None:
        self.prepare([guest.Suite(False, name="exec"), guest.Suite(True, name="mmu")])
        self.assertEqual(self.programs, ["exec", "mmu"])
        self.prepare([])
        self.assertEqual(self.programs, [])

    def test_what_a_suite_wants(self) -> None:
        prepared, own = self.prepare([guest.Suite(False), SUITE])
        self.assertEqual(prepared.check, "report")
        self.assertEqual(prepared.device["check"], "report")
        self.assertEqual(prepared.device["as-lock-ns"], "7")
        self.assertEqual(own, {"mmu_wrong": b"module", "gpu_dma_check": b"check"})

    def test_the_user_is_asked_first(self) -> None:
        for check in ("off", "fatal"):
            prepared, _ = self.prepare([SUITE], check, device_opt=["as-lock-ns=8"])
            self.assertEqual((prepared.check, prepared.device.get("check", "off")),
                             (check, check))
            self.assertEqual(prepared.device["as-lock-ns"], "8")

    def test_rules_are_one_property(self) -> None:
        prepared, _ = self.prepare([], inject=["reset -> never", " irq\nline=gpu  -> drop"])
        self.assertEqual(prepared.device["inject"], "reset -> never; irq line=gpu -> drop")
        prepared, _ = self.prepare([], inject=["reset -> never"],
                                   device_opt=["inject=flush -> lose"])
        self.assertEqual(prepared.device["inject"], "flush -> lose; reset -> never")
        self.assertNotIn("inject", self.prepare([])[0].device)

    def test_what_a_kernel_wants_on_its_command_line(self) -> None:
        prepared, _ = self.prepare([guest.Suite(False)])
        wanting = dataclasses.replace(prepared.kernel, args={"page_poison": "1", "loglevel": "7"})
        config = dataclasses.replace(prepared, kernel=wanting).config(
            [], kernel_args={"loglevel": "4"})
        self.assertEqual(config.kernel_args, {"page_poison": "1", "loglevel": "4"})

    def test_swap(self) -> None:
        for given, disk, lines in ((swap.Swap(swap.ZRAM, 64), 0, (b"swap=64\n", b"swap-on=zram\n")),
                                   (swap.Swap(swap.DISK, 8), 8, (b"swap=8\n", b"swap-on=disk\n"))):
            config = self.prepare([], swap=given)[0].config([])
            self.assertEqual(config.swap_disk, disk)
            for line in lines:
                self.assertIn(line, config.settings)

    def test_another_check(self) -> None:
        prepared, _ = self.prepare([SUITE])
        off = prepared.with_check("off")
        self.assertEqual((off.check, "check" in off.device), ("off", False))
        self.assertEqual(off.with_check("report"), prepared)


if __name__ == "__main__":
    unittest.main()
