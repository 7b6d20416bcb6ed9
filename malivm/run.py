# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run: boot, run tests, report."""

import argparse
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import (console, coverage, follow, guest, machine, matrix, oracle, paths, results, table,
               tracing, vm)
from .errors import MaliError
from .report import write_run

ALL = "all"                             # every suite that is not apart (guest.Suite)
SMOKE = "smoke"                         # of each suite, the quick tests that its row names


def matches(name: str, pattern: str) -> bool:
    """`pattern` is `name`, or the first of its parts."""
    return name == pattern or name.startswith(pattern + ".")


def expand(known: Sequence[tuple[str, str]], patterns: Sequence[str],
           suites: Mapping[str, guest.Suite]) -> list[str]:
    """`patterns`, with the names of suites or tests in place of all and smoke."""
    found = dict.fromkeys(name.partition(".")[0] for name, _ in known)
    sets = {ALL: [name for name in found if not (name in suites and suites[name].apart)],
            SMOKE: [f"{name}.{test}" for name, suite in suites.items() for test in suite.smoke]}
    return [name for pattern in patterns or [ALL] for name in sets.get(pattern, [pattern])]


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


def _title(paper: table.Paper, prepared: machine.Prepared) -> None:
    # The rules have a table of their own.
    properties = ", ".join(f"{k}={v}" for k, v in prepared.device.items() if k != "inject")
    paper.line(paper.paint(f"Linux {prepared.kernel.release} on mali-csf ({properties}), "
                           f"{prepared.smp} CPUs, {prepared.memory} MiB", "bold"))


def run_tests(prepared: machine.Prepared, tests: Sequence[str], paper: table.Paper, *,
              timeout: int, seed: int = 1, cases: int | None = None, minutes: int | None = None,
              keep_going: bool = False, log: str | None = None, verbose: bool = False,
              share: Path | None = None, more: Sequence[str] = (), icount: bool = False,
              traced: tracing.Session | None = None,
              debug_info: oracle.Files | None = None) -> results.Report:
    """Boot the guest, have it run `tests`, return what came of it. `share` is where the guest
    is to leave what `more` settings ask for, `debug_info` is what the oracle needs; for the
    others see the options of ./mali-vm run."""
    settings = ["mode=run", f"keep-going={int(keep_going)}", f"seed={seed}"]
    if cases is not None:
        settings.append(f"cases={cases}")
    if minutes is not None:
        settings.append(f"minutes={minutes}")
        timeout += 60 * minutes
    if share is not None:
        settings += ["share=1", *more]
    if icount:
        settings.append("icount=1")
    if debug_info is not None:
        settings.append("oracle=1")
    settings += [f"test={name}" for name in tests]
    folder = Path(log) if log else None
    config = prepared.config(
        settings, kernel_args=console.KERNEL_ARGS, share=share, icount=seed if icount else None,
        trace=traced.device if traced else (), memory_file=debug_info is not None,
        qemu_log=folder.absolute() / "qemu.log" if folder else traced.log if traced else None)
    paper.live("        booting ...")
    with follow.Logs(folder) as logs, vm.Vm(config) as running:
        logs.command(running.command)
        device = running.device_properties()
        with oracle.start(running, debug_info) as asked:
            follower = follow.Follower(running, logs, paper, verbose, asked)
            end = follower.follow(timeout)
        total = time.monotonic() - running.started
    collector = follower.collector
    findings = collector.finish(end.lost) + follower.findings()
    return results.Report(
        kernel={"release": prepared.kernel.release, "image": str(prepared.kernel.image),
                "origin": prepared.kernel.origin},
        device=device, tests=collector.tests, findings=findings,
        boot_seconds=collector.boot_seconds, total_seconds=total, crashed=end.crashed,
        rules=follower.rules.given, cpu_seconds=follower.cpu_seconds, driver=collector.driver,
        eviction=follower.joiner.eviction, notes=collector.tap.notes,
        oracle=asked.summary if asked else None)


