# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle: each invariant on states that are made up, and the way there from a question."""

import dataclasses
import json
import struct
import unittest
from collections.abc import Sequence
from typing import Any

import support  # noqa: F401
from malivm import oracle, oracle_checks, oracle_core, oracle_spoil, oracle_state
from malivm.oracle_state import Bo, Lru, Range, State, Vm, Vma, VmBo
from test_answers import FakeQmp

PAGE = 4096
DEVICE, VM, OTHER, VM_LRU, VM_RESV = 0x1000, 0x2000, 0x3000, 0x2010, 0x2020
UNUSED_LRU, MMAPPED_LRU, SHARED_LRU, OTHER_LRU = 0x4000, 0x4010, 0x4020, 0x3010
PRIVATE, EVICTED, MMAPPED, SHARED, PINNED, IDLE = range(0x10000, 0x16000, 0x1000)
VA = 0x100000


def vma(va: int, pages: int, **more: Any) -> Vma:
    return Vma(va + 1, va, pages * PAGE, more.pop("offset", 0), **more)


def vm_bo(vm: int, *vmas: Vma, **more: Any) -> VmBo:
    return VmBo(vm + 5, vm, vmas=vmas, **more)


def sound() -> State:
    """One of each: private, evicted, mapped by the CPU, shared by two VMs, pinned, unused."""
    bos = (
        Bo(PRIVATE, "private", 4 * PAGE, "GPU_MAPPED_SINGLE_VM", True, resv=VM_RESV, lru=VM_LRU,
           vm_bos=(vm_bo(VM, vma(VA, 2, offset=PAGE), vma(VA + 0x10000, 1)),),
           memory=((0x50000000, PAGE), (0x60000000, 3 * PAGE))),
        Bo(EVICTED, "evicted", 2 * PAGE, resv=VM_RESV,
           vm_bos=(vm_bo(VM, vma(VA + 0x20000, 2, evicted=True), evicted=True, listed=True),)),
        Bo(MMAPPED, "mmapped", PAGE, "MMAPPED", True, mmaps=1, resv=7, lru=MMAPPED_LRU),
        Bo(SHARED, "shared", 2 * PAGE, "GPU_MAPPED_MULTI_VM", True, resv=8, lru=SHARED_LRU,
           vm_bos=(vm_bo(VM, vma(VA + 0x30000, 2)), vm_bo(OTHER, vma(VA, 2))),
           memory=((0x70000000, 2 * PAGE),)),
        Bo(PINNED, "pinned", PAGE, "UNRECLAIMABLE", True, pins=1, resv=9),
        Bo(IDLE, "idle", PAGE, "UNUSED", True, resv=10, lru=UNUSED_LRU),
    )
    return State(
        DEVICE, PAGE, 6, bos,
        (Vm(VM, VM_LRU, True, VM_RESV, 0x41000000, 1), Vm(OTHER, OTHER_LRU, False, 11, 0x42000000)),
        (Lru(UNUSED_LRU, "unused", 1, (IDLE,)), Lru(MMAPPED_LRU, "mmapped", 1, (MMAPPED,)),
         Lru(SHARED_LRU, "gpu_mapped_shared", 2, (SHARED,)), Lru(VM_LRU, "of VM", 4, (PRIVATE,)),
         Lru(OTHER_LRU, "of other VM", 0)))


# What the device finds in the page tables of sound()
MAPPED: dict[int, Sequence[Range]] = {
    VM: (Range(VA, PAGE, 0x60000000), Range(VA + PAGE, PAGE, 0x60001000),
         Range(VA + 0x10000, PAGE, 0x50000000), Range(VA + 0x30000, 2 * PAGE, 0x70000000)),
    OTHER: (Range(VA, 2 * PAGE, 0x70000000),),
}


def with_bo(address: int, **fields: Any) -> State:
    """sound() with another buffer in the place of one."""
    state = sound()
    return dataclasses.replace(state, bos=tuple(
        dataclasses.replace(bo, **fields) if bo.address == address else bo for bo in state.bos))


def with_lru(address: int, **fields: Any) -> State:
    state = sound()
    return dataclasses.replace(state, lrus=tuple(
        dataclasses.replace(lru, **fields) if lru.address == address else lru
        for lru in state.lrus))


def with_vm(address: int, **fields: Any) -> State:
    state = sound()
    return dataclasses.replace(state, vms=tuple(
        dataclasses.replace(vm, **fields) if vm.address == address else vm for vm in state.vms))


