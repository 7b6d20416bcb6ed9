# SPDX-License-Identifier: GPL-2.0-or-later
"""A run while it goes on: what the guest says is kept, its questions are answered."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from . import answers, console, eviction, injected, oracle, results, rules, table, vm

# The device's event, and what it is to do after the first one to end the run.
_FINDING = "MALI_CSF_FINDING"
_FATAL = ("check", "fatal")

# Seconds that are left after an oops: who waits for a lock of the task that it killed waits for
# ever.
_AFTER_OOPS = 60

# What a guest does when it is asked to switch itself off (QEMU's ShutdownCause).
_ORDERLY = "guest-shutdown"


class Logs:
    """The files of --log: written as the run goes, so that a hang leaves them, too."""

    def __init__(self, folder: Path | None):
        self._files: dict[str, TextIO] = {}
        self.folder = folder

    def __enter__(self) -> "Logs":
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in (vm.CONSOLE, vm.TAP):
                self._files[name] = open(self.folder / f"{name}.log", "w", encoding="utf-8",
                                         buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def write(self, event: vm.Event) -> None:
        """Keep a line of a port that has a file."""
        if event.channel in self._files:
            self._files[event.channel].write(event.text + "\n")

    def command(self, words: Sequence[str]) -> None:
        """Keep QEMU's command line."""
        if self.folder is not None:
            (self.folder / "command.txt").write_text(shlex.join(words) + "\n", encoding="utf-8")


class End(NamedTuple):
    """How the guest was lost, or "" if it was not; and whether it counts as a crash."""
    lost: str = ""
    crashed: bool = False


class Follower:
    """Takes in everything that one machine says, from its start to its end."""

    def __init__(self, running: vm.Vm, logs: Logs, paper: table.Paper, verbose: bool,
                 asked: oracle.Oracle | None = None):
        device = running.config.device or {}
        self.rules = rules.Rules(running.qmp)
        if device.get("inject"):
            self.rules.start()
        self.joiner = eviction.Joiner(eviction.Periods(running.qmp))
        self._progress = running.started
        self._oops: float | None = None     # when there was one in what goes on
        self.collector = results.Collector(
            self._take_test,
            lambda name: paper.live(f"        {name} ..."), self.rules.take_test,
            self.joiner.take)
        self._vm, self._logs, self._paper, self._verbose = running, logs, paper, verbose
        self._answerer = answers.Answerer(self.rules, running.qmp, asked)
        self._stops = injected.Stops(running.qmp, self.rules, paper.line)
        self._fatal = _FATAL in device.items()
        self.cpu_seconds = 0.0          # QEMU's, when the guest has ended
        self._reason = ""               # and why it did
        self._end: End | None = None    # of a machine that we have ended

    def follow(self, timeout: int) -> End:
        """Take in everything until the end, which is at the latest `timeout` seconds after the
        start, or after the last test that has ended; sooner if the kernel oopses."""
        try:
            for event in self._vm.events(lambda: self._deadline(timeout)):
                self._logs.write(event)
                if event.channel == vm.QMP:
                    self._take_event(event)
                else:
                    self._take_line(event)
        except vm.Timeout:
            self._stop(End(self._describe_timeout(timeout), not self.collector.console.running))
        return self._end or self._how_it_ended()

    def _deadline(self, timeout: int) -> float:
        latest = self._progress + timeout
        return latest if self._oops is None else min(latest, self._oops + _AFTER_OOPS)

    def findings(self) -> list[dict[str, Any]]:
        """What came of the command line's rules and should not have."""
        return [{"kind": "snapshot", "message": text} for text in self._stops.failed] + \
            [{"kind": "rule", "message": text} for text in rules.idle(self.rules.given)]

    def _take_test(self, test: results.Test) -> None:
        self._progress = time.monotonic()
        table.test_line(self._paper, test)

    def _take_line(self, event: vm.Event) -> None:
        elapsed = event.time - self._vm.started
        if event.channel == vm.CONSOLE:
            if self._verbose:
                self._paper.line(event.text)
            self.collector.feed_console(event.text, elapsed)
            if not self.collector.console.oops:
                self._oops = None
            elif self._oops is None:
                self._oops = event.time
        elif answers.is_question(event.text):
            answer = self._answerer.answer(event.text)
            if answer:
                self._vm.tell(answer)
        else:
            self.collector.feed_tap(event.text, elapsed)

    def _take_event(self, event: vm.Event) -> None:
        if event.text == _FINDING:
            self.collector.feed_finding(event.data)
            if self._fatal:
                self._stop(End("the first finding of the device's checker ended the run "
                               "(--check fatal)"))
        elif event.text == injected.EVENT:
            lost = self._stops.handle(event.data)
            if lost:
                self._stop(End(lost))
        elif event.text == vm.SHUTDOWN:
            self._reason = str(event.data.get("reason", ""))
            self.cpu_seconds = self._vm.cpu_seconds()
            self.rules.refresh()

    def _stop(self, end: End) -> None:
        """End the machine, which has rules to be asked for until then."""
        self._end = self._end or end
        self.rules.refresh()
        self._vm.kill()

    def _describe_timeout(self, seconds: int) -> str:
        where = self.collector.console.current
        at = f"during {where}" if self.collector.console.running else \
            "while booting" if where == console.BOOT else f"after {where}"
        if self._oops is not None:
            return f"nothing came of it for {_AFTER_OOPS} s after the kernel's oops: the guest " \
                f"was stopped {at}"
        return f"no test has ended for {seconds} s (--timeout): the guest was stopped {at}"

    def _how_it_ended(self) -> End:
        """How a machine ended that we have not ended."""
        if self.collector.console.panic:
            return End(f"the guest's kernel panicked: {self.collector.console.panic}", True)
        report = vm.sanitizer_report(self._vm.stderr())
        if report:
            for line in report:
                self._paper.line(line)
            return End(f"QEMU made a mistake: {report[0]}", True)
        if self.collector.tap.done and self._reason == _ORDERLY:
            return End()
        status = self._vm.wait()
        if status:
            how = f"signal {-status}" if status < 0 else f"exit code {status}"
            return End(f"QEMU ended with {how}: {vm.refusal(self._vm.stderr())}", True)
        if self._reason == _ORDERLY:
            return End("the guest switched itself off before it was done", True)
        return End("the guest went away before it was done "
                   f"({self._reason or 'no reason given'})", True)
