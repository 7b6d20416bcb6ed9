# SPDX-License-Identifier: GPL-2.0-or-later
"""The chart library of `report`: uPlot, from the npm registry, as web/package-lock.json says.

npm compares what it fetches with the lock file's checksum. Fetched once, it is kept in the
cache; nothing of it is in this repository.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

from . import packages, paths, proc, progress
from .errors import MaliError

WEB = Path(__file__).resolve().parent / "web"
_FILES = ("package.json", "package-lock.json")
_DIST = Path("node_modules", "uplot", "dist")


class Charts(NamedTuple):
    """What a page needs of it."""
    script: str
    style: str


def ensure() -> Charts:
    """The library, fetched when it is missing."""
    key = paths.digest([(WEB / name).read_bytes() for name in _FILES])
    target = paths.cache_dir("web") / key
    if not target.exists():
        packages.ensure("report")
        with paths.lock(target.parent), progress.step("fetching uPlot"), \
                paths.whole_dir(target) as temp:
            for name in _FILES:
                shutil.copy(WEB / name, temp)
            try:
                proc.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                          "--cache", temp / "npm-cache"], "npm", cwd=temp, log="npm")
            except proc.Failed as exc:
                raise MaliError(
                    "the chart library uPlot cannot be fetched with npm "
                    f"({proc.telling_line(exc.output)}): see that npm reaches its registry, which "
                    "is needed once, and run again") from exc
            paths.remove(temp / "npm-cache")
    dist = target / _DIST
    return Charts((dist / "uPlot.iife.min.js").read_text(encoding="utf-8"),
                  (dist / "uPlot.min.css").read_text(encoding="utf-8"))
