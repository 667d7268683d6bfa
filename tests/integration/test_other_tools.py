# SPDX-License-Identifier: MIT
"""The same descriptors as psutil and lsfd see, where they can see."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import psutil

import crfd
from tests import mkfds

Need = Callable[[str], None]
KINDS = ("regular", "directory", "dups", "pipe", "eventfd", "epoll", "unix_connected", "tcp4", "chr", "renamed")


def test_psutil_sees_the_same_regular_files(backend: str) -> None:
    with mkfds.spawn(*KINDS) as holder:
        task = crfd.scan(holder.pid, backend=backend)
        theirs = {one.fd: one for one in psutil.Process(holder.pid).open_files()}
    assert theirs
    for fd, one in theirs.items():
        file = task.fds[fd].file
        assert file is not None
        assert file.kind is crfd.Kind.FILE
        assert (file.path, file.f_pos) == (one.path.encode(), one.position)
        assert file.f_flags == one.flags & ~0o2000000  # psutil keeps O_CLOEXEC among the flags


def test_lsfd_sees_the_same_descriptors(backend: str, need: Need) -> None:
    need("lsfd")
    columns = "FD,TYPE,POS,INODE,MNTID,MAJ:MIN,FLAGS,DELETED"
    with mkfds.spawn(*KINDS) as holder:
        task = crfd.scan(holder.pid, backend=backend)
        command = ["lsfd", "-n", "-J", "-p", str(holder.pid), "-o", columns, "-Q", "FD >= 0"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    theirs = {row["fd"]: row for row in json.loads(done.stdout)["lsfd"]}
    assert theirs.keys() == task.fds.keys()
    for fd, row in theirs.items():
        entry = task.fds[fd]
        assert entry.file is not None
        assert (entry.file.f_pos, entry.file.ino, entry.file.mnt_id) == (row["pos"], row["inode"], row["mntid"]), row
        assert entry.file.deleted == row["deleted"], row
        assert ("cloexec" in (row["flags"] or "").split(",")) == entry.close_on_exec, row
