# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input to the real ./mali-vm: one sentence, the right exit code, nothing left behind."""

import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import support
from malivm import bench, cli, firmware, guest, options
from malivm.errors import MaliError

MALI_VM = support.PROJECT / "mali-vm"


def children(pid: int) -> list[int]:
    """The processes that `pid` has started and that still run."""
    return [int(word) for task in Path(f"/proc/{pid}/task").glob("*/children")
            for word in task.read_text(encoding="ascii").split()]


class CliCase(unittest.TestCase):
    """Runs the real command; the temporary folder it uses is one of the test's own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.temp = self.folder / "temp"
        self.temp.mkdir()
        self.env = {**os.environ, "TMPDIR": str(self.temp)}

    def run_cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([MALI_VM, *words], capture_output=True, text=True, check=False,
                              env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL)

    def assert_refused(self, *words: str, says: str) -> None:
        """Exit code 2 and one sentence that matches `says`, after what progress says."""
        done = self.run_cli(*words)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        *_, last = done.stderr.splitlines()
        self.assertRegex(last, "^mali-vm: .*" + says)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(list(self.temp.iterdir()), [])


class Refused(CliCase):
    def test_unknown_model(self) -> None:
        self.assert_refused("run", "probe.query", "--model", "g9000", says="g9000")

    def test_unknown_property(self) -> None:
        self.assert_refused("run", "probe.query", "--device-opt", "wings=2", says="wings")

    def test_property_values(self) -> None:
        for name, value in (("coherent", "maybe"), ("shader-cores", "many"),
                            ("as-count", "4000")):
            with self.subTest(name):
                self.assert_refused("run", "probe.query", "--device-opt", f"{name}={value}",
                                    says=f"{name}|{value}")

    def test_rule(self) -> None:
        self.assert_refused("run", "probe.query", "--inject", "fly -> count",
                            says="there is no event 'fly'")

    def test_property_without_a_value(self) -> None:
        self.assert_refused("run", "probe.query", "--device-opt", "coherent", says="NAME=VALUE")

    def test_unknown_test(self) -> None:
        self.assert_refused("run", "probe.nothing", says="no test or suite probe.nothing")

    def test_kernel_that_is_no_image(self) -> None:
        path = self.folder / "vmlinux"
        path.write_bytes(b"\x7fELF" + bytes(200))
        self.assert_refused("run", "probe.query", "--kernel", str(path),
                            says="not an arm64 Linux Image")

    def test_no_such_kernel(self) -> None:
        self.assert_refused("run", "probe.query", "--kernel", "nowhere",
                            says="no kernel at nowhere")

    def test_no_such_firmware(self) -> None:
        self.assert_refused("run", "probe.query", "--firmware", "nowhere", says="nowhere")

    def test_share_that_is_no_folder(self) -> None:
        self.assert_refused("shell", "--share", "nowhere", says="nowhere: not a folder")

    def test_unknown_figure(self) -> None:
        self.assert_refused("bench", "beauty", says="no figure beauty")

    def test_unknown_words(self) -> None:
        for words in (["fly"], ["run", "--fly"], ["run", "--smp", "none"], ["run", "--memory", "x"],
                      ["run", "--timeout", "0"]):
            with self.subTest(words):
                self.assert_refused(*words, says="--help")


class Firmware(CliCase):
    def test_truncated_file_is_the_drivers_to_complain_about(self) -> None:
        path = self.folder / "firmware.bin"
        path.write_bytes(firmware.free_image()[:30])
        logs = self.folder / "logs"
        done = self.run_cli("run", "probe.query", "--firmware", str(path), "--log", str(logs))
        # The guest came up and went down by itself: QEMU was not lost.
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex((logs / "console.log").read_text(encoding="utf-8"),
                         r"panthor.*(Firmware image is truncated|Firmware too small)")
        self.assertRegex(done.stdout, r"FAIL +boot")


class Interrupted(CliCase):
    def test_ctrl_c_leaves_nothing(self) -> None:
        with subprocess.Popen([MALI_VM, "run", "probe.awake"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=self.env,
                              stdin=subprocess.DEVNULL, process_group=0) as runner:
            assert runner.stdout is not None
            runner.stdout.readline()        # the title: QEMU is the next thing it starts
            while not children(runner.pid):
                self.assertIsNone(runner.poll())
                time.sleep(0.01)
            qemu = os.pidfd_open(children(runner.pid)[0])
            os.killpg(runner.pid, signal.SIGINT)
            _, err = runner.communicate()
        try:
            self.assertTrue(support.ended(qemu))
        finally:
            os.close(qemu)
        self.assertEqual(runner.returncode, cli.INTERRUPTED)
        self.assertRegex(err.splitlines()[-1], "interrupted")
        self.assertNotIn("Traceback", err)
        self.assertEqual(list(self.temp.iterdir()), [])


class Help(unittest.TestCase):
    def test_every_command_has_examples_that_parse(self) -> None:
        parser = cli.parser()
        for command in options.COMMANDS:
            self.assertTrue(command.examples, command.name)
            for line, _ in command.examples:
                with self.subTest(line):
                    words = shlex.split(line)
                    self.assertEqual(words[0], "./mali-vm")
                    self.assertEqual(parser.parse_args(words[1:]).command, command.name)

    def help_of(self, command: str, option: str) -> str:
        return next(one.help for its in options.COMMANDS if its.name == command
                    for one in its.options if one.name == option)

    def test_what_all_leaves_out(self) -> None:
        *names, last = sorted(name for name, suite in guest.suites().items() if suite.apart)
        self.assertIn(f"leaves out {', '.join(names)} and {last})", self.help_of("run", "tests"))

    def test_figures(self) -> None:
        self.assertIn(", ".join(figure.name for figure in bench.FIGURES),
                      self.help_of("bench", "names"))

    def test_sizes(self) -> None:
        for text, size in (("512", 512), ("512M", 512), ("1G", 1024), ("1.5g", 1536), ("0", 0),
                           ("2048K", 2)):
            self.assertEqual(options.megabytes(text), size)
        for text in ("", "M", "-1M", "1K", "x", "1T"):
            self.assertRaises(ValueError, options.megabytes, text)

    def test_swap(self) -> None:
        for text, kind, size in (("64", "zram", 64), ("0", "zram", 0), ("zram", "zram", 256),
                                 ("zram:1G", "zram", 1024), ("disk", "disk", 256),
                                 ("disk:8M", "disk", 8)):
            self.assertEqual(options.swap(text), (kind, size))
        for text in ("", "disk:", "tape", "tape:4M", "disk:x", ":4M"):
            self.assertRaises(ValueError, options.swap, text)

    def test_errors_name_the_help_to_read(self) -> None:
        with self.assertRaises(MaliError) as caught:
            cli.parser().parse_args(["run", "--smp", "x"])
        self.assertTrue(re.search(r"\./mali-vm run --help$", caught.exception.message))


if __name__ == "__main__":
    unittest.main()
