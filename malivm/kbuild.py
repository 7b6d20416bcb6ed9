# SPDX-License-Identifier: GPL-2.0-or-later
"""Building a module for the guest's kernel, with Debian's headers or the user's own tree.

Debian's packages say how a module is built on a machine that runs their kernel; here they are
unpacked side by side in the cache, and what of them is to run is that of this machine's
architecture. A user's tree is only read.
"""

import dataclasses
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import apt, errors, kernel, linux, packages, paths, progress

# A part of Debian's headers that runs here; the one for arm64's ELF files.
_MODPOST = "scripts/mod/modpost.real-lsb-64"

# Kconfig symbols that say what the kernel's compiler can do, and how to ask ours. Without
# the first one, -falign-functions does as well for what is not traced.
_COMPILER_CAN = {"CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT": "-fmin-function-alignment=8"}

# Type information for BPF: wants a program, pahole, and is of no use in the guest.
_OFF = ("CONFIG_DEBUG_INFO_BTF_MODULES=",)


@dataclasses.dataclass(frozen=True)
class Tree:
    """What a kernel's modules are built with: the words of make, without what to build."""

    make: tuple[str, ...]
    #: changes when the modules have to be built anew
    key: str


def find(chosen: kernel.Kernel) -> Tree:
    """The tree for `chosen`, fetched when the cache lacks it."""
    if chosen.tree:
        return _of_user(chosen.tree)
    if chosen.debian:
        return _of_debian(chosen.release, chosen.debian)
    raise errors.MaliError("a kernel Image alone says nothing of how it was built: "
                           "give the built tree instead of the Image")


def _of_user(tree: Path) -> Tree:
    for name in ("Makefile", ".config", "Module.symvers"):
        if not (tree / name).exists():
            raise errors.MaliError(f"{tree} has no {name}: build it there (make ARCH=arm64 "
                                   "Image modules)")
    words = ["make", "-C", str(tree), "ARCH=arm64", f"CROSS_COMPILE={packages.CROSS}"]
    if "CONFIG_CC_IS_CLANG=y\n" in (tree / ".config").read_text(encoding="utf-8"):
        words.append("LLVM=1")
    key = paths.digest([paths.stat_key(tree / name) for name in (".config", "Module.symvers")])
    return Tree(tuple(words), key)


def _of_debian(release: str, version: str) -> Tree:
    """`version` is that of the packages that the kernel came in."""
    root = _headers(release, version) / "usr" / "src"
    own = root / f"linux-headers-{release}"
    common = root / f"linux-headers-{_base(release)}-common"
    # The Makefile of the package itself has the absolute names of an installed one.
    words = ("make", "-C", str(own), "-f", str(common / "Makefile"), f"KBUILD_OUTPUT={own}",
             f"CC={packages.CROSS}gcc")
    return Tree(words, version)


def _base(release: str) -> str:
    """What the names of packages for all flavours of a release have in them."""
    return release.removesuffix("-arm64")


def _headers(release: str, version: str) -> Path:
    """The packages that modules of a Debian kernel are built with, in one directory."""
    home = paths.cache_dir("headers")
    target = home / f"{release}_{apt.plain(version)}_{apt.host_arch()}"
    if target.exists():
        return target
    with paths.lock(home):
        if target.exists():
            return target
        with paths.whole_dir(target) as temp:
            wanted = {"arm64": (f"linux-headers-{release}",
                                f"linux-headers-{_base(release)}-common"),
                      apt.host_arch(): (f"linux-kbuild-{_base(release)}",)}
            for arch, names in wanted.items():
                repo = _repo(arch, names, version)
                for name in names:
                    repo.extract(name, version, temp)
            _make_runnable(temp / "usr" / "lib" / f"linux-kbuild-{_base(release)}", temp)
    return target


def _repo(arch: str, names: tuple[str, ...], version: str) -> apt.Repo:
    """The suites that have all `names` in `version`."""
    for suites in (kernel.SUITES, kernel.EXTRA_SUITES):
        repo = apt.Repo(arch, suites)
        listed = {(one.package, one.version) for one in repo.versions(names)}
        if all((name, version) in listed for name in names):
            return repo
    raise errors.MaliError(f"Debian has no {names[0]} {version} any more: "
                           "take a newer kernel (--kernel debian)")


def _make_runnable(scripts: Path, root: Path) -> None:
    """Lend the programs the C library that they were built with, if this machine's is older."""
    program = scripts / _MODPOST
    said = subprocess.run([program], capture_output=True, encoding="utf-8", errors="replace",
                          check=False, stdin=subprocess.DEVNULL).stderr
    if "GLIBC_" not in said:
        return
    repo = apt.Repo(apt.host_arch(), kernel.SUITES)
    libc = Path("usr", "lib", "libc-of-kbuild")
    with tempfile.TemporaryDirectory(prefix=paths.PART, dir=root.parent) as temp:
        repo.extract("libc6", repo.newest("libc6").version, Path(temp))
        found = next(Path(temp).glob("usr/lib/*/libc.so.6"))
        shutil.copytree(found.parent, root / libc, symlinks=True)
    loader = next((root / libc).glob("ld-linux*.so.*")).name
    moved = program.with_name(f"{program.name}.elf")
    program.rename(moved)
    # By its place, since the directory is yet to get its name.
    up = os.path.relpath(root / libc, program.parent)
    program.write_text(f'#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/{up}/{loader}" '
                       f'--library-path "$here/{up}" "$here/{moved.name}" "$@"\n',
                       encoding="ascii")
    program.chmod(0o755)


def _compiler_cannot() -> list[str]:
    """Words for make that take back what only the kernel's own compiler can do."""
    words = []
    for symbol, flag in _COMPILER_CAN.items():
        done = subprocess.run([f"{packages.CROSS}gcc", flag, "-E", "-x", "c", "/dev/null"],
                              capture_output=True, check=False)
        if done.returncode:
            words.append(f"{symbol}=")
    return words


def _words(tree: Tree) -> list[str]:
    return [*tree.make, *_OFF, *_compiler_cannot()]


def make(tree: Tree, folder: Path, what: str, log: str = "module") -> None:
    """Build the modules of the Kbuild file or Makefile in `folder`, there."""
    jobs = len(os.sched_getaffinity(0))
    linux.run_make([*_words(tree), f"-j{jobs}", f"M={folder}", "modules"], what, log=log)


def module(chosen: kernel.Kernel, source: Path) -> Path:
    """The module whose Kbuild file is in `source`, built for `chosen` or from the cache."""
    packages.ensure("qemu", "guest")
    name = source.name
    tree = find(chosen)
    files = sorted(path for path in source.iterdir() if path.is_file())
    words = _words(tree)
    key = paths.digest(tree.key, [word for word in words if "/" not in word],
                       [(path.name, path.read_bytes()) for path in files])
    home = paths.cache_dir("modules")
    target = home / f"{name}-{chosen.release}-{key}.ko"
    if target.exists():
        return target
    with paths.lock(home), tempfile.TemporaryDirectory(prefix=paths.PART, dir=home) as temp:
        linux.makeable(Path(temp))
        for path in files:
            shutil.copy(path, temp)
        with progress.step(f"building the module {name} for {chosen.release}"):
            make(tree, Path(temp), f"building {name}", f"module-{name}")
        (Path(temp) / f"{name}.ko").rename(target)
    return target
