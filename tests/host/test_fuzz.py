# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of ./mali-vm fuzz: recorded runs as input of QEMU's generic fuzzer, and the command."""

import argparse
import contextlib
import io
import struct
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from malivm import errors, fuzz, fuzz_device, fuzz_seed, paths
from malivm.fuzz_target import Program, Target

TRACE = """
mali_csf_read gpu 0 L2_PRESENT (0x120) -> 0x00000001
4711@1695.5:mali_csf_write gpu 0 L2_PWRON (0x1a0) <- 0x00000001
mali_csf_event_run power-l2 (4)
mali_csf_write as 1 AS_TRANSTAB (0x2440) <- 0x12345000
mali_csf_write as 1 AS_TRANSTAB (0x2444) <- 0x00000000
mali_csf_read as 1 AS_STATUS (0x2468) -> 0x00000001
mali_csf_read as 1 AS_STATUS (0x2468) -> 0x00000001
mali_csf_event_run as (11)
mali_csf_read as 1 AS_STATUS (0x2468) -> 0x00000000
mali_csf_mmu_update AS 1 transtab 0x12345000 memattr 0x0 transcfg 0x0
"""


def operations(data: bytes) -> list[tuple[int, ...]]:
    """(operation, offset, value) of each, as generic_fuzz.c takes them apart."""
    found: list[tuple[int, ...]] = []
    for part in data.split(b"FUZZ"):
        if part[:1] == b"\x09":
            found.append((9,))
        elif part[:1] == b"\x02":
            found.append((2, *struct.unpack("<BBxxI", part[1:])[2:]))
        elif part:
            found.append((part[0], *struct.unpack("<BBxxIQ", part[1:])[2:]))
    return found


class SeedTest(unittest.TestCase):
    """Traces and logs."""

    def test_operations(self) -> None:
        """Accesses and steps; polling is one read; page tables are those of the image."""
        self.assertEqual(
            operations(fuzz_seed.seed(TRACE, {0x2440: 0x44000000, 0x2444: 0}, 1000)),
            [(2, 0x120), (3, 0x1a0, 1), (9,), (3, 0x2440, 0x44000000), (3, 0x2444, 0),
             (2, 0x2468), (9,), (2, 0x2468)])

    def test_unmapped(self) -> None:
        """An address space that is given up is not given tables."""
        line = "mali_csf_write as 1 AS_TRANSTAB (0x2440) <- 0x00000000"
        self.assertEqual(operations(fuzz_seed.seed(line, {0x2440: 0x44000000}, 1000)),
                         [(3, 0x2440, 0)])

    def test_limit(self) -> None:
        """What does not fit is left out, whole operations only."""
        whole = fuzz_seed.seed(TRACE, {}, 1000)
        for limit in range(len(whole) + 1):
            part = fuzz_seed.seed(TRACE, {}, limit)
            self.assertLessEqual(len(part), limit)
            self.assertTrue(whole.startswith(part))
            self.assertTrue(not part or part.endswith(b"FUZZ"))
        self.assertEqual(fuzz_seed.seed(TRACE, {}, len(whole)), whole)

    def test_separator_in_value(self) -> None:
        """What would be taken for the end of an operation is left out."""
        value = int.from_bytes(b"FUZZ", "little")
        line = f"mali_csf_write gpu 0 L2_PWRON (0x1a0) <- {value:#x}"
        self.assertEqual(fuzz_seed.seed(line, {}, 1000), b"")

    def test_steps(self) -> None:
        """A busy GPU is not stepped for ever."""
        self.assertEqual(operations(fuzz_seed.seed("mali_csf_event_run run (7)\n" * 99, {}, 1000)),
                         [(9,)] * 4)

    def test_preparation(self) -> None:
        """Power and address spaces, and nothing else."""
        text = TRACE + "mali_csf_write mcu 0 MCU_CONTROL (0x700) <- 0x00000002\n"
        lines = fuzz_seed.preparation(text).splitlines()
        self.assertIn("L2_PWRON", lines[0])
        self.assertEqual(len(lines), 7)
        self.assertNotIn("MCU_CONTROL", "".join(lines))

    def test_memory(self) -> None:
        """All ways in which a qtest writes; registers and what is before RAM are left out."""
        pages = fuzz_seed.memory(
            "[R +0.1] memset 0x41000ffe 0x4 0x5a\n[S +0.1] OK\n"
            "[R +0.2] writeq 0x41000008 0x1122334455667788\n"
            "[R +0.2] writel 0x41000010 0x99aabbcc\n"
            "[R +0.3] write 0x41000020 0x3 0x010203\n"
            "[R +0.4] b64write 0x41000030 0x2 /w8=\n"
            "[R +0.5] writel 0xc000030 0x1\n[R +0.6] writel 0x40000000 0x1\n")
        self.assertEqual(sorted(pages), [0x41000000, 0x41001000])
        first = pages[0x41000000]
        self.assertEqual(first[8:0x14].hex(), "8877665544332211ccbbaa99")
        self.assertEqual(first[0x20:0x24].hex(), "01020300")
        self.assertEqual(first[0x30:0x33].hex(), "ff0f00")
        self.assertEqual((first[-3:].hex(), pages[0x41001000][:3].hex()), ("005a5a", "5a5a00"))

    def test_add_mapped(self) -> None:
        """All that tables lead to is there, and what is no memory is not."""
        pages = {0x41000000 + n * 0x1000: bytearray(4096) for n in range(4)}
        for n in range(3):
            pages[0x41000000 + n * 0x1000][8:16] = struct.pack("<Q", 0x41001003 + n * 0x1000)
        pages[0x41003000][:24] = struct.pack("<3Q", 0x60000042000043, 0x43000043, 0xc000043)
        fuzz_seed.add_mapped(pages, [0x41000000, 0])
        self.assertEqual(sorted(pages)[4:], [0x42000000, 0x43000000])

    def test_elf(self) -> None:
        """A segment for each run of pages, loaded to where they were."""
        pages = {0x41001000: bytearray(b"b" * 4096), 0x41000000: bytearray(b"a" * 4096),
                 0x45000000: bytearray(b"c" * 4096)}
        data = fuzz_seed.elf(pages)
        self.assertEqual(struct.unpack_from("<H", data, 56), (2,))
        segments = [struct.unpack_from("<IIQQQQQQ", data, 64 + 56 * n) for n in range(2)]
        self.assertEqual([(kind, physical, size) for kind, _, _, _, physical, size, _, _
                          in segments], [(1, 0x41000000, 8192), (1, 0x45000000, 4096)])
        self.assertEqual(data[segments[0][2]:segments[0][2] + 8192], b"a" * 4096 + b"b" * 4096)
        self.assertEqual(data[segments[1][2]:], b"c" * 4096)


