# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads panthor's state out of a guest's memory by the kernel's debug info, with drgn.

Types come from the file that has the driver, and so do all those of DRM that it uses: they
are a drgn program without memory. The memory is another one without types: drgn 0.0.22
does not find the modules of a kernel that is newer than Linux 6.3, and has no need to.

This is a program of its own, which oracle.py starts with Debian's Python, the one that
python3-drgn is for: PROGRAM MEMORY-FILE SIZE SYSTEM-MAP DRIVER-FILE. Each line on its standard
input is a request, {"do": NAME, ...}, and gets one line of JSON. What it reads is the
guest's and may be anything: lists are followed so far and no further, and who reads for
too long, or dies of it, is this process and not the run.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import drgn

from . import oracle_core, oracle_state
from .oracle_spoil import SPOILS, Word

# More than any list has that a test makes.
MAX_ITEMS = 100_000
MAX_LABEL = 64

_STATE_PREFIX = "PANTHOR_GEM_"
# include/linux/scatterlist.h: SG_CHAIN, and what is no part of the pointer
_SG_CHAIN, _SG_FLAGS = 1, 3
# kernel/locking/mutex.c: MUTEX_FLAGS
_MUTEX_FLAGS = 7
# include/uapi/drm/panthor_drm.h
_MAP_SPARSE = "DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE"


class Unreadable(Exception):
    """The memory does not hold what it should, or the debug info does not describe it."""


class Absent(Exception):
    """The kernel has no such member."""


class Member(NamedTuple):
    """Where a member is in its structure, and how large."""
    offset: int
    size: int


class Record(dict[str, int]):
    """Members of one structure in memory, by the names of its Layout."""
    address: int = 0


def _plain(kind: drgn.Type) -> drgn.Type:
    while kind.kind == drgn.TypeKind.TYPEDEF:
        kind = kind.type
    return kind


def _member(kind: drgn.Type, path: str) -> Member:
    """A member of a structure type, named as in C."""
    offset = 0
    for name in path.split("."):
        kind = _plain(kind)
        try:
            found = kind.member(name)
        except (LookupError, TypeError) as exc:
            raise Absent(f"{kind.type_name()} has no {name}") from exc
        offset += found.bit_offset // 8
        kind = found.type
    return Member(offset, drgn.sizeof(kind))


class Layout:
    """Members of a structure by names of our own, which stand for paths in C: several, of
    which the first that exists counts; kernels differ."""

    def __init__(self, types: drgn.Program, memory: drgn.Program, name: str,
                 paths: Mapping[str, tuple[str, ...]]):
        self._prog = memory
        self.lacks: dict[str, str] = {}
        self._members: dict[str, Member] = {}
        try:
            kind = types.type(name)
        except LookupError:
            self.lacks = {key: f"there is no {name}" for key in paths}
            return
        self.size = drgn.sizeof(kind)
        for key, choices in paths.items():
            try:
                self._members[key] = self._first(kind, choices)
            except Absent as exc:
                self.lacks[key] = str(exc)
        values = [one for one in self._members.values() if one.size <= 8]
        self._start = min((one.offset for one in values), default=0)
        self._length = max((one.offset + one.size for one in values), default=0) - self._start

    @staticmethod
    def _first(kind: drgn.Type, choices: tuple[str, ...]) -> Member:
        for path in choices[1:]:
            try:
                return _member(kind, choices[0])
            except Absent:
                choices = (path, *choices[2:])
        return _member(kind, choices[0])

    def offset(self, key: str) -> int:
        """Of a member in its structure."""
        if key not in self._members:
            raise Absent(self.lacks.get(key, key))
        return self._members[key].offset

    def size_of(self, key: str) -> int:
        """Of a member."""
        return self._members[key].size

    def has(self, key: str) -> bool:
        """Whether this kernel has it."""
        return key in self._members

    def read(self, address: int) -> Record:
        """What of a structure is no larger than a word; what the kernel lacks is 0."""
        data = self._prog.read(address + self._start, self._length)
        record = Record(dict.fromkeys(self.lacks, 0))
        for key, one in self._members.items():
            if one.size <= 8:
                at = one.offset - self._start
                record[key] = int.from_bytes(data[at:at + one.size], "little")
        record.address = address
        return record


