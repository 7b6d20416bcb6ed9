# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU with our device: fetched, overlaid, configured, built, and rebuilt when needed.

The source (Debian's package, or the user's QEMU_SRC) is never written to. The overlay
is a directory of links to it in which only the directories that hold something of ours
are real: our files are links into this checkout, the patched files are copies.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import apt, errors, packages, paths, proc, progress

SUITE = "trixie"
PATCHES = paths.PROJECT / "qemu" / "patches"
SUPPRESSIONS = paths.PROJECT / "qemu" / "suppressions"

# Link in the overlay -> what of this checkout it leads to. A pattern's files are linked
# one by one, since their directory holds QEMU's own files as well.
LINKS = {
    "hw/gpu": "hw/gpu",
    "include/hw/gpu": "include/hw/gpu",
    "include/standard-headers/mali-vm/gpu_dma_check_regs.h":
        "kernel/gpu_dma_check/gpu_dma_check_regs.h",
    "configs/devices/aarch64-softmmu/mali.mak": "configs/mali.mak",
    "docs/system/devices/mali-csf.rst": "docs/mali-csf.rst",
    "qapi/mali-csf.json": "qapi/mali-csf.json",
    "tests/qtest/": "tests/qtest/mali-csf-*",
}

CONFIGURE = (
    "--target-list=aarch64-softmmu",
    "--without-default-features",
    "--without-default-devices",
    "--with-devices-aarch64=mali",
    "--enable-system",
    "--enable-tcg",
    "--enable-kvm" if os.uname().machine == "aarch64" else "--disable-kvm",
    "--enable-fdt=system",
    "--enable-virtfs",
    "--enable-attr",
    "--enable-trace-backends=log",
    "--disable-download",
    "--disable-docs",
    "--disable-install-blobs",
)
BINARY = "qemu-system-aarch64"
FUZZER = "qemu-fuzz-aarch64"            # of SANITIZED only


@dataclass(frozen=True)
class Variant:
    """A way to build QEMU from the one overlaid tree, in a directory of its own."""
    suffix: str                         # of its directory and stamps
    compiler: str
    work: str                           # as packages.NEEDS calls what it wants
    configure: tuple[str, ...] = ()     # in addition to CONFIGURE
    env: Mapping[str, str] = field(default_factory=dict)    # for QEMU when it runs


NORMAL = Variant("", "gcc", "qemu")

# AddressSanitizer and UndefinedBehaviorSanitizer: a report ends QEMU, with a backtrace. With
# clang and --enable-fuzzing, because the same tree then also has qemu-fuzz-aarch64.
_SANITIZERS = "halt_on_error=1:abort_on_error=1:print_stacktrace=1:allow_addr2line=1"
SANITIZED = Variant(
    "-sanitized", "clang", "sanitized",
    ("--enable-fuzzing", "--enable-asan", "--enable-ubsan"),
    {
        # What was freed is kept back for a while, and would look like growth.
        "ASAN_OPTIONS": f"{_SANITIZERS}:quarantine_size_mb=8:detect_leaks=1",
        "UBSAN_OPTIONS": f"{_SANITIZERS}:suppressions={SUPPRESSIONS / 'ubsan'}",
        "LSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'lsan'}:print_suppressions=0",
    })

# To measure what asking for rules costs where there are none.
UNHOOKED = Variant("-unhooked", "gcc", "qemu", ("--extra-cflags=-DMALI_CSF_NO_INJECT",))

QTEST_SOURCES = "mali-csf-*-test.c"

# Debian's python3-* packages are for this one, not for another that PATH may find first.
_PYTHON = "/usr/bin/python3"
_NINJA_COUNT = re.compile(r"^\[(\d+)/(\d+)\] ")
_PATCHED_FILE = re.compile(r"^\+\+\+ (?:b/)?(\S+)", re.MULTILINE)


def source_dir() -> Path:
    """The overlaid source tree: what QEMU is built from."""
    return _work() / "tree"


def build_dir(variant: Variant = NORMAL) -> Path:
    """QEMU's build directory."""
    return _work() / f"obj{variant.suffix}"


