# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""Owners of signals, locks and leases."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import threading

from .registry import Maker, kind

# include/uapi/asm-generic/fcntl.h
_F_SETSIG, _F_SETOWN_EX, _F_OFD_SETLK, _F_SETLEASE, _F_NOTIFY = 10, 15, 37, 1024, 1026
_OWNERS = {"tid": 0, "pid": 1, "pgrp": 2}
_DN_CREATE = 4
_END = 0  # l_len that means "to the end of the file"


@kind("owner")
def _owner(m: Maker) -> None:
    """F_SETOWN_EX of every type; with F_SETSIG and O_ASYNC"""
    ids = {"tid": threading.get_native_id(), "pid": os.getpid(), "pgrp": os.getpgrp()}
    for part, type_ in _OWNERS.items():
        path = m.file(part)
        fd = m.add(os.open(path, os.O_RDONLY), "file", part, path=path, owner={"type": part, "id": ids[part]})
        fcntl.fcntl(fd, _F_SETOWN_EX, struct.pack("ii", type_, ids[part]))
    signo = int(signal.SIGRTMIN) + 3
    path = m.file("signal")
    fd = m.add(os.open(path, os.O_RDONLY), "file", "signal", path=path, signal=signo)
    fcntl.fcntl(fd, _F_SETSIG, signo)
    a, b = socket.socketpair()
    owner = {"type": "pid", "id": os.getpid()}
    fd = m.add(a.detach(), "socket", "async", owner=owner, signal=signo, asynchronous=True)
    m.add(b.detach(), "socket", "async_peer")
    fcntl.fcntl(fd, _F_SETSIG, signo)
    fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)


def _setlk(fd: int, command: int, type_: int, start: int, length: int) -> None:
    """struct flock of fcntl(2), with l_whence SEEK_SET."""
    fcntl.fcntl(fd, command, struct.pack("hhqqi4x", type_, os.SEEK_SET, start, length, 0))


@kind("locks")
def _locks(m: Maker) -> None:
    """POSIX, OFD and BSD locks of one file, each through a description of its own; a lease of another"""
    path = m.file("locked", bytes(1000))
    # All are open before the first lock: closing any descriptor of the file would drop the POSIX ones.
    parts = ("posix", "ofd", "flock", "none")
    fd = {part: m.add(os.open(path, os.O_RDWR), "file", part, path=path, locks=[]) for part in parts}
    _setlk(fd["posix"], fcntl.F_SETLK, fcntl.F_WRLCK, 10, 10)
    _setlk(fd["posix"], fcntl.F_SETLK, fcntl.F_RDLCK, 500, _END)
    pid = os.getpid()
    posix = [
        {"type": "POSIX", "mode": "WRITE", "start": 10, "end": 19, "pid": pid},
        {"type": "POSIX", "mode": "READ", "start": 500, "end": "EOF", "pid": pid},
    ]
    m.know(fd["posix"], locks=posix)
    _setlk(fd["ofd"], _F_OFD_SETLK, fcntl.F_WRLCK, 100, 50)
    m.know(fd["ofd"], locks=[{"type": "OFDLCK", "mode": "WRITE", "start": 100, "end": 149, "pid": -1}])
    fcntl.flock(fd["flock"], fcntl.LOCK_EX)
    m.know(fd["flock"], locks=[{"type": "FLOCK", "mode": "WRITE", "start": 0, "end": "EOF", "pid": pid}])
    path = m.file("leased")
    leased = m.add(os.open(path, os.O_RDONLY), "file", "lease", path=path)
    m.add(os.open(path, os.O_RDONLY), "file", "lease_none", path=path, locks=[])
    fcntl.fcntl(leased, _F_SETLEASE, fcntl.F_RDLCK)
    m.know(leased, locks=[{"type": "LEASE", "mode": "READ", "start": 0, "end": "EOF", "pid": pid}])


@kind("dnotify", needs="CONFIG_DNOTIFY")
def _dnotify(m: Maker) -> None:
    """a directory with F_NOTIFY"""
    path = m.path("dir")
    os.mkdir(path)
    fd = m.add(os.open(path, os.O_RDONLY), "dir", path=path, dnotify=_DN_CREATE)
    fcntl.fcntl(fd, _F_NOTIFY, _DN_CREATE)
