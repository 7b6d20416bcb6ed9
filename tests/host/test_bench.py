# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's arithmetic, parsing and verdicts; the machines are the bench's own run to start."""

import argparse
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import support
from malivm import bench, bench_jobs, guest, machine, run
from malivm.bench import FIGURES
from malivm.errors import MaliError
from malivm.figure import Figure, Round, Samples, Source
from malivm.results import FAIL, PASS, Report, Test

BY_NAME = {figure.name: figure for figure in FIGURES}


class Value(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_pairs_not_the_ratio_of_medians(self) -> None:
        # The host was twice as slow during the last pair, for both.
        samples = Samples([1.0, 1.2, 2.0], [1.0, 1.0, 2.0])
        self.assertEqual(BY_NAME["boot"].value(samples), 1.0)

    def test_nothing_beside_nothing_is_the_same_and_something_is_more(self) -> None:
        self.assertEqual(BY_NAME["idle"].value(Samples([0.0, 0.0, 2.0], [0.0, 0.0, 0.0])), 1.0)
        self.assertFalse(BY_NAME["idle"].ok(Samples([2.0], [0.0])))

    def test_an_absolute_figure_is_the_median(self) -> None:
        self.assertEqual(BY_NAME["probe"].value(Samples([50, 70, 9000])), 70)
        self.assertEqual(BY_NAME["loop"].value(Samples([90, 120, 130], [400, 400, 400])), 120)

    def test_a_limit_may_be_the_most_or_the_least(self) -> None:
        for name, ok in (("fence", [True, True, False]), ("copy", [False, True, True])):
            figure = BY_NAME[name]
            assert figure.limit is not None
            values = [figure.limit * part for part in (0.99, 1, 1.01)]
            self.assertEqual([figure.ok(Samples([value * 3], [3])) for value in values], ok)

    def test_json(self) -> None:
        self.assertEqual(BY_NAME["boot"].to_json(Samples([2.4], [2.0])), {
            "name": "boot", "value": 1.2, "value_is": "ratio", "limit": 1.10, "limit_is": "most",
            "ok": False, "unit": "s", "measured": [2.4], "reference": [2.0]})
        self.assertEqual(BY_NAME["loop"].to_json(Samples([120.0], [480.0])), {
            "name": "loop", "value": 120.0, "value_is": "measured", "limit": 100,
            "limit_is": "least", "ok": True, "unit": "M/s", "measured": [120.0],
            "reference": [480.0]})


class Measure(unittest.TestCase):
    def test_each_source_once_a_round_with_what_is_wanted_of_it(self) -> None:
        rounds: list[tuple[str, list[str], int]] = []

        def source(letter: str) -> Source:
            def measure(round_: Round) -> dict[str, Samples]:
                rounds.append((letter, round_.names, round_.number))
                return {f"{letter}{i}": Samples([i + round_.number], [i]) for i in range(1, 4)}
            return Source(letter, measure)

        a, b = source("a"), source("b")
        figures = [Figure(name, "", 1, "s", where, "")
                   for name, where in (("a1", a), ("b2", b), ("a3", a))]
        with support.captured():
            samples = bench.measure(mock.Mock(), figures, 2)
        self.assertEqual(rounds, [("a", ["a1", "a3"], 0), ("a", ["a1", "a3"], 1),
                                  ("b", ["b2"], 0), ("b", ["b2"], 1)])
        self.assertEqual(samples, {"a1": Samples([1, 2], [1, 1]), "a3": Samples([3, 4], [3, 3]),
                                   "b2": Samples([2, 3], [2, 2])})


def guest_test(name: str, **more: Any) -> Test:
    return Test(f"bench.{name}", more.pop("status", PASS), metrics=more.pop("metrics", {}), **more)


class Jobs(unittest.TestCase):
    FENCE = guest_test("fence", metrics={"measured": 200, "reference": 50.5})
    LOOP = guest_test("loop", metrics={"measured": 120.25})

    def test_parse(self) -> None:
        boot = Test("boot", PASS)
        self.assertEqual(
            bench_jobs.parse(["loop", "fence"], [boot, self.FENCE, self.LOOP], {"loop": 400.0}),
            {"loop": Samples([120.25], [400.0]), "fence": Samples([200.0], [50.5])})

    def test_what_was_not_measured_says_why(self) -> None:
        failed = guest_test("fence", status=FAIL, reason="no such device")
        for tests, why in (([failed], "no such device"), ([self.LOOP], "was not run")):
            with self.assertRaisesRegex(MaliError, f"fence was not measured: .*{why}.*"
                                                   "mali-vm run bench.fence"):
                bench_jobs.parse(["fence"], tests, {})

    def test_guest_and_host_come_first_in_turn(self) -> None:
        calls: list[str] = []

        def run_tests(_: Any, tests: list[str], *_more: Any, **_named: Any) -> Report:
            calls.append("guest")
            self.assertEqual(tests, ["bench.loop"])
            return Report({}, {}, [self.LOOP], [], 1.0, 1.0)

        def host(names: list[str]) -> dict[str, float]:
            calls.append("host")
            return dict.fromkeys(names, 400.0)

        with mock.patch.object(run, "run_tests", run_tests), \
                mock.patch.object(bench_jobs, "_measure_host", host):
            for number in range(2):
                found = bench_jobs.measure(Round(mock.Mock(), ["loop"], number))
                self.assertEqual(found, {"loop": Samples([120.25], [400.0])})
        self.assertEqual(calls, ["host", "guest", "guest", "host"])

    def test_the_hosts_programs_print_a_number(self) -> None:
        names = [source.stem for source in bench_jobs.SOURCES.glob("*.c")]
        self.assertLessEqual({"loop", "copy"}, set(names))
        found = bench_jobs._measure_host(names)
        self.assertEqual(set(found), set(names))
        self.assertTrue(all(rate > 0 for rate in found.values()), found)

    def test_every_figure_has_its_test_in_the_guest(self) -> None:
        with support.captured():
            tests = {name for name, _ in guest.list_tests() if name.startswith("bench.")}
        self.assertEqual({f"bench.{figure.name}" for figure in FIGURES
                          if figure.source is bench_jobs.SOURCE}, tests)


class Command(unittest.TestCase):
    def run_bench(self, samples: dict[str, Samples], load: float = 0.5,
                  **more: Any) -> tuple[int, str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "out.json"
            args = argparse.Namespace(**{"names": list(samples), "repeat": 3, "json": str(path),
                                         "strict": False, "check": None, **more})
            with mock.patch.object(machine, "prepare"), support.captured() as (out, err), \
                    mock.patch.object(bench, "measure", return_value=samples), \
                    mock.patch("os.getloadavg", return_value=(load, 0.0, 0.0)), \
                    mock.patch("os.cpu_count", return_value=2):
                code = bench.main(args)
            self.assertEqual("load 1.5, 2 CPUs" in err.getvalue(), load == 1.5)
            return code, out.getvalue(), json.loads(path.read_text(encoding="utf-8"))

    def test_within_the_limit(self) -> None:
        code, out, document = self.run_bench({"idle": Samples([2.05], [2])}, strict=True)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"2\.05 % +2\.00 % +1\.025 +max 1\.05 +ok")
        self.assertTrue(document["figures"][0]["ok"])

    def test_a_least_value_with_what_it_is_compared_with(self) -> None:
        code, out, _ = self.run_bench({"loop": Samples([123.4], [500])}, strict=True)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"123 M/s +500 M/s +0\.247 +min 100 M/s +ok")

    def test_a_missed_limit_says_where_to_look(self) -> None:
        samples = {"probe": Samples([200])}
        code, out, document = self.run_bench(samples)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"200 ms +max 150 ms +MISSED")
        self.assertIn("probe missed its limit", out)
        self.assertFalse(document["figures"][0]["ok"])
        self.assertEqual(self.run_bench(samples, strict=True)[0], 1)

    def test_without_a_limit_it_is_only_told(self) -> None:
        code, out, document = self.run_bench({"fuzz": Samples([1234.5])}, strict=True)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"(?m)^ *random cases +1234 /s$")
        self.assertIsNone(document["figures"][0]["limit"])

    def test_only_what_was_asked_for_is_shown(self) -> None:
        _, out, document = self.run_bench({"run": Samples([9.0])})
        self.assertEqual([figure["name"] for figure in document["figures"]], ["run"])
        self.assertNotIn("probe", out)

    def test_a_busy_machine_is_told_of(self) -> None:
        self.run_bench({"run": Samples([9.0])}, load=1.5)

    def test_the_table_fits_eighty_columns(self) -> None:
        samples = {figure.name: Samples([3 * (figure.limit or 1)], [3]) for figure in FIGURES}
        _, out, _ = self.run_bench(samples)
        for line in out.splitlines():
            if "missed its limit" not in line:
                self.assertLessEqual(len(line), 80, line)


if __name__ == "__main__":
    unittest.main()
