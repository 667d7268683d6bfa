# SPDX-License-Identifier: MIT
"""Descriptors that watch files: epoll, inotify, fanotify."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from crfd._core.library import lib
from crfd.format.enums import Kind, Numbered
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Records

_EPOLL = Records(RecordType.EPOLL, "crfd_epoll_target")
_INOTIFY = Records(RecordType.INOTIFY, "crfd_inotify_mark")
_FANOTIFY = Records(RecordType.FANOTIFY, "crfd_fanotify")
_FANOTIFY_MARK = Records(RecordType.FANOTIFY_MARK, "crfd_fanotify_mark")


@dataclass(frozen=True, slots=True)
class EpollTarget:
    """A file that an epoll instance watches, by the number it was added with: that may be closed or another file now.

    events are EPOLL*; dev, ino and pos are those of the file (Linux 4.13), dev as its super block has it: that is not
    st_dev on Btrfs and overlay.
    """

    fd: int
    events: int
    data: int
    dev: int | None
    ino: int | None
    pos: int | None


@dataclass(frozen=True, slots=True)
class Epoll:
    """epoll(7). The targets are in no order: two instances are equal where they watch the same."""

    targets: tuple[EpollTarget, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Epoll) and Counter(self.targets) == Counter(other.targets)

    def __hash__(self) -> int:
        return hash(frozenset(self.targets))


@dataclass(frozen=True, slots=True)
class InotifyMark:
    """A watch of inotify(7): mask is IN_*, dev that of the super block."""

    wd: int
    mask: int
    dev: int
    ino: int


@dataclass(frozen=True, slots=True)
class Inotify:
    marks: tuple[InotifyMark, ...]


class MarkType(Numbered):
    """A fanotify_mark(2) is on one of these: an inode, a mount, a file system or a mount namespace."""

    INODE = lib.CRFD_FANOTIFY_INODE
    MOUNT = lib.CRFD_FANOTIFY_MOUNT
    SB = lib.CRFD_FANOTIFY_SB
    MNTNS = lib.CRFD_FANOTIFY_MNTNS


@dataclass(frozen=True, slots=True)
class FanotifyMark:
    """A mark of fanotify(7); masks are FAN_*. dev is of an inode and file system mark, ino of an inode and namespace
    mark, mnt_id of a mount mark; None for the others."""

    type: MarkType
    flags: int
    mask: int
    ignored_mask: int
    dev: int | None
    ino: int | None
    mnt_id: int | None


@dataclass(frozen=True, slots=True)
class Fanotify:
    """flags and event_flags are those of fanotify_init(2)."""

    flags: int
    event_flags: int
    marks: tuple[FanotifyMark, ...]


def _epoll(file: Described) -> Epoll | None:
    if not _EPOLL.there(file):
        return None
    return Epoll(tuple(map(_target, _EPOLL.all(file))))


def _target(row: dict[str, Any]) -> EpollTarget:
    if row["dev"] == 0:
        return EpollTarget(row["fd"], row["events"], row["data"], None, None, None)
    pos = row["pos"]
    return EpollTarget(
        row["fd"], row["events"], row["data"], row["dev"], row["ino"], pos - (1 << 64) if pos >> 63 else pos
    )


def _inotify(file: Described) -> Inotify | None:
    if not _INOTIFY.there(file):
        return None
    return Inotify(tuple(InotifyMark(**row) for row in _INOTIFY.all(file)))


def _fanotify(file: Described) -> Fanotify | None:
    row = _FANOTIFY.first(file)
    if row is None:
        return None
    marks = tuple(map(_fanotify_mark, _FANOTIFY_MARK.all(file)))
    return Fanotify(row["flags"], row["event_flags"], marks)


def _fanotify_mark(row: dict[str, Any]) -> FanotifyMark:
    kind = MarkType(row["type"])
    return FanotifyMark(
        kind,
        row["flags"],
        row["mask"],
        row["ignored_mask"],
        row["dev"] if kind in {MarkType.INODE, MarkType.SB} else None,
        row["ino"] if kind in {MarkType.INODE, MarkType.MNTNS} else None,
        row["mnt_id"] if kind == MarkType.MOUNT else None,
    )


Value = Epoll | Inotify | Fanotify
DECODERS: Decoders = {
    Kind.EPOLL: _epoll,
    Kind.INOTIFY: _inotify,
    Kind.FANOTIFY: _fanotify,
}
