# SPDX-License-Identifier: GPL-2.0-or-later
"""What the initramfs is made of: archive, modules, firmware."""

import gzip
import lzma
import os
import stat
import struct
import subprocess
import unittest
import unittest.mock
from typing import Any, NamedTuple

from build_support import BuildCase

from malivm import cpio, firmware, guest, kernel, modules


class Entry(NamedTuple):
    """One file of an archive."""

    mode: int
    data: bytes
    device: tuple[int, int]


def unpack(archive: bytes) -> dict[str, Entry]:
    """Read newc archives, one behind the other, as the kernel does (init/initramfs.c)."""
    found = {}
    at = 0
    while at < len(archive):
        if archive[at] == 0:
            at += 4
            continue
        assert archive[at:at + 6] == b"070701", archive[at:at + 6]
        fields = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = archive[at + 110:at + 110 + name_size]
        assert name.endswith(b"\0")
        at += 110 + name_size
        at += -at % 4
        data = archive[at:at + size]
        at += size
        at += -at % 4
        if name != b"TRAILER!!!\0":
            found[name[:-1].decode()] = Entry(fields[1], data, (fields[9], fields[10]))
    return found


class Cpio(unittest.TestCase):
    """The archive's form."""

    def test_round_trip(self) -> None:
        archive = cpio.Archive()
        for size in range(9):
            archive.file("f" * (size + 1), bytes(range(size)))
        archive.file("a/b/run", b"#!", 0o755)
        archive.link("sbin/modprobe", "/bin/busybox")
        archive.device("dev/console", 5, 1)
        found = unpack(archive.finish())
        for size in range(9):
            self.assertEqual(found["f" * (size + 1)].data, bytes(range(size)))
        self.assertEqual(found["a/b/run"].mode, stat.S_IFREG | 0o755)
        self.assertEqual(found["sbin/modprobe"], (stat.S_IFLNK | 0o777, b"/bin/busybox", (0, 0)))
        self.assertEqual(found["dev/console"], (stat.S_IFCHR | 0o600, b"", (5, 1)))

    def test_directories_come_before_what_is_in_them(self) -> None:
        archive = cpio.Archive()
        archive.file("a/b/c", b"")
        found = unpack(archive.finish())
        self.assertEqual(list(found), ["a", "a/b", "a/b/c"])
        self.assertTrue(stat.S_ISDIR(found["a/b"].mode))

    def test_twice_the_same_name_is_a_mistake(self) -> None:
        archive = cpio.Archive()
        archive.file("a", b"")
        with self.assertRaises(ValueError):
            archive.file("a", b"")

    def test_same_content_same_archive(self) -> None:
        def one() -> bytes:
            archive = cpio.Archive()
            archive.file("a/b", b"x")
            return archive.finish()
        self.assertEqual(one(), one())

    def test_configuration(self) -> None:
        found = unpack(guest.conf_cpio(["mode=run", "seed=7"]))
        self.assertEqual(found["etc/mali-vm.conf"].data, b"mode=run\nseed=7\n")

    def test_appended_archive(self) -> None:
        archive = cpio.Archive()
        archive.file("a", b"12345")
        found = unpack(archive.finish() + guest.conf_cpio(["mode=run"]))
        self.assertEqual(list(found), ["a", "etc", "etc/mali-vm.conf"])


DEP = """\
kernel/gpu/panthor.ko.xz: kernel/gpu/drm.ko.xz kernel/gpu/gpu-sched.ko.xz
kernel/gpu/drm.ko.xz:
kernel/gpu/gpu-sched.ko.xz: kernel/gpu/drm.ko.xz
kernel/governor_simple.ko:
kernel/fixed.ko:
kernel/snd/board.ko:
kernel/zram.ko.zst: kernel/lz4hc_compress.ko
kernel/lz4hc_compress.ko:
"""
ALIAS = """\
# Aliases extracted from modules themselves.
alias of:N*T*Carm,mali-valhall-csfC* panthor
alias of:N*T*Carm,mali-valhall-csf panthor
alias of:N*T*Cregulator-fixed fixed
alias of:N*T*Cregulator-fixed-clock clock
alias board alc rt5682 snd_board
"""


