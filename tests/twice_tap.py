# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs ``./mali-vm run --icount`` with its arguments twice, and prints as TAP whether all that
came out of the guest is the same, byte for byte: its console, its tests' reports, the table."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
LOGS = ("console.log", "tap.log")
TABLES = ("eviction", "latency")


def run(folder: Path) -> tuple[int, dict[str, Any]]:
    """One run; its exit code, and what came of it by name."""
    report = folder / "report.json"
    done = subprocess.run([PROJECT / "mali-vm", "run", *sys.argv[1:], "--icount", "--json",
                           report, "--log", folder], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          check=False)
    print(done.stdout, file=sys.stderr)
    document = json.loads(report.read_text("utf-8")) if report.exists() else {}
    found: dict[str, Any] = {name: document.get(name) for name in TABLES}
    found |= {name: (folder / name).read_text("utf-8") for name in LOGS if
              (folder / name).exists()}
    return done.returncode, found


def first_difference(name: str, one: Any, other: Any) -> None:
    """Say where two outputs part."""
    pair = [value if isinstance(value, str) else json.dumps(value, indent=1)
            for value in (one, other)]
    for number, (left, right) in enumerate(zip(*(text.splitlines() for text in pair)), 1):
        if left != right:
            print(f"# {name}, line {number}: {left[:300]}\n# {name}, line {number}: "
                  f"{right[:300]}")
            return


def main() -> int:
    """Run twice, compare."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        codes, found = zip(*(run(Path(folder)) for folder in (one, other)))
    checks = [("passes", not any(codes)), ("measures", bool(found[0]["eviction"]))]
    for name in (*TABLES, *LOGS):
        same = name in found[0] and found[0][name] == found[1].get(name)
        checks.append((f"same-{name.removesuffix('.log')}", same))
        if not same:
            first_difference(name, found[0].get(name), found[1].get(name))
    for number, (name, fine) in enumerate(checks, 1):
        print(f"{'ok' if fine else 'not ok'} {number} - icount.{name}")
    print(f"1..{len(checks)}")
    return 0 if all(fine for _, fine in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
