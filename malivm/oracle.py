# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle: at quiet points of the tests the driver's state has to make sense.

A test comes to a quiet point (quiet_point() of tests/guest/harness.h) and asks; the
machine is stopped, the driver's state read out of its memory (oracle_reader.py), the page
tables walked by the device, and the machine goes on while the rows of oracle_checks.py
judge what was found. What other threads do at that moment shows as a lock that is held,
or as an invariant that holds again a moment later: the guest asks again, and a verdict is
what it hears last.
"""

import contextlib
import dataclasses
import json
import mmap
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import modules, oracle_checks, oracle_state, packages, paths
from .errors import MaliError
from .kernel import Kernel
from .qmp import Qmp
from .vm import Vm

PYTHON = "/usr/bin/python3"             # which Debian's python3-drgn is for

# Reading takes milliseconds, and the machine waits for it.
READ_SECONDS = 10
# Debug info is loaded once, while the machine runs; so long an answer is waited for.
_OPEN_WAIT, OPEN_SECONDS = 1.0, 120
# Of the page tables of a VM, so that a guest cannot keep the host busy.
_LIMIT, _PARTS = 10_000, 16

# The first words of an answer; harness.c knows them.
CLEAN, BUSY, LOADING, BROKEN, OFF = "clean", "busy", "loading", "broken", "off"


class Unavailable(MaliError):
    """There is no oracle for this kernel, and why."""


@dataclass(frozen=True)
class Files:
    """What describes a kernel's structures."""
    symbols: Path                       # System.map
    driver: Path                        # with debug info


