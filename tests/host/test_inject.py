# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules in a run: what becomes of them, of the tests, and of a machine that they stop."""

import json
import os
import time
import unittest
from typing import Any
from unittest import mock

import support
from malivm import qmp, vm
from malivm.errors import MaliError
from test_run import OFF, PASSING, RunCase

RULE = "as-command as=3 -> never"


def listed(*rules: tuple[str, int, str]) -> list[dict[str, Any]]:
    """What the device says of (name, hits, rule)."""
    return [{"name": name, "rule": rule, "hits": hits, "matches": hits,
             "optional": " optional " in rule} for name, hits, rule in rules]


def answers(**replies: list[Any]) -> list[Any]:
    """The step with QMP's answers: the last word of each command, and its replies."""
    return ["answers", {f"x-mali-csf-inject-{name}": value for name, value in replies.items()}]


def stop(**more: Any) -> list[Any]:
    """The device's event for a rule that has stopped the machine."""
    return ["event", "MALI_CSF_INJECTED", {"qom-path": "/machine/peripheral/gpu", "rule": "rule1",
                                           "time-ns": 1500000000, **more}]


class OfTheRun(RunCase):
    """Those of the command line."""

    device = {"model": "g610", "inject": RULE}

    def play_hits(self, *hits: int, rule: str = RULE,
                  steps: list[list[Any]] | None = None) -> tuple[int, str, dict[str, Any]]:
        """A run in which the rule has hit so often whenever it is looked at."""
        replies = [listed(("rule1", number, rule)) for number in hits]
        return self.play([answers(list=replies), *(steps or PASSING + OFF)])

    def test_hits_are_asked_for_when_the_guest_has_ended(self) -> None:
        code, out, document = self.play_hits(0, steps=[
            *PASSING, ["read"], answers(list=[listed(("rule1", 3, RULE))]), *OFF])
        self.assertEqual(code, 0)
        self.assertEqual(document["rules"], [{"rule": RULE, "name": "rule1", "hits": 3,
                                              "optional": False}])
        self.assertRegex(out, rf"(?m)^  rule1 +3  {RULE}$")

    def test_one_that_never_hit_fails_the_run(self) -> None:
        code, out, document = self.play_hits(0)
        self.assertEqual(code, 1)
        self.assertEqual([(f["kind"], f["message"]) for f in document["findings"]],
                         [("rule", f"a rule never hit: rule1: {RULE}")])
        self.assertIn(f"rule: a rule never hit: rule1: {RULE}", out.splitlines())

    def test_unless_it_is_optional(self) -> None:
        code, _, document = self.play_hits(0, rule="as-command optional as=3 -> never")
        self.assertEqual((code, document["findings"]), (0, []))
        self.assertTrue(document["rules"][0]["optional"])

    def test_after_a_panic(self) -> None:
        code, _, document = self.play_hits(0, 5, steps=[
            *PASSING[:5], support.console(0, "Kernel panic - not syncing: x"),
            ["shutdown", "guest-reset"], ["exit", 0]])
        self.assertEqual((code, document["rules"][0]["hits"]), (3, 5))

    def test_when_the_guest_hangs(self) -> None:
        self.script([answers(list=[listed(("rule1", 0, RULE)), listed(("rule1", 2, RULE))]),
                     *PASSING[:5], ["wait"]])
        path = self.folder / "out.json"
        self.run_cli("--timeout", "4", "--json", str(path))
        self.assertEqual(json.loads(path.read_text(encoding="utf-8"))["rules"][0]["hits"], 2)

    def test_when_qemu_is_gone_they_are_as_they_were_seen_last(self) -> None:
        code, _, document = self.play_hits(0, 4, steps=[*PASSING[:7], ["asked", LIST, {}],
                                                        ["read"], *PASSING[7:], ["exit", 7]])
        self.assertEqual(code, 3)
        self.assertEqual(document["rules"][0]["name"], "rule1")

    def test_a_qemu_that_does_not_answer_is_given_up(self) -> None:
        with mock.patch.object(qmp, "ANSWER_SECONDS", 0.3):
            self.script([answers(list=[listed(("rule1", 1, RULE)), None]), *PASSING[:5], ["wait"]])
            start = time.monotonic()
            code, _, _ = self.run_cli("--timeout", "4")
        self.assertEqual(code, 1)
        self.assertLess(time.monotonic() - start, 60)

    def test_a_rule_that_is_refused(self) -> None:
        self.script([["refuse", "qemu-system-aarch64: -device mali-csf,id=gpu,inject=x: "
                      "inject='x': there is no event 'x'"]])
        code, out, err = self.run_cli()
        self.assertEqual((code, err), (2, "mali-vm: the GPU model refused its options: "
                                          "inject='x': there is no event 'x'\n"))


