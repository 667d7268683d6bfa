# SPDX-License-Identifier: MIT
"""Reading is linear in the image, scanning in what the kernel tells: twice as much takes about twice as long, and says about
twice as much, also where two things could be multiplied with each other."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache, partial
from pathlib import Path

import pytest

import crfd
from crfd._core.arrow import tables
from crfd._core.columns import columns
from crfd.cli import main as cli
from tests import arrow
from tests.images import HELD, Fd, File, Rec, Task, held, image, plan

MOST = 3.0  # times as long for twice as much; what is quadratic takes four times as long
NOISE = 0.02  # seconds
ROUNDS = 6
LOCK, FD_LOCK, PIPE, SOCKET, EPOLL, MOUNT, LATER = 0x4204, 0x4108, 0x4205, 0x4206, 0x420A, 0x410A, 0x4FFF


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """Return the seconds of the processor that the work took, and what came out."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def pipe(end: int) -> File:
    more = [(PIPE, struct.pack("<IIQII", 7, 65536, 0, 1, 1))]
    return File(b"pipe:[1]", int(crfd.Kind.PIPE), f_mode=end, f_flags=end - 1, ino=1, more=more)


def readers_and_writers(n: int) -> bytes:
    return image([Task(1, [Fd(fd, pipe(1 + fd % 2)) for fd in range(n)])])


def tasks_of_a_table(n: int) -> bytes:
    table = object()
    fds = [Fd(0, pipe(1)), *(Fd(fd, File(ino=fd)) for fd in range(1, n))]
    return image([Task(pid, fds, table=table) for pid in range(1, n + 1)])


def over_many_sections(n: int) -> bytes:
    """Each task has descriptors of nine that others brought."""
    files = [File(ino=pid) for pid in range(n)]
    return image([Task(pid + 1, [Fd(i, files[(pid * 7 + i * 131) % n]) for i in range(9)]) for pid in range(n)])


def lock(at: int) -> bytes:
    return struct.pack("<IIiIQQ", 1, 1, 7, 0, at, at)


def lists(kind: int, entries: list[bytes]) -> list[tuple[int, bytes]]:
    """Cut entries into records of 32,767 bytes at most."""
    full = 32767 // len(entries[0])
    return [(kind, b"".join(entries[i : i + full])) for i in range(0, len(entries), full)]


def locks_of_copies(n: int) -> bytes:
    file = File(more=lists(LOCK, [lock(2 * i) for i in range(n)]))
    return image([Task(1, [Fd(fd, file) for fd in range(n)])])


def targets_of_copies(n: int) -> bytes:
    targets = [struct.pack("<iIQQQQ", i, 1, 0, 0, 0, 0) for i in range(n)]
    file = File(b"anon_inode:[eventpoll]", int(crfd.Kind.EPOLL), more=lists(EPOLL, targets))
    return image([Task(1, [Fd(fd, file) for fd in range(n)])])


def locks_of_another(n: int) -> bytes:
    file = File(more=[(LOCK, lock(1))])
    own = lists(FD_LOCK, [struct.pack("<iI", 0, 0) + lock(2 * i) for i in range(n)])
    return image([Task(1, [Fd(0, file)]), Task(2, [Fd(fd, file) for fd in range(n)], more=own)])


def locks_of_many(n: int) -> bytes:
    file = File(more=lists(LOCK, [lock(2 * i) for i in range(n)]))
    own = [(FD_LOCK, struct.pack("<iI", 0, 0) + lock(1))]
    return image([Task(1, [Fd(0, file)]), *(Task(pid, [Fd(0, file)], more=own) for pid in range(2, n))])


def records_of_copies(n: int) -> bytes:
    """Records of a later version, of the kind, and empty ones: each column looks for its own among them."""
    file = File(b"socket:[1]", int(crfd.Kind.SOCKET), more=[*[(LATER, b"")] * n, *[(SOCKET, bytes(48))] * n])
    watching = File(
        b"anon_inode:[eventpoll]", int(crfd.Kind.EPOLL), more=[*[(EPOLL, b"")] * n, *[(EPOLL, bytes(40))] * n]
    )
    return image([Task(1, [Fd(fd, (file, watching)[fd % 2]) for fd in range(2 * n)])])


def of_a_task(n: int) -> list[tuple[int, bytes]]:
    """Mounts, locks of descriptors that there are not, and records of a later version."""
    mounts = [(MOUNT, struct.pack("<iIQ", i, 0, 5) + b"ext4\0/dev/sda1\0") for i in range(n)]
    locks = [(FD_LOCK, struct.pack("<iI", 2 * i + 1, 0) + lock(1)) for i in range(n)]
    return [*mounts, *locks, *[(LATER, b"")] * n]


def records_of_a_task(n: int) -> bytes:
    return image([Task(1, [Fd(2 * i, File(ino=i, mnt_id=i)) for i in range(n)], more=of_a_task(n))])


def tasks_of_a_task(n: int) -> bytes:
    """Two descriptors, behind what the first task of their table says."""
    table = object()
    own = [(FD_LOCK, struct.pack("<iI", 2 * n, 0) + lock(i)) for i in range(n)]
    first = Task(1, [Fd(0, File(mnt_id=n - 1)), Fd(2 * n, File())], table=table, more=[*of_a_task(n), *own])
    return image([first, *(Task(pid, table=table) for pid in range(2, n))])


