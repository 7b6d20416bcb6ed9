# SPDX-License-Identifier: GPL-2.0-or-later
"""Building the guest's module: with what, for which kernels, and what is said if it cannot be."""

import dataclasses
import subprocess
import unittest
from pathlib import Path
from unittest import mock

from build_support import BuildCase

from malivm import apt, dma_check, kbuild, kernel, packages, proc

RELEASE = "7.3.4+deb13-arm64"
VERSION = "7.3.4-1~bpo13+1"
DEBIAN = kernel.Kernel(Path("Image"), None, RELEASE, "test", debian=VERSION)


class KbuildCase(BuildCase):
    """Nothing is installed and make does nothing but leave a module."""

    def setUp(self) -> None:
        super().setUp()
        self.enter(mock.patch.object(packages, "ensure", lambda *_: None))
        self.enter(mock.patch.object(kbuild, "_compiler_cannot", lambda: []))
        self.made: list[list[str]] = []
        self.real_run = proc.run
        self.enter(mock.patch.object(proc, "run", self.run_program))
        self.source = self.write("thing/Kbuild", "obj-m := thing.o\n").parent

    def run_program(self, argv: list[str], what: str, **more: object) -> str:
        if argv[0] != "make":
            return self.real_run(argv, what)
        self.made.append(argv)
        place = Path(next(word for word in argv if word.startswith("M="))[2:])
        self.assertEqual((place / "Kbuild").read_text(), (self.source / "Kbuild").read_text())
        (place / "thing.ko").write_bytes(b"module %d" % len(self.made))
        return ""


class Trees(KbuildCase):
    """A built tree of the user's."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("Makefile", ".config", "Module.symvers"):
            self.write(f"tree/{name}", "")
        self.tree = self.dir / "tree"
        self.kernel = kernel.Kernel(Path("Image"), None, "7.3.0-mine", "test", tree=self.tree)

    def test_it_is_built_once(self) -> None:
        first = kbuild.module(self.kernel, self.source)
        self.assertEqual(first.read_bytes(), b"module 1")
        self.assertEqual(kbuild.module(self.kernel, self.source), first)
        self.assertEqual(len(self.made), 1)
        self.assert_no_parts()

    def test_anew_when_its_source_changes(self) -> None:
        first = kbuild.module(self.kernel, self.source)
        self.write("thing/Kbuild", "obj-m := thing.o # other\n")
        self.assertNotEqual(kbuild.module(self.kernel, self.source), first)

    def test_anew_when_the_tree_is_built_again(self) -> None:
        first = kbuild.module(self.kernel, self.source)
        self.write("tree/Module.symvers", "0x0 a vmlinux EXPORT_SYMBOL\n")
        self.assertNotEqual(kbuild.module(self.kernel, self.source), first)

    def test_the_tree_is_only_read(self) -> None:
        before = sorted(self.tree.iterdir())
        kbuild.module(self.kernel, self.source)
        self.assertEqual(sorted(self.tree.iterdir()), before)
        self.assertIn(str(self.tree), self.made[0])

    def test_the_trees_own_compiler(self) -> None:
        kbuild.module(self.kernel, self.source)
        self.assertNotIn("LLVM=1", self.made[0])
        self.write("tree/.config", "CONFIG_CC_IS_CLANG=y\n")
        kbuild.module(self.kernel, self.source)
        self.assertIn("LLVM=1", self.made[1])

    def test_tree_that_is_not_built(self) -> None:
        (self.tree / "Module.symvers").unlink()
        message = self.error(lambda: kbuild.module(self.kernel, self.source))
        self.assertIn("has no Module.symvers: build it there", message)

    def test_failed_build_leaves_nothing(self) -> None:
        with mock.patch.object(proc, "run", side_effect=proc.Failed("building failed", "")):
            self.error(lambda: kbuild.module(self.kernel, self.source))
        self.assert_no_parts()
        self.assertEqual(list((self.cache / "modules").glob("*.ko")), [])


class Headers(KbuildCase):
    """Debian's packages."""

    def setUp(self) -> None:
        super().setUp()
        self.libc_is_old = False
        self.extracted: list[tuple[str, str]] = []
        self.listed = {"linux-headers-7.3.4+deb13-arm64", "linux-headers-7.3.4+deb13-common",
                       "linux-kbuild-7.3.4+deb13"}
        self.enter(mock.patch.object(apt, "host_arch", lambda: "amd64"))
        self.enter(mock.patch.object(apt.Repo, "versions", self.versions))
        self.enter(mock.patch.object(apt.Repo, "newest", self.newest))
        self.enter(mock.patch.object(apt.Repo, "extract", self.extract))

    def versions(self, names: tuple[str, ...]) -> list[apt.Version]:
        return [apt.Version(name, VERSION, "trixie") for name in names if name in self.listed]

    def newest(self, name: str) -> apt.Version:
        return apt.Version(name, "2.41-1", "trixie")

    def extract(self, name: str, version: str, into: Path) -> None:
        self.extracted.append((name, version))
        if name == "libc6":
            lib = into / "usr/lib/x86_64-linux-gnu"
            lib.mkdir(parents=True)
            (lib / "libc.so.6").write_bytes(b"")
            loader = lib / "ld-linux-x86-64.so.2"
            loader.write_text('#!/bin/sh\necho "$3 with $4"\n')
            loader.chmod(0o755)
        if name.startswith("linux-kbuild"):
            program = into / "usr/lib/linux-kbuild-7.3.4+deb13/scripts/mod/modpost.real-lsb-64"
            program.parent.mkdir(parents=True)
            text = "echo version GLIBC_2.38 not found >&2; exit 1" if self.libc_is_old else "true"
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)

    def modpost(self) -> Path:
        return next(self.cache.rglob("modpost.real-lsb-64"))

    def test_all_of_the_kernels_own_version(self) -> None:
        kbuild.module(DEBIAN, self.source)
        self.assertEqual({name for name, _ in self.extracted}, self.listed)
        self.assertEqual({version for _, version in self.extracted}, {VERSION})
        own = next(self.cache.glob("headers/7*")) / "usr/src" / f"linux-headers-{RELEASE}"
        self.assertIn(f"KBUILD_OUTPUT={own}", self.made[0])

    def test_they_are_fetched_once(self) -> None:
        kbuild.module(DEBIAN, self.source)
        self.write("thing/Kbuild", "other\n")
        kbuild.module(DEBIAN, self.source)
        self.assertEqual(len(self.extracted), 3)

    def test_a_c_library_is_lent_to_an_older_machine(self) -> None:
        self.libc_is_old = True
        kbuild.module(DEBIAN, self.source)
        done = subprocess.run([self.modpost(), "an argument"], capture_output=True, text=True,
                              check=True)
        self.assertRegex(done.stdout, r"modpost\.real-lsb-64\.elf with an argument")

    def test_no_c_library_where_it_is_new_enough(self) -> None:
        kbuild.module(DEBIAN, self.source)
        self.assertNotIn("libc6", [name for name, _ in self.extracted])

    def test_headers_that_are_gone(self) -> None:
        self.listed.clear()
        message = self.error(lambda: kbuild.module(DEBIAN, self.source))
        self.assertIn(f"Debian has no linux-headers-{RELEASE} {VERSION} any more", message)
        self.assert_no_parts()


