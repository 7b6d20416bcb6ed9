# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's overlay: patches, links, and what is left alone."""

import os
import re
import unittest
from pathlib import Path
from unittest import mock

from build_support import BuildCase

from malivm import proc, qemu

PATCH = """\
Say more

--- a/hw/arm/virt.c
+++ b/hw/arm/virt.c
@@ -2,4 +2,5 @@
 two
 three
+three and a half
 four
 five
"""
AGAIN = """\
--- a/hw/arm/virt.c
+++ b/hw/arm/virt.c
@@ -3,4 +3,5 @@
 three
 three and a half
+really
 four
 five
"""


class OverlayCase(BuildCase):
    """A QEMU of a few files, and a checkout with two of ours."""

    def setUp(self) -> None:
        super().setUp()
        if not proc.find("patch"):
            self.skipTest("no patch program")
        self.base = self.dir / "base"
        for name, text in {"VERSION": "10.0.0\n", "configure": "", "hw/meson.build": "",
                           "hw/arm/virt.c": "one\ntwo\nthree\nfour\nfive\n",
                           "hw/arm/boot.c": "", ".git/HEAD": "", "util/a.c": "",
                           "tests/qtest/other-test.c": ""}.items():
            self.write(f"base/{name}", text)
        self.write("checkout/hw/gpu/mali_csf.c", "")
        self.write("checkout/tests/qtest/mali-csf-a-test.c", "")
        self.patches = self.checkout / "qemu" / "patches"
        self.patch = self.write("checkout/qemu/patches/0001-more.patch", PATCH)
        self.enter(mock.patch.object(qemu, "PATCHES", self.patches))
        self.tree = self.dir / "work" / "tree"
        self.tree.parent.mkdir()

    def overlay(self) -> None:
        """Make or renew the overlay."""
        qemu._overlay(self.base, self.tree)


class Patches(OverlayCase):
    """Hooks into QEMU's files."""

    def test_applied_to_a_copy(self) -> None:
        before = (self.base / "hw/arm/virt.c").read_bytes()
        self.overlay()
        self.assertIn("three and a half", (self.tree / "hw/arm/virt.c").read_text("ascii"))
        self.assertEqual((self.base / "hw/arm/virt.c").read_bytes(), before)

    def test_moved_hunk_still_applies(self) -> None:
        self.write("base/hw/arm/virt.c", "zero\n" * 30 + "one\ntwo\nthree\nfour\nfive\n")
        self.overlay()
        self.assertIn("three and a half", (self.tree / "hw/arm/virt.c").read_text("ascii"))

    def test_no_fuzz(self) -> None:
        self.write("base/hw/arm/virt.c", "one\nTWO\nthree\nfour\nfive\n")
        message = self.error(self.overlay)
        self.assertIn("patches/0001-more.patch does not apply to hw/arm/virt.c of QEMU 10.0.0",
                      message)
        self.assertFalse(self.tree.exists())
        self.assertEqual([], list(self.tree.parent.iterdir()))

    def test_applied_already(self) -> None:
        self.write("base/hw/arm/virt.c", "one\ntwo\nthree\nthree and a half\nfour\nfive\n")
        self.assertIn("0001-more.patch does not apply", self.error(self.overlay))

    def test_missing_file(self) -> None:
        (self.base / "hw/arm/virt.c").unlink()
        self.assertIn("0001-more.patch needs a file that is missing: hw/arm/virt.c",
                      self.error(self.overlay))

    def test_two_to_one_file(self) -> None:
        self.write("checkout/qemu/patches/0002-again.patch", AGAIN)
        self.overlay()
        self.assertEqual((self.tree / "hw/arm/virt.c").read_text("ascii"),
                         "one\ntwo\nthree\nthree and a half\nreally\nfour\nfive\n")

    def test_unchanged_file_keeps_its_time(self) -> None:
        self.overlay()
        before = (self.tree / "hw/arm/virt.c").stat().st_mtime_ns
        self.overlay()
        self.assertEqual((self.tree / "hw/arm/virt.c").stat().st_mtime_ns, before)

    def test_withdrawn_patch(self) -> None:
        self.overlay()
        self.patch.unlink()
        self.overlay()
        self.assertEqual((self.tree / "hw/arm/virt.c").read_text("ascii"),
                         "one\ntwo\nthree\nfour\nfive\n")


