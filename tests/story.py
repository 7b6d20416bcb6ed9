# SPDX-License-Identifier: GPL-2.0-or-later
"""Histories of the kernel's source: harmless changes, and a mutant somewhere in between.

The small form has the driver's files only, the whole one all of the source. The repository is
written by git fast-import, from the source as it lies in the cache: no second copy of the files
is made.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from malivm import apt, driver, errors, history, kernel, linux, paths, progress  # noqa: E402

MUTANTS = PROJECT / "kernel" / "mutants"
# What the small form has beside the driver, so that it is seen to be a kernel's source
FEW = ("Makefile", "Kconfig", "arch/arm64/Kconfig")
# What harmless changes are made to, in turn, in the whole form: built in, and a module
CHANGED = ("mm/vmscan.c", "drivers/gpu/drm/panthor/panthor_sched.c", "drivers/gpu/drm/drm_gem.c",
           "kernel/sched/core.c", "drivers/gpu/drm/panthor/panthor_fw.c")
DRIVER = ("panthor_sched.c", "panthor_fw.c", "panthor_gpu.c", "panthor_heap.c")


def mutated(tree: Path, patch: Path) -> dict[str, bytes]:
    """The files that a patch changes, as they are with it."""
    with tempfile.TemporaryDirectory() as temp:
        text = patch.read_text(encoding="utf-8")
        names = [line.split("\t")[0].removeprefix("+++ b/") for line in text.splitlines()
                 if line.startswith("+++ b/")]
        for name in names:
            (Path(temp) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(temp) / name).write_bytes((tree / name).read_bytes())
        subprocess.run(["patch", "--quiet", "-p1", "--fuzz=0", "--input", patch], cwd=temp,
                       check=True)
        return {name: (Path(temp) / name).read_bytes() for name in names}


def sources(tree: Path, whole: bool) -> Iterator[Path]:
    """The files of the first commit."""
    if whole:
        yield from (path for path in tree.rglob("*") if path.is_symlink() or path.is_file())
        return
    yield from (tree / name for name in FEW)
    yield from (path for path in (tree / driver.FOLDER).iterdir() if path.is_file())


class Import:
    """git fast-import, fed with commits (git-fast-import(1))."""

    def __init__(self, repository: Path):
        subprocess.run([*history.GIT, "init", "--quiet", "--bare", repository], check=True)
        # Fast rather than small: it is thrown away again.
        self._git = subprocess.Popen(
            [*history.GIT, "-C", repository, "-c", "core.compression=1", "fast-import", "--quiet"],
            stdin=subprocess.PIPE)
        assert self._git.stdin is not None
        self._pipe = self._git.stdin

    def _data(self, content: bytes) -> None:
        self._pipe.write(b"data %d\n%b\n" % (len(content), content))

    def commit(self, number: int, message: str) -> None:
        """Begin a commit; its files follow."""
        self._pipe.write(b"commit refs/heads/main\n"
                         b"committer story <story@localhost> %d +0000\n" % (1700000000 + number))
        self._data(message.encode())

    def file(self, name: str, content: bytes, mode: str = "100644") -> None:
        """A file of the commit."""
        self._pipe.write(f"M {mode} inline {name}\n".encode())
        self._data(content)

    def end(self) -> None:
        """All is there."""
        self._pipe.close()
        if self._git.wait():
            raise errors.MaliError("git fast-import failed: see what it says above")


def _add_source(out: Import, tree: Path, whole: bool) -> None:
    for path in sources(tree, whole):
        name = str(path.relative_to(tree))
        if path.is_symlink():
            out.file(name, str(path.readlink()).encode(), "120000")
        else:
            out.file(name, path.read_bytes(),
                     "100755" if path.stat().st_mode & 0o100 else "100644")


def make(repository: Path, tree: Path, patch: Path, commits: int, whole: bool) -> int:
    """Write the history; the number of the commit that has the mistake, from the first."""
    culprit = commits * 2 // 3
    changed = CHANGED if whole else tuple(str(driver.FOLDER / name) for name in DRIVER)
    content = {name: (tree / name).read_bytes() for name in changed}
    wrong = mutated(tree, patch)
    out = Import(repository)
    out.commit(0, "the source as it came")
    _add_source(out, tree, whole)
    for number in range(1, commits):
        if number == culprit:
            out.commit(number, "a small simplification")
            for name, data in wrong.items():
                out.file(name, data)
            continue
        name = changed[number % len(changed)]
        content[name] += b"/* revised: %d */\n" % number
        out.commit(number, f"{Path(name).stem}: a comment")
        out.file(name, content[name])
    out.end()
    return culprit


@dataclass(frozen=True)
class Story:
    """A history on branch main, and which of its commits has the mistake."""
    repository: Path
    commits: int
    culprit: int                        # from the first, which is 0

    def git(self, *words: str) -> str:
        """What a git command in the repository says."""
        return subprocess.run([*history.GIT, "-C", self.repository, *words], check=True,
                              capture_output=True, text=True).stdout.strip()

    def commit(self, number: int) -> str:
        """The name of a commit."""
        return f"main~{self.commits - 1 - number}"


@contextlib.contextmanager
def written(name: str, mutant: str, commits: int, whole: bool = False) -> Iterator[Story]:
    """A history; of one name there is one at a time."""
    tree = linux.source(apt.Repo("arm64", kernel.SUITES)).tree
    home = paths.cache_dir("story")
    with paths.lock(home), tempfile.TemporaryDirectory(prefix=paths.PART, dir=home) as temp:
        # The same name each time, so that the next one goes on with what was built.
        repository = home / f"{name}.git"
        with progress.step(f"writing a history of {commits} commits"):
            culprit = make(Path(temp) / "new.git", tree, MUTANTS / f"{mutant}.patch", commits,
                           whole)
            paths.remove(repository)
            (Path(temp) / "new.git").rename(repository)
        yield Story(repository, commits, culprit)
