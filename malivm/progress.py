# SPDX-License-Identifier: GPL-2.0-or-later
"""Progress of long work, on standard error.

On a terminal a step is one line that is rewritten; elsewhere (a CI log) it is a
line when it starts, one now and then in between, and one when it ends.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator


# Seconds between two lines of a step in a log, and between two redraws on a terminal.
LOG_EVERY = 15.0
DRAW_EVERY = 0.1


class Step:
    """One piece of long work, as handed out by step()."""

    def __init__(self, title: str):
        self.title = title
        self._start = time.monotonic()
        self._tty = sys.stderr.isatty()
        self._shown = self._start
        if self._tty:
            self._draw(f"{title} ...")
        else:
            say(f"{title} ...")

    def _draw(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r\033[K" + line[:width])
        sys.stderr.flush()

    def update(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done; a total of 100 is taken for percent."""
        if total <= 0:
            return
        text = f"{self.title} ... {100 * done // total}%"
        if total != 100:
            text += f" ({done}/{total})"
        now = time.monotonic()
        if now - self._shown < (DRAW_EVERY if self._tty else LOG_EVERY):
            return
        self._shown = now
        if self._tty:
            self._draw(text)
        else:
            say(text)

    def end(self, word: str) -> None:
        """Finish the step's line with `word` and the time it took."""
        line = f"{self.title}: {word} ({time.monotonic() - self._start:.1f} s)"
        if self._tty:
            self._draw(line)
            sys.stderr.write("\n")
        else:
            say(line)


@contextlib.contextmanager
def step(title: str) -> Iterator[Step]:
    """Announce `title`, then say how it ended."""
    current = Step(title)
    try:
        yield current
    except BaseException as exc:
        current.end("interrupted" if isinstance(exc, KeyboardInterrupt) else "failed")
        raise
    current.end("done")


def say(message: str) -> None:
    """Print one line for the user, on standard error."""
    print(message, file=sys.stderr, flush=True)
