# SPDX-License-Identifier: MIT
"""Images that an encoder of their own made, read back; and every rule of the format, broken one at a time."""

from __future__ import annotations

import gc
import io
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import crfd
from crfd._core import declarations
from crfd._core.columns import ImageReader
from crfd.format.records import RecordType, split
from crfd.image.source import CHUNK, FileBytes
from tests.images import (
    EXTENDED,
    FD_DATA,
    FD_ENT,
    FD_ERROR,
    FD_STAT,
    FDINFO,
    FILES,
    FNAME,
    HEAD,
    HELD,
    IMAGE_INFO,
    IMAGE_SUM,
    INDEX,
    LOCK_WAIT,
    RFC,
    SECTION_SUM,
    STILL,
    STRING,
    TAIL,
    TASK,
    TASK_CGROUP,
    TASK_EXE,
    TASK_INFO,
    Fd,
    File,
    Rec,
    Task,
    assemble,
    crc32c,
    head,
    held,
    image,
    plan,
    sample,
)
from tests.procs import CRFD

# ---- what was written is what is read ----


def test_the_sum_is_crc32c() -> None:
    """The check value of RFC 3720's sum, for the builder that everything here rests on."""
    assert crc32c(b"123456789") == 0xE3069283


def test_head_and_info() -> None:
    with crfd.Image(EXTENDED) as read:
        assert (read.head.time, read.head.release, read.head.flags) == (1_700_000_000, "6.1.0-test", 3)
        assert read.info == crfd.ImageInfo(1, crfd.Backend.PROC, False, 100, 0)
        assert read.size == len(EXTENDED)
    assert crfd.Image(RFC).info is None


def test_descriptors() -> None:
    task = crfd.Image(EXTENDED).tasks[100]
    assert (task.comm, task.exe) == (b"first", b"/usr/bin/first")
    assert (task.ppid, task.euid, task.start_time) == (1, 1001, 987654)
    assert task.identity is crfd.Identity.KCMP
    assert task.nofile_soft == 1024
    assert list(task.fds) == [0, 1, 2, 9, 11, 20, 21]
    first, second = task.fds[0], task.fds[1]
    assert (first.objref, first.close_on_exec, second.close_on_exec) == (1, False, True)
    assert first.file is not None
    assert first.file is second.file
    file = first.file
    assert (file.path, file.f_pos, file.f_flags, file.f_mode) == (b"/var/log/messages", 2**40, 0o102001, 0x4A801D)
    assert (file.dev, file.ino, file.mnt_id, file.size, file.nlink) == (0x801, 4711, 29, 1234, 1)
    assert (file.f_uid, file.f_gid, file.deleted, file.kind) == (1000, 100, False, crfd.Kind.FILE)


@pytest.mark.parametrize(
    ("machine", "numbers"),  # O_DIRECT, O_DIRECTORY and O_NOFOLLOW of uapi/asm-generic/fcntl.h and uapi/asm/fcntl.h
    [
        (b"x86_64", (0o40000, 0o200000, 0o400000)),
        (b"riscv64", (0o40000, 0o200000, 0o400000)),
        (b"aarch64", (0o200000, 0o40000, 0o100000)),
        (b"armv7l", (0o200000, 0o40000, 0o100000)),
        (b"ppc64le", (0o400000, 0o40000, 0o100000)),
    ],
)
def test_flags_are_read_in_the_numbers_of_the_machine_that_has_them(machine: bytes, numbers: tuple[int, ...]) -> None:
    names = ("O_DIRECT", "O_DIRECTORY", "O_NOFOLLOW")
    records = plan([Task(1, [Fd(fd, File(b"/x", f_flags=number | 2)) for fd, number in enumerate(numbers)])])
    records[0] = Rec(HEAD, head(3, machine))
    data = assemble(records)
    with crfd.Image(data) as read:
        files = [entry.file for entry in read.tasks[1].fds.values()]
    assert [file and file.f_flags for file in files] == [getattr(os, name) | os.O_RDWR for name in names]
    command = [*CRFD, "show", "--columns", "flags", "--no-header", "-"]
    shown = subprocess.run(command, input=data, capture_output=True, check=True)
    assert shown.stdout.decode().split() == [f"O_RDWR|{name}" for name in names]


def test_held_files() -> None:
    records = plan(sample())
    for payload in (held(deleted=True), held(by=1, known=0, path=b"")):
        insert(Rec(HELD, payload, 100), FILES)(records)
    mapped, cwd = crfd.Image(assemble(records)).tasks[100].held
    assert mapped == crfd.Held(
        crfd.HeldBy.MAP, crfd.Kind.FILE, b"/usr/lib/libc.so.6", True, 0x801, 4711, 29, 0o100755, 0, 1, 1234, 1, "r-xs", 2,
        8192, None, None, None,
    )  # fmt: skip
    assert (cwd.by, *cwd[2:12], cwd.errno) == (crfd.HeldBy.CWD, *[None] * 10, None)
    assert crfd.Image(EXTENDED).tasks[100].held == ()