class Links(OverlayCase):
    """Our files in the overlay, and QEMU's."""

    def test_ours_lead_into_the_checkout(self) -> None:
        self.overlay()
        self.assertEqual((self.tree / "hw/gpu").resolve(), (self.checkout / "hw/gpu").resolve())
        self.assertEqual((self.tree / "tests/qtest/mali-csf-a-test.c").resolve(),
                         (self.checkout / "tests/qtest/mali-csf-a-test.c").resolve())

    def test_theirs_are_all_there(self) -> None:
        self.overlay()
        for path in self.base.rglob("*"):
            name = path.relative_to(self.base)
            if ".git" not in name.parts:
                self.assertTrue((self.tree / name).exists(), name)

    def test_no_repository(self) -> None:
        self.overlay()
        self.assertFalse((self.tree / ".git").exists())

    def test_follows_changes(self) -> None:
        self.overlay()
        (self.checkout / "tests/qtest/mali-csf-a-test.c").unlink()
        self.write("checkout/tests/qtest/mali-csf-b-test.c", "")
        (self.base / "hw/arm/boot.c").unlink()
        self.write("base/hw/arm/new.c", "")
        self.overlay()
        self.assertEqual(sorted(os.listdir(self.tree / "tests/qtest")),
                         ["mali-csf-b-test.c", "other-test.c"])
        self.assertEqual(sorted(os.listdir(self.tree / "hw/arm")), ["new.c", "virt.c"])

    def test_base_is_never_written_to(self) -> None:
        before = {path: path.lstat().st_mtime_ns for path in self.base.rglob("*")}
        self.overlay()
        self.overlay()
        self.assertEqual({path: path.lstat().st_mtime_ns for path in self.base.rglob("*")}, before)

    def test_interrupted_half_way(self) -> None:
        self.overlay()
        want = sorted(path.relative_to(self.tree) for path in self.tree.rglob("*"))
        (self.tree / "hw/arm/virt.c").unlink()
        (self.tree / "util").unlink()
        (self.tree / "hw/gpu").unlink()
        self.overlay()
        self.assertEqual(sorted(path.relative_to(self.tree) for path in self.tree.rglob("*")), want)


class Source(OverlayCase):
    """QEMU_SRC."""

    def pristine(self, path: Path) -> Path:
        """qemu.pristine_dir() with QEMU_SRC set to `path`."""
        with mock.patch.dict(os.environ, QEMU_SRC=str(path)):
            return qemu.pristine_dir()

    def test_taken(self) -> None:
        self.assertEqual(self.pristine(self.base), self.base.resolve())

    def test_not_there(self) -> None:
        self.assertIn("is not a QEMU source tree: it has no VERSION",
                      self.error(lambda: self.pristine(self.dir / "nowhere")))

    def test_something_else(self) -> None:
        (self.base / "hw/arm/virt.c").unlink()
        self.assertIn("it has no hw/arm/virt.c", self.error(lambda: self.pristine(self.base)))


