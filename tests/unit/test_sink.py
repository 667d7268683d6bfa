# SPDX-License-Identifier: MIT
"""Sinks take all of an image or leave nothing, and their errors name the destination."""

from __future__ import annotations

import errno
import io
import os
import pty
import stat
from pathlib import Path

import pytest

from crfd import CrfdError
from crfd.image.sink import SYNC_AFTER, open_sink
from tests.procs import opened

OLD = b"the old image"


def test_a_file_appears_only_on_commit(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(OLD)
    sink = open_sink(path)
    sink.write(memoryview(b"new"))
    assert path.read_bytes() == OLD
    sink.commit()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["image"]


def test_without_o_tmpfile_a_hidden_name_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "O_TMPFILE", 0)  # then the folder cannot be opened for writing: EISDIR, as on old kernels
    path = tmp_path / "image"
    for finish, left in (("abort", []), ("commit", ["image"])):
        sink = open_sink(path)
        assert [name.startswith(".crfd-") for name in os.listdir(tmp_path)] == [True]
        sink.write(memoryview(b"new"))
        getattr(sink, finish)()
        assert os.listdir(tmp_path) == left
    assert path.read_bytes() == b"new"


def test_abort_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(OLD)
    sink = open_sink(path)
    sink.write(memoryview(b"new"))
    sink.abort()
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["image"]


def test_a_large_file_is_synced_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(os.fstat(fd).st_size))
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(-1))
    sink = open_sink(tmp_path / "image")
    sink.write(memoryview(bytes(SYNC_AFTER - 1)))
    sink.write(memoryview(b"xy"))
    sink.commit()
    assert synced[:2] == [SYNC_AFTER + 1, -1]
    assert (tmp_path / "image").stat().st_size == SYNC_AFTER + 1


@pytest.mark.parametrize("finish", ["write", "commit"])
def test_what_a_sync_meets_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finish: str) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fail)
    piece = memoryview(bytes(SYNC_AFTER))
    path = tmp_path / "image"
    path.write_bytes(OLD)
    before = len(os.listdir("/proc/self/fd"))
    sink = open_sink(path)
    sink.write(piece)
    with pytest.raises(OSError) as e:
        if finish == "commit":
            sink.commit()
        for _ in range(100):
            sink.write(piece)
    if finish == "write":
        sink.abort()
    assert (e.value.errno, e.value.filename) == (errno.EIO, str(path))
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["image"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_interrupt_at_the_end_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(fd: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "O_TMPFILE", 0)
    monkeypatch.setattr(os, "fsync", interrupt)
    before = len(os.listdir("/proc/self/fd"))
    sink = open_sink(tmp_path / "image")
    sink.write(memoryview(b"new"))
    with pytest.raises(KeyboardInterrupt):
        sink.commit()
    assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(OLD)
    (tmp_path / "link").symlink_to("real")
    sink = open_sink(tmp_path / "link")
    sink.write(memoryview(b"new"))
    sink.commit()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_and_not_replaced() -> None:
    before = os.stat("/dev/null").st_rdev
    sink = open_sink("/dev/null")
    sink.write(memoryview(b"x"))
    sink.commit()
    assert os.stat("/dev/null").st_rdev == before


def test_a_full_disk_is_an_error_that_names_it() -> None:
    sink = open_sink("/dev/full")
    with pytest.raises(OSError) as e:
        sink.write(memoryview(b"x"))
    sink.abort()
    assert (e.value.errno, e.value.filename) == (errno.ENOSPC, "/dev/full")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as e:
        open_sink(tmp_path / "no" / "image")
    assert e.value.filename == str(tmp_path / "no" / "image")


def test_a_terminal_is_refused() -> None:
    with opened(*pty.openpty()) as (_, slave):
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(CrfdError, match="is a terminal"):
            open_sink(os.ttyname(slave))
        with open(slave, "wb", closefd=False) as stream, pytest.raises(CrfdError, match="is a terminal"):
            open_sink(stream)
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_closed_pipe_is_an_error() -> None:
    r, w = os.pipe()
    os.close(r)
    with open(w, "wb", buffering=0) as stream:
        sink = open_sink(stream)
        with pytest.raises(BrokenPipeError):
            sink.write(memoryview(b"x"))


def test_a_stream_that_takes_a_little_at_a_time_gets_everything() -> None:
    class Slow(io.RawIOBase):
        taken = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.taken += bytes(memoryview(data)[:3])  # type: ignore[arg-type]
            return min(3, len(memoryview(data)))  # type: ignore[arg-type]

    slow = Slow()
    sink = open_sink(slow)
    sink.write(memoryview(b"0123456789"))
    sink.commit()
    assert slow.taken == b"0123456789"