class Modules(BuildCase):
    """Which modules go in."""

    def setUp(self) -> None:
        super().setUp()
        self.write("m/modules.dep", DEP)
        self.write("m/modules.alias", ALIAS)
        self.write("m/modules.softdep", "softdep gpu_sched pre: governor-simple post: fixed\n")
        self.index = modules.Index(self.dir / "m")

    def test_by_device_by_name_and_what_they_depend_on(self) -> None:
        self.assertEqual(self.index.wanted(), [
            "kernel/fixed.ko", "kernel/governor_simple.ko", "kernel/gpu/drm.ko.xz",
            "kernel/gpu/gpu-sched.ko.xz", "kernel/gpu/panthor.ko.xz",
            "kernel/lz4hc_compress.ko", "kernel/zram.ko.zst"])

    def test_alias_with_spaces(self) -> None:
        with unittest.mock.patch.object(modules, "DEVICES", ("board alc rt5682",)):
            self.write("m/modules.dep", DEP + "kernel/snd/snd-board.ko:\n")
            self.assertIn("kernel/snd/snd-board.ko", modules.Index(self.dir / "m").wanted())

    def test_file_of_a_module(self) -> None:
        self.assertEqual(self.index.path("gpu_sched"), self.dir / "m/kernel/gpu/gpu-sched.ko.xz")
        self.assertIsNone(self.index.path("built_in"))

    def test_literal_parts_do_not_hide_a_match(self) -> None:
        self.assertTrue(modules._matches("virtio:d00000002v554D4551", "virtio:d0000000[2-4]v*"))
        self.assertTrue(modules._matches("of:NxT(null)Ca,b", "of:N*T*Ca,?"))
        self.assertFalse(modules._matches("of:NxT(null)Ca,b", "of:N*T*Cb,a"))

    def test_decompressed(self) -> None:
        plain = b"\x7fELF" + bytes(1000)
        for name, content in (("a.ko", plain), ("a.ko.xz", lzma.compress(plain)),
                              ("a.ko.gz", gzip.compress(plain))):
            with self.subTest(name):
                self.assertEqual(modules.read(self.write(name, content)), plain)

    def test_decompressed_zstd(self) -> None:
        plain = self.write("b.ko", b"\x7fELF" + bytes(1000))
        try:
            subprocess.run(["zstd", "-q", plain], check=True)
        except FileNotFoundError:
            self.skipTest("no zstd")
        self.assertEqual(modules.read(self.dir / "b.ko.zst"), plain.read_bytes())

    def test_damaged(self) -> None:
        bad = self.write("bad.ko.gz", gzip.compress(b"x" * 1000)[:-9])
        self.assertIn("cannot unpack the kernel module", self.error(lambda: modules.read(bad)))


def parse_firmware(image: bytes) -> tuple[list[tuple[int, ...]], list[bytes]]:
    """Read a firmware file as the driver does (panthor_fw_load() and what it calls):
    its sections and its build-info texts."""
    magic, minor, major, padding1, _hash, padding2, size = struct.unpack_from("<IBBHIII", image)
    assert (magic, major, padding1, padding2) == (0xC3F13A6E, 0, 0, 0)
    assert minor == 0 and size <= len(image)
    sections, texts = [], []
    at = 20
    while at < size:
        head, = struct.unpack_from("<I", image, at)
        length = head >> 8 & 0xff
        assert length and length % 4 == 0 and at + length <= size
        if head & 0xff == 0:
            assert length >= 24
            sections.append(struct.unpack_from("<5I", image, at + 4))
        elif head & 0xff == 6:
            start, count = struct.unpack_from("<2I", image, at + 4)
            assert start + count <= len(image)
            texts.append(image[start:start + count])
        else:
            assert head >> 31, "an entry the driver does not know must be optional"
        at += length
    assert at == size
    return sections, texts


