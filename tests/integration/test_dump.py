# SPDX-License-Identifier: MIT
"""The answers of dump, scan and count, held against what the processes know of themselves."""

from __future__ import annotations

import errno
import io
import os
import platform
from pathlib import Path

import pytest

import crfd
from tests import mkfds
from tests.procs import GONE, Need
from tests.shown import dump_image

DELETED = b" (deleted)"
RELEASE = tuple(map(int, platform.release().split(".")[:2]))


def test_every_descriptor_is_recorded(everything: mkfds.Holder, backend: str) -> None:
    task = crfd.scan(everything.pid, backend=backend)
    assert len(task.fds) == everything.report["nfds"] == crfd.count(everything.pid)
    assert list(task.fds) == sorted(task.fds)
    assert {one["fd"] for one in everything.fds} <= set(task.fds)


def test_numbers_flags_and_positions(everything: mkfds.Holder, backend: str) -> None:
    task = crfd.scan(everything.pid, backend=backend)
    for one in everything.fds:
        entry = task.fds[one["fd"]]
        assert entry.file is not None, one
        assert entry.close_on_exec == one["close_on_exec"], one
        assert entry.file.f_flags == one["f_flags"], one
        if one["pos"] is not None:
            assert entry.file.f_pos == one["pos"], one


def test_stat_fields(everything: mkfds.Holder, backend: str) -> None:
    task = crfd.scan(everything.pid, backend=backend)
    for one in everything.fds:
        file, stat = task.fds[one["fd"]].file, one["stat"]
        assert file is not None
        if stat is None:  # a hung file system: stat would wait
            continue
        assert (file.dev, file.ino) == (stat["dev"], stat["ino"]), one
        assert file.st_mode == stat["mode"], one
        if file.nlink is not None:
            assert file.nlink == stat["nlink"], one
        if file.size is not None and one["kind"] in {"file", "dir", "memfd"}:
            assert file.size == stat["size"], one
        if one["kind"] in {"chr", "blk"}:
            assert file.rdev == stat["rdev"], one


def test_blocks_that_are_promised_are_counted_or_unknown(backend: str, tmp_path: Path) -> None:
    """ext4 allocates when it writes the pages, and stat(2) counts before."""
    with (tmp_path / "new").open("wb", buffering=0) as file:
        file.write(bytes(1 << 16))
        before = os.fstat(file.fileno()).st_blocks
        found = crfd.scan(os.getpid(), backend=backend).fds[file.fileno()].file
        assert found is not None
        assert found.blocks in {None, before, os.fstat(file.fileno()).st_blocks}


def test_kinds(everything: mkfds.Holder, backend: str) -> None:
    task = crfd.scan(everything.pid, backend=backend)
    wrong = {}
    for one in everything.fds:
        file = task.fds[one["fd"]].file
        assert file is not None
        if file.kind_name != one["kind"]:
            wrong[one["role"]] = (file.kind_name, one["kind"])
    assert not wrong


def test_paths_and_whether_they_are_deleted(everything: mkfds.Holder, backend: str) -> None:
    task = crfd.scan(everything.pid, backend=backend)
    for one in everything.fds:
        file = task.fds[one["fd"]].file
        assert file is not None
        if one["link"] is None:
            continue
        link = os.fsencode(one["link"])
        assert file.path is not None, one
        if one.get("deleted") is not None:
            assert file.deleted == one["deleted"], one
        assert file.path + (DELETED if file.deleted else b"") == link, one


def test_a_path_too_long_for_the_kernel_is_noted_and_not_lost(everything: mkfds.Holder, backend: str) -> None:
    deep = [one for one in everything.fds if one["link"] is None]
    assert deep
    task = crfd.scan(everything.pid, backend=backend)
    for one in deep:
        entry = task.fds[one["fd"]]
        assert entry.file is not None
        assert entry.file.path is None
        assert entry.error is not None
        assert entry.error.errno == one["link_errno"]


@pytest.mark.parametrize("kind", ["dup", "samefile"])
def test_who_shares_an_open_file(kind: str, backend: str, need: Need) -> None:
    if backend == "proc":
        need("kcmp")
    with mkfds.spawn(f"{kind}:n=300") as holder:
        task = crfd.scan(holder.pid, backend=backend)
        objrefs = [entry.objref for number, entry in task.fds.items() if number not in holder.report["others"]]
    assert len(objrefs) >= 300
    assert len(set(objrefs)) == len(objrefs) - (299 if kind == "dup" else 0)