def pristine_dir() -> Path:
    """The source as it came: QEMU_SRC, or Debian's package (fetched when missing)."""
    override = os.environ.get("QEMU_SRC")
    if override:
        tree = Path(override).expanduser().resolve()
        for name in ("VERSION", "configure", "hw/arm/virt.c"):
            if not (tree / name).is_file():
                raise errors.MaliError(f"QEMU_SRC={override} is not a QEMU source tree: "
                                       f"it has no {name}; name another, or unset QEMU_SRC")
        return tree
    # What was fetched once is kept to: no look at the network, no surprise.
    have = sorted(paths.cache_dir("src").glob("qemu-*/tree"), key=lambda tree: tree.stat().st_mtime)
    if have:
        return have[-1]
    repo = apt.Repo("source", [SUITE])
    newest = repo.newest("qemu")
    return repo.source("qemu", newest.version)


def _work() -> Path:
    """This checkout's directory for the pristine source in use."""
    base = pristine_dir()
    name = f"{paths.checkout_id()}-{paths.digest(str(base))[:8]}"
    return paths.cache_dir("qemu") / name


def ensure_qemu(variant: Variant = NORMAL) -> Path:
    """The QEMU binary, built or brought up to date when needed."""
    return _ensure("qemu", [BINARY], variant) / BINARY


def ensure_fuzzer() -> Path:
    """QEMU as a program of libFuzzer's, on which sanitizers watch."""
    return _ensure("fuzzer", [FUZZER], SANITIZED) / FUZZER


def ensure_qtests() -> list[Path]:
    """The qtest programs of the device, and the QEMU they drive."""
    ensure_qemu()
    sources = sorted((paths.PROJECT / "tests" / "qtest").glob(QTEST_SOURCES))
    names = [f"tests/qtest/{source.stem}" for source in sources]
    obj = _ensure("qtests", names, NORMAL)
    return [obj / name for name in names]


def clean() -> None:
    """Remove what was built for this checkout; what was fetched is kept."""
    for work in paths.cache_dir("qemu").glob(f"{paths.checkout_id()}-*"):
        paths.remove(work)


def _ensure(what: str, targets: list[str], variant: Variant) -> Path:
    """Bring `targets` up to date unless nothing that goes into them has changed."""
    base, work = pristine_dir(), _work()
    obj = build_dir(variant)
    stamp = work / f"{what}{variant.suffix}.json"
    key = _inputs(base, variant)
    if "QEMU_SRC" not in os.environ and _built(stamp, key, obj, targets):
        return obj
    packages.ensure("qemu", variant.work)
    with paths.lock(work):
        paths.write_whole(work / "checkout", f"{paths.PROJECT}\n")
        # Builds of checkouts that are gone
        paths.prune(work.parent, "checkout")
        _overlay(base, work / "tree")
        _configure(work, variant)
        if targets:
            _ninja(obj, targets)
        outputs = [paths.stat_key(obj / target) for target in targets]
        paths.write_whole(stamp, json.dumps({"key": key, "outputs": outputs}))
    return obj


def _inputs(base: Path, variant: Variant) -> str:
    """A key of all that goes in and may change between two runs."""
    files = [*PATCHES.glob("*.patch")]
    for link in LINKS.values():
        path = paths.PROJECT / link
        files += path.glob("*") if path.is_dir() else path.parent.glob(path.name)
    return paths.digest(str(base), (*CONFIGURE, *variant.configure),
                        [paths.stat_key(path) for path in sorted(files)])


def _built(stamp: Path, key: str, obj: Path, targets: list[str]) -> bool:
    try:
        known = json.loads(stamp.read_text(encoding="ascii"))
        outputs = [list(paths.stat_key(obj / target)) for target in targets]
    except (OSError, ValueError):
        return False
    return bool(known["key"] == key and known["outputs"] == outputs)


def _our_links() -> dict[str, Path]:
    """LINKS with the patterns expanded, leaving out what this checkout does not have."""
    links = {}
    for name, target in LINKS.items():
        path = paths.PROJECT / target
        for found in path.parent.glob(path.name):
            links[name + found.name if name.endswith("/") else name] = found
    return links


