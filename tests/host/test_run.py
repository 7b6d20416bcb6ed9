# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run from command line to exit code, with a QEMU that plays a script."""

import json
import os
import re
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import support
from malivm import cli, coverage, guest, machine, run, vm
from malivm.errors import MaliError
from malivm.kernel import Kernel
from malivm.swap import Swap

TESTS = [("a.one", "the first"), ("a.two", "the second"), ("b.one.x", "another")]
PASSING = [
    support.console(6, "Booting Linux"),
    *support.tap("# mali-vm: boot init=1", "TAP version 14", "1..1"),
    support.marker("begin", "a.one"), support.marker("end", "a.one"),
    *support.tap("ok 1 - a.one", "# mali-vm: done")]
OFF: list[list[Any]] = [["shutdown", "guest-shutdown"], ["exit", 0]]


class RunCase(support.FakeQemuCase):
    """Runs cli.main() with a prepared machine whose QEMU plays a script."""

    device = {"model": "g610"}

    def run_cli(self, *words: str) -> tuple[int, str, str]:
        prepared = machine.Prepared(
            support.FAKE_QEMU, Kernel(Path("Image"), None, "7.3.4", "test"),
            self.folder / "initramfs", self.device, 2, 512, Swap("zram", 256))
        with mock.patch.object(machine, "prepare", return_value=prepared), \
                mock.patch.object(guest, "list_tests", return_value=TESTS), \
                mock.patch("malivm.vm.Vm.device_properties", return_value={"model": "g610"}), \
                mock.patch("signal.signal"), support.captured() as (out, err):
            code = cli.main(["run", *words])
        return code, out.getvalue(), err.getvalue()

    def play(self, steps: list[list[Any]], *words: str) -> tuple[int, str, dict[str, Any]]:
        self.script(steps)
        json_path = self.folder / "out.json"
        code, out, err = self.run_cli(*words, "--json", str(json_path))
        self.assertEqual(err, "")
        return code, out, json.loads(json_path.read_text(encoding="utf-8"))


