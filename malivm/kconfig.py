# SPDX-License-Identifier: GPL-2.0-or-later
"""Configurations of a kernel: fragments put together, and whether the kernel took them.

Kconfig drops without a word what something that is not selected would have been needed for.
A test that depends on such an option would then pass by doing nothing, so each one that was
asked for is looked up again.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_LINE = re.compile(r"^(CONFIG_\w+)=(.*)$|^# (CONFIG_\w+) is not set$", re.MULTILINE)
_SYMBOL = re.compile(r"^\s*(?:menu)?config\s+(\w+)", re.MULTILINE)

OFF = "n"


def parse(text: str) -> dict[str, str]:
    """The options of a .config or a fragment; OFF for one that is not set."""
    return {set_ or unset: value if set_ else OFF
            for set_, value, unset in _LINE.findall(text)}


def merge(fragments: Iterable[str]) -> dict[str, str]:
    """The options of several fragments, of which a later one wins."""
    merged: dict[str, str] = {}
    for fragment in fragments:
        merged |= parse(fragment)
    return merged


def text(options: Mapping[str, str]) -> str:
    """`options` as a .config has them."""
    return "".join(f"# {name} is not set\n" if value == OFF else f"{name}={value}\n"
                   for name, value in options.items())


def refused(asked: Mapping[str, str], config: str) -> list[str]:
    """The options of `asked` that are other ones in the text of a .config."""
    have = parse(config)
    return [name for name, value in asked.items() if have.get(name, OFF) != value]


def known(tree: Path) -> set[str]:
    """All options that the Kconfig files of a kernel's source define."""
    found: set[str] = set()
    for folder, _, files in os.walk(tree):
        for name in files:
            if name.startswith("Kconfig"):
                content = Path(folder, name).read_text(encoding="utf-8", errors="replace")
                found.update(f"CONFIG_{symbol}" for symbol in _SYMBOL.findall(content))
    return found
