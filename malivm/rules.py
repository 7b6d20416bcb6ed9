# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules by which the device injects faults, of one run: whose they are, what they did.

Those of the command line are there from the start to the end of the machine, those that a
test has added until it is over. One that never hit tested nothing, so it is a failure of
the run or of the test, unless it says `optional`.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .errors import MaliError
from .qmp import Qmp


@dataclass
class Rule:
    """One rule and how often it has hit."""
    name: str
    rule: str
    hits: int = 0
    optional: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form of --json."""
        return {"rule": self.rule, "name": self.name, "hits": self.hits,
                "optional": self.optional}

    @property
    def text(self) -> str:
        """Its name and what it says, where it does not say its name itself."""
        return self.rule if f"name={self.name}" in self.rule.split() \
            else f"{self.name}: {self.rule}"


def idle(rules: Iterable[Rule]) -> list[str]:
    """A sentence for each rule that should have hit and did not."""
    return [f"a rule never hit: {rule.text}" for rule in rules
            if not rule.hits and not rule.optional]


class Rules:
    """The rules of a running machine, as its device has them."""

    def __init__(self, qmp: Qmp):
        self._qmp = qmp
        self._given: dict[str, Rule] = {}       # of the command line
        self._added: dict[str, Rule] = {}       # of the test that runs
        self._over: list[Rule] = []             # of this test, removed again

    def start(self) -> None:
        """The machine has started, with rules of the command line."""
        self._given = {rule.name: rule for rule in self.all()}

    @property
    def given(self) -> list[Rule]:
        """The command line's, as they were when they were last looked at."""
        return list(self._given.values())

    def is_given(self, name: str) -> bool:
        """It is one of the command line's."""
        return name in self._given

    def all(self) -> list[Rule]:
        """All the rules there are, from the device."""
        return [Rule(row["name"], row["rule"], row["hits"], row["optional"])
                for row in self._qmp.execute("x-mali-csf-inject-list")]

    def refresh(self) -> None:
        """Have another look at the hits, if there are rules and somebody to ask."""
        if not (self._given or self._added):
            return
        with contextlib.suppress(MaliError):
            for rule in self.all():
                for known in (self._given, self._added):
                    if rule.name in known:
                        known[rule.name] = rule

    def add(self, text: str) -> str:
        """Add a rule for the test that runs; its name."""
        name: str = self._qmp.execute("x-mali-csf-inject-add", rule=text)["name"]
        self._added[name] = Rule(name, text)
        self.refresh()
        return name

    def remove(self, name: str) -> None:
        """Remove a rule that the test has added."""
        if name not in self._added:
            raise MaliError(f"this test has added no rule {name}")
        self.refresh()
        self._qmp.execute("x-mali-csf-inject-remove", name=name)
        self._over.append(self._added.pop(name))

    def end_test(self) -> None:
        """The test is over: what it has left is removed."""
        self.refresh()
        for name in list(self._added):
            with contextlib.suppress(MaliError):
                self._qmp.execute("x-mali-csf-inject-remove", name=name)
            self._over.append(self._added.pop(name))

    def take_test(self) -> list[Rule]:
        """The rules of the test that is over, in the order of their ends."""
        self.end_test()
        taken, self._over = self._over, []
        return taken
