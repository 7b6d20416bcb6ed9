# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm decode: words to text, and what is wrong with a dump in one sentence."""

import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401  (finds the package)
from malivm import paths

# What the driver puts before each job's CALL (panthor_sched.c, prepare_job_instrs)
WORDS = (0x015C000010000000, 0x025E000000000040, 0x0300000000010000, 0x20005C5E00000000)


def decode(data: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    """Decode a dump that is in a file."""
    with tempfile.TemporaryDirectory() as temp:
        dump = Path(temp) / "dump"
        dump.write_bytes(data)
        return subprocess.run([paths.PROJECT / "mali-vm", "decode", dump, *options],
                              capture_output=True, text=True, check=False)


class Tests(unittest.TestCase):
    def test_words(self) -> None:
        done = decode(struct.pack("<4Q", *WORDS), "--base", "0x1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual([int(line.split()[0].rstrip(":"), 16) for line in lines],
                         [0x1000, 0x1008, 0x1010, 0x1018])
        for line, name in zip(lines, ("MOVE48", "MOVE32", "WAIT", "CALL")):
            self.assertIn(name, line)

    def test_part_of_a_word(self) -> None:
        done = decode(struct.pack("<Q", WORDS[0]) + b"abc")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("MOVE48", done.stdout)
        self.assertIn("the last 3 bytes", done.stderr)

    def test_errors(self) -> None:
        for option, said in ((("--arch", "9"), "architecture 9"),
                             (("--base", "here"), "here is no address")):
            done = decode(b"", *option)
            self.assertEqual(done.returncode, 2, done.stderr)
            # Above it, the decoder may have been compiled
            self.assertIn(said, done.stderr.splitlines()[-1])
            self.assertNotIn("Traceback", done.stderr)

    def test_no_file(self) -> None:
        done = subprocess.run([paths.PROJECT / "mali-vm", "decode", "/nowhere/at/all"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere/at/all", done.stderr)


if __name__ == "__main__":
    unittest.main()
