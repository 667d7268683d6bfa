# SPDX-License-Identifier: MIT
"""Locks and leases, each on the description and with the task that has it, from either backend."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd.cli.main import main
from crfd.kinds.event import Eventfd
from crfd.kinds.lock import Lock, LockKind, LockType
from tests import mkfds
from tests.facts import known, of, scan


def _told(lock: Lock) -> dict[str, Any]:
    kinds = {LockKind.OFD: "OFDLCK"}
    end = "EOF" if lock.end is None else lock.end
    pid = -1 if lock.pid is None else lock.pid
    kind = kinds.get(lock.kind, lock.kind.name)
    return {"type": kind, "mode": lock.type.name, "start": lock.start, "end": end, "pid": pid}


def test_locks_are_on_the_description_that_took_them(everything: mkfds.Holder, backend: str) -> None:
    files = scan(everything.pid, backend)
    locked = known(everything, "file", "locks")
    assert {lock["type"] for one in locked for lock in one["locks"]} == {"POSIX", "OFDLCK", "FLOCK", "LEASE"}
    for one in locked:
        assert list(map(_told, files[one["fd"]].locks)) == one["locks"], one
        assert files[one["fd"]].fdinfo == b""
    others = set(files) - {one["fd"] for one in locked}
    assert not [fd for fd in others if files[fd].locks]


# A process that locks 0-9, and a child with the same description that locks 40-49, and 60-69 through a duplicate.
_LOCKERS = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_EX, 10, 0)
ready, told = os.pipe()
if os.fork() == 0:
    twin = os.dup(fd)
    fcntl.lockf(fd, fcntl.LOCK_SH, 10, 40)
    fcntl.lockf(twin, fcntl.LOCK_EX, 10, 60)
    os.write(told, b"x")
else:
    os.read(ready, 1)
    print(fd, flush=True)
sys.stdin.read()
"""


def test_each_task_has_its_posix_locks_on_a_shared_description(
    tmp_path: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, image = tmp_path / "locked", tmp_path / "image"
    path.write_bytes(bytes(100))
    with subprocess.Popen(
        [sys.executable, "-c", _LOCKERS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdin and first.stdout
        fd = int(first.stdout.readline())
        selection = crfd.Selection(frozenset({first.pid}), tree=True)
        result = crfd.dump(selection, image, backend=backend)
        first.stdin.close()
    (child,) = set(result.pids) - {first.pid}
    assert [main(["show", *more, str(image)]) for more in ([], ["--json"])] == [0, 0]
    with crfd.open(image) as opened:
        one, other = opened.tasks[first.pid], opened.tasks[child]
    file = one.fds[fd].file
    assert file is not None and file == other.fds[fd].file
    assert [(lock.type.name, lock.start, lock.end, lock.pid) for lock in file.locks] == [("WRITE", 0, 9, first.pid)]
    held = [{(lock.type.name, lock.start, lock.end, lock.pid) for lock in locks} for locks in other.locks.values()]
    assert (one.locks, fd in other.locks) == ({}, True)
    assert held == 2 * [{("READ", 40, 49, child), ("WRITE", 60, 69, child)}]  # through it and its duplicate
    out = capsys.readouterr().out
    assert out.count(f"lock: POSIX read 40-49 pid {child}") == 2
    assert out.count(f"lock: POSIX write 0-9 pid {first.pid}") == 3
    assert out.count('"start": 60') == 2


@contextmanager
def _being_broken(path: Path) -> Iterator[int]:
    """A write lease that a reader's open is breaking."""
    path.write_bytes(b"leased")
    fd = os.open(path, os.O_RDWR)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        fcntl.fcntl(fd, 1024, fcntl.F_WRLCK)  # F_SETLEASE
        with pytest.raises(BlockingIOError) as refused:
            os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        assert refused.value.errno == errno.EWOULDBLOCK
        yield fd
    finally:
        os.close(fd)
        signal.signal(signal.SIGIO, before)


def test_a_lease_that_is_being_broken(backend: str, tmp_path: Path) -> None:
    with _being_broken(tmp_path / "leased") as fd:
        (lock,) = scan(os.getpid(), backend)[fd].locks
    assert (lock.kind, lock.type, lock.breaking) == (LockKind.LEASE, LockType.READ, True)
    assert (lock.pid, lock.mandatory) == (os.getpid(), False)


def test_locks_of_a_special_file(backend: str) -> None:
    fd = os.eventfd(5)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        file = scan(os.getpid(), backend)[fd]
    finally:
        os.close(fd)
    assert of(file, Eventfd).count == 5
    assert [(lock.kind, lock.type) for lock in file.locks] == [(LockKind.FLOCK, LockType.READ)]
