# SPDX-License-Identifier: GPL-2.0-or-later
"""The MCU firmware files the driver asks for: the project's own free one, or a vendor's.

Our image holds no code, since the device plays the firmware's part itself. The format is
what drivers/gpu/drm/panthor/panthor_fw.c parses (panthor_fw_load(),
panthor_fw_load_section_entry(), panthor_fw_read_build_info()).
"""

import re
import struct
import subprocess
from pathlib import Path

from . import errors, paths

DIRECTORY = "arm/mali"
FILE = "mali_csffw.bin"

# Architectures (major.minor of GPU_ID) that some panthor has a MODULE_FIRMWARE line for,
# for kernels that have the driver built in.
ARCHS = ("10.8", "10.10", "10.12", "11.8", "12.8", "13.8", "14.8")

_MAGIC = 0xC3F13A6E
_INTERFACE = 0x01010000     # 1.1.0, as the vendor's file for arch10.8 has it
_HEADER = struct.Struct("<IBBHIII")
_SECTION = struct.Struct("<IIIIII")
_BUILD_INFO = struct.Struct("<III")

_TYPE_SECTION = 0
_TYPE_BUILD_INFO = 6
_OPTIONAL = 1 << 31

_READ = 1 << 0
_WRITE = 1 << 1
_SHARED = 1 << 30
_ZERO = 1 << 31

_SHARED_START = 0x04000000
_SHARED_SIZE = 512 * 1024


def _git_sha() -> str:
    """The commit this checkout is at."""
    try:
        out = subprocess.run(["git", "-C", paths.PROJECT, "rev-parse", "HEAD"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             encoding="ascii").stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return out.strip()


def free_image() -> bytes:
    """Our firmware image: the shared section, zero-filled, and a build-info entry."""
    info = b"git_sha: " + _git_sha().encode() + b"\0"
    entries = _HEADER.size + _SECTION.size + _BUILD_INFO.size
    header = _HEADER.pack(_MAGIC, 0, 0, 0, _INTERFACE, 0, entries)
    section = _SECTION.pack(_TYPE_SECTION | _SECTION.size << 8,
                            _READ | _WRITE | _SHARED | _ZERO,
                            _SHARED_START, _SHARED_START + _SHARED_SIZE, 0, 0)
    build = _BUILD_INFO.pack(_TYPE_BUILD_INFO | _BUILD_INFO.size << 8 | _OPTIONAL,
                             entries, len(info))
    return header + section + build + info


def asked_for(module: bytes) -> list[str]:
    """The architectures in the MODULE_FIRMWARE lines of a panthor.ko."""
    found = re.findall(rb"firmware=arm/mali/arch(\d+\.\d+)/mali_csffw\.bin\0", module)
    return [arch.decode() for arch in found]


def load(spec: str, module: bytes | None = None) -> dict[str, bytes]:
    """The firmware files of the guest (path under /lib/firmware -> content).

    `spec` is "free", a file (which then serves every architecture), or a directory with
    arch*/mali_csffw.bin in it. A damaged file is not refused: what is wrong with it is
    the driver's to say. `module` is the panthor.ko to look for further names in.
    """
    archs = dict.fromkeys((*ARCHS, *(asked_for(module) if module else ())))
    if spec == "free":
        content = free_image()
    else:
        path = Path(spec).expanduser()
        if path.is_dir():
            return _directory(path)
        content = _read(path)
    return {f"{DIRECTORY}/arch{arch}/{FILE}": content for arch in archs}


def _directory(path: Path) -> dict[str, bytes]:
    found = sorted(path.glob(f"arch*/{FILE}"))
    if not found:
        raise errors.MaliError(f"no firmware in {path}: it has no arch*/{FILE}")
    return {f"{DIRECTORY}/{file.parent.name}/{FILE}": _read(file) for file in found}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise errors.MaliError(f"the firmware file {path} cannot be read ({exc.strerror}): "
                               "give --firmware free, a file, or a folder with "
                               f"arch*/{FILE}") from exc
