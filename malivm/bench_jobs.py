# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of jobs on the GPU: the guest's suite bench, and the host's programs beside it.

Figure NAME is the guest's test bench.NAME, whose metrics are `measured` and, where it is
the guest that measures both, `reference`. Where tests/bench/NAME.c is, that program's
output is the reference.
"""

import functools
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import paths, proc, results, run, table
from .errors import MaliError
from .figure import Round, Samples, Source

SUITE = "bench"
SOURCES = paths.PROJECT / "tests" / "bench"
CFLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")
TIMEOUT = 600


@functools.cache
def _programs() -> Mapping[str, Path]:
    """The host's programs, compiled: figure -> file."""
    home = paths.build() / SUITE
    names = sorted(source.stem for source in SOURCES.glob("*.c"))
    with paths.whole_dir(home) as folder:
        for name in names:
            proc.run(["gcc", *CFLAGS, "-o", folder / name, SOURCES / f"{name}.c"],
                     f"compiling {name}.c", log="bench-build")
    return {name: home / name for name in names}


def _measure_host(names: Sequence[str]) -> dict[str, float]:
    return {name: float(proc.run([program], f"the host's side of {name}"))
            for name, program in _programs().items() if name in names}


def parse(names: Sequence[str], tests: Sequence[results.Test],
          host: Mapping[str, float]) -> dict[str, Samples]:
    """The figures `names` from the guest's `tests` and the `host`'s references."""
    by_name = {test.name: test for test in tests}
    found = {}
    for name in names:
        test = by_name.get(f"{SUITE}.{name}")
        if test is None or test.status != results.PASS:
            reason = test.reason if test else "it was not run"
            raise MaliError(f"{name} was not measured: {reason}: "
                            f"./mali-vm run {SUITE}.{name} shows more", code=1)
        reference = host.get(name, test.metrics.get("reference"))
        found[name] = Samples([float(test.metrics["measured"])],
                              [] if reference is None else [float(reference)])
    return found


def measure(round_: Round) -> dict[str, Samples]:
    """One run of the suite, with the host's programs before it or after it."""
    host_first = round_.number % 2 == 0
    host = _measure_host(round_.names) if host_first else {}
    report = run.run_tests(round_.prepared, [f"{SUITE}.{name}" for name in round_.names],
                           table.Paper(io.StringIO()), timeout=TIMEOUT)
    if not host_first:
        host = _measure_host(round_.names)
    return parse(round_.names, report.tests, host)


SOURCE = Source("jobs in a guest", measure)
