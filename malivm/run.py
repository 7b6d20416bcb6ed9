# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run: boot, run tests, report."""

import argparse
import contextlib
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from . import console, coverage, follow, guest, machine, paths, results, table, vm
from .errors import MaliError

ALL = "all"                             # every suite that is not apart (guest.Suite)


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


def check_json(name: str | None) -> Path | None:
    """Complain about a results file that cannot be written before the run, not after it."""
    if name is None:
        return None
    path = Path(name)
    if path.is_dir() or not path.absolute().parent.is_dir() \
            or not os.access(path.absolute().parent, os.W_OK):
        raise MaliError(f"--json {name}: cannot be written: name a file in a folder that exists")
    return path


def _title(paper: table.Paper, prepared: machine.Prepared) -> None:
    # The rules have a table of their own.
    properties = ", ".join(f"{k}={v}" for k, v in prepared.device.items() if k != "inject")
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
    folder = Path(log) if log else None
    config = prepared.config(
        settings, kernel_args=console.KERNEL_ARGS, share=counters,
        qemu_log=folder.absolute() / "qemu.log" if folder else None)
    paper.live("        booting ...")
    with follow.Logs(folder) as logs, vm.Vm(config) as running:
        logs.command(running.command)
        device = running.device_properties()
        follower = follow.Follower(running, logs, paper, verbose)
        end = follower.follow(timeout)
        total = time.monotonic() - running.started
    collector = follower.collector
    findings = collector.finish(end.lost) + follower.findings()
    return results.Report(
        kernel={"release": prepared.kernel.release, "image": str(prepared.kernel.image),
                "origin": prepared.kernel.origin},
        device=device, tests=collector.tests, findings=findings,
        boot_seconds=collector.boot_seconds, total_seconds=total, crashed=end.crashed,
        rules=follower.rules.given, cpu_seconds=follower.cpu_seconds, driver=collector.driver)


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