def test_what_is_not_known_is_none() -> None:
    fds = crfd.Image(EXTENDED).tasks[100].fds
    unread = fds[9]
    assert (unread.objref, unread.file) == (0, None)
    assert unread.error is not None
    assert (unread.error.errno, unread.error.step) == (13, crfd.Step.STAT)
    partly = fds[21].file
    assert partly is not None
    assert (partly.path, partly.f_uid, partly.ino, partly.deleted) == (None, None, None, None)
    assert partly.f_pos == 7
    plain = crfd.Image(RFC).tasks[100].fds[0].file
    assert plain is not None
    assert (plain.ino, plain.deleted, plain.f_version, plain.f_uid) == (None, None, None, 1000)


def test_a_deleted_name_is_told_from_one_that_says_so() -> None:
    file = crfd.Image(EXTENDED).tasks[100].fds[11].file
    assert file is not None
    assert (file.path, file.deleted) == (b"/tmp/gone (deleted)", True)


def test_extension_records_of_a_description() -> None:
    file = crfd.Image(EXTENDED).tasks[100].fds[20].file
    assert file is not None
    assert file.kind is crfd.Kind.EVENTFD
    assert file.fdinfo == b"pos:\t0\neventfd-count: 3\n"
    assert file.extensions == ((FDINFO, file.fdinfo),)


@pytest.mark.parametrize("data", [EXTENDED, RFC], ids=["extended", "rfc"])
def test_sharing_across_tasks(data: bytes) -> None:
    tasks = crfd.Image(data).tasks
    assert tasks[101].fds[5].objref == 1
    assert tasks[101].fds[5].file == tasks[100].fds[0].file
    assert tasks[102].files_objref == tasks[101].files_objref == 1
    assert tasks[102].fds == tasks[101].fds
    assert (len(tasks), list(tasks), 104 in tasks) == (4, [100, 101, 102, 103], False)
    assert tasks[103].fds == {}
    with pytest.raises(KeyError):
        tasks[104]


def test_one_task_is_read_without_the_others() -> None:
    """Bytes of other sections may be wrong; only who reads them is told."""
    at = EXTENDED.index(b"/tmp/gone")
    broken = EXTENDED[:at] + b"X" + EXTENDED[at + 1 :]
    tasks = crfd.Image(broken).tasks
    assert tasks[103].comm == b"empty"
    with pytest.raises(crfd.FormatError, match="SECTION_SUM"):
        tasks[100]
    with pytest.raises(crfd.FormatError, match="SECTION_SUM"):
        tasks[101]  # its fd 5 is described in 100's section


def test_records() -> None:
    found = list(crfd.Image(EXTENDED).records())
    offset = 0
    for record in found:
        kind, length, parent = struct.unpack_from("<hhI", EXTENDED, offset)
        assert (record.offset, record.type, record.len, record.parent) == (offset, kind, length, parent)
        assert record.payload == EXTENDED[offset + 8 : offset + 8 + length]
        offset += 8 + length
    assert offset == len(EXTENDED)
    assert [record.type for record in found[-3:]] == [RecordType.INDEX, RecordType.IMAGE_SUM, RecordType.TAIL]


def test_more_records_than_one_batch_lists() -> None:
    data = image([Task(1, [Fd(n, File(path=b"/%d" % n)) for n in range(3000)])])
    read = crfd.Image(data)
    assert sum(record.type == FNAME for record in read.records()) == 3000
    assert len(read.columns().files) == 3001
    assert [f.file.path for f in read.tasks[1].fds.values() if f.file][2999] == b"/2999"


def test_unknown_ancillary_records_are_skipped_where_they_may_stand() -> None:
    records = plan([Task(7, [Fd(0)])])
    kinds = [record.type for record in records]
    for kind, parent in ((INDEX, 0), (SECTION_SUM, 1), (FILES, 7), (TASK, 0)):
        records.insert(kinds.index(kind), Rec(0x5FFF, b"later", parent))
    data = assemble(records)
    assert crfd.verify(io.BytesIO(data)).fds == 1
    task = crfd.Image(data).tasks[7]
    assert task.fds[0].file is not None
    assert task.fds[0].file.extensions == ((0x5FFF, b"later"),)
    assert (0x5FFF, b"later") in task.extensions
    assert len(crfd.Image(data).columns().fds) == 1


