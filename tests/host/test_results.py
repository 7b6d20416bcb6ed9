# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts: the guest's word and the kernel's put together, in whatever order they come."""

import itertools
import json
import unittest
from collections.abc import Sequence
from typing import Any

import support
from malivm.results import Collector, Report, Test

ERROR = support.console(3, "panthor 8000000.gpu: [drm] *ERROR* Soft reset timeout")


def report(collector: Collector, findings: list[dict[str, Any]], crashed: bool = False) -> Report:
    return Report({}, {}, collector.tests, findings, collector.boot_seconds, 9.0, crashed)


def play(steps: list[list[str]], lost: str = "") -> tuple[Collector, list[dict[str, Any]]]:
    collector = Collector()
    for number, (port, line) in enumerate(steps):
        feed = collector.feed_console if port == "console" else collector.feed_tap
        feed(line, 1.0 + number)
    return collector, collector.finish(lost)


def verdicts(collector: Collector) -> dict[str, str]:
    return {test.name: test.status for test in collector.tests}


CONSOLE = [support.marker("begin", "a.one"), support.marker("end", "a.one"),
           support.marker("begin", "a.two"), support.marker("end", "a.two")]
TAP = support.tap("# mali-vm: boot init=1", "TAP version 14", "1..2", "ok 1 - a.one",
                  "ok 2 - a.two", "# mali-vm: done")
ALL_PASS = {"boot": "pass", "a.one": "pass", "a.two": "pass"}


def interleavings(a: list[Any], b: list[Any]) -> itertools.chain[list[Any]]:
    """Every order in which the lines of two ports can be read."""
    def merge(places: tuple[int, ...]) -> list[Any]:
        left, right = iter(a), iter(b)
        return [next(left) if i in places else next(right) for i in range(len(a) + len(b))]
    return itertools.chain(map(merge, itertools.combinations(range(len(a) + len(b)), len(a))))


class Order(unittest.TestCase):
    def test_passes_in_every_order(self) -> None:
        for steps in interleavings(CONSOLE, TAP):
            collector, findings = play(steps)
            self.assertEqual((verdicts(collector), findings), (ALL_PASS, []), steps)

    def test_a_kernel_error_fails_its_test_in_every_order(self) -> None:
        for place, name in ((0, "boot"), (1, "a.one"), (2, "a.one"), (3, "a.two"), (4, "a.two")):
            console = CONSOLE[:place] + [ERROR] + CONSOLE[place:]
            for steps in interleavings(console, TAP):
                collector, findings = play(steps)
                self.assertEqual(verdicts(collector), {**ALL_PASS, name: "fail"}, steps)
                self.assertEqual(findings, [])

    def test_each_is_handed_out_once_and_in_order(self) -> None:
        for steps in interleavings(CONSOLE, TAP):
            seen: list[str] = []
            collector = Collector(lambda test, names=seen: names.append(test.name))
            for port, line in steps:
                (collector.feed_console if port == "console" else collector.feed_tap)(line)
            collector.finish()
            self.assertEqual(seen, ["boot", "a.one", "a.two"])

    def test_a_test_is_handed_out_as_soon_as_the_next_begins(self) -> None:
        seen: list[str] = []
        collector = Collector(lambda test: seen.append(test.name))
        for port, line in TAP[:4] + CONSOLE[:3]:
            (collector.feed_console if port == "console" else collector.feed_tap)(line)
        for port, line in TAP[4:5]:
            collector.feed_tap(line)
        self.assertEqual(seen, ["boot", "a.one"])