LIST = "x-mali-csf-inject-list"


class Stopped(RunCase):
    """A rule stops the machine."""

    device = {"model": "g610", "inject": RULE}
    seen = answers(list=[listed(("rule1", 1, RULE))])

    def play_stop(self, event: list[Any], *then: list[Any],
                  seen: list[Any] | None = None) -> tuple[int, str, dict[str, Any]]:
        return self.play([seen or self.seen, *PASSING[:5], event, *then])

    def save(self, event: list[Any], *status: Any) -> tuple[int, str, dict[str, Any]]:
        """It is saved, which goes as `status` says, and the run goes on."""
        self.seen = ["answers", {**self.seen[1], "cont": [{}], "query-migrate": list(status),
                                 "query-status": [{"running": True}, {"running": False}]}]
        return self.play_stop(event, ["asked", "cont", {}], *PASSING[5:], *OFF)

    def test_pause_ends_the_run(self) -> None:
        code, out, document = self.play_stop(stop(action="pause"), ["wait"])
        self.assertEqual(code, 1)
        self.assertEqual(document["tests"][1]["status"], "fail")
        self.assertIn("rule rule1 stopped the machine 1.500000 s after its start",
                      document["tests"][1]["reason"])
        self.assertEqual(document["rules"][0]["hits"], 1)

    def test_snapshot_is_saved_and_the_run_goes_on(self) -> None:
        path = self.folder / "snap,offset=1"
        code, out, document = self.save(stop(action="snapshot", file=str(path)),
                                        {"status": "active"}, {"status": "completed"})
        self.assertEqual((code, document["findings"]), (0, []))
        self.assertEqual(path.read_text(encoding="ascii"), "a machine")
        self.assertFalse([name for name in os.listdir(self.folder) if name.endswith(".part")])
        self.assertIn(f"rule rule1: the machine as it was 1.500000 s after its start is in {path}",
                      out.splitlines())

    def test_half_a_snapshot_is_none(self) -> None:
        path = self.folder / "snap"
        path.write_text("an older one", encoding="ascii")
        code, out, document = self.save(
            stop(action="snapshot", file=str(path)),
            {"status": "failed", "error-desc": "No space left on device"})
        self.assertEqual(code, 1)
        self.assertEqual([(f["kind"], f["message"]) for f in document["findings"]], [(
            "snapshot", "rule rule1: the machine was not saved: No space left on device")])
        self.assertEqual(path.read_text(encoding="ascii"), "an older one")
        self.assertFalse([name for name in os.listdir(self.folder) if name.endswith(".part")])

    def test_no_rule_of_the_guests_names_a_file(self) -> None:
        path = self.folder / "snap"
        for more in ({"rule": "other", "file": str(path)}, {"rule": "other"}):
            code, _, document = self.save(stop(action="snapshot", **more), {"status": "completed"})
            self.assertEqual((code, path.exists()), (1, False))
            self.assertIn("only a rule of the command line can name a file",
                          document["findings"][0]["message"])

    def test_a_machine_that_does_not_go_on(self) -> None:
        seen = ["answers", {**self.seen[1], "cont": [{"error": "no"}],
                            "query-migrate": [{"status": "completed"}],
                            "query-status": [{"running": False}]}]
        code, _, document = self.play_stop(
            stop(action="snapshot", file=str(self.folder / "snap")), ["wait"], seen=seen)
        self.assertEqual(code, 1)
        self.assertIn("does not go on", document["tests"][1]["reason"])


