# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages of the kernel's ring buffer, as per_cpu/cpuN/trace_pipe_raw hands them out.

A page is its time stamp, the length of its content with two flags, and entries; an entry is a
word with its type and the time since the one before, and its content (linux/ring_buffer.h).
The fields of a content are those of the event's format file. Guests are not trusted: what
makes no sense is an error of one sentence.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import MaliError

_HEADER = 16
_MISSED, _MISSED_STORED = 1 << 31, 1 << 30
_PADDING, _TIME_EXTEND, _TIME_STAMP = 29, 30, 31
_DELTA_BITS = 27
# An absolute time has no more bits, the rest is that of the time before.
_STAMP_BITS = 59

_FIELD = re.compile(r"\tfield:(.+?)([\w.]+)(\[\S*\])?;\toffset:(\d+);\tsize:(\d+);"
                    r"(?:\tsigned:([01]);)?")
_INTS = {1: "b", 2: "h", 4: "i", 8: "q"}


class Field(NamedTuple):
    """A field of an event."""
    name: str
    offset: int
    size: int
    code: str                           # of struct; "s" text, "l" text elsewhere (__data_loc)

    def read(self, data: bytes) -> Any:
        """Its value in an entry's content."""
        if self.code == "s":
            end = self.offset + self.size if self.size else len(data)
            return _text(data[self.offset:end])
        if self.offset + self.size > len(data):
            raise MaliError(f"field {self.name} is not in its entry")
        if self.code == "l":
            place, = struct.unpack_from("<I", data, self.offset)
            start, length = place & 0xffff, place >> 16
            return _text(data[start:start + length])
        return struct.unpack_from("<" + self.code, data, self.offset)[0]


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace")


@dataclass(frozen=True)
class Format:
    """An event's name and fields."""
    name: str
    fields: tuple[Field, ...]


@dataclass
class Entry:
    """An event as it was recorded; its time is the buffer's clock's."""
    time: int
    cpu: int
    name: str
    pid: int
    fields: dict[str, Any]


def formats(text: str) -> dict[int, Format]:
    """What format files, one behind the other, say: by the number of the event."""
    found = {}
    for block in re.split(r"^(?=name: )", text, flags=re.MULTILINE):
        head = re.match(r"name: (\S+)\nID: (\d+)\n", block)
        if head:
            found[int(head[2])] = Format(head[1], tuple(_fields(block)))
    return found


def _fields(block: str) -> Iterator[Field]:
    for kind, name, array, offset, size, signed in _FIELD.findall(block):
        length = int(size)
        if "__data_loc" in kind:
            code = "l"
        elif array and "char" in kind:
            code = "s"
        elif length in _INTS and not array:
            code = _INTS[length] if signed == "1" else _INTS[length].upper()
        else:
            continue
        yield Field(name, int(offset), length, code)


class Page(NamedTuple):
    """A page's entries, and how many were overwritten before it; -1: some."""
    entries: list[Entry]
    missed: int


def pages(data: bytes, size: int, cpu: int, known: Mapping[int, Format]) -> Iterator[Page]:
    """The pages of one CPU. What was cut off is no page."""
    for start in range(0, len(data) - size + 1, size):
        yield _page(data[start:start + size], cpu, known)


def _page(page: bytes, cpu: int, known: Mapping[int, Format]) -> Page:
    time, commit = struct.unpack_from("<QQ", page)
    length = commit & 0xffffffff & ~(_MISSED | _MISSED_STORED)
    if length > len(page) - _HEADER:
        raise MaliError(f"a page of CPU {cpu} says that it is longer than a page")
    end, missed = _HEADER + length, 0
    if commit & _MISSED:
        missed = -1
        if commit & _MISSED_STORED and end + 8 <= len(page):
            missed, = struct.unpack_from("<q", page, end)
    return Page(list(_entries(page[:end], time, cpu, known)), missed)


def _entries(page: bytes, time: int, cpu: int, known: Mapping[int, Format]) -> Iterator[Entry]:
    at = _HEADER
    while at + 4 <= len(page):
        word, = struct.unpack_from("<I", page, at)
        kind, delta = word & 31, word >> 5
        at += 4
        if kind == _PADDING and not delta:
            return
        first = struct.unpack_from("<I", page, at)[0] if at + 4 <= len(page) else 0
        if kind in (_TIME_EXTEND, _TIME_STAMP):
            if kind == _TIME_EXTEND:
                time += (first << _DELTA_BITS) + delta
            else:
                time = time >> _STAMP_BITS << _STAMP_BITS | first << _DELTA_BITS | delta
            at += 4
            continue
        time += delta
        if kind == _PADDING:
            at += first
            continue
        begin, length = (at, 4 * kind) if kind else (at + 4, first - 4)
        if length < 0 or begin + length > len(page):
            raise MaliError(f"an entry of CPU {cpu} does not end within its page")
        entry = _entry(page[begin:begin + length], time, cpu, known)
        if entry:
            yield entry
        at = begin + (length + 3) // 4 * 4


def _entry(data: bytes, time: int, cpu: int, known: Mapping[int, Format]) -> Entry | None:
    if len(data) < 8:
        raise MaliError(f"an entry of CPU {cpu} is too short")
    number, = struct.unpack_from("<H", data)
    pid, = struct.unpack_from("<i", data, 4)
    form = known.get(number)
    if form is None:
        return None
    fields = {field.name: field.read(data) for field in form.fields
              if not field.name.startswith("common_")}
    return Entry(time, cpu, form.name, pid, fields)
