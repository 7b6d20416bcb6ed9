# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run: boot, run tests, report."""

import argparse
import contextlib
import os
import shlex
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TextIO

from . import console, coverage, guest, machine, paths, results, table, vm
from .errors import MaliError

ALL = "all"                             # every suite that is not apart (guest.Suite)

# The device's event, and what it is to do after the first one to end the run.
_FINDING = "MALI_CSF_FINDING"
_FATAL = ("check", "fatal")

# What a guest does when it is asked to switch itself off (QEMU's ShutdownCause).
_ORDERLY = "guest-shutdown"
_LAST_LINES = 5


def matches(name: str, pattern: str) -> bool:
    """`pattern` is `name`, or the first of its parts."""
    return name == pattern or name.startswith(pattern + ".")


def expand(known: Sequence[tuple[str, str]], patterns: Sequence[str],
           apart: Collection[str]) -> list[str]:
    """`patterns`, with the names of suites, but for those `apart`, in place of all."""
    suites = dict.fromkeys(name.partition(".")[0] for name, _ in known)
    everything = [suite for suite in suites if suite not in apart]
    return [name for pattern in patterns or [ALL]
            for name in (everything if pattern == ALL else [pattern])]


def select(known: Sequence[tuple[str, str]], patterns: Sequence[str]) -> list[tuple[str, str]]:
    """The tests that `patterns` name, of the (name, description) in `known`."""
    for pattern in patterns:
        if not any(matches(name, pattern) for name, _ in known):
            suites = ", ".join(dict.fromkeys(name.partition(".")[0] for name, _ in known))
            raise MaliError(f"there is no test or suite {pattern} (suites: {suites}); "
                            "./mali-vm run --list shows all tests")
    return [(name, text) for name, text in known
            if any(matches(name, pattern) for pattern in patterns)]


