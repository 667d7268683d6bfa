# SPDX-License-Identifier: MIT
"""Children, threads and time: who shares the table, and when it ends."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable

from . import syscalls
from .registry import Entry, Maker, describe, kind, open_fds


@kind("fork_share", plain=False)
def _fork_share(m: Maker, n: int = 2) -> None:
    """n children that inherit every description made so far (put it last)"""
    for i in range(n):
        m.task(str(i), pid=m.child(keep_fds=True), ppid=os.getpid(), shares="descriptions")


@kind("clone_files", plain=False)
def _clone_files(m: Maker, n: int = 1) -> None:
    """n children with the same descriptor table (CLONE_FILES)"""
    for i in range(n):
        pid = syscalls.clone_sharing_files()
        if pid == 0:
            try:
                syscalls.die_with_parent()
                while True:
                    time.sleep(3600)
            finally:
                os._exit(0)
        m.task(str(i), pid=m.own_child(pid), ppid=os.getpid(), shares="table")


@kind("thread_plain", plain=False)
def _thread_plain(m: Maker) -> None:
    """a thread with the table of the process"""
    m.task(tid=m.in_thread(lambda: None)[0], shares="table")


@kind("thread_unshare", plain=False)
def _thread_unshare(m: Maker) -> None:
    """a thread that unshare()d its table and then opened a file of its own"""
    path = m.file("own")
    own: list[Entry] = []
    table: list[int] = []

    def body() -> None:
        syscalls.libc("unshare", syscalls.CLONE_FILES)
        fd = os.open(path, os.O_RDWR)
        os.lseek(fd, 4, os.SEEK_SET)
        own.append(describe({"fd": fd, "kind": "file", "role": "thread_unshare.own", "path": path}))
        table.extend(open_fds())

    tid, _ = m.in_thread(body)
    m.task(tid=tid, shares="descriptions", fds=own, table=table)


@kind("zombie", plain=False)
def _zombie(m: Maker, code: int = 7) -> None:
    """a child that exited and was not reaped"""
    m.task(pid=m.child(code=code), ppid=os.getpid(), exit_code=code)


@kind("exit_after", plain=False)
def _exit_after(m: Maker, ms: int = 100) -> None:
    """the process ends by itself that long after the report"""

    def arm() -> None:
        m.deadline = time.monotonic() + ms / 1000

    m.after_report.append(arm)


def _open_socketpair() -> list[int]:
    return [s.detach() for s in socket.socketpair()]


def _open_epoll() -> list[int]:
    epoll = select.epoll()
    try:
        return [os.dup(epoll.fileno())]
    finally:
        epoll.close()


@kind("churn", plain=False)
def _churn(m: Maker, seconds: int = 0, width: int = 64, seed: int = 1) -> None:
    """opens and closes at full speed, about width at a time, until stdin ends or the seconds are over"""
    path = m.file("churned")
    openers: list[Callable[[], list[int]]] = [
        lambda: [os.open(path, os.O_RDWR)],
        lambda: [os.open(m.directory(), os.O_RDONLY)],
        lambda: [os.eventfd(5)],
        lambda: [os.memfd_create("churn")],
        lambda: list(os.pipe()),
        lambda: [os.dup(1)],
        _open_socketpair,
        _open_epoll,
    ]
    thread = threading.Thread(target=_churn_until, args=(m.stop, openers, seconds, width, random.Random(seed)))

    def start() -> None:
        thread.start()
        m.at_exit.append(thread.join)

    m.bulk["churn"] = {"width": width, "seconds": seconds}
    m.after_report.append(start)


def _churn_until(
    stop: threading.Event, openers: list[Callable[[], list[int]]], seconds: int, width: int, rng: random.Random
) -> None:
    end = time.monotonic() + seconds if seconds else None
    held: list[int] = []
    while not stop.is_set() and (end is None or time.monotonic() < end):
        held += rng.choice(openers)()
        while len(held) > width:
            os.close(held.pop(rng.randrange(len(held))))
    for fd in held:
        os.close(fd)
