# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person sees of a run: a line per test as it ends, a table at the end."""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TextIO

from .eviction import Row
from .results import FAIL, KNOWN, PASS, SKIP, Report, Test

_COLOURS = {"green": "32", "red": "1;31", "yellow": "33", "dim": "2", "bold": "1"}
_VERDICT_COLOUR = {PASS: "green", FAIL: "red", SKIP: "yellow", KNOWN: "yellow"}
_VERDICT_WORD = {PASS: "pass", FAIL: "FAIL", SKIP: "skip", KNOWN: "KNOWN"}
_MARKS = {PASS: ("\N{CHECK MARK}", "+"), FAIL: ("\N{BALLOT X}", "X"), SKIP: ("-", "-"),
          KNOWN: ("!", "!")}

_NAME_WIDTH = 52
_LOG_LINES = 16
CAPTION = "Pages evicted, by the buffer's state and by what made the driver evict them:"
_ESCAPE = re.compile(r"\033\[[0-9;]*m")


class Paper:
    """Where output goes: its width, and whether colours, rewriting and Unicode are fine."""

    def __init__(self, out: TextIO | None = None):
        self.out = out if out is not None else sys.stdout
        self.tty = self.out.isatty()
        self.width = shutil.get_terminal_size((80, 24)).columns if self.tty else _columns()
        self.colour = self.tty and "NO_COLOR" not in os.environ
        self.unicode = "utf" in (getattr(self.out, "encoding", None) or "").lower()
        self._live = False

    def paint(self, text: str, colour: str) -> str:
        """`text` in a colour, where there are any."""
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self.colour else text

    def mark(self, status: str) -> str:
        """One character for a verdict."""
        return self.paint(_MARKS[status][not self.unicode], _VERDICT_COLOUR[status])

    def rule(self, width: int) -> str:
        """A horizontal line."""
        return self.paint(("\N{BOX DRAWINGS LIGHT HORIZONTAL}" if self.unicode else "-") * width,
                          "dim")

    def line(self, text: str = "") -> None:
        """Print a line, in place of the live one if there is one."""
        start = "\r\033[K" if self._live else ""
        self._live = False
        try:
            self.out.write(f"{start}{text}\n")
        except UnicodeEncodeError:
            self.out.write(f"{start}{text.encode('ascii', 'replace').decode()}\n")
        self.out.flush()

    def live(self, text: str) -> None:
        """Show `text` until the next line, on a terminal only."""
        if self.tty:
            self._live = True
            self.out.write("\r\033[K" + self.paint(text[:self.width - 1], "dim"))
            self.out.flush()

    def clear(self) -> None:
        """Take the live text away."""
        if self._live:
            self._live = False
            self.out.write("\r\033[K")
            self.out.flush()


def _columns() -> int:
    """The width of output that is no terminal: COLUMNS, or 80."""
    try:
        return max(40, int(os.environ.get("COLUMNS", "80")))
    except ValueError:
        return 80


def visible(text: str) -> int:
    """How many columns `text` takes."""
    return len(_ESCAPE.sub("", text))


def pad(text: str, width: int, right: bool = False) -> str:
    """`text` in a column of `width`, flush left unless `right`."""
    space = " " * (width - visible(text))
    return space + text if right else text + space