def _print_list(paper: table.Paper, tests: Sequence[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in tests)
    for name, text in tests:
        paper.line(f"{name:<{width}}  {text}")


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


def check_json(name: str | None) -> Path | None:
    """Complain about a results file that cannot be written before the run, not after it."""
    if name is None:
        return None
    path = Path(name)
    if path.is_dir() or not path.absolute().parent.is_dir() \
            or not os.access(path.absolute().parent, os.W_OK):
        raise MaliError(f"--json {name}: cannot be written: name a file in a folder that exists")
    return path


def _follow(machine_: vm.Vm, collector: results.Collector, deadline: float, logs: Logs,
            paper: table.Paper, verbose: bool) -> str:
    """Take in everything the guest says; returns how it was lost, or "" if it was not."""
    reason, found = "", False
    fatal = _FATAL in (machine_.config.device or {}).items()
    try:
        for event in machine_.events(deadline):
            logs.write(event)
            elapsed = event.time - machine_.started
            if event.channel == vm.CONSOLE:
                if verbose:
                    paper.line(event.text)
                collector.feed_console(event.text, elapsed)
            elif event.channel == vm.TAP:
                collector.feed_tap(event.text, elapsed)
            elif event.text == _FINDING:
                collector.feed_finding(event.data)
                found = True
                if fatal:
                    machine_.kill()
            elif event.text == "SHUTDOWN":
                reason = str(event.data.get("reason", ""))
    except vm.Timeout:
        machine_.kill()
        return "timeout"
    if fatal and found:
        return "finding"
    if collector.console.panic:
        return f"the guest's kernel panicked: {collector.console.panic}"
    report = vm.sanitizer_report(machine_.stderr())
    if report:
        for line in report:
            paper.line(line)
        return f"QEMU made a mistake: {report[0]}"
    if collector.tap.done and reason == _ORDERLY:
        return ""
    status = machine_.wait()
    if status:
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        return f"QEMU ended with {how}: {vm.refusal(machine_.stderr())}"
    if reason == _ORDERLY:
        return "the guest switched itself off before it was done"
    return f"the guest went away before it was done ({reason or 'no reason given'})"


def _describe_timeout(collector: results.Collector, seconds: int) -> str:
    where = collector.console.current
    at = f"during {where}" if collector.console.running else \
        "while booting" if where == console.BOOT else f"after {where}"
    return f"not done after {seconds} s (--timeout): the guest was stopped {at}"


def _title(paper: table.Paper, prepared: machine.Prepared) -> None:
    properties = ", ".join(f"{k}={v}" for k, v in prepared.device.items())
    paper.line(paper.paint(f"Linux {prepared.kernel.release} on mali-csf ({properties}), "
                           f"{prepared.smp} CPUs, {prepared.memory} MiB", "bold"))


def run_tests(prepared: machine.Prepared, tests: Sequence[str], paper: table.Paper, *,
              timeout: int, seed: int = 1, cases: int | None = None, minutes: int | None = None,
              keep_going: bool = False, log: str | None = None, verbose: bool = False,
              counters: Path | None = None) -> results.Report:
    """Boot the guest, have it run `tests`, return what came of it. `counters` is where the guest
    is to leave what of its kernel ran; for the others see the options of ./mali-vm run."""
    settings = ["mode=run", f"keep-going={int(keep_going)}", f"seed={seed}"]
    if cases is not None:
        settings.append(f"cases={cases}")
    if minutes is not None:
        settings.append(f"minutes={minutes}")
        timeout += 60 * minutes
    if counters is not None:
        settings += ["share=1", "coverage=1"]
    settings += [f"test={name}" for name in tests]
    collector = results.Collector(lambda test: table.test_line(paper, test),
                                  lambda name: paper.live(f"        {name} ..."))
    folder = Path(log) if log else None
    config = prepared.config(
        settings, kernel_args=console.KERNEL_ARGS, share=counters,
        qemu_log=folder.absolute() / "qemu.log" if folder else None)
    paper.live("        booting ...")
    with Logs(folder) as logs, vm.Vm(config) as running:
        logs.command(running.command)
        device = running.device_properties()
        lost = _follow(running, collector, running.started + timeout, logs, paper, verbose)
        total = time.monotonic() - running.started
    crashed = bool(lost)
    if lost == "timeout":
        lost = _describe_timeout(collector, timeout)
        crashed = not collector.console.running
    elif lost == "finding":
        lost = "the first finding of the device's checker ended the run (--check fatal)"
        crashed = False
    findings = collector.finish(lost)
    return results.Report(
        kernel={"release": prepared.kernel.release, "image": str(prepared.kernel.image),
                "origin": prepared.kernel.origin},
        device=device, tests=collector.tests, findings=findings,
        boot_seconds=collector.boot_seconds, total_seconds=total, crashed=crashed)


def _save(counted: coverage.Session, share: Path, report: results.Report,
          paper: table.Paper) -> None:
    """Keep the coverage; a guest that failed may have left none, which is not the news then."""
    try:
        counted.save(share, paper)
    except MaliError as exc:
        if report.exit_code == results.EXIT_PASS:
            raise
        paper.line(exc.message)


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    paper = table.Paper()
    known = guest.list_tests()
    suites = guest.suites()
    names = expand(known, args.tests, [suite for suite, its in suites.items() if its.apart])
    chosen = select(known, names)
    if args.list:
        _print_list(paper, chosen if args.tests else known)
        return results.EXIT_PASS
    json_path = check_json(args.json)
    used = {name.partition(".")[0] for name in names}
    prepared = machine.prepare(args, [its for suite, its in suites.items() if suite in used])
    counted = coverage.Session(args.coverage, prepared.kernel) if args.coverage else None
    _title(paper, prepared)
    with counted.share() if counted else contextlib.nullcontext() as share:
        try:
            report = run_tests(prepared, names, paper, timeout=args.timeout, seed=args.seed,
                               cases=args.cases, minutes=args.minutes,
                               keep_going=args.keep_going, log=args.log, verbose=args.verbose,
                               counters=share)
        finally:
            paper.clear()
        if json_path is not None:
            paths.write_whole(json_path, report.dumps())
        table.summary(paper, report)
        if counted and share:
            _save(counted, share, report, paper)
    return report.exit_code
