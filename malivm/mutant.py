# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutants: a kernel's source with one mistake put in on purpose.

Each is a patch of kernel/mutants. Before the diff it has fields, a line each, which FIELDS lists,
and an empty line. What has to be built follows from the files that it touches: the driver alone,
or, if one is outside of the driver's folder, the kernel.

They are put into a tree of our own, never into the source. Only files that differ are written
there, so that make builds no more than what a mutant changes.
"""

import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import driver, errors, linux, paths, proc

FOLDER = paths.PROJECT / "kernel" / "mutants"

# The fields, and whether one has to be there
FIELDS = {
    "Breaks": True,         # what is wrong in it, in a sentence
    "Row": True,            # what it belongs to: a mistake that was once made (S1, M1), or a rule
    "Caught-by": True,      # tests that should fail, the quickest first
    "Kernel": True,         # the version that it was written for
    "On": False,            # the variant of the kernel that can see it, if not each can
    "Device": False,        # properties of the GPU without which it does no harm
}
_FIELD = re.compile(r"^([A-Z][A-Za-z-]*): *(\S.*)$")
_FILE = re.compile(r"^\+\+\+ b/(\S+)", re.MULTILINE)
_FIRST = "SPDX-License-"
MAX_CHANGED = 20            # lines; what is larger is more than one mistake


@dataclass(frozen=True)
class Mutant:
    """One patch."""
    patch: Path
    breaks: str
    row: str
    tests: tuple[str, ...]
    version: str
    on: str
    device: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        """By which the user calls it."""
        return self.patch.stem

    @property
    def whole(self) -> bool:
        """The kernel has to be built for it, the driver is not enough."""
        return any(not Path(name).is_relative_to(driver.FOLDER) for name in self.files)


def _bad(path: Path, what: str) -> errors.MaliError:
    return errors.MaliError(f"{path.parent.name}/{path.name} {what}: docs/mutants.md says what "
                            "such a file looks like")


def read(path: Path) -> Mutant:
    """Take a patch apart."""
    head, _, diff = path.read_text(encoding="utf-8").partition("\n\n")
    fields: dict[str, str] = {}
    for line in head.splitlines():
        match = _FIELD.match(line)
        if line.startswith(_FIRST):
            continue
        if not match or match[1] not in FIELDS or match[1] in fields:
            raise _bad(path, f"has a line among its fields that is none: {line}")
        fields[match[1]] = match[2].strip()
    for name, needed in FIELDS.items():
        if needed and name not in fields:
            raise _bad(path, f"does not say {name}:")
    files = tuple(dict.fromkeys(_FILE.findall(diff)))
    if not files:
        raise _bad(path, "changes no file")
    changed = sum(line[:1] in ("+", "-") and line[:4] not in ("+++ ", "--- ")
                  for line in diff.splitlines())
    if changed > MAX_CHANGED:
        raise _bad(path, f"changes {changed} lines, of {MAX_CHANGED} at most")
    if fields.get("On"):
        linux.variant_name(fields["On"])
    return Mutant(path, fields["Breaks"], fields["Row"], tuple(fields["Caught-by"].split()),
                  fields["Kernel"], fields.get("On", ""),
                  tuple(fields.get("Device", "").split()), files)


def every() -> list[Mutant]:
    """All there are."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def select(mutants: Sequence[Mutant], names: Sequence[str]) -> list[Mutant]:
    """Those that `names` name, each the name of one or a row; all if there are none."""
    for name in names:
        if not any(name in (mutant.name, mutant.row) for mutant in mutants):
            raise errors.MaliError(f"there is no mutant {name}: ./mali-vm mutants --list "
                                   "shows all")
    return [mutant for mutant in mutants
            if not names or mutant.name in names or mutant.row in names]


def content(mutant: Mutant, source: linux.Source) -> dict[str, bytes]:
    """The files of `source` that the mutant changes, changed."""
    with tempfile.TemporaryDirectory(prefix=paths.PART) as temp:
        for name in mutant.files:
            copy = Path(temp) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (source.tree / name).exists():
                shutil.copyfile(source.tree / name, copy)
        try:
            proc.run(["patch", "--strip=1", "--fuzz=0", "--batch", "--forward",
                      "--no-backup-if-mismatch", "--reject-file=-",
                      f"--input={mutant.patch}"], mutant.name, cwd=Path(temp))
        except proc.Failed as exc:
            raise errors.MaliError(
                f"{FOLDER.name}/{mutant.patch.name} was written for Linux {mutant.version} and "
                f"does not apply to Linux {source.version}: bring it up to date, or set "
                "LINUX_SRC to a tree of that version") from exc
        return {name: (Path(temp) / name).read_bytes() for name in mutant.files}


class Tree:
    """Our copy of a source, to put mutants into. Who uses it holds the lock of its `home`."""

    def __init__(self, source: linux.Source):
        self.source = source
        self.home = paths.cache_dir("mutants", source.key)
        self.path = self.home / "tree"

    def put(self, mutant: Mutant | None, touched: Iterable[str]) -> None:
        """Have the source there with this mutant and no other; `touched` are the files that any
        mutant changes."""
        changed = content(mutant, self.source) if mutant else {}
        whole = mutant is not None and mutant.whole
        own = {*touched, *changed}
        names = _files(self.source.tree, None if whole else driver.FOLDER)
        for name in names - own:
            _link(self.source.tree / name, self.path / name)
        # Of these a file keeps its time while it is the same, and gets a new one when a mutant
        # goes: make would not see an old one.
        for name in own & (names | changed.keys()):
            data = changed[name] if name in changed else (self.source.tree / name).read_bytes()
            copy = self.path / name
            if copy.is_symlink() or not copy.exists() or copy.read_bytes() != data:
                paths.write_whole(copy, data)
        for name in _files(self.path, None if whole else driver.FOLDER) - names:
            (self.path / name).unlink()


def _files(tree: Path, folder: Path | None) -> set[str]:
    """The names of all files below `folder` of the tree."""
    return {str(path.relative_to(tree)) for path in (tree / (folder or "")).rglob("*")
            if path.is_symlink() or path.is_file()}


def _link(source: Path, copy: Path) -> None:
    """Have the same file there, without its content being copied where that can be."""
    if source.is_symlink():
        if not copy.is_symlink():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(source.readlink())
        return
    if copy.exists() and paths.stat_key(copy)[1:] == paths.stat_key(source)[1:]:
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.unlink(missing_ok=True)
    try:
        copy.hardlink_to(source)
    except OSError:
        # Another disk
        shutil.copy2(source, copy)
