# SPDX-License-Identifier: MIT
"""The whole tasks of a damaged image are read, for every cut and every changed byte, and the commands say what is lost."""

from __future__ import annotations

import errno
import io
import struct
from pathlib import Path

import pytest

import crfd
from crfd.cli.main import main
from tests.images import (
    EXTENDED,
    FD_ERROR,
    INDEX,
    RFC,
    SECTION_SUM,
    TASK,
    Fd,
    File,
    Task,
    assemble,
    at,
    image,
    plan,
    sample,
)
from tests.shown import parsed

FRAME = 256  # bytes of HEAD and IMAGE_INFO
Told = dict[int, list[tuple[int, bytes | None, bool | None]]]


def spans() -> list[tuple[int, int, int]]:
    """Return where each section of EXTENDED begins, its length, and its pid."""
    return [
        (*struct.unpack("<QQ", bytes(record.payload[start : start + 16])), number)
        for record in crfd.Image(EXTENDED).records()
        if record.type == INDEX
        for number, start in zip((100, 101, 102, 103), range(0, record.len, 40), strict=True)
    ]


def told(read: crfd.Image) -> Told:
    return {
        task.pid: [(fd, one.file.path if one.file else None, one.close_on_exec) for fd, one in task.fds.items()]
        for task in read
    }


def salvaged(data: bytes | bytearray) -> crfd.Image:
    found = crfd.open(io.BytesIO(data), salvage=True)
    crfd.verify(io.BytesIO(found.view))
    return found


def expected(kept: set[int]) -> Told:
    """Return what is told of the kept tasks. Where the first is lost, so is what it shares; so is a table with its first."""
    whole = told(crfd.Image(EXTENDED))
    found = {pid: list(fds) for pid, fds in whole.items() if pid in kept}
    for pid, carrier, fds in ((101, 101, [5]), (102, 101, [5])):
        if pid in kept and 100 not in kept:
            found[pid] = [(fd, None if fd in fds else path, cloexec) for fd, path, cloexec in found[pid]]
        if pid in kept and carrier not in kept:
            found[pid] = []
    return found


def test_a_correct_image_is_as_it_was() -> None:
    found = salvaged(EXTENDED)
    assert bytes(found.view) == EXTENDED
    assert (found.damage, found.lost, found.lost_files) == (None, (), 0)


def test_every_cut() -> None:
    for size in range(FRAME, len(EXTENDED)):
        found = salvaged(EXTENDED[:size])
        assert told(found) == expected({pid for start, length, pid in spans() if start + length <= size}), size
        assert found.damage is not None and found.damage.offset == size
        assert all(one.end == size for one in found.lost)


def test_every_changed_byte_loses_one_task_at_most() -> None:
    for offset in range(FRAME, len(EXTENDED)):
        data = bytearray(EXTENDED)
        data[offset] ^= 0x40
        found = salvaged(data)
        hit = {pid for start, length, pid in spans() if start <= offset < start + length}
        assert told(found) == expected({100, 101, 102, 103} - hit), offset
        assert found.damage is not None
        assert bool(hit) == any(one.offset <= offset < one.end for one in found.lost if hit), offset


@pytest.mark.parametrize("data", [EXTENDED[:100], b"", b"hello\n", RFC[:-1], b"\0" + EXTENDED[1:]])
def test_without_a_head_or_sums_nothing_says_what_is_whole(data: bytes) -> None:
    with pytest.raises(crfd.FormatError):
        crfd.open(io.BytesIO(data), salvage=True)


def test_a_descriptor_whose_description_is_lost_could_not_be_read() -> None:
    data = bytearray(EXTENDED)
    data[spans()[0][0] + 40] ^= 1
    found = salvaged(data)
    one = found.tasks[101].fds[5]
    assert (one.file, one.error and one.error.errno) == (None, errno.EIO)
    assert found.lost_files == 1


def test_sections_in_a_text_are_none() -> None:
    """The bytes of a whole image in fdinfo, and that task damaged: what is in the text is a task of nobody."""
    inner = image([Task(7, [Fd(0)])])
    records = plan([Task(1, [Fd(0, File(fdinfo=b"pos:\t0\n" + inner))]), Task(2, [Fd(0)])])
    assert list(salvaged(assemble(records)).tasks) == [1, 2]
    whole = assemble(records)
    damaged = whole.replace(b"pos:\t0\n", b"pos:\t1\n")
    found = salvaged(damaged)
    assert 2 in found.tasks
    assert 1 not in found.tasks


def test_a_pid_comes_once() -> None:
    records = plan([Task(1, [Fd(0)]), Task(2, [Fd(3)])])
    start, end = at(records, TASK), at(records, SECTION_SUM) + 1
    found = salvaged(assemble(records[:end] + records[start:end] + records[end:])[:-1])
    assert list(found.tasks) == [1, 2]


def test_errors_of_before_stay() -> None:
    assert any(record.type == FD_ERROR for record in plan(sample()))
    (one,) = [one for one in salvaged(EXTENDED[:-1]).tasks[100].fds.values() if one.error]
    assert (one.fd, one.error and one.error.errno) == (9, 13)


def test_commands_show_what_is_whole_and_say_what_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "torn.crfd"
    start, length, _ = spans()[0]
    path.write_bytes(EXTENDED[: start + length + 50])
    assert main(["show", str(path)]) == 1
    capsys.readouterr()
    assert main(["show", "--salvage", "--json", "--where", "kind == 'dir'", str(path)]) == 3
    out, err = capsys.readouterr()
    assert [row["fd"] for row in parsed(out)] == [2]
    assert err.splitlines() == [
        f"crfd: {path}: offset {start + length + 50}: STRING: the image goes on to the end of TAIL: "
        "expected 24 bytes, found 18 bytes",
        f"crfd: {path}: lost: offsets {start + length} to {start + length + 50}",
    ]
    for words in (["show", "--salvage", "--links"], ["show", "--salvage", "--pid", "100"], ["info", "--salvage"]):
        assert main([*words, str(path)]) == 3
    path.write_bytes(EXTENDED)
    assert main(["show", "--salvage", str(path)]) == 0
