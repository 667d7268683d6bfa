# SPDX-License-Identifier: MIT
"""Every rule of the format, broken alone in an image whose sums are right; and what is no image at all."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest

import crfd
from crfd._core.columns import ImageReader
from crfd.format.records import split
from tests import images
from tests.images import EXTENDED, RFC, Fd, Rec, Task, assemble, at, held, image, plan, sample

Break = Callable[[list[Rec]], None]


def poke(kind: int, offset: int, code: str, value: int, nth: int = 0) -> Break:
    return lambda records: records[at(records, kind, nth)].poke(offset, code, value)


def parent(kind: int, value: int) -> Break:
    return lambda records: setattr(records[at(records, kind)], "parent", value)


def payload(kind: int, value: bytes) -> Break:
    return lambda records: setattr(records[at(records, kind)], "payload", value)


def drop(kind: int) -> Break:
    return lambda records: records.__delitem__(at(records, kind))


def insert(record: Rec, before: int, nth: int = 0) -> Break:
    return lambda records: records.insert(at(records, before, nth), record)


def changed_held(offset: int, code: str, value: int) -> bytes:
    record = Rec(images.HELD, held())
    record.poke(offset, code, value)
    assert record.payload is not None
    return record.payload


def held_objref(objref: int) -> Rec:
    return Rec(images.HELD_OBJREF, struct.pack("<IiII", 100, 3, 0, objref))


def task_polls(threads: int, unread: int, err: int, pad: int = 0) -> Rec:
    return Rec(images.TASK_POLLS, struct.pack("<IIiI", threads, unread, err, pad), 100)


def polled(fd: int, tid: int, pad: int = 0) -> Rec:
    return Rec(images.POLLED, struct.pack("<iiII", fd, tid, 1, pad), 100)


BOTH = [
    ("TAIL.magic", poke(images.TAIL, 0, "Q", 1), "magic", "0x2d2a0cc0deef00", "0x1"),
    ("HEAD.magic", poke(images.HEAD, 0, "Q", 1), "magic", "0xfeed0cc0a2d200", "0x1"),
    ("HEAD.rev", poke(images.HEAD, 14, "H", 3), "rev", "2", "3"),
    ("HEAD.time", poke(images.HEAD, 16, "Q", 2**63), "range", "253370764799", str(-(2**63))),
    ("HEAD.time of the year 9999", poke(images.HEAD, 16, "Q", 253370764800), "range", "253370764799", "253370764800"),
    ("HEAD.flags without checkpoint", lambda r: r[0].poke(24, "Q", r[0].payload[24] & ~1), "flags", None, None),
    ("HEAD.flags unknown", lambda r: r[0].poke(24, "Q", r[0].payload[24] | 8), "flags", None, None),
    ("HEAD.release unterminated", poke(images.HEAD, 32 + 63, "B", 65), "padding", "0x0", "0x41"),
    ("HEAD.machine padding", poke(images.HEAD, 160 + 40, "B", 65), "padding", "0x0", "0x41"),
    ("HEAD.parent", parent(images.HEAD, 1), "parent", "0", "1"),
    ("HEAD twice", lambda r: r.insert(1, Rec(images.HEAD, r[0].payload)), "type", None, "HEAD (0x1)"),
    ("no HEAD", drop(images.HEAD), "type", "HEAD (0x1)", None),
    ("no TAIL", drop(images.TAIL), "goes on", "8 bytes", "0 bytes"),
    ("after TAIL", lambda r: r.append(Rec(images.TAIL, r[-1].payload)), "nothing follows", "the end", "byte 0x89"),
    ("TASK.comm_len", poke(images.TASK, 16, "i", 15), "comm_len", "16", "15"),
    ("TASK.pad", poke(images.TASK, 20, "I", 1), "padding", "0x0", "0x1"),
    ("TASK length", payload(images.TASK, bytes(28)), "length", "24 bytes", "28 bytes"),
    ("STRING length", payload(images.STRING, b"cat"), "length", "16 bytes", "3 bytes"),
    ("STRING padding", payload(images.STRING, b"cat\0x".ljust(16, b"\0")), "padding", "0x0", "0x78"),
    ("STRING missing", drop(images.STRING), "type", "STRING (0x2)", None),
    ("FILES.parent 0", parent(images.FILES, 0), "parent", None, "0"),
    ("FILES.parent negative", parent(images.FILES, 2**31), "parent", None, str(2**31)),
    ("too many entries", poke(images.FILES, 4, "I", 1), "nfds", "1", "2"),
    ("too few entries", poke(images.FILES, 4, "I", 9), "nfds", "9", None),
    ("table gap", poke(images.FILES, 0, "I", 2), "table", "1", "2"),
    ("table repeated with entries", poke(images.FILES, 4, "I", 1, nth=2), "table", "0", "1"),
    ("FD_ENT.parent", parent(images.FD_ENT, 1), "parent", "0", "1"),
    ("fd negative", poke(images.FD_ENT, 4, "i", -1), "ascending", "0", "-1"),
    ("fd twice", poke(images.FD_ENT, 4, "i", 0, nth=1), "ascending", "1", "0"),
    ("fds descending", poke(images.FD_ENT, 4, "i", 0, nth=2), "ascending", "2", "0"),
    ("close_on_exec", poke(images.FD_ENT, 8, "I", 2), "range", "1", "2"),
    ("FD_ENT.pad", poke(images.FD_ENT, 12, "I", 7), "padding", "0x0", "0x7"),
    ("objref gap", poke(images.FD_ENT, 0, "I", 3, nth=2), "objrefs", "2", "3"),
    ("objref 0 without FD_ERROR", poke(images.FD_ENT, 0, "I", 0, nth=1), "objrefs", "2", "0"),
    ("new objref without FD_DATA", poke(images.FD_ENT, 0, "I", 2, nth=1), "type", "FD_DATA (0x12f)", "FD_ENT (0x12e)"),
    ("old objref with FD_DATA", poke(images.FD_ENT, 0, "I", 1, nth=2), "type", None, "FD_DATA (0x12f)"),
    ("FD_DATA.parent", parent(images.FD_DATA, 2), "parent", "1", "2"),
    ("fd_type 0", poke(images.FD_DATA, 0, "H", 0), "fd_type", "1", "0"),
    ("fd_type 15", poke(images.FD_DATA, 0, "H", 15), "fd_type", "1", "15"),
    ("FNAME missing", drop(images.FNAME), "type", "FNAME (0x3)", None),
    ("FNAME.parent", parent(images.FNAME, 1), "parent", "0", "1"),
    ("FNAME without NUL", payload(images.FNAME, b"/x"), "NUL", "its NUL at byte 1", "at byte 2"),
    ("FNAME with two NULs", payload(images.FNAME, b"/x\0\0"), "NUL", "its NUL at byte 3", "at byte 2"),
    ("FNAME empty", payload(images.FNAME, b"\0"), "length", "2 bytes", "1 bytes"),
    ("FNAME too long", payload(images.FNAME, b"x" * 4096 + b"\0"), "length", "4096 bytes", "4097 bytes"),
    ("negative length", lambda r: setattr(r[at(r, images.FNAME)], "length", -1), "length", "2 bytes", "-1 bytes"),
    ("unknown type", insert(Rec(77, b""), images.TASK), "type", None, "type 0x4d"),
    ("negative type", insert(Rec(-5, b""), images.TASK), "type", None, None),
    ("critical", insert(Rec(0x6001, b""), images.TASK), "critical", "a known type", "type 0x6001"),
]  # fmt: skip

EXTENDED_ONLY = [
    ("no IMAGE_INFO", drop(images.IMAGE_INFO), "type", "IMAGE_INFO (0x4001)", "TASK (0x65)"),
    ("IMAGE_INFO.revision", poke(images.IMAGE_INFO, 0, "I", 2), "range", "1", "2"),
    ("IMAGE_INFO.backend", poke(images.IMAGE_INFO, 4, "H", 9), "range", "2", "9"),
    ("flags without extensions", poke(images.HEAD, 24, "Q", 1), "flags", "0x3", "0x1"),
    ("TASK_INFO missing", drop(images.TASK_INFO), "type", "TASK_INFO (0x4101)", None),
    ("TASK_INFO.pid", poke(images.TASK_INFO, 0, "I", 9), "parent", "100", "9"),
    ("TASK_INFO.parent", parent(images.TASK_INFO, 9), "parent", "9", "100"),
    ("TASK_INFO.identity", poke(images.TASK_INFO, 36, "I", 9), "range", "3", "9"),
    ("FILES of another pid", parent(images.FILES, 9), "parent", "100", "9"),
    ("FD_ERROR of another fd", poke(images.FD_ERROR, 0, "i", 8), "objrefs", None, "0"),
    ("FD_ERROR.fd", poke(images.FD_ERROR, 0, "i", -1), "ascending", "0", "-1"),
    ("FD_ERROR.err", poke(images.FD_ERROR, 4, "i", 0), "range", "1", "0"),
    ("FD_ERROR.step", poke(images.FD_ERROR, 8, "I", 99), "range", None, "99"),
    ("HELD.held 0", insert(Rec(images.HELD, held(by=0), 100), images.FILES), "range", "1", "0"),
    ("HELD.held 8", insert(Rec(images.HELD, held(by=8), 100), images.FILES), "range", "7", "8"),
    ("HELD.err", insert(Rec(images.HELD, changed_held(4, "i", -1), 100), images.FILES), "range", "0", "-1"),
    ("HELD.prot", insert(Rec(images.HELD, changed_held(8, "I", 16), 100), images.FILES), "range", "0", "16"),
    ("HELD.fd", insert(Rec(images.HELD, changed_held(24, "i", -2), 100), images.FILES), "range", "-1", "-2"),
    ("HELD.known", insert(Rec(images.HELD, held(known=1 << 30, path=b""), 100), images.FILES), "range", "0", str(1 << 30)),
    ("HELD.path", insert(Rec(images.HELD, held(path=b"/a\0b"), 100), images.FILES), "range", "1", "0"),
    ("TASK_EXE", payload(images.TASK_EXE, b"/a\0b"), "range", "1", "0"),
    ("TASK_CGROUP", insert(Rec(images.TASK_CGROUP, b"0::/\0\n", 100), images.FILES), "range", "1", "0"),
    ("HELD.flags", insert(Rec(images.HELD, changed_held(92, "I", 2), 100), images.FILES), "range", "0", "2"),
    ("HELD without its path", insert(Rec(images.HELD, held(path=b""), 100), images.FILES), "length", "97 bytes", "96 bytes"),
    ("HELD with a path it does not know", insert(Rec(images.HELD, held(known=0), 100), images.FILES),
     "length", "96 bytes", "114 bytes"),
    ("HELD.path with a NUL", insert(Rec(images.HELD, held(path=b"/a\0b"), 100), images.FILES), "range", "1", "0"),
    ("HELD.path too long", insert(Rec(images.HELD, held(path=b"x" * 4096), 100), images.FILES),
     "length", "4191 bytes", "4192 bytes"),
    ("HELD of another pid", insert(Rec(images.HELD, held(), 9), images.FILES), "parent", "100", "9"),
    ("HELD after FILES", insert(Rec(images.HELD, held(), 100), images.FD_ENT), "type", None, "HELD (0x4109)"),
    ("TASK_POLLS.unread", insert(task_polls(1, 2, 1), images.FILES), "range", "1", "2"),
    ("TASK_POLLS.err without a thread", insert(task_polls(1, 0, 1), images.FILES), "range", "0", "1"),
    ("TASK_POLLS.err missing", insert(task_polls(1, 1, 0), images.FILES), "range", "1", "0"),
    ("TASK_POLLS.err", insert(task_polls(1, 1, -1), images.FILES), "range", "1", "-1"),
    ("TASK_POLLS.pad", insert(task_polls(1, 0, 0, 1), images.FILES), "padding", "0x0", "0x1"),
    ("POLLED.fd", insert(polled(-1, 5), images.FILES), "ascending", "0", "-1"),
    ("POLLED.tid", insert(polled(0, 0), images.FILES), "range", "1", "0"),
    ("POLLED.pad", insert(polled(0, 5, 1), images.FILES), "padding", "0x0", "0x1"),
    ("POLLED length", insert(Rec(images.POLLED, bytes(32), 100), images.FILES), "length", "16 bytes", "32 bytes"),
    ("POLLEDs descending", lambda r: [insert(polled(fd, 5), images.FILES)(r) for fd in (3, 2)], "ascending", "3", "2"),
    ("FD_STAT missing", drop(images.FD_STAT), "type", "FD_STAT (0x4201)", None),
    ("FD_STAT.parent", parent(images.FD_STAT, 3), "parent", "1", "3"),
    ("FD_STAT.known", poke(images.FD_STAT, 0, "I", 1 << 30), "range", "0", str(1 << 30)),
    ("FD_STAT.f_mode", poke(images.FD_STAT, 4, "I", 1), "range", None, "1"),
    ("FD_STAT.flags", poke(images.FD_STAT, 60, "I", 2), "range", "0", "2"),
    ("FDINFO before FD_STAT", insert(Rec(images.FDINFO, b"x", 1), images.FD_STAT),
     "type", "FD_STAT (0x4201)", "FDINFO (0x4202)"),
    ("EVENTFD.pad", insert(Rec(0x4209, struct.pack("<QIIII", 3, 0, 0, 0, 1), 4), images.FDINFO), "padding", "0x0", "0x1"),
    ("LOCK length", insert(Rec(0x4204, bytes(33), 4), images.FDINFO), "length", "32 bytes", "33 bytes"),
    ("FDINFO of another objref", parent(images.FDINFO, 1), "parent", "4", "1"),
    ("FDINFO empty", payload(images.FDINFO, b""), "length", "1 bytes", "0 bytes"),
    ("task record after FILES", insert(Rec(0x4103, b"x", 100), images.FD_ENT), "type", None, "TASK_EXE (0x4103)"),
    ("no SECTION_SUM", drop(images.SECTION_SUM), "type", "SECTION_SUM (0x4002)", "TASK (0x65)"),
    ("SECTION_SUM twice", lambda r: r.insert(at(r, images.SECTION_SUM), Rec(images.SECTION_SUM)), "type", None, None),
    ("no INDEX", drop(images.INDEX), "index", None, None),
    ("INDEX length", lambda r: setattr(r[at(r, images.INDEX)], "payload", bytes(41)), "length", "40 bytes", "41 bytes"),
    ("INDEX of something else", lambda r: setattr(r[at(r, images.INDEX)], "payload", bytes(160)), "index", None, None),
    ("INDEX too short", lambda r: setattr(r[at(r, images.INDEX)], "payload", bytes(40)), "index", "0x4", "0x1"),
    ("no IMAGE_SUM", drop(images.IMAGE_SUM), "type", None, "TAIL (0x1389)"),
    ("TASK after STILL", insert(Rec(images.STILL, bytes(16)), images.TASK, 1), "type", None, "TASK (0x65)"),
    ("TASK after LOCK_WAIT", insert(Rec(images.LOCK_WAIT, bytes(80)), images.TASK, 1), "type", None, "TASK (0x65)"),
    ("LOCK_WAIT.pid", insert(Rec(images.LOCK_WAIT, struct.pack("<ii72x", -2, 1)), images.INDEX), "range", "-1", "-2"),
    ("LOCK_WAIT.holder", insert(Rec(images.LOCK_WAIT, struct.pack("<ii72x", 1, -2)), images.INDEX), "range", "-1", "-2"),
    ("LOCK_WAIT length", insert(Rec(images.LOCK_WAIT, bytes(79)), images.INDEX), "length", "80 bytes", "79 bytes"),
    ("TASK after HELD_OBJREF", insert(held_objref(1), images.TASK, 1), "type", None, "TASK (0x65)"),
    ("HELD_OBJREF.objref none", insert(held_objref(0), images.INDEX), "range", "1", "0"),
    ("HELD_OBJREF.objref undefined", insert(held_objref(99), images.INDEX), "range", None, "99"),
    ("HELD_OBJREF length", insert(Rec(images.HELD_OBJREF, bytes(15)), images.INDEX), "length", "16 bytes", "15 bytes"),
    ("STILL.how", insert(Rec(images.STILL, struct.pack("<IIQ", 1, 9, 0)), images.INDEX), "range", "2", "9"),
]  # fmt: skip

RFC_ONLY = [
    ("fd_type of our own", poke(images.FD_DATA, 0, "H", 23), "fd_type", "1", "23"),
    ("an extension", insert(Rec(0x4103, b"x", 100), images.FILES), "flags", "0x3", "0x1"),
    ("an unknown extension", insert(Rec(0x5000, b"x"), images.TASK), "flags", "0x3", "0x1"),
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
    """A pid has one section, for of two one could not be asked for."""
    data = image([Task(pid, [Fd(0)]) for pid in pids], rfc=rfc)
    for read in (crfd.verify, crfd.open):
        with pytest.raises(crfd.FormatError, match="one section a pid: expected another pid") as caught:
            read(io.BytesIO(data))
        assert data[caught.value.offset :].startswith(struct.pack("<hhI", images.TASK, 24, 0))
        assert caught.value.offset > data.index(struct.pack("<hhI", images.TASK, 24, 0))


def test_pids_need_not_ascend() -> None:
    assert list(crfd.Image(image([Task(pid) for pid in (9, 3, 7)])).tasks) == [9, 3, 7]


@pytest.mark.parametrize("before", [images.TASK, images.INDEX])
@pytest.mark.parametrize(
    "stray",
    [
        Rec(images.STILL, b"", length=-8),  # whoever adds it to where he is stays there
        Rec(0x4FFF, b"", length=-8),
        Rec(images.STILL, b"x" * 15),
        Rec(images.STILL, struct.pack("<IIQ", 1, 77, 0)),
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
    """The owner of a mapped file may write a length of -8 meanwhile."""
    for length in (-8, 1, 32767):
        with pytest.raises(crfd.FormatError, match="stays as it was"):
            list(split(memoryview(struct.pack("<hhI", images.STILL, length, 0))))


def test_a_refused_image_is_let_go_of_while_the_exception_is_kept() -> None:
    """An export that a traceback holds ends the interpreter when it is collected (CPython before 3.11.8, gh-77894)."""
    view = memoryview(EXTENDED[:-1])
    with pytest.raises(crfd.FormatError) as caught:
        ImageReader(view, None)
    view.release()
    assert caught.value.offset == len(EXTENDED) - 1


def test_the_offset_is_that_of_the_field() -> None:
    records = plan(sample())
    nth = at(records, images.FD_ENT, 2)
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
