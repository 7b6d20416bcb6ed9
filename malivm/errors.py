# SPDX-License-Identifier: GPL-2.0-or-later
"""The one exception a user sees: a sentence, and the exit code it ends with."""

import errno
import os


class MaliError(Exception):
    """What went wrong and what to do next, in one sentence.

    ``./mali-vm`` prints the message as one line and exits with `code`
    (2: the run could not take place).
    """

    def __init__(self, message: str, code: int = 2):
        super().__init__(message)
        self.message = message
        self.code = code


def disk_full(where: object) -> MaliError:
    """The error for a full disk at `where`."""
    return MaliError(f"the disk that holds {where} is full: free some space, or set "
                     "XDG_CACHE_HOME to a folder on another disk, and run again")


def from_os_error(exc: OSError) -> MaliError:
    """A sentence for an OSError nobody handled closer to its cause."""
    name = exc.filename or "the files being written"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(name)
    if exc.errno == errno.EACCES:
        return MaliError(f"no permission to use {name}: check its owner and mode")
    reason = exc.strerror or os.strerror(exc.errno or 0)
    return MaliError(f"{name}: {reason}")
