# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's arithmetic and verdicts; the machines are the bench's own run to start."""

import argparse
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import support
from malivm import bench, machine
from malivm.bench import FIGURES, Samples

BY_NAME = {figure.name: figure for figure in FIGURES}


class Value(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_pairs_not_the_ratio_of_medians(self) -> None:
        # The host was twice as slow during the last pair, for both.
        samples = Samples([1.0, 1.2, 2.0], [1.0, 1.0, 2.0])
        self.assertEqual(bench.value(BY_NAME["boot"], samples), 1.0)

    def test_an_absolute_figure_is_the_median_in_its_unit(self) -> None:
        self.assertAlmostEqual(bench.value(BY_NAME["probe"], Samples([0.05, 0.07, 9.0])), 70.0)

    def test_json(self) -> None:
        document = bench.figure_json(BY_NAME["boot"], Samples([2.4], [2.0]))
        self.assertEqual(document, {"name": "boot", "value": 1.2, "limit": 1.10, "unit": "ratio",
                                    "ok": False, "with": [2.4], "without": [2.0]})


class Command(unittest.TestCase):
    def run_bench(self, samples: dict[str, Samples], **more: Any) -> tuple[int, str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "out.json"
            args = argparse.Namespace(**{"names": list(samples), "repeat": 3, "json": str(path),
                                         "strict": False, **more})
            with mock.patch.object(machine, "prepare"), support.captured() as (out, _), \
                    mock.patch.object(bench, "measure", return_value=samples):
                code = bench.main(args)
            return code, out.getvalue(), json.loads(path.read_text(encoding="utf-8"))

    def test_within_the_limit(self) -> None:
        code, out, document = self.run_bench({"idle": Samples([0.0205], [0.02])}, strict=True)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"2\.05 % +2\.00 % +1\.025 +1\.05 +ok")
        self.assertTrue(document["figures"][0]["ok"])

    def test_a_missed_limit_says_where_to_look(self) -> None:
        samples = {"probe": Samples([0.2])}
        code, out, document = self.run_bench(samples)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"200\.00 ms +150 ms +MISSED")
        self.assertIn("probe missed its limit", out)
        self.assertFalse(document["figures"][0]["ok"])
        self.assertEqual(self.run_bench(samples, strict=True)[0], 1)

    def test_only_what_was_asked_for_is_shown(self) -> None:
        _, out, document = self.run_bench({"run": Samples([9.0])})
        self.assertEqual([figure["name"] for figure in document["figures"]], ["run"])
        self.assertNotIn("probe", out)


if __name__ == "__main__":
    unittest.main()
