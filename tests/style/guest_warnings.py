# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's programs compile without a warning."""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from malivm import guest, packages, proc  # noqa: E402  (the path has to be set first)


def main() -> int:
    """Compile all sources and forget the result."""
    compiler = proc.find(packages.CROSS + "gcc") or "gcc"
    bad = 0
    with tempfile.TemporaryDirectory() as temp:
        for source in sorted(guest.SOURCES.glob("*.c")):
            result = subprocess.run([compiler, *guest.compiler_flags(), "-Werror", "-c",
                                     "-o", Path(temp) / "out.o", source], check=False)
            bad += result.returncode != 0
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
