# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs ``./mali-vm run`` with its arguments and --trace, and looks at the trace; prints TAP.

The tests have to have the driver lock a region of an address space that is in a slot.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tests" / "host"))

from trace_format import faults  # noqa: E402  (needs the path above)

Event = dict[str, Any]


def calls(events: list[Event], function: str) -> Iterator[tuple[float, float]]:
    """From when to when each call of a function took."""
    begun: dict[object, list[Event]] = {}
    for event in events:
        stack = begun.setdefault(event["tid"], [])
        if event["ph"] == "B":
            stack.append(event)
        elif event["ph"] == "E":
            first = stack.pop()
            if first["args"].get("function") == function:
                yield first["ts"], event["ts"]


def lock_order(trace: dict[str, Any]) -> str:
    """The driver calls, the device gets LOCK, the region is locked, the call returns."""
    events = trace["traceEvents"]
    spans = list(calls(events, "panthor_vm_lock_region"))
    # What the driver did before the first test was not recorded.
    start = min((event["ts"] for event in events if event["pid"] == 1 and "ts" in event),
                default=0.0)
    locks = [event["ts"] for event in events if event["name"] == "LOCK" and event["ts"] > start]
    locked = [event["ts"] for event in events
              if event["name"] == "region locked" and event["ph"] == "B"]
    inside = [(begin, end) for begin, end in spans
              if [time for time in locks if begin < time < end]]
    if not inside:
        return f"no LOCK of {len(locks)} is in one of {len(spans)} calls"
    for time in locks:
        if not any(begin < time < end for begin, end in spans):
            return f"the LOCK at {time} is in no call"
    for begin, end in inside:
        asked = min(time for time in locks if begin < time < end)
        if not any(asked <= time < end for time in locked):
            return f"the region of the LOCK at {asked} is not locked before {end}"
    return ""


def all_there(trace: dict[str, Any]) -> str:
    """Nothing is lost, and all sides have events."""
    about = trace["otherData"]
    halves = {name: times for name, times in about["slices"].items() if name != "begun_before"}
    if about["lost"] or not about["whole"] or any(halves.values()):
        return f"lost: {about['lost']}, whole: {about['whole']}, slices: {about['slices']}"
    return "" if all(about["events"].values()) else f"events: {about['events']}"


def in_tests(trace: dict[str, Any]) -> str:
    """The tests are slices, and the driver was called in each."""
    events = trace["traceEvents"]
    spans = list(calls(events, "panthor_vm_lock_region"))
    tests = [event["ts"] for event in events if event["pid"] == 1 and event["ph"] in "BE"]
    if not tests or len(tests) % 2:
        return f"{len(tests)} ends of tests"
    return "" if all(any(begin < time < end for time, _ in spans)
                     for begin, end in zip(tests[::2], tests[1::2])) else "a test without a call"


CHECKS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("format", lambda trace: "; ".join(list(faults(trace))[:3])),
    ("all-there", all_there),
    ("lock-order", lock_order),
    ("in-tests", in_tests),
)


def main() -> int:
    """Run, look, print TAP."""
    with tempfile.TemporaryDirectory() as temp:
        file = Path(temp) / "trace.json"
        run = subprocess.run([PROJECT / "mali-vm", "run", *sys.argv[1:], "--trace", file],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, encoding="utf-8", check=False)
        print(run.stdout, file=sys.stderr)
        trace = json.loads(file.read_text("utf-8")) if file.exists() else None
    print(f"{'ok' if run.returncode == 0 else 'not ok'} 1 - run")
    for number, (name, check) in enumerate(CHECKS, 2):
        wrong = check(trace) if trace else "there is no trace"
        if wrong:
            print(f"# {wrong}")
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
    print(f"1..{len(CHECKS) + 1}")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
