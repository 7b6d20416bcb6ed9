# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person sees: nothing wider than the terminal, nothing lost, colours on a terminal."""

import io
import os
import unittest
from typing import Any
from unittest import mock

import support  # noqa: F401
from malivm import table
from malivm.results import FAIL, KNOWN, PASS, SKIP, Report, Test

STATES = ("unused-4k", "unused-2m", "mmapped-4k", "mmapped-2m", "bound1-4k", "bound1-2m",
          "bound2-4k", "bound2-2m")
TRIGGERS = ("shrink", "kswapd", "direct")


class Out(io.StringIO):
    """A terminal, or a file, in an encoding."""

    def __init__(self, tty: bool, encoding: str = "utf-8"):
        super().__init__()
        self._tty = tty
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._tty


def paper(width: int = 80, tty: bool = False, encoding: str = "utf-8") -> table.Paper:
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    with mock.patch.dict(os.environ, {**environment, "COLUMNS": str(width)}, clear=True):
        return table.Paper(Out(tty, encoding))


def text(target: table.Paper) -> str:
    assert isinstance(target.out, io.StringIO)
    return target.out.getvalue()


def cell(state: str, trigger: str, status: str = PASS, **metrics: Any) -> Test:
    values = {"state": state, "trigger": trigger, "pages": 1024, "evicted": 1024,
              "seconds": 12.34, "content": "ok", **metrics}
    return Test(f"evict.{state}.{trigger}", status, 13.0, values)


CELLS = [cell(state, trigger, evicted=100 * row + column)
         for column, trigger in enumerate(TRIGGERS) for row, state in enumerate(STATES, 1)]


def summary(target: table.Paper, tests: list[Test], findings: Any = (),
            crashed: bool = False) -> str:
    table.summary(target, Report({}, {}, tests, list(findings), 4.0, 10.0, crashed))
    return text(target)


class Pivot(unittest.TestCase):
    def test_every_cell_is_there_at_every_width(self) -> None:
        for width in (40, 60, 79, 80, 100, 200):
            target = paper(width)
            table.pivot(target, CELLS)
            words = text(target).split()
            for test in CELLS:
                self.assertEqual(words.count(str(test.metrics["evicted"])), 1, width)

    def test_is_never_wider_than_the_terminal(self) -> None:
        for width in (40, 60, 79, 80, 100, 200):
            target = paper(width, tty=True)
            target.width = width
            table.pivot(target, CELLS)
            for line in text(target).splitlines():
                self.assertLess(table.visible(line), width, line)

    def test_is_one_part_in_80_columns(self) -> None:
        target = paper(80)
        table.pivot(target, CELLS)
        self.assertEqual(len(text(target).splitlines()), 3 + len(STATES))

    def test_a_cell_is_in_its_row_and_column(self) -> None:
        target = paper(80)
        table.pivot(target, CELLS)
        head, _, _, *rows = text(target).splitlines()
        self.assertEqual(head.split(), list(TRIGGERS))
        for number, (state, row) in enumerate(zip(STATES, rows, strict=True), 1):
            words = row.split()
            self.assertEqual(words[0], state)
            self.assertEqual([int(word) for word in words[2::4]],
                             [100 * number, 100 * number + 1, 100 * number + 2])

    def test_marks_and_words_tell_the_verdict(self) -> None:
        tests = [cell("a", "x", PASS), cell("a", "y", FAIL, content="wrong"), cell("a", "z", SKIP)]
        target = paper(40, encoding="ascii")
        table.pivot(target, tests)
        self.assertRegex(text(target), r"a +\+ +1024 12\.34 ok")
        self.assertRegex(text(target), r"X +1024 12\.34 wrong")
        wide = paper(120)
        table.pivot(wide, tests)
        self.assertRegex(text(wide), r"ok +pass .*wrong +FAIL .*ok +skip")

    def test_a_missing_cell_leaves_its_place_empty(self) -> None:
        target = paper(80)
        table.pivot(target, [cell("a", "x"), cell("b", "y")])
        rows = text(target).splitlines()[3:]
        self.assertEqual(rows[1].index("1024"), text(target).splitlines()[0].index("y") + 3)

    def test_a_test_that_got_nowhere_has_no_figures(self) -> None:
        target = paper(80)
        table.pivot(target, [Test("evict.a.x", FAIL, 0.5, {"state": "a", "trigger": "x"})])
        self.assertEqual(text(target).splitlines()[-1].split()[1:], ["0.50", "FAIL"])


class Lines(unittest.TestCase):
    def test_reason_only_when_it_did_not_pass(self) -> None:
        for status, shown in ((PASS, False), (FAIL, True), (SKIP, True), (KNOWN, True)):
            target = paper()
            table.test_line(target, Test("a.b", status, 1.0, reason="because"))
            self.assertEqual("because" in text(target), shown)

    def test_a_long_reason_is_wrapped(self) -> None:
        target = paper(60)
        table.test_line(target, Test("a.b", FAIL, 1.0, reason="word " * 50))
        self.assertEqual(text(target).count("word"), 50)
        self.assertTrue(all(len(line) < 60 for line in text(target).splitlines()))

    def test_colours_only_on_a_terminal(self) -> None:
        for tty in (False, True):
            target = paper(tty=tty)
            summary(target, [*CELLS, Test("a.b", FAIL, log=["x"])])
            self.assertEqual("\033[" in text(target), tty)

    def test_no_color(self) -> None:
        with mock.patch.dict(os.environ, {"NO_COLOR": "1"}):
            self.assertFalse(table.Paper(Out(True)).colour)

    def test_the_live_text_is_only_on_a_terminal_and_goes(self) -> None:
        quiet = paper()
        quiet.live("running")
        self.assertEqual(text(quiet), "")
        target = paper(tty=True)
        target.live("running")
        target.line("done")
        self.assertTrue(text(target).endswith("\r\033[Kdone\n"))

    def test_ascii(self) -> None:
        target = paper(encoding="ascii")
        summary(target, CELLS)
        self.assertTrue(text(target).isascii())


class Summary(unittest.TestCase):
    def test_last_line(self) -> None:
        tests = [Test("a", PASS), Test("b", PASS), cell("x", "y", evicted=7)]
        self.assertEqual(summary(paper(), tests).splitlines()[-1],
                         "PASS: 3 passed, 7 pages evicted; boot 4.0 s, total 10.0 s")
        self.assertTrue(summary(paper(), [Test("a", FAIL), Test("b", SKIP)]).splitlines()[-1]
                        .startswith("FAIL: 0 passed, 1 failed, 1 skipped;"))
        self.assertTrue(summary(paper(), [Test("a", PASS), Test("b", KNOWN)]).splitlines()[-1]
                        .startswith("PASS: 1 passed, 1 known;"))
        self.assertIn("CRASH: 1 passed", summary(paper(), [Test("a", PASS)], crashed=True))

    def test_findings_are_shown_and_fail(self) -> None:
        out = summary(paper(), [Test("a", PASS)], [{"kind": "tap", "message": "2 planned"}])
        self.assertIn("tap: 2 planned", out)
        self.assertIn("FAIL: 1 passed", out)

    def test_a_long_log_says_that_there_is_more(self) -> None:
        out = summary(paper(), [Test("a", FAIL, log=[f"line {n}" for n in range(100)])])
        self.assertIn("84 more lines", out)
        self.assertIn("line 0", out)


if __name__ == "__main__":
    unittest.main()
