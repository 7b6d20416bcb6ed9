# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``make check`` does: sets up, runs the suites with meson, counts.

    python3 -m malivm.check [--long] [SUITE ...]
"""

import argparse
import contextlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from . import charts, errors, fuzz, kernel, packages, paths, proc, progress, qemu, setup

SUITES = ("unit", "host", "style", "qtest", "fuzz", "guest")
LONG = "long"
# The suites that start qtest programs, and those on the QEMU with sanitizers
_QTESTS = {"qtest", "fuzz", LONG}
_SANITIZED = {"fuzz", LONG}
# The suites some of whose tests are of the built kernel
_BUILT = {"guest", LONG}


def build_dir() -> Path:
    """Meson's build directory of the tests."""
    return paths.build() / "tests"


def _configure(meson: Sequence[str], env: dict[str, str]) -> None:
    """Configure, or bring up to date, meson's build directory."""
    target = build_dir()
    options = [f"-Dqemu_src={qemu.source_dir()}", f"-Dqemu_build={qemu.build_dir()}",
               f"-Dqemu_sanitized={qemu.build_dir(qemu.SANITIZED)}"]
    if (target / "meson-private" / "coredata.dat").exists():
        try:
            proc.run([*meson, "setup", "--reconfigure", *options, target, paths.PROJECT],
                     "configuring the tests", env=env, log="tests-configure")
            return
        except proc.Failed:
            # Of another meson, or half-written when interrupted: begin anew.
            pass
    paths.remove(target)
    proc.run([*meson, "setup", *options, target, paths.PROJECT], "configuring the tests",
             env=env, log="tests-configure")


def count(junit: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped) test cases of meson's report."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(junit).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def run(suites: Sequence[str]) -> int:
    """Run `suites`; the last line printed is what passed, failed and was skipped."""
    setup.ensure_all()
    packages.ensure("check", "report")
    if _QTESTS & set(suites):
        qemu.ensure_qtests()
    if _SANITIZED & set(suites):
        qemu.ensure_qemu(qemu.SANITIZED)
        fuzz.ensure_all()
    if "host" in suites:
        # A test has less time than a slow registry takes, and skips without the library.
        with contextlib.suppress(errors.MaliError):
            charts.ensure()
    if _BUILT & set(suites):
        # Here its progress is shown.
        kernel.resolve("built")
    meson, extra = packages.meson_command()
    # Meson has its own for sanitizers, unless there are some.
    env = {**os.environ, **extra, **qemu.SANITIZED.env}
    with progress.step("configuring the tests"):
        _configure(meson, extra)
    report = build_dir() / "meson-logs" / "testlog.junit.xml"
    report.unlink(missing_ok=True)
    words = [*meson, "test", "-C", str(build_dir()), "--print-errorlogs", "--no-stdsplit",
             *(f"--suite={suite}" for suite in suites)]
    code = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, check=False).returncode
    if not report.exists():
        raise errors.MaliError("the tests did not run: see what meson says above", 1)
    passed, failed, skipped = count(report)
    if code and not failed:
        # A program may fail outside of any of its test cases.
        failed = 1
    counts = f"{passed} passed, {failed} failed, {skipped} skipped"
    paths.write_whole(paths.build() / "counts", counts + "\n")
    print(counts, flush=True)
    return 1 if failed or not passed else 0


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python3 -m malivm.check", description=run.__doc__)
    parser.add_argument("--long", action="store_true", help="the long-running tests as well")
    parser.add_argument("suites", nargs="*", metavar="SUITE",
                        help=f"of {', '.join((*SUITES, LONG))}; default: all but {LONG}")
    args = parser.parse_args()
    unknown = set(args.suites) - {*SUITES, LONG}
    try:
        if unknown:
            raise errors.MaliError(f"there is no suite {min(unknown)}: see --help")
        return run([*(args.suites or SUITES), *([LONG] if args.long else [])])
    except errors.MaliError as exc:
        print(f"check: {exc.message}", file=sys.stderr)
        return exc.code
    except OSError as exc:
        print(f"check: {errors.from_os_error(exc).message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ncheck: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
