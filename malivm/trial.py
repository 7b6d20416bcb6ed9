# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done at each commit of a history: build it, boot it, run some tests, and judge.

All that makes the test what it is belongs to it, and is the same at each commit: the tests, the
machine with its faults, its seed, the kernel's options.
"""

import argparse
import dataclasses
import enum
import shlex
import time
from pathlib import Path

from . import (driver, guest, kernel, linux, machine, modules, options, paths, qemu, results, run,
               table)
from .results import BOOT, FAIL, SKIP

BUILT = "built"


class Answer(enum.IntEnum):
    """Of a commit, as `git bisect run` is told it."""
    GOOD = 0
    BAD = 1
    SKIP = 125


WORDS = {Answer.GOOD: "good", Answer.BAD: "bad", Answer.SKIP: "skip"}


@dataclasses.dataclass
class Outcome:
    """What one run came to."""
    answer: Answer
    reason: str = ""                    # a sentence, of what is not good
    boot: float = 0.0                   # seconds
    test: float = 0.0


def whole(args: argparse.Namespace) -> bool:
    """The whole kernel is built, not just the driver for a kernel that is there."""
    kind: str = args.kernel.partition(":")[0]
    return kind == BUILT


def tests(args: argparse.Namespace) -> list[str]:
    """The tests' names, each looked up; BOOT is one of them here."""
    known = guest.list_tests()
    names = [name for name in args.tests if name != BOOT]
    if names:
        names = run.expand(known, names, guest.suites())
        run.select(known, names)
    return [BOOT] * (BOOT in args.tests) + names


def key(args: argparse.Namespace) -> str:
    """Changes with what could make a commit's answer another one."""
    inputs = [paths.stat_key(path) for path in sorted(guest.SOURCES.iterdir()) if path.is_file()]
    files = [path.read_bytes() for path in linux.fragments(args.config)]
    program = qemu.ensure_qemu(qemu.SANITIZED if args.sanitize else qemu.NORMAL)
    return paths.digest(sorted(vars(args).items()), files, inputs, paths.stat_key(program))


def prepare(args: argparse.Namespace, tree: Path) -> machine.Prepared:
    """The machine with the kernel, or the driver, of the source in `tree`; Unfit if that is not
    one to be tested."""
    def choose(_: argparse.Namespace) -> kernel.Kernel:
        fragments = linux.fragments(args.config)
        if whole(args):
            chosen = driver.latest(args.kernel.partition(":")[2],
                                   linux.given(tree, "the commit"), fragments)
        else:
            chosen = driver.ensure(kernel.resolve(args.kernel, fragments), tree, "the commit")
        if not modules.has_driver(chosen.modules):
            raise linux.Unfit("the kernel has no panthor: its options leave it out")
        return chosen

    used = {name.partition(".")[0] for name in tests(args)}
    suites = [its for suite, its in guest.suites().items() if suite in used]
    return machine.prepare(args, suites, choose)


def once(args: argparse.Namespace, prepared: machine.Prepared, paper: table.Paper,
         log: Path | None) -> Outcome:
    """Boot, run the tests, judge."""
    names = tests(args)
    begun = time.monotonic()
    try:
        report = run.run_tests(prepared, [name for name in names if name != BOOT], paper,
                               timeout=args.timeout, seed=args.seed, cases=args.cases,
                               minutes=args.minutes, keep_going=args.keep_going,
                               log=str(log) if log else None)
    finally:
        paper.clear()
    outcome = judge(report, names)
    outcome.boot = report.boot_seconds
    outcome.test = max(0.0, time.monotonic() - begun - report.boot_seconds)
    return outcome


def judge(report: results.Report, names: list[str]) -> Outcome:
    """What a run says of the commit, asked for the tests `names`."""
    boot = next((test for test in report.tests if test.name == BOOT), None)
    ran = [test for test in report.tests if test.name != BOOT]
    asked = [name for name in names if name != BOOT]
    up = bool(ran) if asked else not report.crashed
    if BOOT in names and (boot is None or boot.status == FAIL):
        return Outcome(Answer.BAD, _said("boot", boot.reason if boot else "it did not"))
    if not up:
        return Outcome(Answer.SKIP, _said("it does not boot", boot.reason if boot else ""))
    if asked and not report.driver:
        return Outcome(Answer.SKIP, "the driver does not come up "
                       f"(--test {BOOT} looks for that itself)")
    failed = [test for test in ran if test.status == FAIL]
    if failed:
        return Outcome(Answer.BAD, _said(failed[0].name, failed[0].reason))
    found = [finding for finding in report.unexpected if finding["kind"] != "rule"]
    if found:
        return Outcome(Answer.BAD, f"{found[0]['kind']}: {found[0]['message']}")
    if report.unexpected:
        return Outcome(Answer.SKIP, str(report.unexpected[0]["message"]))
    if ran and all(test.status == SKIP for test in ran):
        return Outcome(Answer.SKIP, _said(f"{ran[0].name} is skipped", ran[0].reason))
    return Outcome(Answer.GOOD)


def _said(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what


def words(args: argparse.Namespace, tree: Path) -> str:
    """The command that runs the test once more, on the source in `tree`."""
    command = next(command for command in options.COMMANDS if command.name == "run")
    line = ["./mali-vm", "run", *(name for name in args.tests if name != BOOT)]
    if args.tests == [BOOT]:
        line.append("probe.query")
    for option in command.options:
        field = option.name.removeprefix("--").replace("-", "_")
        value = getattr(args, field, None)
        usual = option.more.get("default", False if "action" in option.more else None)
        if isinstance(usual, str) and "type" in option.more:
            usual = option.more["type"](usual)
        if not option.name.startswith("--") or value == usual \
                or field in ("kernel", "driver", "json", "log"):
            continue
        if value is True:
            line.append(option.name)
        elif value not in (None, False):
            for one in value if isinstance(value, list) else [value]:
                line += [option.name, str(one)]
    line += ["--kernel", args.kernel]
    if whole(args):
        return f"LINUX_SRC={shlex.quote(str(tree))} {shlex.join(line)}"
    return shlex.join([*line, "--driver", str(tree)])
