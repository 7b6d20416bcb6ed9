# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces: pages of a ring buffer, a log of QEMU's, and both on one timeline."""

import io
import json
import struct
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import support  # noqa: F401  (for the path)
from trace_format import faults

from malivm import (results, table, trace_device, trace_join, trace_ring, trace_rows, tracing,
                    vm)
from malivm.errors import MaliError

LOCK = "panthor_vm_lock_region"
FORMATS = """name: print
ID: 5
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:unsigned long ip;\toffset:8;\tsize:8;\tsigned:0;
\tfield:char buf[];\toffset:16;\tsize:0;\tsigned:0;

name: panthor_vm_lock_region
ID: 1700
format:
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;
\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;
\tfield:u64 va;\toffset:16;\tsize:8;\tsigned:0;

name: panthor_vm_lock_region_ret
ID: 1701
format:
\tfield:s32 ret;\toffset:8;\tsize:4;\tsigned:1;

name: irq_handler_entry
ID: 90
format:
\tfield:int irq;\toffset:8;\tsize:4;\tsigned:1;
\tfield:__data_loc char[] name;\toffset:12;\tsize:4;\tsigned:0;
"""
KNOWN = trace_ring.formats(FORMATS)


def content(number: int, pid: int, rest: bytes) -> bytes:
    return struct.pack("<HBBi", number, 0, 0, pid) + rest


def mark(words: str) -> bytes:
    return content(5, 1, bytes(8) + words.encode() + b"\n\0")


def called(pid: int, va: int) -> bytes:
    return content(1700, pid, struct.pack("<QQ", 1, va))


def returned(pid: int, ret: int = 0) -> bytes:
    return content(1701, pid, struct.pack("<i", ret))


