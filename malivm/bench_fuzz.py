# SPDX-License-Identifier: GPL-2.0-or-later
"""Figure fuzz: how many cases of tests/qtest/mali-csf-fuzz-test.c a second, of all kinds alike.

On the QEMU without sanitizers: those of make check and make check-long are on the other.
"""

import os
import subprocess
import time

from . import qemu
from .errors import MaliError
from .figure import Round, Samples, Source

PROGRAM = "mali-csf-fuzz-test"
CASES = 5000


def measure(_: Round) -> dict[str, Samples]:
    """One run of the program."""
    program = next(path for path in qemu.ensure_qtests() if path.name == PROGRAM)
    env = {**os.environ, "QTEST_QEMU_BINARY": str(qemu.build_dir() / qemu.BINARY),
           "MALI_CSF_FUZZ_CASES": str(CASES)}
    start = time.monotonic()
    done = subprocess.run([program, "-k"], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        raise MaliError("a random case failed, so they were not measured: "
                        "make check SUITES=fuzz shows more", code=1)
    return {"fuzz": Samples([CASES / seconds])}


SOURCE = Source("random cases", measure)
