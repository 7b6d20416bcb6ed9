# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done when a rule has stopped the machine: the device's event MALI_CSF_INJECTED."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import snapshot
from .errors import MaliError
from .qmp import Qmp, QmpClosed, QmpError
from .rules import Rules

EVENT = "MALI_CSF_INJECTED"


class Stops:
    """Saves the machine where a rule says so; `say` tells the user."""

    def __init__(self, qmp: Qmp, rules: Rules, say: Callable[[str], None]):
        self._qmp, self._rules, self._say = qmp, rules, say
        self.failed: list[str] = []             # what could not be done, a sentence each

    def handle(self, data: Mapping[str, Any]) -> str:
        """The machine has stopped: what to tell the user if it stays so, or ""."""
        name, when = data["rule"], f"{data['time-ns'] / 1e9:.6f} s after its start"
        if data["action"] == "pause":
            return f"rule {name} stopped the machine {when}"
        file = data.get("file", "")
        problem = self._save(name, file)
        if problem:
            self.failed.append(f"rule {name}: the machine was not saved: {problem}")
        else:
            self._say(f"rule {name}: the machine as it was {when} is in {file}")
        try:
            self._qmp.execute("cont")
        except MaliError as exc:
            return f"rule {name} stopped the machine {when}, and it does not go on: {exc.message}"
        return ""

    def _save(self, name: str, file: str) -> str:
        """Why it could not be saved, or ""."""
        # The guest can add rules: none of its own names a file of the host.
        if not self._rules.is_given(name):
            return "only a rule of the command line can name a file"
        try:
            snapshot.save(self._qmp, Path(file))
        except QmpClosed:
            return "QEMU ended meanwhile"
        except QmpError as exc:
            return exc.reason
        except MaliError as exc:
            return exc.message
        except OSError as exc:
            return f"{file}: {exc.strerror}"
        return ""
