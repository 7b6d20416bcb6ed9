# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests in the guest may ask the host, and the answers.

A question is a line on the port of the TAP, ``# mali-vm: ask ID COMMAND ARGS .``; the
answer, on the same port, is ``ID ok RESULT`` or ``ID error SENTENCE``. A question without
the dot was cut off, and whoever asked it is gone. tests/guest/ask.h is the other side,
tests/guest/host.h what a test sees of it. The guest is not trusted: it learns of its own
GPU and can make that misbehave, and nothing else; files and stops are the command line's.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import swap, vm
from .errors import MaliError
from .oracle import OFF, Oracle
from .qmp import Qmp, QmpClosed, QmpError
from .rules import Rules
from .tap import INIT

# With its NUL no longer than ANSWER_SIZE of tests/guest/ask.h.
MAX_ANSWER = 4000
# Of a walk through an address space, so that a guest cannot keep the host busy.
MAX_PARTS = 64

_ASK = INIT + "ask "
_QUESTION = re.compile(re.escape(_ASK) + r"(\S+) (\S+) ?(.*) \.$")
_HOST_ONLY = re.compile(r"->\s*(pause|snapshot)\b", re.IGNORECASE)
# No translation is for more than a block of the level-1 table.
_LARGEST_PAGE = 1 << 30
# What adjacent pages have in common to be one range.
_ALIKE = ("exception", "readable", "writable", "executable", "attr")


class Refused(MaliError):
    """The host will not do what it was asked for, and says why."""


class Asked(NamedTuple):
    """What commands work on."""
    rules: Rules
    qmp: Qmp
    disk: swap.Disk
    oracle: Oracle | None = None


def _number(word: str) -> int:
    return int(word, 0)


def words(values: Mapping[str, Any], prefix: str = "") -> str:
    """A QMP answer as words KEY=VALUE: those of a part have its name and a dot before theirs."""
    found = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            found.append(words(value, f"{prefix}{key}."))
        else:
            found.append(f"{prefix}{key}={int(value) if isinstance(value, bool) else value}")
    return " ".join(found)


# --- The commands ---

def _inject_add(asked: Asked, rule: str) -> str:
    match = _HOST_ONLY.search(rule)
    if match:
        raise Refused(f"a test cannot use {match[1].lower()}: give the rule to ./mali-vm run")
    return asked.rules.add(rule)


def _inject_remove(asked: Asked, name: str) -> str:
    asked.rules.remove(name)
    return ""


def _inject_list(asked: Asked) -> str:
    return " ".join(f"{rule.name}={rule.hits}" for rule in asked.rules.all())


def _hits(asked: Asked, name: str) -> str:
    for rule in asked.rules.all():
        if rule.name == name:
            return str(rule.hits)
    raise Refused(f"there is no rule {name}")


def _translate(asked: Asked, space: int, va: int, access: str = "read") -> str:
    return words(asked.qmp.execute("x-mali-csf-translate",
                                   **{"as": space, "va": va, "access": access}))


def _parts(asked: Asked, command: str, key: str, space: int,
           first: int) -> Iterator[Mapping[str, Any]]:
    """What `command` lists from `first` on, over all the parts in which it comes."""
    for _ in range(MAX_PARTS):
        part = asked.qmp.execute(command, **{"as": space, "first": first})
        yield from part[key]
        if "next" not in part:
            return
        first = part["next"]
    raise Refused("there is too much to list: ask for a smaller region")


def _between(rows: Iterator[Mapping[str, Any]], first: int,
             last: int) -> Iterator[Mapping[str, Any]]:
    """Of `rows` by address, those that hold an address from `first` to `last`."""
    for row in rows:
        if row["va"] > last:
            return
        if row["va"] + row["size"] > first:
            yield row


