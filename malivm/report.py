# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm report: the results of one run or several as one HTML page that needs nothing else.

A section is a function of SECTIONS. What a run did not measure its section says in a sentence.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import charts, paths, progress
from .errors import MaliError
from .report_page import Page, names, text
from .results import FAIL, PASS

_MIB = 1024 * 1024
#: of the driver's functions, those that took longest
_FUNCTIONS = 40
#: of an eviction: the key in the run's JSON, and the column
EVICTION = (("test", "test"), ("path", "path"), ("passes", "passes"), ("pages", "pages"),
            ("lock_ns", "lock ns"), ("flush_ns", "flush ns"), ("stalls", "stalls"),
            ("jobs_delayed", "jobs delayed"), ("refaults", "refaults"),
            ("trylock", "locks not got"))


@dataclass
class Trace:
    """What a page tells of a trace of `run --trace`."""
    about: dict[str, Any] = field(default_factory=dict)
    memory: list[dict[str, Any]] = field(default_factory=list)
    #: microseconds of each call, by the driver's function
    calls: dict[str, list[float]] = field(default_factory=dict)
    #: how often, by the title of what a rule did or the device's MMU took exception to
    marks: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass
class Input:
    """A run's results."""
    name: str
    document: Mapping[str, Any]

    @property
    def tests(self) -> list[dict[str, Any]]:
        """Its tests, those that have a name."""
        return _rows(self.document, "tests", "name")


def _rows(document: Mapping[str, Any], key: str, *needed: str) -> list[dict[str, Any]]:
    """The objects of a list that a document may have, those that have what is needed."""
    rows = document.get(key)
    if not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, dict) and all(name in row for name in needed)]


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise MaliError(f"{path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise MaliError(f"{path} is not JSON: name a file of ./mali-vm run --json or "
                        "--trace") from exc
    return document if isinstance(document, dict) else {}


def load_results(files: Sequence[Path]) -> list[Input]:
    """The inputs; an error for a file that is none."""
    found = []
    for path, name in zip(files, names(files)):
        document = _load(path)
        runs = inputs_of(name, document)
        if not runs:
            raise MaliError(f"{path} has no results: name a file of ./mali-vm run --json")
        found += runs
    return found


def inputs_of(name: str, document: Mapping[str, Any]) -> list[Input]:
    """The inputs of what run --json writes: of several kernels, each is one."""
    columns = _rows(document, "kernels")
    if columns:
        return [Input(f"{name}: {_asked(column)}", column) for column in columns]
    return [Input(name, document)] if isinstance(document.get("tests"), list) else []


def _asked(document: Mapping[str, Any]) -> object:
    """The kernel that a run of several was asked for."""
    kernel = document.get("kernel")
    return kernel.get("asked", "?") if isinstance(kernel, dict) else "?"


def load_trace(path: Path) -> Trace:
    """A trace; an error for a file that is none."""
    document = _load(path)
    if not isinstance(document.get("traceEvents"), list):
        raise MaliError(f"{path} has no trace: name a file of ./mali-vm run --trace")
    about = document.get("otherData")
    trace = Trace(about if isinstance(about, dict) else {})
    tracks: dict[object, str] = {}
    open_calls: dict[object, list[dict[str, Any]]] = {}
    for event in _rows(document, "traceEvents", "ph", "name"):
        args = event.get("args")
        args = args if isinstance(args, dict) else {}
        kind, track = event["ph"], event.get("tid")
        if kind == "M" and event["name"] == "thread_name":
            tracks[track] = str(args.get("name"))
        elif kind == "C":
            trace.memory.append({"t_ns": int(event.get("ts", 0) * 1000), "states": args})
        elif kind == "B":
            open_calls.setdefault(track, []).append(event)
        elif kind == "E" and open_calls.get(track):
            begun = open_calls[track].pop()
            function = (begun.get("args") or {}).get("function")
            if function:
                trace.calls.setdefault(str(function), []).append(event["ts"] - begun["ts"])
        name = tracks.get(track, "")
        if kind == "i" and (name == "rules" or name.startswith("AS ")
                            and str(event["name"]).startswith("fault")):
            mark = (name, str(event["name"]))
            trace.marks[mark] = trace.marks.get(mark, 0) + 1
    return trace


# --- The sections ---

def _summary(page: Page, inputs: Sequence[Input]) -> None:
    page.section("summary", "Runs")
    rows = []
    for run in inputs:
        kernel, seconds = (run.document.get(key) for key in ("kernel", "seconds"))
        kernel = kernel if isinstance(kernel, dict) else {}
        seconds = seconds if isinstance(seconds, dict) else {}
        device = run.document.get("device")
        model = device.get("model", "") if isinstance(device, dict) else ""
        count = {status: sum(test.get("status") == status for test in run.tests)
                 for status in ("pass", "fail", "skip", "known")}
        rows.append([run.name, kernel.get("release", ""), kernel.get("origin", ""), model,
                     *count.values(), seconds.get("total", "")])
    page.table("What ran, and what it came to",
               ["run", "kernel", "from", "GPU", "passed", "failed", "skipped", "known",
                "seconds"], rows)


