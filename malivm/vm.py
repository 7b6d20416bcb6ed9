# SPDX-License-Identifier: GPL-2.0-or-later
"""One virtual machine: its command line as data, its start, its output, its end.

Everything between QEMU and the runner goes through socket pairs and memory files
handed over as file descriptors: a run leaves nothing on the disk to clean up, and
the end of QEMU is the end of its sockets.
"""

import contextlib
import os
import platform
import re
import selectors
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from . import swap
from .errors import MaliError
from .options import megabytes
from .oracle_core import HEADER
from .qmp import Qmp, QmpClosed

DEVICE = "mali-csf"
DEVICE_PATH = "/machine/peripheral/gpu"

# Measured with a Debian kernel from start to /init: the CPU models without pointer
# authentication take the same time, `max` twice as long. The Cortex-A76 is what
# sits beside a Mali-G610 in the RK3588.
TCG_CPU = "cortex-a76"

# printk.time is the default. The level in front of each message (syslog format) tells
# errors of the kernel from what user space writes; a full log on the console costs
# nothing that can be measured against `quiet`.
KERNEL_ARGS: Mapping[str, str] = {
    "console": "ttyAMA0",
    "panic": "-1",                          # with -no-reboot: the machine stops
    "loglevel": "7",
    "cryptomgr.notests": "1",               # of ciphers nobody uses here: half a second
}

# A machine that depends on nothing of the host's. An instruction takes 1 ns; a guest that waits
# finds the time over at once (sleep=off). The seed is also that of the device tree's rng-seed and
# kaslr-seed; the clock shows the machine's time from a day on that is always the same.
_ICOUNT_ACCEL = "tcg,thread=single"
_ICOUNT = (("-icount", "shift=0,sleep=off"), ("-seed", "{seed}"),
           ("-rtc", "base=2026-01-01T00:00:00,clock=vm"))

# How its messages begin; what follows on lines of their own are hints.
_QEMU_ERROR = "qemu-system-aarch64: "

# How AddressSanitizer and UndefinedBehaviorSanitizer begin.
_SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error: ")

# Becomes QEMU, and has the kernel kill it when the runner dies, however it does.
_DIE_WITH_RUNNER = ("setpriv", "--pdeathsig", "KILL", "--")

CONSOLE, TAP, QMP = "console", "tap", "qmp"
SHUTDOWN = "SHUTDOWN"                       # QMP's event: the guest has ended


class Event(NamedTuple):
    """One line of the console or of the TAP port, or one event of QMP (its name)."""
    channel: str
    text: str
    time: float                             # time.monotonic()
    data: Mapping[str, object] = {}


class Timeout(Exception):
    """The deadline passed while the guest was still running."""


@dataclass(frozen=True)
class Config:
    """What a virtual machine is made of."""
    qemu: Path
    kernel: Path
    initramfs: Path
    settings: bytes = b""                   # a cpio appended to the initramfs
    device: Mapping[str, str] | None = None     # options of the GPU; None: no GPU
    smp: int = 2
    memory: str = "512M"
    kernel_args: Mapping[str, str] = field(default_factory=dict)
    swap_disk: int = 0                      # MiB; 0: there is none
    share: Path | None = None               # a folder of the host, 9p tag "host"
    terminal: bool = False                  # console on the user's terminal
    # The guest's time is what its instructions take, and what is random comes from this seed.
    icount: int | None = None
    qemu_log: Path | None = None            # what the guest did wrong, as QEMU saw it
    trace: Sequence[str] = ()               # events of the device's, in that log as well
    env: Mapping[str, str] = field(default_factory=dict)    # for QEMU, beside our own
    memory_file: bool = False               # the memory is Vm.memory, see oracle_core.py


def escape(value: object) -> str:
    """A value inside one of QEMU's comma-separated options."""
    return str(value).replace(",", ",,")


def device_option(options: Mapping[str, str]) -> str:
    """The value of -device for the GPU with `options`."""
    return ",".join([DEVICE, "id=gpu", *(f"{k}={escape(v)}" for k, v in options.items())])


def accelerator() -> tuple[str, str]:
    """Accelerator and CPU model: KVM where it can run this guest, else TCG."""
    if platform.machine() == "aarch64" and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "kvm", "host"
    return "tcg,thread=multi", TCG_CPU


