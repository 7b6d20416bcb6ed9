# SPDX-License-Identifier: GPL-2.0-or-later
"""Events of the kernel, the driver and the device on one timeline, in the form that Chrome and
Perfetto read (the "Trace Event Format").

The timeline is the machine's clock: QEMU's virtual clock, of which the guest's counter and the
GPU's timestamp are readings. The buffer's clock is compared with it at the beginning, after each
test and at the end; between two of these it is interpolated.
"""

import bisect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import trace_rows
from .trace_device import DeviceEvent
from .trace_ring import Entry
from .trace_rows import BEGIN, CPU, END, INSTANT

TESTS, DRIVER, KERNEL, DEVICE = "tests", "driver", "kernel", "device"
PROCESSES = (TESTS, DRIVER, KERNEL, DEVICE)
COUNTER = "C"
MEMORY = "GPU memory"
_MARKER = "print"


class Sample(NamedTuple):
    """A reading of a clock, and the machine's before and after it."""
    clock: int
    begin: int
    end: int

    @property
    def offset(self) -> int:
        """What the machine's clock is ahead."""
        return (self.begin + self.end) // 2 - self.clock

    @property
    def error(self) -> int:
        """By how much that may be wrong."""
        return (self.end - self.begin + 1) // 2


class Clock:
    """From a clock that was compared with the machine's now and then, to that."""

    def __init__(self, samples: Sequence[Sample]):
        self.samples = sorted(samples)
        self._times = [sample.clock for sample in self.samples]

    def machine(self, time: int) -> int:
        """The machine's time at a time of the clock's."""
        if not self.samples:
            return time
        i = bisect.bisect_right(self._times, time)
        if i in (0, len(self.samples)):
            return time + self.samples[max(i - 1, 0)].offset
        before, after = self.samples[i - 1], self.samples[i]
        span = after.clock - before.clock
        return time + before.offset + \
            (after.offset - before.offset) * (time - before.clock) // max(span, 1)

    def to_json(self) -> dict[str, Any]:
        """How it was compared, for the trace's reader."""
        if not self.samples:
            return {"samples": 0}
        first, last = self.samples[0], self.samples[-1]
        return {"samples": len(self.samples), "offset_ns": first.offset,
                "offset_at_end_ns": last.offset, "drift_ns": last.offset - first.offset,
                "error_ns": max(sample.error for sample in self.samples)}


@dataclass
class Event:
    """Something on a track."""
    time: int
    process: str
    track: str
    kind: str
    title: str
    args: Mapping[str, Any] = field(default_factory=dict)
    pair: str = ""


@dataclass
class Marks:
    """What the guest wrote between the events."""
    clocks: list[Sample] = field(default_factory=list)
    device: list[Sample] = field(default_factory=list)
    tests: list[tuple[int, str, str]] = field(default_factory=list)         # time, word, test
    memory: list[tuple[int, dict[str, int]]] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Marks":
        """Of the entries that are marks; one that makes no sense is none."""
        marks = cls()
        for entry in entries:
            if entry.name == _MARKER:
                word, _, rest = str(entry.fields.get("buf", "")).strip().partition(" ")
                try:
                    marks.take(entry.time, word, rest)
                except (ValueError, TypeError):
                    pass
        return marks

    def take(self, time: int, word: str, rest: str) -> None:
        """One of them, as tests/guest/record.c writes it."""
        if word == "clock":
            self.clocks.append(Sample(*map(int, rest.split())))
        elif word == "device":
            self.device.append(Sample(*map(int, rest.split())))
        elif word in ("begin", "end"):
            self.tests.append((time, word, rest))
        elif word == "memory":
            pairs = (pair.partition("=") for pair in rest.split())
            self.memory.append((time, {name: int(value) for name, _, value in pairs}))


