# SPDX-License-Identifier: GPL-2.0-or-later
"""./mali-vm run --coverage: which lines and branches of the driver the tests reach.

The guest's kernel counts (gcov); after the tests the guest copies its counters to a folder
that it shares with the host. They are added to those of former runs, kept as a tracefile of
lcov's, from which genhtml makes pages to read, and this module a table and a list.
"""

import contextlib
import fnmatch
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import kconfig, kernel, linux, packages, paths, proc, progress, table, tracefile
from .errors import MaliError

# Of what is looked at, beside the inline functions of the driver's own headers
SOURCES = (*linux.VARIANTS["coverage"].profiled, "drivers/gpu/drm/panthor/*.h")

# Percent of the branches that the tests should reach
GOALS = {
    "panthor_mmu.c": 85,
    "panthor_fw.c": 85,
    "panthor_gpu.c": 85,
    "panthor_gem.c": 85,
    "panthor_sched.c": 75,
}

# What tests for a state that is held to be impossible: assertions, and the messages of
# <drm/drm_print.h>, which ask whether there is a device. One of them is up to eight branches.
_MACRO = re.compile(r"\b(?:(?:drm_)?WARN(?:_ON)?(?:_ONCE)?|lockdep_assert_\w+|"
                    r"drm_(?:err|warn|info|dbg)\w*)\s*\(")

TRACE = "coverage.info"
UNREACHED = "unreached.txt"
PAGES = "html"

# No object of the driver has as much; what a guest hands out beyond is not read.
_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Profile:
    """A kernel that counts."""
    tree: Path                          # where it was built
    source: Path
    #: what gcov wrote when it was built, by the name without its suffix
    notes: tuple[Path, ...]
    build: str                          # changes with the lines of the source


def profile(chosen: kernel.Kernel) -> Profile:
    """What is to be known of a kernel to read its counters; an error if it has none."""
    tree = chosen.tree
    config = tree / ".config" if tree else None
    options = kconfig.parse(config.read_text(encoding="utf-8")) \
        if config and config.exists() else {}
    notes = sorted(tree.glob("drivers/gpu/drm/**/*.gcno")) if tree else []
    if tree is None or options.get("CONFIG_GCOV_KERNEL") != "y" or not notes:
        raise MaliError(f"--coverage: the kernel ({chosen.origin}) does not count what runs "
                        "(gcov): take --kernel built:coverage")
    # A tree that was built elsewhere has a link to its source.
    source = (tree / "source").resolve() if (tree / "source").exists() else tree
    files = sorted(path for pattern in SOURCES for path in source.glob(pattern))
    build = paths.digest(sorted(options.items()), [(path.name, path.read_bytes())
                                                   for path in files])
    return Profile(tree, source, tuple(notes), f"linux_{build}")


class Session:
    """Coverage of a run, on its way to a folder."""

    def __init__(self, folder: str, chosen: kernel.Kernel):
        self.folder = Path(folder)
        self.profile = profile(chosen)
        self._trace()
        packages.ensure("coverage")

    def _trace(self) -> tracefile.Trace:
        """What was counted by former runs."""
        path = self.folder / TRACE
        if self.folder.exists() and not self.folder.is_dir():
            raise MaliError(f"--coverage {self.folder}: not a folder")
        if not path.exists():
            return tracefile.Trace(self.profile.build)
        try:
            trace = tracefile.loads(path.read_text(encoding="utf-8"))
        except (MaliError, UnicodeDecodeError) as exc:
            raise MaliError(f"{path} cannot be added to ({exc}): remove it or name "
                            "another folder") from exc
        if trace.build != self.profile.build:
            raise MaliError(f"{path} is of another kernel, whose lines are other ones: remove it "
                            "or name another folder")
        return trace

    @contextlib.contextmanager
    def share(self) -> Iterator[Path]:
        """The folder that the guest is to fill."""
        with tempfile.TemporaryDirectory(prefix="mali-vm-") as temp:
            yield Path(temp)

    def save(self, share: Path, paper: table.Paper) -> None:
        """Add what the guest left in `share`, write all files anew, print the table."""
        with progress.step("reading the coverage"):
            counted = collect(self.profile, share)
        self.folder.mkdir(parents=True, exist_ok=True)
        with paths.lock(self.folder):
            trace = self._trace()
            trace.merge(counted)
            paths.write_whole(self.folder / TRACE, tracefile.dumps(trace))
            paths.write_whole(self.folder / UNREACHED, unreached(trace, self.profile.source))
            _write_pages(self.folder, self.profile.source)
        show(trace, paper)
        paper.line(f"{self.folder / PAGES / 'index.html'} has the lines, "
                   f"{self.folder / UNREACHED} the branches that no test took.")


