# SPDX-License-Identifier: MIT
"""Conditions that are tested in the kernel: nothing that meets them is lost, and no scan leaves its own behind."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import crfd
from crfd._core.batch import Batch
from crfd._core.library import lib
from crfd._core.scan import Push, Scanner
from tests import mkfds, procs
from tests.facts import WALKED
from tests.fdkinds.cli import expand
from tests.procs import until

BACKENDS = {"proc": int(lib.CRFD_BACKEND_PROC), "bpf": int(lib.CRFD_BACKEND_BPF)}
# The walk over tables tests conditions, the iterator over files does not: on x86-64, with bpf_rdonly_cast() of 6.2.
# An emulated machine is so slow that the walk leaves any task to the iterator (RECORD_NS of csrc/bpf/tables.bpf.h): None.
TESTED = {"proc": True, "bpf": None if WALKED and procs.PATIENCE > 1 else WALKED}
KINDS = {name: int(getattr(lib, f"CRFD_KIND_{name}")) for name in ("FILE", "DIR", "SOCKET", "PIPE", "FIFO", "EVENTFD")}


def numbers(backend: str, pids: list[int], push: Push | None, threads: int = 1) -> dict[int, set[int]]:
    """The descriptors of each process that a scan with these conditions gives."""
    batch, found = Batch(), {}
    with closing(Scanner(BACKENDS[backend], pids, threads, push=push)) as scanner:
        while scanner.next(batch):
            for i in range(batch._c.ntasks):
                task = batch._c.task[i]
                fds = (batch._c.fd[k].fd for k in range(task.first, task.first + task.nfds))
                found[int(task.info.pid)] = {int(fd) for fd in fds}
    return found


@pytest.fixture(scope="module")
def held() -> Iterator[crfd.Task]:
    # The kernel makes up the text of a dma-buf: the walk leaves who has one to the iterator (put_long() of record.bpf.h).
    with mkfds.spawn(*(name for name in expand(["all"]) if name != "dmabuf")) as holder:
        until(lambda: procs.state(holder.pid) == "S", "the holder waits for its end")
        yield crfd.scan(holder.pid)


def meets(entry: crfd.Descriptor, push: Push) -> bool:
    file = entry.file
    assert file
    detail = file.detail
    ports = {getattr(getattr(detail, side, None), "port", None) for side in ("name", "peer")}
    return all(
        (
            not push.kinds or file.kind in push.kinds,
            push.dev in {None, file.dev},
            push.ino in {None, file.ino},
            push.deleted is None or push.deleted == bool(file.deleted),
            push.close_on_exec is None or push.close_on_exec == entry.close_on_exec,
            push.port is None or push.port in ports,
        )
    )


CONDITIONS = {
    **{name: Push(kinds=(kind,)) for name, kind in KINDS.items()},
    "two kinds": Push(kinds=(KINDS["SOCKET"], KINDS["DIR"])),
    "deleted": Push(deleted=True),
    "not deleted": Push(deleted=False),
    "close on exec": Push(close_on_exec=True),
    "not close on exec": Push(close_on_exec=False),
    "both": Push(kinds=(KINDS["FILE"],), deleted=True),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_what_meets_a_condition_comes(held: crfd.Task, backend: str, name: str) -> None:
    push = CONDITIONS[name]
    expected = {number for number, entry in held.fds.items() if meets(entry, push)}
    found = numbers(backend, [held.pid], push)[held.pid]
    assert expected
    assert expected <= found
    if backend == "bpf" or push.deleted is None or push.kinds:  # /proc tells what is deleted when all else is told
        assert TESTED[backend] in (found < set(held.fds), None), "something is left out where conditions are tested"


def test_every_file_is_found_by_its_inode(held: crfd.Task, backend: str) -> None:
    """Every file is found, whatever its file system makes of devices and inodes."""
    files = {(entry.file.dev, entry.file.ino) for entry in held.fds.values() if entry.file and entry.file.path}
    for dev, ino in files:
        if dev is not None and ino is not None:
            for push in (Push(dev=dev, ino=ino), Push(dev=dev), Push(ino=ino)):
                expected = {number for number, entry in held.fds.items() if meets(entry, push)}
                assert expected <= numbers(backend, [held.pid], push)[held.pid]


def test_a_port(backend: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with (
            socket.create_connection(("127.0.0.1", port)) as client,
            server.accept()[0] as accepted,
            socket.socket() as other,
            socket.socket(socket.AF_UNIX) as unix,
            socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as netlink,
        ):
            found = numbers(backend, [os.getpid()], Push(port=port))[os.getpid()]
            assert {server.fileno(), client.fileno(), accepted.fileno()} <= found
            if TESTED[backend]:
                assert backend == "proc" or found.isdisjoint({other.fileno(), unix.fileno(), netlink.fileno()})
                assert found.isdisjoint({0, 1, 2})


@pytest.mark.parametrize(("uid", "comes"), [(os.getuid(), True), (os.getuid() + 1, False)])
def test_a_user(held: crfd.Task, backend: str, uid: int, comes: bool) -> None:
    left = set(held.fds) if comes or not (backend == "proc" or WALKED) else set()
    assert numbers(backend, [held.pid], Push(uid=uid)) == {held.pid: left}


@pytest.mark.parametrize("threads", [1, 2])
def test_scanners_with_different_conditions_at_once(
    held: crfd.Task, backend: str, tmp_path: Path, threads: int
) -> None:
    """The scanners share the programs and their memory; batches are taken in turns, and from threads."""
    if TESTED[backend] is None:
        pytest.skip("emulated: what one condition gives may be all or not")
    (tmp_path / "one").touch()
    st = os.stat(tmp_path / "one")
    wishes = [None, Push(dev=st.st_dev, ino=st.st_ino), Push(kinds=(KINDS["SOCKET"],)), Push(close_on_exec=True)]
    with (tmp_path / "one").open("rb") as one:
        pids = sorted([held.pid, os.getpid()])
        alone = [numbers(backend, pids, push)[held.pid] for push in wishes]
        assert numbers(backend, pids, wishes[1])[os.getpid()] >= {one.fileno()}
        assert len({frozenset(fds) for fds in alone}) == (len(wishes) if TESTED[backend] else 1)
        wrong: list[tuple[int, set[int]]] = []

        def again(i: int) -> None:
            for _ in range(20):
                found = numbers(backend, pids, wishes[i], threads)[held.pid]
                if found != alone[i]:
                    wrong.append((i, found ^ alone[i]))

        started = [threading.Thread(target=again, args=(i,)) for i in range(len(wishes))]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    assert not wrong
