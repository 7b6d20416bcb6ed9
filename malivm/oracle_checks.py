# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be true of the driver's state whenever nobody holds one of its locks.

Each row is a pure function of the state and of what the device finds in the page tables.
A row whose facts the kernel's driver does not have is left out, by name.
"""

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .oracle_state import Bo, Range, State, Vm, VmBo, Vma

SINGLE, MULTI = "GPU_MAPPED_SINGLE_VM", "GPU_MAPPED_MULTI_VM"
UNUSED, MMAPPED, UNRECLAIMABLE = "UNUSED", "MMAPPED", "UNRECLAIMABLE"

# The lists of struct panthor_device by the state of what is on them (panthor_device.h, reclaim)
LRU_OF = {UNUSED: "unused", MMAPPED: "mmapped", MULTI: "gpu_mapped_shared"}

# By VM: what is mapped, by address. A VM whose tables are not known is not in it.
Mapped = Mapping[int, Sequence[Range]]


class Invariant(NamedTuple):
    """One row."""
    name: str
    says: str
    where: str                          # file and function of the driver that it follows from
    needs: tuple[str, ...]              # facts, as State.lacks names them
    broken: Callable[[State, Mapped], Iterator[str]]


class Verdict(NamedTuple):
    """What the table says of one moment."""
    broken: list[str]                   # a line each: "NAME: OBJECT: ..."
    skipped: dict[str, str]             # name of an invariant -> what the kernel lacks


# --- What rows ask of an object ---

def _mapped(bo: Bo) -> list[VmBo]:
    """As is_gpu_mapped() counts them."""
    return [vm_bo for vm_bo in bo.vm_bos if not vm_bo.evicted]


def _half_evicted(bo: Bo) -> bool:
    """An eviction of it has failed half-way (panthor_vm_evict_bo_mappings_locked): it keeps
    its pages and its state, and the next job or the next eviction puts things right."""
    return bo.resident and any(vm_bo.evicted and not all(vma.evicted for vma in vm_bo.vmas)
                               for vm_bo in bo.vm_bos)


def _evaluated(bo: Bo) -> str:
    """panthor_gem_evaluate_reclaim_state_locked()"""
    if not bo.resident or bo.pins:
        return UNRECLAIMABLE
    if _mapped(bo):
        return SINGLE if len(_mapped(bo)) == 1 else MULTI
    return MMAPPED if bo.mmaps else UNUSED


def _lru_name(state: State, address: int) -> str:
    names = {lru.address: lru.name for lru in state.lrus}
    return f"LRU {names.get(address, hex(address))}" if address else "no LRU"


# --- I1 to I4 ---

def _on_its_lru(state: State, _mapped_by: Mapped) -> Iterator[str]:
    lists = {lru.name: lru.address for lru in state.lrus}
    lru_of_vm = {vm.address: vm.lru for vm in state.vms}
    for bo in state.bos:
        if _half_evicted(bo):
            continue
        if bo.state == SINGLE:
            mapped = _mapped(bo)
            if len(mapped) != 1:
                yield (f"{bo}: state {bo.state}, and {len(mapped)} VMs have it not evicted, "
                       "expected 1")
                continue
            wanted = lru_of_vm.get(mapped[0].vm, 0)
        else:
            wanted = lists.get(LRU_OF.get(bo.state, ""), 0)
        if bo.lru != wanted:
            yield (f"{bo}: state {bo.state}, on {_lru_name(state, bo.lru)}, expected "
                   f"{_lru_name(state, wanted)}")


def _lru_counts(state: State, _mapped_by: Mapped) -> Iterator[str]:
    bos = {bo.address: bo for bo in state.bos}
    for lru in state.lrus:
        pages = sum(bos[member].size // state.page_size for member in lru.members
                    if member in bos)
        if lru.count != pages:
            yield f"LRU {lru.name}: count {lru.count}, expected {pages}: what is on it"
        for bo in state.bos:
            linked = bo.address in lru.members
            if linked != (bo.lru == lru.address):
                yield (f"{bo}: on {_lru_name(state, bo.lru)} as it says itself, and "
                       f"{'also' if linked else 'not'} linked into LRU {lru.name}")


def _gpu_mapped_count(state: State, _mapped_by: Mapped) -> Iterator[str]:
    pages = sum(bo.size // state.page_size for bo in state.bos if bo.state in (SINGLE, MULTI))
    if state.gpu_mapped_count != pages:
        yield (f"the device: gpu_mapped_count {state.gpu_mapped_count}, expected {pages}: the "
               "buffers in a GPU_MAPPED state")


def _without_pages(state: State, _mapped_by: Mapped) -> Iterator[str]:
    for bo in state.bos:
        if bo.resident:
            continue
        if bo.state != UNRECLAIMABLE:
            yield f"{bo}: state {bo.state} without pages, expected {UNRECLAIMABLE}"
        for vm_bo in bo.vm_bos if not bo.imported else ():
            for vma in vm_bo.vmas:
                if not vma.evicted:
                    yield (f"{bo}: without pages, and its VMA 0x{vma.va:x}+0x{vma.size:x} is "
                           "not evicted, expected evicted")


# --- I5: the page tables ---

def _pieces(ranges: Sequence[Range], va: int, size: int) -> Iterator[Range]:
    """What of `ranges`, by address, lies in a range of addresses."""
    first = bisect.bisect_right(ranges, va, key=lambda one: one.va)
    for one in ranges[max(first - 1, 0):]:
        if one.va >= va + size:
            return
        start, end = max(one.va, va), min(one.va + one.size, va + size)
        if start < end:
            yield Range(start, end - start, one.pa + start - one.va, one.exception)


def _memory_at(bo: Bo, offset: int, size: int) -> Iterator[tuple[int, int]]:
    """(physical address, size) of a part of a buffer."""
    for start, length in bo.memory or ():
        if offset < length and size > 0:
            taken = min(length - offset, size)
            yield start + offset, taken
            size -= taken
        offset = max(offset - length, 0)


def _same_memory(pieces: Sequence[Range], memory: Sequence[tuple[int, int]]) -> int | None:
    """How far into them two lists of memory agree; None if they do to the end."""
    done, left = 0, [(one.pa, one.size) for one in pieces]
    for start, size in memory:
        while size:
            if not left or left[0][0] != start:
                return done
            at, length = left.pop(0)
            step = min(size, length)
            if length > step:
                left.insert(0, (at + step, length - step))
            start, size, done = start + step, size - step, done + step
    return None if not left else done


def _wrong_vma(vm: Vm, bo: Bo, vma: Vma, ranges: Sequence[Range]) -> str:
    pieces = list(_pieces(ranges, vma.va, vma.size))
    whole = sum(one.size for one in pieces if not one.exception)
    what = f"{bo}: VMA 0x{vma.va:x}+0x{vma.size:x} of {vm}"
    if vma.evicted:
        return f"{what} is evicted, and the page tables have 0x{pieces[0].va:x}, expected " \
               "nothing there" if pieces else ""
    if whole != vma.size:
        return f"{what} is not evicted, and the page tables have 0x{whole:x} bytes of it, " \
               "expected all"
    if bo.memory is None or vma.sparse:
        return ""
    wrong = _same_memory(pieces, list(_memory_at(bo, vma.offset, vma.size)))
    return "" if wrong is None else f"{what}: the page tables have another page at " \
        f"0x{vma.va + wrong:x}, expected that of the buffer"


def _stray(vm: Vm, vmas: Sequence[Vma], ranges: Sequence[Range]) -> Iterator[str]:
    """What is mapped beside all VMAs."""
    at = 0
    ends = [*((vma.va, vma.va + vma.size) for vma in vmas), (1 << 64, 0)]
    for start, end in ends:
        for one in _pieces(ranges, at, start - at) if start > at else ():
            yield (f"{vm}: the page tables have 0x{one.va:x}+0x{one.size:x}, which is in no "
                   "VMA, expected nothing there")
            break
        at = max(at, end)


def _page_tables(state: State, mapped_by: Mapped) -> Iterator[str]:
    for vm in state.vms:
        # What is in the tables of such a one is of no use to anybody.
        if vm.unusable or vm.address not in mapped_by:
            continue
        ranges = mapped_by[vm.address]
        found = [(vma, bo) for bo in state.bos for vm_bo in bo.vm_bos
                 if vm_bo.vm == vm.address for vma in vm_bo.vmas]
        for vma, bo in found:
            line = _wrong_vma(vm, bo, vma, ranges)
            if line:
                yield line
        yield from _stray(vm, sorted((vma for vma, _ in found), key=lambda vma: vma.va), ranges)


# --- I6 to I10 ---

def _vm_listed(state: State, _mapped_by: Mapped) -> Iterator[str]:
    counts = {lru.address: lru.count for lru in state.lrus}
    for vm in state.vms:
        if counts.get(vm.lru, 0) > 0 and not vm.listed:
            yield (f"{vm}: its LRU has {counts[vm.lru]} pages, and it is not on the device's "
                   "list of VMs, expected on it")


def _looked_at(state: State, _mapped_by: Mapped) -> Iterator[str]:
    for bo in state.bos:
        if bo.resident and not bo.pins and not bo.imported and bo.state == UNRECLAIMABLE:
            yield f"{bo}: state {bo.state} with pages and no pin, expected {_evaluated(bo)}"


def _restored_with_vm(state: State, _mapped_by: Mapped) -> Iterator[str]:
    resv_of = {vm.address: vm.resv for vm in state.vms}
    for bo in state.bos:
        for vm_bo in bo.vm_bos:
            private = vm_bo.vm in resv_of and resv_of[vm_bo.vm] == bo.resv
            if vm_bo.evicted and private and not vm_bo.listed:
                yield (f"{bo}: private to VM 0x{vm_bo.vm:x} and evicted, not on that VM's list "
                       "of evicted ones, expected on it")


def _state_is_current(state: State, _mapped_by: Mapped) -> Iterator[str]:
    for bo in state.bos:
        # Of several VMs an eviction may have got some, and then have found a lock taken.
        lags = bo.state == MULTI and any(vm_bo.evicted for vm_bo in bo.vm_bos)
        if not (bo.imported or lags or _half_evicted(bo)) and bo.state != _evaluated(bo):
            yield (f"{bo}: state {bo.state} with {bo.pins} pins, {bo.mmaps} mmaps and "
                   f"{len(_mapped(bo))} VMs, expected {_evaluated(bo)}")


def _nobody_forgotten(state: State, _mapped_by: Mapped) -> Iterator[str]:
    for bo in state.bos:
        for vm_bo in bo.vm_bos:
            for vma in vm_bo.vmas:
                if vma.evicted and not vm_bo.evicted:
                    yield (f"{bo}: VMA 0x{vma.va:x} is evicted and its vm_bo is not, expected "
                           "evicted: no job maps it again")


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("I1", "a buffer is on the LRU of its state: in state GPU_MAPPED_SINGLE_VM on that "
              "of the only VM with a vm_bo of it that is not evicted",
              "panthor_gem.c panthor_gem_update_reclaim_state_locked, panthor_mmu.c "
              "panthor_vm_update_bo_reclaim_lru_locked", ("state", "lru", "vm_bo", "vma"),
              _on_its_lru),
    Invariant("I2", "an LRU counts the pages of the buffers on it, all of which say so",
              "drm_gem.c drm_gem_lru_move_tail_locked, drm_gem_lru_scan", ("lru",), _lru_counts),
    Invariant("I3", "gpu_mapped_count is the pages of the buffers in a GPU_MAPPED state",
              "panthor_gem.c panthor_gem_update_reclaim_state_locked",
              ("state", "gpu_mapped_count"), _gpu_mapped_count),
    Invariant("I4", "a buffer without pages is UNRECLAIMABLE, and all its VMAs are evicted",
              "panthor_gem.c panthor_gem_evict_locked", ("state", "pages", "vma"),
              _without_pages),
    Invariant("I5", "a VMA that is evicted has no valid page table entry; one that is not has "
              "all, and those of the buffer's pages; nothing else is mapped",
              "panthor_mmu.c panthor_vm_evict_bo_mappings_locked, remap_evicted_vma",
              ("vma", "table"), _page_tables),
    Invariant("I6", "a VM with pages on its LRU is on the device's list of VMs",
              "panthor_mmu.c panthor_mmu_reclaim_priv_bos", ("lru", "vm_list"), _vm_listed),
    Invariant("I7", "a buffer with pages and no pin is not UNRECLAIMABLE",
              "panthor_gem.c panthor_gem_evaluate_reclaim_state_locked",
              ("state", "pages", "vm_bo"), _looked_at),
    Invariant("I8", "an evicted vm_bo of a private buffer is on its VM's list of evicted ones",
              "drm_gpuvm.c drm_gpuvm_bo_evict", ("vm_bo",), _restored_with_vm),
    Invariant("I9", "a buffer's state is what the driver would work out now",
              "panthor_gem.c panthor_gem_evaluate_reclaim_state_locked",
              ("state", "pages", "mmaps", "vm_bo", "vma"), _state_is_current),
    Invariant("I10", "a VMA is evicted only in a vm_bo that is",
              "panthor_mmu.c panthor_vm_restore_vmas", ("vm_bo", "vma"), _nobody_forgotten),
)


def check(state: State, mapped: Mapped) -> Verdict:
    """All rows that this kernel's facts are enough for."""
    broken: list[str] = []
    skipped: dict[str, str] = {}
    for row in INVARIANTS:
        lacking = [state.lacks[fact] for fact in row.needs if fact in state.lacks]
        if lacking:
            skipped[row.name] = lacking[0]
        else:
            broken += [f"{row.name}: {line}" for line in row.broken(state, mapped)]
    return Verdict(broken, skipped)
