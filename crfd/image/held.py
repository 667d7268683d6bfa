# SPDX-License-Identifier: MIT
"""Files that a task holds open without a descriptor: its directories, its executable, mapped files, its terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from crfd._core import declarations
from crfd._core.kinds import kind_name
from crfd._core.library import lib
from crfd.format.enums import Kind
from crfd.format.records import Layout, RecordType

_HAS = declarations.flags("CRFD_HAS_")
_MAP = declarations.flags("CRFD_MAP_")
_DELETED = int(lib.CRFD_STAT_DELETED)
_ALL = int(lib.CRFD_HELD_ALL)
_HELD = Layout("crfd_held")
_OBJREF = Layout("crfd_held_objref")


class HeldBy(IntEnum):
    """The way in which a file without a descriptor is held. FLIGHT: it was sent to a unix socket and not received yet; RING:
    it is registered in an io_uring."""

    CWD = lib.CRFD_HELD_CWD
    ROOT = lib.CRFD_HELD_ROOT
    EXE = lib.CRFD_HELD_EXE
    MAP = lib.CRFD_HELD_MAP
    TTY = lib.CRFD_HELD_TTY
    FLIGHT = lib.CRFD_HELD_FLIGHT
    RING = lib.CRFD_HELD_RING


class Held(NamedTuple):
    """A file that a task holds without a descriptor of its own; None stands for what is not known.

    path, deleted, dev, ino, mnt_id, st_mode, rdev, nlink and size are as in OpenFile. prot ("r-xp", s where any mapping
    is shared), mappings and bytes are of a mapped file, all its mappings together. fd and slot say where a file lies that
    is in flight (the socket and the number of the file in its queue) or in a ring (its place there); f_mode is theirs, and
    objref is that of the description where a descriptor in the image has it too. Where fd is known and slot is not, the
    socket has files in flight and nothing tells which.
    errno: why it could not be read, None where it was.
    """

    by: HeldBy
    kind: Kind
    path: bytes | None
    deleted: bool | None
    dev: int | None
    ino: int | None
    mnt_id: int | None
    st_mode: int | None
    rdev: int | None
    nlink: int | None
    size: int | None
    f_mode: int | None
    prot: str | None
    mappings: int | None
    bytes: int | None
    fd: int | None
    slot: int | None
    objref: int | None
    errno: int | None

    @property
    def kind_name(self) -> str:
        return kind_name(self.kind)

    @property
    def reason(self) -> str | None:
        """The words for errno."""
        return None if self.errno is None else os.strerror(self.errno)


def _prot(bits: int) -> str:
    letters = zip(("READ", "WRITE", "EXEC", "SHARED"), "rwxs", "---p", strict=True)
    return "".join(letter if bits & _MAP[name] else other for name, letter, other in letters)


def _one(payload: bytes, objrefs: dict[tuple[int, int], int]) -> Held:
    row = _HELD.one(payload)
    known = row["known"]

    def told(name: str, bit: str) -> int | None:
        return row[name] if known & _HAS[bit] else None

    mapped = row["held"] == HeldBy.MAP and row["mappings"] > 0
    lies = row["fd"] >= 0
    return Held(
        by=HeldBy(row["held"]),
        kind=Kind(row["kind"]),
        path=payload[_HELD.size :] if known & _HAS["PATH"] else None,
        deleted=bool(row["flags"] & _DELETED) if known & _HAS["DELETED"] else None,
        dev=told("dev", "DEV"),
        ino=told("ino", "INO"),
        mnt_id=told("mnt_id", "MNT_ID"),
        st_mode=told("st_mode", "TYPE"),
        rdev=told("rdev", "TYPE"),
        nlink=told("nlink", "NLINK"),
        size=told("size", "SIZE"),
        f_mode=told("f_mode", "ACCESS"),
        prot=_prot(row["prot"]) if mapped else None,
        mappings=row["mappings"] if mapped else None,
        bytes=row["bytes"] if mapped else None,
        fd=row["fd"] if lies else None,
        slot=row["slot"] if lies and row["slot"] != _ALL else None,
        objref=objrefs.get((row["fd"], row["slot"])),
        errno=row["err"] or None,
    )


def held(extensions: Sequence[tuple[int, bytes]]) -> tuple[Held, ...]:
    objrefs = {
        (fd, slot): objref
        for kind, payload in extensions
        if kind == RecordType.HELD_OBJREF
        for _, fd, slot, objref in _OBJREF.struct.iter_unpack(payload)
    }
    return tuple(_one(payload, objrefs) for kind, payload in extensions if kind == RecordType.HELD)