def command(config: Config, initrd: str, fds: Mapping[str, int], disk: str = "",
            memory: str = "") -> list[str]:
    """QEMU's command line. `fds` maps CONSOLE, TAP and QMP to connected sockets, `disk` is the
    file that the guest swaps to, `memory` that of Config.memory_file."""
    accel, cpu = accelerator() if config.icount is None else (_ICOUNT_ACCEL, TCG_CPU)
    args = {**KERNEL_ARGS, **config.kernel_args}
    backend = ",memory-backend=ram" if memory else ""
    options: list[tuple[str, str | None]] = [
        ("-M", f"virt,gic-version=3{backend}"),
        ("-accel", accel),
        ("-cpu", cpu),
        ("-smp", str(config.smp)),
        ("-m", config.memory),
        ("-nodefaults", None),
        ("-no-user-config", None),
        # Whatever ends the guest stops the machine, so that its device can be asked; see events().
        ("-no-reboot", None),
        ("-no-shutdown", None),
        ("-display", "none"),
        ("-kernel", str(config.kernel)),
        ("-initrd", initrd),
        ("-append", " ".join(f"{k}={v}" for k, v in args.items())),
    ]
    if memory:
        options.append(("-object", f"memory-backend-file,id=ram,size={config.memory},"
                        f"mem-path={memory},offset={HEADER},share=on"))
    options += [("-chardev", f"socket,id={name},fd={fd}") for name, fd in fds.items()]
    if config.terminal:
        options.append(("-chardev", f"stdio,id={CONSOLE},mux=on,signal=off"))
        options.append(("-mon", f"chardev={CONSOLE},mode=readline"))
    options.append(("-serial", f"chardev:{CONSOLE}"))       # ttyAMA0
    options.append(("-serial", f"chardev:{TAP}"))           # ttyAMA1
    options.append(("-mon", f"chardev={QMP},mode=control"))
    if config.swap_disk:
        options += swap.qemu_options(disk)
    if config.share is not None:
        options.append(("-fsdev", f"local,id=host,path={escape(config.share)},"
                        "security_model=none"))
        options.append(("-device", "virtio-9p-device,fsdev=host,mount_tag=host"))
    if config.device is not None:
        options.append(("-device", device_option(config.device)))
    if config.icount is not None:
        options += [(name, value.format(seed=config.icount)) for name, value in _ICOUNT]
    if config.trace:
        # A line's time
        options.append(("-msg", "timestamp=on"))
    options += [("-trace", name) for name in config.trace]
    if config.qemu_log is not None:
        options.append(("-d", "guest_errors,unimp"))
        options.append(("-D", str(config.qemu_log)))
    return [str(config.qemu), *(word for pair in options for word in pair if word is not None)]