class Firmware(BuildCase):
    """The driver's firmware files."""

    def test_shared_section(self) -> None:
        sections, _ = parse_firmware(firmware.free_image())
        (flags, start, end, data_start, data_end), = sections
        self.assertEqual((start, end, data_start, data_end), (0x04000000, 0x04080000, 0, 0))
        self.assertEqual(flags, 0xC0000003)     # read, write, shared, zero-filled

    def test_build_info(self) -> None:
        _, (text,) = parse_firmware(firmware.free_image())
        self.assertEqual(text, b"git_sha: unknown\0")

    def test_build_info_of_a_commit(self) -> None:
        run: dict[str, Any] = {"cwd": self.checkout, "check": True, "stdout": subprocess.DEVNULL}
        name = ["-c", "user.name=a", "-c", "user.email=a@b"]
        try:
            subprocess.run(["git", "init", "-q"], **run)
        except FileNotFoundError:
            self.skipTest("no git")
        subprocess.run(["git", *name, "commit", "-q", "--allow-empty", "-m", "x"], **run)
        _, (text,) = parse_firmware(firmware.free_image())
        self.assertRegex(text, rb"^git_sha: [0-9a-f]{40}\0$")

    def test_same_each_time(self) -> None:
        self.assertEqual(firmware.free_image(), firmware.free_image())

    def test_every_name_the_driver_asks_for(self) -> None:
        module = b"\0firmware=arm/mali/arch99.8/mali_csffw.bin\0license=x\0"
        files = firmware.load("free", module)
        self.assertEqual(set(files), {f"arm/mali/arch{arch}/mali_csffw.bin"
                                      for arch in (*firmware.ARCHS, "99.8")})
        self.assertEqual(set(files.values()), {firmware.free_image()})

    def test_file_of_the_user_as_it_is(self) -> None:
        for content in (b"", b"\x6e\x3a", firmware.free_image()[:30]):
            path = self.write("fw.bin", content)
            self.assertEqual(firmware.load(str(path))["arm/mali/arch10.8/mali_csffw.bin"], content)

    def test_folder(self) -> None:
        self.write("fw/arch10.8/mali_csffw.bin", b"a")
        self.write("fw/arch13.8/mali_csffw.bin", b"b")
        self.assertEqual(firmware.load(str(self.dir / "fw")), {
            "arm/mali/arch10.8/mali_csffw.bin": b"a", "arm/mali/arch13.8/mali_csffw.bin": b"b"})

    def test_empty_folder(self) -> None:
        self.assertIn("no firmware in", self.error(lambda: firmware.load(str(self.dir))))

    def test_absent(self) -> None:
        self.assertIn("cannot be read",
                      self.error(lambda: firmware.load(str(self.dir / "nothing"))))