def apply_patches(base: Path, patches: list[Path], stage: Path) -> list[str]:
    """Apply `patches` to copies, in `stage`, of the files of `base` they name.

    No fuzz is allowed: a hunk that finds other surroundings may land in the wrong place.
    Returns the names of the files.
    """
    names: list[str] = []
    version = (base / "VERSION").read_text(encoding="ascii").strip()
    for patch in patches:
        for name in _PATCHED_FILE.findall(patch.read_text(encoding="utf-8")):
            copy = stage / name
            if not copy.exists() and (base / name).exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(base / name, copy)
            if name not in names:
                names.append(name)
            try:
                proc.run(["patch", "--strip=1", "--fuzz=0", "--batch", "--forward",
                          "--no-backup-if-mismatch", "--reject-file=-",
                          f"--input={patch}"], patch.name, cwd=stage)
            except proc.Failed as exc:
                why = "does not apply to" if copy.exists() else "needs a file that is missing:"
                raise errors.MaliError(
                    f"{patch.parent.name}/{patch.name} {why} {name} of QEMU {version} ({base}): "
                    "bring the patch up to date, or build with another QEMU_SRC") from exc
    return names


def _overlay(base: Path, tree: Path) -> None:
    """Make `tree` the overlay of `base`, touching only what differs."""
    with tempfile.TemporaryDirectory(prefix=paths.PART, dir=tree.parent) as temp:
        stage = Path(temp)
        patched = apply_patches(base, sorted(PATCHES.glob("*.patch")), stage)
        links = _our_links()
        real = {Path(".")}
        for name in (*patched, *links):
            real.update(Path(name).parents)
        for folder in sorted(real):
            _link_folder(base, tree, folder, real, {Path(name) for name in (*patched, *links)})
        for name, target in links.items():
            _link(tree / name, target)
        for name in patched:
            content = (stage / name).read_bytes()
            copy = tree / name
            if copy.is_symlink() or not copy.exists() or copy.read_bytes() != content:
                paths.remove(copy)
                paths.write_whole(copy, content)


def _link_folder(base: Path, tree: Path, folder: Path, real: set[Path], ours: set[Path]) -> None:
    """Make `folder` of `tree` a real directory of links to that of `base`."""
    here = tree / folder
    if here.is_symlink():
        here.unlink()
    here.mkdir(parents=True, exist_ok=True)
    theirs = set(os.listdir(base / folder)) if (base / folder).is_dir() else set()
    # A repository would make QEMU's configure act on it.
    theirs.discard(".git")
    for name in os.listdir(here):
        if name not in theirs and folder / name not in real | ours:
            paths.remove(here / name)
    for name in theirs:
        if folder / name not in real | ours:
            _link(here / name, base / folder / name)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and os.readlink(link) == str(target):
        return
    paths.remove(link)
    link.symlink_to(target)


def _configure(work: Path, variant: Variant) -> None:
    """Configure afresh, unless the build directory was configured just like this."""
    obj, stamp = build_dir(variant), work / f"configured{variant.suffix}"
    meson = packages.meson_path()
    argv = [str(work / "tree" / "configure"), f"--python={_PYTHON}", *CONFIGURE,
            *variant.configure]
    ccache = proc.find("ccache")
    argv.append(f"--cc={ccache} {variant.compiler}" if ccache else f"--cc={variant.compiler}")
    tools = [paths.stat_key(Path(proc.find(name) or _PYTHON).resolve())
             for name in (_PYTHON, variant.compiler, "ninja")]
    key = paths.digest(argv, str(meson), tools)
    if stamp.exists() and stamp.read_text(encoding="ascii") == key and obj.exists():
        return
    stamp.unlink(missing_ok=True)
    paths.remove(obj)
    obj.mkdir()
    with progress.step("configuring QEMU"):
        proc.run(argv, "configuring QEMU", cwd=obj, env=_env(), log="qemu-configure")
    paths.write_whole(stamp, key)


def _env() -> dict[str, str]:
    """The environment of configure and of ninja, which may run meson again."""
    meson = packages.meson_path()
    env = {"CCACHE_BASEDIR": str(_work())}
    if meson:
        env["PYTHONPATH"] = str(meson)
    return env


def _ninja(obj: Path, targets: list[str]) -> None:
    with progress.step("building QEMU") as step:
        def on_line(line: str) -> None:
            count = _NINJA_COUNT.match(line)
            if count:
                step.update(int(count[1]), int(count[2]))
        proc.run(["ninja", *targets], "building QEMU", cwd=obj, env=_env(), log="qemu-build",
                 on_line=on_line)