class Invariants(unittest.TestCase):
    def broken(self, state: State, mapped: dict[int, Sequence[Range]] | None = None) -> list[str]:
        return oracle_checks.check(state, MAPPED if mapped is None else mapped).broken

    def assert_broken(self, name: str, state: State, *says: str,
                      mapped: dict[int, Sequence[Range]] | None = None) -> None:
        """`name` is, in a line that has all of `says`."""
        lines = [line for line in self.broken(state, mapped) if line.startswith(f"{name}: ")]
        self.assertTrue(any(all(text in line for text in says) for line in lines),
                        f"no line of {name} says {says}: {lines}")

    def test_sound(self) -> None:
        self.assertEqual(self.broken(sound()), [])

    def test_every_invariant_says_what_and_where(self) -> None:
        names = [row.name for row in oracle_checks.INVARIANTS]
        self.assertEqual(names, [f"I{number}" for number in range(1, 11)])
        self.assertEqual(set(oracle_spoil.SPOILS), set(names))
        for row in oracle_checks.INVARIANTS:
            self.assertTrue(row.says and ".c " in row.where and row.needs)

    def test_i1_lru_of_the_state(self) -> None:
        self.assert_broken("I1", with_bo(PRIVATE, lru=MMAPPED_LRU), "buffer private",
                           "on LRU mmapped, expected LRU of VM")
        self.assert_broken("I1", with_bo(PRIVATE, lru=OTHER_LRU), "expected LRU of VM")
        self.assert_broken("I1", with_bo(PINNED, lru=UNUSED_LRU), "expected no LRU")
        self.assert_broken("I1", with_bo(IDLE, lru=0), "on no LRU, expected LRU unused")
        self.assert_broken("I1", with_bo(SHARED, lru=VM_LRU), "expected LRU gpu_mapped_shared")

    def test_i1_single_is_one_vm(self) -> None:
        gone = vm_bo(VM, vma(VA, 2, offset=PAGE, evicted=True), evicted=True, listed=True)
        self.assert_broken("I1", with_bo(PRIVATE, vm_bos=(gone,)), "0 VMs", "expected 1")
        self.assert_broken("I1", with_bo(SHARED, state="GPU_MAPPED_SINGLE_VM"), "2 VMs")

    def test_i1_an_eviction_may_have_failed(self) -> None:
        half = vm_bo(VM, vma(VA, 2, offset=PAGE), vma(VA + 0x10000, 1), evicted=True, listed=True)
        self.assertEqual(self.broken(with_bo(PRIVATE, vm_bos=(half,))), [])

    def test_i2_counts(self) -> None:
        self.assert_broken("I2", with_lru(VM_LRU, count=5), "LRU of VM: count 5, expected 4")
        self.assert_broken("I2", with_lru(OTHER_LRU, count=-1), "count -1, expected 0")
        self.assert_broken("I2", with_lru(UNUSED_LRU, members=(), count=0), "buffer idle",
                           "not linked into LRU unused")
        self.assert_broken("I2", with_lru(UNUSED_LRU, members=(IDLE, PINNED), count=2),
                           "buffer pinned", "on no LRU as it says itself")

    def test_i3_total(self) -> None:
        self.assert_broken("I3", dataclasses.replace(sound(), gpu_mapped_count=4),
                           "gpu_mapped_count 4, expected 6")
        self.assert_broken("I3", dataclasses.replace(sound(), gpu_mapped_count=-2), "-2")

    def test_i4_no_pages(self) -> None:
        self.assert_broken("I4", with_bo(IDLE, resident=False), "buffer idle", "state UNUSED",
                           "expected UNRECLAIMABLE")
        live = vm_bo(VM, vma(VA + 0x20000, 2), evicted=True, listed=True)
        self.assert_broken("I4", with_bo(EVICTED, vm_bos=(live,)), "VMA 0x120000",
                           "expected evicted")
        self.assertNotIn("I4", " ".join(self.broken(with_bo(EVICTED, vm_bos=(live,),
                                                            imported=True))))

    def test_i5_evicted_is_unmapped(self) -> None:
        left = {**MAPPED, VM: (*MAPPED[VM][:3], Range(VA + 0x21000, PAGE, 0), MAPPED[VM][3])}
        self.assert_broken("I5", sound(), "buffer evicted", "have 0x121000", mapped=left)
        # Also one that nobody could use
        left = {**MAPPED, VM: (*MAPPED[VM][:3], Range(VA + 0x21000, PAGE, 0, 0xdb),
                               MAPPED[VM][3])}
        self.assert_broken("I5", sound(), "buffer evicted", mapped=left)

    def test_i5_the_rest_is_mapped(self) -> None:
        for lost in range(4):
            less = {**MAPPED, VM: [one for at, one in enumerate(MAPPED[VM]) if at != lost]}
            self.assert_broken("I5", sound(), "is not evicted", "expected all", mapped=less)
        fault = {**MAPPED, OTHER: (Range(VA, PAGE, 0x70000000),
                                   Range(VA + PAGE, PAGE, 0, 0xdb))}
        self.assert_broken("I5", sound(), "have 0x1000 bytes of it", mapped=fault)

    def test_i5_to_the_buffers_pages(self) -> None:
        for wrong, at in ((Range(VA, 2 * PAGE, 0x70001000), VA),
                          (Range(VA, 2 * PAGE, 0x50000000), VA)):
            self.assert_broken("I5", sound(), "another page", f"0x{at:x}",
                               mapped={**MAPPED, OTHER: (wrong,)})
        second = {**MAPPED, OTHER: (Range(VA, PAGE, 0x70000000), Range(VA + PAGE, PAGE, 0))}
        self.assert_broken("I5", sound(), f"0x{VA + PAGE:x}", mapped=second)
        # What repeats has the pages of the driver's choice, and some are not known
        sparse = vm_bo(OTHER, vma(VA, 2, sparse=True))
        both = (vm_bo(VM, vma(VA + 0x30000, 2)), sparse)
        self.assertEqual(self.broken(with_bo(SHARED, vm_bos=both), second), [])
        self.assertEqual(self.broken(with_bo(SHARED, memory=None), second), [])

    def test_i5_nothing_else_is_mapped(self) -> None:
        for va in (0, VA + 2 * PAGE, VA + 0xfff0000):
            more = sorted([*MAPPED[OTHER], Range(va, PAGE, 0)], key=lambda one: one.va)
            self.assert_broken("I5", sound(), "VM 0x3000", f"0x{va:x}+0x1000", "in no VMA",
                               mapped={**MAPPED, OTHER: more})

    def test_i5_of_vms_that_can_be_used(self) -> None:
        self.assertEqual(self.broken(with_vm(OTHER, unusable=True), {**MAPPED, OTHER: ()}), [])
        self.assertEqual(self.broken(sound(), {VM: MAPPED[VM]}), [])

    def test_i6_vms(self) -> None:
        self.assert_broken("I6", with_vm(VM, listed=False), "VM 0x2000, AS 1", "4 pages")
        self.assertEqual(self.broken(with_vm(OTHER, listed=True)), [])

    def test_i7_looked_at(self) -> None:
        self.assert_broken("I7", with_bo(IDLE, state="UNRECLAIMABLE"), "buffer idle",
                           "no pin, expected UNUSED")
        self.assert_broken("I7", with_bo(PINNED, pins=0), "buffer pinned")

    def test_i8_list_of_evicted(self) -> None:
        gone = vm_bo(VM, vma(VA + 0x20000, 2, evicted=True), evicted=True)
        self.assert_broken("I8", with_bo(EVICTED, vm_bos=(gone,)), "buffer evicted", "0x2000")
        # A shared one is put there when a job comes
        self.assertEqual(self.broken(with_bo(EVICTED, vm_bos=(gone,), resv=12)), [])

    def test_i9_state(self) -> None:
        self.assert_broken("I9", with_bo(IDLE, mmaps=1), "1 mmaps", "expected MMAPPED")
        self.assert_broken("I9", with_bo(MMAPPED, mmaps=0), "expected UNUSED")
        self.assert_broken("I9", with_bo(PRIVATE, pins=2), "expected UNRECLAIMABLE")
        self.assert_broken("I9", with_bo(MMAPPED, vm_bos=(vm_bo(VM),)),
                           "expected GPU_MAPPED_SINGLE_VM")

    def test_i9_an_eviction_may_have_met_a_lock(self) -> None:
        first = vm_bo(VM, vma(VA + 0x30000, 2, evicted=True), evicted=True)
        state = with_bo(SHARED, vm_bos=(first, vm_bo(OTHER, vma(VA, 2))))
        self.assertEqual(self.broken(state, {**MAPPED, VM: MAPPED[VM][:3]}), [])

    def test_i10_only_in_evicted_ones(self) -> None:
        lost = vm_bo(VM, vma(VA + 0x30000, 2, evicted=True))
        self.assert_broken("I10", with_bo(SHARED, vm_bos=(lost, vm_bo(OTHER, vma(VA, 2)))),
                           "buffer shared", "VMA 0x130000")

    def test_what_a_kernel_lacks(self) -> None:
        lacks = {"lru": "struct panthor_device has no reclaim"}
        state = dataclasses.replace(with_bo(IDLE, lru=0, resident=False), lacks=lacks)
        verdict = oracle_checks.check(state, MAPPED)
        self.assertEqual(verdict.skipped, dict.fromkeys(("I1", "I2", "I6"), lacks["lru"]))
        self.assertEqual({line.partition(":")[0] for line in verdict.broken}, {"I4", "I9"})


