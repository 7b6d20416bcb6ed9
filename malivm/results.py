# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run came to: the guest's report and the kernel's console put together.

A test's verdict needs both: what it says itself on the TAP port, and that the kernel
had nothing to complain about from its begin marker until the next test's. So a test is
complete when its TAP report is there and the console has moved on (or has ended).
What the device's checker finds has its time on it, which says to which test it belongs; the
one that did not live to tell its own time gets what no other does. What is left fails the run.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .console import BOOT, Complaint, Console
from .eviction import Eviction, Pass
from .oracle import Summary
from .rules import Rule, idle
from .tap import INIT, TapReader, TapTest

# KNOWN: it passed, but for a bug of the kernel's that a file of docs/findings describes.
PASS, FAIL, SKIP, KNOWN = "pass", "fail", "skip", "known"

# init writes this line on the TAP port when drivers are loaded and tests may start.
BOOT_NOTE = INIT + "boot "

EXIT_PASS, EXIT_FAIL, EXIT_CANNOT, EXIT_CRASH = 0, 1, 2, 3


@dataclass
class Test:
    """One test's verdict."""
    name: str
    status: str                         # pass, fail, skip or known
    seconds: float = 0.0
    metrics: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    log: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)   # of the device's checker, a line each
    rules: list[Rule] = field(default_factory=list)     # that it has added
    said: str = ""                      # its own reason, without anybody else's
    complaints: list[str] = field(default_factory=list)     # of the kernel, a line each

    def to_json(self) -> dict[str, Any]:
        """The form of --json."""
        return {"name": self.name, "status": self.status, "seconds": round(self.seconds, 6),
                "metrics": self.metrics, "reason": self.reason, "log": self.log,
                "rules": [rule.to_json() for rule in self.rules]}


@dataclass
class Report:
    """A whole run."""
    kernel: Mapping[str, Any]
    device: Mapping[str, Any]
    tests: list[Test]
    # What the device's checker found, with the name of its "test"; and what is wrong with the
    # run and with no single test.
    findings: list[dict[str, Any]]
    boot_seconds: float
    total_seconds: float
    crashed: bool = False
    rules: list[Rule] = field(default_factory=list)     # of the command line
    cpu_seconds: float = 0.0            # QEMU's, of a guest that came to its end
    driver: bool = True                 # it had a GPU when the tests began
    eviction: Eviction = field(default_factory=Eviction)
    notes: list[str] = field(default_factory=list)      # of the guest's init
    # With --trace: how much of the GPU's memory was in which state, by time (tracing.py)
    memory: list[dict[str, Any]] | None = None
    oracle: Summary | None = None       # of a run with --oracle

    @property
    def exit_code(self) -> int:
        """0 pass, 1 a test failed, 3 the guest crashed."""
        if self.crashed:
            return EXIT_CRASH
        failed = any(test.status == FAIL for test in self.tests)
        return EXIT_FAIL if failed or self.unexpected else EXIT_PASS

    @property
    def unexpected(self) -> list[dict[str, Any]]:
        """The findings but for those that a test has provoked, or that a file describes."""
        return [finding for finding in self.findings
                if not finding.get("expected") and not finding.get("known")]

    def to_json(self) -> dict[str, Any]:
        """The form of --json."""
        return {
            "kernel": dict(self.kernel),
            "device": dict(self.device),
            "rules": [rule.to_json() for rule in self.rules],
            "findings": self.findings,
            "tests": [test.to_json() for test in self.tests],
            **self.eviction.to_json(),
            **({} if self.memory is None else {"memory": self.memory}),
            **({"oracle": self.oracle.to_json()} if self.oracle else {}),
            "seconds": {"boot": round(self.boot_seconds, 3),
                        "total": round(self.total_seconds, 3)},
        }

    def dumps(self) -> str:
        """The text of the --json file."""
        return json.dumps(self.to_json(), indent=2) + "\n"


