# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of the README and its how-tos works: each is run, in a variant that costs little.

A `make` command is run dry. `./mali-vm run` lists the tests that it would run, for which
its options and the tests' names must be right; the runs themselves are CI's other suites.
"""

import os
import re
import shlex
import subprocess
import unittest

import support
from malivm import cli, options, qemu, vm

README = support.PROJECT / "README.md"
PAGES = (README, *(support.PROJECT / "docs" / name for name in ("inject.md", "bisect.md")))


def commands() -> list[list[str]]:
    """The commands of the pages' sh blocks, without their comments, as words."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    blocks = [block for text in texts
              for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]
    lines = [line for block in blocks for line in block.splitlines()]
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


class Readme(unittest.TestCase):
    def run_words(self, words: list[str]) -> str:
        done = subprocess.run(words, cwd=support.PROJECT, capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stderr}")
        return done.stdout

    def test_there_are_commands_of_every_kind(self) -> None:
        kinds = {tuple(words[:2]) for words in commands()}
        self.assertLessEqual({("make", "run"), ("make", "check"), ("make", "bench"),
                              ("./mali-vm", "run"), ("./mali-vm", "shell")}, kinds)

    def test_make(self) -> None:
        for words in commands():
            if words[0] == "make":
                with self.subTest(words):
                    self.assertTrue(self.run_words([*words, "--dry-run"]))

    def test_mali_vm(self) -> None:
        parser = cli.parser()
        for words in commands():
            if words[0] != "./mali-vm":
                continue
            with self.subTest(words):
                args = parser.parse_args(words[1:])
                if args.command == "run":
                    self.assertTrue(self.run_words([*map(os.path.expanduser, words), "--list"]))

    def test_nothing_else(self) -> None:
        for words in commands():
            self.assertIn(words[0], ("make", "./mali-vm"))

    def test_device_properties_are_those_of_the_devices_page(self) -> None:
        page = (support.PROJECT / "docs" / "mali-csf.rst").read_text(encoding="utf-8")
        parser = cli.parser()
        for words in commands():
            if words[0] == "./mali-vm":
                args = parser.parse_args(words[1:])
                for option in getattr(args, "device_opt", []):
                    self.assertIn(f"``{option.partition('=')[0]}``", page)
                self.assertIn(f"``{getattr(args, 'model', options.DEFAULT_MODEL)}``", page)

    def test_rules_are_taken_by_the_device(self) -> None:
        parser = cli.parser()
        parsed = [parser.parse_args(words[1:]) for words in commands()
                  if words[0] == "./mali-vm"]
        rules = [rule for args in parsed for rule in getattr(args, "inject", [])]
        self.assertTrue(rules)
        for rule in rules:
            with self.subTest(rule):
                option = vm.device_option({"inject": rule})
                done = subprocess.run(
                    [qemu.ensure_qemu(), "-M", "virt", "-S", "-nodefaults", "-display", "none",
                     "-monitor", "stdio", "-device", option], input="quit\n",
                    capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_make_target_is_in_the_help(self) -> None:
        text = self.run_words(["make", "help"])
        for words in commands():
            if words[0] == "make":
                self.assertIn(f"make {words[1]} ", text)

    def test_files_it_names_are_there(self) -> None:
        for name in re.findall(r"`((?:docs/|hw/)[\w./-]+|LICENSE)`",
                               README.read_text(encoding="utf-8")):
            self.assertTrue((support.PROJECT / name).exists(), name)


if __name__ == "__main__":
    unittest.main()