class Form(unittest.TestCase):
    def test_state_as_json(self) -> None:
        text = json.dumps(oracle_state.to_json(sound()))
        self.assertEqual(oracle_state.from_json(json.loads(text)), sound())

    def test_spoils_choose_objects_of_their_kind(self) -> None:
        for name, spoil in oracle_spoil.SPOILS.items():
            word = spoil(sound())
            self.assertTrue(word.structure.startswith("struct "), name)
            self.assertTrue(word.address, name)


INFO = """OSRELEASE=7.3.4
PAGESIZE=4096
SYMBOL(swapper_pg_dir)=ffffbb8094af9000
NUMBER(VA_BITS)=52
NUMBER(kimage_voffset)=0xffffbb8052200000
NUMBER(PHYS_OFFSET)=0xfff1000040000000
NUMBER(TCR_EL1_T1SZ)=0x10"""


def note(text: str) -> bytes:
    """As the kernel has it in memory."""
    data = text.encode() + b"\0"
    return struct.pack("<III", 11, len(data), 0) + b"VMCOREINFO\0\0" + data + bytes(-len(data) % 4)


class Core(unittest.TestCase):
    SIZE = 512 << 20

    def test_note(self) -> None:
        self.assertEqual(oracle_core.vmcoreinfo(note(INFO) + bytes(100)), INFO)
        for wrong in (b"", bytes(200), note(INFO)[:-8], note(INFO).replace(b"VMCORE", b"NOCORE"),
                      struct.pack("<III", 0xffffffff, 0xffffffff, 0) + bytes(64)):
            with self.assertRaisesRegex(oracle_core.NoInfo, "no VMCOREINFO"):
                oracle_core.vmcoreinfo(wrong)

    def test_numbers(self) -> None:
        self.assertEqual(oracle_core.number(INFO, "VA_BITS"), 52)
        self.assertEqual(oracle_core.number(INFO, "swapper_pg_dir"), 0xffffbb8094af9000)
        self.assertEqual(oracle_core.number(INFO, "PAGESIZE"), 4096)
        self.assertIsNone(oracle_core.number(INFO, "OSRELEASE"))
        self.assertIsNone(oracle_core.number(INFO, "BITS"))

    def test_headers(self) -> None:
        data = oracle_core.headers(INFO, self.SIZE)
        self.assertLessEqual(len(data), oracle_core.HEADER)
        self.assertEqual(data[:4], b"\x7fELF")
        self.assertEqual(struct.unpack_from("<HH", data, 16), (4, 183))
        count, = struct.unpack_from("<H", data, 56)
        segments = [struct.unpack_from("<IIQQQQQQ", data, 64 + 56 * at) for at in range(count)]
        kinds = [(kind, at, virtual, physical, length)
                 for kind, _, at, virtual, physical, length, _, _ in segments]
        self.assertEqual(kinds[1:], [
            (1, 2 << 20, 0, 0x40000000, self.SIZE),
            (1, (2 << 20) + 0x28f9000, 0xffffbb8094af9000, 0x428f9000, 4096)])
        kind, at, _, _, length = kinds[0]
        self.assertEqual(kind, 4)
        # The bits that the processor has, not those that the kernel could use
        self.assertEqual(oracle_core.vmcoreinfo(data[at:at + length]),
                         INFO.replace("VA_BITS)=52", "VA_BITS)=48"))

    def test_memory_that_is_not_there(self) -> None:
        for text in (INFO.replace("swapper", "other"), INFO.replace("kimage", "other"),
                     INFO.replace("80094af9", "10094af9").replace("8094af9", "1094af9"),
                     INFO + "x" * 70000):
            with self.assertRaises(oracle_core.NoInfo):
                oracle_core.headers(text, self.SIZE)

    def test_places(self) -> None:
        self.assertEqual(oracle_core.in_file(0x40000000, 8, self.SIZE), 2 << 20)
        self.assertEqual(oracle_core.in_file(0x5ffffff8, 8, self.SIZE), (2 << 20) + 0x1ffffff8)
        for address, length in ((0x3fffffff, 1), (0x5ffffff9, 8), (1 << 63, 8),
                                (0x40000000, 1 << 40), (0x40000000, -1)):
            with self.assertRaises(oracle_core.NoInfo):
                oracle_core.in_file(address, length, self.SIZE)
        self.assertEqual(oracle_core.linear(INFO, 0xffff000000123456), 0x40123456)


