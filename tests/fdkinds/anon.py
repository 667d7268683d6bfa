# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""Descriptors of anonymous inodes: events, timers, watches."""

from __future__ import annotations

import ctypes
import os
import platform
import select
import signal
import struct
import time

from . import syscalls
from .registry import Maker, kind


@kind("eventfd")
def _eventfd(m: Maker, count: int = (1 << 32) + 12345) -> None:
    """counters: above 32 bits, semaphore, at the maximum, zero"""
    rows = {
        "": (count, 0),
        "semaphore": (7, os.EFD_SEMAPHORE),
        "max": ((1 << 64) - 2, os.EFD_NONBLOCK),
        "zero": (0, 0),
    }
    for part, (value, flags) in rows.items():
        semaphore = bool(flags & os.EFD_SEMAPHORE)
        fd = m.add(os.eventfd(0, flags), "eventfd", part, count=value, semaphore=semaphore)
        os.eventfd_write(fd, value)


_EPOLL_CTL_ADD = 1
_EPOLL_EVENT = "<IQ" if platform.machine() == "x86_64" else "@IQ"  # EPOLL_PACKED of eventpoll.h
_EPOLLIN, _EPOLLOUT, _EPOLLET, _EPOLLONESHOT = 1, 4, 1 << 31, 1 << 30


def epoll_add(epfd: int, fd: int, events: int, data: int) -> dict[str, int]:
    """Watches fd; what fdinfo then says of it."""
    syscalls.libc("epoll_ctl", epfd, _EPOLL_CTL_ADD, fd, struct.pack(_EPOLL_EVENT, events, data))
    st = os.fstat(fd)
    # The kernel adds EPOLLERR and EPOLLHUP to whatever was asked for.
    return {"tfd": fd, "events": events | 0x18, "data": data, "ino": st.st_ino}


def _new_epoll() -> int:
    return syscalls.libc("epoll_create1", os.O_CLOEXEC)


@kind("epoll")
def _epoll(m: Maker) -> None:
    """epolls that watch: nothing, a pipe and an eventfd, another epoll"""
    m.add(_new_epoll(), "epoll", "empty", targets=[])
    event = m.add(os.eventfd(1), "eventfd", "watched_eventfd", count=1, semaphore=False)
    r, w = os.pipe()
    r, w = m.add(r, "pipe", "watched_read"), m.add(w, "pipe", "watched_write")
    ep = m.add(_new_epoll(), "epoll")
    targets = [
        epoll_add(ep, event, _EPOLLIN | _EPOLLET, 0x0123456789ABCDEF),
        epoll_add(ep, r, _EPOLLIN | _EPOLLONESHOT, (1 << 64) - 1),
        epoll_add(ep, w, _EPOLLOUT, 0),
    ]
    m.know(ep, targets=targets)
    outer = m.add(_new_epoll(), "epoll", "nested")
    m.know(outer, targets=[epoll_add(outer, ep, _EPOLLIN, 42)])


@kind("epoll_closed")
def _epoll_closed(m: Maker) -> None:
    """targets whose number was closed while a dup lives: one number is free now, one is another description"""
    ep = m.add(_new_epoll(), "epoll")
    targets = []
    for part in ("free", "reused"):
        fd = m.add(os.eventfd(3), "eventfd", part, count=3, semaphore=False)
        target = epoll_add(ep, fd, _EPOLLIN, 100 + fd)
        alive = m.dup(fd, f"{part}_alive")
        m.know(alive, same_as=None, count=3, semaphore=False)
        targets.append({**target, "alive_as": alive})
        os.close(fd)
        del m.entries[fd]
        if part == "reused":
            other = os.eventfd(4)
            os.dup2(other, fd)
            os.close(other)
            m.entries[fd] = {"fd": fd, "kind": "eventfd", "role": "epoll_closed.reused", "count": 4, "semaphore": False}
            targets.append({**epoll_add(ep, fd, _EPOLLOUT, 5), "alive_as": fd})
    m.know(ep, targets=targets)


_CLOCKS = {"realtime": 0, "monotonic": 1, "boottime": 7, "realtime_alarm": 8, "boottime_alarm": 9}
_TFD_ABSTIME, _TFD_CANCEL_ON_SET = 1, 2  # include/uapi/linux/timerfd.h


def _timerfd(
    m: Maker, part: str, clock: str, value_ns: int, *, interval_ns: int = 0, flags: int = 0, ticks: int = 0
) -> int:
    settings = {"clock": _CLOCKS[clock], "settime_flags": flags, "ticks": ticks}
    raw = syscalls.libc("timerfd_create", _CLOCKS[clock], os.O_CLOEXEC | os.O_NONBLOCK)
    fd = m.add(raw, "timerfd", part, **settings, value_ns=value_ns, interval_ns=interval_ns)
    spec = struct.pack("4l", *divmod(interval_ns, 10**9), *divmod(value_ns, 10**9))
    syscalls.libc("timerfd_settime", fd, flags, spec, None)
    return fd