class CommandTest(unittest.TestCase):
    """What the command makes of what libFuzzer says."""

    def setUp(self) -> None:
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.folder = Path(temp.name)
        patcher = mock.patch.object(paths, "build", lambda: self.folder)
        patcher.start()
        self.addCleanup(patcher.stop)
        ensure = mock.patch.object(fuzz.packages, "ensure")
        ensure.start()
        self.addCleanup(ensure.stop)

    def run_script(self, script: str, **options: object) -> tuple[int, str, str]:
        """Run a target that is a shell script."""
        program = self.folder / "program"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        target = Target("fake", "a fake", 10, 64, lambda: Program((str(program),)))
        args = argparse.Namespace(names=["fake"], runs=None, minutes=None, seed=None, repeat=None,
                                  trace=None, list=False)
        vars(args).update(options)
        out, err = io.StringIO(), io.StringIO()
        with (mock.patch.object(fuzz, "TARGETS", (target,)),
              contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)):
            code = fuzz.main(args)
        return code, out.getvalue(), err.getvalue()

    def test_nothing_found(self) -> None:
        """What was done is said."""
        code, out, _ = self.run_script('echo "#8 NEW cov: 17 ft: 2"; echo "Done 10 runs in 3 '
                                       'second(s)"')
        self.assertEqual((code, out), (0, "fake: 10 inputs in 3 s, 17 places of the code reached, "
                                       "nothing found\n"))

    def test_crash(self) -> None:
        """The report, and how to have it again."""
        code, out, err = self.run_script('echo "ERROR: AddressSanitizer"; '
                                         'echo "Test unit written to /x/crash-1"; exit 77')
        self.assertEqual(code, 1)
        self.assertIn("AddressSanitizer", out)
        self.assertIn("./mali-vm fuzz fake --repeat /x/crash-1", err)

    def test_did_not_run(self) -> None:
        """A program that ends well without having done anything is no success."""
        with self.assertRaises(errors.MaliError):
            self.run_script("echo usage")

    def test_same_each_time(self) -> None:
        """With runs: a fixed seed, and a corpus that is not kept."""
        code, _, _ = self.run_script('echo "$@" > "$0.args"; echo "#8 NEW cov: 1"; '
                                     'echo "Done 10 runs in 3 second(s)"')
        words = (self.folder / "program.args").read_text(encoding="utf-8").split()
        self.assertEqual(code, 0)
        self.assertIn("-runs=10", words)
        self.assertIn("-seed=1", words)
        self.assertFalse((self.folder / "fuzz" / "fake" / "corpus").exists())

    def test_minutes(self) -> None:
        """With minutes: libFuzzer's own seed, and a corpus that is."""
        self.run_script('echo "$@" > "$0.args"; echo "#8 NEW cov: 1"; '
                        'echo "Done 10 runs in 3 second(s)"', minutes=2)
        text = (self.folder / "program.args").read_text(encoding="utf-8")
        self.assertIn("-max_total_time=120", text)
        self.assertNotIn("-seed", text)
        self.assertIn(str(self.folder / "fuzz" / "fake" / "corpus"), text)

    def test_repeat(self) -> None:
        """One input, survived or not."""
        file = self.folder / "crash"
        file.write_bytes(b"x")
        self.assertEqual(self.run_script("exit 0", repeat=str(file))[0], 0)
        code, out, _ = self.run_script('echo "it fails"; exit 1', repeat=str(file))
        self.assertEqual(code, 1)
        self.assertIn("it fails", out)
        with self.assertRaises(errors.MaliError):
            self.run_script("exit 0", repeat=str(self.folder / "none"))

    def test_unknown_target(self) -> None:
        """It is said which there are."""
        with self.assertRaisesRegex(errors.MaliError, "choose from fake"):
            self.run_script("exit 0", names=["nothing"])

    def test_trace_without_accesses(self) -> None:
        """It is said how to record one."""
        file = self.folder / "log"
        file.write_text("nothing\n", encoding="utf-8")
        with self.assertRaisesRegex(errors.MaliError, "-trace mali_csf_read"):
            fuzz_device.convert(file)


if __name__ == "__main__":
    unittest.main()
