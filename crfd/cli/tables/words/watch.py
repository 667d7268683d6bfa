# SPDX-License-Identifier: MIT
"""What a table says of what watches files."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.tables.words.phrase import Writers, device, listed
from crfd.image.model import OpenFile
from crfd.kinds.watch import Epoll, Fanotify, FanotifyMark, Inotify, MarkType


def _epoll(_: OpenFile, epoll: Epoll) -> Iterator[str]:
    yield listed((f"fd {target.fd}" for target in epoll.targets), "target")


def _inotify(_: OpenFile, inotify: Inotify) -> Iterator[str]:
    yield listed((f"inode {mark.ino}" for mark in inotify.marks), "mark")


def _fanotify(_: OpenFile, fanotify: Fanotify) -> Iterator[str]:
    yield listed((_mark(mark) for mark in fanotify.marks), "mark")


def _mark(mark: FanotifyMark) -> str:
    if mark.type == MarkType.SB:
        return f"device {device(mark.dev)}"
    known = {MarkType.INODE: ("inode", mark.ino), MarkType.MOUNT: ("mount", mark.mnt_id)}
    name, number = known.get(mark.type, (mark.type.name.lower(), mark.ino))
    return f"{name} {number}"


WRITERS: Writers = {Epoll: _epoll, Inotify: _inotify, Fanotify: _fanotify}