def test_sharing_across_processes(backend: str, need: Need) -> None:
    if backend == "proc":
        need("kcmp")
    with mkfds.spawn("regular", "eventfd", "fork_share:n=2") as holder:
        children = [task["pid"] for task in holder.tasks]
        assert len(children) == 2
        image = dump_image([holder.pid, *children], backend)
        parent = image.tasks[holder.pid]
        made = {one["fd"] for one in holder.fds}
        shared = {number: entry.objref for number, entry in parent.fds.items() if number in made}
        assert shared.keys() == made
        for pid in children:
            child = image.tasks[pid]
            assert {n: child.fds[n].objref for n in shared if n in child.fds} == {
                n: ref for n, ref in shared.items() if n in child.fds
            }
            assert set(shared) & set(child.fds)
        image.close()


def test_a_shared_table_is_dumped_once(backend: str, need: Need) -> None:
    if backend == "proc":
        need("kcmp")
    with mkfds.spawn("regular", "clone_files") as holder:
        (child,) = (task["pid"] for task in holder.tasks)
        image = dump_image([holder.pid, child], backend)
        first, second = sorted([holder.pid, child])
        rows = {task.pid: task for task in image.tasks.values()}
        assert rows[first].files_objref == rows[second].files_objref == 1
        assert list(rows[first].fds) == list(rows[second].fds)
        assert image.columns().tasks["nfds"].tolist().count(0) == 1
        image.close()


def test_a_thread_with_a_table_of_its_own_is_a_task(backend: str, need: Need) -> None:
    if backend == "proc":
        need("kcmp")
    with mkfds.spawn("regular", "thread_unshare", "thread_plain") as holder:
        tids = {task["role"]: task["tid"] for task in holder.tasks}
        image = dump_image([holder.pid], backend)
        assert set(image.tasks) == {holder.pid, tids["thread_unshare"]}
        assert image.tasks[tids["thread_unshare"]].tgid == holder.pid
        image.close()


@pytest.mark.parametrize("role", ["thread_plain", "thread_unshare"])
def test_a_thread_is_found_by_its_own_number(backend: str, need: Need, role: str) -> None:
    """A thread has the table of its process, or one of its own."""
    if backend == "proc":
        need("kcmp")
    with mkfds.spawn("regular", "thread_unshare", "thread_plain") as holder:
        tid = {task["role"]: task["tid"] for task in holder.tasks}[role]
        numbers = sorted(int(name) for name in os.listdir(f"/proc/{tid}/fd"))
        if backend == "bpf" and RELEASE < (6, 1):
            with pytest.raises(crfd.UnreadError, match=os.strerror(errno.EOPNOTSUPP)):
                dump_image([tid], backend)
            return
        with dump_image([tid], backend) as image:
            (task,) = image.tasks.values()
            assert (task.pid, task.tgid, sorted(task.fds)) == (tid, holder.pid, numbers)
        with dump_image([holder.pid, tid], backend) as image:
            assert {holder.pid, tid} <= set(image.tasks)
            assert sorted(image.tasks[tid].fds) == numbers
            tables = {image.tasks[pid].files_objref for pid in (tid, holder.pid)}
            assert tables == ({1} if role == "thread_plain" else {0})


# ---- processes that are not there to be read ----


def test_no_such_process(tmp_path: Path, backend: str) -> None:
    with pytest.raises(ProcessLookupError, match=f"pid {GONE}") as e:
        crfd.dump(GONE, tmp_path / "image", backend=backend)
    assert isinstance(e.value, crfd.CrfdError)
    assert os.listdir(tmp_path) == []
    with pytest.raises(ProcessLookupError):
        crfd.count(GONE)


def test_one_of_two_is_gone(backend: str) -> None:
    with mkfds.spawn("regular") as holder:
        out = io.BytesIO()
        result = crfd.dump([holder.pid, GONE], out, backend=backend)
    assert [(one.pid, one.errno) for one in result.unread] == [(GONE, 3)]
    assert result.tasks == 1


def test_a_zombie_and_a_kernel_thread_have_no_descriptors(backend: str) -> None:
    with mkfds.spawn("zombie") as holder:
        (zombie,) = (task["pid"] for task in holder.tasks)
        assert len(crfd.scan(zombie, backend=backend).fds) == 0
    if Path("/proc/2/comm").exists() and Path("/proc/2/comm").read_text().strip() == "kthreadd":
        assert len(crfd.scan(2, backend=backend).fds) == 0


@pytest.mark.parametrize("pid", [0, -1, 2**31, 2**40])
def test_impossible_pids(pid: int) -> None:
    with pytest.raises(ValueError, match="pid: expected 1 to"):
        crfd.dump(pid, io.BytesIO())