def _mutex(path: str) -> tuple[str, ...]:
    """Who holds a mutex; the second is PREEMPT_RT's."""
    return (f"{path}.owner.counter", f"{path}.rtmutex.owner")


def _ww_mutex(path: str) -> tuple[str, ...]:
    return (f"{path}.base.owner.counter", f"{path}.base.rtmutex.owner")


# What is looked at: structure -> our name -> where it is
STRUCTURES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "struct shrinker": {
        "node": ("list",),
        "device": ("private_data",),
    },
    "struct panthor_device": {
        "shrinker": ("reclaim.shrinker",),
        "lru_lock": _mutex("base.gem_lru_mutex") + _mutex("reclaim.lock"),
        "gems": ("gems.node",),
        "gems_lock": _mutex("gems.lock"),
        "mmu": ("mmu",),
        "unused": ("reclaim.unused",),
        "mmapped": ("reclaim.mmapped",),
        "gpu_mapped_shared": ("reclaim.gpu_mapped_shared",),
        "vms": ("reclaim.vms",),
        "gpu_mapped_count": ("reclaim.gpu_mapped_count",),
    },
    "struct panthor_mmu": {
        "vms": ("vm.list",),
        "vms_lock": _mutex("vm.lock"),
    },
    "struct panthor_vm": {
        "node": ("node",),
        "gpuvm": ("base",),
        "root": ("base.r_obj",),
        "vas": ("base.rb.list",),
        "op_lock": _mutex("op_lock"),
        "lru": ("reclaim.lru",),
        "lru_node": ("reclaim.lru_node",),
        "slot": ("as.id",),
        "unusable": ("unusable",),
        "tables": ("pgtbl_ops",),
    },
    "struct io_pgtable": {
        "ops": ("ops",),
        "table": ("cfg.arm_lpae_s1_cfg.ttbr",),
    },
    "struct drm_gem_lru": {
        "count": ("count",),
        "list": ("list",),
    },
    "struct dma_resv": {
        "lock": _ww_mutex("lock"),
    },
    "struct panthor_gem_object": {
        "gem": ("base", "base.base"),
        "node": ("debugfs.node",),
        "pages": ("backing.pages", "base.pages"),
        "pins": ("backing.pin_count.refs.counter", "base.pages_pin_count.refs.counter"),
        "mmaps": ("cmap.mmap_count.refs.counter",),
        "state": ("reclaim_state",),
        "sgt": ("dmap.sgt", "base.sgt"),
        "label": ("label.str",),
        "lru": ("base.lru", "base.base.lru"),
    },
    "struct drm_gem_object": {
        "refcount": ("refcount.refcount.refs.counter",),
        "size": ("size",),
        "resv": ("resv",),
        "imported": ("import_attach",),
        "vm_bos": ("gpuva.list",),
        "gpuva_lock": _mutex("gpuva.lock"),
        "lru": ("lru",),
        "lru_node": ("lru_node",),
    },
    "struct drm_gpuvm_bo": {
        "vm": ("vm",),
        "evicted": ("evicted",),
        "gem_entry": ("list.entry.gem",),
        "evict_entry": ("list.entry.evict",),
        "vas": ("list.gpuva",),
    },
    "struct panthor_vma": {
        "gem_entry": ("base.gem.entry",),
        "rb_entry": ("base.rb.entry",),
        "obj": ("base.gem.obj",),
        "va": ("base.va.addr",),
        "size": ("base.va.range",),
        "offset": ("base.gem.offset",),
        "flags": ("flags",),
        "evicted": ("evicted",),
    },
    "struct sg_table": {
        "list": ("sgl",),
        "count": ("nents",),
    },
    "struct scatterlist": {
        "link": ("page_link",),
        "address": ("dma_address",),
        "length": ("dma_length", "length"),
    },
}

