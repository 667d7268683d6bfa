# SPDX-License-Identifier: MIT
"""Images that an encoder of their own made, read back: what was written is what is read."""

from __future__ import annotations

import gc
import io
import os
import struct
import sys

import pytest

import crfd
from crfd._core import declarations
from crfd.analysis.top import by_process
from crfd.format.records import RecordType
from tests.images import (
    EXTENDED,
    FDINFO,
    FILES,
    FNAME,
    HEAD,
    HELD,
    INDEX,
    RFC,
    SECTION_SUM,
    STILL,
    TASK,
    TASK_INFO,
    Fd,
    File,
    Rec,
    Task,
    assemble,
    at,
    crc32c,
    head,
    held,
    image,
    plan,
    sample,
)
from tests.procs import run


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
    shown = run("show", "--columns", "flags", "--no-header", "-", input=data, text=False, check=True)
    assert shown.stdout.decode().split() == [f"O_RDWR|{name}" for name in names]


def test_held_files() -> None:
    records = plan(sample())
    for payload in (held(deleted=True), held(by=1, known=0, path=b"")):
        records.insert(at(records, FILES), Rec(HELD, payload, 100))
    mapped, cwd = crfd.Image(assemble(records)).tasks[100].held
    assert mapped == crfd.Held(
        crfd.HeldBy.MAP, crfd.Kind.FILE, b"/usr/lib/libc.so.6", True, 0x801, 4711, 29, 0o100755, 0, 1, 1234, 1, "r-xs", 2,
        8192, None, None, None, None,
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
    for kind, parent in ((INDEX, 0), (SECTION_SUM, 1), (FILES, 7), (TASK, 0)):
        records.insert(at(records, kind), Rec(0x5FFF, b"later", parent))
    data = assemble(records)
    assert crfd.verify(io.BytesIO(data)).fds == 1
    task = crfd.Image(data).tasks[7]
    assert task.fds[0].file is not None
    assert task.fds[0].file.extensions == ((0x5FFF, b"later"),)
    assert (0x5FFF, b"later") in task.extensions
    assert len(crfd.Image(data).columns().fds) == 1


def test_still() -> None:
    records = plan([Task(7, [Fd(0)])])
    records.insert(at(records, INDEX), Rec(STILL, struct.pack("<IIQ", 7, 1, 12345)))
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


@pytest.mark.parametrize(
    ("soft", "full"), [(2**63 - 1, 1 / (2**63 - 1)), (2**63, None), (2**64 - 2, None), (2**64 - 1, None)]
)
def test_a_limit_that_no_number_with_a_sign_holds_is_none(soft: int, full: float | None) -> None:
    records = plan([Task(100, [Fd(0)])])
    info = records[at(records, TASK_INFO)]
    assert info.payload
    info.payload = info.payload[:-16] + struct.pack("<QQ", soft, soft)
    (one,) = by_process(memoryview(assemble(records)))
    assert one.full == full
