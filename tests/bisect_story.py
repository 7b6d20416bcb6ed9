# SPDX-License-Identifier: GPL-2.0-or-later
"""Hides a mistake in a history of the kernel's source, and has ./mali-vm bisect find it.

    python3 tests/bisect_story.py [--whole] [--mutant NAME] [--test TEST] [--commits N]

The small form builds the driver of each commit for Debian's kernel; with --whole each commit's
kernel is built.
"""

import argparse
import subprocess
import sys

import story


def main() -> int:
    """Make the history, bisect it, and look whether the right commit was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--whole", action="store_true", help="build each commit's whole kernel")
    parser.add_argument("--mutant", default="pages-not-dirty")
    parser.add_argument("--test", default="evict.bound1-4k.kswapd")
    parser.add_argument("--commits", type=int)
    args = parser.parse_args()
    commits = args.commits or (12 if args.whole else 8)
    with story.written("whole" if args.whole else "driver", args.mutant, commits,
                       args.whole) as told:
        wanted = told.git("rev-parse", told.commit(told.culprit))
        done = subprocess.run(
            [story.PROJECT / "mali-vm", "bisect", "--tree", told.repository,
             "--good", told.commit(0), "--bad", "main", "--test", args.test,
             "--kernel", "built:plain" if args.whole else "debian"],
            check=False, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    if done.returncode == 0 and f"{wanted} is the first bad commit" in done.stdout:
        return 0
    print(f"the commit to be found was {wanted}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
