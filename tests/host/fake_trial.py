# SPDX-License-Identifier: GPL-2.0-or-later
"""A trial without a compiler and a guest: what comes of a commit stands in its driver.

drivers/gpu/drm/panthor/panthor_drv.c has a line for it: good, bad, "sometimes N" (each Nth run
fails), nobuild, noboot, full (the disk), bug (a mistake of mali-vm's own), hang.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import support  # noqa: F401  (the import path)
from malivm import errors, linux, trial
from malivm.trial import Answer, Outcome

DRIVER = "drivers/gpu/drm/panthor/panthor_drv.c"
RUNS = "FAKE_TRIAL_RUNS"                # a file that gets a line for each run

MENDED = "FAKE_TRIAL_HANG"              # what comes of "hang" instead


def prepare(_: argparse.Namespace, tree: Path) -> Any:
    """Read the driver."""
    word = (tree / DRIVER).read_text(encoding="utf-8").strip()
    if word == "nobuild":
        raise linux.Unfit("building Linux failed: error: it is no C")
    if word == "full":
        raise errors.disk_full(tree)
    if word == "bug":
        raise ValueError("a mistake")
    return word


def once(_: argparse.Namespace, word: Any, *__: object) -> Outcome:
    """Do what it says."""
    with open(os.environ[RUNS], "a+", encoding="utf-8") as file:
        file.write(f"{word}\n")
        file.seek(0)
        number = file.read().splitlines().count(word)
    if word == "hang":
        word = os.environ.get(MENDED, word)
    if word == "hang":
        print("hanging", file=sys.stderr, flush=True)
        time.sleep(600)
    if word == "noboot":
        return Outcome(Answer.SKIP, "it does not boot: Kernel panic", 1.0, 0.0)
    name, _, every = word.partition(" ")
    if name == "bad" or name == "sometimes" and number % int(every) == 0:
        return Outcome(Answer.BAD, "evict.a: content", 1.0, 2.0)
    return Outcome(Answer.GOOD, "", 1.0, 2.0)


def install() -> None:
    """Put it in the place of the real one."""
    trial.prepare, trial.once = prepare, once


if __name__ == "__main__":
    install()
    from malivm import bisect_step
    os._exit(bisect_step.main())