class ExitCodes(RunCase):
    def test_pass(self) -> None:
        code, out, document = self.play(PASSING + OFF)
        self.assertEqual(code, 0)
        self.assertIn("PASS: 2 passed", out.splitlines()[-1])
        self.assertEqual([(t["name"], t["status"]) for t in document["tests"]],
                         [("boot", "pass"), ("a.one", "pass")])
        self.assertEqual(document["kernel"]["release"], "7.3.4")
        self.assertEqual(document["device"], {"model": "g610"})

    def test_failed_test(self) -> None:
        steps = [[port, line.replace("ok 1", "not ok 1")] for port, line in PASSING]
        code, out, _ = self.play(steps + OFF)
        self.assertEqual(code, 1)
        self.assertRegex(out, r"FAIL +a\.one")

    def test_kernel_error(self) -> None:
        steps = PASSING[:5] + [support.console(3, "panthor: *ERROR* broken")] + PASSING[5:]
        code, out, document = self.play(steps + OFF)
        self.assertEqual(code, 1)
        self.assertIn("broken", out)
        self.assertEqual(document["tests"][1]["reason"], "kernel: panthor: *ERROR* broken")

    def test_panic(self) -> None:
        steps = PASSING[:5] + [support.console(0, "Kernel panic - not syncing: x")]
        code, out, document = self.play([*steps, ["shutdown", "guest-reset"], ["exit", 0]])
        self.assertEqual(code, 3)
        self.assertIn("CRASH", out.splitlines()[-1])
        self.assertEqual(document["tests"][1]["reason"],
                         "the guest's kernel panicked: Kernel panic - not syncing: x")

    def test_qemu_dies(self) -> None:
        code, _, document = self.play([*PASSING[:5], ["exit", 7]])
        self.assertEqual(code, 3)
        self.assertIn("exit code 7", document["tests"][1]["reason"])

    def test_sanitizer_ends_qemu(self) -> None:
        report = "../hw/gpu/mali_csf.c:1:2: runtime error: shift exponent 32 is too large"
        code, out, document = self.play([*PASSING[:5], ["stderr", f"noise\n{report}\n  #0 main"],
                                         ["exit", 1]])
        self.assertEqual(code, 3)
        self.assertIn("  #0 main", out.splitlines())
        self.assertEqual(document["tests"][1]["reason"], f"QEMU made a mistake: {report}")

    def test_sanitizer_after_all_tests_passed(self) -> None:
        leak = "==1==ERROR: LeakSanitizer: detected memory leaks"
        code, out, _ = self.play([*PASSING, OFF[0], ["stderr", leak], ["exit", 23]])
        self.assertEqual(code, 3)
        self.assertIn(leak, out)

    def test_guest_powers_off_too_early(self) -> None:
        code, _, document = self.play(PASSING[:6] + OFF)
        self.assertEqual(code, 3)
        self.assertIn("before it was done", document["findings"][0]["message"])

    def test_hang_in_a_test_is_the_tests_failure(self) -> None:
        code, out, document = self.play([*PASSING[:5], ["wait"]], "--timeout", "5")
        self.assertEqual(code, 1)
        self.assertIn("stopped during a.one", document["tests"][1]["reason"])
        self.assertIn("Booting Linux", out)

    def test_time_counts_from_the_last_test_that_ended(self) -> None:
        events, deadlines = vm.Vm.events, []

        def watched(running: vm.Vm, deadline: Callable[[], float]) -> Iterator[vm.Event]:
            for event in events(running, deadline):
                yield event
                deadlines.append(deadline())

        with mock.patch.object(vm.Vm, "events", watched):
            code, _, document = self.play([
                *support.tap("# mali-vm: boot init=1", "TAP version 14", "1..2"),
                support.marker("begin", "a.one"), support.marker("end", "a.one"),
                *support.tap("ok 1 - a.one"),
                support.marker("begin", "a.two"), support.marker("end", "a.two"),
                *support.tap("ok 2 - a.two", "# mali-vm: done"), *OFF], "--timeout", "60")
        self.assertEqual((code, len(document["tests"])), (0, 3))
        # The start's, and one when the first test begins and when the second does.
        self.assertEqual(len(set(deadlines)), 3)
        self.assertEqual(deadlines, sorted(deadlines))

    def test_hang_after_an_oops_is_not_waited_for(self) -> None:
        steps = [*PASSING[:5], support.console(0, "Internal error: Oops: 96000004 [#1] SMP"),
                 ["wait"]]
        with mock.patch("malivm.follow._AFTER_OOPS", 1):
            code, _, document = self.play(steps, "--timeout", "5")
        test = document["tests"][1]
        self.assertEqual((code, test["name"], test["status"]), (1, "a.one", "fail"))
        self.assertIn("1 s after the kernel's oops", test["reason"])

    def test_hang_while_booting(self) -> None:
        code, _, document = self.play([PASSING[0], ["wait"]], "--timeout", "1")
        self.assertEqual(code, 3)
        self.assertIn("stopped while booting", document["tests"][0]["reason"])

    def test_qemu_refuses(self) -> None:
        self.script([["refuse", "qemu-system-aarch64: -device mali-csf,id=gpu: no model g9"]])
        code, _, err = self.run_cli()
        self.assertEqual((code, err), (2, "mali-vm: the GPU model refused its options: "
                                          "no model g9\n"))


