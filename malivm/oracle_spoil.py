# SPDX-License-Identifier: GPL-2.0-or-later
"""What makes each invariant untrue, for the test that the oracle tells it (suite oracle).

A row chooses an object of those that the test has made, and says what of it is changed.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from .oracle_checks import MMAPPED, SINGLE, UNRECLAIMABLE
from .oracle_state import Bo, State, VmBo


class Word(NamedTuple):
    """A change of one member of a structure in the guest's memory."""
    structure: str
    address: int
    key: str                            # as in STRUCTURES of oracle_reader.py
    # A number, or the name of a reclaim state; None for a list that is linked to nothing
    value: int | str | None


def _bo(state: State, name: str) -> Bo:
    return next(bo for bo in state.bos if bo.resident and bo.state == name)


def _evicted(state: State) -> VmBo:
    """Of a private buffer without pages."""
    resvs = {vm.address: vm.resv for vm in state.vms}
    return next(vm_bo for bo in state.bos for vm_bo in bo.vm_bos
                if not bo.resident and vm_bo.evicted and resvs.get(vm_bo.vm) == bo.resv)


def _wrong_lru(state: State) -> Word:
    wrong = next(lru.address for lru in state.lrus if lru.name == "mmapped")
    return Word("struct panthor_gem_object", _bo(state, SINGLE).address, "lru", wrong)


def _count(state: State) -> Word:
    lru = next(lru for lru in state.lrus if lru.count)
    return Word("struct drm_gem_lru", lru.address, "count", lru.count + 1)


def _total(state: State) -> Word:
    return Word("struct panthor_device", state.address, "gpu_mapped_count",
                state.gpu_mapped_count + 1)


def _live_vma(state: State) -> Word:
    return Word("struct panthor_vma", _evicted(state).vmas[0].address, "evicted", 0)


def _dead_vma(state: State) -> Word:
    return Word("struct panthor_vma", _bo(state, SINGLE).vm_bos[0].vmas[0].address, "evicted", 1)


def _no_vms(state: State) -> Word:
    return Word("struct panthor_device", state.address, "vms", None)


def _hidden(state: State) -> Word:
    return Word("struct panthor_gem_object", _bo(state, MMAPPED).address, "state", UNRECLAIMABLE)


def _forgotten(state: State) -> Word:
    return Word("struct drm_gpuvm_bo", _evicted(state).address, "evict_entry", None)


def _unmapped(state: State) -> Word:
    return Word("struct panthor_gem_object", _bo(state, MMAPPED).address, "mmaps", 0)


SPOILS: Mapping[str, Callable[[State], Word]] = {
    "I1": _wrong_lru,
    "I2": _count,
    "I3": _total,
    "I4": _live_vma,
    "I5": _dead_vma,
    "I6": _no_vms,
    "I7": _hidden,
    "I8": _forgotten,
    "I9": _unmapped,
    "I10": _dead_vma,
}
