# SPDX-License-Identifier: GPL-2.0-or-later
"""A figure of the bench: what it is, what came out, and whether that is good enough."""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import machine


@dataclass
class Samples:
    """What was measured for a figure, in its unit, and what it is compared with."""
    measured: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Round:
    """What a source is asked for."""
    prepared: machine.Prepared
    names: list[str]                    # the figures that are wanted, all of this source
    number: int                         # from 0: what is measured first takes turns


@dataclass(frozen=True)
class Source:
    """Where figures come from: those of one source are measured together."""
    title: str                          # of its progress
    measure: Callable[[Round], dict[str, Samples]]


@dataclass(frozen=True)
class Figure:
    """One figure: what it is, its limit (if any), where to look when it is missed."""
    name: str
    title: str                          # "what / what it is compared with"
    limit: float | None
    unit: str                           # of the samples
    source: Source
    hint: str
    ratio: bool = True                  # the limit is for measured / reference
    least: bool = False                 # the limit is the least, not the most

    def value(self, samples: Samples) -> float:
        """What is held against the limit: the median of the samples, or of the pairs' ratios."""
        if self.ratio:
            return ratio(samples)
        return statistics.median(samples.measured)

    def ok(self, samples: Samples) -> bool:
        """The limit is kept."""
        value = self.value(samples)
        if self.limit is None:
            return True
        return value >= self.limit if self.least else value <= self.limit

    def to_json(self, samples: Samples) -> dict[str, Any]:
        """The form of --json."""
        return {"name": self.name, "value": self.value(samples), "limit": self.limit,
                "limit_is": "least" if self.least else "most",
                "value_is": "ratio" if self.ratio else "measured", "ok": self.ok(samples),
                "unit": self.unit, "measured": samples.measured, "reference": samples.reference}


def _quotient(a: float, b: float) -> float:
    """a / b. An idle machine may use no CPU at all for a second."""
    if b:
        return a / b
    return math.inf if a else 1.0


def ratio(samples: Samples) -> float:
    """The median of the pairs' ratios."""
    return statistics.median(_quotient(a, b)
                             for a, b in zip(samples.measured, samples.reference))