def _verdict(test: Mapping[str, Any] | None) -> str:
    if test is None:
        return '<td class="note">not run</td>'
    status = str(test.get("status", ""))
    kind = status if status in ("pass", "fail", "skip", "known") else "skip"
    seconds = test.get("seconds", 0)
    took = f"{seconds:.2f} s" if isinstance(seconds, (int, float)) else ""
    reason = str(test.get("reason", ""))
    hint = f' title="{text(reason)}"' if reason else ""
    return f'<td class="{kind}"{hint}>{text(status)} <span class="seconds">{text(took)}</span></td>'


def _matrix(page: Page, inputs: Sequence[Input]) -> None:
    page.section("matrix", "Results")
    by_run = [{str(test["name"]): test for test in run.tests} for run in inputs]
    order = dict.fromkeys(name for tests in by_run for name in tests)
    suites: dict[str, list[tuple[str, list[str]]]] = {}
    for name in order:
        suite = name.partition(".")[0]
        cells = [_verdict(tests.get(name)) for tests in by_run]
        suites.setdefault(suite, []).append((name, cells))
    page.matrix("Each test in each run", ["test", *(run.name for run in inputs)], suites.items())


def _failures(page: Page, inputs: Sequence[Input]) -> None:
    page.section("failures", "What failed")
    failed = [(run, test) for run in inputs for test in run.tests if test.get("status") == FAIL]
    unexpected = [(run, found) for run in inputs for found in _rows(run.document, "findings")
                  if not found.get("expected") and not found.get("test")]
    if not failed and not unexpected:
        page.note("Nothing.")
    for run, test in failed:
        page.heading(f"{test['name']} in {run.name}")
        page.note(str(test.get("reason") or "no reason given"))
        log = test.get("log")
        if isinstance(log, list) and log:
            page.log(log)
    for run, found in unexpected:
        page.heading(f"{found.get('kind', 'finding')} in {run.name}")
        page.note(str(found.get("message", "")))


