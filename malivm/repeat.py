# SPDX-License-Identifier: GPL-2.0-or-later
"""How often a test is run at a commit before a failure that comes and goes is taken to be gone.

One failure makes a commit bad. That one is good can only be concluded: if a run at a bad commit
fails with a probability of at least p, then n passes in a row come of one with at most (1-p)^n.
What is known of p are the runs at bad commits so far, f failures among n. The lower bound of p is
that of a confidence sequence: all p for which the likelihood of what was seen is not less than
ALPHA times its mean over all p,

    p^f (1-p)^(n-f)  >=  alpha * B(f+1, n-f+1)

By Ville's inequality the true p is outside at any time at all with probability alpha at most, so
that one may look after each run, stop when one likes, and go on with what later steps add.

With a confidence of P that the culprit is the right one, half of 1-P is for the bound, and the
other half for all commits of a bisection that are called good, an equal share each. It is
assumed that all bad commits fail equally often, and runs independently of each other.
"""

import math
from dataclasses import dataclass

# A failure that is rarer than what so many runs can tell is not one to bisect.
MOST_RUNS = 2000
# Without a failure in so many runs of the bad commit there is nothing to look for.
MOST_SILENT = 200
_ROUNDS = 60                            # of bisection, of an interval of length 1


@dataclass(frozen=True)
class Seen:
    """Runs at bad commits."""
    failures: int = 0
    runs: int = 0

    def __add__(self, other: "Seen") -> "Seen":
        return Seen(self.failures + other.failures, self.runs + other.runs)


def lower_bound(seen: Seen, alpha: float) -> float:
    """The least probability of a failure that `seen` leaves possible; wrong, however often it is
    asked for, with a probability of at most `alpha`."""
    f, n = seen.failures, seen.runs
    if not f:
        return 0.0
    least = math.log(alpha) + math.lgamma(f + 1) + math.lgamma(n - f + 1) - math.lgamma(n + 2)

    def possible(p: float) -> bool:
        rest = (n - f) * math.log1p(-p) if n > f else 0.0
        return f * math.log(p) + rest >= least

    # Below f/n the likelihood rises with p.
    low, high = 0.0, f / n
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if middle > 0 and possible(middle):
            high = middle
        else:
            low = middle
    return low


def passes_needed(p: float, error: float) -> int:
    """How many passes in a row come of a commit that fails with probability `p` with one
    of at most `error`."""
    if p <= 0:
        return MOST_RUNS + 1
    if p >= 1:
        return 1
    return max(1, math.ceil(math.log(error) / math.log1p(-p)))


@dataclass(frozen=True)
class Rule:
    """How often to run: `repeat` times, or, with a `confidence`, as often as that takes, in a
    bisection that calls at most `steps` commits good; with both, `repeat` is the most."""
    repeat: int = 0
    confidence: float = 0.0
    steps: int = 1

    def passes(self, seen: Seen) -> int:
        """How many passes in a row make a commit good; more than MOST_RUNS if too little is
        known for a number."""
        if not self.confidence:
            return self.repeat or 1
        doubt = 1 - self.confidence
        needed = passes_needed(lower_bound(seen, doubt / 2), doubt / 2 / max(1, self.steps))
        return min(needed, self.repeat) if self.repeat else needed

    def most_silent(self) -> int:
        """How many runs without a failure it takes to call the bad end of the history good."""
        return self.repeat or (MOST_SILENT if self.confidence else 1)

    def known_enough(self, seen: Seen) -> bool:
        """The bad end was run often enough: as often as it then takes to call a commit good, so
        that neither number is large because the other one is small."""
        if not seen.failures:
            return False
        if not self.confidence:
            return True
        return seen.runs >= min(self.passes(seen), MOST_RUNS)

    def attained(self, seen: Seen, good: list[int]) -> float:
        """The confidence that the culprit is right, where commits were called good after so
        many passes each."""
        alpha = (1 - self.confidence) / 2 if self.confidence else 0.025
        p = lower_bound(seen, alpha)
        return max(0.0, 1 - alpha - sum((1 - p) ** passes for passes in good))
