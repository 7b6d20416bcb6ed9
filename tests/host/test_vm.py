# SPDX-License-Identifier: GPL-2.0-or-later
"""One virtual machine: its command line, its start and every way in which it ends."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import support
from malivm import vm
from malivm.errors import MaliError


class CommandLine(unittest.TestCase):
    def words(self, **more: object) -> list[str]:
        config = vm.Config(qemu=Path("qemu"), kernel=Path("Image"), initramfs=Path("x"),
                           **more)  # type: ignore[arg-type]
        return vm.command(config, "/initrd", {vm.CONSOLE: 3, vm.TAP: 4, vm.QMP: 5})

    def test_no_device_leaves_no_trace(self) -> None:
        self.assertNotIn("mali", " ".join(self.words()))

    def test_device_options(self) -> None:
        words = self.words(device={"model": "g610", "coherent": "off"})
        self.assertEqual(words[words.index("-device") + 1],
                         "mali-csf,id=gpu,model=g610,coherent=off")

    def test_a_comma_cannot_bring_in_another_option(self) -> None:
        self.assertEqual(vm.device_option({"model": "g610,coherent=off"}),
                         "mali-csf,id=gpu,model=g610,,coherent=off")
        words = self.words(share=Path("/a,readonly=on"))
        self.assertIn("local,id=host,path=/a,,readonly=on,security_model=none", words)

    def test_first_port_is_the_console_and_the_second_is_taps(self) -> None:
        words = self.words()
        serials = [words[i + 1] for i, word in enumerate(words) if word == "-serial"]
        self.assertEqual(serials, ["chardev:console", "chardev:tap"])

    def test_kernel_arguments_can_be_replaced(self) -> None:
        words = self.words(kernel_args={"loglevel": "4"})
        append = words[words.index("-append") + 1].split()
        self.assertIn("loglevel=4", append)
        self.assertNotIn("loglevel=7", append)
        self.assertFalse([word for word in append if "panthor" in word])

    def test_swap_disk(self) -> None:
        self.assertNotIn("swap", " ".join(self.words()))
        config = vm.Config(qemu=Path("qemu"), kernel=Path("Image"), initramfs=Path("x"),
                           swap_disk=8)
        words = vm.command(config, "/initrd", {}, "/disk")
        nodes = [word for word in words if "node-name=" in word]
        self.assertIn("filename=/disk", nodes[0])
        # Each way in which it works is over the same file.
        for node in nodes[1:]:
            self.assertRegex(node, "=swap-file(,|$)")
        self.assertIn("drive=swap-file,serial=mali-vm-swap", " ".join(words))

    def test_device_options_of_the_user(self) -> None:
        self.assertEqual(vm.effective([], "g310"), {"model": "g310", "coherent": "on"})
        self.assertEqual(vm.effective(["coherent=off", "shader-cores=1", "fw-iface=a=b"], "g610"),
                         {"model": "g610", "coherent": "off", "shader-cores": "1",
                          "fw-iface": "a=b"})
        for wrong in ("coherent", "=on", "coherent="):
            with self.assertRaisesRegex(MaliError, "NAME=VALUE"):
                vm.effective([wrong], "g610")


class Refusal(unittest.TestCase):
    def test_qemus_words_without_our_own(self) -> None:
        for stderr, sentence in (
                ("/x/qemu-system-aarch64: -device mali-csf,id=gpu,model=g9: unknown model 'g9'\n"
                 "Models are: g310, g510\n",
                 "the GPU model refused its options: unknown model 'g9'; Models are: g310, g510"),
                ("qemu-system-aarch64: -device mali-csf,id=gpu,a=b: Property 'mali-csf.a' not "
                 "found\n", "the GPU model refused its options: Property 'mali-csf.a' not found"),
                ("qemu-system-aarch64: -m 9999999M: bad size\n",
                 "QEMU would not start: bad size (from -m)"),
                ("warning: x\nqemu-system-aarch64: no memory\n", "QEMU would not start: no memory"),
                ("", "QEMU ended without a word")):
            self.assertEqual(vm.refusal(stderr), sentence)


class Running(support.FakeQemuCase):
    def lines(self, deadline: float | None = None) -> list[tuple[str, str]]:
        with vm.Vm(self.config()) as running:
            return [(event.channel, event.text) for event in running.events(deadline)]

    def test_lines_of_both_ports_and_events(self) -> None:
        self.script([["raw", "console", "one\r\ntw"], ["raw", "tap", "ok"], ["raw", "console", "o"],
                     ["shutdown", "guest-shutdown"], ["exit", 0]])
        lines = self.lines()
        self.assertEqual([text for port, text in lines if port == vm.CONSOLE], ["one", "two"])
        self.assertEqual([text for port, text in lines if port == vm.TAP], ["ok"])
        self.assertEqual([text for port, text in lines if port == vm.QMP], ["RESUME", "SHUTDOWN"])

    def test_what_is_said_while_qemu_is_asked(self) -> None:
        # More than sockets hold: who does not read it gets no answer.
        count = 20000
        self.script([["answers", {"query-status": [{"lines": count}]}], ["wait"]])
        with vm.Vm(self.config()) as running:
            running.qmp.execute("query-status")
            lines = []
            for event in running.events():
                if event.channel == vm.CONSOLE:
                    lines.append(event.text)
                if len(lines) == count:
                    break
        self.assertEqual(lines, [f"line {number:0100}" for number in range(count)])

    def test_what_is_said_while_qemu_is_asked_about_what_was_said(self) -> None:
        # Nothing comes after the last line, which must not wait for it.
        self.script([["answers", {"query-status": [{"lines": 1}]}], ["wait"]])
        with vm.Vm(self.config()) as running:
            running.qmp.execute("query-status")
            lines = 0
            for event in running.events(time.monotonic() + 20):
                if event.channel == vm.CONSOLE:
                    lines += 1
                    if lines == 5:
                        break
                    running.qmp.execute("query-status")

    def test_refusal_is_an_error_with_qemus_words(self) -> None:
        self.script([["refuse", "qemu-system-aarch64: -device mali-csf,id=gpu: no such model"]])
        with self.assertRaises(MaliError) as caught:
            self.lines()
        self.assertEqual(caught.exception.code, 2)
        self.assertEqual(caught.exception.message,
                         "the GPU model refused its options: no such model")

    def test_swap_disk_is_a_file_that_takes_no_room_and_has_no_name(self) -> None:
        self.script([["wait"]])
        before = set(self.folder.iterdir())
        with mock.patch.object(tempfile, "tempdir", str(self.folder)), \
                vm.Vm(self.config(swap_disk=8)) as running:
            name = re.search(r"filename=/proc/self/(fd/\d+)", " ".join(running.command))
            assert name is not None
            status = Path(f"/proc/{running.pid}/{name[1]}").stat()
            self.assertEqual((status.st_size, status.st_blocks, status.st_nlink), (8 << 20, 0, 0))
            self.assertEqual(set(self.folder.iterdir()), before)

    def test_no_qemu(self) -> None:
        with self.assertRaisesRegex(MaliError, "would not start: .*/nowhere: No such file"):
            with vm.Vm(vm.Config(qemu=Path("/nowhere"), kernel=Path("Image"),
                                 initramfs=self.folder / "initramfs")):
                pass

    def test_settings_follow_the_initramfs_at_a_multiple_of_four(self) -> None:
        copy = self.folder / "copy"
        self.script([["initrd", str(copy)], ["exit", 0]])
        with vm.Vm(self.config(settings=b"070701")) as running:
            list(running.events())
        self.assertEqual(copy.read_bytes(), b"12345" + bytes(3) + b"070701")

    def test_deadline(self) -> None:
        self.script([["console", "here"], ["wait"]])
        seen = []
        with vm.Vm(self.config()) as running:
            with self.assertRaises(vm.Timeout):
                for event in running.events(time.monotonic() + 0.5):
                    seen.append(event.text)
            pid = running.pid
        self.assertIn("here", seen)
        self.assertFalse(Path(f"/proc/{pid}").exists())

    def test_nothing_is_left_open(self) -> None:
        self.script([["exit", 0]])
        self.lines()
        before = sorted(os.listdir("/proc/self/fd"))
        self.lines()
        self.script([["refuse", "no"]])
        with self.assertRaises(MaliError):
            self.lines()
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)

    def test_killed_when_an_exception_passes(self) -> None:
        self.script([["wait"]])
        with self.assertRaises(KeyboardInterrupt):
            with vm.Vm(self.config()) as running:
                pid = running.pid
                raise KeyboardInterrupt
        self.assertFalse(Path(f"/proc/{pid}").exists())

    def test_dies_with_a_runner_that_is_killed(self) -> None:
        self.script([["wait"]])
        program = (
            f"import sys; sys.path[:0] = [{str(support.PROJECT)!r}]\n"
            "from pathlib import Path\nfrom malivm import vm\n"
            f"config = vm.Config(qemu=Path({str(support.FAKE_QEMU)!r}), kernel=Path('Image'),"
            f" initramfs=Path({str(self.folder / 'initramfs')!r}))\n"
            "with vm.Vm(config) as running:\n"
            "    print(running.pid, flush=True)\n    list(running.events())\n")
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE,
                              text=True) as runner:
            assert runner.stdout is not None
            pid = int(runner.stdout.readline())
            # Watched by a descriptor: the number may be another process's by then.
            descriptor = os.pidfd_open(pid)
            runner.send_signal(signal.SIGKILL)
        try:
            self.assertTrue(support.ended(descriptor))
        finally:
            os.close(descriptor)


if __name__ == "__main__":
    unittest.main()
