# SPDX-License-Identifier: MIT
"""Images made by hand from the format's text: an encoder that shares no code with ours.

`plan()` lists the records of some tasks, `assemble()` turns such a list, whatever a test has done to it, into bytes
with right sums, so that a test can break one rule at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

HEAD, STRING, FNAME, TASK, FILES, FD_ENT, FD_DATA, TAIL = 1, 2, 3, 101, 301, 302, 303, 5001
IMAGE_INFO, SECTION_SUM, INDEX, IMAGE_SUM, STILL, LOCK_WAIT, HELD_OBJREF = range(0x4001, 0x4008)
TASK_INFO, FD_ERROR, TASK_EXE, TASK_CGROUP, HELD = 0x4101, 0x4102, 0x4103, 0x4105, 0x4109
TASK_POLLS, POLLED = 0x410C, 0x410D
FD_STAT, FDINFO = 0x4201, 0x4202

HAS_ALL = 0x7FFF
_POLY = 0x82F63B78
_TABLE = []
for _i in range(256):
    for _ in range(8):
        _i = _i >> 1 ^ (_POLY if _i & 1 else 0)
    _TABLE.append(_i)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@dataclass
class Rec:
    """A record; `length` overrides the one in the header. A sum's payload is made by assemble() where it is None."""

    type: int
    payload: bytes | None = None
    parent: int = 0
    length: int | None = None

    def raw(self, payload: bytes | None = None) -> bytes:
        body = self.payload if payload is None else payload
        assert body is not None
        return struct.pack("<hhI", self.type, len(body) if self.length is None else self.length, self.parent) + body

    def poke(self, offset: int, code: str, value: int) -> None:
        """Overwrite one field of the payload."""
        assert self.payload is not None
        changed = bytearray(self.payload)
        struct.pack_into("<" + code, changed, offset, value)
        self.payload = bytes(changed)


@dataclass(eq=False)
class File:
    """An open file description: the same object in two descriptors is one description."""

    path: bytes = b"/etc/passwd"
    kind: int = 1
    f_mode: int = 0x4A801D
    f_flags: int = 0o100000
    uid: int = 1000
    gid: int = 100
    pos: int = 7
    version: int = 0
    known: int = HAS_ALL
    st_mode: int = 0o100644
    mnt_id: int = 29
    dev: int = 0x801
    rdev: int = 0
    ino: int = 4711
    size: int = 1234
    blocks: int = 8
    nlink: int = 1
    deleted: bool = False
    fdinfo: bytes = b""
    more: Sequence[tuple[int, bytes]] = ()  # records after FD_STAT: type, payload


@dataclass
class Fd:
    fd: int
    file: File | None = field(default_factory=File)
    close_on_exec: bool = False
    errno: int = 13  # where file is None


@dataclass
class Task:
    pid: int
    fds: Sequence[Fd] = ()
    comm: bytes = b"cat"
    table: object = None  # the same object in two tasks is one table
    exe: bytes = b""
    more: Sequence[tuple[int, bytes]] = ()  # records after TASK_INFO: type, payload


def head(flags: int, machine: bytes = b"x86_64") -> bytes:
    texts = [text.ljust(64, b"\0") for text in (b"6.1.0-test", b"#1 SMP", machine)]
    return struct.pack("<QHHHHQQ", 0x00FEED0CC0A2D200, 6, 1, 0, 2, 1_700_000_000, flags) + b"".join(texts)


def _task_head(task: Task, rfc: bool) -> Iterator[Rec]:
    yield Rec(TASK, struct.pack("<4Iii", ord("S"), 0, 0, 17, 16, 0))
    yield Rec(STRING, task.comm.ljust(16, b"\0"))
    if rfc:
        return
    info = struct.pack(
        "<10IQ4IQQ",
        task.pid, task.pid, 1, 2, task.pid, 1000, 1001, 100, 101, 2, 987654, 64, 0, 7, 1, 1024, 2**64 - 1,
    )  # fmt: skip
    yield Rec(TASK_INFO, info, task.pid)
    for fd in task.fds:
        if fd.file is None:
            yield Rec(FD_ERROR, struct.pack("<iiII", fd.fd, fd.errno, 3, 0), task.pid)
    if task.exe:
        yield Rec(TASK_EXE, task.exe, task.pid)
    yield from (Rec(kind, payload, task.pid) for kind, payload in task.more)


def _description(file: File, objref: int, rfc: bool) -> Iterator[Rec]:
    data = struct.pack(
        "<HHIIIQQ", file.kind, file.f_mode & 0xFFFF, file.f_flags, file.uid, file.gid, file.pos, file.version
    )
    yield Rec(FD_DATA, data, objref)
    yield Rec(FNAME, file.path + b"\0")
    if rfc:
        return
    stat = struct.pack(
        "<IIIiQQQQQII",
        file.known, file.f_mode, file.st_mode, file.mnt_id, file.dev, file.rdev, file.ino, file.size, file.blocks,
        file.nlink, file.deleted,
    )  # fmt: skip
    yield Rec(FD_STAT, stat, objref)
    if file.fdinfo:
        yield Rec(FDINFO, file.fdinfo, objref)
    yield from (Rec(kind, payload, objref) for kind, payload in file.more)


