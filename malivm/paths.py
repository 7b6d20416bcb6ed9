# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are, and how they come to be there whole.

Whatever is kept is made under a temporary name and renamed when complete: an
interrupted run leaves only names that ``part_`` starts, which the next run removes.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import errors, progress

PROJECT = Path(__file__).resolve().parent.parent
PART = "part_"


def cache() -> Path:
    """The project's cache: ``${XDG_CACHE_HOME:-~/.cache}/mali-vm``, made when missing."""
    base = os.environ.get("XDG_CACHE_HOME")
    root = (Path(base) if base else Path.home() / ".cache") / "mali-vm"
    root.mkdir(parents=True, exist_ok=True)
    return root


def cache_dir(*parts: str) -> Path:
    """The cache's sub-directory `parts`, made when missing."""
    path = cache().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def build() -> Path:
    """What belongs to this checkout only: ``build/``, made when missing."""
    path = PROJECT / "build"
    path.mkdir(exist_ok=True)
    return path


def checkout_id() -> str:
    """Short name of this checkout, so that two of them never share a build."""
    return hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:8]


def digest(*items: object) -> str:
    """A key that changes when any of `items` (by its repr) does."""
    return hashlib.sha256(repr(items).encode()).hexdigest()[:16]


def stat_key(path: Path) -> tuple[str, int, int]:
    """What tells, without reading it, that a file is still the same one."""
    st = path.stat()
    return (str(path), st.st_size, st.st_mtime_ns)


def remove(path: Path) -> None:
    """Remove a file or a tree, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_output(option: str, name: str) -> Path:
    """The path that an option names; complain now about one that cannot be written later."""
    path = Path(name)
    if path.is_dir() or not path.absolute().parent.is_dir() \
            or not os.access(path.absolute().parent, os.W_OK):
        raise errors.MaliError(f"{option} {name}: cannot be written: name a file in a folder "
                               "that exists")
    return path


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that it is there either whole or not at all.

    A device, a pipe or a link that a user names is written to, not replaced.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.is_symlink() or path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, temp = tempfile.mkstemp(prefix=PART, dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as out:
            out.write(data)
        os.chmod(temp, 0o644)
        os.replace(temp, path)
    except BaseException:
        Path(temp).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_dir(path: Path) -> Iterator[Path]:
    """Fill the directory this yields: it is at `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = Path(tempfile.mkdtemp(prefix=PART, dir=path.parent))
    try:
        yield temp
        temp.chmod(0o755)
        remove(path)
        temp.rename(path)
    except BaseException:
        shutil.rmtree(temp, ignore_errors=True)
        raise


@contextlib.contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Hold `directory` against other processes; clear what interrupted ones left."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"waiting for another mali-vm to be done with {directory}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        for left in directory.glob(PART + "*"):
            remove(left)
        yield


def prune(home: Path, note: str) -> None:
    """Remove the directories of `home` that were made for something that is gone: for what the
    file `note` in each of them names. By one at a time, since others might do so just now."""
    with lock(home):
        for file in home.glob(f"*/{note}"):
            if not Path(file.read_text(encoding="utf-8").rstrip("\n")).exists():
                remove(file.parent)
