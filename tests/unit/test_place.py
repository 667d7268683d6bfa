# SPDX-License-Identifier: MIT
"""Output names: what others planted is not followed and not written to, and links that only the kernel can follow are."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import crfd
from crfd.image import place
from crfd.image.sink import FileSink, open_sink
from crfd.image.writer import ImageWriter
from tests.procs import CRFD, GONE, Need, opened, run

OTHER = 65534
OLD = b"the old image"


@pytest.fixture
def shared(tmp_path: Path, need: Need) -> Path:
    """A folder as /tmp is. Its owner is neither we nor the one who plants things."""
    need("root")
    folder = tmp_path / "shared"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    folder.chmod(0o1777)
    return folder


def put(path: str | bytes | Path) -> None:
    sink = open_sink(path)
    try:
        sink.write(memoryview(b"new"))
    except BaseException:
        sink.abort()
        raise
    sink.commit()


def link(path: Path, target: str | Path, owner: int) -> Path:
    path.symlink_to(target)
    os.chown(path, owner, owner, follow_symlinks=False)
    return path


PLANTED: dict[str, Callable[[Path, Path], Path]] = {
    "a link to a file": lambda shared, ours: link(shared / "out", ours / "file", OTHER),
    "a link to nothing": lambda shared, ours: link(shared / "out", ours / "new", OTHER),
    "a link to a device": lambda shared, ours: link(shared / "out", "/dev/null", OTHER),
    "a link to a folder on the way": lambda shared, ours: link(shared / "out", ours, OTHER) / "file",
    "a link behind a link of ours": lambda shared, ours: link(
        ours / "ours", link(shared / "out", ours / "file", OTHER), 0
    ),
    "a link in a folder on the way": lambda shared, ours: link(shared / "out", "..", OTHER) / "ours" / "file",
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_what_another_user_planted_is_not_followed(
    plant: Callable[[Path, Path], Path], shared: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "file").write_bytes(OLD)
    path = plant(shared, ours)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(PermissionError, match="another user's") as caught:
        put(path)
    assert caught.value.filename == str(path)
    assert (ours / "file").read_bytes() == OLD
    assert not (ours / "new").exists()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_planted_pipe_gets_nothing(shared: Path) -> None:
    path = shared / "out"
    os.mkfifo(path, 0o666)
    os.chown(path, OTHER, OTHER)
    with opened(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as (reader,):  # or else whoever opens it for writing waits
        with pytest.raises(PermissionError, match="another user's"):
            put(path)
        done = run("dump", os.getpid(), "-o", path)
        assert done.returncode == 1
        assert "another user's" in done.stderr
        assert os.read(reader, 100) == b""


def test_a_planted_file_is_not_written_and_not_replaced(shared: Path) -> None:
    path = shared / "out"
    path.write_bytes(OLD)
    os.chown(path, OTHER, OTHER)
    with pytest.raises(PermissionError, match="another user's"):
        put(path)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("owner", [0, 12345])
def test_our_own_and_the_folder_owners_are_followed(owner: int, shared: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    put(link(shared / "out", tmp_path / "file", owner))
    assert (shared / "out").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_link_that_comes_between_is_replaced_and_not_followed(shared: Path, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(OLD)
    sink = open_sink(shared / "out")
    sink.write(memoryview(b"new"))
    link(shared / "out", target, OTHER)
    sink.commit()
    assert target.read_bytes() == OLD
    assert not (shared / "out").is_symlink()
    assert (shared / "out").read_bytes() == b"new"


def test_a_folder_that_is_moved_meanwhile_is_still_the_one(tmp_path: Path) -> None:
    """The folder is moved by who may write to the one around it: the image goes where it was judged to go."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sink = open_sink(tmp_path / "a" / "out")
    sink.write(memoryview(b"new"))
    (tmp_path / "a").rename(tmp_path / "moved")
    (tmp_path / "a").symlink_to(tmp_path / "b")
    sink.commit()
    assert os.listdir(tmp_path / "b") == []
    assert (tmp_path / "moved" / "out").read_bytes() == b"new"


def test_a_pipe_that_becomes_another_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out")
    found = place.find(str(tmp_path / "out"))
    with opened(found.folder):
        (tmp_path / "out").unlink()
        (tmp_path / "out").write_bytes(OLD)
        with pytest.raises(FileExistsError):
            found.open()
        assert (tmp_path / "out").read_bytes() == OLD


