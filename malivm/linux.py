# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's kernel built from source: Debian's, or a tree of the user's.

The source is never written to: everything is built beside it, in a directory of the cache
for each source and variant. That directory is kept, so that after a change only what
depends on it is built again; its stamp is there only while all of it is built.
"""

import os
import re
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import apt, errors, kconfig, packages, paths, proc, progress

FRAGMENTS = paths.PROJECT / "configs" / "linux"

# What the fragments are written for; without it, the newest that the suites have.
VERSION = "7.3"
_PACKAGE = re.compile(r"^linux-source-(\d+\.\d+)$")

TARGETS = ("Image", "modules")

# A step of the build, as make says it or, asked what it would do, would have it said.
_STEP = re.compile(r"^(?:.*echo ')?  (?:CC|AS|LD|AR) +(?:\[M\] +)?\S", re.MULTILINE)

# A line of include/config/auto.conf.cmd that names a Kconfig file
_DEPENDENCY = re.compile(r"^\t(\S+)(?: \\)?$", re.MULTILINE)


# What another make, `make check`, leaves for its own children is not for this one.
_ENV = {"MAKEFLAGS": "", "MAKELEVEL": "0"}


class Unfit(errors.MaliError):
    """This source is not one that a kernel, or its driver, can be built from."""


@dataclass(frozen=True)
class Variant:
    """A way to build the kernel."""
    fragments: tuple[str, ...]          # of configs/linux; a later one wins
    profiled: tuple[str, ...] = ()      # sources that count what of them runs (gcov)
    # of its command line: what has no option that turns it on
    args: Mapping[str, str] = field(default_factory=dict)


# By the name that follows "built:" on the command line
DEFAULT = "debug"
# Of a source tree that is given as the kernel: what is edited and tried again has to be quick.
QUICK = "plain"
VARIANTS: Mapping[str, Variant] = {
    # Without kasan_multi_shot only the first mistake is reported. With the slabs' consistency
    # checks these have no per-CPU sheaves (mm/slub.c, calculate_sheaf_capacity()), in which the
    # pointer to what was allocated stays: kmemleak takes what was lost for being in use.
    "debug": Variant(("base", "debug"), args={"page_poison": "1", "kasan_multi_shot": "1",
                                              "slab_debug": "F"}),
    "plain": Variant(("base",)),
    "kcsan": Variant(("base", "kcsan")),
    "coverage": Variant(("base", "coverage"), (
        "drivers/gpu/drm/panthor/*.c",
        "drivers/gpu/drm/drm_gem*.c",
        "drivers/gpu/drm/drm_gpuvm.c",
    )),
}


@dataclass(frozen=True)
class Source:
    """A kernel's source tree."""
    tree: Path
    version: str                        # what the user reads
    key: str                            # in the names of directories
    of_user: bool                       # it may change at any time


def _debian(repo: apt.Repo) -> Source:
    """Debian's source, fetched when the cache lacks it."""
    home = paths.cache_dir("src")
    # What was fetched once is kept to: no look at the network, no surprise.
    have = sorted(home.glob("linux-source-*/tree"), key=lambda tree: tree.stat().st_mtime)
    tree = have[-1] if have else _fetch(repo, home)
    version = tree.parent.name.rpartition("_")[2]
    return Source(tree, version, version, of_user=False)


