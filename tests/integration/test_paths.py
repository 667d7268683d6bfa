# SPDX-License-Identifier: MIT
"""Paths of many files, which the BPF backend puts together from those of their directories and their own names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import crfd
from tests import mkfds, procs
from tests.procs import Need


def paths(pid: int, backend: str) -> dict[int, bytes | None]:
    return {fd: entry.file and entry.file.path for fd, entry in crfd.scan(pid, backend=backend).fds.items()}


@pytest.mark.parametrize("kind", ["files:n=3000", "scattered:n=3000,dirs=7", "scattered:n=3000,dirs=1500"])
def test_all_files_of_some_directories(kind: str, backend: str) -> None:
    with mkfds.spawn(kind) as holder:
        found = paths(holder.pid, backend)
        made = [fd for fd in found if fd > 2]
        for fd in made:
            assert found[fd] == os.fsencode(os.readlink(f"/proc/{holder.pid}/fd/{fd}"))
    assert len(made) == 3000


_OPEN = """
import os, sys
for path in sys.argv[1:]:
    os.open(path, os.O_RDONLY)
print("ready", flush=True)
sys.stdin.read()
"""

_FROM_WITHIN = """
import json, os, sys
import crfd

pid, root = int(sys.argv[1]), sys.argv[2]
for backend in ("proc", "bpf"):
    crfd.scan(pid, backend=backend)  # what is imported and loaded is not to be found any more then
os.chroot(root)
os.chdir("/")
for backend in ("proc", "bpf"):
    fds = crfd.scan(pid, backend=backend).fds
    print(json.dumps([fds[fd].file.path.decode() for fd in sorted(fds) if fd > 2]))
"""


def test_paths_as_a_chroot_has_them(tmp_path: Path, need: Need) -> None:
    for what in ("root", "unshare", "nsenter", "backend bpf"):
        need(what)
    root = tmp_path / "root"
    (root / "proc").mkdir(parents=True)
    files = [tmp_path / "a", root / "a", root / "b", tmp_path / "b"]
    for file in files:
        file.touch()
    opened = [files[0], root, *files[1:], root]  # the new root right behind a file of the directory that it is in
    mounted = ("unshare", "--mount", "sh", "-c", 'mount --bind /proc "$0" && exec "$@"', str(root / "proc"))
    with procs.running(_OPEN, *map(str, opened), before=mounted) as holder:
        done = subprocess.run(
            ["nsenter", "-t", str(holder.pid), "-m", sys.executable, "-c", _FROM_WITHIN, str(holder.pid), str(root)],
            check=True,
            stdout=subprocess.PIPE,
            timeout=procs.LIMIT,
        )
    proc, bpf = map(json.loads, done.stdout.splitlines())
    assert bpf == proc
    assert [proc[i] for i in (1, 2, 3, 5)] == ["/", "/a", "/b", "/"]


def test_a_directory_that_is_renamed_meanwhile(tmp_path: Path, backend: str) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    names = [one / f"{i:04}" for i in range(500)]
    for name in names:
        name.touch()
    stop = threading.Event()

    def rename() -> None:
        here, there = one, other
        while not stop.is_set():
            here.rename(there)
            here, there = there, here

    seen: set[bytes] = set()
    with procs.running(_OPEN, *map(str, names)) as holder:
        renaming = threading.Thread(target=rename)
        renaming.start()
        try:
            for turn in range(1000):
                if turn >= 30 and len(seen) > 1:
                    break
                found = [path for fd, path in sorted(paths(holder.pid, backend).items()) if fd > 2]
                for name, path in zip(names, found, strict=True):
                    assert path in {os.fsencode(name), os.fsencode(other / name.name)}
                seen.update(os.path.dirname(path) for path in found if path)
        finally:
            stop.set()
            renaming.join()
    assert seen == {os.fsencode(one), os.fsencode(other)}


_SOME = 'for i in range(3 + k * k % 11): os.open(f"file{i}", os.O_CREAT | os.O_RDONLY, 0o600)'


def test_a_read_that_ends_between_two_descriptors_and_the_end_of_their_task(tmp_path: Path, need: Need) -> None:
    """The end of one read of many tasks depends on how much came before: so the scans begin at one task after the other.

    So many tables are read by two lanes.
    """
    need("backend bpf")
    tasks, scans = 600, 20
    allowed = {os.fsencode(tmp_path / f"file{i}") for i in range(12)}
    with procs.forked(tasks, _SOME, tmp_path) as pids:
        for first in range(scans):
            image = crfd.snapshot(pids[first:], backend="bpf")
            found = {entry.file and entry.file.path for task in image for fd, entry in task.fds.items() if fd > 2}
            assert found == allowed
