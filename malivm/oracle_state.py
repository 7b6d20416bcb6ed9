# SPDX-License-Identifier: GPL-2.0-or-later
"""What the oracle looks at: the driver's state at one moment, as plain data.

oracle_reader.py makes it of the guest's memory, oracle_checks.py judges it. Names are the
driver's: drivers/gpu/drm/panthor/panthor_gem.h, panthor_mmu.c, include/drm/drm_gpuvm.h.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Vma:
    """struct panthor_vma: a range of GPU addresses."""
    address: int
    va: int
    size: int
    offset: int                         # in the buffer
    evicted: bool = False
    sparse: bool = False                # the buffer again and again


@dataclass(frozen=True)
class VmBo:
    """struct drm_gpuvm_bo: a buffer in one address space."""
    address: int
    vm: int                             # its Vm's address
    evicted: bool = False
    listed: bool = False                # it is on the address space's list of evicted ones
    vmas: tuple[Vma, ...] = ()


@dataclass(frozen=True)
class Bo:
    """struct panthor_gem_object."""
    address: int
    label: str
    size: int
    state: str = "UNRECLAIMABLE"        # enum panthor_gem_reclaim_state, without its prefix
    resident: bool = False              # it has pages
    pins: int = 0
    mmaps: int = 0                      # mappings of the CPU's
    imported: bool = False
    resv: int = 0                       # address of its lock
    lru: int = 0                        # address of the struct drm_gem_lru; 0: on none
    vm_bos: tuple[VmBo, ...] = ()
    # What the GPU is to find it at: (physical address, size), None if it is not known.
    memory: tuple[tuple[int, int], ...] | None = None

    def __str__(self) -> str:
        return f"buffer {self.label or '(no label)'} (0x{self.address:x}, {self.size >> 10} KiB)"


@dataclass(frozen=True)
class Lru:
    """struct drm_gem_lru."""
    address: int
    name: str
    count: int
    members: tuple[int, ...] = ()       # addresses of buffers


@dataclass(frozen=True)
class Vm:
    """struct panthor_vm."""
    address: int
    lru: int = 0                        # address of its struct drm_gem_lru
    listed: bool = False                # it is on the device's list of VMs to reclaim from
    resv: int = 0                       # the lock that its private buffers share
    table: int = 0                      # physical address of the root of its page tables
    slot: int = -1                      # of the hardware's address spaces
    unusable: bool = False

    def __str__(self) -> str:
        where = f", AS {self.slot}" if self.slot >= 0 else ""
        return f"VM 0x{self.address:x}{where}"


@dataclass(frozen=True)
class State:
    """struct panthor_device and what hangs on it."""
    address: int = 0
    page_size: int = 4096
    gpu_mapped_count: int = 0
    bos: tuple[Bo, ...] = ()
    vms: tuple[Vm, ...] = ()
    lrus: tuple[Lru, ...] = ()
    # What this kernel's driver does not have: fact -> which member is missing
    lacks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Range:
    """What the device finds in page tables: adjacent pages of adjacent memory."""
    va: int
    size: int
    pa: int
    exception: int = 0                  # what every access ends in; 0: mapped


def to_json(state: State) -> dict[str, Any]:
    """A form that json.dumps() takes."""
    return dataclasses.asdict(state)


def from_json(data: Mapping[str, Any]) -> State:
    """The other way."""
    def vm_bo(one: Mapping[str, Any]) -> VmBo:
        fields = dict(one, vmas=tuple(Vma(**vma) for vma in one["vmas"]))
        return VmBo(**fields)

    def bo(one: Mapping[str, Any]) -> Bo:
        memory = one["memory"]
        fields = dict(one, vm_bos=tuple(vm_bo(part) for part in one["vm_bos"]),
                      memory=memory if memory is None else tuple(map(tuple, memory)))
        return Bo(**fields)

    def lru(one: Mapping[str, Any]) -> Lru:
        fields = dict(one, members=tuple(one["members"]))
        return Lru(**fields)

    fields = dict(data, bos=tuple(bo(one) for one in data["bos"]),
                  vms=tuple(Vm(**one) for one in data["vms"]),
                  lrus=tuple(lru(one) for one in data["lrus"]))
    return State(**fields)
