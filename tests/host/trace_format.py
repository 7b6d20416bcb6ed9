# SPDX-License-Identifier: GPL-2.0-or-later
"""What makes a trace one that Chrome and Perfetto read."""

from collections.abc import Iterator
from typing import Any


def faults(document: dict[str, Any]) -> Iterator[str]:
    """What of a trace is not as Chrome's format wants it."""
    named: set[tuple[int, int]] = set()
    processes: set[int] = set()
    last: dict[tuple[int, int], float] = {}
    begun: dict[tuple[int, int], list[str]] = {}
    for one in document["traceEvents"]:
        place = one["pid"], one["tid"]
        if one["ph"] == "M":
            named.add(place)
            processes.add(one["pid"])
            continue
        if place not in named or one["pid"] not in processes:
            yield f"{place} has no name"
        if one["ts"] < last.get(place, 0):
            yield f"{one} is before the one before"
        last[place] = one["ts"]
        if one["ph"] == "B":
            begun.setdefault(place, []).append(one["name"])
        elif one["ph"] == "E" and (not begun.get(place) or begun[place].pop() != one["name"]):
            yield f"{one} ends what has not begun"
        elif one["ph"] not in "BEiC":
            yield f"{one} is of no kind"
    yield from (f"{names} do not end" for names in begun.values() if names)
