# SPDX-License-Identifier: MIT
"""Thousands of descriptors, fast: the report only counts them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from . import syscalls
from .anon import epoll_add
from .registry import Maker, kind


def _repeat(m: Maker, name: str, n: int, kind: str, open_one: Callable[[int], tuple[int, ...]]) -> None:
    """Numbers are whatever is free, lowest first; all are close-on-exec."""
    fds = [fd for i in range(n) for fd in open_one(i)]
    span = {"first": min(fds, default=None), "last": max(fds, default=None)}
    m.bulk[name] = {"n": n, "fds": len(fds), "kind": kind, **span, "close_on_exec": True}


def _create(path: str) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)


@kind("files", plain=False)
def _files(m: Maker, n: int = 1000) -> None:
    """n distinct files, f000000 and on"""
    prefix = m.path("f")
    _repeat(m, "files", n, "file", lambda i: (_create(f"{prefix}{i:06d}"),))
    m.bulk["files"]["path"] = prefix


@kind("scattered", plain=False)
def _scattered(m: Maker, n: int = 1000, dirs: int = 100) -> None:
    """n distinct files, each in another directory than the one before: of dirs in turn"""
    for i in range(dirs):
        os.mkdir(m.path(f"d{i}"))
    _repeat(m, "scattered", n, "file", lambda i: (_create(m.path(f"d{i % dirs}/f{i:06d}")),))


@kind("dup", plain=False)
def _dup(m: Maker, n: int = 1000) -> None:
    """n descriptors of one description, at position 5"""
    path = m.file("one")
    first = os.open(path, os.O_RDWR)
    os.lseek(first, 5, os.SEEK_SET)
    _repeat(m, "dup", n, "file", lambda i: (os.dup(first) if i else first,))
    m.bulk["dup"].update(path=path, pos=5)


@kind("samefile", plain=False)
def _samefile(m: Maker, n: int = 1000) -> None:
    """n descriptions of one file, the i-th at position i"""
    path = m.file("one")

    def open_one(i: int) -> tuple[int]:
        fd = os.open(path, os.O_RDWR)
        os.lseek(fd, i, os.SEEK_SET)
        return (fd,)

    _repeat(m, "samefile", n, "file", open_one)
    m.bulk["samefile"]["path"] = path


@kind("eventfds", plain=False)
def _eventfds(m: Maker, n: int = 1000) -> None:
    """n eventfds, the i-th with count i"""
    _repeat(m, "eventfds", n, "eventfd", lambda i: (os.eventfd(i, os.EFD_CLOEXEC),))


@kind("memfds", plain=False)
def _memfds(m: Maker, n: int = 1000) -> None:
    """n memfds, the i-th named memfd-i"""
    _repeat(m, "memfds", n, "memfd", lambda i: (os.memfd_create(f"memfd-{i}"),))


@kind("pipes", plain=False)
def _pipes(m: Maker, n: int = 1000) -> None:
    """n pipes, two descriptors each"""
    _repeat(m, "pipes", n, "pipe", lambda _: os.pipe())


def _pair(_: int) -> tuple[int, int]:
    a, b = socket.socketpair()
    return a.detach(), b.detach()


@kind("sockets", plain=False)
def _sockets(m: Maker, n: int = 1000) -> None:
    """n pairs of unix stream sockets, two descriptors each"""
    _repeat(m, "sockets", n, "socket", _pair)


@kind("epolls", plain=False)
def _epolls(m: Maker, n: int = 1000, watch: int = 1) -> None:
    """n epolls that each watch the same eventfd, or nothing (watch=0)"""
    event = m.add(os.eventfd(0), "eventfd", "watched", count=0, semaphore=False) if watch else -1

    def open_one(i: int) -> tuple[int]:
        fd = syscalls.libc("epoll_create1", os.O_CLOEXEC)
        if watch:
            epoll_add(fd, event, 1, i)
        return (fd,)

    _repeat(m, "epolls", n, "epoll", open_one)
    m.bulk["epolls"]["watched"] = event if watch else None
