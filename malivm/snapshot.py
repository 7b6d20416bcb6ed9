# SPDX-License-Identifier: GPL-2.0-or-later
"""A stopped machine saved as a file: QEMU's migration stream, for its -incoming file:FILE."""

import time
from pathlib import Path

from .errors import MaliError
from .qmp import Qmp

# Memory is written at the disk's pace, and the machine stops within a slice.
SAVE_SECONDS = 300
_POLL_SECONDS = 0.02
_ENDS = ("completed", "failed", "cancelled")


def save(qmp: Qmp, target: Path) -> None:
    """Write the machine, which is about to stop or has, to `target`: all of it or nothing."""
    part = target.absolute().with_name(target.name + ".part")
    try:
        _wait_stopped(qmp)
        # As channels, since a name in a URI may not hold everything that a file's may.
        qmp.execute("migrate", channels=[{"channel-type": "main", "addr": {
            "transport": "file", "filename": str(part), "offset": 0}}])
        _wait_written(qmp)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _wait_stopped(qmp: Qmp) -> None:
    deadline = time.monotonic() + SAVE_SECONDS
    while qmp.execute("query-status")["running"]:
        if time.monotonic() > deadline:
            raise MaliError("the machine does not stop")
        time.sleep(_POLL_SECONDS)


def _wait_written(qmp: Qmp) -> None:
    deadline = time.monotonic() + SAVE_SECONDS
    while (state := qmp.execute("query-migrate"))["status"] not in _ENDS:
        if time.monotonic() > deadline:
            raise MaliError(f"it was not written within {SAVE_SECONDS} s")
        time.sleep(_POLL_SECONDS)
    if state["status"] != "completed":
        raise MaliError(state.get("error-desc", "QEMU does not say why"))
