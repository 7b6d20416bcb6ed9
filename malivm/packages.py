# SPDX-License-Identifier: GPL-2.0-or-later
"""What this machine lacks, installed through its package manager.

Nothing is installed without saying so first; what is there is left alone, whatever
package it came from.
"""

import dataclasses
import functools
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

from . import apt, errors, paths, proc, progress

MESON_MIN = (1, 5)


def _command(name: str) -> Callable[[], bool]:
    return lambda: proc.find(name) is not None


def _succeeds(*argv: str) -> Callable[[], bool]:
    def check() -> bool:
        try:
            proc.run(argv, argv[0])
        except errors.MaliError:
            return False
        return True
    return check


def _library(name: str) -> Callable[[], bool]:
    return _succeeds("pkg-config", "--exists", name)


def _module(name: str) -> Callable[[], bool]:
    return _succeeds("/usr/bin/python3", "-c", f"import {name}")


def _file(name: str) -> Callable[[], bool]:
    return Path(name).exists


def _system_meson() -> tuple[int, ...]:
    """The version of the meson that /usr/bin/python3 can import."""
    try:
        out = proc.run(["/usr/bin/python3", "-c", "from mesonbuild import coredata\n"
                        "print(coredata.version)"], "asking meson")
    except errors.MaliError:
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", out)[:2])


# Debian 12's own meson is too old for QEMU; see meson_path().
OLD_MESON = ("bookworm",)


def _meson() -> bool:
    return apt.os_release("VERSION_CODENAME") in OLD_MESON or _system_meson() >= MESON_MIN


# Programs that have the page of `report` drawn for its test, the first of them preferred
BROWSERS = ("chromium-headless-shell", "chromium")


def _browser() -> bool:
    return any(proc.find(name) for name in BROWSERS)


@dataclasses.dataclass(frozen=True)
class Need:
    """One package: for which work, and what proves that it is not needed."""

    work: str
    package: str
    there: Callable[[], bool]


_NATIVE = os.uname().machine == "aarch64"
CROSS = "" if _NATIVE else "aarch64-linux-gnu-"

NEEDS = (
    Need("apt", "debian-archive-keyring", _file(str(apt.KEYRING))),
    Need("apt", "ca-certificates", _file("/etc/ssl/certs/ca-certificates.crt")),
    Need("qemu", "gcc", _command("gcc")),
    Need("qemu", "libc6-dev", _file("/usr/include/stdio.h")),
    Need("qemu", "make", _command("make")),
    Need("qemu", "ninja-build", _command("ninja")),
    Need("qemu", "meson", _meson),
    Need("qemu", "dpkg-dev", _command("dpkg-source")),
    Need("qemu", "patch", _command("patch")),
    Need("qemu", "xz-utils", _command("xz")),
    Need("qemu", "bzip2", _command("bzip2")),
    Need("qemu", "pkg-config", _command("pkg-config")),
    Need("qemu", "libglib2.0-dev", _library("glib-2.0")),
    Need("qemu", "libpixman-1-dev", _library("pixman-1")),
    Need("qemu", "zlib1g-dev", _library("zlib")),
    Need("qemu", "libfdt-dev", _file("/usr/include/libfdt.h")),
    Need("qemu", "libattr1-dev", _library("libattr")),
    Need("qemu", "python3-venv", _module("ensurepip")),
    Need("qemu", "python3-distlib", _module("distlib")),
    Need("sanitized", "clang", _command("clang")),
    Need("sanitized", "libclang-rt-dev",
         _succeeds("clang", "-fsanitize=address,fuzzer", "-Wl,--unresolved-symbols=ignore-all",
                   "-x", "c", "/dev/null", "-o", "/dev/null")),
    Need("guest", "kmod", _command("depmod")),
    Need("guest", "zstd", _command("zstd")),
    Need("guest", "gcc" if _NATIVE else "gcc-aarch64-linux-gnu", _command(CROSS + "gcc")),
    Need("guest", "libc6-dev" if _NATIVE else "libc6-dev-arm64-cross",
         _file("/usr/lib/aarch64-linux-gnu/libc.a" if _NATIVE
               else "/usr/aarch64-linux-gnu/lib/libc.a")),
    Need("linux", "gcc" if _NATIVE else "gcc-aarch64-linux-gnu", _command(CROSS + "gcc")),
    Need("linux", "gcc", _command("gcc")),
    Need("linux", "libc6-dev", _file("/usr/include/stdio.h")),
    Need("linux", "make", _command("make")),
    Need("linux", "bc", _command("bc")),
    Need("linux", "bison", _command("bison")),
    Need("linux", "flex", _command("flex")),
    Need("linux", "perl", _command("perl")),
    Need("linux", "xz-utils", _command("xz")),
    Need("coverage", "lcov", _command("genhtml")),
    Need("report", "npm", _command("npm")),
    Need("check", "chromium-headless-shell", _browser),
    Need("oracle", "python3-drgn", _module("drgn")),
    Need("check", "flake8", _command("flake8")),
    Need("check", "mypy", _succeeds("/usr/bin/python3", "-m", "mypy", "--version")),
    Need("check", "perl", _command("perl")),
    Need("check", "python3-drgn", _module("drgn")),
)


