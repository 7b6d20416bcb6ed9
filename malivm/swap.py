# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's swap: compressed in its memory (zram), or on a disk of QEMU's.

The disk is a file without a name, which is gone with the machine. Its requests can be
made slow or fail while the guest runs: there is a block node for each way, over the one
file, and the disk's `drive` is set to another one of them.
"""

from typing import NamedTuple

from .errors import MaliError
from .qmp import Qmp

ZRAM, DISK = "zram", "disk"
DEFAULT_MIB = 256

# By it the guest knows the disk: the same as in tests/guest/swap.c.
SERIAL = "mali-vm-swap"
_DEVICE = "/machine/peripheral/swap"
_FILE = "swap-file"
_LIMITS = "swap-limits"

# What a test may ask for, the first one is a sound disk: the node, and the -blockdev of those
# that stand between the disk and the file.
NODES: dict[str, tuple[str, str]] = {
    "sound": (_FILE, ""),
    "slow": ("swap-slow", f"driver=throttle,throttle-group={_LIMITS},file={_FILE}"),
    "bad-reads": ("swap-bad-reads", f"driver=blkdebug,image={_FILE},inject-error.0.event=none,"
                  "inject-error.0.iotype=read"),
    "bad-writes": ("swap-bad-writes", f"driver=blkdebug,image={_FILE},inject-error.0.event=none,"
                   "inject-error.0.iotype=write"),
}
SOUND = next(iter(NODES))
# A request each 10 ms
_SLOW = "x-iops-total=100"


class Swap(NamedTuple):
    """What the guest swaps to, and how much it can, in MiB."""
    kind: str
    mib: int

    @property
    def disk(self) -> int:
        """MiB of the disk; 0: there is none."""
        return self.mib if self.kind == DISK else 0

    def settings(self) -> list[str]:
        """Lines of the guest's configuration."""
        return [f"swap={self.mib}", f"swap-on={self.kind}"]


def qemu_options(path: str) -> list[tuple[str, str]]:
    """The disk whose content is the file at `path`."""
    found = [("-object", f"throttle-group,id={_LIMITS},{_SLOW}"),
             ("-blockdev", f"driver=file,node-name={_FILE},filename={path},locking=off")]
    found += [("-blockdev", f"node-name={node},{how}") for node, how in NODES.values() if how]
    # A full disk of the host's is an error for the guest, too, and does not stop it.
    found.append(("-device", f"virtio-blk-device,id=swap,drive={_FILE},serial={SERIAL},"
                  "werror=report,rerror=report"))
    return found


class Disk:
    """The disk of a machine that runs, sound to begin with."""

    def __init__(self, qmp: Qmp):
        self._qmp = qmp
        self._how = SOUND

    def set(self, how: str) -> None:
        """Have it work as one of NODES says."""
        if how not in NODES:
            raise MaliError(f"a swap disk is {', '.join(NODES)}, not {how}")
        if how != self._how:
            self._qmp.execute("qom-set", path=_DEVICE, property="drive", value=NODES[how][0])
        self._how = how
