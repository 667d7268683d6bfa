# SPDX-License-Identifier: MIT
"""Many tasks that are walked in one go, of which one fills the memory between the kernel and us to the last record."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import crfd
from tests.procs import Need

TASKS = 70  # more than are listed one by one (csrc/scan_bpf/backend.c)
ROOM, RECORD = 1 << 18, 120  # bytes: WALK_ROOM of csrc/bpf/walk.h, and the record of a file in a known directory


@pytest.fixture
def children(tmp_path: Path) -> Iterator[list[int]]:
    """Processes that have one file, each in the directory where we have ours."""
    file = os.open(tmp_path / "file", os.O_CREAT, 0o600)
    pids: list[int] = []
    for _ in range(TASKS):
        pid = os.fork()
        if not pid:
            os.closerange(0, file)
            os.closerange(file + 1, 4096)
            signal.pause()
            os._exit(0)
        pids.append(pid)
    os.close(file)
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def room_for_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("room_for_descriptors")
def test_a_directory_of_the_read_before_names_nothing(need: Need, children: list[int], tmp_path: Path) -> None:
    """A read that has room for the last record of a task and no more makes the next one begin with the end of that task."""
    need("backend bpf")
    ours = os.open(tmp_path / "ours", os.O_CREAT, 0o600)
    held = [os.dup(ours) for _ in range(ROOM // RECORD)]
    try:
        while len(held) > ROOM // RECORD - 60:
            with crfd.snapshot([os.getpid(), *children], backend="bpf") as image:
                paths = {entry.file and entry.file.path for pid in children for entry in image.tasks[pid].fds.values()}
            assert paths == {os.fsencode(tmp_path / "file")}
            os.close(held.pop())
    finally:
        for fd in (*held, ours):
            os.close(fd)