def grid(paper: Paper, head: Sequence[str], rows: Sequence[Sequence[str]],
         right: Sequence[int] = ()) -> None:
    """A plain table; the columns whose numbers are in `right` are flush right."""
    widths = [max(visible(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def text(row: Sequence[str]) -> str:
        cells = (pad(cell, widths[i], i in right) for i, cell in enumerate(row))
        return ("  " + "  ".join(cells)).rstrip()

    paper.line(paper.paint(text(head), "bold"))
    paper.line("  " + paper.rule(sum(widths) + 2 * (len(widths) - 1)))
    for row in rows:
        paper.line(text(row))


# --- One line a test ---

def verdict(paper: Paper, status: str) -> str:
    """A test's verdict as a word."""
    return paper.paint(_VERDICT_WORD[status], _VERDICT_COLOUR[status])


def test_line(paper: Paper, test: Test) -> None:
    """A test has ended."""
    word = verdict(paper, test.status)
    width = min(_NAME_WIDTH, paper.width - 20)
    paper.line(f"  {pad(word, 5)} {test.name:<{width}} {seconds(test.seconds):>7} s")
    if test.status != PASS and test.reason:
        for line in wrap(test.reason, paper.width - 9):
            paper.line(f"        {line}")
    for line in test.findings:
        paper.line(f"        {line}")


def seconds(value: float) -> str:
    """Seconds, to the digits that mean something."""
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` where it has spaces."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


# --- state x trigger ---

class Form(NamedTuple):
    """How wide the parts of a cell are, and whether the verdict is a word or a mark."""
    pages: int
    seconds: int
    content: int
    word: bool
    gap: int

    @property
    def width(self) -> int:
        """A cell's width, without the gap before it."""
        return (4 if self.word else 1) + 3 + self.pages + self.seconds + self.content


# The first that fits the terminal is taken.
FORMS = (Form(pages=7, seconds=6, content=7, word=True, gap=2),
         Form(pages=5, seconds=5, content=7, word=False, gap=2))

# The metric `content` of a buffer read back as it was written.
CONTENT_OK = "ok"


def is_cell(test: Test) -> bool:
    """The test belongs into the table state x trigger."""
    return "state" in test.metrics and "trigger" in test.metrics


def pivot(paper: Paper, tests: Sequence[Test]) -> None:
    """Table of states (rows) and triggers (columns), in as many parts as the width needs."""
    cells = {(str(t.metrics["state"]), str(t.metrics["trigger"])): t for t in tests if is_cell(t)}
    if not cells:
        return
    states = list(dict.fromkeys(state for state, _ in cells))
    triggers = list(dict.fromkeys(trigger for _, trigger in cells))
    label = max(len(text) for text in ["state", *states])
    room = paper.width - 1 - label
    form = next((f for f in FORMS if len(triggers) * (f.width + f.gap) <= room), FORMS[-1])
    per_part = max(1, room // (form.width + form.gap))
    for start in range(0, len(triggers), per_part):
        part = triggers[start:start + per_part]
        if start:
            paper.line()
        _pivot_part(paper, cells, states, part, label, form)


def _pivot_part(paper: Paper, cells: Mapping[tuple[str, str], Test], states: Sequence[str],
                triggers: Sequence[str], label: int, form: Form) -> None:
    gap = " " * form.gap

    def line(first: str, parts: Sequence[str]) -> str:
        return "".join([f"{first:<{label}}", *(gap + pad(part, form.width) for part in parts)])

    head = _parts(form, "pages", "s", "content", " " * (4 if form.word else 1))
    paper.line(paper.paint(line("", triggers).rstrip(), "bold"))
    paper.line(paper.paint(line("state", [head] * len(triggers)).rstrip(), "dim"))
    paper.line(paper.rule(label + len(triggers) * (form.width + form.gap)))
    for state in states:
        row = [_cell(paper, cells.get((state, trigger)), form) for trigger in triggers]
        paper.line(line(state, row).rstrip())


def _parts(form: Form, pages: str, took: str, content: str, verdict: str) -> str:
    body = f"{pages:>{form.pages}} {took:>{form.seconds}} {pad(content, form.content)}"
    return f"{body} {verdict}" if form.word else f"{verdict} {body}"


def _cell(paper: Paper, test: Test | None, form: Form) -> str:
    if test is None:
        return ""
    get: Mapping[str, Any] = test.metrics
    content = str(get.get("content", ""))[:form.content]
    if content not in ("", CONTENT_OK):
        content = paper.paint(content, "red")
    word = verdict(paper, test.status) if form.word else paper.mark(test.status)
    return _parts(form, str(get.get("evicted", "")),
                  seconds(float(get.get("seconds", test.seconds))), content, word)


# --- What eviction costs ---

COSTS = "What eviction and restore cost, by the driver's way to the pages, in us of the guest:"


def _us(ns: int) -> str:
    return f"{ns / 1000:.1f}"


def costs(paper: Paper, rows: Sequence[Row]) -> None:
    """A row for each test and path; the last column has the locks that were not got."""
    grid(paper, ["test", "path", "passes", "pages", "locked", "flush", "stalls", "jobs late",
                 "refaults", "not locked"],
         [[row.test, row.path, str(row.passes), str(row.pages), _us(row.lock_ns),
           _us(row.flush_ns), str(row.stalls), str(row.jobs_delayed), str(row.refaults),
           " ".join(f"{lock} {times}" for lock, times in sorted(row.trylock.items()))]
          for row in rows], right=range(2, 9))


# --- The end ---

def summary(paper: Paper, report: Report) -> None:
    """Tables, what failed with the end of its log, and one line that says it all."""
    paper.clear()
    cells = [test for test in report.tests if is_cell(test)]
    if cells:
        paper.line()
        paper.line(CAPTION)
        paper.line()
        pivot(paper, cells)
    if report.eviction.rows:
        paper.line()
        paper.line(COSTS)
        paper.line()
        costs(paper, report.eviction.rows)
    if report.rules:
        paper.line()
        grid(paper, ["rule", "hits", ""], [[rule.name, str(rule.hits), rule.rule]
                                           for rule in report.rules], right=(1,))
    for test in report.tests:
        if test.status == FAIL and test.log:
            _log(paper, test.name, test.log)
    shown = {test.name for test in report.tests if test.findings}
    for finding in report.unexpected:
        if finding.get("test") in shown:
            continue
        paper.line()
        paper.line(paper.paint(f"{finding['kind']}: {finding['message']}", "red"))
        if finding.get("log"):
            _log(paper, "last on the console", finding["log"])
    paper.line()
    if report.oracle:
        paper.line(report.oracle.line())
    paper.line(verdict_line(paper, report))


def _log(paper: Paper, title: str, log: Sequence[str]) -> None:
    paper.line()
    paper.line(paper.paint(title, "bold"))
    if len(log) > _LOG_LINES:
        paper.line(f"    ... {len(log) - _LOG_LINES} more lines: --json or --log has them all")
    for line in log[:_LOG_LINES]:
        paper.line(f"    {line}")


def verdict_line(paper: Paper, report: Report) -> str:
    """The last line of a run."""
    count = {status: sum(test.status == status for test in report.tests)
             for status in (PASS, FAIL, SKIP, KNOWN)}
    parts = [f"{count[PASS]} passed"]
    parts += [f"{count[FAIL]} failed"] if count[FAIL] else []
    parts += [f"{count[SKIP]} skipped"] if count[SKIP] else []
    parts += [f"{count[KNOWN]} known"] if count[KNOWN] else []
    found = len(report.findings)
    if found or report.device.get("check", "off") != "off":
        why = {"provoked": sum(bool(one.get("expected")) for one in report.findings),
               "known": sum(bool(one.get("known")) for one in report.findings)}
        parts += [f"{found} findings" + "".join(f", {number} of them {word}"
                                                for word, number in why.items()
                                                if number or (found and word == "provoked"))]
    evicted = sum(int(test.metrics.get("evicted", 0)) for test in report.tests if is_cell(test))
    parts += [f"{evicted} pages evicted"] if evicted else []
    word = ("CRASH", "red") if report.crashed else \
        ("FAIL", "red") if report.exit_code else ("PASS", "green")
    return (f"{paper.paint(*word)}: {', '.join(parts)}; boot {report.boot_seconds:.1f} s, "
            f"total {report.total_seconds:.1f} s")
