# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of the checker: what it costs the device, and what its module costs the guest.

Figure check is the time of some tests of suite exec, with the checker and without it: those
that work and do not wait. Figure dma-check is what the guest measures in frames.cost.
"""

import io

from . import results, run, table
from .errors import MaliError
from .figure import Round, Samples, Source

TIMEOUT = 600
WORK = ("exec.multiple", "exec.loop", "exec.ring_64k", "exec.many_vms", "exec.thousand_groups",
        "exec.random")
COST = "frames.cost"


def _run(round_: Round, check: str, tests: tuple[str, ...]) -> list[results.Test]:
    """`tests`, all of which passed; boot is not among them."""
    report = run.run_tests(round_.prepared.with_check(check), tests,
                           table.Paper(io.StringIO()), timeout=TIMEOUT)
    by_name = {test.name: test for test in report.tests}
    for name in tests:
        test = by_name.get(name)
        if test is None or test.status != results.PASS:
            reason = test.reason if test else "it was not run"
            raise MaliError(f"the checker's cost was not measured: {reason}: "
                            f"./mali-vm run {name} --check {check} shows more", code=1)
    return [by_name[name] for name in tests]


def _measure_device(round_: Round) -> Samples:
    seconds = {}
    for check in ("off", "report") if round_.number % 2 else ("report", "off"):
        seconds[check] = sum(test.seconds for test in _run(round_, check, WORK))
    return Samples([seconds["report"]], [seconds["off"]])


def _measure_guest(round_: Round) -> Samples:
    metrics = _run(round_, "report", (COST,))[0].metrics
    return Samples([1000 * float(metrics["with"])], [1000 * float(metrics["without"])])


_MEASURES = {"check": _measure_device, "dma-check": _measure_guest}


def measure(round_: Round) -> dict[str, Samples]:
    """The figures of the round, each in guests of its own."""
    return {name: _MEASURES[name](round_) for name in round_.names}


SOURCE = Source("the checker", measure)
