# SPDX-License-Identifier: GPL-2.0-or-later
"""How often a step of a bisection is run: what the rule promises holds, by counting all that can
come of it."""

import random
import unittest

import support  # noqa: F401  (the import path)
from malivm import repeat
from malivm.repeat import Rule, Seen


class LowerBound(unittest.TestCase):
    def test_nothing_seen_says_nothing(self) -> None:
        self.assertEqual(repeat.lower_bound(Seen(0, 50), 0.05), 0.0)

    def test_more_of_the_same_says_more(self) -> None:
        bounds = [repeat.lower_bound(Seen(n, 2 * n), 0.05) for n in (1, 4, 16, 64)]
        self.assertEqual(bounds, sorted(bounds))
        self.assertLess(bounds[-1], 0.5)
        self.assertGreater(bounds[-1], 0.33)

    def test_it_is_where_its_inequality_ends(self) -> None:
        # f = n: p^n = alpha / (n + 1)
        self.assertAlmostEqual(repeat.lower_bound(Seen(8, 8), 0.025), (0.025 / 9) ** (1 / 8))

    def test_the_true_one_is_below_it_no_more_often_than_promised(self) -> None:
        # At any time of 300 runs, exactly: the probability of the paths that have not met it
        for p in (0.02, 0.1, 0.5, 0.9):
            alive, missed = {0: 1.0}, 0.0
            for n in range(1, 301):
                after: dict[int, float] = {}
                for f, weight in alive.items():
                    for more, chance in ((1, p), (0, 1 - p)):
                        after[f + more] = after.get(f + more, 0.0) + weight * chance
                lost = [f for f in after if after[f] and
                        repeat.lower_bound(Seen(f, n), 0.05) > p]
                missed += sum(after.pop(f) for f in lost)
                alive = after
            with self.subTest(p):
                self.assertLessEqual(missed, 0.05)


class Passes(unittest.TestCase):
    def test_enough_and_not_one_more(self) -> None:
        for p in (0.01, 0.3, 0.5, 0.99):
            n = repeat.passes_needed(p, 0.01)
            self.assertLessEqual((1 - p) ** n, 0.01)
            self.assertGreater((1 - p) ** (n - 1), 0.01)

    def test_certain_and_impossible(self) -> None:
        self.assertEqual(repeat.passes_needed(1.0, 0.01), 1)
        self.assertGreater(repeat.passes_needed(0.0, 0.01), repeat.MOST_RUNS)

    def test_so_often_as_was_asked_for(self) -> None:
        self.assertEqual(Rule().passes(Seen(1, 1)), 1)
        self.assertEqual(Rule(repeat=7).passes(Seen(1, 9)), 7)

    def test_a_number_given_is_the_most(self) -> None:
        rule = Rule(repeat=3, confidence=0.99, steps=4)
        self.assertEqual(rule.passes(Seen(1, 10)), 3)

    def test_rarer_failures_take_more(self) -> None:
        rule = Rule(confidence=0.95, steps=4)
        numbers = [rule.passes(Seen(10, n)) for n in (10, 20, 100)]
        self.assertEqual(numbers, sorted(numbers))
        self.assertGreater(numbers[-1], 5 * numbers[0])

    def test_the_bad_end_is_run_as_often_as_a_good_step(self) -> None:
        rule = Rule(confidence=0.95, steps=4)
        n = next(n for n in range(1, 100) if rule.known_enough(Seen(n, n)))
        self.assertGreaterEqual(n, rule.passes(Seen(n, n)))
        self.assertLess(n - 1, rule.passes(Seen(n - 1, n - 1)))


class Bisections(unittest.TestCase):
    def bisect(self, rng: random.Random, p: float, rule: Rule, commits: int) -> bool:
        """Play one; the culprit found is the right one."""
        def fails() -> bool:
            return rng.random() < p

        culprit = rng.randrange(1, commits + 1)
        seen = Seen()
        while not rule.known_enough(seen):
            seen += Seen(int(fails()), 1)
        good, bad = 0, commits
        while bad - good > 1:
            middle = (good + bad) // 2
            needed = rule.passes(seen)
            runs = next((n for n in range(1, needed + 1) if middle >= culprit and fails()), 0)
            if runs:
                bad, seen = middle, seen + Seen(1, runs)
            else:
                good = middle
        return bad == culprit

    def test_the_promise_is_kept(self) -> None:
        rng = random.Random(1)
        rule = Rule(confidence=0.9, steps=4)
        for p in (0.2, 0.6, 1.0):
            right = sum(self.bisect(rng, p, rule, 12) for _ in range(300))
            with self.subTest(p):
                self.assertGreaterEqual(right, 270)

    def test_without_it_a_rare_failure_misleads(self) -> None:
        rng = random.Random(1)
        right = sum(self.bisect(rng, 0.2, Rule(), 12) for _ in range(300))
        self.assertLess(right, 200)

    def test_what_is_attained(self) -> None:
        rule = Rule(confidence=0.9, steps=3)
        seen = Seen(20, 40)
        enough = rule.passes(seen)
        self.assertGreaterEqual(rule.attained(seen, [enough] * 3), 0.9)
        self.assertLess(rule.attained(seen, [enough, 1]), 0.9)


if __name__ == "__main__":
    unittest.main()