def test_paths_lead_where_the_kernel_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "up").symlink_to("a/b/../..")
    (tmp_path / "all").symlink_to(tmp_path / "a")
    for name in ("x1", "./x2", "a//b/x3", "a/../x4", "up/x5", "all/b/x6", f"{tmp_path}/x7", "/proc/self/cwd/x8"):
        put(name)
        assert Path(name).read_bytes() == b"new"
    put(os.fsencode(tmp_path) + b"/x\xff")
    put("\N{WATCH}" * 85)  # 255 bytes
    assert {name for name in os.listdir() if name.startswith(".")} == set()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", errno.ENOENT),
        ("no/file", errno.ENOENT),
        ("new/", errno.ENOENT),
        ("file/x", errno.ENOTDIR),
        ("folder", errno.EISDIR),
        ("folder/", errno.EISDIR),
        ("folder/..", errno.EISDIR),
        ("/", errno.EISDIR),
        ("round", errno.ELOOP),
        ("x" * 256, errno.ENAMETOOLONG),
    ],
)
def test_paths_that_lead_nowhere(path: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "round").symlink_to("round")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as caught:
        put(path)
    assert (caught.value.errno, caught.value.filename) == (code, path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_kernels_own_links_are_followed_by_the_kernel(tmp_path: Path) -> None:
    """/dev/stdout and >(command) are links to open files, whose text is no path."""
    read, write = os.pipe()
    got = []
    reader = threading.Thread(target=lambda: got.append(os.read(read, 100)))
    reader.start()
    put(f"/dev/fd/{write}")
    reader.join()
    assert got == [b"new"]
    os.close(read)
    os.close(write)
    command = ["bash", "-c", '"$@" dump -q -o >(cat >"$OUT"; echo >"$OUT.done") $$; wait', "sh", *CRFD]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, "OUT": str(tmp_path / "out")})
    assert crfd.verify(tmp_path / "out").tasks == 1
    with (tmp_path / "gone").open("w+b") as stream:
        (tmp_path / "gone").unlink()
        put(f"/proc/self/fd/{stream.fileno()}")
        assert stream.read() == b"new"
    assert not (tmp_path / "gone (deleted)").exists()


def test_without_proc_a_hidden_name_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    sink = open_sink(tmp_path / "out")
    assert isinstance(sink, FileSink)
    assert [name[:6] for name in os.listdir(tmp_path)] == [".crfd-"]
    sink.write(memoryview(b"new"))
    sink.commit()
    assert os.listdir(tmp_path) == ["out"]


# ---- a stream to which nothing was to be written ----


@pytest.mark.parametrize("before", [b"", b"earlier\n"])
@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_what_is_given_up_is_taken_out_of_a_redirected_file(tmp_path: Path, mode: str, before: bytes) -> None:
    path = tmp_path / "out"
    if mode == "ab":
        path.write_bytes(before)
    with path.open(mode) as stream:
        if mode == "wb":
            stream.write(before)
            stream.flush()
        saved = os.dup(1)
        os.dup2(stream.fileno(), 1)
        try:
            with pytest.raises(ZeroDivisionError), ImageWriter("-") as writer:
                writer._put(memoryview(b"some of an image"))
                assert path.stat().st_size > len(before)
                raise ZeroDivisionError
        finally:
            os.dup2(saved, 1)
            os.close(saved)
        stream.write(b"later")
    assert path.read_bytes() == before + b"later"


def test_a_dump_of_nobody_writes_nothing(tmp_path: Path) -> None:
    for redirect, left in ((">", b""), (">>", b"earlier")):
        (tmp_path / "f").write_bytes(b"earlier")
        shell = ("sh", "-c", f'out=$1; shift; "$@" {redirect}"$out"', "sh", str(tmp_path / "f"))
        done = run("dump", GONE, before=shell)
        assert done.returncode == 1
        assert (tmp_path / "f").read_bytes() == left
    done = run("dump", GONE)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_refused_process_leaves_nothing(tmp_path: Path, nobody: tuple[str, ...]) -> None:
    with (tmp_path / "f").open("wb") as out:
        done = run("dump", os.getpid(), before=nobody, stdout=out)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
    assert (tmp_path / "f").stat().st_size == 0


def test_an_image_is_for_its_owner_alone(tmp_path: Path) -> None:
    put(tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