def _words(value: object) -> object:
    """A value for a cell: a table of counts as words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return value


def _eviction(page: Page, inputs: Sequence[Input]) -> None:
    page.section("eviction", "Evictions")
    for run in inputs:
        rows = _rows(run.document, "eviction", "test")
        if rows:
            page.table(f"Evictions of {run.name}", [title for _, title in EVICTION],
                       [[_words(row.get(key, "")) for key, _ in EVICTION] for row in rows])
        else:
            page.note(f"{run.name} measured no evictions.")


def _classes(edges: Sequence[int], count: int, unit: str) -> list[str] | None:
    """What the classes of a histogram are called: edges stand between them, or around them, or
    each class has its lower one."""
    shown = [_amount(edge, unit) for edge in edges]
    if count == len(edges) + 1:
        return [f"< {shown[0]}", *(f"{low} …" for low in shown)] if shown else None
    if count in (len(edges), len(edges) - 1):
        return [f"{low} …" for low in shown[:count]]
    return None


def _amount(value: int, unit: str) -> str:
    if unit == "ns":
        for size, name in ((10**9, "s"), (10**6, "ms"), (10**3, "µs")):
            if value >= size:
                return f"{value / size:.3g} {name}"
    return f"{value:g} {unit}".strip()


def _numbers(value: object) -> list[Any] | None:
    """A list of numbers, or None if it is none."""
    good = isinstance(value, list) and all(isinstance(number, (int, float)) for number in value)
    return list(value) if good and isinstance(value, list) else None


def _latency(page: Page, inputs: Sequence[Input]) -> None:
    page.section("latency", "Latencies")
    for run in inputs:
        rows = _rows(run.document, "latency", "name")
        if not rows:
            page.note(f"{run.name} measured no latencies.")
        for row in rows:
            edges, counts = _numbers(row.get("edges")), _numbers(row.get("counts"))
            labels = _classes(edges, len(counts), str(row.get("unit", ""))) \
                if edges is not None and counts is not None else None
            if labels is None or counts is None:
                page.note(f"{row['name']} of {run.name} is no histogram that can be shown.")
                continue
            page.heading(f"{row['name']} in {run.name}")
            page.chart(f"{row['name']}: how often it took how long", kind="bars", labels=labels,
                       values=counts, xlabel="from", ylabel="times")
            page.table(f"{row['name']}", ["from", "times"], zip(labels, counts),
                       folded="The numbers")


def _memory_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[float, dict[str, float]]]:
    for row in rows:
        time, states = row.get("t_ns"), row.get("states")
        if isinstance(time, (int, float)) and isinstance(states, dict) and \
                all(isinstance(size, (int, float)) for size in states.values()):
            yield time, states


def _memory(page: Page, inputs: Sequence[Input], trace: Trace | None) -> None:
    page.section("memory", "Memory by state")
    sources = [(run.name, _rows(run.document, "memory")) for run in inputs]
    if trace and not any(rows for _, rows in sources):
        sources.append(("the trace", trace.memory))
    for name, rows in sources:
        points = list(_memory_of(rows))
        if not points:
            page.note(f"{name} measured no memory: ./mali-vm run --trace does.")
            continue
        states = list(dict.fromkeys(state for _, sizes in points for state in sizes))
        start = points[0][0]
        page.chart(f"Buffers of the GPU by state, {name}", kind="stack",
                   x=[(time - start) / 1e9 for time, _ in points], xlabel="seconds",
                   ylabel="MiB", series=[
                       {"name": state, "values": [sizes.get(state, 0) / _MIB
                                                  for _, sizes in points]}
                       for state in states])
        page.table(f"Bytes by state, {name}", ["seconds", *states],
                   [[f"{(time - start) / 1e9:.6f}", *(sizes.get(state, 0) for state in states)]
                    for time, sizes in points], folded="The numbers")


def _rules(page: Page, inputs: Sequence[Input], trace: Trace | None) -> None:
    page.section("rules", "Faults and rules")
    hits, found = [], []
    for run in inputs:
        for owner, rules in [("the command line", _rows(run.document, "rules", "rule"))] + \
                [(str(test["name"]), _rows(test, "rules", "rule")) for test in run.tests]:
            hits += [[rule["rule"], run.name, owner, rule.get("hits", 0)] for rule in rules]
        found += [[finding.get("kind", ""), run.name, finding.get("test", ""),
                   finding.get("message", "")]
                  for finding in _rows(run.document, "findings")]
    if hits:
        page.table("Rules, and how often each hit", ["rule", "run", "of", "hits"], hits)
    if found:
        page.table("Findings", ["kind", "run", "test", "what"], found)
    if trace and trace.marks:
        page.table("Faults and rules in the trace", ["where", "what", "times"],
                   [[track, name, count] for (track, name), count in trace.marks.items()])
    if not hits and not found and not (trace and trace.marks):
        page.note("No rule was given, nothing was found.")


def _trace(page: Page, trace: Trace | None) -> None:
    if trace is None:
        return
    page.section("trace", "Trace")
    lost = trace.about.get("lost")
    page.note(f"Lost: {_words(lost)}." if lost else "No event was lost.")
    skipped = trace.about.get("skipped")
    if isinstance(skipped, list) and skipped:
        page.note(f"This kernel lacks: {'; '.join(map(str, skipped))}.")
    longest = sorted(trace.calls.items(), key=lambda item: -sum(item[1]))[:_FUNCTIONS]
    page.table("The driver's functions, by all the time in them",
               ["function", "calls", "µs in all", "µs at most"],
               [[name, len(times), round(sum(times)), round(max(times))]
                for name, times in longest])


SECTIONS: tuple[Callable[[Page, Sequence[Input], Trace | None], None], ...] = (
    lambda page, inputs, trace: _summary(page, inputs),
    lambda page, inputs, trace: _matrix(page, inputs),
    lambda page, inputs, trace: _failures(page, inputs),
    lambda page, inputs, trace: _eviction(page, inputs),
    lambda page, inputs, trace: _latency(page, inputs),
    _memory,
    _rules,
    lambda page, inputs, trace: _trace(page, trace),
)


def write(inputs: Sequence[Input], trace: Trace | None, out: Path) -> None:
    """Write the page."""
    title = inputs[0].name if len(inputs) == 1 else f"{len(inputs)} runs"
    page = Page(f"mali-vm: {title}")
    for section in SECTIONS:
        section(page, inputs, trace)
    paths.write_whole(out, page.dumps(charts.ensure()))


def write_run(results: str, trace: Path | None, out: Path) -> str:
    """Write the page of a run, of the text that its --json is; returns a sentence for the user.

    A page that cannot be made takes nothing from the run's results: then that is the sentence.
    """
    try:
        write(inputs_of(out.stem, json.loads(results)), load_trace(trace) if trace else None, out)
    except MaliError as exc:
        return f"--report: no page, since {exc.message}"
    return f"{out} has the report; a browser shows it."


def main(args: argparse.Namespace) -> int:
    """The command; returns the exit code: 0, whatever the runs came to."""
    out = paths.check_output("-o", args.output)
    inputs = load_results([Path(name) for name in args.files])
    trace = load_trace(Path(args.trace)) if args.trace else None
    write(inputs, trace, out)
    failed = sum(test.get("status") not in (PASS, "skip", "known")
                 for run in inputs for test in run.tests)
    progress.say(f"{out} has {sum(len(run.tests) for run in inputs)} results, {failed} failed")
    return 0
