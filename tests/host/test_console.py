# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's console: every kind of complaint is seen, and is the right test's."""

import unittest

import support
from malivm.console import BOOT, Complaint, Console, parse

WARN = """\
<4>[    5.000001] ------------[ cut here ]------------
<4>[    5.000002] panthor 8000000.gpu: [drm] drm_WARN_ON(vm->as.id < 0)
<4>[    5.000003] WARNING: drivers/gpu/drm/panthor/panthor_mmu.c:695 at panthor_vm_flush+0x10/0x20
<4>[    5.000004] Call trace:
<4>[    5.000005]  panthor_vm_flush+0x10/0x20 [panthor]
<4>[    5.000006] ---[ end trace 0000000000000000 ]---
"""
KASAN = """\
<3>[    6.000001] ==================================================================
<3>[    6.000002] BUG: KASAN: slab-use-after-free in panthor_gem_free+0x10/0x20
<3>[    6.000003] Read of size 8 at addr ffff000000000000 by task evict/100
<3>[    6.000004] ==================================================================
"""
LOCKDEP = """\
<4>[    7.000001] ======================================================
<4>[    7.000002] WARNING: possible circular locking dependency detected
<4>[    7.000003] 7.3.4 #1 Not tainted
<4>[    7.000004] ------------------------------------------------------
<4>[    7.000005] kswapd0/40 is trying to acquire lock:
"""

# One line of each kind, as the kernel words it.
KINDS = (
    (0, "panic", "Kernel panic - not syncing: Fatal exception"),
    (1, "oops", "Unable to handle kernel NULL pointer dereference at virtual address 0000000000"),
    (0, "oops", "Internal error: Oops: 0000000096000004 [#1] SMP"),
    (2, "oops", "kernel BUG at drivers/gpu/drm/panthor/panthor_gem.c:100!"),
    (3, "bug", "BUG: sleeping function called from invalid context at mm/page_alloc.c:5000"),
    (1, "bug", "BUG: Bad page state in process evict  pfn:40000"),
    (3, "kasan", "BUG: KASAN: use-after-free in panthor_gem_free+0x10/0x20"),
    (4, "lockdep", "WARNING: possible recursive locking detected"),
    (4, "lockdep", "WARNING: inconsistent lock state"),
    (4, "lockdep", "WARNING: suspicious RCU usage"),
    (4, "refcount", "refcount_t: underflow; use-after-free."),
    (4, "warning", "WARNING: CPU: 0 PID: 1 at mm/slub.c:100 kfree+0x10/0x20"),
    (3, "hung", "INFO: task kswapd0:40 blocked for more than 120 seconds."),
    (0, "hung", "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [evict:100]"),
    (3, "hung", "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:"),
    (4, "memory", "evict: page allocation failure: order:0, mode:0xcc0"),
    (3, "memory", "Out of memory: Killed process 100 (evict) total-vm:1000kB"),
    (3, "gpu", "panthor 8000000.gpu: [drm] *ERROR* Unhandled Page fault in AS1 at VA 0x0"),
    (4, "gpu", "panthor 8000000.gpu: [drm] GPU Fault 0x000000c0 (UNKNOWN) at 0x0000000000000000"),
    (3, "gpu", "panthor 8000000.gpu: [drm] *ERROR* FW ping timeout, scheduling a reset"),
    (3, "driver", "panthor 8000000.gpu: [drm] *ERROR* Failed to boot MCU (status=fatal)"),
    (4, "driver", "panthor 8000000.gpu: [drm] Failed to cleanly suspend MCU"),
    (3, "error", "blk_update_request: I/O error, dev vda, sector 0"),
)
HARMLESS = (
    (4, "panthor: loading out-of-tree module taints kernel."),
    (4, "panthor 8000000.gpu: [drm] Firmware protected mode entry is not supported, ignoring"),
    (6, "panthor 8000000.gpu: [drm] clock rate = 500000000"),
    (6, "[drm] Initialized panthor 1.7.0 for 8000000.gpu on minor 0"),
    (4, "pci-host-generic 4010000000.pcie: Memory resource size exceeds max for 32 bits"),
    (0, "reboot: Power down"),
    (5, "random: crng init done"),
)


def read(*lines: str) -> list[Complaint]:
    console = Console()
    for line in lines:
        console.feed(line)
    return console.complaints


def kernel(level: int, text: str) -> str:
    return support.console(level, text)[1]