class FakeReader(oracle.Reader):
    """Answers as it is told."""

    def __init__(self, *answers: dict[str, Any] | Exception | None):
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def ask(self, **request: Any) -> None:
        self.asked.append(request)

    def answer(self, seconds: float) -> dict[str, Any] | None:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def rows(ranges: Sequence[Range]) -> dict[str, Any]:
    return {"ranges": [dataclasses.asdict(one) for one in ranges]}


class Quiet(unittest.TestCase):
    def ask(self, *answers: dict[str, Any] | Exception | None, running: bool = True,
            mapped: dict[int, Sequence[Range]] | None = None) -> str:
        """The answer to as many questions as there are answers of the reader, the last one."""
        mapped = MAPPED if mapped is None else mapped
        self.qmp = FakeQmp(query_status={"running": running}, stop={}, cont={},
                           x_mali_csf_mappings=[rows(mapped[VM]), rows(mapped[OTHER])])
        self.reader = FakeReader(*answers)
        self.oracle = oracle.Oracle(self.qmp, self.reader)
        answer = ""
        while self.reader.answers:
            answer = self.oracle.quiet(0x40001000, 2000)
        return answer

    def test_clean(self) -> None:
        self.assertEqual(self.ask({}, {"state": oracle_state.to_json(sound())}), "clean")
        self.assertEqual(self.reader.asked, [
            {"do": "open", "address": 0x40001000, "length": 2000}, {"do": "state"}])
        self.assertEqual([command for command, _ in self.qmp.asked], [
            "query-status", "stop", "x-mali-csf-mappings", "x-mali-csf-mappings", "cont"])
        self.assertEqual(self.qmp.asked[2][1]["table"], 0x41000000)
        self.assertEqual((self.oracle.summary.points, self.oracle.summary.objects), (1, 6))

    def test_a_machine_that_stands_still_goes_on_doing_so(self) -> None:
        self.ask({}, {"busy": "a lock"}, running=False)
        self.assertEqual([command for command, _ in self.qmp.asked], ["query-status"])

    def test_busy(self) -> None:
        self.assertEqual(self.ask({}, {"busy": "resv of x"}), "busy resv of x")
        self.assertEqual((self.oracle.summary.points, self.oracle.summary.busy), (0, 1))
        self.assertEqual(self.qmp.asked[-1][0], "cont")

    def test_lists_that_lead_nowhere(self) -> None:
        self.assertEqual(self.ask({}, {"wrong": "a list does not end"}),
                         "broken the driver's lists cannot be followed: a list does not end")

    def test_without_a_driver(self) -> None:
        self.assertEqual(self.ask({}, {}), "clean")

    def test_loading(self) -> None:
        self.assertEqual(self.ask(None), "loading")
        self.assertEqual(self.ask(None, None, {}, {}), "clean")
        self.assertEqual([request["do"] for request in self.reader.asked], ["open", "state"])

    def test_broken(self) -> None:
        state = with_bo(IDLE, state="UNRECLAIMABLE")
        answer = self.ask({}, {"state": oracle_state.to_json(state)})
        self.assertRegex(answer, r"^broken I1: buffer idle .* \(also I7, I9\)$")
        self.assertEqual(len(self.oracle.summary.broken), 3)
        self.assertEqual(self.oracle.summary.to_json()["broken"], self.oracle.summary.broken)

    def test_a_reader_that_fails_is_not_asked_again(self) -> None:
        for answers in (({}, oracle.Unavailable("it died")), ({}, None),
                        (oracle.Unavailable("no debug info"),)):
            answer = self.ask(*answers)
            self.assertTrue(answer.startswith("off "), answer)
            asked = len(self.reader.asked)
            self.assertEqual(self.oracle.quiet(0x40001000, 2000), answer)
            self.assertEqual(len(self.reader.asked), asked)
            self.assertIn(answer.removeprefix("off "), self.oracle.summary.line())

    def test_a_kernel_that_does_not_tell(self) -> None:
        made = oracle.Oracle(FakeQmp(), FakeReader())
        self.assertIn("CONFIG_VMCORE_INFO", made.quiet(0, 0))

    def test_tables_without_end(self) -> None:
        self.ask({}, {})
        self.qmp.values["x-mali-csf-mappings"] = [{**rows(()), "next": 4096}]
        self.reader.answers = [{"state": oracle_state.to_json(sound())}]
        self.assertIn("more in them", self.oracle.quiet(0x40001000, 2000))
        self.assertEqual(self.qmp.asked[-1][0], "cont")


if __name__ == "__main__":
    unittest.main()
