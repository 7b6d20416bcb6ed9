# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver of a source tree in the place of a kernel's own: what is copied, built, and taken."""

import unittest
from pathlib import Path
from unittest import mock

from build_support import BuildCase

from malivm import driver, kbuild, kernel, linux

FOLDER = "linux/drivers/gpu/drm/panthor"


class Driver(BuildCase):
    """make only writes down what it was called with."""

    def setUp(self) -> None:
        super().setUp()
        self.made: list[Path] = []
        self.enter(mock.patch.object(kbuild, "find", lambda _: kbuild.Tree(("make",), "key")))
        self.enter(mock.patch.object(kbuild, "make", lambda _, folder, *__:
                                     self.made.append(folder)))
        for name in ("Makefile", "panthor_mmu.c", "panthor_mmu.h"):
            self.write(f"{FOLDER}/{name}", name)
        self.modules = self.write("modules/modules.dep", "kernel/panthor.ko.xz: kernel/drm.ko\n"
                                                         "kernel/drm.ko:\n").parent
        self.chosen = kernel.Kernel(Path("Image"), self.modules, "7.3.4", "Debian")

    def ensure(self) -> kernel.Kernel:
        return driver.ensure(self.chosen, self.dir / "linux", "--driver linux")

    def test_it_takes_the_place_of_the_kernels_own(self) -> None:
        found = self.ensure()
        module = found.replaced["panthor"]
        self.assertEqual(module, self.made[0] / "panthor.ko")
        self.assertIn("the driver of", found.origin)
        self.assertEqual((found.image, found.modules), (self.chosen.image, self.modules))

    def test_the_tree_is_only_read(self) -> None:
        before = sorted((self.dir / "linux").rglob("*"))
        self.ensure()
        self.assertEqual(sorted((self.dir / "linux").rglob("*")), before)
        self.assertFalse(self.made[0].is_relative_to(self.dir / "linux"))

    def test_only_what_has_changed_is_copied(self) -> None:
        self.ensure()
        work = self.made[0]
        before = {path.name: path.stat().st_ino for path in work.iterdir()}
        self.write(f"{FOLDER}/panthor_mmu.c", "changed")
        self.write(f"{FOLDER}/panthor_new.c", "new")
        (self.dir / FOLDER / "panthor_mmu.h").unlink()
        self.ensure()
        after = {path.name: path.stat().st_ino for path in work.iterdir()}
        self.assertEqual(after["Makefile"], before["Makefile"])
        self.assertNotEqual(after["panthor_mmu.c"], before["panthor_mmu.c"])
        self.assertEqual(set(after), {"Makefile", "panthor_mmu.c", "panthor_new.c"})

    def test_what_was_built_stays(self) -> None:
        self.ensure()
        for name in ("panthor_mmu.o", "panthor.ko", "panthor.mod.c"):
            (self.made[0] / name).touch()
        self.ensure()
        self.assertTrue((self.made[0] / "panthor_mmu.o").exists())
        self.assertTrue((self.made[0] / "panthor.mod.c").exists())

    def test_a_tree_without_it(self) -> None:
        with self.assertRaisesRegex(linux.Unfit, "has no drivers/gpu/drm/panthor/Makefile"):
            driver.ensure(self.chosen, self.dir / "nowhere", "--driver nowhere")

    def test_a_kernel_that_has_it_built_in(self) -> None:
        self.write("modules/modules.dep", "kernel/drm.ko:\n")
        self.assertIn("in 7.3.4 the driver is built in", self.error(self.ensure))


if __name__ == "__main__":
    unittest.main()
