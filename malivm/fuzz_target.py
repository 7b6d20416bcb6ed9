# SPDX-License-Identifier: GPL-2.0-or-later
"""What libFuzzer is let loose on: a target, and the program that it becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A target that is built."""
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    seeds: Path | None = None           # a directory of inputs to begin with


@dataclass(frozen=True)
class Target:
    """One target."""
    name: str
    title: str
    runs: int                           # inputs in make check: a few seconds of them
    max_len: int                        # of an input, in bytes
    prepare: Callable[[], Program]      # build what it needs, unless that is there
