# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs in the guest: our programs, compiled, and the initramfs that holds them.

The table tests/guest/programs says which sources make which program. One of them is
/init in the guest, each other one is a suite of tests, in /tests.
"""

import json
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import (apt, cpio, dma_check, errors, kernel, modules, options, packages, paths, proc,
               progress)

SOURCES = paths.PROJECT / "tests" / "guest"
TABLE = SOURCES / "programs"
CONF = "etc/mali-vm.conf"

CFLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-ffunction-sections",
          "-fdata-sections")
LDFLAGS = ("-static", "-s", "-Wl,--gc-sections")

# The newest driver interface: the tests know of all that any kernel they run on has.
_UAPI = "linux-libc-dev"
_BUSYBOX = "busybox-static"

INIT = "init"


def _debian(package: str) -> Path:
    """The newest `package` of the guest's suites, or the one already in the cache."""
    have = sorted(paths.cache_dir("deb").glob(f"{package}_*_arm64"),
                  key=lambda path: path.stat().st_mtime)
    if have:
        return have[-1]
    repo = apt.Repo("arm64", kernel.SUITES)
    return repo.unpacked(package, repo.newest(package).version)


def compiler_flags() -> tuple[str, ...]:
    """CFLAGS and where the headers are: the kernel's drm/ is preferred to the C library's
    older one; of its other headers, only those are used that the C library lacks."""
    headers = _debian(_UAPI) / "usr" / "include"
    link = paths.build() / "guest" / "include" / "drm"
    if not link.is_symlink() or link.resolve() != (headers / "drm").resolve():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(headers / "drm")
    return (*CFLAGS, f"-I{link.parent}", f"-I{dma_check.SOURCE}", "-idirafter", str(headers))


def _inputs() -> list[Path]:
    return sorted([TABLE, *SOURCES.glob("*.[ch]"), dma_check.REGISTERS])


@dataclass(frozen=True)
class Suite:
    """What a run with tests of this program is like, if the user says nothing else."""
    apart: bool                         # `all` leaves it out
    check: str = options.CHECKS[0]
    modules: tuple[str, ...] = ()       # of kernel/, in /lib of the guest
    device: Mapping[str, str] = field(default_factory=dict)
    smoke: tuple[str, ...] = ()         # its tests in `smoke`, without its name
    name: str = ""                      # of the program


def _rows() -> Iterator[tuple[str, Suite, list[str]]]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            head, _, sources = line.partition(":")
            name, *words = head.strip("[]").split()
            pairs = dict(word.split("=", 1) for word in words)
            lists = {field: tuple(filter(None, pairs.pop(field, "").split(",")))
                     for field in ("modules", "smoke")}
            suite = Suite(head.startswith("["), pairs.pop("check", options.CHECKS[0]),
                          **lists, device=pairs, name=name)
            yield name, suite, [Path(source).stem for source in sources.split()]


def _table() -> dict[str, list[str]]:
    """The programs and what each is made of (names without .c)."""
    return {name: sources for name, _, sources in _rows()}


def suites() -> dict[str, Suite]:
    """What the table says of each program."""
    return {name: suite for name, suite, _ in _rows()}


def programs(cross: str) -> dict[str, Path]:
    """Compile the programs with `cross`gcc ("" for the host's): name -> file."""
    flags = compiler_flags()
    out = paths.build() / "guest" / (cross.rstrip("-") or "host")
    key = paths.digest(cross, flags, LDFLAGS, [paths.stat_key(path) for path in _inputs()])
    table = _table()
    found = {name: out / name for name in table}
    stamp = out / "key"
    if stamp.exists() and stamp.read_text(encoding="ascii") == key:
        return found
    with paths.lock(out):
        title = f"compiling the programs for the {'guest' if cross else 'host'}"
        with progress.step(title) as step:
            sources = sorted({source for parts in table.values() for source in parts})
            objects = _compile(cross, flags, sources, out, step)
            for name, parts in table.items():
                proc.run([f"{cross}gcc", *LDFLAGS, "-o", found[name],
                          *(objects[part] for part in parts)], f"linking {name}",
                         log="guest-build")
            paths.write_whole(stamp, key)
    return found


def _compile(cross: str, flags: Sequence[str], sources: Sequence[str], out: Path,
             step: progress.Step) -> dict[str, Path]:
    """Compile what changed since the last time; every header is taken to concern all."""
    headers = [paths.stat_key(path) for path in _inputs() if path.suffix == ".h"]
    note = out / "objects.json"
    try:
        known = json.loads(note.read_text(encoding="ascii"))
    except (OSError, ValueError):
        known = {}
    objects = {}
    for number, source in enumerate(sources):
        file = SOURCES / f"{source}.c"
        objects[source] = target = out / f"{source}.o"
        key = paths.digest(cross, flags, headers, paths.stat_key(file))
        if known.get(source) != key or not target.exists():
            proc.run([f"{cross}gcc", *flags, "-c", "-o", target, file],
                     f"compiling {file.name}", log="guest-build")
            known[source] = key
            paths.write_whole(note, json.dumps(known))
        step.update(number + 1, len(sources))
    return objects