def plan(tasks: Iterable[Task], *, rfc: bool = False) -> list[Rec]:
    records = [Rec(HEAD, head(1 if rfc else 3))]
    if not rfc:
        records.append(Rec(IMAGE_INFO, struct.pack("<IHHII", 1, 1, 0, 100, 0)))
    objrefs: dict[int, int] = {}
    tables: dict[int, int] = {}
    numbers = count(1)
    for task in tasks:
        records += _task_head(task, rfc)
        known = task.table is not None and id(task.table) in tables
        table = tables.setdefault(id(task.table), len(tables) + 1) if task.table is not None else 0
        fds = [] if known else list(task.fds)
        records.append(Rec(FILES, struct.pack("<II", table, len(fds)), task.pid))
        for fd in fds:
            new = fd.file is not None and id(fd.file) not in objrefs
            if new:
                objrefs[id(fd.file)] = next(numbers)
            objref = 0 if fd.file is None else objrefs[id(fd.file)]
            records.append(Rec(FD_ENT, struct.pack("<IiII", objref, fd.fd, fd.close_on_exec, 0)))
            if new and fd.file is not None:
                records += _description(fd.file, objref, rfc)
        if not rfc:
            records.append(Rec(SECTION_SUM))
    if not rfc:
        records += [Rec(INDEX), Rec(IMAGE_SUM)]
    records.append(Rec(TAIL, struct.pack("<Q", 0x002D2A0CC0DEEF00)))
    return records


class _Assembler:
    def __init__(self) -> None:
        self.out = bytearray()
        self.index: list[tuple[int, ...]] = []
        self.entries = b""
        self.index_offset = 0
        self.start = self.pid = self.nfds = self.table = self.total = self.first = 0
        self.objrefs = 0

    def add(self, record: Rec) -> None:
        body = record.payload or b""
        if record.type == TASK:
            self.start, self.first, self.nfds = len(self.out), self.objrefs + 1, 0
        elif record.type == FILES:
            self.pid, self.table = record.parent, int.from_bytes(body[:4], "little")
        elif record.type == FD_ENT:
            self.nfds += 1
            self.total += 1
        elif record.type == FD_DATA:
            self.objrefs += 1
        if record.payload is not None:
            self.out += record.raw()
            return
        makers = {SECTION_SUM: self.section_sum, INDEX: self.index_entries, IMAGE_SUM: self.image_sum}
        makers[record.type](record)

    def section_sum(self, record: Rec) -> None:
        length = len(self.out) - self.start
        crc = crc32c(bytes(self.out[self.start :]))
        self.out += record.raw(struct.pack("<QII", length, self.nfds, crc))
        new = self.objrefs + 1 - self.first
        self.index.append((self.start, length + 24, self.pid, self.nfds, self.first, new, self.table, crc))

    def index_entries(self, record: Rec) -> None:
        self.index_offset = len(self.out)
        for i in range(0, len(self.index), 819):
            entries = b"".join(struct.pack("<QQ6I", *entry) for entry in self.index[i : i + 819])
            self.out += record.raw(entries)
            self.entries += entries

    def image_sum(self, record: Rec) -> None:
        body = struct.pack("<QQIII", self.index_offset, self.total, len(self.index), self.objrefs, crc32c(self.entries))
        self.out += struct.pack("<hhI", record.type, 32, record.parent) + body
        self.out += struct.pack("<I", crc32c(bytes(self.out)))


def assemble(records: Iterable[Rec]) -> bytes:
    assembler = _Assembler()
    for record in records:
        assembler.add(record)
    return bytes(assembler.out)


def at(records: Sequence[Rec], kind: int, nth: int = 0) -> int:
    """Return the place of the nth record of a type, from 0."""
    return [i for i, record in enumerate(records) if record.type == kind][nth]


def image(tasks: Iterable[Task], *, rfc: bool = False) -> bytes:
    return assemble(plan(tasks, rfc=rfc))


def sample(*, rfc: bool = False) -> list[Task]:
    """Sharing within and across tasks, a shared table, an empty task, and all that rfc cannot hold unless rfc."""
    shared = File(b"/var/log/messages", pos=2**40, f_flags=0o102001)
    table = object()
    odd = [] if rfc else [
        Fd(9, None),
        Fd(11, File(b"/tmp/gone (deleted)", deleted=True)),
        Fd(20, File(b"anon_inode:[eventfd]", kind=23, st_mode=0, fdinfo=b"pos:\t0\neventfd-count: 3\n")),
        Fd(21, File(b"?", kind=16, uid=0xFFFFFFFF, gid=0xFFFFFFFF, known=1)),
    ]  # fmt: skip
    fds = [Fd(0, shared), Fd(1, shared, True), Fd(2, File(b"/caf\xe9", kind=2)), *odd]
    return [
        Task(100, fds, b"first", exe=b"" if rfc else b"/usr/bin/first"),
        Task(101, [Fd(5, shared), Fd(70000, File(b"/etc", kind=2))], b"leader", table),
        Task(102, [], b"follower", table),
        Task(103, [], b"empty"),
    ]


def held(by: int = 4, path: bytes = b"/usr/lib/libc.so.6", *, known: int = HAS_ALL, deleted: bool = False) -> bytes:
    """The payload of a HELD record: of a mapped file, twice, r-xs."""
    stat = struct.pack("<IIIiQQQQQII", known, 1, 0o100755, 29, 0x801, 0, 4711, 1234, 0, 1, deleted)
    return struct.pack("<HHiIIQiI", by, 1, 0, 1 | 4 | 8, 2, 8192, -1, 0) + stat + path


EXTENDED = image(sample())
RFC = image(sample(rfc=True), rfc=True)