class Programs(BuildCase):
    """Compiling, with the host's compiler."""

    def setUp(self) -> None:
        super().setUp()
        sources = self.dir / "guest"
        for name, value in {"SOURCES": sources, "TABLE": sources / "programs"}.items():
            self.enter(unittest.mock.patch.object(guest, name, value))
        self.enter(unittest.mock.patch.object(guest, "compiler_flags", lambda: ("-O0",)))
        self.enter(unittest.mock.patch("malivm.packages.ensure"))
        self.write("guest/programs", "# PROGRAM: SOURCE ...\ninit: init.c\nfirst: first.c part.c\n")
        self.write("guest/init.c", "int main(void) { return 3; }\n")
        self.write("guest/part.h", "#define TEST \"first.one\\tdoes little\"\n")
        self.write("guest/part.c", "#include <stdio.h>\n#include \"part.h\"\n"
                                   "void list(void) { puts(TEST); }\n")
        self.write("guest/first.c", "void list(void);\nint main(void) { list(); return 0; }\n")

    def test_list(self) -> None:
        self.assertEqual(guest.list_tests(), [("first.one", "does little")])

    def test_what_a_suite_wants(self) -> None:
        self.write("guest/programs", "init: init.c\n[first check=report modules=m,n a-b=3 "
                   "smoke=x,y]: x.c\n")
        self.assertEqual(guest.suites(), {
            "init": guest.Suite(apart=False, name="init"),
            "first": guest.Suite(True, "report", ("m", "n"), {"a-b": "3"}, ("x", "y"), "first")})

    def test_suites_in_brackets_are_listed_and_apart(self) -> None:
        self.write("guest/programs", "init: init.c\n[first]: first.c part.c\n")
        self.assertEqual(guest.list_tests(), [("first.one", "does little")])
        self.assertEqual({name for name, its in guest.suites().items() if its.apart}, {"first"})
        self.assertEqual(set(guest.programs("")), {"init", "first"})

    def test_list_follows_a_header(self) -> None:
        guest.list_tests()
        self.write("guest/part.h", "#define TEST \"first.two\\tdoes more than that\"\n")
        self.assertEqual(guest.list_tests(), [("first.two", "does more than that")])

    def test_only_what_changed_is_compiled(self) -> None:
        guest.programs("")
        objects = self.checkout / "build" / "guest" / "host"
        before = {path.name: path.stat().st_mtime_ns for path in objects.glob("*.o")}
        self.write("guest/first.c", "void list(void);\nint main(void) { list(); return  0; }\n")
        guest.programs("")
        self.assertEqual({path.name for path in objects.glob("*.o")
                          if path.stat().st_mtime_ns != before[path.name]}, {"first.o"})

    def test_mistake_is_shown(self) -> None:
        self.write("guest/part.c", "void list(void) { nonsense }\n")
        self.assertRegex(self.error(guest.list_tests), r"compiling part\.c failed: .*error:")

    def test_initramfs(self) -> None:
        self.write("cache/mali-vm/deb/busybox-static_1_arm64/usr/bin/busybox", "box")
        with unittest.mock.patch("malivm.packages.CROSS", ""):
            path = guest.ensure_initramfs(kernel.Kernel(self.dir, None, "7.3", "x"),
                                          {"arm/fw.bin": b"fw"})
        found = unpack(path.read_bytes())
        self.assertEqual(found["init"].mode, stat.S_IFREG | 0o755)
        self.assertEqual(found["tests/first"].data,
                         (self.checkout / "build/guest/host/first").read_bytes())
        self.assertEqual(found["lib/firmware/arm/fw.bin"].data, b"fw")
        self.assertEqual(found["bin/busybox"].data, b"box")
        self.assertNotIn("tests/init", found)
        self.assertFalse(os.path.exists(path.parent / "part_"))

    def test_initramfs_has_the_programs_of_the_run(self) -> None:
        self.write("guest/programs", "init: init.c\nfirst: first.c part.c\nsecond: init.c\n")
        self.write("cache/mali-vm/deb/busybox-static_1_arm64/usr/bin/busybox", "box")
        self.enter(unittest.mock.patch("malivm.packages.CROSS", ""))
        one = kernel.Kernel(self.dir, None, "7.3", "x")
        for names, there in ((["second"], {"second"}), ([], {"first", "second"})):
            found = unpack(guest.ensure_initramfs(one, {}, {}, names).read_bytes())
            self.assertIn("init", found)
            self.assertEqual({name for name in found if name.startswith("tests/")},
                             {f"tests/{name}" for name in there})

    def test_initramfs_is_kept(self) -> None:
        self.write("cache/mali-vm/deb/busybox-static_1_arm64/usr/bin/busybox", "box")
        self.enter(unittest.mock.patch("malivm.packages.CROSS", ""))
        one = kernel.Kernel(self.dir, None, "7.3", "x")
        first = guest.ensure_initramfs(one, {})
        before = first.stat().st_ino
        self.assertEqual(guest.ensure_initramfs(one, {}), first)
        self.assertEqual(first.stat().st_ino, before)
        self.assertNotEqual(guest.ensure_initramfs(one, {"a": b""}), first)
        self.write("guest/init.c", "int main(void) { return 44; }\n")
        self.assertNotEqual(guest.ensure_initramfs(one, {}), first)


if __name__ == "__main__":
    unittest.main()
