# SPDX-License-Identifier: GPL-2.0-or-later
"""What eviction and restore cost: the guest's passes, and what the device did meanwhile.

A test tells of passes of the driver's shrinker, and of restored buffers, with the time on
the machine's own clock (tests/guest/measure.h). The device keeps on the same clock when a
region was locked, caches were flushed, or an access waited (qapi/mali-csf.json,
x-mali-csf-periods). A period belongs to the pass in which it began.
"""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import MaliError
from .qmp import Qmp

# The passes of panthor_gem_shrinker_scan(), in their order, and the way back.
PATHS = ("unused", "mmapped", "single-vm", "multi-vm", "restore")
# In which the GPU reaches what is evicted: it cannot be done without a lock.
LOCKING = ("single-vm", "multi-vm")

# Of a histogram, in ns: bin i holds what is from EDGES[i] to below EDGES[i + 1], the last bin
# what is longer as well.
EDGES = (0, *(step * 10 ** power for power in range(3, 10) for step in (1, 2, 5)), 10 ** 10)

# Of QMP's answer, so that a guest cannot keep the host busy with what it has done before.
_PART = 1000


@dataclass(frozen=True)
class Pass:
    """What a test tells of one pass, or of one restored buffer."""
    path: str
    begin: int
    end: int
    pages: int
    refaults: int
    trylock: Mapping[str, int]
    delays: Sequence[int]               # of others' jobs, beyond what they usually take


@dataclass
class Row:
    """All passes of a test for one path."""
    test: str
    path: str
    passes: int = 0
    pages: int = 0
    lock_ns: int = 0
    flush_ns: int = 0
    stalls: int = 0
    jobs_delayed: int = 0
    trylock: dict[str, int] = field(default_factory=dict)
    refaults: int = 0

    def to_json(self) -> dict[str, Any]:
        """The form of --json."""
        return {**vars(self), "trylock": dict(sorted(self.trylock.items()))}


@dataclass
class Histogram:
    """How long something took, how often."""
    name: str
    counts: list[int] = field(default_factory=lambda: [0] * (len(EDGES) - 1))

    def add(self, ns: int) -> None:
        """Once more."""
        self.counts[min(bisect.bisect_right(EDGES, ns), len(EDGES) - 1) - 1] += 1

    def to_json(self) -> dict[str, Any]:
        """The form of --json."""
        return {"name": self.name, "unit": "ns", "edges": list(EDGES), "counts": self.counts}


# What there are histograms of, in their order.
LATENCIES = ("lock to unlock", "flush", "restore", "job delay")


@dataclass
class Eviction:
    """What came of a run."""
    rows: list[Row] = field(default_factory=list)
    latency: dict[str, Histogram] = field(
        default_factory=lambda: {name: Histogram(name) for name in LATENCIES})

    def to_json(self) -> dict[str, Any]:
        """The keys of --json."""
        return {"eviction": [row.to_json() for row in self.rows],
                "latency": [one.to_json() for one in self.latency.values() if any(one.counts)]}


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def parse(value: Any) -> Pass:
    """A pass, from a test's report; ValueError if it is none."""
    try:
        if value["path"] not in PATHS:
            raise ValueError
        one = Pass(
            path=value["path"], begin=_count(value["begin"]), end=_count(value["end"]),
            pages=_count(value["pages"]), refaults=_count(value["refaults"]),
            trylock={str(lock): _count(times) for lock, times in value["trylock"].items()},
            delays=[_count(ns) for ns in value["delays"]])
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError from exc
    if one.begin > one.end:
        raise ValueError
    return one


class Periods:
    """What the device was busy with, as far as it still knows."""

    def __init__(self, qmp: Qmp):
        self._qmp = qmp
        self._known: list[dict[str, Any]] = []
        self._next = 0
        self.lost = False               # the device has forgotten some of it

    def since(self, begin: int) -> list[dict[str, Any]]:
        """Those that began at `begin` or later; what began before is forgotten here."""
        while True:
            part = self._qmp.execute("x-mali-csf-periods", first=self._next, limit=_PART)
            self.lost |= part["oldest"] > self._next
            self._known += part["periods"]
            self._next = part["next"]
            if not part["more"]:
                break
        self._known = [period for period in self._known if period["begin-ns"] >= begin]
        return self._known


class Joiner:
    """Puts the passes of tests and the device's periods together."""

    def __init__(self, periods: Periods):
        self._periods = periods
        self.eviction = Eviction()

    def take(self, test: str, passes: Sequence[Pass]) -> str:
        """A test has told of `passes`; what is wrong with them, or ""."""
        if not passes:
            return ""
        try:
            periods = self._periods.since(min(one.begin for one in passes))
        except MaliError as exc:
            return f"the device did not tell what it was busy with: {exc.message}"
        if self._periods.lost:
            self._periods.lost = False
            return "the device does not know any more what it was busy with: measure less at once"
        rows = {path: Row(test, path) for path in PATHS}
        for one in passes:
            self._add(rows[one.path], one, periods)
        found = [row for row in rows.values() if row.passes]
        self.eviction.rows += found
        missing = [row.path for row in found
                   if row.path in LOCKING and row.pages and not row.lock_ns]
        if missing:
            return f"pages were evicted without a lock: {', '.join(missing)}"
        return ""

    def _add(self, row: Row, one: Pass, periods: Iterable[Mapping[str, Any]]) -> None:
        latency = self.eviction.latency
        row.passes += 1
        row.pages += one.pages
        row.refaults += one.refaults
        row.jobs_delayed += len(one.delays)
        for lock, times in one.trylock.items():
            row.trylock[lock] = row.trylock.get(lock, 0) + times
        for ns in one.delays:
            latency["job delay"].add(ns)
        if one.path == "restore":
            latency["restore"].add(one.end - one.begin)
        for period in periods:
            if not one.begin <= period["begin-ns"] < one.end:
                continue
            took = period["end-ns"] - period["begin-ns"]
            if period["kind"] == "lock":
                row.lock_ns += took
                row.stalls += period["stalls"]
                latency["lock to unlock"].add(took)
            elif period["kind"] == "flush":
                row.flush_ns += took
                latency["flush"].add(took)