def unread(n: int) -> bytes:
    return image([Task(1, [Fd(fd, None) for fd in range(n)])])


def much_held(n: int) -> bytes:
    return image([Task(1, [Fd(fd) for fd in range(n)], more=[(HELD, held(path=b"/%d" % i)) for i in range(n)])])


def beginnings(n: int) -> bytes:
    """A text with the beginning of a section in every line, each of which goes on to the text's end."""
    first = b"".join(record.raw() for record in plan([Task(1)])[2:5])
    rest = b"".join(Rec(0x4FFF, bytes(len(first) * 2), 1).raw() for _ in range(8))
    return image([Task(pid, [Fd(0, File(fdinfo=first * 20 + rest))]) for pid in range(2, 2 + n)])


SHAPES: dict[str, tuple[Callable[[int], bytes], int]] = {
    "readers x writers": (readers_and_writers, 600),
    "tasks x a shared table": (tasks_of_a_table, 1500),
    "descriptors over many sections": (over_many_sections, 400),
    "locks x copies": (locks_of_copies, 1200),
    "epoll targets x copies": (targets_of_copies, 1200),
    "locks of another's description x copies": (locks_of_another, 1200),
    "locks x tasks with their own": (locks_of_many, 1200),
    "records x copies": (records_of_copies, 400),
    "records of a task x descriptors": (records_of_a_task, 600),
    "records of a task x tasks with its table": (tasks_of_a_task, 600),
    "beginnings of sections": (beginnings, 20),
    "errors x descriptors": (unread, 2000),
    "what is held x descriptors": (much_held, 800),
}


def told(words: tuple[str, ...], path: Path) -> int:
    """Bytes that a command says."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape")
    with redirect_stdout(out):
        assert cli.main([*words, str(path)]) == 0
    return out.tell()


def model(path: Path) -> None:
    with crfd.open(path) as read:
        for task in read:
            assert len(task.fds) >= 0
            assert isinstance(task.locks, dict)
            task.consistency, task.held  # noqa: B018
        for file in {id(one.file): one.file for task in read for one in list(task.fds.values())[:9]}.values():
            if file:
                file.locks, file.detail  # noqa: B018


def links(path: Path) -> None:
    with crfd.open(path) as read:
        found = crfd.links(read)
        for link in found:
            for end in (*link.sources, *link.targets):
                found.count_holders(end)


def as_arrow(path: Path, *, of_descriptors: bool) -> None:
    once = {"files", "tasks", "held", "locks", "epoll_targets", "inotify_marks", "fanotify_marks"}
    with crfd.open(path) as read:
        for name in tables():
            if of_descriptors != (name in once):
                arrow.rows(read.table(name))


READERS: dict[str, Callable[[Path], object]] = {
    "model": model,
    "links": links,
    "columns": lambda path: crfd.open(path).columns().fds.rows(),
    "consistency": lambda path: crfd.open(path).consistency(),
    "arrow": partial(as_arrow, of_descriptors=False),
    "arrow, descriptors": partial(as_arrow, of_descriptors=True),
    "show --links": lambda path: told(("show", "--links"), path),
    "show --links --json": lambda path: told(("show", "--links", "--json"), path),
    "show": lambda path: told(("show",), path),
    "show --json": lambda path: told(("show", "--json"), path),
    "show --csv": lambda path: told(("show", "--csv", "-c", ",".join(columns())), path),
    "show --where": lambda path: told(("show", "--where", "locks =~ 'nothing' or detail =~ 'nothing'"), path),
    "info": lambda path: told(("info",), path),
    "verify": crfd.verify,
    "salvage": lambda path: list(crfd.open(io.BytesIO(path.read_bytes()[:-1]), salvage=True).tasks),
}

# Every task that shares a table has each of its descriptors: so many rows there are.
ROWS = {"arrow, descriptors", "show", "show --json", "show --csv", "show --where"}
CASES = [(shape, reader) for shape in SHAPES for reader in READERS if "shared" not in shape or reader not in ROWS]


@cache
def written(shape: str, many: int) -> bytes:
    return SHAPES[shape][0](many)


@pytest.mark.parametrize(("shape", "reader"), CASES)
def test_twice_as_much_is_read_in_twice_the_time(shape: str, reader: str, tmp_path: Path) -> None:
    """The least of some rounds: a busy machine takes its time from either."""
    n = SHAPES[shape][1]
    times, said = [float("inf"), float("inf")], [0, 0]
    for number in range(ROUNDS):
        for i, many in enumerate((n, 2 * n)):
            path = tmp_path / f"{many}.crfd"
            path.write_bytes(written(shape, many))
            took, size = seconds(partial(READERS[reader], path))
            times[i] = min(times[i], took)
            said[i] = size if isinstance(size, int) else 0
        if number and times[1] <= MOST * times[0] + NOISE:
            break
    assert len(written(shape, 2 * n)) < 2.3 * len(written(shape, n))
    assert times[1] <= MOST * times[0] + NOISE, times
    assert said[1] <= MOST * said[0], said