def test_still() -> None:
    records = plan([Task(7, [Fd(0)])])
    records.insert([r.type for r in records].index(INDEX), Rec(STILL, struct.pack("<IIQ", 7, 1, 12345)))
    assert crfd.Image(assemble(records)).still == ((7, 1, 12345),)


def test_kinds_of_later_versions() -> None:
    file = crfd.Image(image([Task(1, [Fd(0, File(kind=999))])])).tasks[1].fds[0].file
    assert file is not None
    assert (file.kind, file.kind.name, file.kind_name) == (999, "KIND_999", "kind-999")


@pytest.mark.parametrize(
    ("enum", "name", "prefix"),
    [
        (RecordType, "crfd_rec_type", "CRFD_REC_"),
        (crfd.Kind, "crfd_kind", "CRFD_KIND_"),
        (crfd.Backend, "crfd_backend", "CRFD_BACKEND_"),
        (crfd.Identity, "crfd_identity_method", "CRFD_IDENTITY_"),
        (crfd.Step, "crfd_step", "CRFD_STEP_"),
    ],
)  # fmt: skip
def test_enums_are_those_of_the_header(enum: type[crfd.Kind], name: str, prefix: str) -> None:
    declared = {key: value for key, value in declarations.enum(name, prefix).items() if not key.endswith("_FIRST")}
    assert {member.name: member.value for member in enum} == declared


# ---- columns ----


def test_columns() -> None:
    columns = crfd.Image(EXTENDED).columns()
    assert list(columns.fds["fd"]) == [0, 1, 2, 9, 11, 20, 21, 5, 70000]
    assert list(columns.fds["objref"]) == [1, 1, 2, 0, 3, 4, 5, 1, 6]
    assert list(columns.tasks["pid"]) == [100, 101, 102, 103]
    assert list(columns.tasks["first_fd"]) == [0, 7, 9, 9]
    assert list(columns.files["deleted"]) == [0, 0, 0, 1, 0, 0, 0]
    assert [columns.path(objref) for objref in (1, 2, 6)] == [b"/var/log/messages", b"/caf\xe9", b"/etc"]
    with pytest.raises(IndexError):
        columns.path(7)
    with pytest.raises(IndexError):
        columns.path(0)
    with pytest.raises(KeyError):
        columns.fds["no such"]
    with pytest.raises(TypeError, match="text"):
        columns.tasks["comm"]


def test_columns_are_one_contiguous_buffer() -> None:
    fds = crfd.Image(EXTENDED).columns().fds
    assert fds.buffer.c_contiguous
    assert fds.buffer.nbytes == len(fds) * fds.dtype["itemsize"]
    assert fds.buffer.readonly
    assert fds["fd"].strides == (fds.dtype["itemsize"],)


def test_columns_as_numpy_share_the_memory_and_keep_it() -> None:
    np = pytest.importorskip("numpy")
    read = crfd.Image(EXTENDED)
    files = read.columns().files
    array = files.array()
    assert np.shares_memory(array, np.frombuffer(files.buffer, "u1"))
    assert read.columns().tasks.array()["comm"].tolist() == [b"first", b"leader", b"follower", b"empty"]
    read.close()
    del read, files
    gc.collect()
    assert array["ino"].tolist() == [0, *[4711] * 6]
    assert array["f_pos"][1] == 2**40


def test_array_without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(crfd.MissingExtraError, match=r"crfd\[numpy\]"):
        crfd.Image(EXTENDED).columns().fds.array()


# ---- where an image comes from ----


def test_open_path_and_file_object(tmp_path: Path) -> None:
    path = tmp_path / "x.crfd"
    path.write_bytes(EXTENDED)
    with crfd.open(path) as read, path.open("rb") as stream, crfd.open(stream) as again:
        assert read.tasks[100].fds == again.tasks[100].fds
    assert crfd.verify(path) == crfd.verify(io.BytesIO(EXTENDED)) == crfd.Verified(4, 9, 6, len(EXTENDED))


