# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm bench: what the device costs, with and without it side by side.

Every figure comes from pairs of machines started in turn, one with the GPU and one
without, so that what else the host does falls on both. A machine that waits for its
partner is stopped; for the idle figure both run at the same time.
"""

import argparse
import json
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import machine, paths, progress, run, table, vm
from .errors import MaliError
from .results import BOOT_NOTE, EXIT_FAIL, EXIT_PASS

BOOT_SECONDS = 120                      # a machine that is not up by then is not coming
SETTLE_SECONDS = 8                      # until the later guest has nothing left to do
IDLE_SLICES = 10                        # of a second: one with a timer's work in it is no matter

_INIT = re.compile(r"Run /init as init process")        # init/main.c, run_init_process()
_NOTE = re.compile(r"(\w+)=([\d.]+)")


@dataclass(frozen=True)
class Figure:
    """One figure: what it is, its limit, where to look when it is missed."""
    name: str
    title: str
    limit: float
    unit: str                           # of the two sides
    hint: str
    ratio: bool = True                  # the limit is for with / without
    scale: float = 1.0                  # from seconds to `unit`


FIGURES = (
    Figure("boot", "start of QEMU to init", 1.10, "s",
           "perf record -g on QEMU from its start: what runs before the guest's first access?"),
    Figure("probe", "the driver's probe, guest time", 150, "ms",
           "run with --log: the kernel's time stamps show which step of the probe waits; "
           "QEMU's -trace 'mali_csf_*' shows for what", ratio=False, scale=1e3),
    Figure("idle", "idle machine, of one host CPU", 1.05, "%",
           "perf record -g -p QEMU while idle: which timer of the device still fires?",
           scale=100),
    Figure("run", "make run, everything built", 15, "s",
           "compare boot and the tests' seconds in its own last line", ratio=False),
)


@dataclass
class Samples:
    """What was measured for a figure, in seconds (idle: share of a CPU)."""
    with_device: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)


def value(figure: Figure, samples: Samples) -> float:
    """What is held against the limit: the median of the pairs' ratios, or of the samples."""
    if figure.ratio:
        return statistics.median(a / b for a, b in zip(samples.with_device, samples.without))
    return statistics.median(samples.with_device) * figure.scale


class _Booted:
    """A machine that waits at its shell's prompt, and how long it took to get there."""

    def __init__(self, running: vm.Vm):
        self.vm = running
        self.init = 0.0
        self.note: dict[str, float] = {}
        try:
            for event in running.events(running.started + BOOT_SECONDS):
                if event.channel == vm.CONSOLE and _INIT.search(event.text):
                    self.init = event.time - running.started
                elif event.channel == vm.TAP and event.text.startswith(BOOT_NOTE):
                    self.note = {k: float(v) for k, v in _NOTE.findall(event.text)}
                if self.init and self.note:
                    return
        except vm.Timeout:
            pass
        raise MaliError("a guest did not boot: ./mali-vm run shows why", code=3)


def _measure_pair(prepared: machine.Prepared, number: int, idle: bool,
                  samples: dict[str, Samples]) -> None:
    settings = ["mode=shell"]
    order = (True, False) if number % 2 == 0 else (False, True)
    with vm.Vm(prepared.config(settings, device=order[0])) as first:
        pair = {order[0]: _Booted(first)}
        first.qmp.execute("stop")
        with vm.Vm(prepared.config(settings, device=order[1])) as second:
            pair[order[1]] = _Booted(second)
            first.qmp.execute("cont")
            samples["boot"].with_device.append(pair[True].init)
            samples["boot"].without.append(pair[False].init)
            if "probe_ms" not in pair[True].note:
                raise MaliError("the driver did not probe: ./mali-vm run probe shows why", code=1)
            samples["probe"].with_device.append(pair[True].note["probe_ms"] / 1e3)
            if idle:
                _measure_idle(pair[True].vm, pair[False].vm, samples["idle"])


def _measure_idle(with_device: vm.Vm, without: vm.Vm, samples: Samples) -> None:
    def read() -> tuple[float, float, float]:
        return time.monotonic(), with_device.cpu_seconds(), without.cpu_seconds()

    time.sleep(SETTLE_SECONDS)
    before = read()
    for _ in range(IDLE_SLICES):
        time.sleep(1)
        after = read()
        span, used, used_without = (b - a for a, b in zip(before, after))
        samples.with_device.append(used / span)
        samples.without.append(used_without / span)
        before = after


def _measure_run(samples: Samples) -> None:
    start = time.monotonic()
    done = subprocess.run(["make", "--no-print-directory", "run"], cwd=paths.PROJECT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    samples.with_device.append(time.monotonic() - start)
    if done.returncode:
        raise MaliError("make run failed, so it was not measured: run it to see why", code=1)


def measure(prepared: machine.Prepared, names: list[str], repeat: int) -> dict[str, Samples]:
    """Measure the figures `names`, each `repeat` times."""
    samples = {figure.name: Samples() for figure in FIGURES}
    if {"boot", "probe", "idle"} & set(names):
        with progress.step(f"{repeat} pairs of machines, with and without the device") as step:
            for number in range(repeat):
                _measure_pair(prepared, number, "idle" in names, samples)
                step.update(number + 1, repeat)
    if "run" in names:
        with progress.step("make run") as step:
            for number in range(repeat):
                _measure_run(samples["run"])
                step.update(number + 1, repeat)
    return samples


def figure_json(figure: Figure, samples: Samples) -> dict[str, Any]:
    """A figure in the form of --json."""
    result = value(figure, samples)
    return {"name": figure.name, "value": result, "limit": figure.limit,
            "unit": "ratio" if figure.ratio else figure.unit, "ok": result <= figure.limit,
            "with": samples.with_device, "without": samples.without}


def _row(paper: table.Paper, figure: Figure, samples: Samples) -> list[str]:
    def side(values: list[float]) -> str:
        if not values:
            return ""
        return f"{statistics.median(values) * figure.scale:.2f} {figure.unit}"

    result = value(figure, samples)
    unit = "" if figure.ratio else f" {figure.unit}"
    digits: Callable[[float], str] = "{:.2f}".format if figure.ratio else "{:.0f}".format
    verdict = paper.paint("ok", "green") if result <= figure.limit else \
        paper.paint("MISSED", "red")
    return [figure.title, side(samples.with_device), side(samples.without),
            f"{result:.3f}" if figure.ratio else "", digits(figure.limit) + unit, verdict]


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    known = [figure.name for figure in FIGURES]
    for name in args.names:
        if name not in known:
            raise MaliError(f"there is no figure {name}: choose from {', '.join(known)}")
    names = args.names or known
    json_path = run.check_json(args.json)
    samples = measure(machine.prepare(args), names, args.repeat)
    figures = [figure for figure in FIGURES if figure.name in names]
    paper = table.Paper()
    table.grid(paper, ["", "with", "without", "ratio", "limit", ""],
               [_row(paper, figure, samples[figure.name]) for figure in figures],
               right=(1, 2, 3, 4))
    missed = [f for f in figures if value(f, samples[f.name]) > f.limit]
    for figure in missed:
        paper.line(f"{figure.name} missed its limit; to find out why: {figure.hint}")
    if json_path is not None:
        document = {"repeat": args.repeat,
                    "figures": [figure_json(f, samples[f.name]) for f in figures]}
        paths.write_whole(json_path, json.dumps(document, indent=2) + "\n")
    return EXIT_FAIL if missed and args.strict else EXIT_PASS