class OfATest(RunCase):
    """Those that a test adds."""

    TEXT = "reset -> never"

    def play_rule(self, hits: int, *then: list[Any],
                  text: str = TEXT) -> tuple[int, str, dict[str, Any]]:
        """A test that adds a rule, which hits so often, and what comes `then`."""
        steps = [
            answers(add=[{"name": "r"}], list=[listed(("r", 0, text)), listed(("r", hits, text))],
                    remove=[{}]),
            *PASSING[:5], ["tap", f"# mali-vm: ask 1.2 inject-add {text} ."],
            ["hear", "1.2 ok r"], *(then or PASSING[5:]), *OFF]
        return self.play(steps)

    def test_it_is_removed_by_the_time_the_harness_says(self) -> None:
        code, _, document = self.play_rule(
            2, ["tap", ""], ["tap", "# mali-vm: ask 1.3 test-end a.one ."],
            ["asked", "x-mali-csf-inject-remove", {"name": "r"}], ["hear", "1.3 ok"],
            *PASSING[5:])
        self.assertEqual(code, 0)
        self.assertEqual(document["tests"][1]["rules"], [
            {"rule": self.TEXT, "name": "r", "hits": 2, "optional": False}])
        self.assertEqual(document["rules"], [])

    def test_it_is_removed_if_the_harness_says_nothing(self) -> None:
        code, _, document = self.play_rule(
            1, *PASSING[5:-1], ["tap", "Bail out! a was killed by SIGKILL"],
            ["asked", "x-mali-csf-inject-remove", {"name": "r"}], PASSING[-1])
        self.assertEqual(document["tests"][1]["rules"][0]["hits"], 1)

    def test_one_that_never_hit_fails_the_test(self) -> None:
        code, out, document = self.play_rule(0)
        self.assertEqual(code, 1)
        self.assertEqual(document["tests"][1]["reason"], f"a rule never hit: r: {self.TEXT}")
        code, _, _ = self.play_rule(0, text="reset optional name=r -> never")
        self.assertEqual(code, 0)

    def test_a_failure_of_the_tests_own_comes_first(self) -> None:
        steps = [[port, line.replace("ok 1 - a.one", "not ok 1 - a.one")]
                 for port, line in PASSING[5:]]
        _, _, document = self.play_rule(0, *steps)
        self.assertEqual((document["tests"][1]["status"], document["tests"][1]["reason"]),
                         ("fail", ""))

    def test_a_hang_tells_of_the_rules(self) -> None:
        self.script([
            answers(add=[{"name": "r"}], list=[listed(("r", 1, self.TEXT))], remove=[{}]),
            *PASSING[:5], ["tap", f"# mali-vm: ask 1.2 inject-add {self.TEXT} ."], ["wait"]])
        path = self.folder / "out.json"
        self.run_cli("--timeout", "4", "--json", str(path))
        test = json.loads(path.read_text(encoding="utf-8"))["tests"][1]
        self.assertEqual((test["status"], test["rules"][0]["hits"]), ("fail", 1))


class Silent(support.FakeQemuCase):
    def test_no_answer_is_the_last_question(self) -> None:
        self.script([["answers", {"query-status": [None, {}]}], ["wait"]])
        with vm.Vm(self.config()) as running, mock.patch.object(qmp, "ANSWER_SECONDS", 0.2):
            with self.assertRaisesRegex(MaliError, "did not answer query-status within 0.2 s"):
                running.qmp.execute("query-status")
            # Its answer would be taken for that of the next.
            with self.assertRaises(qmp.QmpClosed):
                running.qmp.execute("query-status")

    def test_a_guest_that_does_not_read_does_not_hold_up_the_host(self) -> None:
        self.script([["wait"]])
        with vm.Vm(self.config()) as running:
            for _ in range(1000):
                running.tell("x" * 4000)


if __name__ == "__main__":
    unittest.main()