def entry(data: bytes, delta: int) -> bytes:
    padded = data + bytes(-len(data) % 4)
    if len(padded) <= 28 * 4:
        return struct.pack("<I", len(padded) // 4 | delta << 5) + padded
    return struct.pack("<II", delta << 5, len(padded) + 4) + padded


def page(time: int, entries: Sequence[tuple[int, bytes]], flags: int = 0,
         tail: bytes = b"") -> bytes:
    """A page that begins at `time`, of (time since the one before, content)."""
    data = b"".join(entry(one, delta) for delta, one in entries)
    return (struct.pack("<QQ", time, len(data) | flags) + data + tail).ljust(4096, b"\0")


class Ring(unittest.TestCase):
    def read(self, *data: bytes) -> list[trace_ring.Entry]:
        return [one for found in trace_ring.pages(b"".join(data), 4096, 3, KNOWN)
                for one in found.entries]

    def test_times_add_up_from_the_pages(self) -> None:
        found = self.read(page(1000, [(0, called(7, 0x5000)), (20, returned(7, -5))]))
        self.assertEqual([(one.time, one.cpu, one.pid, one.name) for one in found],
                         [(1000, 3, 7, LOCK), (1020, 3, 7, LOCK + "_ret")])
        self.assertEqual(found[0].fields, {"__probe_ip": 1, "va": 0x5000})
        self.assertEqual(found[1].fields, {"ret": -5})

    def test_long_entries_and_texts(self) -> None:
        name = content(90, 0, struct.pack("<iI", 12, 16 | 8 << 16) + b"panthor\0")
        found = self.read(page(0, [(1, mark("x" * 300)), (1, name)]))
        self.assertEqual(found[0].fields["buf"], "x" * 300 + "\n")
        self.assertEqual(found[1].fields, {"irq": 12, "name": "panthor"})

    def test_time_extend_stamp_and_padding(self) -> None:
        extend = struct.pack("<II", 30 | 5 << 5, 2)
        stamp = struct.pack("<II", 31 | 7 << 5, 1)
        padding = struct.pack("<II", 29 | 1 << 5, 8) + bytes(4)
        data = extend + entry(returned(1), 1) + stamp + padding + entry(returned(1), 2)
        raw = (struct.pack("<QQ", 100, len(data)) + data).ljust(4096, b"\0")
        self.assertEqual([one.time for one in self.read(raw)],
                         [100 + (2 << 27) + 5 + 1, (1 << 27) + 7 + 1 + 2])

    def test_what_was_overwritten_is_counted(self) -> None:
        some = page(0, [(0, returned(1))], flags=1 << 31)
        many = page(0, [(0, returned(1))], flags=3 << 30, tail=struct.pack("<q", 77))
        self.assertEqual([one.missed for one in trace_ring.pages(some + many, 4096, 0, KNOWN)],
                         [-1, 77])

    def test_nonsense_is_an_error(self) -> None:
        for raw in (struct.pack("<QQ", 0, 5000), struct.pack("<QQI", 0, 4, 28),
                    struct.pack("<QQII", 0, 8, 0, 0xffffffff),
                    struct.pack("<QQII", 0, 8, 1, 5)):
            with self.assertRaises(MaliError):
                self.read(raw.ljust(4096, b"\0") if raw[8] != 4 else raw.ljust(4096, b"\xff"))


class Device(unittest.TestCase):
    def read(self, *lines: str) -> tuple[list[trace_device.DeviceEvent], list[str]]:
        unread: list[str] = []
        return list(trace_device.events(lines, unread)), unread

    def test_each_declared_event_is_read(self) -> None:
        known = trace_device.readers()
        for row in trace_rows.DEVICE:
            self.assertIn(row.event, known)
            self.assertEqual(len(known[row.event].names), len(known[row.event].kinds))

    def test_time_is_the_machines_and_what_has_passed(self) -> None:
        found, unread = self.read(
            "9@100.000005:mali_csf_clock 5000000 ns\n",
            "9@100.000007:mali_csf_mmu_command AS 1 command 2 lockaddr 0x1000\n",
            "9@100.900000:mali_csf_mmu_lock AS 1 0x1000..0x1fff\n",
            "AS 1: a guest's mistake\n",
            "9@100.000006:mali_csf_clock 5003000 ns\n",
            "9@100.000005:mali_csf_mmu_unlock AS 1 0x1000..0x1fff\n")
        self.assertEqual([(one.time, one.name) for one in found],
                         [(5002000, "mmu_command"), (5003000, "mmu_lock"),
                          (5003000, "mmu_unlock")])
        self.assertEqual(found[0].fields, {"as": 1, "command": 2, "lockaddr": 0x1000})
        self.assertEqual(unread, [])

    def test_what_cannot_be_read_is_told_of(self) -> None:
        line = "9@100.000005:mali_csf_mmu_lock AS one"
        self.assertEqual(self.read(line + "\n"), ([], [line]))


def mapped(samples: Sequence[tuple[int, int, int]], *times: int) -> list[int]:
    clock = trace_join.Clock([trace_join.Sample(*sample) for sample in samples])
    return [clock.machine(time) for time in times]


class Clocks(unittest.TestCase):
    def test_between_samples_and_beyond(self) -> None:
        self.assertEqual(mapped([(1000, 1095, 1105), (2000, 2110, 2110)],
                                0, 1000, 1500, 2000, 5000), [100, 1100, 1605, 2110, 5110])

    def test_what_is_said_of_it(self) -> None:
        clock = trace_join.Clock([trace_join.Sample(2000, 2110, 2110),
                                  trace_join.Sample(1000, 1095, 1105)])
        self.assertEqual(clock.to_json(), {"samples": 2, "offset_ns": 100, "drift_ns": 10,
                                           "offset_at_end_ns": 110, "error_ns": 5})

    def test_a_device_that_may_be_right_is(self) -> None:
        for sample, offset in (((50, 0, 90), 0), ((0, 1000, 1010), 1005)):
            marks = trace_join.Marks(device=[trace_join.Sample(*sample)])
            self.assertEqual(trace_join.device_offset(marks), offset)


def event(time: int, kind: str, pair: str, process: str = "driver") -> trace_join.Event:
    return trace_join.Event(time, process, "t", kind, pair, pair=pair)


class Slices(unittest.TestCase):
    def shape(self, *events: trace_join.Event) -> tuple[list[str], trace_join.Balance]:
        balance = trace_join.Balance()
        found = [f"{one.kind}{one.title}@{one.time}"
                 for one in trace_join.balanced(events, balance)]
        return found, balance

    def test_a_lost_end_is_put_where_the_outer_one_ends(self) -> None:
        found, balance = self.shape(event(1, "B", "a"), event(2, "B", "b"), event(3, "E", "a"))
        self.assertEqual(found, ["Ba@1", "Bb@2", "Eb@3", "Ea@3"])
        self.assertEqual(balance, trace_join.Balance(0, 1))

    def test_a_lost_beginning_leaves_its_end_out(self) -> None:
        found, balance = self.shape(event(1, "B", "a"), event(2, "E", "a"), event(3, "E", "a"),
                                    event(4, "B", "b"))
        self.assertEqual(found, ["Ba@1", "Ea@2", "Bb@4", "Eb@4"])
        self.assertEqual(balance, trace_join.Balance(unbegun=1, unfinished=1))

    def test_what_began_before_the_recording_is_no_loss(self) -> None:
        found, balance = self.shape(event(1, "E", "a"), event(2, "B", "b"), event(3, "E", "b"))
        self.assertEqual(found, ["Bb@2", "Eb@3"])
        self.assertEqual(balance, trace_join.Balance(earlier=1))

    def test_a_state_of_the_device_follows_the_one_before(self) -> None:
        found, _ = self.shape(event(1, "B", "lock", "device"), event(5, "B", "lock", "device"),
                              event(9, "E", "lock", "device"))
        self.assertEqual(found, ["Block@1", "Elock@5", "Block@5", "Elock@9"])


class Joined(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.share = Path(folder.name)
        self.guest = self.share / "trace"
        self.guest.mkdir()
        self.log = self.share / "qemu.log"
        self.log.write_text(
            "9@100.000000:mali_csf_clock 1001500 ns\n"
            "9@100.000000:mali_csf_mmu_command AS 1 command 2 lockaddr 0x1000\n",
            encoding="utf-8")
        # The buffer's clock is a million behind.
        self.guest.joinpath("cpu0").write_bytes(page(0, [
            (0, mark("clock 0 1000000 1000000")), (10, mark("begin evict.a")),
            (10, mark("memory reclaimable=4096 evicted=0")), (980, called(7, 0x1000)),
            (2000, returned(7)), (10, mark("end evict.a"))]))
        self.guest.joinpath("formats").write_text(FORMATS, encoding="utf-8")
        self.guest.joinpath("tasks").write_text("7 evict\n", encoding="utf-8")
        self.guest.joinpath("notes").write_text(
            "page 4096\nskipped p tick_work: No such file\nstats 0 overrun: 0\nend\n",
            encoding="utf-8")

    def save(self, *notes: str) -> tuple[dict[str, Any], str, results.Report]:
        out = io.StringIO()
        report = results.Report({"release": "7.3.4"}, {}, [], [], 0, 0, notes=list(notes))
        with tracing.Session(str(self.share / "t.json")) as session:
            session.log = self.log
            session.save(session.join(self.share, None, report), report, table.Paper(out))
        return json.loads((self.share / "t.json").read_text()), out.getvalue(), report

    def test_lock_is_between_the_call_and_its_return(self) -> None:
        document, said, report = self.save()
        shown = [(one["ph"], one["name"], one["ts"]) for one in document["traceEvents"]
                 if one["ph"] != "M"]
        self.assertEqual(shown, [
            ("B", "evict.a", 1000.01), ("C", "GPU memory", 1000.02),
            ("B", "lock region", 1001.0), ("i", "LOCK", 1001.5), ("E", "lock region", 1003.0),
            ("E", "evict.a", 1003.01)])
        self.assertEqual(list(faults(document)), [])
        self.assertIn("1 events of the device", said)
        self.assertEqual(len(said.splitlines()), 1)
        self.assertEqual(report.memory, [
            {"t_ns": 1000020, "states": {"reclaimable": 4096, "evicted": 0}}])
        self.assertEqual(report.to_json()["memory"], report.memory)
        about = document["otherData"]
        self.assertEqual(about["lost"], {})
        self.assertEqual(about["skipped"], ["p tick_work: No such file"])
        self.assertEqual(about["clocks"]["kernel"]["offset_ns"], 1000000)

    def test_what_is_lost_is_said(self) -> None:
        self.guest.joinpath("notes").write_text(
            "stats 1 overrun: 12\nmissed malivm/tick_work_ret 3\nend\n", encoding="utf-8")
        document, said, _ = self.save()
        lost = {"overrun on CPU 1": 12, "calls of malivm/tick_work_ret": 3}
        self.assertEqual(document["otherData"]["lost"], lost)
        self.assertIn("events are lost: 12 overrun on CPU 1, 3 calls of", said)

    def test_a_guest_that_did_not_come_to_its_end(self) -> None:
        self.guest.joinpath("notes").write_text("page 4096\n", encoding="utf-8")
        document, said, _ = self.save()
        self.assertFalse(document["otherData"]["whole"])
        self.assertIn("what the kernel did last is missing", said)

    def test_a_kernel_without_ftrace(self) -> None:
        for path in self.guest.iterdir():
            path.unlink()
        document, said, _ = self.save("no trace: there is no ftrace")
        self.assertIn("only the device's events, since there is no ftrace.", said)
        self.assertEqual(document["otherData"]["events"],
                         {"kernel": 0, "driver": 0, "device": 1})
        self.assertEqual(document["otherData"]["no_kernel_events"], "there is no ftrace")

    def test_a_guest_that_writes_nonsense_spoils_its_own_events(self) -> None:
        self.guest.joinpath("cpu1").write_bytes(b"\xff" * 4096)
        document, said, _ = self.save()
        self.assertIn("events are lost: 1 all of the kernel's", said)
        self.assertEqual(document["otherData"]["events"]["device"], 1)

    def test_no_link_of_the_guests_is_followed(self) -> None:
        secret = self.share / "secret"
        secret.write_text("9 secret\n", encoding="utf-8")
        self.assertEqual(tracing.read_guest(self.share).tasks, {7: "evict"})
        self.guest.joinpath("tasks").unlink()
        self.guest.joinpath("tasks").symlink_to(secret)
        self.assertEqual(tracing.read_guest(self.share).tasks, {})


class Settings(unittest.TestCase):
    def test_qemu_is_told_only_when_there_is_a_trace(self) -> None:
        config = vm.Config(qemu=Path("q"), kernel=Path("k"), initramfs=Path("i"))
        self.assertNotIn("-trace", vm.command(config, "i", {}))
        self.assertNotIn("-msg", vm.command(config, "i", {}))

    def test_rows_are_what_the_guest_reads(self) -> None:
        for line in trace_rows.settings():
            self.assertRegex(line, r"^trace-(probe=[pr] \w+ \w+( \w+=\$\w+:\w+)*|event=\S+( .+)?)$")


if __name__ == "__main__":
    unittest.main()
