# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's console: what the kernel complained about, and during which test.

The console is in syslog format (console_msg_format=syslog), so each message has its
facility and level in front: ``<4>[    1.234567] text``; what user space writes to
/dev/kmsg carries facility 1. The guest marks the tests there:
``mali-vm: begin SUITE.NAME`` and ``mali-vm: end SUITE.NAME``. A message belongs to
the test that began last; before the first one, to ``boot``.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

BOOT = "boot"
KERNEL_ARGS = {"console_msg_format": "syslog"}

_LINE = re.compile(r"(?:<(\d+)>)?\[\s*(\d+\.\d+)\](?:\[\s*[TC]\d+\])? ?(.*)")
_MARK = re.compile(r"mali-vm: (begin|end) (\S+)")
# The kind of what ends the task that did it, with whatever locks it holds
OOPS = "oops"
_KERNEL_FACILITY = 0
_ERR, _WARNING, _INFO, _DEBUG = 3, 4, 6, 7

# Lines a report has at most if nothing tells its end; what comes after them counts again.
_REPORT_LINES = 120
# Each lock of a chain comes with the stack that took it.
_LONG_REPORTS = {"lockdep": 1000}
_LAST_LINES = 15


class Rule(NamedTuple):
    """A kind of complaint: how its headline looks, up to which level it counts."""
    kind: str
    pattern: re.Pattern[str]
    report: bool = False            # more lines belong to it
    level: int = _DEBUG


def _rule(kind: str, pattern: str, report: bool = False, level: int = _DEBUG) -> Rule:
    return Rule(kind, re.compile(pattern), report, level)


# The first that matches counts. The texts are those of lib/bug.c, kernel/panic.c,
# kernel/locking/lockdep.c, mm/kasan/report.c, kernel/hung_task.c, kernel/watchdog.c,
# kernel/rcu/tree_stall.h, lib/refcount.c, lib/ubsan.c, mm/page_alloc.c, mm/oom_kill.c,
# arch/arm64/mm/fault.c and drivers/gpu/drm/panthor.
RULES: tuple[Rule, ...] = (
    _rule("panic", r"Kernel panic - not syncing", report=True),
    _rule("kasan", r"BUG: KASAN|BUG: KFENCE|BUG: KCSAN", report=True),
    _rule("lockdep", r"WARNING: (possible|suspicious|inconsistent|bad|lock held|nested)\b"
          r"|INFO: (possible|trying to register)|BUG: Invalid wait context", report=True),
    _rule("refcount", r"refcount_t: ", report=True),
    _rule("hung", r"INFO: task .* blocked|soft lockup|hard LOCKUP|rcu.*detected (stalls|expedited)"
          r"|rcu.*self-detected stall", report=True),
    _rule(OOPS, r"kernel BUG at|Internal error: |Unable to handle kernel|Oops", report=True),
    _rule("bug", r"BUG: |UBSAN: |list_(add|del) corruption|Bad page", report=True),
    _rule("warning", r"WARNING: ", report=True),
    _rule("memory", r"page allocation failure|Out of memory: Killed", report=True),
    _rule("gpu", r"panthor.*(Unhandled Page fault|GPU Fault|CS_FATAL|CS_FAULT|job timeout"
          r"|\breset\b)", level=_INFO),
    _rule("driver", r"\b(panthor|drm)\b", level=_WARNING),
    _rule("error", r".", level=_ERR),
)

# Levels that say more than is meant. A module that was built outside of the kernel's tree is
# no mistake (kernel/module/main.c). Each image of Arm's has a protected section, which the
# driver leaves out with a warning (panthor_fw.c, panthor_fw_load_section_entry).
_NO_COMPLAINT = re.compile(r"reboot: (Power down|Restarting|System halted)|"
                           r"loading out-of-tree module taints kernel\.$|"
                           r"Firmware protected mode entry is not supported, ignoring$")

# Where a report of several lines ends, if not at the next marker.
_REPORT_END = re.compile(r"---\[ end (trace|Kernel panic)|^=+$")
# lockdep's end with this and the frames of one stack (kernel/locking/lockdep.c), and no more.
_LAST_STACK = "stack backtrace:"
_FRAME = re.compile(r"\s*(\S+\+0x[0-9a-f]+/)?0x[0-9a-f]+")
_RULER = re.compile(r"[=-]+$")

# What a console was in the middle of when another CPU took it over comes again, whole
# (kernel/printk/printk.c).
_REPLAYED = "** replaying previous printk message **"

# WARN() and BUG() start with this line; a text of the caller's may follow before the
# line that RULES know, so both are looked at for what kind it is (lib/bug.c).
_CUT_HERE = "[ cut here ]"
_HEAD_LINES = 3
# lockdep's come with the kernel's version and a ruler, before the lock that is asked for.
_HEADS = {"lockdep": 5}


