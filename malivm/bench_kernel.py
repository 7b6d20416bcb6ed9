# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of runs with the project's own kernels, whatever kernel the bench was given."""

import json
import subprocess
import tempfile
from pathlib import Path

from . import kernel, paths
from .errors import MaliError
from .figure import Round, Samples, Source

# What is run on which kernel, and which of the report's seconds count.
_RUNS = {
    "smoke": ("reclaim.smoke", "built:debug", "total"),
    "first-test": ("probe.query", "built:plain", "boot"),
}


def _run(name: str) -> float:
    test, variant, seconds = _RUNS[name]
    kernel.resolve(variant)             # built here, where progress is seen
    with tempfile.TemporaryDirectory() as temp:
        report = Path(temp) / "report.json"
        done = subprocess.run([paths.PROJECT / "mali-vm", "run", test, "--kernel", variant,
                               "--json", report], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise MaliError(f"{name} was not measured: ./mali-vm run {test} --kernel {variant} "
                            "shows why", code=1)
        return float(json.loads(report.read_text("utf-8"))["seconds"][seconds])


def measure(round_: Round) -> dict[str, Samples]:
    """The figures of the round, each in a run of its own."""
    return {name: Samples([_run(name)]) for name in round_.names}


SOURCE = Source("runs with our own kernels", measure)
