# SPDX-License-Identifier: MIT
"""Locks, leases, and an owner who is told by a signal: any description may have these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crfd._core.library import lib
from crfd.format.enums import Numbered
from crfd.format.records import RecordType
from crfd.kinds.described import Extended, Records

_OWNER = Records(RecordType.OWNER, "crfd_owner")
_LOCK = Records(RecordType.LOCK, "crfd_lock")
_FD_LOCK = Records(RecordType.FD_LOCK, "crfd_fd_lock")
_MANDATORY, _BREAKING = (int(getattr(lib, f"CRFD_LOCK_{name}")) for name in ("MANDATORY", "BREAKING"))
_TO_THE_END = (1 << 64) - 1


class OwnerType(Numbered):
    """F_OWNER_* of fcntl(2)."""

    TID = 0
    PID = 1
    PGRP = 2


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner, who is told by a signal when I/O is possible: F_SETOWN_EX and F_SETSIG of fcntl(2).

    pid is a thread, process or process group by type, None where it has no number in our pid namespace. uid and euid
    are those of who set it. signal 0 is SIGIO.
    """

    pid: int | None
    type: OwnerType
    uid: int
    euid: int
    signal: int


class LockKind(Numbered):
    """The maker of a lock: fcntl(2) F_SETLK (POSIX), F_OFD_SETLK, flock(2), F_SETLEASE, or a delegation of the NFS server."""

    POSIX = lib.CRFD_LOCK_POSIX
    OFD = lib.CRFD_LOCK_OFD
    FLOCK = lib.CRFD_LOCK_FLOCK
    LEASE = lib.CRFD_LOCK_LEASE
    DELEG = lib.CRFD_LOCK_DELEG


class LockType(Numbered):
    """The strength of a lock; of a lease that is being broken, the one that it goes down to."""

    READ = lib.CRFD_LOCK_READ
    WRITE = lib.CRFD_LOCK_WRITE
    UNLOCK = lib.CRFD_LOCK_UNLOCK


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock or lease that was taken through this very description.

    pid took it: None for an OFD lock, which nobody owns, and for a process outside our pid namespace. start and end are
    its first and last byte; end None: to the end of the file, however far it grows.
    """

    kind: LockKind
    type: LockType
    pid: int | None
    start: int
    end: int | None
    mandatory: bool
    breaking: bool


@dataclass(frozen=True, slots=True)
class LockWait:
    """A process that waits for a lock, or for a lease to end.

    pid waits for holder; None for whoever has or wants an OFD lock, which the kernel does not say. wanted is what it asks
    for, held what stands in its way (pid is the same in both). behind: holder has not got it either, but waits before it.
    dev and ino are those of the file, dev as its super block has it.
    """

    pid: int | None
    holder: int | None
    wanted: Lock
    held: Lock
    behind: bool
    dev: int
    ino: int


def lock_wait(row: dict[str, Any]) -> LockWait:
    ours = {"lock": row["lock"], "type": row["type"], "pid": row["pid"], "flags": 0}
    theirs = {
        "lock": row["holder_lock"], "type": row["holder_type"], "pid": row["holder"], "flags": row["holder_flags"],
        "start": row["holder_start"], "end": row["holder_end"],
    }  # fmt: skip
    wanted, held = _lock({**ours, "start": row["start"], "end": row["end"]}), _lock(theirs)
    return LockWait(wanted.pid, held.pid, wanted, held, row["behind"] > 0, row["dev"], row["ino"])


def _lock(row: dict[str, Any]) -> Lock:
    return Lock(
        LockKind(row["lock"]),
        LockType(row["type"]),
        row["pid"] if row["pid"] > 0 else None,
        row["start"],
        None if row["end"] == _TO_THE_END else row["end"],
        bool(row["flags"] & _MANDATORY),
        bool(row["flags"] & _BREAKING),
    )


def locks(file: Extended) -> tuple[Lock, ...]:
    return tuple(map(_lock, _LOCK.all(file)))


def locks_elsewhere(task: Extended) -> dict[int, tuple[Lock, ...]]:
    found: dict[int, list[Lock]] = {}
    for row in _FD_LOCK.all(task):
        found.setdefault(row["fd"], []).append(_lock(row))
    return {fd: tuple(locks) for fd, locks in found.items()}


def owner(file: Extended) -> Owner | None:
    row = _OWNER.first(file)
    if row is None:
        return None
    return Owner(row["pid"] or None, OwnerType(row["type"]), row["uid"], row["euid"], row["signum"])
