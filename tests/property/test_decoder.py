# SPDX-License-Identifier: MIT
"""The decoder on bytes of any kind: a value or a FormatError, and one verdict however the bytes arrive."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

import crfd
from tests.images import EXTENDED, RFC, Fd, File, Rec, Task, assemble, image, plan, sample


class Trickle(io.RawIOBase):
    """Gives its bytes in pieces of a size of its own."""

    def __init__(self, data: bytes, piece: int) -> None:
        self._rest = memoryview(data)
        self._piece = piece

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        n = min(self._piece, len(into), len(self._rest))
        into[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n


def verdict(data: bytes, piece: int) -> crfd.Verified | tuple[int, str, str, str]:
    try:
        return crfd.verify(Trickle(data, piece))  # type: ignore[arg-type]
    except crfd.FormatError as e:
        return e.offset, e.rule, e.expected, e.found


def read_all(data: bytes) -> None:
    """Every way to read, each of which may say FormatError and nothing else."""
    try:
        with crfd.Image(data) as read:
            read.columns()
            for task in read.tasks.values():
                assert all(fd >= 0 for fd in task.fds)
            list(read.records())
    except crfd.FormatError:
        pass


@given(st.binary(max_size=2000))
def test_arbitrary_bytes(data: bytes) -> None:
    assert not isinstance(verdict(data, 4096), crfd.Verified)
    read_all(data)


@given(st.sampled_from([EXTENDED, RFC]), st.data())
def test_damaged_images(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        damaged[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
        if not damaged:
            break
    if whole is EXTENDED and bytes(damaged) != whole:
        assert not isinstance(verdict(bytes(damaged), 4096), crfd.Verified)
    read_all(bytes(damaged))


@given(st.sampled_from([EXTENDED, RFC]), st.integers(0, len(EXTENDED)), st.integers(1, 300))
def test_pieces_of_any_size_get_one_verdict(whole: bytes, cut: int, piece: int) -> None:
    assert verdict(whole[:cut], piece) == verdict(whole[:cut], 1 << 20)


RECORDS = st.builds(
    Rec,
    st.sampled_from([1, 2, 3, 101, 301, 302, 303, 5001, 0x4001, 0x4101, 0x4102, 0x4201, 0x4202, 0x4FFF, 0x6001]),
    st.binary(max_size=80),
    st.integers(0, 5),
)


@given(st.booleans(), st.integers(1, 10), RECORDS)
def test_a_record_that_does_not_belong(rfc: bool, where: int, stray: Rec) -> None:
    """A record that does not belong, with right sums around it, is refused, or read as an extension that changes nothing."""
    records = plan(sample(rfc=rfc), rfc=rfc)
    records.insert(where, stray)
    data = assemble(records)
    if isinstance(verdict(data, 4096), crfd.Verified):
        assert stray.type >= 0x4000
        assert [list(task.fds) for task in crfd.Image(data).tasks.values()] == [
            list(task.fds) for task in crfd.Image(RFC if rfc else EXTENDED).tasks.values()
        ]
    read_all(data)


FILES = st.lists(
    st.builds(
        File,
        path=st.binary(min_size=1, max_size=4095).filter(lambda path: 0 not in path),
        kind=st.integers(1, 3),
        f_flags=st.integers(0, 2**32 - 1),
        pos=st.integers(0, 2**64 - 1),
        ino=st.integers(0, 2**64 - 1),
    ),
    min_size=1,
    max_size=5,
)


TABLES = st.lists(st.dictionaries(st.integers(0, 2**31 - 1), st.integers(0, 4), max_size=8), max_size=5)


@given(FILES, TABLES, st.booleans())
def test_round_trip(files: list[File], tables: list[dict[int, int]], rfc: bool) -> None:
    tasks = [
        Task(pid, [Fd(fd, files[which % len(files)]) for fd, which in sorted(table.items())])
        for pid, table in enumerate(tables, 1)
    ]
    data = image(tasks, rfc=rfc)
    assert crfd.verify(io.BytesIO(data)).tasks == len(tasks)
    read = crfd.Image(data).tasks
    for task in tasks:
        found = read[task.pid].fds
        assert list(found) == [fd.fd for fd in task.fds]
        for fd in task.fds:
            file = found[fd.fd].file
            assert file is not None
            assert fd.file is not None
            assert (file.path, file.f_pos, file.f_flags) == (fd.file.path, fd.file.pos, fd.file.f_flags)
            assert file.ino == (None if rfc else fd.file.ino)
    by_objref: dict[int, set[int]] = {}
    for task in tasks:
        for fd in task.fds:
            by_objref.setdefault(read[task.pid].fds[fd.fd].objref, set()).add(id(fd.file))
    assert all(len(same) == 1 for same in by_objref.values())
    assert len(by_objref) == len({id(fd.file) for task in tasks for fd in task.fds})
