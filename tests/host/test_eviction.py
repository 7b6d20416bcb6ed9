# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test tells of eviction and what the device did meanwhile, put together."""

import io
import unittest
from typing import Any

import support  # noqa: F401
from malivm import eviction, table
from malivm.eviction import EDGES, Histogram, Joiner, Pass, Periods, Row
from malivm.qmp import QmpError

GOOD: dict[str, Any] = {"path": "multi-vm", "begin": 100, "end": 200, "pages": 4, "refaults": 0,
                        "trylock": {"op_lock": 1}, "delays": [5]}


class Device:
    """Answers x-mali-csf-periods in parts of `size`, of which it has forgotten `oldest`."""

    def __init__(self, periods: list[dict[str, Any]], size: int = 1000, oldest: int = 0):
        self.periods, self.size, self.oldest = periods, size, oldest
        self.asked: list[int] = []

    def execute(self, command: str, first: int, limit: int) -> dict[str, Any]:
        assert command == "x-mali-csf-periods"
        self.asked.append(first)
        first = max(first, self.oldest)
        end = min(first + min(limit, self.size), len(self.periods))
        return {"periods": self.periods[first:end], "next": end,
                "more": end < len(self.periods), "oldest": self.oldest}


def lock(begin: int, end: int, stalls: int = 0) -> dict[str, Any]:
    return {"kind": "lock", "begin-ns": begin, "end-ns": end, "as": 1, "stalls": stalls,
            "dropped": 0}


def flush(begin: int, end: int) -> dict[str, Any]:
    return {"kind": "flush", "begin-ns": begin, "end-ns": end}


def joiner(*periods: dict[str, Any], **more: int) -> Joiner:
    return Joiner(Periods(Device(list(periods), **more)))  # type: ignore[arg-type]


class Parse(unittest.TestCase):
    def test_good(self) -> None:
        self.assertEqual(eviction.parse(GOOD),
                         Pass("multi-vm", 100, 200, 4, 0, {"op_lock": 1}, [5]))

    def test_bad(self) -> None:
        bad: list[Any] = [7, [], {}, {**GOOD, "path": "other"}, {**GOOD, "begin": 201},
                          {**GOOD, "pages": -1}, {**GOOD, "pages": True}, {**GOOD, "pages": 1.5},
                          {**GOOD, "trylock": []}, {**GOOD, "trylock": {"a": "1"}},
                          {**GOOD, "delays": 3}, {**GOOD, "delays": ["3"]}]
        bad += [{key: value for key, value in GOOD.items() if key != left} for left in GOOD]
        for value in bad:
            with self.assertRaises(ValueError, msg=value):
                eviction.parse(value)


class Bins(unittest.TestCase):
    def test_edges_grow_and_begin_at_nothing(self) -> None:
        self.assertEqual((EDGES[0], EDGES[1], EDGES[-1]), (0, 1000, 10 ** 10))
        self.assertEqual(sorted(set(EDGES)), list(EDGES))

    def test_each_value_is_in_its_bin(self) -> None:
        for i, edge in enumerate(EDGES[:-1]):
            one = Histogram("x")
            one.add(edge)
            one.add(EDGES[i + 1] - 1)
            self.assertEqual(one.counts[i], 2, edge)
        one.add(EDGES[-1])
        one.add(10 ** 15)
        self.assertEqual(one.counts[-1], 4)
        self.assertEqual(len(one.counts), len(EDGES) - 1)


