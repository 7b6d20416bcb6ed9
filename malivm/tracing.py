# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run --trace: what the kernel, the driver and the device did, on one timeline.

The guest records (tests/guest/record.c) and leaves the pages of its ring buffer in a folder that
it shares with the host; QEMU's log has the device's events. Both are put together when the run
is over. What was lost on the way is counted, in the file and in a line of the run's.
"""

import contextlib
import heapq
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import paths, results, table, trace_device, trace_join, trace_ring, trace_rows
from .errors import MaliError

#: of the guest's buffer, for each CPU; it is emptied after each test
BUFFER_KB = 4096

_FOLDER = "trace"                       # of what is shared, as record.c calls it
_NO_TRACE = "no trace: "                # of init
# More than a guest of a long run leaves; what it puts there beyond is not read.
_MAX_BYTES = 512 * 1024 * 1024


@dataclass
class Recorded:
    """What the guest left."""
    entries: list[trace_ring.Entry] = field(default_factory=list)
    tasks: dict[int, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    whole: bool = False                 # up to the end of the run


def _read(share: Path, name: str) -> bytes:
    """A file of the guest's, which may have put anything there: no link is followed."""
    path = share / _FOLDER / name
    if path.parent.is_symlink() or path.is_symlink() or not path.is_file():
        return b""
    if path.stat().st_size > _MAX_BYTES:
        raise MaliError(f"{name} has more than {_MAX_BYTES >> 20} MiB: trace fewer tests")
    return path.read_bytes()


def _text(share: Path, name: str) -> str:
    return _read(share, name).decode("utf-8", "replace")


def _notes(text: str, recorded: Recorded) -> int:
    """What record.c noted; returns the size of a page."""
    size = 4096
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "page" and rest in ("4096", "16384", "65536"):
            size = int(rest)
        elif word == "skipped":
            recorded.skipped.append(rest)
        elif word == "missed":
            name, _, count = rest.rpartition(" ")
            recorded.lost[f"calls of {name}"] += int(count) if count.isdigit() else 0
        elif word == "lost":
            recorded.lost["pages that could not be written"] += 1
        elif word == "end":
            recorded.whole = True
        elif stats := re.match(r"stats (\d+) (overrun|dropped events): (\d+)$", line):
            recorded.lost[f"{stats[2]} on CPU {stats[1]}"] += int(stats[3])
    return size


def read_guest(share: Path) -> Recorded:
    """Read all of it."""
    recorded = Recorded()
    size = _notes(_text(share, "notes"), recorded)
    known = trace_ring.formats(_text(share, "formats"))
    for line in _text(share, "tasks").splitlines():
        pid, _, name = line.partition(" ")
        if pid.isdigit():
            recorded.tasks[int(pid)] = name
    overwritten = 0
    cpus = sorted(path.name for path in (share / _FOLDER).glob("cpu*")
                  if re.fullmatch(r"cpu\d+", path.name))
    for name in cpus:
        for page in trace_ring.pages(_read(share, name), size, int(name[3:]), known):
            recorded.entries += page.entries
            overwritten += max(page.missed, 0)
    if not recorded.whole:
        # Otherwise the buffers' own counts are there, and these are among them.
        recorded.lost["overwritten"] += overwritten
    recorded.entries.sort(key=lambda entry: entry.time)
    recorded.lost = +recorded.lost
    return recorded


