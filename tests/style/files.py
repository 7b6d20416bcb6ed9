# SPDX-License-Identifier: GPL-2.0-or-later
"""What holds for every file of the project, whatever it is written in."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
TAG = "SPDX-License-" + "Identifier: GPL-2.0-or-later"
MAX_LINES = 1000

# The text of the licence itself; what has no comments
NO_TAG = ("LICENSE", "malivm/web/package.json", "malivm/web/package-lock.json")
# Results of others' programs kept as test data
DATA = "tests/host/data/"
# Diffs with mistakes of several hunks; mali-vm itself checks them
MUTANTS = "kernel/mutants/"

# What is not the project's, where git is not there to say so.
OUTPUTS = {".git", "build", "__pycache__", ".mypy_cache"}


def project_files() -> list[Path]:
    """The files under version control and those about to be, or all in an unpacked archive."""
    try:
        listed = subprocess.run(["git", "-C", PROJECT, "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, encoding="utf-8", check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for path in PROJECT.rglob("*")
                if path.is_file() and not OUTPUTS.intersection(path.relative_to(PROJECT).parts)]
    names = listed.rstrip("\0").split("\0")
    return [PROJECT / name for name in names if (PROJECT / name).is_file()]


def complaints(name: str, text: str) -> list[str]:
    """What is wrong with the file `name` of the project that holds `text`."""
    found = []
    lines = text.splitlines()
    if name not in NO_TAG and not any(TAG in line for line in lines[:3]):
        found.append(f"no {TAG} in its first three lines")
    if len(lines) > MAX_LINES:
        found.append(f"{len(lines)} lines: one subject a file, {MAX_LINES} lines at most")
    if text and not text.endswith("\n"):
        found.append("no newline at its end")
    if name.startswith(MUTANTS):
        pass
    elif name.endswith(".patch"):
        hunks = sum(line.startswith("@@ ") for line in lines)
        if hunks != 1:
            found.append(f"{hunks} hunks: one a patch, so that a failure names one place")
    elif name != "LICENSE":
        found += [f"line {number}: space at its end"
                  for number, line in enumerate(lines, 1) if line != line.rstrip()]
    return found


def main() -> int:
    """Check all files."""
    bad = 0
    for path in project_files():
        name = path.relative_to(PROJECT).as_posix()
        if name.startswith(DATA):
            continue
        for complaint in complaints(name, path.read_text(encoding="utf-8")):
            print(f"{name}: {complaint}")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
