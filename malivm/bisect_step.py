# SPDX-License-Identifier: GPL-2.0-or-later
"""A step of a bisection: what `git bisect run` starts, with the session's folder and a pipe.

Exit code 0 is good, 1 bad, 125 skip; 255 has git stop. A mistake of ours must never look like a
bad commit, and Python's own exit code for one is 1.
"""

import os
import signal
import sys
import threading

STOP = 255


def _terminate(*_: object) -> None:
    raise KeyboardInterrupt


def _end_with(pipe: int) -> None:
    """End when nobody holds the other end of `pipe` any more: a caller that is killed cannot tell
    git, and git's scripts do not tell what they have started."""
    def watch() -> None:
        os.read(pipe, 1)
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Answer for the commit that git asks for."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    _end_with(int(sys.argv[2]))
    message = ""
    try:
        from pathlib import Path

        from . import bisect_session, errors
        try:
            session = bisect_session.Session.load(Path(sys.argv[1]))
            git = session.checkout.git
            left = dict(line.split("=", 1) for line in
                        git("rev-list", "--bisect-vars", "--bisect").splitlines())
            commit = git("rev-parse", "--verify", "BISECT_HEAD").strip()
            return int(session.answer(commit, int(left["bisect_steps"])).answer)
        except errors.MaliError as exc:
            message = exc.message
        except OSError as exc:
            message = errors.from_os_error(exc).message
    except KeyboardInterrupt:
        return STOP
    except BaseException:
        import traceback
        traceback.print_exc()
        return STOP
    print(f"mali-vm: {message}", file=sys.stderr)
    return STOP


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
