# SPDX-License-Identifier: MIT
"""Locks and leases, each on the description and with the task that has it, from either backend."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd.analysis import deadlocks
from crfd.capture import dumper
from crfd.cli.main import main
from crfd.image.model import ReadError
from crfd.kinds.event import Eventfd
from crfd.kinds.lock import Lock, LockKind, LockType, LockWait
from tests import mkfds, procs
from tests.facts import known, of, scan
from tests.procs import opened, said
from tests.shown import dump_image, parsed


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
        assert first.stdin
        fd = int(said(first))
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
    assert held == [{("READ", 40, 49, child), ("WRITE", 60, 69, child)}]  # with the first of it and its duplicate
    out = capsys.readouterr().out
    assert out.count(f"lock: POSIX read 40-49 pid {child}") == 1
    assert out.count(f"lock: POSIX write 0-9 pid {first.pid}") == 3
    assert out.count('"start": 60') == 1


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


def test_to_be_read_by_ourselves_ends_no_lock_of_ours(backend: str) -> None:
    with open(os.memfd_create("locked"), "wb") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        for _ in range(2):
            (lock,) = scan(os.getpid(), backend)[file.fileno()].locks
            assert (lock.kind, lock.pid) == (LockKind.POSIX, os.getpid())


def test_locks_of_a_special_file(backend: str) -> None:
    with opened(os.eventfd(5)) as (fd,):
        fcntl.flock(fd, fcntl.LOCK_SH)
        file = scan(os.getpid(), backend)[fd]
    assert of(file, Eventfd).count == 5
    assert [(lock.kind, lock.type) for lock in file.locks] == [(LockKind.FLOCK, LockType.READ)]


# ---- who waits for whom ----

_HOLDER = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
ways = {"posix": lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX, 10, 5), "flock": lambda fd: fcntl.flock(fd, fcntl.LOCK_EX),
        "lease": lambda fd: fcntl.fcntl(fd, 1024, fcntl.F_WRLCK)}
fd = os.open(sys.argv[2], os.O_RDWR)
ways[sys.argv[1]](fd)
print("ready", flush=True)
if len(sys.argv) > 3:
    sys.stdin.readline()
    ways[sys.argv[1]](os.open(sys.argv[3], os.O_RDWR))
sys.stdin.read()
"""
_WAITER = """
import fcntl, os, sys
print("ready", flush=True)
if sys.argv[1] == "lease":
    os.open(sys.argv[2], os.O_RDONLY)
fd = os.open(sys.argv[2], os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_SH, 7, 7) if sys.argv[1] == "posix" else fcntl.flock(fd, fcntl.LOCK_SH)
"""


def _waits(pid: int) -> bool:
    return any(f"-> {kind}" in line and f" {pid} " in line for line in Path("/proc/locks").read_text().splitlines()
               for kind in ("POSIX", "FLOCK", "LEASE"))  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "wanted", "held"),
    [
        ("posix", ("POSIX", "READ", 7, 13), ("POSIX", "WRITE", 5, 14, False)),
        ("flock", ("FLOCK", "READ", 0, None), ("FLOCK", "WRITE", 0, None, False)),
        ("lease", ("LEASE", "READ", 0, None), ("LEASE", "READ", 0, None, True)),
    ],
)
def test_who_waits_for_whom(
    kind: str, wanted: tuple[Any, ...], held: tuple[Any, ...], backend: str, tmp_path: Path
) -> None:
    path = tmp_path / "locked"
    path.touch()
    with procs.running(_HOLDER, kind, str(path)) as holder, procs.running(_WAITER, kind, str(path)) as waiter:
        procs.until(lambda: _waits(waiter.pid), "it waits")
        for pids in ((holder.pid, waiter.pid), (holder.pid,), (waiter.pid,)):
            waits = dump_image(pids, backend).lock_waits
            if kind == "lease" and backend == "bpf" and holder.pid not in pids:
                assert waits == ()  # it waits in open(2), and no file of the image has a lock
                continue
            (wait,) = waits
            assert (wait.pid, wait.holder, wait.behind, wait.ino) == (waiter.pid, holder.pid, False, path.stat().st_ino)
            lock, other = wait.wanted, wait.held
            assert (lock.kind.name, lock.type.name, lock.start, lock.end) == wanted
            assert (other.kind.name, other.type.name, other.start, other.end, other.breaking) == held
        assert crfd.deadlocks(dump_image([holder.pid, waiter.pid], "auto")) == ()
        assert dump_image([os.getpid()], "auto").lock_waits == ()