def _joined(rows: Iterator[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """`rows` of mappings, where one that was cut at the end of a part is whole again."""
    last: dict[str, Any] = {}
    for row in rows:
        alike = all(row.get(key) == last.get(key) for key in _ALIKE)
        if last and alike and row["va"] == last["va"] + last["size"]:
            if "pa" in row:
                follows = row["pa"] == last["pa"] + last["size"]
                last["contiguous"] = last["contiguous"] and row["contiguous"] and follows
            last["size"] += row["size"]
            continue
        if last:
            yield last
        last = dict(row)
    if last:
        yield last


def _range(row: Mapping[str, Any], last: int) -> str:
    """VA:SIZE:EXCEPTION:PA:CONTIGUOUS:RIGHTS:ATTR in hex; it ends with the region."""
    rights = sum(bit for bit, name in ((4, "readable"), (2, "writable"), (1, "executable"))
                 if row.get(name))
    return ":".join(f"{number:x}" for number in (
        row["va"], min(row["size"], last + 1 - row["va"]), row["exception"], row.get("pa", 0),
        row.get("contiguous", False), rights, row.get("attr", 0)))


def _mappings(asked: Asked, space: int, first: int, last: int, most: int = 16) -> str:
    rows = _parts(asked, "x-mali-csf-mappings", "ranges", space, first)
    found = [_range(row, last) for row in _joined(_between(rows, first, last))]
    return " ".join([str(len(found)), *found[:most]])


def _tlb(asked: Asked, space: int, first: int, last: int) -> str:
    start = first & ~(_LARGEST_PAGE - 1)
    rows = _parts(asked, "x-mali-csf-tlb", "entries", space, start)
    return str(sum(not row["table"] for row in _between(rows, first, last)))


def _findings(asked: Asked) -> str:
    kinds = asked.qmp.execute("x-mali-csf-findings")["kinds"]
    return words({kind["name"]: kind["count"] for kind in kinds})


def _property(asked: Asked, name: str) -> str:
    value = asked.qmp.execute("qom-get", path=vm.DEVICE_PATH, property=name)
    return str(int(value) if isinstance(value, bool) else value)


def _swap_disk(asked: Asked, how: str) -> str:
    asked.disk.set(how)
    return ""


def _quiet(asked: Asked, address: int, length: int) -> str:
    return asked.oracle.quiet(address, length) if asked.oracle else f"{OFF} --oracle is not given"


def _spoil(asked: Asked, name: str) -> str:
    if asked.oracle is None:
        raise Refused("there is no oracle: run with --oracle")
    return asked.oracle.spoil(name)


def _mend(asked: Asked) -> str:
    if asked.oracle is not None:
        asked.oracle.mend()
    return ""


def _test_end(asked: Asked, _name: str) -> str:
    asked.rules.end_test()
    asked.disk.set(swap.SOUND)
    return ""


class Command(NamedTuple):
    """What a command does, and its arguments; the last `optional` of them may be missing."""
    run: Callable[..., str]
    usage: str = ""
    kinds: tuple[Callable[[str], Any], ...] = ()
    optional: int = 0
    rest: bool = False                  # the last argument is the rest of the line


COMMANDS: Mapping[str, Command] = {
    "inject-add": Command(_inject_add, "RULE", (str,), rest=True),
    "inject-remove": Command(_inject_remove, "NAME", (str,)),
    "inject-list": Command(_inject_list),
    "hits": Command(_hits, "NAME", (str,)),
    "translate": Command(_translate, "AS VA [ACCESS]", (_number, _number, str), optional=1),
    "mappings": Command(_mappings, "AS FIRST LAST [MOST]", (_number,) * 4, optional=1),
    "tlb": Command(_tlb, "AS FIRST LAST", (_number,) * 3),
    "findings": Command(_findings),
    "property": Command(_property, "NAME", (str,)),
    "swap-disk": Command(_swap_disk, "HOW", (str,)),
    "quiet": Command(_quiet, "ADDRESS LENGTH", (_number,) * 2),
    "spoil": Command(_spoil, "INVARIANT", (str,)),
    "mend": Command(_mend),
    "test-end": Command(_test_end, "TEST", (str,)),
}


# --- The line ---

def is_question(line: str) -> bool:
    """The line is not TAP's, but for Answerer."""
    return line.startswith(_ASK)


def _arguments(name: str, text: str) -> Sequence[Any]:
    command = COMMANDS[name]
    given = text.split(None, len(command.kinds) - 1) if command.rest else text.split()
    try:
        if len(command.kinds) - command.optional <= len(given) <= len(command.kinds):
            return [kind(word) for kind, word in zip(command.kinds, given)]
    except ValueError:
        pass
    raise Refused(f"it is {f'{name} {command.usage}'.strip()}, with numbers as decimal or 0x")


class Answerer:
    """Answers the questions of a guest."""

    def __init__(self, rules: Rules, qmp: Qmp, oracle: Oracle | None = None):
        self._asked = Asked(rules, qmp, swap.Disk(qmp), oracle)

    def answer(self, line: str) -> str:
        """The line to be sent back; "" if there is nobody to send it to."""
        match = _QUESTION.match(line)
        if match is None:
            return ""
        number, name, text = match.groups()
        try:
            result = "ok " + self._run(name, text)
        except QmpClosed:
            return ""
        except QmpError as exc:
            result = "error " + exc.reason
        except MaliError as exc:
            result = "error " + exc.message
        if len(result) > MAX_ANSWER:
            result = "error the answer is too long: ask for less"
        return f"{number} {' '.join(result.split())}"

    def _run(self, name: str, text: str) -> str:
        if name not in COMMANDS:
            raise Refused(f"there is no command {name}: there are {', '.join(COMMANDS)}")
        return COMMANDS[name].run(self._asked, *_arguments(name, text))