@pytest.mark.parametrize("read", [crfd.verify, lambda source: crfd.open(source).columns()])
def test_a_pipe(read: Callable[[io.FileIO], object]) -> None:
    out, into = os.pipe()

    def write() -> None:
        for i in range(0, len(EXTENDED), 7):
            os.write(into, EXTENDED[i : i + 7])
        os.close(into)

    writer = threading.Thread(target=write)
    with open(out, "rb", buffering=0) as stream:
        writer.start()
        assert read(stream)
        writer.join()


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(EXTENDED)))
    with crfd.open("-") as read:
        assert len(read.tasks) == 4


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        crfd.open(tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none")


SHRINKS = """
import os, sys
import crfd
from tests.images import Fd, File, Task, image
path, mapped, reads = sys.argv[1], sys.argv[2] == "map", sys.argv[3]
data = image([Task(pid, [Fd(fd, File(b"/" + b"x" * 4000)) for fd in range(40)]) for pid in range(1, 31)])
with open(path, "wb") as out:
    out.write(data)
with crfd.open(path, map=mapped) as read:
    os.truncate(path, 0)
    try:
        {
            "tasks": lambda: [task.fds for task in read.tasks.values()],
            "columns": lambda: read.columns(),
            "records": lambda: list(read.records()),
            "links": lambda: crfd.links(read),
            "consistency": lambda: read.consistency(),
        }[reads]()
    except crfd.FormatError as e:
        print(e)
"""


@pytest.mark.parametrize("reads", ["tasks", "columns", "records", "links", "consistency"])
def test_a_file_that_is_truncated_while_it_is_read_is_a_format_error(tmp_path: Path, reads: str) -> None:
    """Whoever owns the file must not end the process that reads it (SIGBUS, mmap(2))."""
    found = {}
    env = {**os.environ, "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:handle_sigbus=0"}
    for how in ("read", "map"):
        command: list[str | Path] = [sys.executable, "-c", SHRINKS, tmp_path / "image", how, reads]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60, cwd=Path(__file__).parents[2], env=env
        )
        found[how] = done.returncode
        if how == "read":
            assert "the file stays whole while it is read" in done.stdout, done.stderr
            assert str(tmp_path / "image") in done.stdout
    assert found == {"read": 0, "map": -signal.SIGBUS}


def test_what_was_judged_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(EXTENDED)
    with crfd.open(path) as read:
        before = read.tasks[100].fds
        path.write_bytes(b"\xff" * len(EXTENDED))
        assert read.tasks[101].fds[5].file == before[0].file
        assert len(read.columns().fds) == 9
        assert read.consistency()


