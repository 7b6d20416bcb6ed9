# SPDX-License-Identifier: GPL-2.0-or-later
"""Hides a mistake among the patches of a series, and has ./mali-vm series say which one it is.

    python3 tests/series_story.py [--mutant NAME] [--test TEST]

The patches are of the driver, which is built after each one for Debian's kernel.
"""

import argparse
import subprocess
import sys
import tempfile

import story
from malivm import results

COMMITS = 4


def main() -> int:
    """Make the series, have it tested, and look whether the right patch is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mutant", default="pages-not-dirty")
    parser.add_argument("--test", default="evict.bound1-4k.kswapd")
    args = parser.parse_args()
    with story.written("series", args.mutant, COMMITS) as told, \
            tempfile.TemporaryDirectory() as patches:
        told.git("format-patch", "--quiet", "-o", patches, f"{told.commit(0)}..main")
        done = subprocess.run(
            [story.PROJECT / "mali-vm", "series", patches, "--base", told.repository,
             "--at", told.commit(0), "--test", args.test, "--kernel", "debian"],
            check=False, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    wanted = f"{args.test} starts to fail with patch {told.culprit} "
    if done.returncode == results.EXIT_FAIL and wanted in done.stdout:
        return 0
    print(f"not said: {wanted}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
