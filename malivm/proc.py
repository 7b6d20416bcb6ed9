# SPDX-License-Identifier: GPL-2.0-or-later
"""Running other programs: output to a log, failures as one sentence."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import errors, paths, progress

# A user's PATH may lack the administrator's directories, where depmod is.
_EXTRA_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_FULL = re.compile(r"No space left on device|Disk quota exceeded")
# Not the name of a file, such as the kernel's lib/error-inject.o
_TELLING = re.compile(r"^E: |\berror\b(?![-.])|ERROR", re.MULTILINE)


def find(program: str) -> str | None:
    """The path of `program`, looked for where an administrator would, too."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_EXTRA_PATH])
    return shutil.which(program, path=path)


def log_path(name: str) -> Path:
    """Where the output of the last `name` is kept."""
    return paths.build() / "logs" / f"{name}.log"


def telling_line(output: str) -> str:
    """The line of a failed program's output that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        if _TELLING.search(line):
            return line
    return lines[-1] if lines else "it said nothing"


def run(argv: Sequence[str | Path], what: str, *, cwd: Path | None = None,
        env: Mapping[str, str] | None = None, log: str | None = None,
        on_line: Callable[[str], None] | None = None, to_its_end: bool = False,
        stdin: Path | None = None) -> str:
    """Run `argv` and return what it printed; `what` names it in an error.

    `env` is added to the environment, `log` names the log kept of it, `on_line` is given
    every line as it comes, and the program reads the file `stdin`. With `to_its_end` an
    interrupt has to wait until the program has ended, for what must not be left half-done.
    """
    words = [os.fspath(arg) for arg in argv]
    words[0] = find(words[0]) or words[0]
    full_env = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    try:
        source = open(stdin or os.devnull, "rb")
    except OSError as exc:
        raise errors.from_os_error(exc) from exc
    try:
        child = subprocess.Popen(words, cwd=cwd, env=full_env, stdin=source,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 encoding="utf-8", errors="replace",
                                 # Not of the terminal's foreground: Ctrl-C is not for it.
                                 process_group=0 if to_its_end else None)
    except FileNotFoundError as exc:
        raise errors.MaliError(f"{what}: the program {argv[0]} is not there: "
                               "run ./mali-vm setup") from exc
    finally:
        source.close()
    assert child.stdout is not None
    lines = []
    try:
        for line in child.stdout:
            lines.append(line)
            if on_line:
                on_line(line)
        code = child.wait()
    except BaseException:
        if to_its_end:
            progress.say(f"\n{what} has to be finished first")
            child.stdout.read()
        else:
            # Nothing may still write to a directory that is about to be removed.
            child.terminate()
        child.wait()
        raise
    finally:
        child.stdout.close()
    output = "".join(lines)
    where = ""
    if log:
        paths.write_whole(log_path(log), output)
        where = f" (all of it: {log_path(log)})"
    if code:
        if _FULL.search(output):
            raise errors.disk_full(cwd or paths.cache())
        raise Failed(f"{what} failed: {telling_line(output)}{where}", output)
    return output


class Failed(errors.MaliError):
    """A program ended with an error; `output` is all that it printed."""

    def __init__(self, message: str, output: str):
        super().__init__(message)
        self.output = output
