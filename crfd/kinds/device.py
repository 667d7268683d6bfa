# SPDX-License-Identifier: MIT
"""Character devices that stand for something else: the master of a terminal, tun, FUSE."""

from __future__ import annotations

from dataclasses import dataclass

from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Records, text

_TTY = Records(RecordType.TTY, "crfd_tty")
_TUN = Records(RecordType.TUN, "crfd_tun")
_FUSE = Records(RecordType.FUSE, "crfd_fuse")


@dataclass(frozen=True, slots=True)
class Tty:
    """The master of a pseudo terminal, pty(7): its slave is /dev/pts/index."""

    index: int


@dataclass(frozen=True, slots=True)
class Tun:
    """The network interface of a tun or tap device."""

    interface: str


@dataclass(frozen=True, slots=True)
class Fuse:
    """A FUSE server's end of the connection of that number in /sys/fs/fuse/connections."""

    connection: int


def _chr(file: Described) -> Tty | Tun | Fuse | None:
    if not file.extensions:
        return None
    if row := _TTY.first(file):
        return Tty(row["index"])
    if row := _TUN.first(file):
        return Tun(text(row["name"]))
    row = _FUSE.first(file)
    return Fuse(row["connection"]) if row else None


Value = Tty | Tun | Fuse
DECODERS: Decoders = {
    Kind.CHR: _chr,
}