@kind("timerfd")
def _timerfds(m: Maker, interval_ns: int = 3_600_000_000_123) -> None:
    """one timer per clock; absolute with cancel-on-set; disarmed; expired once (value_ns is what was set)"""
    for clock in _CLOCKS:
        try:
            _timerfd(m, clock, clock, 7_200_000_000_456, interval_ns=interval_ns)
        except OSError as error:
            m.skip(clock, error)
    tomorrow = time.time_ns() // 10**9 * 10**9 + 86_400 * 10**9
    _timerfd(m, "absolute", "realtime", tomorrow, flags=_TFD_ABSTIME | _TFD_CANCEL_ON_SET)
    _timerfd(m, "disarmed", "monotonic", 0)
    expired = _timerfd(m, "expired", "monotonic", 1, ticks=1)
    select.select([expired], [], [])


@kind("signalfd")
def _signalfd(m: Maker) -> None:
    """masks with ordinary and real-time signals; an empty one"""
    rows = {"": [signal.SIGUSR1, signal.SIGTERM, signal.SIGRTMIN, signal.SIGRTMAX], "empty": []}
    for part, signals in rows.items():
        mask = sum(1 << (int(s) - 1) for s in signals)
        raw = syscalls.libc("signalfd", -1, struct.pack("Q120x", mask), os.O_CLOEXEC | os.O_NONBLOCK)
        m.add(raw, "signalfd", part, sigmask=mask)


_IN_MODIFY, _IN_CREATE, _IN_DELETE_SELF, _IN_ONESHOT = 2, 0x100, 0x400, 0x80000000


def _identity(path: str) -> dict[str, int | str]:
    st = os.stat(path)
    return {"path": path, "dev": st.st_dev, "ino": st.st_ino}


@kind("inotify")
def _inotify(m: Maker) -> None:
    """watches of a file and a directory; an instance without any"""
    m.add(syscalls.libc("inotify_init1", os.O_CLOEXEC), "inotify", "empty", marks=[])
    fd = m.add(syscalls.libc("inotify_init1", os.O_NONBLOCK), "inotify")
    marks = []
    file = m.file("watched")
    for path, mask in ((file, _IN_MODIFY | _IN_DELETE_SELF), (m.directory(), _IN_CREATE)):
        wd = syscalls.libc("inotify_add_watch", fd, os.fsencode(path), mask)
        marks.append({"wd": wd, "mask": mask, **_identity(path)})
    m.know(fd, marks=marks)


# include/uapi/linux/fanotify.h
_FAN_NONBLOCK, _FAN_CLASS_CONTENT, _FAN_REPORT_FID = 2, 4, 0x200
_FAN_CLOSE_WRITE, _FAN_OPEN = 8, 0x20
_FAN_MARK_ADD = 1
_FAN_MARKS = {"inode": 0, "mount": 0x10, "filesystem": 0x100}


@kind("fanotify", needs="CAP_SYS_ADMIN")
def _fanotify(m: Maker) -> None:
    """groups with an inode, a mount and a filesystem mark; one that reports file handles"""
    file = m.file("marked")
    rows = [
        ("inode", file, _FAN_OPEN),
        ("mount", "/sys", _FAN_CLOSE_WRITE),
        ("filesystem", "/sys", _FAN_CLOSE_WRITE),
    ]
    init = _FAN_NONBLOCK | _FAN_CLASS_CONTENT
    fd = m.add(syscalls.libc("fanotify_init", init, os.O_RDWR), "fanotify")
    marks = []
    for type_, path, mask in rows:
        flags = _FAN_MARK_ADD | _FAN_MARKS[type_]
        syscalls.libc("fanotify_mark", fd, flags, ctypes.c_uint64(mask), syscalls.AT_FDCWD, os.fsencode(path))
        marks.append({"type": type_, "mask": mask, **_identity(path)})
    m.know(fd, marks=marks, init_flags=init, event_f_flags=os.O_RDWR)
    raw = syscalls.libc("fanotify_init", _FAN_REPORT_FID, os.O_RDONLY)
    m.add(raw, "fanotify", "fid", marks=[], init_flags=_FAN_REPORT_FID, event_f_flags=os.O_RDONLY)


_PIDFD_THREAD = os.O_EXCL  # pidfd_open(2), Linux 6.9


@kind("pidfd")
def _pidfd(m: Maker) -> None:
    """of the process itself, a child, a zombie, a process that is gone, a thread"""
    zombie, gone = m.child(code=3), m.child()
    rows = {"self": os.getpid(), "child": m.child(), "zombie": zombie, "gone": gone}
    for part, pid in rows.items():
        m.add(os.pidfd_open(pid), "pidfd", part, pid=pid, alive=part != "gone")
    os.kill(gone, signal.SIGKILL)
    m.reap(gone)
    tid, _ = m.in_thread(lambda: None)
    try:
        m.add(os.pidfd_open(tid, _PIDFD_THREAD), "pidfd", "thread", pid=tid, alive=True)
    except OSError as error:
        m.skip("thread", error)
