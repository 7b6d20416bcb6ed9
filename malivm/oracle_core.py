# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's memory, while it runs, in the form of a core file.

QEMU takes the guest's memory from a file (vm.Config.memory_file), and leaves its first
HEADER bytes alone. They become the headers of an ELF core dump whose only content is the
memory that follows: whoever reads core dumps of kernels reads the live guest, and copies
nothing. What it takes besides is VMCOREINFO, which the kernel has in its memory and tells
the place of (/sys/kernel/vmcoreinfo, Documentation/ABI/testing/sysfs-kernel-vmcoreinfo).
"""

import re
import struct

from .errors import MaliError

# As large as a huge page, so that the memory behind it may be made of some.
HEADER = 2 << 20
# Where memory begins on the virt machine (hw/arm/virt.c, base_memmap, VIRT_MEM).
RAM_BASE = 0x40000000

_NAME = b"VMCOREINFO"
_MAX_NOTE = 64 << 10
_NOTE_AT = 4096                         # in the file, before it ends in memory

# elf.h: ET_CORE, EM_AARCH64, PT_LOAD, PT_NOTE
_CORE, _AARCH64, _LOAD, _NOTE = 4, 183, 1, 4
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_NHDR = struct.Struct("<III")


class NoInfo(MaliError):
    """What the guest says is VMCOREINFO cannot be used."""


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def vmcoreinfo(note: bytes) -> str:
    """The text of the note that a kernel keeps at the place it tells."""
    if len(note) >= _NHDR.size:
        name_size, size, _ = _NHDR.unpack_from(note)
        start = _NHDR.size + len(_padded(bytes(min(name_size, 64))))
        if note[_NHDR.size:start].rstrip(b"\0") == _NAME and start + size <= len(note):
            return note[start:start + size].rstrip(b"\0").decode("ascii", "replace")
    raise NoInfo("the guest's kernel keeps no VMCOREINFO where it says it does")


def number(info: str, key: str) -> int | None:
    """A value of VMCOREINFO; None if it is not there."""
    match = re.search(rf"^(SYMBOL|NUMBER|)\(?{key}\)?=(\S+)$", info, re.MULTILINE)
    if match is None:
        return None
    hexadecimal = match[1] == "SYMBOL" or key == "KERNELOFFSET"
    try:
        return int(match[2], 16 if hexadecimal else 0)
    except ValueError:
        return None


def headers(info: str, size: int) -> bytes:
    """What a memory of `size` bytes is to begin with in the file, for VMCOREINFO `info`."""
    table, offset = number(info, "swapper_pg_dir"), number(info, "kimage_voffset")
    if table is None or offset is None:
        raise NoInfo("the guest's VMCOREINFO lacks swapper_pg_dir or kimage_voffset")
    # A kernel for 52 bits on a processor of 48 works with 48, which drgn before 0.0.27
    # does not know: it takes VA_BITS for what is in use.
    bits = number(info, "TCR_EL1_T1SZ")
    if bits is not None:
        info = re.sub(r"^NUMBER\(VA_BITS\)=.*$", f"NUMBER(VA_BITS)={64 - bits}", info,
                      flags=re.MULTILINE)
    text = info.encode()
    note = _NHDR.pack(len(_NAME) + 1, len(text), 0) + _padded(_NAME + b"\0") + _padded(text)
    root = (table - offset) % (1 << 64)
    if len(note) > _MAX_NOTE or not RAM_BASE <= root < RAM_BASE + size:
        raise NoInfo("the guest's VMCOREINFO does not describe its memory")
    # The root of the page tables has its virtual address, since all others are found by it.
    segments = [(_NOTE, _NOTE_AT, 0, 0, len(note)),
                (_LOAD, HEADER, 0, RAM_BASE, size),
                (_LOAD, HEADER + root - RAM_BASE, table, root, 4096)]
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = _EHDR.pack(ident, _CORE, _AARCH64, 1, 0, _EHDR.size, 0, 0, _EHDR.size, _PHDR.size,
                      len(segments), 0, 0, 0)
    head += b"".join(_PHDR.pack(kind, 7, at, virtual, physical, length, length, 4)
                     for kind, at, virtual, physical, length in segments)
    return head.ljust(_NOTE_AT, b"\0") + note


def linear(info: str, virtual: int) -> int:
    """The physical address behind one of the linear map (arch/arm64, __lm_to_phys)."""
    bits, start = number(info, "VA_BITS"), number(info, "PHYS_OFFSET")
    if bits is None or start is None:
        raise NoInfo("the guest's VMCOREINFO lacks VA_BITS or PHYS_OFFSET")
    return (virtual + (1 << bits) + start) % (1 << 64)


def in_file(physical: int, length: int, size: int) -> int:
    """Where in the file `length` bytes at a physical address are; the guest names it."""
    if not RAM_BASE <= physical <= RAM_BASE + size - length or not 0 <= length <= _MAX_NOTE:
        raise NoInfo(f"the guest has no {length} bytes of memory at 0x{physical:x}")
    return HEADER + physical - RAM_BASE