def test_who_waits_is_asked_where_a_file_is_locked(
    backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def ask(pids: Container[int]) -> bytes:
        asked.append("asked")
        return b""

    monkeypatch.setattr(dumper, "lock_waits", ask)
    with (tmp_path / "locked").open("w") as file:
        for locked in (False, True):
            if locked:
                fcntl.flock(file, fcntl.LOCK_EX)
            asked.clear()
            dump_image([os.getpid()], backend)
            assert (asked == ["asked"]) == (locked or backend == "proc"), (locked, asked)


def test_who_waits_behind_somebody_who_waits(tmp_path: Path) -> None:
    path = tmp_path / "locked"
    path.touch()
    with (
        procs.running(_HOLDER, "flock", str(path)) as holder,
        procs.running(_WAITER.replace("LOCK_SH", "LOCK_EX"), "flock", str(path)) as first,
    ):
        procs.until(lambda: _waits(first.pid), "it waits")
        with procs.running(_WAITER, "flock", str(path)) as second:
            procs.until(lambda: _waits(second.pid), "it waits")
            waits = dump_image([first.pid], "auto").lock_waits
    assert [(wait.pid, wait.holder, wait.behind) for wait in waits] == [
        (first.pid, holder.pid, False),
        (second.pid, first.pid, True),
    ]


def test_a_deadlock_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """flock(2) lets two wait for each other for ever."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.touch()
    two.touch()
    with (
        procs.running(_HOLDER, "flock", str(one), str(two)) as first,
        procs.running(_HOLDER, "flock", str(two), str(one)) as second,
    ):
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            procs.until(lambda pid=process.pid: _waits(pid), "it waits")  # type: ignore[misc]
        path = tmp_path / "image"
        crfd.dump((first.pid, second.pid), str(path))
        ring = tuple(sorted((first.pid, second.pid)))
        with crfd.open(path) as image:
            assert crfd.deadlocks(image) == (ring,)
    assert main(["show", "--links", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"deadlock: python[{ring[0]}] → python[{ring[1]}] → python[{ring[0]}]"
    (row,) = [line for line in lines if f"python[{first.pid}]" in line.partition("→")[0] and line.startswith("lock")]
    assert row.split() == [
        "lock",
        f"python[{first.pid}]",
        "→",
        f"python[{second.pid}]:",
        "flock",
        "write",
        "of",
        str(two),
    ]
    assert main(["show", "--links", "--json", str(path)]) == 0
    waits = parsed(capsys.readouterr().out)
    assert {(wait["pid"], wait["holder"], wait["deadlock"]) for wait in waits if wait["link"] == "lock"} == {
        (first.pid, second.pid, True),
        (second.pid, first.pid, True),
    }


def test_rings_of_any_length() -> None:
    lock = Lock(LockKind.FLOCK, LockType.WRITE, None, 0, None, False, False)

    def rings(*pairs: tuple[int | None, int | None]) -> tuple[tuple[int, ...], ...]:
        return deadlocks.rings(tuple(LockWait(pid, holder, lock, lock, False, 1, 1) for pid, holder in pairs))

    assert rings() == ()
    assert rings((1, 2), (2, 3), (4, 2)) == ()
    assert rings((1, 2), (2, 1), (3, 1)) == ((1, 2),)
    assert rings((9, 4), (4, 7), (7, 9), (1, 9)) == ((4, 7, 9),)
    assert rings((1, 2), (2, 1), (5, 6), (6, 5)) == ((1, 2), (5, 6))
    assert rings((1, None), (None, 1)) == ()
    assert rings((1, 1)) == ((1,),)


_COPIES = """
import fcntl, os, resource, sys, tempfile
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
n = int(sys.argv[1])
file = tempfile.TemporaryFile()
for i in range(n):
    fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * i)
copies = [os.dup(file.fileno()) for _ in range(n)]
os.set_inheritable(copies[-1], True)
if os.fork() == 0:
    for i in range(n):
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * n + 2 * i)
    print("ready", flush=True)
sys.stdin.read()
"""


def _spent(n: int, backend: str, tmp_path: Path) -> tuple[float, int, crfd.Image]:
    """Seconds of a processor that a dump takes, and the bytes that come out."""
    with subprocess.Popen([sys.executable, "-c", _COPIES, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        assert p.stdin
        assert said(p) == b"ready\n"
        path = tmp_path / f"{n}.crfd"
        start = time.process_time()
        crfd.dump(crfd.Selection(frozenset({p.pid}), tree=True), path, backend=backend)
        took = time.process_time() - start
        p.stdin.close()
        return took, path.stat().st_size, crfd.open(path)


def test_locks_and_copies_are_not_multiplied(backend: str, tmp_path: Path) -> None:
    """The kernel writes all locks of a description into the fdinfo of each of its descriptors."""
    once, small, _ = _spent(700, backend, tmp_path)
    twice, large, image = _spent(1400, backend, tmp_path)
    assert large < 2.5 * small
    assert twice < 2.5 * once + 0.2, (once, twice)  # it took 0.7 s and 2.8 s
    with image:
        first, second = image
        files = {one.objref: one.file for one in first.fds.values() if one.file}
        (file,) = [one for one in files.values() if one.locks]
        copies = [one for one in first.fds.values() if one.objref == file.objref]
        assert (len(copies), len(file.locks)) == (1401, 1400)
        assert list(map(len, second.locks.values())) == [1400]
        told = [one for one in copies if one.error is None]
        assert [one.close_on_exec for one in told] == [one is not copies[-1] for one in told]
        if backend == "bpf":
            assert told == copies
        for one in copies:
            assert one.error in {None, ReadError(errno.EFBIG, crfd.Step.CLOEXEC)}
            assert (one.close_on_exec is None) == (one.error is not None)