class Findings(RunCase):
    """What the device's checker says, and what becomes of the run."""

    EVENT = ["event", "MALI_CSF_FINDING", {
        "kind": "freed-page", "text": "AS 1, read of VA 0x8000 by group 0 queue 1: the page",
        "qom-path": "/machine/peripheral/gpu", "count": 1, "time-ns": 5, "as": 1, "va": 32768,
        "commands": [], "freed": {"pid": 7, "comm": "kswapd0"}}]
    LINE = "        freed-page: AS 1, read of VA 0x8000 by group 0 queue 1: the page"

    def test_fails_the_test_that_it_came_in(self) -> None:
        code, out, document = self.play([*self.steps[:5], self.EVENT, *self.steps[5:], *OFF])
        self.assertEqual(code, 1)
        self.assertEqual(out.splitlines().count(self.LINE), 1)
        self.assertEqual(out.count("read of VA 0x8000"), 1)
        self.assertEqual([(t["name"], t["status"]) for t in document["tests"]],
                         [("boot", "pass"), ("a.one", "fail")])
        self.assertEqual(document["tests"][1]["reason"],
                         "the device's checker found: freed-page")
        found, = document["findings"]
        self.assertEqual((found["kind"], found["test"], found["va"], found["freed"]["comm"]),
                         ("freed-page", "a.one", 32768, "kswapd0"))
        self.assertEqual(found["message"], self.EVENT[2]["text"])

    def setUp(self) -> None:
        super().setUp()
        self.steps = self.saying("machine_ns: [1, 9]")

    @staticmethod
    def saying(*lines: str) -> list[list[Any]]:
        """The steps of PASSING, with a block for its test."""
        block = ["  ---", *(f"  {line}" for line in lines), "  ..."]
        return [*PASSING[:7], *support.tap(*block), *PASSING[7:]]

    def test_that_a_test_provokes(self) -> None:
        steps = self.saying("machine_ns: [1, 9]", 'findings: ["freed-page"]')
        code, out, document = self.play([*steps[:5], self.EVENT, self.EVENT, *steps[5:], *OFF])
        self.assertEqual(code, 0)
        self.assertNotIn("freed-page", out)
        self.assertIn("2 findings, 2 of them provoked", out.splitlines()[-1])
        self.assertEqual([(f["kind"], f["test"], f["expected"]) for f in document["findings"]],
                         [("freed-page", "a.one", True)] * 2)

    def test_that_a_file_describes(self) -> None:
        for pattern, status, want in (("^freed-page: ", "known", 0), ("^powered-off", "fail", 1)):
            steps = self.saying("machine_ns: [1, 9]",
                                f'known: {{"{pattern}": "docs/findings/x.md"}}')
            code, out, document = self.play([*steps[:5], self.EVENT, *steps[5:], *OFF])
            self.assertEqual((code, document["tests"][1]["status"]), (want, status))
            self.assertEqual("1 of them known" in out.splitlines()[-1], status == "known")
            self.assertEqual(document["findings"][0]["known"] != "", status == "known")

    def test_that_a_test_allows(self) -> None:
        """As with the kernel's messages, it may come or not."""
        for pattern, events, want in (("^freed-page: AS 1", [self.EVENT] * 2, 0),
                                      ("^freed-page: AS 1", [], 0),
                                      ("^freed-page: AS 2", [self.EVENT], 1)):
            steps = self.saying("machine_ns: [1, 9]", f'allow: ["{pattern}"]')
            code, _, document = self.play([*steps[:5], *events, *steps[5:], *OFF])
            self.assertEqual(code, want)
            self.assertEqual([f["expected"] for f in document["findings"]],
                             [not want] * len(events))

    def test_that_a_test_provokes_and_does_not_come(self) -> None:
        steps = self.saying("machine_ns: [1, 9]", 'findings: ["freed-page", "powered-off"]')
        code, _, document = self.play([*steps[:5], self.EVENT, *steps[5:], *OFF])
        self.assertEqual(code, 1)
        self.assertEqual(document["tests"][1]["reason"],
                         "the device's checker did not find: powered-off")

    def test_beside_what_a_test_provokes(self) -> None:
        steps = self.saying("machine_ns: [1, 9]", 'findings: ["powered-off"]')
        code, _, document = self.play([*steps[:5], self.EVENT, *steps[5:], *OFF])
        self.assertEqual(code, 1)
        self.assertEqual(document["tests"][1]["reason"],
                         "the device's checker found: freed-page; "
                         "the device's checker did not find: powered-off")

    def test_belongs_where_its_time_is(self) -> None:
        """The event is at 5 ns, wherever it is read."""
        for span, status in {"[4, 5]": "fail", "[5, 9]": "fail", "[6, 9]": "pass",
                             "[1, 4]": "pass"}.items():
            for place in (3, 6):
                with self.subTest(span=span, place=place):
                    steps = self.saying(f"machine_ns: {span}")
                    code, _, document = self.play([*steps[:place], self.EVENT, *steps[place:],
                                                   *OFF])
                    # One that is of no test fails the run all the same.
                    self.assertEqual(code, 1)
                    self.assertEqual(document["tests"][1]["status"], status)

    def test_before_the_first_test(self) -> None:
        code, out, document = self.play([PASSING[0], ["read"], self.EVENT, ["read"],
                                         *self.saying("machine_ns: [6, 9]")[1:], *OFF])
        self.assertEqual(code, 1)
        self.assertIn("read of VA 0x8000", out)
        self.assertEqual([(t["name"], t["status"]) for t in document["tests"]],
                         [("boot", "pass"), ("a.one", "pass")])
        self.assertEqual(document["findings"][0]["test"], "boot")

    def test_adds_to_what_the_test_says_itself(self) -> None:
        steps = [[port, line.replace("ok 1", "not ok 1")] for port, line in self.steps]
        _, out, document = self.play([*steps[:5], self.EVENT, self.EVENT, *steps[5:], *OFF])
        self.assertTrue(document["tests"][1]["reason"].endswith(
            "the device's checker found: freed-page"))
        self.assertEqual(len(document["findings"]), 2)
        self.assertEqual(out.splitlines().count(self.LINE), 2)

    def test_fatal_ends_the_run_at_once(self) -> None:
        self.device = {"model": "g610", "check": "fatal"}
        code, out, document = self.play([*PASSING[:5], self.EVENT, ["wait"]])
        self.assertEqual(code, 1)
        self.assertEqual(document["tests"][1]["status"], "fail")
        self.assertIn("the first finding of the device's checker ended the run (--check fatal)",
                      document["tests"][1]["reason"])
        self.assertIn(self.LINE, out.splitlines())
        self.assertIn("FAIL", out.splitlines()[-1])

    def test_fatal_between_tests(self) -> None:
        self.device = {"model": "g610", "check": "fatal"}
        steps = self.saying("machine_ns: [1, 4]")
        code, out, document = self.play([*steps[:10], self.EVENT, ["wait"]])
        self.assertEqual(code, 1)
        self.assertEqual([f["kind"] for f in document["findings"]], ["freed-page", "guest"])
        self.assertIn("read of VA 0x8000", out)


