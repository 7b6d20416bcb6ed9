# SPDX-License-Identifier: GPL-2.0-or-later
"""Writing initramfs archives, in the newc form of cpio.

The archive can hold device nodes and files of root's without anybody being root. The
kernel's Documentation/driver-api/early-userspace/buffer-format.rst describes it.
"""

import stat

_ALIGN = 4


class Archive:
    """A cpio archive being put together; directories above a name come by themselves."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._names: set[str] = set()

    def _add(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
             ) -> None:
        name = name.strip("/")
        parent = name.rpartition("/")[0]
        if parent and parent not in self._names:
            self._add(parent, stat.S_IFDIR | 0o755)
        if name in self._names:
            raise ValueError(f"{name} is in the archive already")
        self._names.add(name)
        self._record(name, mode, data, device)

    def _record(self, name: str, mode: int, data: bytes, device: tuple[int, int]) -> None:
        encoded = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        # Times are 0: the same content is the same archive.
        fields = (len(self._names), mode, 0, 0, links, 0, len(data), 0, 0, *device,
                  len(encoded), 0)
        self._out += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._pad()
        self._out += data
        self._pad()

    def _pad(self) -> None:
        self._out += bytes(-len(self._out) % _ALIGN)

    def file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        self._add(name, stat.S_IFREG | mode, data)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def folder(self, name: str) -> None:
        """Add a directory."""
        self._add(name, stat.S_IFDIR | 0o755)

    def device(self, name: str, major: int, minor: int) -> None:
        """Add a character device."""
        self._add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def finish(self) -> bytes:
        """The whole archive; further archives may be appended to it."""
        self._record("TRAILER!!!", 0, b"", (0, 0))
        return bytes(self._out)
