# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of ./mali-vm as data."""

from dataclasses import dataclass, field
from typing import Any

from .swap import DEFAULT_MIB, DISK, ZRAM, Swap

DEFAULT_MODEL = "g610"
# Of the longest suite, fault, on the slowest kernel, with KASAN; tests have limits of their own.
DEFAULT_TIMEOUT = 1800
DEFAULT_SMP = 2
DEFAULT_MEMORY = "512M"
DEFAULT_SWAP = f"{DEFAULT_MIB}M"
DEFAULT_KERNEL = "debian"
DEFAULT_FIRMWARE = "free"
# What the device does when the GPU does what no GPU should; the first is the default.
CHECKS = ("off", "report", "fatal")

KERNEL_HELP = ("debian[:VERSION] (a prebuilt Debian arm64 kernel), built[:VARIANT] (one built from "
               "Debian's source or LINUX_SRC: debug, which is the default, plain, kcsan or "
               "coverage), an arm64 Image, or a kernel "
               "tree, of which what has changed is built first, as plain, unless it was built "
               f"in place (default: {DEFAULT_KERNEL})")


@dataclass(frozen=True)
class Option:
    """One option or argument; `more` goes to argparse as it is."""
    name: str
    help: str
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """One command: its line in the list of commands, its options, its examples."""
    name: str
    help: str
    options: tuple[Option, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()


def _value(name: str, metavar: str, text: str, default: Any = None, kind: Any = str) -> Option:
    shown = "" if default is None else f" (default: {default})"
    return Option(name, text + shown, {"metavar": metavar, "default": default, "type": kind})


def _flag(name: str, text: str) -> Option:
    return Option(name, text, {"action": "store_true"})


def positive(text: str) -> int:
    """A number from 1 up."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def megabytes(text: str) -> int:
    """A size: a number with K, M or G (M when there is none), in MiB; 0 for none."""
    units = {"K": 1 / 1024, "M": 1, "G": 1024}
    unit = text[-1:].upper()
    number = float(text[:-1] if unit in units else text)
    size = int(number * units.get(unit, 1))
    if size < 0 or number and not size:
        raise ValueError
    return size


def swap(text: str) -> Swap:
    """SIZE, zram[:SIZE] or disk[:SIZE]."""
    kind, colon, size = text.partition(":")
    if kind in (ZRAM, DISK):
        return Swap(kind, megabytes(size) if colon else DEFAULT_MIB)
    return Swap(ZRAM, megabytes(text))


# What argparse calls these in "invalid ... value".
positive.__name__ = "number"
megabytes.__name__ = "size"

KERNEL = Option("--kernel", KERNEL_HELP, {"metavar": "KERNEL", "default": DEFAULT_KERNEL})

# What describes the machine, for every command that starts one.
MACHINE = (
    KERNEL,
    Option("--config", "options of the kernel beside those of its variant, for one that is built "
           "here: a file of them, or one of configs/linux by its name (may be repeated)",
           {"metavar": "FRAGMENT", "action": "append", "default": []}),
    _value("--driver", "DIR", "take the driver of this kernel's source tree, built for the kernel, "
           "in place of its own"),
    _value("--firmware", "FILE", "the GPU's firmware: free (our own) or a file", DEFAULT_FIRMWARE),
    _value("--model", "MODEL", "the GPU: g310, g510, g610, g710", DEFAULT_MODEL),
    Option("--device-opt", "a property of the GPU, such as coherent=off or shader-cores=1 "
           "(may be repeated)", {"metavar": "NAME=VALUE", "action": "append", "default": []}),
    Option("--check", "have the device watch for what hardware hides, such as a GPU that uses "
           "a page which the kernel has freed: off, report, or fatal, which ends the run "
           f"(default: what the tests want, most of them {CHECKS[0]})",
           {"metavar": "HOW", "choices": CHECKS}),
    Option("--inject", "have the hardware misbehave as this rule says, such as "
           "'as-command as=3 command=unlock -> never' (may be repeated; docs/mali-csf.rst has "
           "the words)", {"metavar": "RULE", "action": "append", "default": []}),
    _value("--smp", "N", "processors of the guest", DEFAULT_SMP, positive),
    Option("--memory", f"memory of the guest (default: {DEFAULT_MEMORY})",
           {"metavar": "SIZE", "type": megabytes, "default": DEFAULT_MEMORY}),
    Option("--swap", "swap of the guest: zram[:SIZE], compressed in its memory, or disk[:SIZE], on "
           f"a disk; a SIZE alone is zram's, 0 none (default: {DEFAULT_SWAP})",
           {"metavar": "SWAP", "type": swap, "default": DEFAULT_SWAP}),
    _flag("--sanitize", "on a QEMU built with AddressSanitizer and UndefinedBehaviorSanitizer"),
)

# How the kernel of a commit comes about.
_HISTORY_KERNEL = Option(
    "--kernel", "built[:VARIANT]: the whole kernel of each commit is built; any other one that "
    "run takes: only the driver is built, for that kernel (default: built:plain)",
    {"metavar": "KERNEL", "default": "built:plain"})
# A machine that is not given a driver: it is that of the commit.
_HISTORY_MACHINE = (_HISTORY_KERNEL, *(option for option in MACHINE
                                       if option.name not in ("--kernel", "--driver")))
# What of the tests can be chosen, in all commands that run them.
_TESTS = (
    _value("--timeout", "S", "give up when no test has ended for S seconds of real time, or "
           "60 after the kernel has oopsed in one",
           DEFAULT_TIMEOUT, positive),
    _value("--seed", "N", "what the tests' random values come from", 1, positive),
    _value("--cases", "N", "how many cases tests with random input run, instead of their own "
           "number", None, positive),
    _value("--minutes", "N", "how long soak goes on, seed after seed; --timeout is longer "
           "by as much", None, positive),
    _flag("--keep-going", "run the rest of a suite after a test that crashed or hung"),
)
_TEST = Option("--test", "a test, the first parts of a name, a suite, or boot: that the kernel "
               "and the driver come up without a complaint (may be repeated)",
               {"metavar": "TEST", "action": "append", "dest": "tests", "default": []})

COMMANDS = (
    Command("setup", "fetch and build what is missing", (KERNEL,), (
        ("./mali-vm setup", "everything that a run with Debian's kernel needs"),
        ("./mali-vm setup --kernel built", "and a kernel that looks for its own mistakes"),
    )),
    Command("run", "boot a guest, run tests, report", (
        Option("tests", "a test (SUITE.NAME), the first parts of a name, a suite, smoke (quick "
               "tests of all suites), or all (default: all, which leaves out bench, fault, frames, "
               "kmemleak, measure, mmu, oracle, reclaim, soak and wound)",
               {"nargs": "*", "metavar": "TEST"}),
        Option("--kernel", f"{KERNEL_HELP}; several, separated by commas, for one table",
               KERNEL.more),
        *MACHINE[1:],
        *_TESTS,
        _value("--json", "FILE", "write the results there"),
        _value("--report", "FILE", "write the results there as an HTML page, as ./mali-vm report "
               "does"),
        _value("--log", "DIR", "write the console, the tests' TAP and QEMU's log there"),
        _value("--trace", "FILE", "write what the kernel, the driver and the device did there, "
               "on one timeline, for Perfetto or chrome://tracing"),
        _flag("--oracle", "at quiet points of the tests read the driver's state out of the guest's "
              "memory and hold it against its invariants; wants debug info, which --kernel built "
              "has"),
        _value("--coverage", "DIR", "add what of the driver the tests reached to that of former "
               "runs there, with --kernel built:coverage"),
        _flag("--icount", "let the guest's time be what its instructions take: two runs with the "
              "same --seed are the same; tests that ask the host are skipped"),
        _flag("--list", "list the tests and end"),
        _flag("--verbose", "show the kernel's console while it runs"),
    ), (
        ("./mali-vm run --list", "what there is"),
        ("./mali-vm run evict", "one suite"),
        ("./mali-vm run probe.query --model g310", "one test, another GPU"),
        ("./mali-vm run probe --device-opt coherent=off", "a GPU that does not snoop"),
        ("./mali-vm run exec.loop --inject 'cs-request -> delay time=5ms'", "slow firmware"),
        ("./mali-vm run measure --icount --seed 7", "what eviction costs, the same each time"),
        ("./mali-vm run --kernel ~/linux --json out.json", "a kernel tree of your own"),
        ("./mali-vm run smoke --kernel debian:6.12,debian:7.3", "several kernels, one table"),
    )),
    Command("report", "the results of runs as one HTML page", (
        Option("files", "a file of run --json; several become columns", {
            "nargs": "+", "metavar": "FILE"}),
        _value("--trace", "FILE", "a file of run --trace, of which the page tells as well"),
        Option("-o", "the page (default: report.html)",
               {"metavar": "FILE", "default": "report.html", "dest": "output"}),
    ), (
        ("./mali-vm report out.json", "report.html"),
        ("./mali-vm report old.json new.json -o both.html", "two runs side by side"),
    )),
    Command("shell", "the same guest with a shell on this terminal", (
        *MACHINE,
        _value("--share", "DIR", "folder of the host that the guest sees as /host", "."),
    ), (
        ("./mali-vm shell", "the current folder is /host in the guest; leave it with Ctrl-A x"),
    )),
    Command("bisect", "find the commit that broke a test", (
        Option("--tree", "the kernel tree in git; it is not touched",
               {"metavar": "DIR", "required": True}),
        Option("--good", "a commit at which the test passes", {"metavar": "COMMIT",
                                                               "required": True}),
        Option("--bad", "a commit at which it fails", {"metavar": "COMMIT", "required": True}),
        _TEST,
        _value("--repeat", "N", "run the test N times before a commit is called good; one failure "
               "makes it bad", None, positive),
        _value("--until-confidence", "P", "run it as often as it takes, by the failures seen so "
               "far, for the result to be right with probability P; --repeat is the most then",
               None, float),
        *_HISTORY_MACHINE, *_TESTS,
    ), (
        ("./mali-vm bisect --tree ~/linux --good v7.2 --bad HEAD --test evict",
         "the whole kernel of each commit"),
        ("./mali-vm bisect --tree ~/linux --good HEAD~8 --bad HEAD --test evict --kernel debian",
         "only the driver, for Debian's kernel"),
        ("./mali-vm bisect --tree ~/linux --good HEAD~8 --bad HEAD --test soak --inject "
         "'as-command command=unlock -> delay time=5ms' --until-confidence 0.95",
         "a race that needs a slow flush, and does not always happen"),
    )),
    Command("series", "apply patches one by one, run tests after each", (
        Option("patches", "an mbox, a folder of patches, or the text page of a thread of a list's "
               "archive, of which the newest version of the series is taken",
               {"metavar": "MBOX|DIR"}),
        Option("--base", "the kernel tree in git that they are for; it is not touched",
               {"metavar": "DIR", "required": True}),
        _value("--at", "COMMIT", "the commit they go on top of", "HEAD"),
        _TEST, *_HISTORY_MACHINE, *_TESTS,
    ), (
        ("./mali-vm series ~/v3.mbox --base ~/linux --test evict --test probe.query",
         "with which patch does which test start to fail?"),
        ("./mali-vm series ~/patches --base ~/linux --at v7.3 --test smoke --kernel debian",
         "only the driver is built"),
    )),
    Command("mutants", "mistakes put into the driver on purpose: what sees them", (
        Option("names", "a mutant, or a row that some belong to, such as S21 (default: all)",
               {"nargs": "*", "metavar": "MUTANT"}),
        *_HISTORY_MACHINE, *_TESTS,
        _value("--json", "FILE", "write the table there"),
        _value("--log", "DIR", "write the console, the TAP and QEMU's log of each run there"),
        _flag("--caught-only", "do not ask what the kernel alone says"),
        _flag("--again", "also for what is known from an earlier call"),
        _flag("--list", "list the mutants and end"),
    ), (
        ("./mali-vm mutants --list", "what there is"),
        ("./mali-vm mutants", "all: some minutes for the kernels first, then about a minute each"),
        ("./mali-vm mutants S21 lock-short", "one that was once made, and one by its name"),
        ("./mali-vm mutants lock-short --kernel debian --caught-only", "no kernel is built"),
    )),
    Command("bench", "what the device costs, beside what it is compared with", (
        Option("names", "boot, probe, idle, loop, copy, fence, queue, groups, suspended, "
               "evict, tlb-hit, tlb-miss, tlb-drop, check, dma-check, no-rules, rules, fuzz, "
               "smoke, first-test, step, step-build, step-test, boots, run (default: all)",
               {"nargs": "*", "metavar": "NAME"}),
        *MACHINE,
        _value("--repeat", "N", "runs, of which the median counts", 5, positive),
        _value("--json", "FILE", "write the figures there"),
        _flag("--strict", "exit 1 if a limit is missed"),
    ), (
        ("./mali-vm bench loop copy", "two figures"),
    )),
    Command("fuzz", "have libFuzzer look for input that the device does not survive", (
        Option("names", "a target (default: all): isa, ptw, tlb, rules or device",
               {"nargs": "*", "metavar": "TARGET"}),
        _value("--runs", "N", "so many inputs, the same each time (default: those of make check)",
               None, positive),
        _value("--minutes", "N", "go on for so long, with what earlier ones have found",
               None, positive),
        _value("--seed", "N", "what libFuzzer's choices come from", None, positive),
        _value("--repeat", "FILE", "run one input, such as the one of a crash"),
        _value("--trace", "FILE", "have a device trace (mali_csf_read, mali_csf_write and "
               "mali_csf_event_run) among what target device begins with, and end"),
        _flag("--list", "list the targets and end"),
    ), (
        ("./mali-vm fuzz", "what make check does"),
        ("./mali-vm fuzz device --minutes 60", "the device, for an hour"),
        ("./mali-vm fuzz tlb --repeat build/fuzz/tlb/crash-...", "a crash once more"),
    )),
    Command("decode", "a dump of a command stream as text", (
        Option("file", "little-endian 64-bit words; - is standard input", {"metavar": "FILE"}),
        _value("--arch", "N", "the GPU's architecture, 10 to 14", 10, positive),
        _value("--base", "VA", "address of the first word, for branches", "0"),
    ), (
        ("./mali-vm decode stream.bin --base 0x10000000", "a stream as if it began there"),
    )),
)

EXIT_CODES = """exit codes:
  0  all tests passed
  1  a test failed
  2  the run could not take place
  3  the guest crashed
"""
