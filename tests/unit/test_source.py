# SPDX-License-Identifier: MIT
"""An image comes from a path, a file object, a pipe or standard input, and may change while it is read."""

from __future__ import annotations

import gzip
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import crfd
from crfd.image.source import CHUNK, FileBytes
from tests.images import (
    EXTENDED,
    Fd,
    File,
    Task,
    image,
)


def test_open_path_and_file_object(tmp_path: Path) -> None:
    path = tmp_path / "x.crfd"
    path.write_bytes(EXTENDED)
    with crfd.open(path) as read, path.open("rb") as stream, crfd.open(stream) as again:
        assert read.tasks[100].fds == again.tasks[100].fds
    assert crfd.verify(path) == crfd.verify(io.BytesIO(EXTENDED)) == crfd.Verified(4, 9, 6, len(EXTENDED))


READS = pytest.mark.parametrize("read", [crfd.verify, lambda source: crfd.open(source).columns()])


@READS
@pytest.mark.parametrize("blocking", [True, False])
def test_a_pipe(read: Callable[[io.FileIO], object], blocking: bool) -> None:
    out, into = os.pipe()
    os.set_blocking(out, blocking)

    def write() -> None:
        for i in range(0, len(EXTENDED), 7):
            os.write(into, EXTENDED[i : i + 7])
        os.close(into)

    writer = threading.Timer(0 if blocking else 0.05, write)
    with open(out, "rb", buffering=0) as stream:
        writer.start()
        assert read(stream)
        writer.join()


@READS
@pytest.mark.timeout(20)
def test_what_is_no_image_need_not_end(read: Callable[[io.FileIO], object]) -> None:
    out, into = os.pipe()
    os.write(into, bytes(4096))
    with open(out, "rb", buffering=0) as stream, pytest.raises(crfd.FormatError, match="expected HEAD"):
        read(stream)
    os.close(into)


@READS
def test_a_file_object_with_the_number_of_another_file(tmp_path: Path, read: Callable[[gzip.GzipFile], object]) -> None:
    with gzip.open(tmp_path / "x.crfd.gz", "wb") as out:
        out.write(EXTENDED)
    with gzip.open(tmp_path / "x.crfd.gz") as stream:
        assert read(stream)


@pytest.mark.parametrize("salvage", [False, True])
def test_holes_of_a_file_take_no_memory(tmp_path: Path, salvage: bool) -> None:
    path = tmp_path / "x.crfd"
    path.write_bytes(EXTENDED)
    os.truncate(path, 1 << 42)
    with pytest.raises(crfd.FormatError, match=f"offset {len(EXTENDED)}: nothing follows TAIL"):
        crfd.open(path, salvage=salvage)


def test_what_was_judged_because_of_its_holes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crfd.image.source, "_HOLLOW", 0)
    path = tmp_path / "x.crfd"
    path.write_bytes(EXTENDED)
    with path.open("rb") as stream:
        for _ in range(2):
            assert len(crfd.open(stream).tasks) == 4


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
    """The owner of the file must not end the process that reads it (SIGBUS, mmap(2))."""
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


def test_a_survey_is_the_same_in_pieces_that_cut_records_and_keeps_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crfd.image.source.PIECE", 61)
    path = tmp_path / "image"
    data = image([Task(pid, [Fd(fd, File(b"/" + b"x" * 4000)) for fd in range(100)]) for pid in range(1, 11)])
    path.write_bytes(data)
    with crfd.open(path) as read, crfd.Image(data) as whole:
        assert read.survey().totals() == whole.survey().totals()
        assert [*read.survey().tasks()] == [*whole.survey().tasks()]
        assert read.survey().totals()[:2] == (10, 1000)
        assert isinstance(read._bytes, FileBytes)
        assert sum(read._bytes._there) * CHUNK < read.size / 4


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
