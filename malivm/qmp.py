# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of QEMU's monitor protocol (QMP) over a connected socket.

QEMU's own qemu.qmp is not used: it is not a Debian package everywhere and is
built on asyncio, which takes longer to import than this project's whole start.
Few of its features are needed here: one caller, one command at a time.
"""

import json
import socket
from typing import Any

from .errors import MaliError


class QmpError(MaliError):
    """QEMU refused a command; the message is its own."""


class QmpClosed(MaliError):
    """The connection ended: QEMU is gone."""

    def __init__(self) -> None:
        super().__init__("QEMU ended while it was asked something: run again with --log", code=3)


class Qmp:
    """One QMP session; events that arrive in between are kept for events()."""

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self._pending = b""
        self._events: list[dict[str, Any]] = []

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
        try:
            self._sock.sendall(json.dumps(request).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise QmpClosed from exc
        answer = self._answer("return", "error")
        if "error" in answer:
            raise QmpError(f"QEMU refused {command}: {answer['error']['desc']}")
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