def _described(file: Path) -> bool:
    """A file that the linker made has debug info: it names that section near its end."""
    with open(file, "rb") as data, mmap.mmap(data.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return view.rfind(b"\0.debug_info\0") >= 0 or view.rfind(b".rela.debug_info\0") >= 0


def files(kernel: Kernel) -> Files:
    """The debug info of `kernel`; raises Unavailable."""
    if kernel.tree is None:
        raise Unavailable(f"{kernel.origin} comes without debug info: take --kernel built")
    symbols = kernel.tree / "System.map"
    module = modules.Index(kernel.modules).path(modules.DRIVER) if kernel.modules else None
    # Without a module it is built in.
    driver = module or kernel.tree / "vmlinux"
    if not symbols.exists() or not driver.exists() or not _described(driver):
        raise Unavailable(f"{kernel.tree} has no debug info ({symbols.name}, and in "
                          f"{driver.name}): take --kernel built, or build it with "
                          "CONFIG_DEBUG_INFO")
    return Files(symbols, driver)


class Reader:
    """The process that reads the guest's memory."""

    def __init__(self, memory: int, size: int, what: Files):
        self._errors = os.memfd_create("oracle-stderr")
        # It has the descriptor under the same number.
        self._process = subprocess.Popen(
            [PYTHON, "-m", f"{__package__}.oracle_reader", f"/proc/self/fd/{memory}", str(size),
             str(what.symbols), str(what.driver)],
            env={**os.environ, "PYTHONPATH": str(paths.PROJECT)}, pass_fds=[memory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, process_group=0)
        self._answer = b""

    def ask(self, **request: Any) -> None:
        """Send a request."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """The answer, if there is one within so many seconds; raises Unavailable."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._answer:
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    return None
                data = os.read(self._process.stdout.fileno(), 1 << 20)
                if not data:
                    raise Unavailable(f"the program that reads the guest died: {self._last()}")
                self._answer += data
        line, _, self._answer = self._answer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer

    def _last(self) -> str:
        self._process.wait()
        text = os.pread(self._errors, 1 << 16, 0).decode(errors="replace").strip()
        return text.splitlines()[-1] if text else f"exit code {self._process.returncode}"

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout):
            if file:
                with contextlib.suppress(BrokenPipeError):
                    file.close()
        os.close(self._errors)


@dataclass
class Summary:
    """What came of all quiet points, for --json."""
    points: int = 0                     # at which the state was judged
    busy: int = 0                       # at which a lock was held
    objects: int = 0                    # buffers that were looked at
    seconds: float = 0.0                # for which the machine was stopped
    broken: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    off: str = ""                       # why there was no oracle

    def to_json(self) -> dict[str, Any]:
        """The form of --json."""
        return dataclasses.asdict(self)

    def line(self) -> str:
        """For the user."""
        if self.off:
            return f"no oracle: {self.off}"
        text = (f"oracle: {self.points} quiet points, {self.objects} times a buffer, "
                f"{1000 * self.seconds / max(self.points, 1):.0f} ms each; "
                f"{self.busy} times a lock was held")
        if self.skipped:
            text += "; without " + ", ".join(f"{name} ({why})"
                                             for name, why in self.skipped.items())
        return text


class Oracle:
    """Answers the quiet points of one machine."""

    def __init__(self, qmp: Qmp, reader: Reader):
        self.summary = Summary()
        self._qmp, self._reader = qmp, reader
        self._asked = 0.0               # when the reader was told to load
        self._loaded = False

    def quiet(self, address: int, length: int) -> str:
        """The answer to a quiet point; VMCOREINFO is at a physical address."""
        if self.summary.off:
            return f"{OFF} {self.summary.off}"
        try:
            if not length:
                raise Unavailable("the guest's kernel has no /sys/kernel/vmcoreinfo "
                                  "(CONFIG_VMCORE_INFO, which PROC_KCORE and KEXEC select)")
            if not self._load(address, length):
                return LOADING
            return self._look()
        except Unavailable as exc:
            self.summary.off = exc.message
            return f"{OFF} {exc.message}"

    def _load(self, address: int, length: int) -> bool:
        if not self._asked:
            self._asked = time.monotonic()
            self._reader.ask(do="open", address=address, length=length)
        if not self._loaded:
            self._loaded = self._reader.answer(_OPEN_WAIT) is not None
            if not self._loaded and time.monotonic() > self._asked + OPEN_SECONDS:
                raise Unavailable(f"the debug info was not loaded within {OPEN_SECONDS} s")
        return self._loaded

    def _look(self) -> str:
        start = time.monotonic()
        with self._stopped():
            answer = self.request(do="state")
            if "wrong" in answer:
                return f"{BROKEN} the driver's lists cannot be followed: {answer['wrong']}"
            if "state" not in answer:
                self.summary.busy += "busy" in answer
                return f"{BUSY} {answer['busy']}" if "busy" in answer else CLEAN
            state = oracle_state.from_json(answer["state"])
            mapped = {vm.address: list(self._mapped(vm)) for vm in state.vms if vm.table}
        self.summary.seconds += time.monotonic() - start
        self.summary.points += 1
        self.summary.objects += len(state.bos)
        verdict = oracle_checks.check(state, mapped)
        self.summary.skipped = verdict.skipped
        if not verdict.broken:
            return CLEAN
        self.summary.broken += [line for line in verdict.broken
                                if line not in self.summary.broken]
        names = [line.partition(":")[0] for line in verdict.broken[1:]]
        also = f" (also {', '.join(dict.fromkeys(names))})" if names else ""
        return f"{BROKEN} {verdict.broken[0]}{also}"

    def spoil(self, name: str) -> str:
        """Make an invariant untrue in the guest, for a test of the oracle; what was changed."""
        with self._stopped():
            return str(self.request(do="spoil", name=name)["spoiled"])

    def mend(self) -> None:
        """Take back all that was spoiled."""
        with self._stopped():
            self.request(do="mend")

    def request(self, **request: Any) -> dict[str, Any]:
        """Ask the reader and wait for it."""
        self._reader.ask(**request)
        answer = self._reader.answer(READ_SECONDS)
        if answer is None:
            raise Unavailable(f"the guest's memory was not read within {READ_SECONDS} s")
        return answer

    @contextlib.contextmanager
    def _stopped(self) -> Iterator[None]:
        """The machine stands still; one that does so already stays as it is."""
        running = self._qmp.execute("query-status")["running"]
        if running:
            self._qmp.execute("stop")
        try:
            yield
        finally:
            if running:
                self._qmp.execute("cont")

    def _mapped(self, vm: oracle_state.Vm) -> Iterator[oracle_state.Range]:
        """What the device finds in a VM's page tables, whether an address space has it or not."""
        first = 0
        for _ in range(_PARTS):
            part: Mapping[str, Any] = self._qmp.execute("x-mali-csf-mappings", **{
                "as": 0, "table": vm.table, "first": first, "limit": _LIMIT, "split": True})
            rows: Sequence[Mapping[str, Any]] = part["ranges"]
            for row in rows:
                yield oracle_state.Range(row["va"], row["size"], row.get("pa", 0),
                                         row["exception"])
            if "next" not in part:
                return
            first = part["next"]
        raise Unavailable(f"the page tables of {vm} have more in them than can be looked at")


def find(kernel: Kernel, say: Callable[[str], None]) -> Files | None:
    """What the oracle needs, installed; or None, and why is said."""
    try:
        found = files(kernel)
    except Unavailable as exc:
        say(f"--oracle: going on without it: {exc.message}")
        return None
    packages.ensure("oracle")
    return found


@contextlib.contextmanager
def start(running: Vm, what: Files | None) -> Iterator[Oracle | None]:
    """The oracle of a machine with a memory_file."""
    if what is None:
        yield None
    else:
        with contextlib.closing(Reader(running.memory, running.memory_size, what)) as reader:
            yield Oracle(running.qmp, reader)
