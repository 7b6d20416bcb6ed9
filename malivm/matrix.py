# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run with several kernels: the same tests on each, one table.

What a version's driver can do is not known here: the tests find out, and are skipped there with
the reason. A kernel that cannot be had is a sentence, and the others still run.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import results, table
from .errors import MaliError
from .results import BOOT, FAIL, KNOWN, SKIP, Report

_WORST = (results.EXIT_CRASH, results.EXIT_FAIL, results.EXIT_CANNOT)


@dataclass
class Column:
    """What came of one kernel."""
    spec: str                           # as the user named it
    report: Report | None = None
    missing: str = ""                   # a sentence: why there is none
    tests: dict[str, results.Test] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """As if it had been run alone."""
        return self.report.exit_code if self.report else results.EXIT_CANNOT

    def to_json(self) -> dict[str, Any]:
        """Its part of the --json file."""
        if self.report is None:
            return {"kernel": {"asked": self.spec}, "missing": self.missing}
        document = self.report.to_json()
        document["kernel"]["asked"] = self.spec
        return document


def kernels(spec: str) -> list[str]:
    """The kernels that --kernel names, each once."""
    found = [part.strip() for part in spec.split(",")]
    if not all(found):
        raise MaliError(f"--kernel {spec}: there is an empty name between the commas")
    return list(dict.fromkeys(found))


def run(args: argparse.Namespace, paper: table.Paper,
        one: Callable[[argparse.Namespace], Report]) -> list[Column]:
    """Have `one` run the tests on each kernel in turn."""
    columns = []
    for spec in kernels(args.kernel):
        column = Column(spec)
        try:
            column.report = one(argparse.Namespace(**{**vars(args), "kernel": spec}))
            column.tests = {test.name: test for test in column.report.tests}
        except MaliError as exc:
            column.missing = exc.message
            paper.line(f"{spec}: {exc.message}")
        columns.append(column)
    return columns


def exit_code(columns: Sequence[Column]) -> int:
    """The worst of all."""
    codes = {column.code for column in columns}
    return next((code for code in _WORST if code in codes), results.EXIT_PASS)


def dumps(columns: Sequence[Column]) -> str:
    """The text of the --json file."""
    return json.dumps({"kernels": [column.to_json() for column in columns]}, indent=2) + "\n"


def _cell(paper: table.Paper, column: Column, name: str) -> str:
    test = column.tests.get(name)
    if test is None:
        return ""
    return f"{table.verdict(paper, test.status)} {table.seconds(test.seconds)}"


def _why(paper: table.Paper, columns: Sequence[Column]) -> None:
    """Why tests were skipped or failed, each reason once, with the tests that it holds for."""
    for column in columns:
        reasons: dict[tuple[str, str], list[str]] = {}
        for test in column.tests.values():
            if test.status in (SKIP, FAIL, KNOWN):
                reasons.setdefault((test.status, test.reason), []).append(test.name)
        for (status, reason), names in reasons.items():
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            paper.line(f"  {column.spec}: {table.verdict(paper, status)} {names[0]}{more}: "
                       f"{reason or 'it did not say why'}")


def show(paper: table.Paper, columns: Sequence[Column]) -> None:
    """One table of tests by kernel, the reasons below it."""
    names = dict.fromkeys(name for column in columns for name in column.tests if name != BOOT)
    shown = [BOOT, *names]
    heads = [column.report.kernel["release"] if column.report else column.spec
             for column in columns]
    paper.line()
    table.grid(paper, ["", *heads],
               [[name, *(_cell(paper, column, name) for column in columns)] for name in shown])
    paper.line()
    _why(paper, columns)
    for column in columns:
        end = table.verdict_line(paper, column.report) if column.report else \
            f"{paper.paint('NONE', 'red')}: {column.missing}"
        paper.line(f"{column.spec}: {end}")
