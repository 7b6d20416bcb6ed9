# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's own style checker over what is written for QEMU: checkpatch.py QEMU_SRC"""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
PATTERNS = ("hw/gpu/*.[ch]", "include/hw/gpu/*.h", "tests/qtest/*.[ch]", "tests/unit/*.[ch]",
            "tools/*.c")


def main() -> int:
    """Check all files; warnings count."""
    files = [path.relative_to(PROJECT) for pattern in PATTERNS
             for path in sorted(PROJECT.glob(pattern))]
    script = Path(sys.argv[1]) / "scripts" / "checkpatch.pl"
    result = subprocess.run(["perl", script, "--no-tree", "--terse", "--no-summary", "-f", *files],
                            cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            encoding="utf-8", check=False)
    said = [line for line in result.stdout.splitlines() if not line.startswith("Checking ")]
    print("\n".join(said))
    return 1 if result.returncode or any(said) else 0


if __name__ == "__main__":
    sys.exit(main())
