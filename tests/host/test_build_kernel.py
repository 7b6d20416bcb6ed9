# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels of the user's: what is taken, and what is refused with which words."""

import dataclasses
import gzip
import unittest
from pathlib import Path
from unittest import mock

from build_support import BuildCase

from malivm import kernel, linux, proc

RELEASE = "7.3.0-mine"


def image(release: str = RELEASE) -> bytes:
    """The least that is an arm64 Image: the magic number and the banner."""
    return bytes(0x38) + b"ARMd" + bytes(64) + f"Linux version {release} (me@here)".encode()


class Images(BuildCase):
    """Single files."""

    def resolve(self, name: str) -> kernel.Kernel:
        """Resolve a file of the test's directory."""
        return kernel.resolve(str(self.dir / name))

    def test_image(self) -> None:
        path = self.write("Image", image())
        found = self.resolve("Image")
        self.assertEqual((found.image, found.modules, found.release), (path, None, RELEASE))
        self.assertIn("no modules beside it", self.said[0])

    def test_compressed_image(self) -> None:
        self.write("Image.gz", gzip.compress(image()))
        found = self.resolve("Image.gz")
        self.assertEqual(found.image.read_bytes(), image())
        self.assertEqual(found.release, RELEASE)

    def test_damaged_compressed_image(self) -> None:
        self.write("Image.gz", gzip.compress(image())[:-20])
        self.assertIn("damaged gzip", self.error(lambda: self.resolve("Image.gz")))
        self.assertFalse(list(self.cache.rglob("Image-*")))

    def test_compressed_something_else(self) -> None:
        self.write("Image.gz", gzip.compress(bytes(100)))
        self.assertIn("not an arm64 Linux Image", self.error(lambda: self.resolve("Image.gz")))

    def test_elf(self) -> None:
        self.write("vmlinux", b"\x7fELF" + bytes(100))
        self.assertIn("arch/arm64/boot/Image", self.error(lambda: self.resolve("vmlinux")))

    def test_zboot(self) -> None:
        self.write("vmlinuz.efi", b"MZ\0\0zimg" + image()[8:])
        self.assertIn("EFI zboot", self.error(lambda: self.resolve("vmlinuz.efi")))

    def test_something_else(self) -> None:
        self.write("bzImage", bytes(0x202) + b"HdrS" + bytes(100))
        self.assertIn("not an arm64 Linux Image", self.error(lambda: self.resolve("bzImage")))

    def test_empty(self) -> None:
        self.write("Image", b"")
        self.assertIn("not an arm64 Linux Image", self.error(lambda: self.resolve("Image")))

    def test_absent(self) -> None:
        self.assertIn("there is no kernel at", self.error(lambda: self.resolve("nothing")))

    def test_modules_beside_it(self) -> None:
        self.write("boot/Image", image())
        self.write(f"lib/modules/{RELEASE}/kernel/a.ko", b"")
        dep = self.write(f"lib/modules/{RELEASE}/modules.dep", "kernel/a.ko:\n")
        self.assertEqual(self.resolve("boot/Image").modules, dep.parent)
        self.assertEqual(self.said, [])


class Trees(BuildCase):
    """Built kernel trees."""

    def setUp(self) -> None:
        super().setUp()
        if not proc.find("depmod"):
            self.skipTest("no depmod")
        self.write("linux/.config", "")
        self.write("linux/include/config/kernel.release", RELEASE + "\n")
        self.write("linux/arch/arm64/boot/Image", image("other"))
        self.tree = self.dir / "linux"

    def add_module(self, suffix: str) -> None:
        """Build a module, so to speak."""
        self.write("linux/drivers/a/a.ko", b"")
        self.write("linux/modules.order", f"drivers/a/a.{suffix}\n")

    def test_all_built_in(self) -> None:
        self.write("linux/modules.order", "")
        found = kernel.resolve(str(self.tree))
        self.assertEqual((found.modules, found.release), (None, RELEASE))

    def test_its_image_means_the_tree(self) -> None:
        self.add_module("o")
        found = kernel.resolve(str(self.tree / "arch/arm64/boot/Image"))
        self.assertIsNotNone(found.modules)

    def test_modules(self) -> None:
        for suffix in ("o", "ko"):
            with self.subTest(suffix):
                self.add_module(suffix)
                modules = kernel.resolve(str(self.tree)).modules
                assert modules
                self.assertEqual(modules.name, RELEASE)
                module = modules / "kernel/drivers/a/a.ko"
                self.assertEqual(module.resolve(), (self.tree / "drivers/a/a.ko").resolve())
                self.assertEqual((modules / "modules.dep").read_text("ascii"),
                                 "kernel/drivers/a/a.ko:\n")
                self.assertEqual((modules / "modules.order").read_text("ascii"),
                                 "kernel/drivers/a/a.ko\n")

    def test_rebuilt_module_renews_the_view(self) -> None:
        self.add_module("o")
        modules = kernel.resolve(str(self.tree)).modules
        assert modules
        before = (modules / "modules.dep").stat().st_ino
        kernel.resolve(str(self.tree))
        self.assertEqual((modules / "modules.dep").stat().st_ino, before)
        self.write("linux/drivers/a/a.ko", b"\0")
        kernel.resolve(str(self.tree))
        self.assertNotEqual((modules / "modules.dep").stat().st_ino, before)

    def test_nothing_is_written_to_the_tree(self) -> None:
        self.add_module("o")
        before = sorted(self.tree.rglob("*"))
        kernel.resolve(str(self.tree))
        self.assertEqual(sorted(self.tree.rglob("*")), before)

    def test_built_here(self) -> None:
        self.add_module("o")
        origin = linux.Source(self.dir, "7.3.4-1", "key", of_user=False)
        with mock.patch.object(linux, "source", lambda _: origin), \
                mock.patch.object(linux, "ensure",
                                  lambda name, source, _: linux.Built(self.tree, source, name)):
            found = kernel.resolve("built:debug")
        self.assertEqual(dataclasses.replace(found, origin="", args={}),
                         dataclasses.replace(kernel.resolve(str(self.tree)), origin=""))
        self.assertEqual(found.origin, "7.3.4-1, built as debug")
        self.assertEqual(found.args["page_poison"], "1")

    def test_a_source_tree_is_built_first(self) -> None:
        self.add_module("o")
        for name in ("Makefile", "Kconfig", "arch/arm64/Kconfig", "drivers/gpu/drm/panthor/a.c"):
            self.write(f"source/{name}", "")
        made: list[tuple[str, Path]] = []

        def ensure(name: str, source: linux.Source, _: object) -> linux.Built:
            made.append((name, source.tree))
            return linux.Built(self.tree, source, name)

        with mock.patch.object(linux, "ensure", ensure):
            found = kernel.resolve(str(self.dir / "source"))
        self.assertEqual(made, [("plain", self.dir / "source")])
        self.assertEqual(found.tree, self.tree)

    def test_options_for_what_is_built_already(self) -> None:
        self.assertIn("--config has no effect", self.error(
            lambda: kernel.resolve(str(self.tree), (self.write("more.config", ""),))))

    def test_module_not_built(self) -> None:
        self.write("linux/modules.order", "drivers/a/a.o\n")
        self.assertIn("a.ko is missing", self.error(lambda: kernel.resolve(str(self.tree))))

    def test_not_built(self) -> None:
        (self.tree / "arch/arm64/boot/Image").unlink()
        self.assertIn("not a built arm64 kernel tree",
                      self.error(lambda: kernel.resolve(str(self.tree))))


if __name__ == "__main__":
    unittest.main()
