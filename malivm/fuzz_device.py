# SPDX-License-Identifier: GPL-2.0-or-later
"""The device as a target: QEMU's generic fuzzer, on recorded runs and with memory to work on."""

import os
import subprocess
import tempfile
from pathlib import Path

from . import fuzz_seed, paths, progress, qemu
from .errors import MaliError
from .fuzz_target import Program, Target

MAX_LEN = 8192

# Tests that are recorded, by their programs: a run of the device's blocks each
RECORDED = {
    "mali-csf-gpu-test": ("gpu/flush", "gpu/power", "gpu/cycles"),
    "mali-csf-mmu-test": ("mmu/commands", "mmu/update", "mmu/fault/latched"),
    "mali-csf-fw-test": ("fw/ping", "fw/halt/warm-boot", "fw/halt/reset"),
    "mali-csf-reset-test": ("reset/soft/running", "reset/hard/group-waiting"),
    "mali-csf-lock-test": ("lock/suspend", "lock/both-queues"),
    "mali-csf-cs-test": ("cs/sync-wait", "cs/ring-wrap", "cs/fault/call-unmapped"),
    "mali-csf-endpoint-test": ("endpoint/resource/suspend",),
    "mali-csf-clear-test": ("clear/region/large",),
    "mali-csf-heap-test": ("heap/oom/wait", "heap/oom/grant", "heap/handler/renders"),
}
# The one whose memory all of them get: a group in its slot, a ring, a draw with a tiler heap
IMAGE = "heap/oom/wait"
# Traces of runs of the driver: a guest takes too long to be recorded each time
TRACES = paths.PROJECT / "tests" / "fuzz" / "traces"

_TRACES = ("mali_csf_read", "mali_csf_write", "mali_csf_event_run")
_GPU = "mali-csf,id=gpu,check=report,timestamp-frequency=1000000000"
# The fuzzer steps the clock to the next timer, and takes it for a crash when there is none:
# this one is always there, and later than those of the device.
_TICK = "-netdev hubport,id=net,hubid=0 -object filter-buffer,id=tick,netdev=net,interval=10000000"


def _record(program: Path, test: str, folder: Path) -> tuple[str, str]:
    """Run one test: the device's trace, and the qtest's log."""
    wrapper, trace = folder / qemu.BINARY, folder / "trace"
    options = " ".join(f"-trace {name}" for name in _TRACES)
    # The test asks QEMU's name for the architecture.
    wrapper.write_text(f'#!/bin/sh\nexec {qemu.build_dir() / qemu.BINARY} "$@" -D {trace} '
                       f'{options}\n', encoding="utf-8")
    wrapper.chmod(0o755)
    path = f"/aarch64/mali-csf/{test}"
    done = subprocess.run([program, "-p", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
                          errors="replace", check=False,
                          env={**os.environ, "QTEST_LOG": "1", "QTEST_QEMU_BINARY": str(wrapper)})
    if done.returncode or not trace.exists():
        raise MaliError(f"the test {path} failed, so it was not recorded: "
                        "make check SUITES=qtest shows more", code=1)
    return trace.read_text(encoding="utf-8"), done.stderr


def _record_all(out: Path) -> None:
    """Fill `out` with the image of memory, the trace that belongs to it, and the seeds."""
    records = {}
    with tempfile.TemporaryDirectory() as temp:
        for program, tests in RECORDED.items():
            for test in tests:
                records[test] = _record(qemu.build_dir() / "tests" / "qtest" / program, test,
                                        Path(temp))
    trace, log = records[IMAGE]
    pages = fuzz_seed.memory(log)
    fuzz_seed.add_mapped(pages, fuzz_seed.transtabs(trace).values())
    (out / "image.elf").write_bytes(fuzz_seed.elf(pages))
    (out / "image.trace").write_text(trace, encoding="utf-8")
    traces = {test.replace("/", "-"): record for test, (record, _) in records.items()}
    traces.update((file.stem, file.read_text(encoding="utf-8")) for file in TRACES.iterdir())
    (out / "seeds").mkdir()
    for name, record in traces.items():
        (out / "seeds" / name).write_bytes(_seed(trace, record))


def _seed(image: str, trace: str) -> bytes:
    """`trace` as an input, with the memory that belongs to the trace `image`."""
    return fuzz_seed.seed(fuzz_seed.preparation(image) + trace, fuzz_seed.transtabs(image),
                          MAX_LEN)


def _recorded() -> Path:
    """The directory of what is recorded, anew where the tests or QEMU have changed."""
    programs = qemu.ensure_qtests()
    home = paths.build() / "fuzz" / "device"
    out, stamp = home / "recorded", home / "key"
    inputs = [*(path for path in programs if path.name in RECORDED),
              qemu.build_dir() / qemu.BINARY, *TRACES.iterdir(),
              Path(__file__), Path(fuzz_seed.__file__)]
    key = paths.digest([paths.stat_key(path) for path in sorted(inputs)])
    with paths.lock(home):
        if not (out.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == key):
            with (progress.step("recording tests of the device"),
                  paths.whole_dir(out) as folder):
                _record_all(folder)
            paths.write_whole(stamp, key)
    return out


def convert(trace: Path) -> bytes:
    """A device trace that the user has, as an input for this target."""
    text = trace.read_text(encoding="utf-8", errors="replace")
    if not fuzz_seed.has_accesses(text):
        raise MaliError(f"{trace} has no accesses of the device's registers: record it with "
                        f"QEMU's {' '.join(f'-trace {name}' for name in _TRACES)}")
    return _seed((_recorded() / "image.trace").read_text(encoding="utf-8"), text)


def _prepare() -> Program:
    recorded = _recorded()
    env = {**qemu.SANITIZED.env,
           "QEMU_FUZZ_ARGS": "-machine virt,gic-version=3 -cpu cortex-a57 -nodefaults "
                             f"-device {_GPU} -kernel {recorded / 'image.elf'} {_TICK}",
           "QEMU_FUZZ_OBJECTS": "mali-csf"}
    return Program((str(qemu.ensure_fuzzer()), "--fuzz-target=generic-fuzz"), env,
                   recorded / "seeds")


TARGET = Target("device", "the device, by its registers", 3000, MAX_LEN, _prepare)
