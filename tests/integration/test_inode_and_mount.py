# SPDX-License-Identifier: MIT
"""The owner of a file, who need not have opened it, its mount, and the kernel's own tasks."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import crfd
from tests.facts import scan
from tests.procs import Need, opened, running, said
from tests.shown import objects

_OPENS = """
import os, sys
os.setresgid(33, 33, 33)
os.setresuid(44, 44, 44)
fd = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
print(fd, flush=True)
sys.stdin.read()
"""


def rows_of(pid: int, backend: str, *columns: str) -> dict[int, dict[str, object]]:
    image = io.BytesIO()
    crfd.dump(pid, image, backend=backend)
    return {row["fd"]: row for row in objects(image.getvalue(), "fd", *columns)}


def test_the_owner_is_not_the_opener(backend: str, need: Need) -> None:
    need("root")
    path = Path("/var/tmp/crfd-owned")
    path.touch(0o644)
    os.chown(path, 11, 22)
    try:
        with running(_OPENS, str(path)) as process:
            fd = int(said(process))
            file = scan(process.pid, backend)[fd]
            row = rows_of(process.pid, backend, "st_uid", "st_gid", "f_uid", "f_gid")[fd]
    finally:
        path.unlink()
    opener = (44, 33) if backend == "bpf" else (None, None)
    assert (file.st_uid, file.st_gid) == (11, 22)
    assert (row["st_uid"], row["st_gid"], row["f_uid"], row["f_gid"]) == (11, 22, *opener)


def test_a_pipe_and_a_socket_have_owners(backend: str, need: Need) -> None:
    need("pidfd_getfd")
    with opened(*os.pipe()) as (read, _):
        assert scan(os.getpid(), backend)[read].st_uid == os.fstat(read).st_uid


@pytest.fixture
def mounted(tmp_path: Path, need: Need) -> Iterator[Path]:
    need("CAP_SYS_ADMIN")
    need("mount")
    subprocess.run(["mount", "-t", "tmpfs", "an odd\\source", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def test_what_a_mount_is(backend: str, mounted: Path) -> None:
    with opened(os.open(mounted, os.O_RDONLY)) as (fd,):
        task = crfd.scan(os.getpid(), backend=backend)
        file = task.fds[fd].file
        row = rows_of(os.getpid(), backend, "fs_type", "source")[fd]
    assert file is not None
    assert file.mnt_id is not None
    found = task.mounts[file.mnt_id]
    assert (found.mnt_id, found.dev, found.type, found.source) == (
        file.mnt_id,
        file.dev,
        b"tmpfs",
        b"an odd\\source",
    )
    assert (row["fs_type"], row["source"]) == ("tmpfs", "an odd\\source")


_SHARES = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = libc.syscall(int(sys.argv[1]), 0x400 | 17, 0, 0, 0, 0)  # CLONE_FILES | SIGCHLD
if not pid:
    sys.stdin.read()
    os._exit(0)
print('ready', flush=True)
print(pid, flush=True)
sys.stdin.read()
"""


def test_a_mount_is_told_of_who_shares_the_table(backend: str, need: Need) -> None:
    from tests.fdkinds import syscalls

    need("kcmp")
    with running(_SHARES, str(syscalls._NUMBERS["clone"])) as process:
        other = int(said(process))
        image = io.BytesIO()
        crfd.dump([process.pid, other], image, backend=backend)
        rows = objects(image.getvalue(), "pid", "fd", "path", "source")
        named = {
            pid: {row["source"] for row in rows if row["pid"] == pid and row["fd"] == 2} for pid in (process.pid, other)
        }
    assert named[process.pid] == named[other]


def test_a_thread_of_the_kernel_is_marked(backend: str, need: Need) -> None:
    need("root")
    kernel = next(pid for pid in range(2, 40) if _is_kernel(pid))
    assert crfd.scan(kernel, backend=backend).is_kernel is True
    assert crfd.scan(os.getpid(), backend=backend).is_kernel is False


def _is_kernel(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/exe") == "" or not Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return Path(f"/proc/{pid}/cmdline").exists() and not Path(f"/proc/{pid}/cmdline").read_bytes()
