# SPDX-License-Identifier: GPL-2.0-or-later
"""Choosing the modules a guest needs from all that its kernel has.

Only the roots are named here, as what the guest will ask for: device aliases and a few
names. Which modules these are, and what they depend on, the kernel's own indices say.
"""

import fnmatch
import lzma
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import errors, packages, paths, proc

# Devices of the virtual machine, as sysfs shows them in their modalias files.
DEVICES = (
    "of:NgpuT(null)Carm,mali-valhall-csf",
    "of:NregulatorT(null)Cregulator-fixed",
    "of:NclockT(null)Cfixed-clock",
    "of:Nvirtio_mmioT(null)Cvirtio,mmio",
    "virtio:d00000002v554D4551",        # block
    "virtio:d00000004v554D4551",        # entropy
    "virtio:d00000009v554D4551",        # 9p
)

# What no device asks for: a swap device with its compressors, the shared folder, buffers
# to import into the driver, fences that it waits for.
NAMES = ("zram", "lz4", "lzo_rle", "zstd", "9p", "9pnet_virtio", "udmabuf", "vgem")

DRIVER = "panthor"

_INDICES = ("modules.order", "modules.builtin", "modules.builtin.modinfo")
_SIGNATURE = b"~Module signature appended~\n"


_WILDCARD = re.compile(r"\*|\?|\[.*?\]")


def _matches(device: str, pattern: str) -> bool:
    # fnmatch compiles a regular expression for each of tens of thousands of patterns:
    # ask it only about those whose literal parts are all there.
    return (all(part in device for part in _WILDCARD.split(pattern))
            and fnmatch.fnmatchcase(device, pattern))


def plain_name(path: str) -> str:
    """The name of the module in the file `path`, as the kernel spells it."""
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


class Index:
    """The indices that depmod made for a kernel."""

    def __init__(self, directory: Path):
        self.directory = directory
        # Name of the module -> its file and those that it depends on.
        self._files: dict[str, str] = {}
        self._hard: dict[str, list[str]] = {}
        for line in self._lines("modules.dep"):
            file, _, needed = line.partition(":")
            name = plain_name(file)
            self._files[name] = file
            self._hard[name] = needed.split()
        self._soft: dict[str, list[str]] = {}
        for line in self._lines("modules.softdep"):
            words = line.split()
            if words and words[0] == "softdep":
                self._soft[words[1].replace("-", "_")] = [
                    word.replace("-", "_") for word in words[2:] if not word.endswith(":")]

    def _lines(self, name: str) -> list[str]:
        try:
            return (self.directory / name).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def path(self, name: str) -> Path | None:
        """The file of module `name`, None if it is built in or not there at all."""
        file = self._files.get(name)
        return self.directory / file if file else None

    def wanted(self, more: Iterable[str] = ()) -> list[str]:
        """The files (relative names) of the modules that a guest needs, and of `more`."""
        # "alias PATTERN NAME"; a pattern may hold spaces.
        aliases = [line.removeprefix("alias ").rpartition(" ")[::2]
                   for line in self._lines("modules.alias") if line.startswith("alias ")]
        todo = [name.replace("-", "_") for name in (*NAMES, DRIVER, *more)]
        for pattern, name in aliases:
            if any(_matches(device, pattern) for device in DEVICES):
                todo.append(name.replace("-", "_"))
        found: dict[str, str] = {}
        while todo:
            name = todo.pop()
            if name in found or name not in self._files:
                continue
            found[name] = self._files[name]
            todo += map(plain_name, self._hard[name])
            todo += self._soft.get(name, [])
        return sorted(found.values())


def has_driver(directory: Path | None) -> bool:
    """A kernel with these modules has the driver, as one of them or built in; without any
    modules, nothing says that it has not."""
    if directory is None or Index(directory).path(DRIVER):
        return True
    try:
        lines = (directory / "modules.builtin").read_text(encoding="utf-8").split()
    except OSError:
        return True
    return any(plain_name(line) == DRIVER for line in lines)


def read(path: Path) -> bytes:
    """A module, decompressed, without the debug information no guest has a use for."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    elif path.suffix in (".zst", ".gz"):
        tool = "zstd" if path.suffix == ".zst" else "gzip"
        result = subprocess.run([proc.find(tool) or tool, "-dc", path], capture_output=True,
                                check=False)
        if result.returncode:
            raise errors.MaliError(f"{tool} cannot unpack the kernel module {path}: "
                                   f"{result.stderr.decode(errors='replace').strip()}")
        data = result.stdout
    if b".debug_info" in data and not data.endswith(_SIGNATURE):
        data = _stripped(path, data)
    return data


def _stripped(path: Path, data: bytes) -> bytes:
    with tempfile.TemporaryDirectory(dir=paths.build()) as temp:
        file = Path(temp) / path.name.partition(".ko")[0]
        file.write_bytes(data)
        proc.run([packages.CROSS + "strip", "--strip-debug", file], f"stripping {path.name}")
        return file.read_bytes()


def needs(module: Path) -> list[str]:
    """The names of the modules that a module file says it depends on."""
    said = proc.run(["modinfo", "--field", "depends", module], f"reading {module.name}")
    return [name for name in said.strip().split(",") if name]


def subset(directory: Path, release: str, replaced: Mapping[str, Path]) -> dict[str, bytes]:
    """The part of `directory` (a kernel's modules) that a guest needs, indexed anew; `replaced`
    are files to take for some modules.

    Names are relative to /lib/modules/RELEASE.
    """
    index = Index(directory)
    more = [name for path in replaced.values() for name in needs(path)]
    files = {re.sub(r"\.ko\.\w+$", ".ko", name):
             read(replaced.get(plain_name(name), directory / name))
             for name in index.wanted(more)}
    for name in _INDICES:
        if (directory / name).exists():
            files[name] = (directory / name).read_bytes()
    with tempfile.TemporaryDirectory(dir=paths.build()) as temp:
        base = Path(temp) / "lib" / "modules" / release
        for name, data in files.items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_bytes(data)
        proc.run(["depmod", "--basedir", temp, release], "indexing the guest's modules")
        return {str(path.relative_to(base)): path.read_bytes()
                for path in sorted(base.rglob("*")) if path.is_file()}
