# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of whole machines, one with the GPU and one without.

A pair is started in turn, so that what else the host does falls on both. A machine that
waits for its partner is stopped; for the idle figure both run at the same time.
"""

import re
import subprocess
import time

from . import paths, vm
from .errors import MaliError
from .figure import Round, Samples, Source
from .results import BOOT_NOTE

BOOT_SECONDS = 120                      # a machine that is not up by then is not coming
SETTLE_SECONDS = 8                      # until the later guest has nothing left to do
IDLE_SLICES = 10                        # of a second: one with a timer's work in it is no matter

_INIT = re.compile(r"Run /init as init process")        # init/main.c, run_init_process()
_NOTE = re.compile(r"(\w+)=([\d.]+)")


class _Booted:
    """A machine that waits at its shell's prompt, and how long it took to get there."""

    def __init__(self, running: vm.Vm):
        self.vm = running
        self.init = 0.0
        self.note: dict[str, float] = {}
        try:
            for event in running.events(running.started + BOOT_SECONDS):
                if event.channel == vm.CONSOLE and _INIT.search(event.text):
                    self.init = event.time - running.started
                elif event.channel == vm.TAP and event.text.startswith(BOOT_NOTE):
                    self.note = {k: float(v) for k, v in _NOTE.findall(event.text)}
                if self.init and self.note:
                    return
        except vm.Timeout:
            pass
        raise MaliError("a guest did not boot: ./mali-vm run shows why", code=3)


def measure_pair(round_: Round) -> dict[str, Samples]:
    """Figures boot, probe and idle, of one pair."""
    settings = ["mode=shell"]
    order = (True, False) if round_.number % 2 == 0 else (False, True)
    with vm.Vm(round_.prepared.config(settings, device=order[0])) as first:
        pair = {order[0]: _Booted(first)}
        first.qmp.execute("stop")
        with vm.Vm(round_.prepared.config(settings, device=order[1])) as second:
            pair[order[1]] = _Booted(second)
            first.qmp.execute("cont")
            if "probe_ms" not in pair[True].note:
                raise MaliError("the driver did not probe: ./mali-vm run probe shows why", code=1)
            found = {"boot": Samples([pair[True].init], [pair[False].init]),
                     "probe": Samples([pair[True].note["probe_ms"]])}
            if "idle" in round_.names:
                found["idle"] = _measure_idle(pair[True].vm, pair[False].vm)
            return found


def _measure_idle(with_device: vm.Vm, without: vm.Vm) -> Samples:
    """The share of a host's CPU that each takes, in percent."""
    def read() -> tuple[float, float, float]:
        return time.monotonic(), with_device.cpu_seconds(), without.cpu_seconds()

    samples = Samples()
    time.sleep(SETTLE_SECONDS)
    before = read()
    for _ in range(IDLE_SLICES):
        time.sleep(1)
        after = read()
        span, used, used_without = (b - a for a, b in zip(before, after))
        samples.measured.append(100 * used / span)
        samples.reference.append(100 * used_without / span)
        before = after
    return samples


def measure_run(_: Round) -> dict[str, Samples]:
    """Figure run: `make run` from outside."""
    start = time.monotonic()
    done = subprocess.run(["make", "--no-print-directory", "run"], cwd=paths.PROJECT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        raise MaliError("make run failed, so it was not measured: run it to see why", code=1)
    return {"run": Samples([seconds])}


PAIRS = Source("pairs of machines, with and without the device", measure_pair)
RUN = Source("make run", measure_run)