class Options(RunCase):
    def test_settings_reach_the_guest(self) -> None:
        copy = self.folder / "copy"
        self.play([["initrd", str(copy)], *PASSING, *OFF], "a.one", "b", "--keep-going",
                  "--seed", "7", "--cases", "9", "--minutes", "3")
        text = copy.read_bytes()
        for line in (b"mode=run\n", b"test=a.one\n", b"test=b\n", b"keep-going=1\n", b"swap=256\n",
                     b"seed=7\n", b"cases=9\n", b"minutes=3\n", b"device.model=g610\n"):
            self.assertIn(line, text)

    def test_coverage(self) -> None:
        self.script(PASSING + OFF)
        with mock.patch.object(coverage, "Session") as session, \
                mock.patch.object(machine.Prepared, "config", autospec=True,
                                  side_effect=machine.Prepared.config) as config:
            session.return_value.share.return_value.__enter__.return_value = self.folder
            code, _, _ = self.run_cli("--coverage", "cov")
        self.assertEqual(code, 0)
        self.assertEqual(session.call_args.args[0], "cov")
        self.assertLessEqual({"coverage=1", "share=1"}, set(config.call_args.args[1]))
        self.assertEqual(config.call_args.kwargs["share"], self.folder)
        self.assertEqual(session.return_value.save.call_args.args[0], self.folder)

    def test_coverage_that_cannot_be_had(self) -> None:
        for steps, expected in ((PASSING + OFF, 2), (PASSING[:6] + OFF, 3)):
            self.script(steps)
            with mock.patch.object(coverage, "Session") as session:
                session.return_value.share.return_value.__enter__.return_value = self.folder
                session.return_value.save.side_effect = MaliError("no counters")
                code, out, err = self.run_cli("--coverage", "cov")
            self.assertEqual(code, expected)
            self.assertIn("no counters", out + err)

    def test_coverage_of_a_kernel_that_does_not_count(self) -> None:
        code, _, err = self.run_cli("--coverage", "cov")
        self.assertEqual(code, 2)
        self.assertIn("the kernel (test) does not count", err)

    def test_log_folder(self) -> None:
        logs = self.folder / "logs"
        self.play(PASSING + OFF, "--log", str(logs))
        self.assertIn("Booting Linux", (logs / "console.log").read_text(encoding="utf-8"))
        self.assertIn("ok 1 - a.one", (logs / "tap.log").read_text(encoding="utf-8"))
        self.assertIn("-M virt", (logs / "command.txt").read_text(encoding="utf-8"))

    def test_verbose(self) -> None:
        self.script(PASSING + OFF)
        self.assertIn("Booting Linux", self.run_cli("--verbose")[1])
        self.assertNotIn("Booting Linux", self.run_cli()[1])

    def test_list(self) -> None:
        code, out, _ = self.run_cli("--list", "a")
        self.assertEqual(code, 0)
        self.assertEqual(out.split("\n"), ["a.one  the first", "a.two  the second", ""])

    def test_json_that_cannot_be_written_is_refused_before_the_run(self) -> None:
        for name in (str(self.folder), str(self.folder / "none" / "x.json")):
            code, out, err = self.run_cli("--json", name)
            self.assertEqual((code, out), (2, ""))
            self.assertIn(name, err)

    def test_select(self) -> None:
        def names(*patterns: str) -> list[str]:
            return [name for name, _ in run.select(TESTS, patterns)]
        self.assertEqual(names("b"), ["b.one.x"])
        self.assertEqual(names("b.one", "a.two"), ["a.two", "b.one.x"])
        for wrong in ("a.on", "c", "a.one.x"):
            with self.assertRaisesRegex(MaliError, "suites: a, b"):
                names(wrong)

    def test_all_is_every_suite_that_is_not_apart(self) -> None:
        for patterns, names in (((), ["a"]), (("all",), ["a"]), (("b.one",), ["b.one"]),
                                (("all", "b"), ["a", "b"])):
            self.assertEqual(run.expand(TESTS, patterns, {"b": guest.Suite(True)}), names)

    def test_smoke_is_what_the_suites_rows_name(self) -> None:
        suites = {"a": guest.Suite(False, smoke=("two",)), "b": guest.Suite(True, smoke=("one",))}
        self.assertEqual(run.expand(TESTS, ["smoke", "a.one"], suites),
                         ["a.two", "b.one", "a.one"])

    def test_the_table_names_tests_that_there_are(self) -> None:
        known = guest.list_tests()
        names = run.expand(known, ["smoke"], guest.suites())
        self.assertTrue(names)
        run.select(known, names)

    def test_a_suite_apart_is_run_only_by_its_name(self) -> None:
        copy = self.folder / "copy"
        with mock.patch.object(guest, "suites", return_value={
                "a": guest.Suite(False), "b": guest.Suite(True)}):
            for words, settings in (((), b"test=a\n"), (("b",), b"test=b\n")):
                self.play([["initrd", str(copy)], *PASSING, *OFF], *words)
                self.assertEqual(re.findall(rb"test=.*\n", copy.read_bytes()), [settings])
            self.assertIn("b.one.x", self.run_cli("--list")[1])
            self.assertNotIn("b.one.x", self.run_cli("--list", "all")[1])

    def test_nothing_left_in_the_temporary_folder(self) -> None:
        temp = self.folder / "temp"
        temp.mkdir()
        with mock.patch.dict(os.environ, {"TMPDIR": str(temp)}), \
                mock.patch("tempfile.tempdir", None):
            self.play(PASSING + OFF)
        self.assertEqual(list(temp.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