class Join(unittest.TestCase):
    def test_a_period_belongs_to_the_pass_in_which_it_begins(self) -> None:
        it = joiner(lock(99, 150), lock(100, 5000, 3), flush(120, 180), lock(199, 300),
                    flush(200, 260), lock(400, 450), flush(410, 430))
        self.assertEqual(it.take("a.b", [eviction.parse(GOOD), eviction.parse({
            **GOOD, "begin": 300, "end": 500, "delays": [], "trylock": {"op_lock": 2, "x": 1}})]),
            "")
        self.assertEqual(it.eviction.rows, [Row(
            "a.b", "multi-vm", passes=2, pages=8, lock_ns=4900 + 101 + 50, flush_ns=60 + 20,
            stalls=3, jobs_delayed=1, trylock={"op_lock": 3, "x": 1})])

    def test_json(self) -> None:
        it = joiner(lock(110, 3110), flush(120, 2120))
        it.take("a.b", [eviction.parse({**GOOD, "path": "restore", "refaults": 9})])
        document = it.eviction.to_json()
        self.assertEqual(document["eviction"], [{
            "test": "a.b", "path": "restore", "passes": 1, "pages": 4, "lock_ns": 3000,
            "flush_ns": 2000, "stalls": 0, "jobs_delayed": 1, "trylock": {"op_lock": 1},
            "refaults": 9}])
        found = {one["name"]: one for one in document["latency"]}
        self.assertEqual(list(found), ["lock to unlock", "flush", "restore", "job delay"])
        for name, bin_ in (("lock to unlock", 2), ("flush", 2), ("restore", 0), ("job delay", 0)):
            self.assertEqual(found[name]["edges"], list(EDGES))
            self.assertEqual(found[name]["counts"][bin_], 1, name)
            self.assertEqual(sum(found[name]["counts"]), 1, name)

    def test_rows_are_in_the_order_of_the_driver(self) -> None:
        it = joiner(lock(110, 120))
        it.take("a.b", [eviction.parse({**GOOD, "path": path})
                        for path in ("restore", "single-vm", "unused")])
        self.assertEqual([row.path for row in it.eviction.rows],
                         ["unused", "single-vm", "restore"])

    def test_parts_are_put_together_and_asked_for_once(self) -> None:
        device = Device([lock(100 + i, 101 + i) for i in range(7)], size=3)
        it = Joiner(Periods(device))  # type: ignore[arg-type]
        it.take("a.b", [eviction.parse(GOOD)])
        self.assertEqual(it.eviction.rows[0].lock_ns, 7)
        device.periods.append(lock(300, 350))
        it.take("a.c", [eviction.parse({**GOOD, "begin": 250, "end": 400})])
        self.assertEqual(it.eviction.rows[1].lock_ns, 50)
        self.assertEqual(device.asked, [0, 3, 6, 7])

    def test_nothing_to_join(self) -> None:
        device = Device([])
        it = Joiner(Periods(device))  # type: ignore[arg-type]
        self.assertEqual(it.take("a.b", []), "")
        self.assertEqual((device.asked, it.eviction.rows), ([], []))


class Wrong(unittest.TestCase):
    def test_what_the_gpu_reaches_is_not_evicted_without_a_lock(self) -> None:
        self.assertIn("without a lock: multi-vm", joiner().take("a.b", [eviction.parse(GOOD)]))
        for harmless in ({**GOOD, "path": "unused"}, {**GOOD, "pages": 0}):
            self.assertEqual(joiner().take("a.b", [eviction.parse(harmless)]), "")

    def test_the_device_has_forgotten(self) -> None:
        it = joiner(lock(100, 110), lock(120, 130), oldest=1)
        self.assertIn("does not know any more", it.take("a.b", [eviction.parse(GOOD)]))
        self.assertEqual(it.take("a.c", [eviction.parse(GOOD)]), "")

    def test_the_device_does_not_answer(self) -> None:
        class Silent:
            def execute(self, command: str, **_: Any) -> None:
                raise QmpError(command, "no such command")
        it = Joiner(Periods(Silent()))  # type: ignore[arg-type]
        self.assertIn("no such command", it.take("a.b", [eviction.parse(GOOD)]))


class Table(unittest.TestCase):
    def test_a_row(self) -> None:
        out = io.StringIO()
        table.costs(table.Paper(out), [Row("m.a", "multi-vm", 2, 128, 24000, 20500, 1, 3,
                                           {"op_lock": 4, "bo_resv": 1}, 7)])
        self.assertEqual(out.getvalue().splitlines()[2].split(),
                         ["m.a", "multi-vm", "2", "128", "24.0", "20.5", "1", "3", "7",
                          "bo_resv", "1", "op_lock", "4"])


if __name__ == "__main__":
    unittest.main()
