# SPDX-License-Identifier: GPL-2.0-or-later
"""The device's events, as QEMU's log has them, on the machine's clock.

A line has the host's time, to the microsecond, and what hw/gpu/trace-events says. Whatever
the device begins to do, it first logs the machine's time (mali_csf_clock): an event's time is
that of the last such line before it, and as much as the host's clock says has passed since, but
never more than up to the next one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from . import paths, trace_rows

EVENTS = paths.PROJECT / "hw" / "gpu" / "trace-events"
_PREFIX = "mali_csf_"

_DECLARATION = re.compile(rf"^{_PREFIX}(\w+)\((.*?)\) (.+)$", re.MULTILINE)
_PIECE = re.compile(r'"([^"]*)"|PRI(\w)\d*')
_CONVERSION = re.compile(r"%(?:0?\d*)l*([duxs])")
_LINE = re.compile(rf"\d+@(\d+)\.(\d{{6}}):{_PREFIX}(\w+) (.*)")

#: How far an event's time may be from when it happened: one microsecond of the host's clock,
#: which is cut off on both sides of a difference.
ERROR_NS = 1000


class DeviceEvent(NamedTuple):
    """An event; its time is the machine's."""
    time: int
    name: str
    fields: dict[str, Any]


class _Reader(NamedTuple):
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    pattern: re.Pattern[str]

    def read(self, text: str) -> dict[str, Any] | None:
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        return {name: value if kind == "s" else int(value, 16 if kind == "x" else 10)
                for name, kind, value in zip(self.names, self.kinds, match.groups())}


def readers() -> dict[str, _Reader]:
    """What hw/gpu/trace-events declares."""
    found = {}
    for name, args, text in _DECLARATION.findall(EVENTS.read_text(encoding="utf-8")):
        form = "".join(literal or macro for literal, macro in _PIECE.findall(text))
        kinds = tuple(_CONVERSION.findall(form))
        pieces = [re.escape(piece) for piece in _CONVERSION.sub("\0", form).split("\0")]
        groups = {"d": r"(-?\d+)", "u": r"(\d+)", "x": r"([0-9a-f]+)", "s": "(.*?)"}
        pattern = pieces[0] + "".join(groups[kind] + piece
                                      for kind, piece in zip(kinds, pieces[1:]))
        names = tuple(re.split(r"[ *]", arg.strip())[-1] for arg in args.split(","))
        found[name] = _Reader(names, kinds, re.compile(pattern, re.DOTALL))
    return found


def events(lines: Iterable[str], unread: list[str]) -> Iterator[DeviceEvent]:
    """The events of a log's lines, in their order; what is no event is left out, what is none
    that can be read goes to `unread`."""
    known = readers()
    start = now = wall_at = 0
    kept: list[DeviceEvent] = []
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        seconds, micros, name, text = match.groups()
        fields = known[name].read(text.rstrip("\n")) if name in known else None
        if fields is None:
            unread.append(line.rstrip("\n"))
            continue
        wall = (int(seconds) * 1000000 + int(micros)) * 1000
        if name == trace_rows.CLOCK:
            now = fields["now"]
            for event in kept:
                yield event._replace(time=min(event.time, now))
            kept, start, wall_at = [], now, wall
        else:
            now = max(now, start + wall - wall_at if start else 0)
            kept.append(DeviceEvent(now, name, fields))
    yield from kept