def refusal(stderr: str) -> str:
    """QEMU's last error and its hints as a sentence: without its name and our own option."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if not lines:
        return "QEMU ended without a word"
    start = max((i for i, line in enumerate(lines) if _QEMU_ERROR in line), default=len(lines) - 1)
    text = "; ".join(lines[start:])
    text = text.partition(_QEMU_ERROR)[2] or text
    if text.startswith("-"):
        option, _, rest = text.partition(": ")
        if option.startswith(f"-device {DEVICE}"):
            return f"the GPU model refused its options: {rest}"
        text = f"{rest} (from {option.split()[0]})"
    return f"QEMU would not start: {text}"


def sanitizer_report(stderr: str) -> list[str]:
    """The lines of the report that a sanitizer ended QEMU with, if one did."""
    lines = stderr.splitlines()
    start = next((i for i, line in enumerate(lines) if _SANITIZER.search(line)), len(lines))
    return lines[start:]


def _unnamed_file(size: int) -> int:
    """A descriptor of a file of so many bytes, which takes as much of the disk as is written."""
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        return os.dup(file.fileno())


class Vm:
    """A running virtual machine. Leaving the `with` block kills what is left of it."""

    def __init__(self, config: Config):
        self.config = config
        self.command: list[str] = []
        self.started = 0.0
        self.memory = -1                    # HEADER bytes and the guest's memory
        self._ours: dict[str, socket.socket] = {}
        self._rest: dict[str, bytes] = {}
        self._early: dict[str, bytes] = {}  # taken while QEMU was asked something
        self._ended = False                 # the guest has, and QEMU was told to

    def __enter__(self) -> "Vm":
        files = [os.memfd_create("initrd")]
        self._stderr = os.memfd_create("qemu-stderr")
        if self.config.memory_file:
            self.memory = os.memfd_create("guest-memory")
            os.ftruncate(self.memory, HEADER + self.memory_size)
        theirs: dict[str, socket.socket] = {}
        try:
            self._fill(files[0])
            if self.config.swap_disk:
                files.append(_unnamed_file(self.config.swap_disk << 20))
            for name in (TAP, QMP) if self.config.terminal else (CONSOLE, TAP, QMP):
                self._ours[name], theirs[name] = socket.socketpair()
            fds = {name: sock.fileno() for name, sock in theirs.items()}
            names = [f"/proc/self/fd/{fd}" for fd in files]
            memory = f"/proc/self/fd/{self.memory}" if self.config.memory_file else ""
            self.command = command(self.config, names[0], fds, "".join(names[1:]), memory)
            passed = [*files, *fds.values(), *([self.memory] if memory else [])]
            self.started = time.monotonic()
            self._process = subprocess.Popen(
                [*_DIE_WITH_RUNNER, *self.command], pass_fds=passed,
                env={**os.environ, **self.config.env},
                stdin=None if self.config.terminal else subprocess.DEVNULL,
                stdout=None if self.config.terminal else subprocess.DEVNULL,
                stderr=self._stderr,
                # A Ctrl-C is the runner's; on the user's terminal QEMU must be in
                # the foreground group.
                process_group=None if self.config.terminal else 0)
        except OSError as exc:
            self._close()
            raise MaliError(f"cannot start QEMU: {exc.strerror} ({exc.filename})") from exc
        finally:
            for fd in files:
                os.close(fd)
            for sock in theirs.values():
                sock.close()
        self.qmp = Qmp(self._ours[QMP], self._take_early)
        try:
            self.qmp.negotiate()
        except QmpClosed as exc:
            self._process.wait()
            message = refusal(self.stderr())
            self.__exit__()
            raise MaliError(message) from exc
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._close()

    def _close(self) -> None:
        for sock in self._ours.values():
            sock.close()
        os.close(self._stderr)
        if self.memory >= 0:
            os.close(self.memory)

    def _fill(self, fd: int) -> None:
        """The initramfs, then the settings at the next multiple of four (newc archives)."""
        with open(self.config.initramfs, "rb") as source, open(fd, "wb", closefd=False) as out:
            size = os.fstat(source.fileno()).st_size
            done = 0
            while done < size:
                sent = os.sendfile(fd, source.fileno(), done, size - done)
                if not sent:
                    break
                done += sent
            out.seek(0, os.SEEK_END)
            out.write(bytes(-done % 4) + self.config.settings)

    @property
    def memory_size(self) -> int:
        """The guest's memory in bytes."""
        return megabytes(self.config.memory) << 20

    @property
    def pid(self) -> int:
        """QEMU's process."""
        return self._process.pid

    def kill(self) -> None:
        """End QEMU at once, if it still runs, and wait for it."""
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """Wait for QEMU to end by itself; its exit status."""
        return self._process.wait()

    def stderr(self) -> str:
        """What QEMU wrote on its standard error so far."""
        size = os.fstat(self._stderr).st_size
        return os.pread(self._stderr, size, 0).decode(errors="replace")

    def tell(self, text: str) -> None:
        """Send a line to the guest's second port; a guest that does not read gets no more."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._ours[TAP].send(text.encode() + b"\n", socket.MSG_DONTWAIT)

    def device_properties(self) -> dict[str, object]:
        """The GPU's properties as QEMU has them; {} without a GPU, or if QEMU is gone."""
        found: dict[str, object] = {}
        if self.config.device is None:
            return found
        with contextlib.suppress(QmpClosed):
            for prop in self.qmp.execute("device-list-properties", typename=DEVICE):
                if not prop["type"].startswith(("link<", "child<")):
                    found[prop["name"]] = self.qmp.execute("qom-get", path=DEVICE_PATH,
                                                           property=prop["name"])
        return dict(sorted(found.items()))

    def cpu_seconds(self) -> float:
        """CPU time QEMU has used on the host, all its threads, to the nanosecond."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            # Documentation/scheduler/sched-stats.rst: the first is time on the CPU.
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def _take_early(self, seconds: float) -> None:
        """Wait until QMP can be read, and take what the guest says meanwhile: where nobody
        reads that, QEMU waits for somebody who does, and answers nothing."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for name, sock in self._ours.items():
                if sock.fileno() >= 0:
                    selector.register(sock, selectors.EVENT_READ, name)
            while time.monotonic() < deadline:
                ready = [key for key, _ in selector.select(deadline - time.monotonic())]
                if any(key.data == QMP for key in ready):
                    return
                for key in ready:
                    # Its end is read again, by events().
                    data = self._ours[key.data].recv(65536)
                    self._early[key.data] = self._early.get(key.data, b"") + data
                    if not data:
                        selector.unregister(key.fileobj)

    def events(self, deadline: float | Callable[[], float] | None = None) -> Iterator[Event]:
        """What the machine says, line by line, until QEMU has ended.

        When the guest has come to its end there is an event SHUTDOWN; QEMU still answers
        while the caller has it, and is ended when they ask for the next one.
        Raises Timeout when time.monotonic() passes `deadline` before that; a function is
        asked for it anew each time. May be left and entered again: nothing is lost in between.
        """
        with selectors.DefaultSelector() as selector:
            for name, sock in self._ours.items():
                if sock.fileno() >= 0:
                    selector.register(sock, selectors.EVENT_READ, name)
            while selector.get_map():
                end = deadline() if callable(deadline) else deadline
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise Timeout
                if self._early:
                    name = next(iter(self._early))
                    yield from self._lines(name, self._early.pop(name), time.monotonic())
                    # Who had the lines may have asked QEMU something, and there is more.
                    continue
                kept = self.qmp.kept
                ready = [key for key, _ in selector.select(0 if kept else left)]
                lines = [event for key in ready if key.data != QMP
                         for event in self._receive(selector, key)]
                # An event is never later than what was said after it: it says itself when it was.
                ready += [key for key, _ in selector.select(0) if key.data == QMP]
                if kept or any(key.data == QMP for key in ready):
                    yield from self._receive(selector, selector.get_key(self._ours[QMP]))
                yield from lines
        self._process.wait()

    def _receive(self, selector: selectors.BaseSelector,
                 key: selectors.SelectorKey) -> Iterator[Event]:
        name: str = key.data
        now = time.monotonic()
        if name == QMP:
            try:
                for message in self.qmp.events():
                    # Ours, too, is told as one.
                    if message["event"] == SHUTDOWN and self._ended:
                        continue
                    yield Event(QMP, message["event"], now, message.get("data", {}))
                    if message["event"] == SHUTDOWN:
                        self._ended = True
                        with contextlib.suppress(QmpClosed):
                            self.qmp.execute("quit")
            except QmpClosed:
                selector.unregister(key.fileobj)
                self._ours[QMP].close()
            return
        try:
            data = self._ours[name].recv(65536)
        except ConnectionResetError:
            data = b""
        yield from self._lines(name, data, now)
        if not data:
            selector.unregister(key.fileobj)
            self._ours[name].close()
            # The last one may have no end.
            if self._rest.get(name):
                yield from self._lines(name, b"\n", now)

    def _lines(self, name: str, data: bytes, now: float) -> Iterator[Event]:
        """The lines that `data` completes; what begins one is kept."""
        pending = self._rest.get(name, b"") + data
        *lines, self._rest[name] = pending.split(b"\n")
        for line in lines:
            yield Event(name, line.rstrip(b"\r").decode(errors="replace"), now)


def effective(options: Sequence[str], model: str) -> dict[str, str]:
    """The device's options: `model`, coherent unless said otherwise, then k=v in order."""
    result = {"model": model, "coherent": "on"}
    for option in options:
        key, _, value = option.partition("=")
        if not (key and value):
            raise MaliError(f"--device-opt {option}: give it as NAME=VALUE, for example "
                            "--device-opt coherent=off")
        result[key] = value
    return result