class _Named(dict[str, Any]):
    """Fields of a title; one that is missing is a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


def title(template: str, fields: Mapping[str, Any]) -> str:
    """`template` with the values of `fields`, by name where they have names."""
    shown = {name: trace_rows.NAMES[name].get(value, value) if name in trace_rows.NAMES
             and isinstance(value, int) else value for name, value in fields.items()}
    try:
        return template.format_map(_Named(shown))
    except ValueError:
        # A number's form for what is none
        return template


# --- From rows to events ---

def _task(entry: Entry, tasks: Mapping[int, str]) -> str:
    name = tasks.get(entry.pid, "swapper" if not entry.pid else "task")
    # The idle task is one on each CPU.
    return f"{name}/{entry.cpu} (idle)" if not entry.pid else f"{name} ({entry.pid})"


def kernel_events(entries: Iterable[Entry], clock: Clock,
                  tasks: Mapping[int, str]) -> Iterator[Event]:
    """The kernel's and the driver's, of what the buffer had."""
    points = {row.name: row for row in trace_rows.TRACEPOINTS}
    functions = {row.function: row for row in trace_rows.FUNCTIONS}
    shrinker = 0                        # the driver's, by its address
    for entry in entries:
        time, task = clock.machine(entry.time), _task(entry, tasks)
        args = {"cpu": entry.cpu, **entry.fields}
        function = functions.get(entry.name.removesuffix(trace_rows.RETURN))
        if entry.name == "panthor_gem_shrinker_scan":
            shrinker = entry.fields.get("__probe_ip", 0)
        if function:
            kind = END if entry.name != function.function else \
                BEGIN if function.returns else INSTANT
            yield Event(time, DRIVER, task, kind, function.title,
                        {"function": function.function, **args}, function.function)
        elif entry.name in points:
            row = points[entry.name]
            name = title(row.title, entry.fields)
            if shrinker and entry.fields.get("shrink") == shrinker:
                name += ": panthor"
            yield Event(time, KERNEL, f"CPU {entry.cpu}" if row.by == CPU else task, row.kind,
                        name, args, row.pair)


def device_events(found: Iterable[DeviceEvent], offset: int) -> Iterator[Event]:
    """The device's, of its log; its clock is `offset` behind the machine's."""
    rows = {row.event: row for row in trace_rows.DEVICE}
    for event in found:
        row = rows.get(event.name)
        if row:
            yield Event(event.time + offset, DEVICE, title(row.track, event.fields), row.kind,
                        title(row.title, event.fields), event.fields, row.pair)


def mark_events(marks: Marks, clock: Clock) -> Iterator[Event]:
    """The tests, and the memory."""
    for time, word, test in marks.tests:
        yield Event(clock.machine(time), TESTS, "tests", BEGIN if word == "begin" else END, test,
                    pair=test)
    for time, states in marks.memory:
        yield Event(clock.machine(time), DRIVER, MEMORY, COUNTER, MEMORY, states)


def device_offset(marks: Marks) -> int:
    """What the device's clock is behind the machine's: nothing, unless it was measured to be
    more than the measurement may be wrong by."""
    best = min(marks.device, key=lambda sample: sample.error, default=Sample(0, 0, 0))
    return best.offset if abs(best.offset) > best.error else 0


# --- Slices ---

@dataclass
class Balance:
    """How often a slice had only one end."""
    unbegun: int = 0
    unfinished: int = 0
    earlier: int = 0                    # begun before the recording


def balanced(events: Iterable[Event], balance: Balance) -> Iterator[Event]:
    """`events`, by time, with an end for each beginning on its track and none without one.

    An end closes what was begun inside of the same slice and has not ended: its own end was lost.
    """
    stacks: dict[tuple[str, str], list[Event]] = {}
    begun_there: set[tuple[str, str, str]] = set()
    last = 0
    for event in events:
        last = event.time
        stack = stacks.setdefault((event.process, event.track), [])
        if event.kind == BEGIN:
            if event.process == DEVICE:
                # There is one state, which changes: a second LOCK ends the first.
                yield from _close(stack, event.pair, event.time, balance)
            stack.append(event)
            begun_there.add((event.process, event.track, event.pair))
        elif event.kind == END:
            if not any(begun.pair == event.pair for begun in stack):
                if (event.process, event.track, event.pair) in begun_there:
                    balance.unbegun += 1
                else:
                    balance.earlier += 1
                continue
            while stack[-1].pair != event.pair:
                yield _lost_end(stack.pop(), event.time, balance)
            begun = stack.pop()
            event.title = begun.title
        yield event
    for stack in stacks.values():
        while stack:
            yield _lost_end(stack.pop(), last, balance)


def _lost_end(begun: Event, time: int, balance: Balance) -> Event:
    balance.unfinished += 1
    return Event(time, begun.process, begun.track, END, begun.title,
                 {"end": "not recorded"}, begun.pair)


def _close(stack: list[Event], pair: str, time: int, balance: Balance) -> Iterator[Event]:
    while any(begun.pair == pair for begun in stack):
        yield _lost_end(stack.pop(), time, balance)


# --- The file ---

def _args(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that JSON's readers would round are text."""
    return {name: f"{value:#x}" if isinstance(value, int) and abs(value) >= 1 << 53 else value
            for name, value in values.items() if not name.startswith("__")}


def chrome(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """The form of Chrome's: names of processes and tracks as they first come, then the event."""
    for number, process in enumerate(PROCESSES, 1):
        yield {"ph": "M", "name": "process_name", "pid": number, "tid": 0,
               "args": {"name": process}}
        yield {"ph": "M", "name": "process_sort_index", "pid": number, "tid": 0,
               "args": {"sort_index": number}}
    tracks: dict[tuple[str, str], int] = {}
    for event in events:
        pid = PROCESSES.index(event.process) + 1
        if (event.process, event.track) not in tracks:
            tracks[event.process, event.track] = number = len(tracks) + 1
            yield {"ph": "M", "name": "thread_name", "pid": pid, "tid": number,
                   "args": {"name": event.track}}
        out: dict[str, Any] = {
            "ph": event.kind, "name": event.title, "pid": pid,
            "tid": tracks[event.process, event.track], "ts": event.time / 1000,
            "args": _args(event.args)}
        if event.kind == INSTANT:
            out["s"] = "t"
        yield out


def dumps(events: Iterable[dict[str, Any]], about: Mapping[str, Any]) -> str:
    """The text of the file, an event a line."""
    lines = ",\n".join(json.dumps(event) for event in events)
    return f'{{"displayTimeUnit": "ns",\n"otherData": {json.dumps(about, indent=1)},\n' \
           f'"traceEvents": [\n{lines}\n]}}\n'
