# SPDX-License-Identifier: GPL-2.0-or-later
"""A strict reader of the guest's TAP 14.

What the guest sends is a sequence of streams, one a suite: version line, plan, and
for each test a result line with a YAML block whose values are JSON. Comment lines
that begin with ``# mali-vm:`` are init's own. Anything else is an error: a stream
that is damaged or cut short must never look like one in which all went well.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import eviction

INIT = "# mali-vm: "
DONE = "# mali-vm: done"

_PLAN = re.compile(r"1\.\.(\d+)(?: # SKIP\b.*)?$")
_RESULT = re.compile(r"(not )?ok (\d+) - ([^\s#]+)(?: # SKIP ?(.*))?$")
_ENTRY = re.compile(r"  (\w+): (.*)$")

# The keys a test's block may have, and the type of each one's value.
_KEYS: dict[str, type | tuple[type, ...]] = {
    "seconds": (int, float),
    "metrics": dict,
    "reason": str,
    "log": list,
    "allow": list,                  # regular expressions: messages and findings that may come
    "findings": list,               # kinds of what the device's checker has to find
    "machine_ns": list,             # begin and end, on the clock of these findings
    "known": dict,                  # such of a bug that is known: the file that describes it
    "seen": dict,                   # the file of a bug that came without one: how it showed
    "passes": list,                 # of eviction and restore, see eviction.py
}


# Those with regular expressions
_PATTERNS = ("allow", "known")


def _is_regex(text: object) -> bool:
    try:
        re.compile(str(text))
    except re.error:
        return False
    return True


@dataclass
class TapTest:
    """One test as the guest reported it."""
    name: str
    ok: bool
    skipped: bool = False
    reason: str = ""
    seconds: float = 0.0
    metrics: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    machine_ns: list[int] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    passes: list[eviction.Pass] = field(default_factory=list)


class TapReader:
    """Takes the port's lines one by one; hands out tests; remembers what was wrong."""

    def __init__(self) -> None:
        self.errors: list[str] = []     # what makes the streams as a whole a failure
        self.notes: list[str] = []      # init's comments, without their prefix
        self.done = False               # init said that nothing more will come
        self._plan: int | None = None
        self._open = False              # between a version line and the end of its stream
        self._seen = 0
        self._last = ""
        self._test: TapTest | None = None
        self._block = False

    def feed(self, line: str) -> Iterator[TapTest]:
        """Read one line; yields the test that is complete with it, if any."""
        line = line.rstrip()
        if self._block:
            if line == "  ...":
                self._block = False
                yield from self._flush()
            elif not self._entry(line):
                # Cut off inside the block: read the line as what it is outside of one.
                self._block = False
                self._error(f"{self._last}: its details are cut off")
                yield from self._flush()
                yield from self.feed(line)
            return
        if line == "  ---" and self._test is not None:
            self._block = True
            return
        yield from self._flush()
        if not line:
            return
        if self.done:
            self._error(f"text after the end: {line}")
        elif line == DONE:
            self._end_stream()
            self.done = True
        elif line.startswith(INIT):
            self.notes.append(line.removeprefix(INIT))
        elif line == "TAP version 14":
            self._end_stream()
            self._open = True
        elif line.startswith("Bail out!"):
            self._error(line.removeprefix("Bail out!").strip() or "the suite gave up")
            self._open, self._plan = False, None
        elif line.startswith("#"):
            pass
        elif plan := _PLAN.match(line):
            self._take_plan(int(plan[1]))
        elif result := _RESULT.match(line):
            self._take_result(result)
        else:
            self._error(f"not TAP: {line}")

    def finish(self) -> Iterator[TapTest]:
        """The port is closed: yields a last test, notes what is missing."""
        if self._block:
            self._error(f"{self._last}: its details are cut off")
            self._block = False
        yield from self._flush()
        self._end_stream()

    def _error(self, text: str) -> None:
        self.errors.append(text)

    def _flush(self) -> Iterator[TapTest]:
        if self._test is not None:
            test, self._test = self._test, None
            yield test

    def _end_stream(self) -> None:
        if self._open:
            after = f" after {self._last}" if self._last else ""
            if self._plan is None:
                self._error(f"a test suite{after} announced no plan")
            elif self._seen != self._plan:
                self._error(f"{self._plan} tests were planned, {self._seen} "
                            f"{'was' if self._seen == 1 else 'were'} reported{after}")
        self._open, self._plan, self._seen = False, None, 0

    def _take_plan(self, count: int) -> None:
        if not self._open or self._plan is not None or self._seen:
            self._error(f"a plan out of place: 1..{count}")
        else:
            self._plan = count

    def _take_result(self, match: re.Match[str]) -> None:
        negated, number, name, skip = match.groups()
        if self._plan is None:
            self._error(f"a result without a plan: {name}")
        self._seen += 1
        if int(number) != self._seen:
            self._error(f"{name} is number {number}, expected {self._seen}")
        self._last = name
        self._test = TapTest(name, ok=not negated, skipped=skip is not None, reason=skip or "")

    def _entry(self, line: str) -> bool:
        """One line of a YAML block; False if it is none."""
        match = _ENTRY.match(line)
        if match is None or self._test is None:
            return False
        key, text = match.groups()
        kind = _KEYS.get(key)
        try:
            value = json.loads(text)
        except ValueError:
            return False
        if kind is None or not isinstance(value, kind) or isinstance(value, bool):
            self._error(f"{self._test.name}: {key} has a value that is not for it: {text}")
        elif key == "machine_ns":
            if len(value) == 2 and all(type(number) is int for number in value):
                self._test.machine_ns = value
            else:
                self._error(f"{self._test.name}: {key} is not a begin and an end: {text}")
        elif key == "passes":
            try:
                self._test.passes = [eviction.parse(item) for item in value]
            except ValueError:
                self._error(f"{self._test.name}: passes has something else: {text}")
        elif key in _PATTERNS and (bad := [text for text in value if not _is_regex(text)]):
            self._error(f"{self._test.name}: {key} has no regular expression: {bad[0]}")
        elif isinstance(value, list):
            setattr(self._test, key, [str(item) for item in value])
        elif not (key == "reason" and self._test.reason):
            setattr(self._test, key, value)
        return True