def _save(counted: coverage.Session, share: Path, report: results.Report,
          paper: table.Paper) -> None:
    """Keep the coverage; a guest that failed may have left none, which is not the news then."""
    try:
        counted.save(share, paper)
    except MaliError as exc:
        if report.exit_code == results.EXIT_PASS:
            raise
        paper.line(exc.message)


def _one(args: argparse.Namespace, names: Sequence[str], paper: table.Paper,
         show: Callable[[results.Report], None] = lambda report: None,
         traced: tracing.Session | None = None) -> results.Report:
    """Prepare the machine and run the tests on it; `show` tells the user what came of it."""
    used = {name.partition(".")[0] for name in names}
    prepared = machine.prepare(args, [its for suite, its in guest.suites().items()
                                      if suite in used])
    counted = coverage.Session(args.coverage, prepared.kernel) if args.coverage else None
    settings = [*(["coverage=1"] if counted else []), *(traced.settings if traced else [])]
    debug_info = oracle.find(prepared.kernel, paper.line) if args.oracle else None
    _title(paper, prepared)
    sharer = counted or traced
    nothing: contextlib.AbstractContextManager[Path | None] = contextlib.nullcontext()
    with sharer.share() if sharer else nothing as share:
        if traced and share:
            traced.prepare(share)
        try:
            report = run_tests(prepared, names, paper, timeout=args.timeout, seed=args.seed,
                               cases=args.cases, minutes=args.minutes,
                               keep_going=args.keep_going, log=args.log, verbose=args.verbose,
                               share=share, more=settings, icount=args.icount, traced=traced,
                               debug_info=debug_info)
        finally:
            paper.clear()
        joined = traced.join(share, args.log, report) if traced and share else None
        show(report)
        if traced and joined:
            traced.save(joined, report, paper)
        if counted and share:
            _save(counted, share, report, paper)
    return report


def _matrix(args: argparse.Namespace, names: Sequence[str], paper: table.Paper,
            json_path: Path | None, page: Path | None) -> int:
    """The tests on several kernels."""
    for option in ("coverage", "trace"):
        if getattr(args, option):
            raise MaliError(f"--{option} is for one kernel at a time: name one with --kernel")

    def one(args: argparse.Namespace) -> results.Report:
        if args.log:
            args.log = str(Path(args.log) / args.kernel.replace("/", "_"))
        return _one(args, names, paper)

    columns = matrix.run(args, paper, one)
    if json_path is not None:
        paths.write_whole(json_path, matrix.dumps(columns))
    matrix.show(paper, columns)
    if page is not None:
        paper.line(write_run(matrix.dumps(columns), None, page))
    return matrix.exit_code(columns)


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    paper = table.Paper()
    known = guest.list_tests()
    names = expand(known, args.tests, guest.suites())
    chosen = select(known, names)
    if args.list:
        _print_list(paper, chosen if args.tests else known)
        return results.EXIT_PASS
    json_path = paths.check_output("--json", args.json) if args.json else None
    page = paths.check_output("--report", args.report) if args.report else None
    for option in ("coverage", "trace"):
        if args.icount and getattr(args, option):
            raise MaliError(f"--icount does not go with --{option}: what is saved in a folder of "
                            "the host takes the host's time")
    if args.icount and args.oracle:
        raise MaliError("--icount does not go with --oracle, whose answers take the host's time")
    if len(matrix.kernels(args.kernel)) > 1:
        return _matrix(args, names, paper, json_path, page)

    def show(outcome: results.Report) -> None:
        if json_path is not None:
            paths.write_whole(json_path, outcome.dumps())
        table.summary(paper, outcome)

    nothing: contextlib.AbstractContextManager[tracing.Session | None] = contextlib.nullcontext()
    with tracing.Session(args.trace) if args.trace else nothing as traced:
        outcome = _one(args, names, paper, show, traced)
        if page is not None:
            paper.line(write_run(outcome.dumps(), traced.path if traced else None, page))
    return outcome.exit_code