class Freshness(OverlayCase):
    """When nothing is built, and when everything has to be looked at."""

    def setUp(self) -> None:
        super().setUp()
        self.built: list[list[str]] = []
        self.enter(mock.patch.object(qemu, "pristine_dir", lambda: self.base))
        self.enter(mock.patch("malivm.packages.ensure"))
        self.enter(mock.patch.object(qemu, "_configure"))
        self.enter(mock.patch.object(qemu, "_ninja", self.ninja))

    def ninja(self, obj: Path, targets: list[str]) -> None:
        """Pretend to build."""
        self.built.append(targets)
        obj.mkdir(exist_ok=True)
        for target in targets:
            (obj / target).write_bytes(b"program")

    def builds(self) -> int:
        """How often a build was started by one more call."""
        self.built.clear()
        self.assertEqual(qemu.ensure_qemu().read_bytes(), b"program")
        return len(self.built)

    def test_nothing_changed(self) -> None:
        self.assertEqual([self.builds(), self.builds()], [1, 0])

    def test_device_changed(self) -> None:
        self.builds()
        self.write("checkout/hw/gpu/mali_csf.c", "x")
        self.assertEqual(self.builds(), 1)

    def test_device_file_added(self) -> None:
        self.builds()
        self.write("checkout/hw/gpu/new.c", "x")
        self.assertEqual(self.builds(), 1)

    def test_patch_changed(self) -> None:
        self.builds()
        self.write("checkout/qemu/patches/0001-more.patch", "\n" + PATCH)
        self.assertEqual(self.builds(), 1)

    def test_binary_gone(self) -> None:
        self.builds()
        (qemu.build_dir() / qemu.BINARY).unlink()
        self.assertEqual(self.builds(), 1)

    def test_binary_changed(self) -> None:
        self.builds()
        (qemu.build_dir() / qemu.BINARY).write_bytes(b"half")
        self.assertEqual(self.builds(), 1)

    def test_interrupted_build(self) -> None:
        self.builds()
        self.write("checkout/hw/gpu/mali_csf.c", "x")

        def interrupted(_obj: Path, _targets: list[str]) -> None:
            raise KeyboardInterrupt
        with mock.patch.object(qemu, "_ninja", interrupted):
            with self.assertRaises(KeyboardInterrupt):
                qemu.ensure_qemu()
        self.assertEqual(self.builds(), 1)

    def test_variants_do_not_share(self) -> None:
        self.builds()
        self.built.clear()
        self.assertEqual(qemu.ensure_qemu(qemu.SANITIZED).read_bytes(), b"program")
        self.assertEqual(len(self.built), 1)
        self.assertNotEqual(qemu.build_dir(), qemu.build_dir(qemu.SANITIZED))
        self.assertEqual(self.builds(), 0)

    def test_two_checkouts_do_not_share(self) -> None:
        one = qemu.build_dir()
        other = self.dir / "other"
        other.mkdir()
        with mock.patch("malivm.paths.PROJECT", other):
            self.assertNotEqual(qemu.build_dir(), one)


class Configure(OverlayCase):
    """What configure is told."""

    def configure(self, variant: qemu.Variant) -> list[str]:
        """Its arguments; nothing is run."""
        with mock.patch.object(qemu, "pristine_dir", lambda: self.base), \
                mock.patch("malivm.packages.meson_path", lambda: None), \
                mock.patch("malivm.proc.run") as run:
            work = qemu._work()
            work.mkdir()
            qemu._configure(work, variant)
        self.assertEqual(run.call_args.kwargs["cwd"], work / f"obj{variant.suffix}")
        return [str(word) for word in run.call_args.args[0]]

    def test_normal(self) -> None:
        words = self.configure(qemu.NORMAL)
        self.assertFalse([word for word in words if "san" in word])
        self.assertTrue([word for word in words if re.fullmatch("--cc=(.* )?gcc", word)])

    def test_sanitized(self) -> None:
        words = self.configure(qemu.SANITIZED)
        self.assertLessEqual({"--enable-asan", "--enable-ubsan"}, set(words))
        self.assertTrue([word for word in words if re.fullmatch("--cc=(.* )?clang", word)])

    def test_suppressions_are_there(self) -> None:
        for options in qemu.SANITIZED.env.values():
            for name in re.findall("(?:^|:)suppressions=([^:]+)", options):
                self.assertTrue(Path(name).is_file(), name)


if __name__ == "__main__":
    unittest.main()