class Load(KbuildCase):
    """A run goes on without the module, and its user is told in one sentence."""

    def assert_told(self, chosen: kernel.Kernel, why: str) -> None:
        self.assertIsNone(dma_check.load(chosen))
        self.assertEqual(len(self.said), 1)
        self.assertRegex(self.said[0], "^going on without .*" + why)
        self.assertNotIn("\n", self.said[0])

    def test_image_without_a_tree(self) -> None:
        self.assert_told(kernel.Kernel(Path("Image"), None, "7.3.0", "test"),
                         "give the built tree instead of the Image")

    def test_old_kernel(self) -> None:
        self.assert_told(dataclasses.replace(DEBIAN, release="6.12.107+deb13-arm64"),
                         "needs Linux 6.14 or newer, and this is 6.12.107")

    def test_kernel_without_a_number(self) -> None:
        self.assert_told(dataclasses.replace(DEBIAN, release="unknown"), "needs Linux")


class Compiler(unittest.TestCase):
    """What the compiler of this machine can do."""

    def words(self, code: int) -> list[str]:
        done = subprocess.CompletedProcess([], code)
        with mock.patch.object(subprocess, "run", return_value=done):
            return kbuild._compiler_cannot()

    def test_asked(self) -> None:
        self.assertEqual(self.words(0), [])
        self.assertEqual(self.words(1), ["CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT="])

    def test_numbers_of_releases(self) -> None:
        for release, number in (("7.3.4+deb13-arm64", (7, 3, 4)), ("6.18-rc1", (6, 18)),
                                ("unknown", ())):
            self.assertEqual(kernel.number(release), number)


if __name__ == "__main__":
    unittest.main()
