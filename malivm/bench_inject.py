# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of fault injection: what the rules cost that nobody has set, and those that never hit.

Figure no-rules is QEMU's CPU time for some tests of suite exec, beside that of a QEMU built
without the engine's calls; figure rules the same with a hundred rules, beside none. CPU
time, since what else the machine does is not in it.
"""

import dataclasses
import io

from . import bench_check, machine, qemu, results, run, table
from .errors import MaliError
from .figure import Round, Samples, Source

TIMEOUT = 600

# Of the events that working on the GPU leads to; there are ten of each, and none ever hits.
_NEVER = (
    "reg-read reg=GPU_FAULT_STATUS value={n} skip=1000000 optional -> set value=0",
    "reg-write reg=GPU_CMD value={n}/0xff skip=1000000 optional -> drop",
    "irq line=gpu bits=0x1 skip=1{n}00000 optional -> mute",
    "as-command as=0 command=flush-mem va=0x{n}000 optional -> never",
    "csg-request request=endpoint-config csg=7 skip=1{n}00000 optional -> never",
    "cs-event event=fatal cs=7 skip=1{n}00000 optional -> drop",
    "walk as=0 va=0x{n}000 optional -> fault",
    "access as=7 va=0x{n}000 access=write optional -> drop",
    "fetch opcode=TRACE_POINT pc=0x{n}000 optional -> drop",
    "sync address=0x{n}000 optional -> twice",
)
RULES = [rule.format(n=n) for n in range(10) for rule in _NEVER]


def _cpu_seconds(prepared: machine.Prepared) -> float:
    """QEMU's CPU time for a run of the tests, boot included."""
    report = run.run_tests(prepared, bench_check.WORK, table.Paper(io.StringIO()),
                           timeout=TIMEOUT)
    failed = [test for test in report.tests if test.status != results.PASS]
    if failed or report.crashed or not report.cpu_seconds:
        reason = failed[0].reason if failed else "the guest was lost"
        raise MaliError(f"the cost of rules was not measured: {reason}: ./mali-vm run "
                        f"{' '.join(bench_check.WORK)} shows more", code=1)
    return report.cpu_seconds


def _variants(prepared: machine.Prepared, name: str) -> tuple[machine.Prepared, machine.Prepared]:
    """What figure `name` measures, and what stands beside it."""
    if name == "no-rules":
        plain = dataclasses.replace(prepared, qemu=qemu.ensure_qemu(qemu.UNHOOKED))
        return prepared, plain
    device = {**prepared.device, "inject": "; ".join(RULES)}
    return dataclasses.replace(prepared, device=device), prepared


def _measure(round_: Round, name: str) -> Samples:
    pair = _variants(round_.prepared, name)
    order = (0, 1) if round_.number % 2 else (1, 0)
    seconds = {which: _cpu_seconds(pair[which]) for which in order}
    return Samples([seconds[0]], [seconds[1]])


def measure(round_: Round) -> dict[str, Samples]:
    """The figures of the round, each in guests of its own."""
    return {name: _measure(round_, name) for name in round_.names}


SOURCE = Source("rules", measure)
