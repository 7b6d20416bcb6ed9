# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium for tests of pages: opened, looked at by its DevTools protocol over two
pipes, and closed."""

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import support  # noqa: F401  (for the path)
from malivm import packages, proc

SECONDS = 120


class Browser:
    """A page of a browser, and what it said and asked for since it was opened."""

    def __init__(self, commands: int, answers: int):
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target,
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def _read(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._answers], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._answers, 1 << 16)
            if not data:
                raise EOFError("the browser has ended")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        read: dict[str, Any] = json.loads(message)
        return read

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol; returns its result."""
        self._number += 1
        request: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            request["sessionId"] = self._session
        os.write(self._commands, json.dumps(request).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            message = self._read(deadline)
            if "id" not in message:
                self.events.append(message)
            elif message["id"] == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    def named(self, method: str) -> list[dict[str, Any]]:
        """What came of events of a name."""
        return [event["params"] for event in self.events if event["method"] == method]

    def open(self, url: str, width: int, dark: bool = False) -> None:
        """Go to a page in a window of a width, until it is loaded and drawn."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + SECONDS
        while not self.named("Page.loadEventFired"):
            self.events.append(self._read(deadline))
        # uPlot draws in a task of its own.
        self.evaluate("new Promise(done => requestAnimationFrame(() => "
                      "requestAnimationFrame(() => done(1))))")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")


def program() -> str | None:
    """A browser of this machine."""
    return next((path for path in map(proc.find, packages.BROWSERS) if path), None)


@contextlib.contextmanager
def started() -> Iterator[Browser]:
    """A browser, until the end of the block."""
    path = program()
    assert path is not None
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    words = [path, "--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update"]
    if os.geteuid() == 0:
        # Chromium's sandbox is not for root.
        words.append("--no-sandbox")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temp:
        # It takes its pipes at 3 and 4.
        shell = f"exec 3<&{command_read} 4>&{answer_write}; exec \"$@\""
        child = subprocess.Popen(
            ["bash", "-c", shell, "bash", *words, f"--user-data-dir={Path(temp) / 'profile'}"],
            pass_fds=[command_read, answer_write], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(command_read)
        os.close(answer_write)
        try:
            yield Browser(command_write, answer_read)
        finally:
            child.kill()
            child.wait()
            os.close(command_write)
            os.close(answer_read)
