# SPDX-License-Identifier: MIT
"""Character devices that stand for something else: the master of a terminal, tun, FUSE."""

from __future__ import annotations

from dataclasses import dataclass

from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Records, text

_TTY = Records(RecordType.TTY, "crfd_tty")
_TERMIOS = Records(RecordType.TERMIOS, "crfd_termios")
_TUN_NS = Records(RecordType.TUN_NS, "crfd_tun_ns")
_TUN = Records(RecordType.TUN, "crfd_tun")
_FUSE = Records(RecordType.FUSE, "crfd_fuse")


@dataclass(frozen=True, slots=True)
class Terminal:
    """The settings of a terminal: termios(3), and the size of its window (ioctl_tty(2)). cc: the control characters from VINTR
    on."""

    iflag: int
    oflag: int
    cflag: int
    lflag: int
    ispeed: int
    ospeed: int
    rows: int
    columns: int
    xpixel: int
    ypixel: int
    cc: bytes
    line: int


@dataclass(frozen=True, slots=True)
class Tty:
    """A terminal. index is of the master of a pseudo terminal, pty(7), whose slave is /dev/pts/index; None of another.

    settings: None where they are not known.
    """

    index: int | None
    settings: Terminal | None = None


@dataclass(frozen=True, slots=True)
class Tun:
    """The network interface of a tun or tap device, and the inode of the network namespace that it is in."""

    interface: str
    net_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Fuse:
    """A FUSE server's end of the connection of that number in /sys/fs/fuse/connections."""

    connection: int


def _chr(file: Described) -> Tty | Tun | Fuse | None:
    if not file.extensions:
        return None
    master, settings = _TTY.first(file), _TERMIOS.first(file)
    if master or settings:
        return Tty(master["index"] if master else None, Terminal(**settings) if settings else None)
    if row := _TUN.first(file):
        of = _TUN_NS.first(file)
        return Tun(text(row["name"]), of["net_ns"] if of else None)
    row = _FUSE.first(file)
    return Fuse(row["connection"]) if row else None


Value = Tty | Tun | Fuse
DECODERS: Decoders = {
    Kind.CHR: _chr,
}
