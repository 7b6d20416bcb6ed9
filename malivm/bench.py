# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm bench: what the device costs, beside something that costs the same everywhere.

A figure is a row of FIGURES; its source measures it, several times. What it is compared
with is measured on the same host at nearly the same time.
"""

import argparse
import json
import os
import statistics

from . import (bench_check, bench_fuzz, bench_inject, bench_jobs, bench_kernel, bench_machine,
               bench_step, bench_tlb, guest, machine, options, paths, progress, table)
from .errors import MaliError
from .figure import Figure, Round, Samples, ratio
from .results import EXIT_FAIL, EXIT_PASS

FIGURES = (
    Figure("boot", "start to init / no GPU", 1.10, "s", bench_machine.PAIRS,
           "perf record -g on QEMU from its start: what runs before the guest's first access?"),
    Figure("probe", "the driver's probe", 150, "ms", bench_machine.PAIRS,
           "run with --log: the kernel's time stamps show which step of the probe waits; "
           "QEMU's -trace 'mali_csf_*' shows for what", ratio=False),
    Figure("idle", "idle, of a CPU / no GPU", 1.05, "%", bench_machine.PAIRS,
           "perf record -g -p QEMU while idle: which timer of the device still fires?"),
    Figure("loop", "register loop / host C", 100, "M/s", bench_jobs.SOURCE,
           "perf record -g on QEMU: how much of it is decoding, how much the scheduler "
           "between slices?", ratio=False, least=True),
    Figure("copy", "64 MiB copy / host memcpy", 0.5, "GB/s", bench_jobs.SOURCE,
           "perf record -g on QEMU: how often is a page's translation looked up?", least=True),
    Figure("fence", "job to fence / ping-pong", 4, "us", bench_jobs.SOURCE,
           "QEMU's -trace 'mali_csf_*': how long from doorbell to interrupt, and how many "
           "interrupts are there for a job?"),
    Figure("queue", "job of 1,000 / ping-pong", 1.5, "us", bench_jobs.SOURCE,
           "QEMU's -trace 'mali_csf_*': how many slices and interrupts are there for a job?"),
    Figure("groups", "job, 8 busy groups / 1", 1.3, "us", bench_jobs.SOURCE,
           "perf record -g on QEMU: what does a slice do once for each group?"),
    Figure("suspended", "job, 300 suspended / none", 1.1, "us", bench_jobs.SOURCE,
           "what has the driver start and suspend groups that have no jobs? QEMU's -trace "
           "'mali_csf_*' shows the requests"),
    Figure("evict", "pages out, back / tmpfs", 0.9, "k/s", bench_jobs.SOURCE,
           "./mali-vm run measure: how long is a region locked, and how long flushed? perf record "
           "-g on QEMU: what does the guest do for a page?", least=True),
    Figure("tlb-hit", "TLB hit beyond an access", 6, "ns", bench_tlb.SOURCE,
           "perf record on build/bench-mali-csf-tlb: what does mali_tlb_lookup() touch besides "
           "the front and the entry?", ratio=False),
    Figure("tlb-miss", "TLB miss / hit", 40, "ns", bench_tlb.SOURCE,
           "perf record on build/bench-mali-csf-tlb: the walk, the search, or the insertion?"),
    Figure("tlb-drop", "TLB drop of many / few", 8, "ns", bench_tlb.SOURCE,
           "perf record on build/bench-mali-csf-tlb: what does a drop look at that stays?"),
    Figure("check", "exec, checker on / off", 1.5, "s", bench_check.SOURCE,
           "perf record -g on QEMU: how many accesses are checked (mali_mmu_check_access()), and "
           "what does one of them walk?"),
    Figure("dma-check", "page loop, module / none", 1.1, "ms", bench_check.SOURCE,
           "./mali-vm run frames.cost --check report; in the guest, what runs in hooks.c for a "
           "page?"),
    Figure("no-rules", "CPU, engine / no engine", 1.02, "s", bench_inject.SOURCE,
           "perf record -g on QEMU: which mali_inject() is asked without a rule?"),
    Figure("rules", "CPU, 100 rules / none", 1.10, "s", bench_inject.SOURCE,
           "perf record -g on QEMU: how often is mali_inject_ask() called, and for which event?"),
    Figure("fuzz", "random cases", None, "/s", bench_fuzz.SOURCE,
           "perf record -g on QEMU under the fuzz test: the device, or qtest?", ratio=False,
           least=True),
    Figure("smoke", "smoke, debug kernel", 60, "s", bench_kernel.SOURCE,
           "./mali-vm run reclaim.smoke --kernel built: which state takes longest?", ratio=False),
    Figure("first-test", "start to test, plain", 2, "s", bench_kernel.SOURCE,
           "./mali-vm run probe.query --kernel built:plain --log log: the console's time stamps "
           "show what is waited for", ratio=False),
    Figure("step", "bisection step / boot", 1.5, "s", bench_step.SOURCE,
           "step-build, step-test and boots say which of its parts it is"),
    Figure("step-build", "its build, one file", 10, "s", bench_step.SOURCE,
           "build/logs/module.log: is more compiled than the one file? And what takes the rest: "
           "the module's build, or the initramfs?", ratio=False),
    Figure("step-test", "its test", None, "s", bench_step.SOURCE,
           "./mali-vm run evict.bound1-4k.shrink: the test's own seconds", ratio=False),
    Figure("boots", "boots an hour / no GPU", 0.8, "/h", bench_step.SOURCE,
           "the figures boot and probe", least=True),
    Figure("run", "make run, everything built", 15, "s", bench_machine.RUN,
           "compare boot and the tests' seconds in its own last line", ratio=False),
)


def measure(prepared: machine.Prepared, figures: list[Figure],
            repeat: int) -> dict[str, Samples]:
    """Measure `figures`, each `repeat` times."""
    samples = {figure.name: Samples() for figure in figures}
    for source in dict.fromkeys(figure.source for figure in figures):
        names = [figure.name for figure in figures if figure.source is source]
        with progress.step(source.title) as step:
            for number in range(repeat):
                for name, more in source.measure(Round(prepared, names, number)).items():
                    if name in names:
                        samples[name].measured += more.measured
                        samples[name].reference += more.reference
                step.update(number + 1, repeat)
    return samples


def _digits(number: float) -> str:
    return f"{number:.2f}" if number < 100 else f"{number:.0f}"


def _row(paper: table.Paper, figure: Figure, samples: Samples) -> list[str]:
    def side(values: list[float]) -> str:
        return f"{_digits(statistics.median(values))} {figure.unit}" if values else ""

    row = [figure.title, side(samples.measured), side(samples.reference),
           f"{ratio(samples):.3f}" if samples.reference else ""]
    if figure.limit is None:
        return [*row, "", ""]
    limit = f"{figure.limit:.2f}" if figure.ratio else f"{figure.limit:.0f} {figure.unit}"
    return [*row, f"{'min' if figure.least else 'max'} {limit}",
            paper.paint("ok", "green") if figure.ok(samples) else paper.paint("MISSED", "red")]


def _chosen(names: list[str]) -> list[Figure]:
    """The figures `names`, all if there are none, in the order of the table."""
    known = [figure.name for figure in FIGURES]
    for name in names:
        if name not in known:
            raise MaliError(f"there is no figure {name}: choose from {', '.join(known)}")
    return [figure for figure in FIGURES if figure.name in (names or known)]


def _tell_if_busy() -> None:
    """QEMU has three threads at work: where they wait for a CPU, that is what is measured."""
    load, cpus = os.getloadavg()[0], os.cpu_count() or 1
    if load > cpus / 2:
        progress.say(f"this machine is at work already (load {load:.1f}, {cpus} CPUs): "
                     "for figures that mean something, let it finish first")


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code."""
    figures = _chosen(args.names)
    json_path = paths.check_output("--json", args.json) if args.json else None
    # With the module in the initramfs, which is not loaded without the checker.
    checked = any(figure.source is bench_check.SOURCE for figure in figures)
    suites = [guest.Suite(apart=True, check="report")] if checked else []
    prepared = machine.prepare(args, suites).with_check(args.check or options.CHECKS[0])
    _tell_if_busy()
    samples = measure(prepared, figures, args.repeat)
    paper = table.Paper()
    table.grid(paper, ["", "measured", "beside", "ratio", "limit", ""],
               [_row(paper, figure, samples[figure.name]) for figure in figures],
               right=(1, 2, 3, 4))
    missed = [figure for figure in figures if not figure.ok(samples[figure.name])]
    for figure in missed:
        paper.line(f"{figure.name} missed its limit; to find out why: {figure.hint}")
    if json_path is not None:
        document = {"repeat": args.repeat,
                    "figures": [figure.to_json(samples[figure.name]) for figure in figures]}
        paths.write_whole(json_path, json.dumps(document, indent=2) + "\n")
    return EXIT_FAIL if missed and args.strict else EXIT_PASS