def collect(counted: Profile, share: Path) -> tracefile.Trace:
    """What the guest's counters say of SOURCES."""
    trace = tracefile.Trace(counted.build)
    found = 0
    for note in counted.notes:
        data = _counters(share, note)
        if data is None:
            continue
        found += 1
        for name, file in tracefile.from_gcov(_gcov(note, data)).items():
            path = (counted.tree / name).resolve()
            if path.is_relative_to(counted.source) and _wanted(path, counted.source):
                trace.add(str(path), file)
    if not found:
        raise MaliError("--coverage: the guest has handed out no counters: see its console with "
                        "--verbose")
    return trace


def _wanted(path: Path, source: Path) -> bool:
    return any(fnmatch.fnmatchcase(str(path.relative_to(source)), pattern) for pattern in SOURCES)


def _counters(share: Path, note: Path) -> bytes | None:
    """What the guest left for an object. It may have put anything there: no link is followed."""
    path = share / note.with_suffix(".gcda").relative_to("/")
    if path.is_symlink() or not path.is_file() or path.resolve() != share.resolve() / \
            path.relative_to(share) or path.stat().st_size > _MAX_BYTES:
        return None
    return path.read_bytes()


def _gcov(note: Path, data: bytes) -> dict[str, object]:
    """What gcov makes of an object's notes and counters."""
    with tempfile.TemporaryDirectory(prefix="mali-vm-") as temp:
        file = Path(temp) / note.with_suffix(".gcda").name
        file.write_bytes(data)
        (Path(temp) / note.name).symlink_to(note)
        try:
            said = proc.run([f"{packages.CROSS}gcov", "--json-format", "--stdout",
                             "--branch-probabilities", file.name], "gcov", cwd=Path(temp))
        except proc.Failed as exc:
            said = exc.output
    # Of counters that it cannot make sense of it complains, and says that nothing ran.
    complaints = [line for line in said.splitlines() if line and not line.startswith("{")]
    if complaints:
        raise MaliError(f"gcov cannot read the guest's counters of {file.name}: {complaints[0]}")
    read: dict[str, object] = json.loads(said)
    return read


def unreached(trace: tracefile.Trace, source: Path) -> str:
    """The branches that were never taken, a line each: place, which one, and what is there."""
    out = []
    for name, file in sorted(trace.files.items()):
        path = Path(name)
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in sorted({line for line, _, _ in file.branches}):
            here = {key: taken for key, taken in file.branches.items() if key[0] == line}
            content = text[line - 1].strip() if line <= len(text) else ""
            for number, (_, taken) in enumerate(sorted(here.items()), 1):
                if not taken:
                    why = "not come to" if taken is None else "not taken"
                    out.append(f"{path.relative_to(source)}:{line}: branch {number} of {len(here)} "
                               f"{why}: {content}")
    return "".join(f"{line}\n" for line in out)


def macro_lines(text: str) -> set[int]:
    """The lines of C that a call of one of _MACRO is on."""
    lines: set[int] = set()
    for call in _MACRO.finditer(text):
        end, depth = call.end(), 1
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        first = text.count("\n", 0, call.start()) + 1
        lines.update(range(first, first + text.count("\n", call.start(), end) + 1))
    return lines


def _own(file: tracefile.File, path: Path) -> tuple[int, int]:
    """Branches that are not of _MACRO: how many were taken, how many there are."""
    skipped = macro_lines(path.read_text(encoding="utf-8", errors="replace"))
    taken = [count for (line, _, _), count in file.branches.items() if line not in skipped]
    return sum(map(bool, taken)), len(taken)


def _write_pages(folder: Path, source: Path) -> None:
    with progress.step("writing the pages"), paths.whole_dir(folder / PAGES) as temp:
        proc.run(["genhtml", "--quiet", "--branch-coverage", "--legend", "--title", "panthor",
                  "--prefix", source, "--output-directory", temp, (folder / TRACE).absolute()],
                 "genhtml", log="coverage-pages")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def show(trace: tracefile.Trace, paper: table.Paper) -> None:
    """One table: the files, those with a goal first. The last column leaves _MACRO out."""
    def place(name: str) -> tuple[int, str]:
        base = Path(name).name
        return (list(GOALS).index(base) if base in GOALS else len(GOALS), base)

    rows, own = [], []
    for name in sorted(trace.files, key=place):
        base = Path(name).name
        lines_hit, lines, hit, branches = tracefile.total([trace.files[name]])
        goal, percent = GOALS.get(base), _percent(hit, branches)
        if goal is not None and branches:
            percent = paper.paint(percent, "green" if 100 * hit >= goal * branches else "red")
        own.append(_own(trace.files[name], Path(name)))
        rows.append([base, _percent(lines_hit, lines), percent, f"{goal or ''}",
                     _percent(*own[-1])])
    lines_hit, lines, hit, branches = tracefile.total(trace.files.values())
    rows.append(["all", _percent(lines_hit, lines), _percent(hit, branches), "",
                 _percent(sum(part for part, _ in own), sum(whole for _, whole in own))])
    paper.line()
    table.grid(paper, ["file", "lines %", "branches %", "goal", "but for WARN, drm_err %"], rows,
               right=(1, 2, 3, 4))
    paper.line()