def list_tests() -> list[tuple[str, str]]:
    """All tests, (SUITE.NAME, description), as the programs themselves list them."""
    note = paths.build() / "guest" / "tests.json"
    key = paths.digest([paths.stat_key(path) for path in _inputs()])
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["key"] == key:
            return [(name, description) for name, description in known["tests"]]
    except (OSError, ValueError, KeyError):
        pass
    packages.ensure("qemu", "guest")
    tests = []
    for name, program in sorted(programs("").items()):
        if name == INIT:
            continue
        result = subprocess.run([program, "--list"], capture_output=True, encoding="utf-8",
                                check=False)
        if result.returncode:
            raise errors.MaliError(f"{program} --list failed: {result.stderr.strip()}")
        for line in result.stdout.splitlines():
            test, _, description = line.partition("\t")
            tests.append((test, description))
    paths.write_whole(note, json.dumps({"key": key, "tests": tests}))
    return tests


def ensure_initramfs(guest_kernel: kernel.Kernel, files: dict[str, bytes],
                     own_modules: Mapping[str, bytes] | None = None,
                     names: Collection[str] = ()) -> Path:
    """The initramfs for `guest_kernel` with the firmware `files` (see firmware.load()), modules
    of ours, which no index names: name -> content, and the programs `names`, or else all. The
    kernel takes its time to unpack it: 5 of 20 s, with all programs, on the debug kernel."""
    own_modules = own_modules or {}
    own = [Path(module.__file__) for module in (cpio, modules) if module.__file__]
    directory = guest_kernel.modules
    indices = [directory / "modules.dep", directory / "modules.order"] if directory else []
    stats = [paths.stat_key(path) for path in (*_inputs(), Path(__file__), *own, *indices)
             if path.exists()]
    stats += [paths.stat_key(path) for path in guest_kernel.replaced.values()]
    key = paths.digest(guest_kernel.release, CFLAGS, stats, sorted(files.items()),
                       sorted(own_modules.items()), sorted(names))
    home = paths.build() / "guest" / "initramfs"
    target = home / f"{key}.cpio"
    if target.exists():
        target.touch()
        return target
    packages.ensure("qemu", "guest")
    binaries = {name: path for name, path in programs(packages.CROSS).items()
                if name in names or name == INIT or not names}
    busybox = (_debian(_BUSYBOX) / "usr" / "bin" / "busybox").read_bytes()
    with paths.lock(home):
        with progress.step(f"making the initramfs for {guest_kernel.release}"):
            chosen = modules.subset(directory, guest_kernel.release,
                                    guest_kernel.replaced) if directory else {}
            lib = {f"modules/{guest_kernel.release}/{name}": data
                   for name, data in chosen.items()}
            lib |= {f"firmware/{name}": data for name, data in files.items()}
            lib |= {f"{name}.ko": data for name, data in own_modules.items()}
            paths.write_whole(target, _archive(binaries, busybox, lib))
        _prune(home)
    return target


def _prune(home: Path, keep: int = 8) -> None:
    """Forget the initramfs archives that were not used for longest."""
    for old in sorted(home.glob("*.cpio"), key=lambda path: path.stat().st_mtime)[:-keep]:
        old.unlink()


def _archive(binaries: dict[str, Path], busybox: bytes, lib: dict[str, bytes]) -> bytes:
    """`lib` is what goes below /lib."""
    archive = cpio.Archive()
    for folder in ("dev", "proc", "sys", "etc", "tmp", "bin", "sbin", "tests"):
        archive.folder(folder)
    # What the kernel opens as init's standard files, before devtmpfs is mounted.
    archive.device("dev/console", 5, 1)
    for name, path in binaries.items():
        archive.file(INIT if name == INIT else f"tests/{name}", path.read_bytes(), 0o755)
    archive.file("bin/busybox", busybox, 0o755)
    # For what the kernel asks for by itself.
    archive.link("sbin/modprobe", "/bin/busybox")
    for name, data in lib.items():
        archive.file(f"lib/{name}", data)
    return archive.finish()


def conf_cpio(lines: list[str]) -> bytes:
    """A small archive, to be appended, with the configuration of one run."""
    archive = cpio.Archive()
    archive.file(CONF, "".join(f"{line}\n" for line in lines).encode())
    return archive.finish()


def driver_module(guest_kernel: kernel.Kernel) -> bytes | None:
    """The kernel's panthor.ko, to see which firmware it asks for."""
    if not guest_kernel.modules:
        return None
    path = guest_kernel.replaced.get(modules.DRIVER) or \
        modules.Index(guest_kernel.modules).path(modules.DRIVER)
    return modules.read(path) if path else None