@dataclass
class Complaint:
    """One complaint of the kernel, with the lines of its report."""
    kind: str
    test: str
    headline: str
    lines: list[str] = field(default_factory=list)

    def allowed(self, patterns: Iterable[str]) -> bool:
        """One of the regular expressions a test declared matches the report's head."""
        head = self.lines[:_HEADS.get(self.kind, _HEAD_LINES)]
        return any(re.search(pattern, line) for pattern in patterns for line in head)


class Message(NamedTuple):
    """One line of the console, taken apart. Without a time stamp it is no message of
    the kernel: `level` is None and `text` the line."""
    level: int | None
    user: bool
    time: float | None
    text: str


def parse(line: str) -> Message:
    """Take a line of the console apart."""
    match = _LINE.match(line)
    if match is None:
        return Message(None, True, None, line)
    priority, stamp, text = match.groups()
    if priority is None:
        return Message(None, False, float(stamp), text)
    facility, level = divmod(int(priority), 8)
    return Message(level, facility != _KERNEL_FACILITY, float(stamp), text)


class Console:
    """Reads the console line by line."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self.current = BOOT                     # the test that began last
        self.running = False                    # it has not ended
        self.panic = ""                         # the panic's headline
        self.oops = False       # there was one in what goes on: the boot, or a test
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        self._report: Complaint | None = None
        self._message: tuple[float | None, Complaint] | None = None
        # Complaints, lines of the last one, and what goes on
        self._before: tuple[int, int, Complaint | None, tuple[float | None, Complaint] | None] \
            = (0, 0, None, None)

    def feed(self, line: str) -> tuple[str, str] | None:
        """Read a line; returns ("begin"|"end", test) if it is a marker."""
        if _REPLAYED in line:
            self._take_back()
            return None
        self._before = (len(self.complaints),
                        len(self.complaints[-1].lines) if self.complaints else 0,
                        self._report, self._message)
        message = parse(line)
        if message.user:
            mark = _MARK.match(message.text)
            if mark:
                self._report = self._message = None
                self.oops = False
                self.running = mark[1] == "begin"
                if self.running:
                    self.current = mark[2]
                return mark[1], mark[2]
        if line.strip():
            self.last.append(line)
        if not message.user:
            self._kernel(message)
        return None

    def _take_back(self) -> None:
        """Forget the last line, which was cut off."""
        complaints, lines, self._report, self._message = self._before
        del self.complaints[complaints:]
        if self.complaints:
            last = self.complaints[-1]
            del last.lines[lines:]
            if not last.lines:
                last.headline = ""

    def _kernel(self, message: Message) -> None:
        rule = self._match(message)
        if rule is not None and rule.kind == OOPS:
            self.oops = self.running or self.current == BOOT
        if self._report is not None and self._past_last_stack(self._report, message.text):
            self._report = None
        # A panic inside of an oops is news; the rest of a report is not.
        if self._report is not None and (rule is None or rule.kind != "panic"):
            self._continue(self._report, message.text, rule)
        elif _CUT_HERE in message.text:
            self._open("warning", "")
        elif (self._message is not None and message.time is not None
              and message.time == self._message[0] and (rule is None or rule.kind == "error")):
            # One message of several lines has one time stamp, and its prefix once
            self._message[1].lines.append(message.text)
        elif rule is not None:
            self._open(rule.kind, message.text)
            if not rule.report:
                self._message = (message.time, self.complaints[-1])
                self._report = None
            if rule.kind == "panic":
                self.panic = message.text

    def _open(self, kind: str, headline: str) -> None:
        self._report = Complaint(kind, self.current, headline, [headline] if headline else [])
        self.complaints.append(self._report)

    def _continue(self, report: Complaint, text: str, rule: Rule | None) -> None:
        report.lines.append(text)
        if not report.headline:
            report.headline = text
        in_head = len(report.lines) <= _HEAD_LINES
        if in_head and report.kind == "warning" and rule is not None and rule.report:
            report.kind = rule.kind
        if (len(report.lines) >= _LONG_REPORTS.get(report.kind, _REPORT_LINES)
                or _REPORT_END.search(text)):
            self._report = None

    @staticmethod
    def _past_last_stack(report: Complaint, text: str) -> bool:
        return (bool(report.lines) and _FRAME.match(report.lines[-1]) is not None
                and _FRAME.match(text) is None and _LAST_STACK in report.lines)

    @staticmethod
    def _match(message: Message) -> Rule | None:
        text = message.text
        if _RULER.match(text) or _NO_COMPLAINT.search(text):
            return None
        # Without levels on the console only the telling patterns count.
        level = _WARNING + 1 if message.level is None else message.level
        return next((rule for rule in RULES
                     if level <= rule.level and rule.pattern.search(text)), None)
