# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs ``./mali-vm run`` with its arguments and prints TAP, so that every test is counted."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run, then print the results as TAP."""
    with tempfile.TemporaryDirectory() as temp:
        report = Path(temp) / "report.json"
        run = subprocess.run([PROJECT / "mali-vm", "run", *sys.argv[1:], "--json", report],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, encoding="utf-8", check=False)
        # Of a TAP test, meson shows no other output.
        print(run.stdout, file=sys.stderr)
        tests = json.loads(report.read_text("utf-8"))["tests"] if report.exists() else []
    for number, test in enumerate(tests, 1):
        passed = test["status"] in ("pass", "skip", "known")
        # A test with a known finding did not show what it is for: it is not counted as passed.
        remark = f" # SKIP {test['reason']}" if test["status"] in ("skip", "known") else ""
        print(f"{'ok' if passed else 'not ok'} {number} - {test['name']}{remark}")
    print(f"1..{len(tests)}")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