def mark(word: str, test: str) -> str:
    return support.marker(word, test)[1]


class Lines(unittest.TestCase):
    def test_syslog_format(self) -> None:
        self.assertEqual(parse("<4>[    1.500000] text"), (4, False, 1.5, "text"))
        self.assertEqual(parse("<12>[   11.500000] text"), (4, True, 11.5, "text"))
        self.assertEqual(parse("<4>[    1.500000][  T100] text"), (4, False, 1.5, "text"))

    def test_no_level(self) -> None:
        self.assertEqual(parse("[    1.500000] text"), (None, False, 1.5, "text"))

    def test_no_message(self) -> None:
        self.assertEqual(parse("/bin/sh: x"), (None, True, None, "/bin/sh: x"))


class Kinds(unittest.TestCase):
    def test_each_is_seen(self) -> None:
        for level, kind, text in KINDS:
            with self.subTest(text):
                found = read(kernel(level, text))
                self.assertEqual([(c.kind, c.headline) for c in found], [(kind, text)])

    def test_telling_ones_are_seen_without_a_level(self) -> None:
        for _, kind, text in KINDS:
            if kind not in ("driver", "error"):
                with self.subTest(text):
                    found = read(f"[    1.000000] {text}")
                    self.assertEqual([c.kind for c in found], [kind])

    def test_the_driver_may_speak_without_a_level(self) -> None:
        self.assertEqual(read("[    1.000000] panthor 8000000.gpu: [drm] clock rate = 5"), [])

    def test_harmless_ones_are_none(self) -> None:
        for level, text in HARMLESS:
            with self.subTest(text):
                self.assertEqual(read(kernel(level, text)), [])

    def test_user_space_is_not_the_kernel(self) -> None:
        self.assertEqual(read(support.console(3, "BUG: in a test's own words", 1)[1]), [])
        self.assertEqual(read("WARNING: printed by a program"), [])


class Reports(unittest.TestCase):
    def test_a_report_is_one_complaint_with_all_its_lines(self) -> None:
        for text, kind, lines in ((WARN, "warning", 5), (KASAN, "kasan", 3),
                                  (LOCKDEP, "lockdep", 4)):
            with self.subTest(kind):
                found = read(*text.splitlines())
                self.assertEqual([(c.kind, len(c.lines)) for c in found], [(kind, lines)])

    def test_what_follows_a_report_is_seen(self) -> None:
        found = read(*WARN.splitlines(), *KASAN.splitlines(), *WARN.splitlines())
        self.assertEqual([c.kind for c in found], ["warning", "kasan", "warning"])

    def test_a_report_of_lockdep_ends_with_its_last_stack(self) -> None:
        """However long its chain is; what the driver says next is not hidden by it."""
        stack = ["Call trace:", " panthor_vm_free+0x10/0x20 [panthor]", " ret_from_fork+0x10/0x20"]
        chain = ["-> #1 (lock){+.+.}-{4:4}:", *stack[1:]] * 100
        texts = [*chain, "stack backtrace:", "CPU: 0 UID: 0 PID: 40 Comm: kswapd0", *stack]
        found = read(*LOCKDEP.splitlines(), *(kernel(4, text) for text in texts),
                     kernel(3, "panthor c000000.gpu: [drm] *ERROR* AS_ACTIVE bit stuck"))
        self.assertEqual([(c.kind, len(c.lines)) for c in found],
                         [("lockdep", 4 + len(texts)), ("driver", 1)])

    def test_a_marker_ends_a_report(self) -> None:
        found = read(mark("begin", "a.b"), *LOCKDEP.splitlines(), mark("begin", "a.c"),
                     *WARN.splitlines())
        self.assertEqual([(c.test, c.kind) for c in found],
                         [("a.b", "lockdep"), ("a.c", "warning")])

    def test_a_line_that_comes_again_counts_once(self) -> None:
        """The console was in the middle of it when another CPU took it over."""
        whole = kernel(3, "panthor c000000.gpu: [drm] *ERROR* AS_ACTIVE bit stuck")
        found = read(whole[:40], "** replaying previous printk message **", whole)
        self.assertEqual([complaint.headline for complaint in found],
                         ["panthor c000000.gpu: [drm] *ERROR* AS_ACTIVE bit stuck"])

    def test_a_line_that_comes_again_within_a_report(self) -> None:
        stack = ["stack backtrace:", "Call trace:", " panthor_vm_free+0x10/0x20 [panthor]",
                 " ret_from_fork+0x10/0x20"]
        for cut in range(len(stack)):
            with self.subTest(stack[cut]):
                again = [kernel(4, stack[cut][:8]), "** replaying previous printk message **"]
                lines = [kernel(4, text) for text in stack]
                found = read(*LOCKDEP.splitlines(), *lines[:cut], *again, *lines[cut:])
                self.assertEqual([(c.kind, len(c.lines)) for c in found], [("lockdep", 8)])

    def test_a_report_whose_lines_all_came_again(self) -> None:
        again = "** replaying previous printk message **"
        found = read(kernel(4, "[ cut here ]"), kernel(4, "stack backtrace:"), again,
                     kernel(4, "WARNING: a.c:1 at f"))
        head = "WARNING: a.c:1 at f"
        self.assertEqual([(c.headline, c.lines) for c in found], [(head, [head])])

    def test_a_panic_within_a_report(self) -> None:
        console = Console()
        for level, text in ((1, "Unable to handle kernel paging request"), (0, "Call trace:"),
                            (0, "Kernel panic - not syncing: Oops: Fatal exception")):
            console.feed(kernel(level, text))
        self.assertEqual([c.kind for c in console.complaints], ["oops", "panic"])
        self.assertIn("Fatal exception", console.panic)