class Session:
    """The trace of a run, on its way to a file."""

    def __init__(self, name: str):
        self.path = paths.check_output("--trace", name)
        self._temp = tempfile.TemporaryDirectory(prefix="mali-vm-")
        self.log = Path(self._temp.name) / "qemu.log"
        self.settings = ["trace=1", f"trace-kb={BUFFER_KB}", *trace_rows.settings()]
        self.device = trace_rows.device_events()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._temp.cleanup()

    @contextlib.contextmanager
    def share(self) -> Iterator[Path]:
        """A folder for the guest, if there is none yet for something else."""
        with tempfile.TemporaryDirectory(prefix="mali-vm-") as temp:
            yield Path(temp)

    def prepare(self, share: Path) -> None:
        """Make what the guest looks for in the folder."""
        (share / _FOLDER).mkdir()

    def join(self, share: Path, log: str | None, report: results.Report) -> "Joined":
        """Put all together; the report gets what is the run's. `log` is the folder of --log."""
        joined = join(share, Path(log) / self.log.name if log else self.log)
        report.memory = joined.memory
        return joined

    def save(self, joined: "Joined", report: results.Report, paper: table.Paper) -> None:
        """Write the file, say what it has and lacks."""
        refused = [note.removeprefix(_NO_TRACE) for note in report.notes
                   if note.startswith(_NO_TRACE)]
        about: dict[str, Any] = {
            "kernel": dict(report.kernel), "gpu": dict(report.device), **joined.about}
        if refused:
            about["no_kernel_events"] = refused[0]
        paths.write_whole(self.path, trace_join.dumps(trace_join.chrome(joined.events), about))
        for line in joined.sentences(refused):
            paper.line(line)
        paper.line(f"{self.path} has the trace: {joined.summary()}; Perfetto and "
                   "chrome://tracing show it.")


@dataclass
class Joined:
    """All on one timeline."""
    events: list[trace_join.Event]
    about: dict[str, Any]
    memory: list[dict[str, Any]]

    def summary(self) -> str:
        """How many events of whom."""
        return ", ".join(f"{count} events of the {process}"
                         for process, count in self.about["events"].items())

    def sentences(self, refused: list[str]) -> list[str]:
        """What the user has to know of what is missing."""
        lines = []
        if refused:
            lines.append(f"--trace: only the device's events, since {refused[0]}.")
        elif not self.about["whole"]:
            lines.append("--trace: what the kernel did last is missing, since the guest did not "
                         "come to its end.")
        if self.about["lost"]:
            what = ", ".join(f"{count} {name}" for name, count in self.about["lost"].items())
            lines.append(f"--trace: events are lost: {what}.")
        return lines


def join(share: Path, log: Path) -> Joined:
    """What the guest left in `share` and QEMU in `log`, on one timeline."""
    try:
        recorded = read_guest(share)
    except MaliError as exc:
        recorded = Recorded(lost=Counter({f"all of the kernel's ({exc.message})": 1}))
    marks = trace_join.Marks.of(recorded.entries)
    clock = trace_join.Clock(marks.clocks)
    offset = trace_join.device_offset(marks)
    unread: list[str] = []
    device: list[trace_join.Event] = []
    if log.exists():
        with log.open(encoding="utf-8", errors="replace") as lines:
            device = list(trace_join.device_events(trace_device.events(lines, unread), offset))
    balance = trace_join.Balance()
    kernel = sorted(trace_join.kernel_events(recorded.entries, clock, recorded.tasks),
                    key=lambda event: event.time)
    parts = [sorted(trace_join.mark_events(marks, clock), key=lambda event: event.time),
             kernel, device]
    events = list(trace_join.balanced(
        heapq.merge(*parts, key=lambda event: event.time), balance))
    if unread:
        recorded.lost["lines of the device's log that cannot be read"] = len(unread)
    about = {
        "clock": "the machine's: QEMU's virtual clock, of which the guest's counter is a reading",
        "clocks": {
            "kernel": clock.to_json(),
            "device": {**trace_join.Clock(marks.device).to_json(), "used_offset_ns": offset,
                       "log_error_ns": trace_device.ERROR_NS}},
        "lost": dict(recorded.lost),
        "whole": recorded.whole,
        "slices": {"begun_before": balance.earlier, "without_begin": balance.unbegun,
                   "without_end": balance.unfinished},
        "skipped": recorded.skipped,
        "events": _count(events),
    }
    memory = [{"t_ns": clock.machine(time), "states": states} for time, states in marks.memory]
    return Joined(events, about, memory)


def _count(events: list[trace_join.Event]) -> Mapping[str, int]:
    count = Counter(event.process for event in events)
    return {process: count[process]
            for process in (trace_join.KERNEL, trace_join.DRIVER, trace_join.DEVICE)}
