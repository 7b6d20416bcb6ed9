# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of QEMU's monitor protocol (QMP) over a connected socket.

QEMU's own qemu.qmp is not used: it is not a Debian package everywhere and is
built on asyncio, which takes longer to import than this project's whole start.
Few of its features are needed here: one caller, one command at a time.
"""

import json
import socket
from collections.abc import Callable
from typing import Any

from .errors import MaliError


# QEMU answers within milliseconds unless its main loop is stuck.
ANSWER_SECONDS = 30


class QmpError(MaliError):
    """QEMU refused a command; `reason` is its own sentence."""

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"QEMU refused {command}: {reason}")
        self.reason = reason


class QmpClosed(MaliError):
    """The connection ended: QEMU is gone, or does not listen any more."""

    def __init__(self, what: str = "QEMU ended while it was asked something") -> None:
        super().__init__(f"{what}: run again with --log", code=3)


class Qmp:
    """One QMP session; events that arrive in between are kept for events().

    `wait` is called with a number of seconds before an answer is read: it returns when the
    socket can be read, or the time is over.
    """

    def __init__(self, sock: socket.socket, wait: Callable[[float], None] = lambda seconds: None):
        self._sock, self._wait = sock, wait
        self._pending = b""
        self._events: list[dict[str, Any]] = []
        self._silent = False                # it has left a command without an answer

    def fileno(self) -> int:
        """For select(): readable when an event may be there."""
        return self._sock.fileno()

    def _lines(self) -> list[dict[str, Any]]:
        """Read once; return the messages that are complete."""
        try:
            data = self._sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise QmpClosed
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]

    def _answer(self, *keys: str) -> dict[str, Any]:
        """The first message that holds one of `keys`; events before it are kept."""
        while True:
            found = None
            for message in self._lines():
                if found is None and any(key in message for key in keys):
                    found = message
                elif "event" in message:
                    self._events.append(message)
            if found is not None:
                return found

    def negotiate(self) -> None:
        """Wait for QEMU's greeting (it comes when the machine is built), accept it."""
        self._answer("QMP")
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run `command`, wait for its answer and return it."""
        request = {"execute": command, "arguments": arguments}
        if self._silent or self._sock.fileno() < 0:
            raise QmpClosed
        self._sock.settimeout(ANSWER_SECONDS)
        try:
            self._sock.sendall(json.dumps(request).encode() + b"\n")
            self._wait(ANSWER_SECONDS)
            answer = self._answer("return", "error")
        except TimeoutError as exc:
            self._silent = True
            raise QmpClosed(f"QEMU did not answer {command} within {ANSWER_SECONDS} s") from exc
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise QmpClosed from exc
        finally:
            self._sock.settimeout(None)
        if "error" in answer:
            raise QmpError(command, answer["error"]["desc"])
        return answer["return"]

    @property
    def kept(self) -> bool:
        """Whether events() has something to return that fileno() does not tell of."""
        return bool(self._events)

    def events(self) -> list[dict[str, Any]]:
        """The events that have arrived; blocks unless some are kept or fileno() is readable."""
        if not self._events:
            self._events = [m for m in self._lines() if "event" in m]
        taken, self._events = self._events, []
        return taken
