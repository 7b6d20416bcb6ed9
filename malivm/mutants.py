# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm mutants: what of the tests and checkers sees a mistake that was put in on purpose.

For each mutant the tests that its patch names run first, then suites, until one fails. A test that
the patch does not name has to fail twice: one that fails by chance has seen nothing. Then the same
tests run once more on a kernel that looks for its own mistakes, without the device's checker: what
that kernel says is what a developer would have had without this bench. On the kernel without a
mutant all of them have to pass, or nothing would follow from a failure: the tests that patches name
run there first, those of a suite in one boot.

What is known stays known until the patch, the tests, the kernel or the device change.
"""

import argparse
import copy
import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import (apt, driver, guest, kernel, linux, machine, mutant, options, paths, progress,
               results, run, table, trial)
from .errors import MaliError
from .mutant import Mutant

# What runs, a boot each, when a mutant's own tests do not fail
SUITES = ("evict", "reclaim.smoke", "reclaim.directed", "exec", "probe", "soak")
# The kernel that looks for its own mistakes
ALONE = "debug"
OFF = options.CHECKS[0]

CAUGHT, MISSED = 0, 1


@dataclasses.dataclass
class Seen:
    """What came of one mutant, or of the kernel without one."""
    name: str
    test: str = ""                      # the first that failed, "" if none did
    by: list[str] = dataclasses.field(default_factory=list)     # who saw it, each with its words
    seconds: float = 0.0                # of the guest, until then
    ran: list[str] = dataclasses.field(default_factory=list)
    once: list[str] = dataclasses.field(default_factory=list)   # failed, and then passed
    alone: list[str] | None = None      # what the kernel said; None if it was not asked

    @property
    def caught(self) -> bool:
        """Something failed."""
        return bool(self.by)


def look(report: results.Report, names: Sequence[str]) -> tuple[str, list[str], float]:
    """The first test of a run that failed, who saw it fail, and the seconds until then."""
    took = 0.0
    for test in report.tests:
        took += test.seconds
        if test.status != results.FAIL:
            continue
        by = [f"checker: {finding}" for finding in test.findings]
        by += [f"kernel: {complaint}" for complaint in test.complaints]
        own = test.said
        return test.name, by + ([f"test: {own}"] if own or not by else []), took
    if names and not report.driver:
        return results.BOOT, ["kernel: the driver does not come up"], took
    for finding in report.unexpected:
        return (str(finding.get("test", "")),
                [f"checker: {finding['kind']}: {finding['message']}"], took)
    return "", [], took


def said(report: results.Report) -> list[str]:
    """What the kernel said for itself during a run, each thing once."""
    found = [complaint for test in report.tests for complaint in test.complaints]
    found += ["the guest crashed"] if report.crashed and not found else []
    found += ["the driver does not come up"] if not report.driver and not found else []
    return list(dict.fromkeys(found))


class Bench:
    """Runs mutants, and keeps what came of them."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.paper = table.Paper()
        self.source = linux.source(apt.Repo("arm64", kernel.SUITES))
        self.tree = mutant.Tree(self.source)
        self.touched = {name for each in mutant.every() for name in each.files}
        kept = copy.copy(args)
        for name in ("names", "json", "log", "list", "again", "caught_only"):
            delattr(kept, name)
        self._key = trial.key(kept)
        self._check = args.check or options.CHECKS[1]
        self._file = self.tree.home / "answers"
        self._known = _answers(self._file) if not args.again else {}

    def _machine(self, names: Sequence[str], variant: str, check: str,
                 device: Sequence[str], one: Mutant | None) -> machine.Prepared:
        """The machine for a run; with the source of `one` instead of the kernel's own."""
        args = copy.copy(self.args)
        args.check = check
        args.device_opt = [*device, *args.device_opt]
        suites = guest.suites()
        used = [suites[name] for name in dict.fromkeys(name.partition(".")[0] for name in names)]
        spec = f"{trial.BUILT}:{variant}" if variant else args.kernel
        fragments = linux.fragments(args.config)

        def choose(_: argparse.Namespace) -> kernel.Kernel:
            if one is None:
                return kernel.resolve(spec, fragments)
            try:
                if one.whole:
                    return kernel.built(spec.partition(":")[2], dataclasses.replace(
                        linux.given(self.tree.path, one.name), version=self.source.version),
                        fragments)
                return driver.ensure(kernel.resolve(spec, fragments), self.tree.path, one.name)
            except linux.Unfit as exc:
                raise MaliError(f"{mutant.FOLDER.name}/{one.patch.name} does not build: "
                                f"{exc.message}") from exc

        return machine.prepare(args, used, choose)

    def _run(self, prepared: machine.Prepared, names: Sequence[str], what: str) -> results.Report:
        progress.say(f"{what}: {' '.join(names)}")
        log = str(Path(self.args.log) / what.replace(" ", "-")) if self.args.log else None
        # The lines of the tests are in --log; what is shown is a line for each mutant.
        try:
            return run.run_tests(prepared, names, table.Paper(io.StringIO()),
                                 timeout=self.args.timeout, seed=self.args.seed,
                                 cases=self.args.cases, minutes=self.args.minutes, log=log)
        finally:
            self.paper.clear()

    def controls(self, mutants: Sequence[Mutant]) -> None:
        """The tests that these name, without a mutant: a boot for each suite and kind of machine,
        since the driver is not the same after all of them (docs/findings/vm-kept.md)."""
        tests: dict[tuple[str, str, tuple[str, ...], str], list[str]] = {}
        for one in mutants:
            if self._key_of(one) in self._known:
                continue
            kinds = [(one.on, self._check)]
            if not self.args.caught_only:
                kinds.append((ALONE, OFF))
            for kind in kinds:
                for name in one.tests:
                    suite = name.partition(".")[0]
                    tests.setdefault((*kind, one.device, suite), []).append(name)
        for (variant, check, device, _), names in tests.items():
            self.control(list(dict.fromkeys(names)), variant, check, device)

    def control(self, names: Sequence[str], variant: str, check: str,
                device: Sequence[str]) -> None:
        """Without a mutant, nothing fails."""
        spec = variant or self.args.kernel
        keys = {name: paths.digest("control", name, spec, check, list(device), self._key)
                for name in names}
        left = [name for name in names if keys[name] not in self._known]
        if not left:
            return
        prepared = self._machine(left, variant, check, device, None)
        test, by, _ = look(self._run(prepared, left, f"no mutant on {spec} check {check}"), left)
        if by:
            raise MaliError(f"{test} fails without a mutant ({by[0]}): mend that first, nothing "
                            "follows from it otherwise")
        for name in left:
            self._keep(keys[name], Seen("", ran=[name]))

    def _key_of(self, one: Mutant) -> str:
        return paths.digest(one.patch.read_bytes(), self._key, self.args.caught_only)

    def answer(self, one: Mutant) -> Seen:
        """What comes of a mutant."""
        key = self._key_of(one)
        if key in self._known:
            return self._known[key]
        seen = Seen(one.name)
        self._catch(one, seen)
        if not self.args.caught_only:
            self._alone(one, seen)
        self._keep(key, seen)
        return seen

    def _catch(self, one: Mutant, seen: Seen) -> None:
        check = self._check
        for names in (list(one.tests), *([suite] for suite in SUITES)):
            self.control(names, one.on, check, one.device)
            self._try(one, seen, names, check)
            first = seen.test
            if seen.caught and first not in ("", results.BOOT, *one.tests):
                self._try(one, seen, [first], check)
                seen.once += [] if seen.caught else [first]
            if seen.caught:
                return

    def _try(self, one: Mutant, seen: Seen, names: Sequence[str], check: str) -> None:
        """Run `names` on the mutant, and note what came of it."""
        self.tree.put(one, self.touched)
        prepared = self._machine(names, one.on, check, one.device, one)
        report = self._run(prepared, names, one.name)
        seen.test, seen.by, took = look(report, names)
        seen.seconds += report.boot_seconds + took
        seen.ran += [name for name in names if name not in seen.ran]

    def _alone(self, one: Mutant, seen: Seen) -> None:
        names = [name for name in dict.fromkeys([*one.tests, seen.test])
                 if name and name != results.BOOT]
        self.control(names, ALONE, OFF, one.device)
        self.tree.put(one, self.touched)
        prepared = self._machine(names, ALONE, OFF, one.device, one)
        seen.alone = said(self._run(prepared, names, f"{one.name} on {ALONE}"))

    def _keep(self, key: str, seen: Seen) -> None:
        self._known[key] = seen
        with open(self._file, "a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, **dataclasses.asdict(seen)}) + "\n")


def _answers(file: Path) -> dict[str, Seen]:
    """Those that were written; the last one may be cut off."""
    found: dict[str, Seen] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            kept: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        key = kept.pop("key")
        found[key] = Seen(**kept)
    return found


def _list(paper: table.Paper, mutants: Sequence[Mutant]) -> None:
    table.grid(paper, ["mutant", "row", "builds", "breaks"],
               [[one.name, one.row, "kernel" if one.whole else "driver", one.breaks]
                for one in mutants])


def _short(text: str, width: int) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= width else line[:width - 3] + "..."


def _row(paper: table.Paper, one: Mutant, seen: Seen) -> list[str]:
    verdict = paper.paint("caught", "green") if seen.caught else paper.paint("MISSED", "red")
    who = ", ".join(dict.fromkeys(word.partition(":")[0] for word in seen.by))
    alone = "" if seen.alone is None else _short("; ".join(seen.alone), 60) or "silence"
    return [one.name, one.row, verdict, seen.test, who, f"{seen.seconds:.1f}", alone]


def _print(paper: table.Paper, mutants: Sequence[Mutant], answers: Sequence[Seen]) -> None:
    paper.line()
    table.grid(paper, ["mutant", "row", "", "test", "seen by", "s", "the kernel alone"],
               [_row(paper, one, seen) for one, seen in zip(mutants, answers)], right=(5,))
    paper.line()
    for one, seen in zip(mutants, answers):
        for line in [*seen.by, *(f"{test} failed once, and then passed" for test in seen.once)]:
            paper.line(f"  {one.name}: {_short(line, 150)}")
    caught = sum(seen.caught for seen in answers)
    asked = [seen for seen in answers if seen.alone is not None]
    silent = sum(not seen.alone for seen in asked)
    paper.line()
    paper.line(f"{caught} of {len(mutants)} mutants caught"
               + (f"; with {silent} of {len(asked)} the kernel alone says nothing"
                  if asked else ""))


def _json(mutants: Sequence[Mutant], answers: Sequence[Seen]) -> str:
    rows = [{"name": one.name, "row": one.row, "breaks": one.breaks,
             "builds": "kernel" if one.whole else "driver", "caught": seen.caught,
             **{key: value for key, value in dataclasses.asdict(seen).items() if key != "name"}}
            for one, seen in zip(mutants, answers)]
    return json.dumps(rows, indent=2) + "\n"


def _check(args: argparse.Namespace, mutants: Sequence[Mutant]) -> None:
    """Complain about what would only show after a long build."""
    known = guest.list_tests()
    for one in mutants:
        try:
            run.select(known, one.tests)
        except MaliError as exc:
            raise MaliError(f"{mutant.FOLDER.name}/{one.patch.name}: {exc.message}") from exc
    if not trial.whole(args) and any(one.whole or one.on for one in mutants):
        raise MaliError(f"--kernel {args.kernel} is not built here, as some of these mutants want: "
                        "take built[:VARIANT], or name others (--list)")
    if trial.whole(args):
        linux.variant_name(args.kernel.partition(":")[2])


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    mutants = mutant.select(mutant.every(), args.names)
    if args.list:
        _list(table.Paper(), mutants)
        return CAUGHT
    json_path = paths.check_output("--json", args.json) if args.json else None
    _check(args, mutants)
    bench = Bench(args)
    answers: list[Seen] = []
    with paths.lock(bench.tree.home):
        bench.controls(mutants)
        for number, one in enumerate(mutants, 1):
            seen = bench.answer(one)
            answers.append(seen)
            verdict = f"caught by {seen.test or 'the checker'}" if seen.caught else "MISSED"
            progress.say(f"{number} of {len(mutants)}: {one.name} is {verdict} "
                         f"({seen.seconds:.1f} s)")
            if json_path is not None:
                paths.write_whole(json_path, _json(mutants[:number], answers))
    _print(bench.paper, mutants, answers)
    return CAUGHT if all(seen.caught for seen in answers) else MISSED
