# SPDX-License-Identifier: MIT
"""Slots that change their file all the time, which comes to lie where the one before it was: every record is one file's."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path

import crfd
from crfd.kinds.event import Eventfd
from crfd.kinds.pipe import Pipe
from tests.procs import Need, running

STABLE = 500
SLOTS = 8
SCANS = 400 if os.environ.get("CRFD_STRESS") == "1" else 60

# Each of the kinds that take turns differs from the others in all that it has.
CHURN = """
import fcntl, os, socket, sys
os.chdir(sys.argv[1])
stable, slots = int(sys.argv[2]), int(sys.argv[3])
for i in range(3):
    os.mkdir(f"dir{i}")
    with open(f"dir{i}/name{i}", "wb") as file:
        file.write(bytes(1000 * (i + 1)))
    os.chmod(f"dir{i}/name{i}", 0o600 + i)
with open("steady", "wb") as file:
    file.write(b"steady")
low = os.open("steady", os.O_RDONLY)
for i in range(stable):
    os.dup2(low, 1000 + i)
path = [f"dir{i}/name{i}" for i in range(3)]
flag = [os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_NONBLOCK]
first = os.open("/dev/null", os.O_RDONLY)
os.close(first)
print("ready", flush=True)
made = [None] * slots
n = 0
while True:
    for slot in range(slots):
        n += 1
        which = n % 6
        if made[slot] is not None:
            os.close(made[slot])
        if which < 3:
            made[slot] = os.open(path[which], flag[which])
        elif which == 3:
            made[slot] = os.eventfd(77, os.EFD_SEMAPHORE)
        elif which == 4:
            made[slot] = os.eventfd(5)
        else:
            made[slot] = os.memfd_create("changing")
"""


# A fifo whose path takes as long to put together as to close it and to open what takes its place and its memory.
IN_THE_DEPTHS = """
import os, sys
from os import close, eventfd, open
os.chdir(sys.argv[1])
for _ in range(40):
    os.mkdir("d")
    os.chdir("d")
os.mkfifo("fifo")
print("ready", flush=True)
while True:
    close(open("fifo", os.O_RDWR))
    close(eventfd(77))
"""


def allowed(directory: Path) -> set[tuple[object, ...]]:
    flags = (os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR | os.O_NONBLOCK)
    files = {
        (
            f"{directory}/dir{i}/name{i}",
            1000 * (i + 1),
            0o600 + i,
            flags[i],
            os.stat(f"{directory}/dir{i}/name{i}").st_ino,
        )
        for i in range(3)
    }
    return {*files, ("[eventfd]", 77, True), ("[eventfd]", 5, False), ("/memfd:changing", 0)}


def seen(file: crfd.OpenFile) -> tuple[object, ...]:
    path = os.fsdecode(file.path or b"")
    if path == "anon_inode:[eventfd]":
        assert isinstance(file.detail, Eventfd)
        return "[eventfd]", file.detail.count, file.detail.semaphore
    if path == "/memfd:changing":
        return path, file.size
    mask = os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK
    return path, file.size, (file.st_mode or 0) & 0o7777, (file.f_flags or 0) & mask, file.ino


def test_no_record_is_of_two_files(need: Need, tmp_path: Path) -> None:
    need("backend bpf")
    wrong, found, changing = [], set(), 0
    with running(CHURN, str(tmp_path), str(STABLE), str(SLOTS)) as process:
        expected = allowed(tmp_path)
        for _ in range(SCANS):
            task = crfd.scan(process.pid, backend="bpf")
            steady = [entry for number, entry in task.fds.items() if number >= 1000]
            assert len(steady) == STABLE
            assert {entry.objref for entry in steady} == {steady[0].objref}
            for number, entry in task.fds.items():
                if 3 < number < 1000:
                    assert entry.file, entry.error
                    changing += 1
                    facts = seen(entry.file)
                    found.add(facts)
                    if facts not in expected:
                        wrong.append((number, facts))
    assert not wrong
    assert found == expected, "each kind was met"
    assert changing > SCANS


def test_what_is_read_behind_a_long_path_is_of_the_same_file(need: Need, tmp_path: Path) -> None:
    """Without the checks at a record's end half of the fifos have an eventfd's memory for a pipe's, on two idle processors."""
    need("backend bpf")
    wrong: list[object] = []
    kinds: set[type] = set()
    end = time.monotonic() + 60
    with running(IN_THE_DEPTHS, str(tmp_path)) as process:
        for scans in count(1):
            if scans > 25 * SCANS and (Pipe in kinds or time.monotonic() > end):
                break  # a slot that is empty at each other look is mostly seen empty
            for number, entry in crfd.scan(process.pid, backend="bpf").fds.items():
                if number < 3:
                    continue
                assert entry.file, entry.error
                detail = entry.file.detail
                kinds.add(type(detail))
                if isinstance(detail, Pipe) and detail.readers is not None:
                    right = (detail.readers, detail.writers, detail.waiting) == (1, 1, 0)
                else:
                    right = not isinstance(detail, Eventfd) or detail.count == 77
                if not right:
                    wrong.append(detail)
    assert not wrong
    assert Pipe in kinds