class Collector:
    """Takes the lines of both ports as they come, hands out each test when it is complete.

    The two ports are read independently of each other, so a test's report may come
    before or after the marker of the next test.
    """

    def __init__(self, on_test: Callable[[Test], None] = lambda test: None,
                 on_begin: Callable[[str], None] = lambda name: None,
                 take_rules: Callable[[], list[Rule]] = list,
                 take_passes: Callable[[str, list[Pass]], str] = lambda name, passes: ""):
        self.console = Console()
        self.tap = TapReader()
        self.tests: list[Test] = []
        self.boot_seconds = 0.0             # from the start until tests could run
        self._on_test, self._on_begin = on_test, on_begin
        self._take_rules = take_rules       # those of the test that is reported
        self._take_passes = take_passes     # of eviction; says what is wrong with them
        self._rules: dict[str, list[Rule]] = {}
        self._reported: dict[str, TapTest] = {}
        self._begun: list[str] = []         # and not settled
        self._found: list[dict[str, Any]] = []
        self._boot_settled = False
        self._ended = False

    def feed_console(self, line: str, elapsed: float = 0.0) -> None:
        """One line of the kernel's console, `elapsed` seconds after the start."""
        mark = self.console.feed(line)
        if mark is not None and mark[0] == "begin":
            self._booted(elapsed)
            self._begun.append(mark[1])
            self._settle_complete()
            self._on_begin(mark[1])

    def feed_tap(self, line: str, elapsed: float = 0.0) -> None:
        """One line of the TAP port, `elapsed` seconds after the start."""
        if line.startswith(BOOT_NOTE):
            self._booted(elapsed)
        for test in self.tap.feed(line):
            self._take(test)

    def feed_finding(self, data: Mapping[str, Any]) -> None:
        """The device's event MALI_CSF_FINDING, see qapi/mali-csf.json."""
        found = {key: value for key, value in data.items() if key != "text"}
        self._found.append({"kind": data["kind"], "message": data["text"],
                            "test": self.console.current, **found})

    def finish(self, lost: str = "") -> list[dict[str, Any]]:
        """Both ports are closed. `lost` says how the guest went away before its end.

        Returns the findings: what makes the run fail without being one test's fault.
        """
        self._ended = True
        for tap_test in self.tap.finish():
            self._take(tap_test)
        findings: list[dict[str, Any]] = []
        current = self.console.current
        # After a panic its report is there, better than the last lines.
        last = [] if self.console.panic else list(self.console.last)
        if lost and not self._boot_settled:
            self._settle(TapTest(BOOT, ok=False, reason=lost, log=last))
        elif lost and self.console.running and current not in self._reported:
            self._take(TapTest(current, ok=False, reason=lost, log=last))
        elif lost:
            findings.append({"kind": "guest", "message": lost, "log": last})
        self._booted(0.0)
        self._settle_complete()
        findings += [{"kind": "tap", "message": text} for text in self.tap.errors]
        findings += [{"kind": "tap", "message": f"{name} began and was never reported"}
                     for name in self._begun]
        if not self.tap.done and not lost:
            findings.append({"kind": "tap", "message": "the guest did not say that it was done"})
        return self._found + findings

    @property
    def driver(self) -> bool:
        """The driver has brought a GPU up before the tests: there was its node."""
        return any(" render=" in note for note in self.tap.notes if note.startswith("boot "))

    def _booted(self, elapsed: float) -> None:
        self.boot_seconds = self.boot_seconds or elapsed
        if self.console.current != BOOT or self._ended:
            if not self._boot_settled:
                self._settle(TapTest(BOOT, ok=True, seconds=self.boot_seconds))

    def _take(self, test: TapTest) -> None:
        if test.name in self._reported:
            self.tap.errors.append(f"{test.name} was reported twice")
            return
        self._reported[test.name] = test
        self._rules[test.name] = self._take_rules()
        wrong = self._take_passes(test.name, test.passes)
        if wrong and test.ok and not test.skipped:
            test.ok, test.reason = False, wrong
        self._settle_complete()

    def _settle_complete(self) -> None:
        """Settle the tests that TAP has reported and the console has moved past."""
        for name in list(self._begun):
            moved_on = self._ended or name != self.console.current
            if name in self._reported and moved_on:
                self._begun.remove(name)
                self._settle(self._reported[name])
        if self._ended:
            # What never began: a name the suite does not know, tests left out after a crash.
            settled = {test.name for test in self.tests} | set(self._begun)
            for name, test in self._reported.items():
                if name not in settled:
                    self._settle(test)

    def _complaints(self, said: TapTest) -> list[Complaint]:
        return [complaint for complaint in self.console.complaints
                if complaint.test == said.name and not complaint.allowed(said.allow)]

    def _found_in(self, said: TapTest) -> list[dict[str, Any]]:
        if not said.machine_ns:
            return [finding for finding in self._found
                    if self._ended and "expected" not in finding]
        begin, end = said.machine_ns
        return [finding for finding in self._found if begin <= finding["time-ns"] <= end]

    def _judge_findings(self, said: TapTest, test: Test) -> None:
        """What the device's checker found has to be what the test says, in any number, or be
        known."""
        found = self._found_in(said)
        for finding in found:
            finding["test"] = said.name
            line = f"{finding['kind']}: {finding['message']}"
            finding["expected"] = finding["kind"] in said.findings or \
                any(re.search(regex, line) for regex in said.allow)
            if not finding["expected"]:
                finding["known"] = next((file for regex, file in said.known.items()
                                         if re.search(regex, line)), "")
        kinds = {finding["kind"] for finding in found}
        more = ", ".join(dict.fromkeys(finding["kind"] for finding in found
                                       if not finding["expected"] and not finding["known"]))
        less = ", ".join(kind for kind in said.findings if kind not in kinds)
        reasons = [f"the device's checker found: {more}"] if more else []
        # A test that did not come to its end did not come to its mistake, either.
        if less and test.status in (PASS, KNOWN):
            reasons.append(f"the device's checker did not find: {less}")
        if reasons:
            test.status = FAIL
            test.reason = "; ".join([test.reason] * bool(test.reason) + reasons)
        elif test.status == PASS and (known := [each for each in found if each.get("known")]):
            test.status = KNOWN
            test.reason = f"known: {known[0]['known']}: {known[0]['kind']}"
        test.findings = [f"{finding['kind']}: {finding['message']}" for finding in found
                         if not finding["expected"]]

    def _judge_rules(self, test: Test) -> None:
        """What a test has made the hardware do has to have happened to it."""
        test.rules = self._rules.get(test.name, [])
        reasons = idle(test.rules)
        if reasons and test.status in (PASS, KNOWN):
            test.status = FAIL
            test.reason = "; ".join([test.reason] * bool(test.reason) + reasons)

    @staticmethod
    def _known(said: TapTest, complaints: list[Complaint]) -> str:
        """The files that describe all of `complaints`, or "" if one is in none of them."""
        files: list[str] = []
        for complaint in complaints:
            match = [file for regex, file in said.known.items() if complaint.allowed([regex])]
            if not match:
                return ""
            files += match
        return ", ".join(dict.fromkeys(files))

    def _settle(self, said: TapTest) -> None:
        """Put the two halves of a test's verdict together."""
        self._boot_settled |= said.name == BOOT
        test = Test(said.name, SKIP if said.skipped else PASS if said.ok else FAIL,
                    said.seconds, said.metrics, said.reason, list(said.log))
        test.said = "" if said.ok or said.skipped else said.reason or "it failed"
        complaints = self._complaints(said)
        test.complaints = [f"{each.kind}: {each.headline}" for each in complaints]
        if test.status == PASS and said.seen:
            test.status = KNOWN
            test.reason = "; ".join(f"known: {file}: {how}" for file, how in said.seen.items())
        if complaints:
            headline = complaints[0].headline
            known = self._known(said, complaints) if test.status in (PASS, KNOWN) else ""
            remark = f"known: {known}: {headline}" if known else f"kernel: {headline}"
            if headline not in test.reason:
                test.reason = "; ".join([test.reason] * bool(test.reason) + [remark])
            test.status = KNOWN if known else FAIL
            test.log += [line for complaint in complaints for line in complaint.lines]
        self._judge_findings(said, test)
        self._judge_rules(test)
        self.tests.append(test)
        self._on_test(test)
