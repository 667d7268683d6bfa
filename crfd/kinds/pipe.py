# SPDX-License-Identifier: MIT
"""Pipes, with a name and without, and POSIX message queues."""

from __future__ import annotations

import os
from dataclasses import dataclass

from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Records

_PIPE = Records(
    RecordType.PIPE, "crfd_pipe", "CRFD_PIPE_HAS_", CAPACITY="capacity", WAITING="waiting", ENDS="readers writers"
)
_MQUEUE = Records(RecordType.MQUEUE, "crfd_mqueue")
_FMODE_READ, _FMODE_WRITE = 1, 2  # include/linux/fs.h
_ENDS = {_FMODE_READ: "read", _FMODE_WRITE: "write", _FMODE_READ | _FMODE_WRITE: "both"}


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe(7) or fifo(7). end is "read", "write" or "both"; capacity and waiting are in bytes, readers and writers
    count open ends. packet: O_DIRECT of pipe2(2)."""

    end: str
    packet: bool | None
    capacity: int | None
    waiting: int | None
    readers: int | None
    writers: int | None


@dataclass(frozen=True, slots=True)
class MessageQueue:
    """A POSIX message queue (mq_overview(7)): messages that it holds at most, bytes of the longest, messages that wait."""

    maxmsg: int
    msgsize: int
    curmsgs: int


def _pipe(file: Described) -> Pipe | None:
    end = _ENDS.get(file.f_mode & (_FMODE_READ | _FMODE_WRITE))
    if end is None:  # O_PATH: only a name
        return None
    packet = None if file.f_flags is None else bool(file.f_flags & os.O_DIRECT)
    return Pipe(end, packet if file.kind == Kind.PIPE else False, **_PIPE.some(file))


def _mqueue(file: Described) -> MessageQueue | None:
    row = _MQUEUE.first(file)
    return None if row is None else MessageQueue(**row)


Value = Pipe | MessageQueue
DECODERS: Decoders = {
    Kind.PIPE: _pipe,
    Kind.FIFO: _pipe,
    Kind.MQUEUE: _mqueue,
}