class Verdict(unittest.TestCase):
    def test_reason_and_log_name_the_kernels_complaint(self) -> None:
        collector, _ = play(TAP[:4] + CONSOLE[:1] + [ERROR] + CONSOLE[1:] + TAP[4:])
        test = collector.tests[1]
        self.assertIn("Soft reset timeout", test.reason)
        self.assertIn("Soft reset timeout", "\n".join(test.log))

    def test_own_reason_comes_first(self) -> None:
        tap = support.tap("TAP version 14", "1..1", "not ok 1 - a.one", "  ---",
                          '  reason: "4 is not 5"', "  ...", "# mali-vm: done")
        collector, _ = play(CONSOLE[:1] + [ERROR] + CONSOLE[1:2] + tap)
        self.assertTrue(collector.tests[1].reason.startswith("4 is not 5; kernel: panthor"))

    def test_allowed_complaint(self) -> None:
        for pattern, status in (("Soft reset", "pass"), ("Hard reset", "fail")):
            tap = support.tap("TAP version 14", "1..1", "ok 1 - a.one", "  ---",
                              f'  allow: ["{pattern}"]', "  ...", "# mali-vm: done")
            collector, _ = play(CONSOLE[:1] + [ERROR] + CONSOLE[1:2] + tap)
            self.assertEqual(verdicts(collector)["a.one"], status)

    def known(self, *, result: str = "ok 1 - a.one", pattern: str = "Soft reset",
              console: Sequence[str] = (ERROR,)) -> tuple[Collector, int]:
        tap = support.tap("TAP version 14", "1..1", result, "  ---",
                          f'  known: {{"{pattern}": "docs/findings/x.md"}}', "  ...",
                          "# mali-vm: done")
        collector, findings = play([*CONSOLE[:1], *console, CONSOLE[1], *tap])
        return collector, report(collector, findings).exit_code

    def test_known_complaint(self) -> None:
        collector, code = self.known()
        test = collector.tests[1]
        self.assertEqual((test.to_json()["status"], code), ("known", 0))
        self.assertIn("docs/findings/x.md", test.reason)
        self.assertIn("Soft reset timeout", "\n".join(test.log))

    def test_what_is_known_and_does_not_come_changes_nothing(self) -> None:
        collector, code = self.known(console=())
        self.assertEqual((verdicts(collector)["a.one"], code), ("pass", 0))

    def test_another_complaint_fails_beside_a_known_one(self) -> None:
        other = support.console(3, "panthor 8000000.gpu: [drm] *ERROR* another")
        for console in ([other], [ERROR, other], [other, ERROR]):
            collector, code = self.known(console=console)
            self.assertEqual((verdicts(collector)["a.one"], code), ("fail", 1))

    def test_a_known_complaint_excuses_nothing_else(self) -> None:
        collector, code = self.known(result="not ok 1 - a.one")
        self.assertEqual((verdicts(collector)["a.one"], code), ("fail", 1))

    def seen(self, *, result: str = "ok 1 - a.one",
             console: Sequence[str] = ()) -> tuple[Collector, int]:
        tap = support.tap("TAP version 14", "1..1", result, "  ---",
                          '  known: {"Soft reset": "docs/findings/x.md"}',
                          '  seen: {"docs/findings/y.md": "no tick came"}', "  ...",
                          "# mali-vm: done")
        collector, findings = play([*CONSOLE[:1], *console, CONSOLE[1], *tap])
        return collector, report(collector, findings).exit_code

    def test_what_was_seen_without_a_complaint_is_known(self) -> None:
        collector, code = self.seen()
        test = collector.tests[1]
        self.assertEqual((test.status, code), ("known", 0))
        self.assertEqual(test.reason, "known: docs/findings/y.md: no tick came")

    def test_seen_beside_a_known_complaint(self) -> None:
        collector, code = self.seen(console=[ERROR])
        test = collector.tests[1]
        self.assertEqual((test.status, code), ("known", 0))
        self.assertIn("docs/findings/x.md", test.reason)
        self.assertIn("docs/findings/y.md", test.reason)

    def test_what_was_seen_excuses_nothing_else(self) -> None:
        other = support.console(3, "panthor 8000000.gpu: [drm] *ERROR* another")
        for collector, code in (self.seen(result="not ok 1 - a.one"),
                                self.seen(console=[other])):
            self.assertEqual((verdicts(collector)["a.one"], code), ("fail", 1))

    def test_not_begun(self) -> None:
        tap = support.tap("TAP version 14", "1..1", "not ok 1 - a.none", "# mali-vm: done")
        collector, findings = play(tap)
        self.assertEqual(verdicts(collector), {"boot": "pass", "a.none": "fail"})
        self.assertEqual(findings, [])

    def test_reported_twice(self) -> None:
        tap = support.tap("TAP version 14", "1..2", "not ok 1 - a.one", "ok 2 - a.one",
                          "# mali-vm: done")
        collector, findings = play(CONSOLE[:2] + tap)
        self.assertEqual(verdicts(collector)["a.one"], "fail")
        self.assertEqual([f["message"] for f in findings], ["a.one was reported twice"])

    def test_begun_and_never_reported(self) -> None:
        tap = support.tap("TAP version 14", "1..1", "ok 1 - a.one", "# mali-vm: done")
        collector, findings = play(CONSOLE + tap)
        self.assertEqual([f["message"] for f in findings], ["a.two began and was never reported"])
        self.assertEqual(report(collector, findings).exit_code, 1)