class Tests(unittest.TestCase):
    def test_complaints_belong_to_the_test_that_began_last(self) -> None:
        error = kernel(3, "an error")
        found = read(error, mark("begin", "a.b"), error, mark("end", "a.b"), error,
                     mark("begin", "a.c"), mark("end", "a.c"), error)
        self.assertEqual([c.test for c in found], [BOOT, "a.b", "a.b", "a.c"])

    def test_an_oops_counts_until_its_test_is_at_its_end(self) -> None:
        console = Console()
        seen = []
        oops = kernel(1, "Unable to handle kernel paging request")
        for line in (mark("begin", "a.b"), kernel(3, "an error"), oops, mark("end", "a.b"), oops,
                     mark("begin", "a.c")):
            console.feed(line)
            seen.append(console.oops)
        self.assertEqual(seen, [False, False, True, False, False, False])

    def test_an_oops_while_booting(self) -> None:
        console = Console()
        console.feed(kernel(0, "Internal error: Oops: 0000000096000004 [#1] SMP"))
        self.assertTrue(console.oops)

    def test_running(self) -> None:
        console = Console()
        states = []
        for line in (mark("begin", "a.b"), mark("end", "a.b"), mark("begin", "a.c")):
            console.feed(line)
            states.append((console.current, console.running))
        self.assertEqual(states, [("a.b", True), ("a.b", False), ("a.c", True)])

    def test_allowance(self) -> None:
        warning = read(*WARN.splitlines())[0]
        lockdep = read(*LOCKDEP.splitlines(), "<4>[    7.000006] ffff8 (wanted){.+.+}, at: f+0x1",
                       "<4>[    7.000007] but task is already holding lock:",
                       "<4>[    7.000008] ffff8001 (held){+.+.}, at: g+0x1")[0]
        self.assertTrue(lockdep.allowed([r"\(wanted\)"]))
        self.assertFalse(lockdep.allowed([r"\(held\)"]))
        self.assertTrue(warning.allowed([r"vm_flush"]))
        self.assertTrue(warning.allowed([r"nothing", r"drm_WARN_ON\(vm->as"]))
        self.assertFalse(warning.allowed([r"end trace"]))
        self.assertFalse(warning.allowed([]))

    def test_message_of_several_lines(self) -> None:
        """Lines with one time stamp are one message; one that is a report is its own."""
        console = Console()
        for text in ("panthor 0.gpu: [drm] *ERROR* Unhandled Page fault in AS1 at VA 0x1",
                     "raw fault status: 0x10003C2", "access type 0x3: WRITE"):
            console.feed(f"<3>[    2.000001] {text}")
        console.feed("<3>[    2.000001] BUG: KASAN: use-after-free in f+0x1/0x2")
        console.feed("<3>[    2.000002] source id 0x100")
        self.assertEqual([len(c.lines) for c in console.complaints], [3, 2])
        self.assertTrue(console.complaints[0].allowed(["raw fault status: .*3C2$"]))


if __name__ == "__main__":
    unittest.main()