# The facts of oracle_state.State.lacks, each by the members that it takes
FACTS: Mapping[str, tuple[str, ...]] = {
    "state": ("struct panthor_gem_object.state",),
    "pages": ("struct panthor_gem_object.pages", "struct panthor_gem_object.pins"),
    "mmaps": ("struct panthor_gem_object.mmaps",),
    "lru": ("struct panthor_device.unused", "struct panthor_device.mmapped",
            "struct panthor_device.gpu_mapped_shared", "struct panthor_vm.lru",
            "struct drm_gem_object.lru"),
    "vm_list": ("struct panthor_device.vms", "struct panthor_vm.lru_node"),
    "gpu_mapped_count": ("struct panthor_device.gpu_mapped_count",),
    "vm_bo": ("struct drm_gpuvm_bo.evicted", "struct drm_gpuvm_bo.evict_entry"),
    "vma": ("struct panthor_vma.evicted",),
    "table": ("struct io_pgtable.table", "struct panthor_vm.tables"),
}


class Driver:
    """The driver's structures, of `types`, in `memory`."""

    def __init__(self, types: drgn.Program, memory: drgn.Program, shrinkers: int,
                 page_size: int):
        self._prog = memory
        self._shrinkers, self._page_size = shrinkers, page_size
        self.layouts = {name: Layout(types, memory, name, paths)
                        for name, paths in STRUCTURES.items()}
        self.lacks = dict(self._lacks())
        try:
            kind = types.type("enum panthor_gem_reclaim_state")
            self._states = {one.value: one.name.removeprefix(_STATE_PREFIX)
                            for one in kind.enumerators}
        except LookupError:
            self._states = {}
        try:
            self._sparse = types.constant(_MAP_SPARSE).value_()
        except LookupError:
            self._sparse = 0

    def _lacks(self) -> Iterator[tuple[str, str]]:
        for fact, members in FACTS.items():
            for name in members:
                structure, key = name.rsplit(".", 1)
                if key in self.layouts[structure].lacks:
                    yield fact, self.layouts[structure].lacks[key]
                    break

    def _read(self, name: str, address: int) -> Record:
        return self.layouts[name].read(address)

    def _at(self, name: str, address: int, key: str) -> int:
        return address + self.layouts[name].offset(key)

    def _linked(self, head: int, name: str, key: str) -> list[int]:
        """The structures that a list links at their member `key`."""
        offset, found = self.layouts[name].offset(key), list[int]()
        node = self._prog.read_u64(head)
        while node != head:
            if len(found) == MAX_ITEMS or not node:
                raise Unreadable(f"the list of {name} at 0x{head:x} does not end")
            found.append(node - offset)
            node = self._prog.read_u64(node)
        return found

    def find(self) -> int | None:
        """The struct panthor_device of a GPU that the driver has; None if it has none. Of all
        the kernel's shrinkers it is the one whose owner says that it is his."""
        for shrinker in self._linked(self._shrinkers, "struct shrinker", "node"):
            device = self._read("struct shrinker", shrinker)["device"]
            try:
                if device and self._prog.read_u64(
                        self._at("struct panthor_device", device, "shrinker")) == shrinker:
                    return device
            except drgn.FaultError:     # of another's private data
                continue
        return None

    # --- What is held ---

    def _held(self, name: str, address: int, key: str, what: str) -> str:
        if not self.layouts[name].has(key):
            return ""
        return what if self._read(name, address)[key] & ~_MUTEX_FLAGS else ""

    # --- Objects ---

    def _lru(self, address: int, name: str) -> oracle_state.Lru:
        head = self._at("struct drm_gem_lru", address, "list")
        count = self._read("struct drm_gem_lru", address)["count"]
        gems = self._linked(head, "struct drm_gem_object", "lru_node")
        gem = self.layouts["struct panthor_gem_object"].offset("gem")
        return oracle_state.Lru(address, name, count - (count >> 63 << 64),
                                tuple(one - gem for one in gems))

    def _vma(self, record: Record) -> oracle_state.Vma:
        return oracle_state.Vma(record.address, record["va"], record["size"], record["offset"],
                                bool(record["evicted"]),
                                bool(record["flags"] & self._sparse))

    def _vm_bo(self, address: int) -> oracle_state.VmBo:
        record = self._read("struct drm_gpuvm_bo", address)
        entry = self._at("struct drm_gpuvm_bo", address, "evict_entry")
        vmas = self._linked(self._at("struct drm_gpuvm_bo", address, "vas"),
                            "struct panthor_vma", "gem_entry")
        gpuvm = self.layouts["struct panthor_vm"].offset("gpuvm")
        return oracle_state.VmBo(
            address, record["vm"] - gpuvm, bool(record["evicted"]),
            self._prog.read_u64(entry) != entry,
            tuple(self._vma(self._read("struct panthor_vma", vma)) for vma in vmas))

    def _label(self, address: int) -> str:
        if not address:
            return ""
        data = b""
        while len(data) < MAX_LABEL and b"\0" not in data:
            # To the end of a word: what follows may be in no memory.
            data += self._prog.read(address + len(data), 8 - (address + len(data)) % 8)
        return data.partition(b"\0")[0][:MAX_LABEL].decode("ascii", "replace")

    def _memory(self, address: int) -> tuple[tuple[int, int], ...] | None:
        """Of a struct sg_table as it is mapped for the GPU."""
        if not address:
            return None
        table = self._read("struct sg_table", address)
        found: list[tuple[int, int]] = []
        for start, size in self._entries(table["list"], table["count"]):
            if found and sum(found[-1]) == start:
                found[-1] = (found[-1][0], found[-1][1] + size)
            else:
                found.append((start, size))
        return tuple(found)

    def _entries(self, at: int, left: int) -> Iterator[tuple[int, int]]:
        layout = self.layouts["struct scatterlist"]
        link, start, length = (slice(layout.offset(key), layout.offset(key) + layout.size_of(key))
                               for key in ("link", "address", "length"))
        chains = 0
        while left:
            block = self._prog.read(at, layout.size * min(left, self._page_size // layout.size))
            for one in range(0, len(block), layout.size):
                entry = block[one:one + layout.size]
                to = int.from_bytes(entry[link], "little")
                if to & _SG_CHAIN:
                    at, chains = to & ~_SG_FLAGS, chains + 1
                    break
                yield (int.from_bytes(entry[start], "little"),
                       int.from_bytes(entry[length], "little"))
                left -= 1
            else:
                at += len(block)
            if chains == MAX_ITEMS:
                raise Unreadable("a list of pages does not end")

    def _bo(self, address: int) -> oracle_state.Bo:
        record = self._read("struct panthor_gem_object", address)
        base = self._at("struct panthor_gem_object", address, "gem")
        gem = self._read("struct drm_gem_object", base)
        vm_bos = self._linked(self._at("struct drm_gem_object", base, "vm_bos"),
                              "struct drm_gpuvm_bo", "gem_entry")
        state = record["state"]
        return oracle_state.Bo(
            address, self._label(record["label"]), gem["size"],
            self._states.get(state, str(state)), bool(record["pages"]), record["pins"],
            record["mmaps"], bool(gem["imported"]), gem["resv"], gem["lru"],
            tuple(self._vm_bo(vm_bo) for vm_bo in vm_bos), self._memory(record["sgt"]))

    def _vm(self, address: int, listed: set[int]) -> oracle_state.Vm:
        record = self._read("struct panthor_vm", address)
        resv = self._read("struct drm_gem_object", record["root"])["resv"] \
            if record["root"] else 0
        tables = record["tables"]
        layout = self.layouts["struct io_pgtable"]
        table = layout.read(tables - layout.offset("ops"))["table"] \
            if tables and "table" not in self.lacks else 0
        has_lru = self.layouts["struct panthor_vm"].has("lru")
        return oracle_state.Vm(
            address, self._at("struct panthor_vm", address, "lru") if has_lru else 0,
            address in listed, resv, table,
            record["slot"] - (record["slot"] >> 31 << 32), bool(record["unusable"]))

    # --- All of it ---

    def _gems(self, device: int, vms: list[int], lrus: list[oracle_state.Lru]) -> list[int]:
        """Every buffer that can be found: debugfs has all but the imported ones."""
        found: dict[int, None] = {}
        if self.layouts["struct panthor_device"].has("gems"):
            found |= dict.fromkeys(self._linked(
                self._at("struct panthor_device", device, "gems"),
                "struct panthor_gem_object", "node"))
        gem = self.layouts["struct panthor_gem_object"].offset("gem")
        for vm in vms:
            for vma in self._linked(self._at("struct panthor_vm", vm, "vas"),
                                    "struct panthor_vma", "rb_entry"):
                obj = self._read("struct panthor_vma", vma)["obj"]
                if obj:
                    found[obj - gem] = None
        for lru in lrus:
            found |= dict.fromkeys(lru.members)
        return list(found)

    def _locks(self, device: int, vms: list[int]) -> Iterator[str]:
        """Those that are held, of the device and of its VMs."""
        yield self._held("struct panthor_device", device, "lru_lock", "the lock of the LRUs")
        yield self._held("struct panthor_device", device, "gems_lock", "the lock of the buffers")
        mmu = self._read("struct panthor_device", device)["mmu"]
        yield self._held("struct panthor_mmu", mmu, "vms_lock", "the lock of the VMs")
        for vm in vms:
            yield self._held("struct panthor_vm", vm, "op_lock", f"the lock of VM 0x{vm:x}")

    def _bo_locks(self, bo: oracle_state.Bo) -> Iterator[str]:
        base = self._at("struct panthor_gem_object", bo.address, "gem")
        yield self._held("struct drm_gem_object", base, "gpuva_lock", f"gpuva.lock of {bo}")
        if bo.resv:
            yield self._held("struct dma_resv", bo.resv, "lock", f"resv of {bo}")

    def state(self, device: int) -> oracle_state.State | str:
        """The state, or the lock that keeps it from being one."""
        mmu = self._read("struct panthor_device", device)["mmu"]
        vms = self._linked(self._at("struct panthor_mmu", mmu, "vms"), "struct panthor_vm",
                           "node")
        for held in self._locks(device, vms):
            if held:
                return held
        lrus, listed = [], set[int]()
        if "lru" not in self.lacks:
            lrus = [self._lru(self._at("struct panthor_device", device, name), name)
                    for name in ("unused", "mmapped", "gpu_mapped_shared")]
            lrus += [self._lru(self._at("struct panthor_vm", vm, "lru"), f"of VM 0x{vm:x}")
                     for vm in vms]
        if "vm_list" not in self.lacks:
            listed = set(self._linked(self._at("struct panthor_device", device, "vms"),
                                      "struct panthor_vm", "lru_node"))
        bos = []
        for address in self._gems(device, vms, lrus):
            bo = self._bo(address)
            for held in self._bo_locks(bo):
                if held:
                    return held
            bos.append(bo)
        count = self._read("struct panthor_device", device)["gpu_mapped_count"]
        return oracle_state.State(
            device, self._page_size, count - (count >> 63 << 64), tuple(bos),
            tuple(self._vm(vm, listed) for vm in vms), tuple(lrus), self.lacks)

    # --- Changes, for the test of the oracle ---

    def bytes_of(self, word: Word) -> tuple[int, bytes]:
        """Where a word is, and what it is to become."""
        at = self._at(word.structure, word.address, word.key)
        if word.value is None:
            return at, at.to_bytes(8, "little") * 2
        states = {name: value for value, name in self._states.items()}
        value = states[word.value] if isinstance(word.value, str) else word.value
        return at, value.to_bytes(self.layouts[word.structure].size_of(word.key), "little")


class Reader:
    """Answers requests about one guest."""

    def __init__(self, memory: str, size: int, symbols: str, file: str):
        self._memory, self._size = memory, size
        self._symbols, self._file = symbols, file
        self._info = ""
        self._driver: Driver | None = None
        self._spoiled: list[tuple[int, bytes]] = []     # place in the file, what was there

    def open(self, address: int, length: int) -> None:
        """Find the kernel, whose VMCOREINFO is at a physical address."""
        with open(self._memory, "r+b") as file:
            file.seek(oracle_core.in_file(address, length, self._size))
            self._info = oracle_core.vmcoreinfo(file.read(length))
            file.seek(0)
            file.write(oracle_core.headers(self._info, self._size))
        memory = drgn.Program()
        memory.set_core_dump(self._memory)
        types = drgn.Program(memory.platform)
        types.load_debug_info([self._file])
        self._driver = Driver(types, memory, self._symbol("shrinker_list"),
                              oracle_core.number(self._info, "PAGESIZE") or 4096)

    def _symbol(self, name: str) -> int:
        """Where a symbol of the kernel is in this guest."""
        with open(self._symbols, encoding="ascii") as file:
            text = file.read()
        found = {}
        for symbol in (name, "swapper_pg_dir"):
            match = re.search(rf"^([0-9a-f]+) \S {symbol}$", text, re.MULTILINE)
            if match is None:
                raise Absent(f"{self._symbols} has no {symbol}")
            found[symbol] = int(match[1], 16)
        moved = oracle_core.number(self._info, "KERNELOFFSET") or 0
        if oracle_core.number(self._info, "swapper_pg_dir") != found["swapper_pg_dir"] + moved:
            raise Absent(f"{self._symbols} is not of the kernel that runs")
        return found[name] + moved

    def _look(self) -> oracle_state.State | str | None:
        """The state, the lock that is held, or None without a driver."""
        if self._driver is None:
            raise Absent("the kernel was not opened")
        device = self._driver.find()
        return None if device is None else self._driver.state(device)

    def state(self) -> dict[str, Any]:
        """{"state": ...}, {"busy": LOCK}, {"wrong": WHY} if it makes no sense at all, or {}
        without a driver."""
        try:
            found = self._look()
        except (drgn.FaultError, Unreadable) as exc:
            return {"wrong": str(exc)}
        if isinstance(found, oracle_state.State):
            return {"state": oracle_state.to_json(found)}
        return {"busy": found} if found else {}

    def spoil(self, name: str) -> str:
        """Make an invariant untrue in the guest's memory; the member that was changed."""
        state = self._look()
        if not isinstance(state, oracle_state.State) or self._driver is None:
            raise Unreadable(f"there is no state to be spoiled: {state or 'no driver'}")
        if name not in SPOILS:
            raise Unreadable(f"there is no invariant {name}")
        try:
            word = SPOILS[name](state)
        except StopIteration as exc:
            raise Unreadable(f"there is no object to spoil {name} with") from exc
        address, data = self._driver.bytes_of(word)
        place = oracle_core.in_file(oracle_core.linear(self._info, address), len(data),
                                    self._size)
        self._spoiled.append((place, self._swap(place, data)))
        return f"{word.structure}.{word.key}"

    def mend(self) -> None:
        """Put back what was spoiled."""
        while self._spoiled:
            self._swap(*self._spoiled.pop())

    def _swap(self, place: int, data: bytes) -> bytes:
        with open(self._memory, "r+b", buffering=0) as file:
            file.seek(place)
            old = file.read(len(data))
            file.seek(place)
            file.write(data)
        return old

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What is written for a request."""
        match request["do"]:
            case "open":
                self.open(request["address"], request["length"])
            case "state":
                return self.state()
            case "spoil":
                return {"spoiled": self.spoil(request["name"])}
            case "mend":
                self.mend()
        return {}


def main(words: list[str]) -> None:
    """Serve until the end of the input."""
    memory, size, symbols, file = words
    reader = Reader(memory, int(size), symbols, file)
    for line in sys.stdin:
        try:
            answer = reader.answer(json.loads(line))
        except oracle_core.NoInfo as exc:
            answer = {"error": exc.message}
        except (drgn.FaultError, LookupError, Unreadable, Absent, OSError, ValueError) as exc:
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        except Exception as exc:        # drgn's own have no common base
            answer = {"error": f"drgn: {exc}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