class Lost(unittest.TestCase):
    def test_during_a_test(self) -> None:
        collector, findings = play(TAP[:4] + CONSOLE[:3], lost="it panicked")
        self.assertEqual(verdicts(collector), {"boot": "pass", "a.one": "pass", "a.two": "fail"})
        self.assertEqual(collector.tests[2].reason, "it panicked")
        self.assertEqual([f["kind"] for f in findings], ["tap"])

    def test_while_booting(self) -> None:
        collector, findings = play([support.console(6, "Booting Linux")], lost="timeout")
        self.assertEqual(verdicts(collector), {"boot": "fail"})
        self.assertIn("Booting Linux", collector.tests[0].log[0])
        self.assertEqual(findings, [])

    def test_between_tests(self) -> None:
        collector, findings = play(TAP[:4] + CONSOLE[:2], lost="it left")
        self.assertEqual(findings[0]["message"], "it left")
        self.assertEqual(verdicts(collector), {"boot": "pass", "a.one": "pass"})

    def test_done_never_said(self) -> None:
        _, findings = play(CONSOLE + TAP[:-1])
        self.assertEqual([f["message"] for f in findings],
                         ["the guest did not say that it was done"])


class Form(unittest.TestCase):
    def test_exit_codes(self) -> None:
        def code(status: str, findings: list[dict[str, Any]], crashed: bool = False) -> int:
            return Report({}, {}, [Test("a", "pass"), Test("b", status)], findings, 0, 0,
                          crashed).exit_code
        self.assertEqual(code("pass", []), 0)
        self.assertEqual(code("skip", []), 0)
        self.assertEqual(code("fail", []), 1)
        self.assertEqual(code("pass", [{"kind": "tap"}]), 1)
        self.assertEqual(code("fail", [], crashed=True), 3)

    def test_json(self) -> None:
        document = json.loads(Report(
            {"release": "7.3"}, {"model": "g610"},
            [Test("a.one", "pass", 1.5, {"pages": 4}, "", ["x"])], [], 3.25, 9.0).dumps())
        self.assertEqual(document, {
            "kernel": {"release": "7.3"}, "device": {"model": "g610"}, "rules": [],
            "findings": [], "tests": [{"name": "a.one", "status": "pass", "seconds": 1.5,
                                       "metrics": {"pages": 4}, "reason": "", "log": ["x"],
                                       "rules": []}],
            "eviction": [], "latency": [], "seconds": {"boot": 3.25, "total": 9.0}})

    def test_passes_that_make_no_sense_fail_their_test(self) -> None:
        collector = Collector(take_passes=lambda name, passes: f"{name} has {len(passes)}")
        for line in TAP[1:3] + [("tap", "ok 1 - a.one"), ("tap", "ok 2 - a.two # SKIP no")]:
            collector.feed_tap(line[1])
        collector.feed_tap("# mali-vm: done")
        collector.finish()
        self.assertEqual({test.name: (test.status, test.reason) for test in collector.tests[1:]},
                         {"a.one": ("fail", "a.one has 0"), "a.two": ("skip", "no")})

    def test_boot_seconds_are_those_of_the_first_sign_of_readiness(self) -> None:
        collector, _ = play([support.console(6, "x")] + TAP[:3] + CONSOLE + TAP[3:])
        self.assertEqual(collector.boot_seconds, 2.0)
        self.assertEqual(collector.tests[0].seconds, 2.0)


if __name__ == "__main__":
    unittest.main()