@functools.cache
def ensure(*works: str) -> None:
    """Install what `works` (see NEEDS) want and this machine lacks."""
    lacking = [need.package for need in NEEDS
               if need.work in ("apt", *works) and not need.there()]
    lacking = list(dict.fromkeys(lacking))
    if not lacking:
        return
    if not proc.find("apt-get"):
        raise errors.MaliError("this machine has no apt-get (Debian 12 or 13 is expected): "
                               f"install what these packages hold: {' '.join(lacking)}")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    command = [*sudo, "apt-get", "install", "--yes", "--no-install-recommends", *lacking]
    progress.say(f"this machine lacks some packages, installing them with: {shlex.join(command)}")
    _apt_get(sudo, command, lacking)


def _apt_get(sudo: list[str], command: list[str], lacking: list[str]) -> None:
    by_hand = f"install them by hand (apt-get install {' '.join(lacking)}) and run again"
    if sudo and not proc.find("sudo"):
        raise errors.MaliError(f"there is no sudo to install packages with: as root, {by_hand}")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        if sudo:
            # Asks for a password, on the terminal, before there is a progress line.
            proc.run([*sudo, "--validate"], "sudo")
        with progress.step("installing packages"):
            try:
                proc.run(command, "apt-get install", env=env, log="apt-install",
                         to_its_end=True)
            except proc.Failed:
                # An index that was never fetched, or has grown old.
                proc.run([*sudo, "apt-get", "update"], "apt-get update", log="apt-update")
                proc.run(command, "apt-get install", env=env, log="apt-install",
                         to_its_end=True)
    except proc.Failed as exc:
        raise errors.MaliError(f"{exc.message}: {by_hand}") from exc


@functools.cache
def meson_path() -> Path | None:
    """The directory to import a new enough meson from, None for the system's own.

    That of Debian 12's backports is unpacked into the cache, so that the machine's
    sources need no change.
    """
    if _system_meson() >= MESON_MIN:
        return None
    have = sorted(paths.cache_dir("deb").glob("meson_*"))
    if not have:
        codename = apt.os_release("VERSION_CODENAME")
        if codename not in OLD_MESON:
            raise errors.MaliError(f"QEMU needs meson {'.'.join(map(str, MESON_MIN))} or newer: "
                                   "install one that /usr/bin/python3 can import")
        repo = apt.Repo(apt.host_arch(), [f"{codename}-backports"])
        have = [repo.unpacked("meson", repo.newest("meson").version)]
    return have[-1] / "usr" / "lib" / "python3" / "dist-packages"


def meson_command() -> tuple[list[str], dict[str, str]]:
    """How to run meson: the words, and what to add to the environment."""
    path = meson_path()
    return (["/usr/bin/python3", "-m", "mesonbuild.mesonmain"],
            {"PYTHONPATH": str(path)} if path else {})
