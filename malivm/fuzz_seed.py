# SPDX-License-Identifier: GPL-2.0-or-later
"""Recorded runs as input of QEMU's generic fuzzer (tests/qtest/fuzz/generic_fuzz.c there).

Its input is a list of operations, with a separator between them: reads and writes of the
device's registers, and steps of the clock to the next timer. A trace of the device says what
a driver did: each access becomes one, and each event that came a step of the clock. What the
driver had in memory comes from a qtest's log instead, and becomes an ELF file: a kernel, which
QEMU writes to memory at each reset.
"""

import base64
import re
import struct
from collections.abc import Iterable, Iterator, Mapping

SEPARATOR = b"FUZZ"
# The operations' numbers (enum cmds), and how one says that an access is of 32 bits
_READ, _WRITE, _CLOCK_STEP = 2, 3, 9
_LONG = 2

# Page tables: a trace of a guest has them elsewhere than the image of memory
_TRANSTAB = range(0x2400, 0x2800, 0x40)

_ACCESS = re.compile(r"mali_csf_(read|write) .*\((0x[0-9a-f]+)\) (?:->|<-) (0x[0-9a-f]+)")
_EVENT = re.compile(r"mali_csf_event_run ")
# More steps in a row do not lead to more: the GPU has nothing to do, or is at work
_MAX_STEPS = 4

_MEMORY = re.compile(r"(?:(write|b64write) (0x[0-9a-f]+) (0x[0-9a-f]+) (\S+)|"
                     r"write([bwlq]) (0x[0-9a-f]+) (0x[0-9a-f]+)|"
                     r"memset (0x[0-9a-f]+) (0x[0-9a-f]+) (0x[0-9a-f]+))$", re.MULTILINE)
_BYTES = {"b": 1, "w": 2, "l": 4, "q": 8}
_RAM = range(0x40200000, 0x48000000)    # behind the device tree
PAGE = 4096

Pages = dict[int, bytearray]


def transtabs(trace: str) -> dict[int, int]:
    """What was last written to registers of translation tables, by their offsets."""
    written = {}
    for kind, offset, value in _ACCESS.findall(trace):
        if kind == "write" and int(offset, 16) & ~4 in _TRANSTAB:
            written[int(offset, 16)] = int(value, 16)
    return written


def preparation(trace: str) -> str:
    """What `trace` has of power and page tables: once that is done, memory can be used."""
    return "".join(line + "\n" for line in trace.splitlines()
                   if "L2_PWRON" in line or re.search(r"mali_csf_\w+ as ", line))


def _operations(trace: str, tables: Mapping[int, int]) -> Iterator[bytes]:
    last: tuple[str, int] | None = None
    steps = 0
    for line in trace.splitlines():
        access = _ACCESS.search(line)
        if not access:
            if _EVENT.search(line) and steps < _MAX_STEPS:
                steps += 1
                last = None
                yield bytes([_CLOCK_STEP])
            continue
        steps = 0
        kind, offset = access[1], int(access[2], 16)
        if kind == "read":
            # Polling is one read.
            if last != (kind, offset):
                yield bytes([_READ]) + struct.pack("<BBxxI", _LONG, 0, offset)
        else:
            value = int(access[3], 16)
            if offset & ~4 in _TRANSTAB and value:
                value = tables.get(offset, value)
            yield bytes([_WRITE]) + struct.pack("<BBxxIQ", _LONG, 0, offset, value)
        last = (kind, offset)


def has_accesses(trace: str) -> bool:
    """There are accesses of registers in `trace`."""
    return _ACCESS.search(trace) is not None


def seed(trace: str, tables: Mapping[int, int], limit: int) -> bytes:
    """The first `limit` bytes of `trace` as input, with page tables at `tables`."""
    found = b""
    for operation in _operations(trace, tables):
        if SEPARATOR in operation:
            continue
        if len(found) + len(operation) + len(SEPARATOR) > limit:
            break
        found += operation + SEPARATOR
    return found


def _store(pages: Pages, address: int, data: bytes) -> None:
    if address not in _RAM or address + len(data) > _RAM.stop:
        return
    for i, byte in enumerate(data, address):
        pages.setdefault(i - i % PAGE, bytearray(PAGE))[i % PAGE] = byte


def memory(log: str) -> Pages:
    """What a qtest wrote to memory, by its log."""
    pages: Pages = {}
    for how, address, size, data, width, at, value, start, length, byte in _MEMORY.findall(log):
        if how:
            raw = bytes.fromhex(data[2:]) if how == "write" else base64.b64decode(data)
            _store(pages, int(address, 16), raw[:int(size, 16)])
        elif width:
            _store(pages, int(at, 16),
                   int(value, 16).to_bytes(8, "little")[:_BYTES[width]])
        else:
            _store(pages, int(start, 16), bytes([int(byte, 16)]) * int(length, 16))
    return pages


def _leaves(pages: Pages, table: int, level: int = 0) -> Iterator[int]:
    """The pages that the tables at `table` lead to."""
    for (entry,) in struct.iter_unpack("<Q", pages.get(table, b"")):
        if entry & 3 == 3:
            target = entry & 0xfffffffff000
            yield from (target,) if level == 3 else _leaves(pages, target, level + 1)


def add_mapped(pages: Pages, roots: Iterable[int]) -> None:
    """Have all that is mapped among `pages`: no run finds what an earlier one wrote."""
    for address in [leaf for root in roots for leaf in _leaves(pages, root)]:
        if address in _RAM:
            pages.setdefault(address, bytearray(PAGE))


def _runs(pages: Pages) -> Iterator[tuple[int, bytes]]:
    """Pages that follow each other, together."""
    begin, data = 0, b""
    for address in sorted(pages):
        if data and address == begin + len(data):
            data += pages[address]
            continue
        if data:
            yield begin, data
        begin, data = address, bytes(pages[address])
    if data:
        yield begin, data


def elf(pages: Pages) -> bytes:
    """An ELF file that is loaded to where `pages` are."""
    header, program = 64, 56
    runs = list(_runs(pages))
    offset = header + program * len(runs)
    # e_type EXEC, e_machine AARCH64; no sections
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 183, 1, 0, header, 0, 0,
                       header, program, len(runs), 0, 0, 0)
    table = body = b""
    for address, data in runs:
        table += struct.pack("<IIQQQQQQ", 1, 7, offset + len(body), address, address, len(data),
                             len(data), PAGE)
        body += data
    return head + table + body