def test_one_task_is_read_from_the_file_without_the_others(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with path.open("wb") as out:
        out.write(image([Task(pid, [Fd(fd, File(b"/" + b"x" * 4000)) for fd in range(100)]) for pid in range(1, 41)]))
    with crfd.open(path) as read:
        assert isinstance(read._bytes, FileBytes)
        for pid in (20, 21, 40):
            assert len(read.tasks[pid].fds) == 100
        assert sum(read._bytes._there) * CHUNK < read.size / 4
        assert len(read.columns().fds) == 4000
        assert not {*read._bytes._there} - {1}


def test_a_large_file_is_read_by_two_threads_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crfd.image.source._SPLIT", 1)
    path = tmp_path / "image"
    data = image([Task(pid, [Fd(fd, File(b"/" + b"x" * 4000)) for fd in range(60)]) for pid in range(1, 11)])
    path.write_bytes(data)
    with crfd.open(path) as read:
        assert bytes(read._bytes.all()) == data
        os.truncate(path, 1000)
    with pytest.raises(crfd.FormatError), crfd.open(path) as read:
        pass
    path.write_bytes(data)
    read = crfd.open(path)
    os.truncate(path, len(data) // 2)
    with pytest.raises(crfd.FormatError, match="stays whole"):
        read.columns()
    read.close()


def test_a_closed_image_says_so() -> None:
    read = crfd.Image(EXTENDED)
    read.close()
    with pytest.raises(ValueError, match="released"):
        read.tasks[100]


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    for read in (crfd.open, crfd.verify):
        with pytest.raises(crfd.FormatError) as caught:
            read(path)
        assert (caught.value.offset, caught.value.expected, caught.value.found) == (0, "8 bytes", "0 bytes")
        assert caught.value.path == str(path)


# ---- every rule, broken alone, all sums right ----

Break = Callable[[list[Rec]], None]


def at(records: list[Rec], kind: int, nth: int = 0) -> int:
    return [i for i, record in enumerate(records) if record.type == kind][nth]


def poke(kind: int, offset: int, code: str, value: int, nth: int = 0) -> Break:
    return lambda records: records[at(records, kind, nth)].poke(offset, code, value)


def parent(kind: int, value: int, nth: int = 0) -> Break:
    return lambda records: setattr(records[at(records, kind, nth)], "parent", value)


def payload(kind: int, value: bytes, nth: int = 0) -> Break:
    return lambda records: setattr(records[at(records, kind, nth)], "payload", value)


def drop(kind: int, nth: int = 0) -> Break:
    return lambda records: records.__delitem__(at(records, kind, nth))


def insert(record: Rec, before: int, nth: int = 0) -> Break:
    return lambda records: records.insert(at(records, before, nth), record)


def changed_held(offset: int, code: str, value: int) -> bytes:
    record = Rec(HELD, held())
    record.poke(offset, code, value)
    assert record.payload is not None
    return record.payload


BOTH = [
    ("TAIL.magic", poke(TAIL, 0, "Q", 1), "magic", "0x2d2a0cc0deef00", "0x1"),
    ("HEAD.magic", poke(HEAD, 0, "Q", 1), "magic", "0xfeed0cc0a2d200", "0x1"),
    ("HEAD.rev", poke(HEAD, 14, "H", 3), "rev", "2", "3"),
    ("HEAD.time", poke(HEAD, 16, "Q", 2**63), "range", "253370764799", str(-(2**63))),
    ("HEAD.time of the year 9999", poke(HEAD, 16, "Q", 253370764800), "range", "253370764799", "253370764800"),
    ("HEAD.flags without checkpoint", lambda r: r[0].poke(24, "Q", r[0].payload[24] & ~1), "flags", None, None),
    ("HEAD.flags unknown", lambda r: r[0].poke(24, "Q", r[0].payload[24] | 8), "flags", None, None),
    ("HEAD.release unterminated", poke(HEAD, 32 + 63, "B", 65), "padding", "0x0", "0x41"),
    ("HEAD.machine padding", poke(HEAD, 160 + 40, "B", 65), "padding", "0x0", "0x41"),
    ("HEAD.parent", parent(HEAD, 1), "parent", "0", "1"),
    ("HEAD twice", lambda r: r.insert(1, Rec(HEAD, r[0].payload)), "type", None, "HEAD (0x1)"),
    ("no HEAD", drop(HEAD), "type", "HEAD (0x1)", None),
    ("no TAIL", drop(TAIL), "goes on", "8 bytes", "0 bytes"),
    ("after TAIL", lambda r: r.append(Rec(TAIL, r[-1].payload)), "nothing follows", "the end", "byte 0x89"),
    ("TASK.comm_len", poke(TASK, 16, "i", 15), "comm_len", "16", "15"),
    ("TASK.pad", poke(TASK, 20, "I", 1), "padding", "0x0", "0x1"),
    ("TASK length", payload(TASK, bytes(28)), "length", "24 bytes", "28 bytes"),
    ("STRING length", payload(STRING, b"cat"), "length", "16 bytes", "3 bytes"),
    ("STRING padding", payload(STRING, b"cat\0x".ljust(16, b"\0")), "padding", "0x0", "0x78"),
    ("STRING missing", drop(STRING), "type", "STRING (0x2)", None),
    ("FILES.parent 0", parent(FILES, 0), "parent", None, "0"),
    ("FILES.parent negative", parent(FILES, 2**31), "parent", None, str(2**31)),
    ("too many entries", poke(FILES, 4, "I", 1), "nfds", "1", "2"),
    ("too few entries", poke(FILES, 4, "I", 9), "nfds", "9", None),
    ("table gap", poke(FILES, 0, "I", 2), "table", "1", "2"),
    ("table repeated with entries", poke(FILES, 4, "I", 1, nth=2), "table", "0", "1"),
    ("FD_ENT.parent", parent(FD_ENT, 1), "parent", "0", "1"),
    ("fd negative", poke(FD_ENT, 4, "i", -1), "ascending", "0", "-1"),
    ("fd twice", poke(FD_ENT, 4, "i", 0, nth=1), "ascending", "1", "0"),
    ("fds descending", poke(FD_ENT, 4, "i", 0, nth=2), "ascending", "2", "0"),
    ("close_on_exec", poke(FD_ENT, 8, "I", 2), "range", "1", "2"),
    ("FD_ENT.pad", poke(FD_ENT, 12, "I", 7), "padding", "0x0", "0x7"),
    ("objref gap", poke(FD_ENT, 0, "I", 3, nth=2), "objrefs", "2", "3"),
    ("objref 0 without FD_ERROR", poke(FD_ENT, 0, "I", 0, nth=1), "objrefs", "2", "0"),
    ("new objref without FD_DATA", poke(FD_ENT, 0, "I", 2, nth=1), "type", "FD_DATA (0x12f)", "FD_ENT (0x12e)"),
    ("old objref with FD_DATA", poke(FD_ENT, 0, "I", 1, nth=2), "type", None, "FD_DATA (0x12f)"),
    ("FD_DATA.parent", parent(FD_DATA, 2), "parent", "1", "2"),
    ("fd_type 0", poke(FD_DATA, 0, "H", 0), "fd_type", "1", "0"),
    ("fd_type 15", poke(FD_DATA, 0, "H", 15), "fd_type", "1", "15"),
    ("FNAME missing", drop(FNAME), "type", "FNAME (0x3)", None),
    ("FNAME.parent", parent(FNAME, 1), "parent", "0", "1"),
    ("FNAME without NUL", payload(FNAME, b"/x"), "NUL", "its NUL at byte 1", "at byte 2"),
    ("FNAME with two NULs", payload(FNAME, b"/x\0\0"), "NUL", "its NUL at byte 3", "at byte 2"),
    ("FNAME empty", payload(FNAME, b"\0"), "length", "2 bytes", "1 bytes"),
    ("FNAME too long", payload(FNAME, b"x" * 4096 + b"\0"), "length", "4096 bytes", "4097 bytes"),
    ("negative length", lambda r: setattr(r[at(r, FNAME)], "length", -1), "length", "2 bytes", "-1 bytes"),
    ("unknown type", insert(Rec(77, b""), TASK), "type", None, "type 0x4d"),
    ("negative type", insert(Rec(-5, b""), TASK), "type", None, None),
    ("critical", insert(Rec(0x6001, b""), TASK), "critical", "a known type", "type 0x6001"),
]  # fmt: skip

EXTENDED_ONLY = [
    ("no IMAGE_INFO", drop(IMAGE_INFO), "type", "IMAGE_INFO (0x4001)", "TASK (0x65)"),
    ("IMAGE_INFO.revision", poke(IMAGE_INFO, 0, "I", 2), "range", "1", "2"),
    ("IMAGE_INFO.backend", poke(IMAGE_INFO, 4, "H", 9), "range", "2", "9"),
    ("flags without extensions", poke(HEAD, 24, "Q", 1), "flags", "0x3", "0x1"),
    ("TASK_INFO missing", drop(TASK_INFO), "type", "TASK_INFO (0x4101)", None),
    ("TASK_INFO.pid", poke(TASK_INFO, 0, "I", 9), "parent", "100", "9"),
    ("TASK_INFO.parent", parent(TASK_INFO, 9), "parent", "9", "100"),
    ("TASK_INFO.identity", poke(TASK_INFO, 36, "I", 9), "range", "3", "9"),
    ("FILES of another pid", parent(FILES, 9), "parent", "100", "9"),
    ("FD_ERROR of another fd", poke(FD_ERROR, 0, "i", 8), "objrefs", None, "0"),
    ("FD_ERROR.fd", poke(FD_ERROR, 0, "i", -1), "ascending", "0", "-1"),
    ("FD_ERROR.err", poke(FD_ERROR, 4, "i", 0), "range", "1", "0"),
    ("FD_ERROR.step", poke(FD_ERROR, 8, "I", 99), "range", None, "99"),
    ("HELD.held 0", insert(Rec(HELD, held(by=0), 100), FILES), "range", "1", "0"),
    ("HELD.held 8", insert(Rec(HELD, held(by=8), 100), FILES), "range", "7", "8"),
    ("HELD.err", insert(Rec(HELD, changed_held(4, "i", -1), 100), FILES), "range", "0", "-1"),
    ("HELD.prot", insert(Rec(HELD, changed_held(8, "I", 16), 100), FILES), "range", "0", "16"),
    ("HELD.fd", insert(Rec(HELD, changed_held(24, "i", -2), 100), FILES), "range", "-1", "-2"),
    ("HELD.known", insert(Rec(HELD, held(known=1 << 30, path=b""), 100), FILES), "range", "0", str(1 << 30)),
    ("HELD.path", insert(Rec(HELD, held(path=b"/a\0b"), 100), FILES), "range", "1", "0"),
    ("TASK_EXE", payload(TASK_EXE, b"/a\0b"), "range", "1", "0"),
    ("TASK_CGROUP", insert(Rec(TASK_CGROUP, b"0::/\0\n", 100), FILES), "range", "1", "0"),
    ("HELD.flags", insert(Rec(HELD, changed_held(92, "I", 2), 100), FILES), "range", "0", "2"),
    ("HELD without its path", insert(Rec(HELD, held(path=b""), 100), FILES), "length", "97 bytes", "96 bytes"),
    ("HELD with a path it does not know", insert(Rec(HELD, held(known=0), 100), FILES), "length", "96 bytes", "114 bytes"),
    ("HELD.path with a NUL", insert(Rec(HELD, held(path=b"/a\0b"), 100), FILES), "range", "1", "0"),
    ("HELD.path too long", insert(Rec(HELD, held(path=b"x" * 4096), 100), FILES), "length", "4191 bytes", "4192 bytes"),
    ("HELD of another pid", insert(Rec(HELD, held(), 9), FILES), "parent", "100", "9"),
    ("HELD after FILES", insert(Rec(HELD, held(), 100), FD_ENT), "type", None, "HELD (0x4109)"),
    ("FD_STAT missing", drop(FD_STAT), "type", "FD_STAT (0x4201)", None),
    ("FD_STAT.parent", parent(FD_STAT, 3), "parent", "1", "3"),
    ("FD_STAT.known", poke(FD_STAT, 0, "I", 1 << 30), "range", "0", str(1 << 30)),
    ("FD_STAT.f_mode", poke(FD_STAT, 4, "I", 1), "range", None, "1"),
    ("FD_STAT.flags", poke(FD_STAT, 60, "I", 2), "range", "0", "2"),
    ("FDINFO before FD_STAT", insert(Rec(FDINFO, b"x", 1), FD_STAT), "type", "FD_STAT (0x4201)", "FDINFO (0x4202)"),
    ("EVENTFD.pad", insert(Rec(0x4209, struct.pack("<QIIII", 3, 0, 0, 0, 1), 4), FDINFO), "padding", "0x0", "0x1"),
    ("LOCK length", insert(Rec(0x4204, bytes(33), 4), FDINFO), "length", "32 bytes", "33 bytes"),
    ("FDINFO of another objref", parent(FDINFO, 1), "parent", "4", "1"),
    ("FDINFO empty", payload(FDINFO, b""), "length", "1 bytes", "0 bytes"),
    ("task record after FILES", insert(Rec(0x4103, b"x", 100), FD_ENT), "type", None, "TASK_EXE (0x4103)"),
    ("no SECTION_SUM", drop(SECTION_SUM), "type", "SECTION_SUM (0x4002)", "TASK (0x65)"),
    ("SECTION_SUM twice", lambda r: r.insert(at(r, SECTION_SUM), Rec(SECTION_SUM)), "type", None, None),
    ("no INDEX", drop(INDEX), "index", None, None),
    ("INDEX length", lambda r: setattr(r[at(r, INDEX)], "payload", bytes(41)), "length", "40 bytes", "41 bytes"),
    ("INDEX of something else", lambda r: setattr(r[at(r, INDEX)], "payload", bytes(160)), "index", None, None),
    ("INDEX too short", lambda r: setattr(r[at(r, INDEX)], "payload", bytes(40)), "index", "0x4", "0x1"),
    ("no IMAGE_SUM", drop(IMAGE_SUM), "type", None, "TAIL (0x1389)"),
    ("TASK after STILL", insert(Rec(STILL, bytes(16)), TASK, 1), "type", None, "TASK (0x65)"),
    ("TASK after LOCK_WAIT", insert(Rec(LOCK_WAIT, bytes(80)), TASK, 1), "type", None, "TASK (0x65)"),
    ("LOCK_WAIT.pid", insert(Rec(LOCK_WAIT, struct.pack("<ii72x", -2, 1)), INDEX), "range", "-1", "-2"),
    ("LOCK_WAIT.holder", insert(Rec(LOCK_WAIT, struct.pack("<ii72x", 1, -2)), INDEX), "range", "-1", "-2"),
    ("LOCK_WAIT length", insert(Rec(LOCK_WAIT, bytes(79)), INDEX), "length", "80 bytes", "79 bytes"),
    ("STILL.how", insert(Rec(STILL, struct.pack("<IIQ", 1, 9, 0)), INDEX), "range", "2", "9"),
]  # fmt: skip

RFC_ONLY = [
    ("fd_type of our own", poke(FD_DATA, 0, "H", 23), "fd_type", "1", "23"),
    ("an extension", insert(Rec(0x4103, b"x", 100), FILES), "flags", "0x3", "0x1"),
    ("an unknown extension", insert(Rec(0x5000, b"x"), TASK), "flags", "0x3", "0x1"),
]  # fmt: skip

CASES = [
    pytest.param(rfc, *case[1:], id=f"{'rfc' if rfc else 'extended'}: {case[0]}")
    for rfc, cases in ((False, BOTH + EXTENDED_ONLY), (True, BOTH + RFC_ONLY))
    for case in cases
]


@pytest.mark.parametrize(("rfc", "change", "rule", "expected", "found"), CASES)
def test_a_broken_rule_is_named(rfc: bool, change: Break, rule: str, expected: str | None, found: str | None) -> None:
    records = plan(sample(rfc=rfc), rfc=rfc)
    change(records)
    data = assemble(records)
    with pytest.raises(crfd.FormatError) as caught:
        crfd.verify(io.BytesIO(data))
    error = caught.value
    assert rule.lower() in error.rule.lower()
    assert expected in {None, error.expected}
    assert found in {None, error.found}
    assert 0 <= error.offset <= len(data)
    assert str(error.offset) in str(error)


@pytest.mark.parametrize("rfc", [False, True], ids=["extended", "rfc"])
@pytest.mark.parametrize("pids", [[5, 5], [7, 5, 7], [1, 2, 3, 9, 4, 2]])
def test_a_pid_has_one_section(pids: list[int], rfc: bool) -> None:
    """Else one of the two could not be asked for."""
    data = image([Task(pid, [Fd(0)]) for pid in pids], rfc=rfc)
    for read in (crfd.verify, crfd.open):
        with pytest.raises(crfd.FormatError, match="one section a pid: expected another pid") as caught:
            read(io.BytesIO(data))
        assert data[caught.value.offset :].startswith(struct.pack("<hhI", TASK, 24, 0))
        assert caught.value.offset > data.index(struct.pack("<hhI", TASK, 24, 0))


def test_pids_need_not_ascend() -> None:
    assert list(crfd.Image(image([Task(pid) for pid in (9, 3, 7)])).tasks) == [9, 3, 7]


@pytest.mark.parametrize("before", [TASK, INDEX])
@pytest.mark.parametrize(
    "stray",
    [
        Rec(STILL, b"", length=-8),  # whoever adds it to where he is stays there
        Rec(0x4FFF, b"", length=-8),
        Rec(STILL, b"x" * 15),
        Rec(STILL, struct.pack("<IIQ", 1, 77, 0)),
        Rec(0x4FFF, b"", length=20000),
        Rec(77, b""),
        Rec(0x6001, b""),
    ],
)
def test_every_byte_outside_the_sections_is_judged_before_it_is_read(stray: Rec, before: int) -> None:
    records = plan(sample())
    records.insert(at(records, before), stray)
    data = assemble(records)
    for read in (crfd.verify, crfd.open):
        with pytest.raises(crfd.FormatError):
            read(io.BytesIO(data))


def test_a_record_that_changed_after_it_was_judged_does_not_hang() -> None:
    """As it may where the image is mapped: whoever owns the file writes a length of -8."""
    for length in (-8, 1, 32767):
        with pytest.raises(crfd.FormatError, match="stays as it was"):
            list(split(memoryview(struct.pack("<hhI", STILL, length, 0))))


def test_a_refused_image_is_let_go_of_while_the_exception_is_kept() -> None:
    """An export that a traceback holds ends the interpreter when it is collected (CPython before 3.11.8, gh-77894)."""
    view = memoryview(EXTENDED[:-1])
    with pytest.raises(crfd.FormatError) as caught:
        ImageReader(view, None)
    view.release()
    assert caught.value.offset == len(EXTENDED) - 1


def test_the_offset_is_that_of_the_field() -> None:
    records = plan(sample())
    nth = at(records, FD_ENT, 2)
    records[nth].poke(12, "I", 1)
    with pytest.raises(crfd.FormatError) as caught:
        crfd.verify(io.BytesIO(assemble(records)))
    assert caught.value.offset == sum(len(record.raw()) for record in records[:nth]) + 8 + 12


def test_another_byte_order() -> None:
    with pytest.raises(crfd.FormatError, match="little-endian"):
        crfd.open(io.BytesIO(struct.pack(">hhI", 1, 224, 0) + EXTENDED[8:]))


@pytest.mark.parametrize("data", [b"\x7fELF" + bytes(500), b"hello\n", bytes(1000), b"\xff" * 1000])
def test_something_else(data: bytes) -> None:
    for read in (crfd.open, crfd.verify):
        with pytest.raises(crfd.FormatError) as caught:
            read(io.BytesIO(data))
        assert caught.value.offset in {0, len(data)}


def test_every_changed_byte_is_refused() -> None:
    for position in range(len(EXTENDED)):
        for change in (0x01, 0x02, 0x80, 0xFF):
            damaged = bytearray(EXTENDED)
            damaged[position] ^= change
            with pytest.raises(crfd.FormatError):
                crfd.verify(io.BytesIO(damaged))


@pytest.mark.parametrize("data", [EXTENDED, RFC], ids=["extended", "rfc"])
def test_every_truncation_is_refused(data: bytes) -> None:
    for size in range(len(data)):
        for read in (crfd.verify, crfd.open):
            with pytest.raises(crfd.FormatError) as caught:
                read(io.BytesIO(data[:size]))
            assert caught.value.offset == size
            assert "goes on" in caught.value.rule


def test_trailing_bytes_are_refused() -> None:
    for data in (EXTENDED, RFC):
        with pytest.raises(crfd.FormatError) as caught:
            crfd.open(io.BytesIO(data + b"\0"))
        assert (caught.value.offset, caught.value.found) == (len(data), "byte 0x00")