def _fetch(repo: apt.Repo, home: Path) -> Path:
    names = [name for name in repo.names("linux-source-") if _PACKAGE.match(name)]
    if not names:
        raise errors.MaliError(f"{apt.mirror()} has no kernel source (linux-source-{VERSION}): "
                               "set LINUX_SRC to a tree of your own")
    wanted = f"linux-source-{VERSION}"
    if wanted not in names:
        wanted = max(names, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
        progress.say(f"there is no linux-source-{VERSION} any more: taking {wanted}")
    version = repo.newest(wanted).version
    target = home / f"{wanted}_{apt.plain(version)}"
    with paths.lock(home):
        if not target.exists():
            with paths.whole_dir(target) as temp, \
                    tempfile.TemporaryDirectory(prefix=paths.PART, dir=home) as package:
                repo.extract(wanted, version, Path(package))
                archive = next(Path(package).glob("usr/src/linux-source-*.tar.xz"))
                (temp / "tree").mkdir()
                with progress.step(f"unpacking {archive.name}"):
                    proc.run(["tar", "--extract", "--xz", "--strip-components=1",
                              f"--file={archive}", f"--directory={temp / 'tree'}"],
                             f"unpacking {archive.name}", cwd=temp)
    return target / "tree"


def given(tree: Path, option: str) -> Source:
    """The source tree that the user named with `option`, which is only read."""
    tree = tree.expanduser().resolve()
    for part in ("Makefile", "Kconfig", "arch/arm64/Kconfig", "drivers/gpu/drm/panthor"):
        if not (tree / part).exists():
            raise Unfit(f"{option} is not a kernel source tree with panthor for arm64: "
                        f"it has no {part}; name another")
    if re.search(r"[:\s]", str(tree)):
        raise errors.MaliError(f"{option}: the kernel's makefiles cannot work in a folder "
                               "with spaces or colons in its name: move it")
    # The kernel's top Makefile, "outputmakefile": it would refuse, and have the tree cleaned.
    for part in (".config", "include/config", "arch/arm64/include/generated"):
        if (tree / part).exists():
            raise errors.MaliError(
                f"{option} has been configured or built in place (it has {part}), so that "
                "nothing can be built beside it: name a clean one (git worktree add), or boot "
                f"what is built there with --kernel {tree}")
    return Source(tree, str(tree), paths.digest(str(tree))[:8], of_user=True)


def source(repo: apt.Repo) -> Source:
    """What kernels are built from: LINUX_SRC, or Debian's package, fetched from `repo`."""
    override = os.environ.get("LINUX_SRC")
    return given(Path(override), f"LINUX_SRC={override}") if override else _debian(repo)


def makeable(path: Path) -> None:
    """Complain about a directory that the kernel's makefiles cannot work in: kbuild's own rule
    (the kernel's top Makefile), said before make says it."""
    if re.search(r"[:\s]", str(path)):
        raise errors.MaliError(f"the kernel's makefiles cannot work in {shlex.quote(str(path))}: "
                               "set XDG_CACHE_HOME to a folder without spaces and colons")


@dataclass(frozen=True)
class Built:
    """A kernel that was built."""
    tree: Path                          # as O= of make: .config, Image, modules and all
    source: Source
    variant: str
    config: tuple[Path, ...] = ()       # fragments of the user's, beside the variant's

    @property
    def work(self) -> Path:
        """Our folder for it: what is built, and the stamps."""
        return self.tree.parent


def fragments(names: Sequence[str]) -> tuple[Path, ...]:
    """The files of --config: one of FRAGMENTS by its name, or the user's."""
    found = []
    for name in names:
        path = FRAGMENTS / f"{name}.config"
        if not path.exists():
            path = Path(name).expanduser().absolute()
        if not path.is_file():
            known = ", ".join(sorted(one.stem for one in FRAGMENTS.glob("*.config")))
            raise errors.MaliError(f"--config {name}: there is no such file; name one with options "
                                   f"of the kernel (CONFIG_X=y), or one of {known}")
        if not kconfig.parse(path.read_text(encoding="utf-8", errors="replace")):
            raise errors.MaliError(f"--config {name}: it has no option of the kernel "
                                   "(a line CONFIG_X=y, or # CONFIG_X is not set)")
        found.append(path)
    return tuple(found)


def variant_name(variant: str) -> str:
    """The name of a `variant`, if there is such a one ("": the default one's)."""
    name = variant or DEFAULT
    if name not in VARIANTS:
        raise errors.MaliError(f"built:{variant}: there is no such variant of the kernel, take one "
                               f"of {', '.join(VARIANTS)}")
    return name


def place(origin: Source, variant: str, config: Sequence[Path] = ()) -> Built:
    """Where the kernel of a `variant` ("": the default one) is, or will be; `config` are files
    with more options."""
    name = variant_name(variant)
    more = "-" + paths.digest([path.read_bytes() for path in config])[:8] if config else ""
    work = paths.cache_dir("linux") / f"{origin.key}-{name}{more}"
    return Built(work / "obj", origin, name, tuple(config))


def ensure(variant: str, origin: Source, config: Sequence[Path] = ()) -> Built:
    """The kernel of a `variant` of the source `origin`, built or brought up to date when needed;
    for `config` see place()."""
    built = place(origin, variant, config)
    work = built.work
    makeable(work)
    packages.ensure("linux")
    asked = _asked(built)
    make = _make(built)
    key = _key(make, asked)
    if not origin.of_user and _complete(work, key):
        return built
    with paths.lock(work):
        if not origin.of_user and _complete(work, key):
            return built
        paths.write_whole(work / "source", f"{origin.tree}\n")
        # What was built from sources that are gone
        paths.prune(work.parent, "source")
        again, begun = _complete(work, key), time.time_ns()
        (work / "built").unlink(missing_ok=True)
        built.tree.mkdir(exist_ok=True)
        _configure(built, make, asked)
        _build(built, make, again)
        paths.write_whole(work / "built", key)
        # What is edited during a build may not be in it.
        os.utime(work / "built", ns=(begun, begun))
    return built


def only_changed_in(built: Built, folder: Path) -> bool:
    """All was built before, and in the source nothing has changed since but files of `folder`."""
    stamp = built.work / "built"
    if not _complete(built.work, _key(_make(built), _asked(built))):
        return False
    since, top = stamp.stat().st_mtime_ns, str(built.source.tree)
    leave_out = {os.path.join(top, ".git"), os.path.join(top, "Documentation"),
                 os.path.join(top, str(folder))}
    todo = [top]
    while todo:
        name = todo.pop()
        # Of a file that is gone, its folder tells; git's own come and go in the first one.
        if name != top and os.stat(name).st_mtime_ns > since:
            return False
        with os.scandir(name) as entries:
            for entry in entries:
                if entry.path in leave_out:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                elif entry.stat(follow_symlinks=False).st_mtime_ns > since:
                    return False
    return True


def clean() -> None:
    """Remove what was built; what was fetched is kept."""
    for work in paths.cache_dir("linux").glob("*/"):
        with paths.lock(work):
            paths.remove(work)


def _complete(work: Path, key: str) -> bool:
    try:
        return (work / "built").read_text(encoding="ascii") == key
    except OSError:
        return False


def _key(make: list[str], asked: Mapping[str, str]) -> str:
    """Changes with all that goes in, but for what only has it done faster (ccache)."""
    compiler = Path(proc.find(f"{packages.CROSS}gcc") or "").resolve()
    return paths.digest([word for word in make if not word.startswith("CC=")], asked,
                        paths.stat_key(compiler))


def _make(built: Built) -> list[str]:
    """The words of make, without what to make."""
    tree = built.source.tree
    ccache = proc.find("ccache")
    compiler = f"{packages.CROSS}gcc"
    profiled = sorted(path.stem for pattern in VARIANTS[built.variant].profiled
                      for path in tree.glob(pattern))
    return ["make", "-C", str(tree), f"O={built.tree}", "ARCH=arm64",
            f"CROSS_COMPILE={packages.CROSS}", f"CC={ccache} {compiler}" if ccache else
            f"CC={compiler}",
            # Or a source in git would get a + at the end of its release.
            "LOCALVERSION=",
            *(f"GCOV_PROFILE_{stem}.o=y" for stem in profiled)]


def run_make(words: list[str], what: str, **more: object) -> str:
    """Run the kernel's make. What of the source it does not take is Unfit."""
    try:
        return proc.run(words, what, env=_ENV, **more)  # type: ignore[arg-type]
    except proc.Failed as exc:
        raise Unfit(exc.message) from exc


def _asked(built: Built) -> dict[str, str]:
    """The options that its fragments ask for."""
    files = [*(FRAGMENTS / f"{name}.config" for name in VARIANTS[built.variant].fragments),
             *built.config]
    fragments = [path.read_text(encoding="utf-8") for path in files]
    return {**kconfig.merge(fragments), "CONFIG_LOCALVERSION": f'"-{built.variant}"'}


def _configured(built: Built, stamp: Path, key: str) -> bool:
    """The tree is configured with this, and no Kconfig file has changed since then."""
    try:
        if stamp.read_text(encoding="ascii") != key or not (built.tree / ".config").exists():
            return False
        if not built.source.of_user:
            return True
        since = stamp.stat().st_mtime_ns
        # Which files these are is noted by kconfig, at the end of the build's first step.
        note = built.tree / "include/config/auto.conf.cmd"
        files = _DEPENDENCY.findall(note.read_text(encoding="utf-8"))
        return all((built.source.tree / name).stat().st_mtime_ns <= since for name in files)
    except OSError:
        return False


def _configure(built: Built, make: list[str], asked: Mapping[str, str]) -> None:
    """Configure anew, unless this is what the tree was configured with."""
    stamp = built.work / "configured"
    key = _key(make, asked)
    if _configured(built, stamp, key):
        return
    stamp.unlink(missing_ok=True)
    config = built.tree / ".config"
    begun = time.time_ns()
    with progress.step(f"configuring Linux {built.source.version} ({built.variant})"):
        run_make([*make, "tinyconfig"], "configuring Linux", log="linux-config")
        with open(config, "a", encoding="utf-8") as file:
            file.write(kconfig.text(asked))
        run_make([*make, "olddefconfig"], "configuring Linux", log="linux-config")
    _check(built, asked, config.read_text(encoding="utf-8"))
    paths.write_whole(stamp, key)
    os.utime(stamp, ns=(begun, begun))


def _check(built: Built, asked: Mapping[str, str], config: str) -> None:
    """Every option asked for was taken. One that a user's tree, of another version, does not
    know at all is only told of."""
    refused = kconfig.refused(asked, config)
    known = kconfig.known(built.source.tree) if refused and built.source.of_user else set(refused)
    own = kconfig.merge(path.read_text(encoding="utf-8") for path in built.config)
    for name in refused:
        if name in known:
            have = kconfig.parse(config).get(name, kconfig.OFF)
            who, where = ("--config", "the file") if name in own else \
                (f"the variant {built.variant}", str(FRAGMENTS))
            raise Unfit(
                f"Linux {built.source.version} does not take {name}={asked[name]}, which "
                f"{who} asks for (it has {have}): see what the option depends "
                f"on, and mend {where}")
        progress.say(f"Linux {built.source.version} has no {name}: going on without it")


def _build(built: Built, make: list[str], again: bool) -> None:
    """Build what has changed; when all was built before, how much that is is not asked first:
    the answer takes longer than most changes."""
    title = f"building Linux {built.source.version} ({built.variant})"
    done = total = 0

    def on_line(line: str) -> None:
        nonlocal done
        done += bool(_STEP.match(line))
        step.update(min(done, total), total)

    with progress.step(title) as step:
        if not again:
            run_make([*make, "prepare"], title, log="linux-build")
            total = _count(make)
        jobs = len(os.sched_getaffinity(0))
        run_make([*make, f"-j{jobs}", *TARGETS], title, log="linux-build", on_line=on_line)


def _count(make: list[str]) -> int:
    """How many steps the build is about to take."""
    try:
        said = proc.run([*make, "--dry-run", "--keep-going", *TARGETS],
                        "looking what is to be built", env=_ENV)
    except proc.Failed as exc:
        # Of what is yet to be built, it misses what comes after.
        said = exc.output
    return len(_STEP.findall(said))
