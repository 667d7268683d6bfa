# SPDX-License-Identifier: MIT
"""Pipes and fifos."""

from __future__ import annotations

import fcntl
import os

from .registry import Maker, kind

# fcntl(2)
_F_SETPIPE_SZ, _F_GETPIPE_SZ = 1031, 1032
_O_NOTIFICATION_PIPE = os.O_EXCL  # include/uapi/linux/watch_queue.h


def _ends(m: Maker, fds: tuple[int, int], part: str = "", kind: str = "pipe", **known: object) -> tuple[int, int]:
    """Both ends, each with the number of the other."""
    prefix = f"{part}_" if part else ""
    r = m.add(fds[0], kind, f"{prefix}read", end="read", **known)
    w = m.add(fds[1], kind, f"{prefix}write", end="write", **known)
    m.know(r, peer=w)
    m.know(w, peer=r)
    return r, w


@kind("pipe")
def _pipe(m: Maker, capacity: int = 65536, bytes: int = 11) -> None:
    """a pipe of that capacity with bytes waiting, and one whose reader is gone"""
    r, w = os.pipe2(0)
    capacity = fcntl.fcntl(w, _F_SETPIPE_SZ, capacity)
    r, w = _ends(m, (r, w), capacity=capacity, waiting=bytes)
    os.write(w, b"x" * bytes)
    r, w = os.pipe2(0)
    os.close(r)
    m.add(w, "pipe", "readerless", end="write", waiting=0, capacity=fcntl.fcntl(w, _F_GETPIPE_SZ), peer=None)


@kind("pipe_packet")
def _packet(m: Maker) -> None:
    """packet mode (O_DIRECT), three packets waiting"""
    _, w = _ends(m, os.pipe2(os.O_DIRECT), packets=[1, 2, 3], waiting=6)
    for size in (1, 2, 3):
        os.write(w, b"p" * size)


@kind("pipe_nonblock")
def _nonblock(m: Maker) -> None:
    """O_NONBLOCK set on the read end alone"""
    r, _ = _ends(m, os.pipe2(0), waiting=0)
    os.set_blocking(r, False)


@kind("pipe_notification", needs="CONFIG_WATCH_QUEUE")
def _notification(m: Maker) -> None:
    _ends(m, os.pipe2(_O_NOTIFICATION_PIPE))


@kind("fifo")
def _fifo(m: Maker) -> None:
    """a named fifo with both ends and a third for both; bytes waiting"""
    path = m.path("fifo")
    os.mkfifo(path)
    both = m.add(os.open(path, os.O_RDWR), "fifo", "rdwr", path=path, waiting=5)
    m.add(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "fifo", "read", path=path, waiting=5)
    m.add(os.open(path, os.O_WRONLY), "fifo", "write", path=path, waiting=5)
    os.write(both, b"fifth")
