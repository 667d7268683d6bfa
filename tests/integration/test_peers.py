# SPDX-License-Identifier: MIT
"""Columns of a row that depend on the rest of the scan, or on the kernel that it is of."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest

import crfd
from tests import images, shown
from tests.procs import Need, opened, run, said
from tests.shown import parsed

ME = os.getpid()
COMM = Path("/proc/self/comm").read_text().rstrip("\n")


@contextmanager
def child(*args: Any, **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds what it is given until it is told to end."""
    with subprocess.Popen(args or ("sleep", "600"), **how) as process:
        try:
            while not args and Path(f"/proc/{process.pid}/comm").read_text() != "sleep\n":  # execve(2) is under way
                time.sleep(0.001)
            yield process
        finally:
            process.kill()


def rows(*pids: int, backend: str) -> list[dict[str, Any]]:
    image = BytesIO()
    crfd.dump([*pids], image, backend=backend)
    return shown.objects(
        image.getbuffer(), "pid", "fd", "kind", "peer_pid", "peer_comm", "started", "other_net_ns", "name"
    )


def peer(found: list[dict[str, Any]], pid: int, fd: int) -> tuple[int | None, str | None]:
    ((number, comm),) = [(row["peer_pid"], row["peer_comm"]) for row in found if (row["pid"], row["fd"]) == (pid, fd)]
    return number, comm


def test_the_other_end_of_a_pipe(backend: str) -> None:
    with child(stdin=subprocess.PIPE) as sleeper:
        assert sleeper.stdin
        found = rows(ME, sleeper.pid, backend=backend)
        assert peer(found, ME, sleeper.stdin.fileno()) == (sleeper.pid, "sleep")
        assert peer(found, sleeper.pid, 0) == (ME, COMM)
        assert peer(rows(sleeper.pid, backend=backend), sleeper.pid, 0) == (None, None)


def test_a_pipe_to_oneself_and_a_pipe_that_others_hold_too(backend: str) -> None:
    with opened(*os.pipe()) as (reader, writer):
        assert peer(rows(ME, backend=backend), ME, reader) == (ME, COMM)
        with child(pass_fds=(writer,)) as sleeper:
            found = rows(ME, sleeper.pid, backend=backend)
            assert peer(found, ME, reader) == (sleeper.pid, "sleep")  # not oneself, where there is another
            assert peer(found, sleeper.pid, writer) == (ME, COMM)


def test_a_fifo_that_is_opened_for_both(backend: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (
        opened(os.open(tmp_path / "fifo", os.O_RDWR)) as (both,),
        child(stdin=(tmp_path / "fifo").open("rb", buffering=0)) as sleeper,
    ):
        found = rows(ME, sleeper.pid, backend=backend)
        assert peer(found, ME, both) == (sleeper.pid, "sleep")
        assert peer(found, sleeper.pid, 0) == (ME, COMM)


def test_the_other_end_of_a_unix_socket(need: Need) -> None:
    need("backend bpf")
    ours, theirs = socket.socketpair()
    with ours, child(stdin=theirs) as sleeper:
        theirs.close()
        found = rows(ME, sleeper.pid, backend="bpf")
        assert peer(found, ME, ours.fileno()) == (sleeper.pid, "sleep")
        assert peer(found, sleeper.pid, 0) == (ME, COMM)


@pytest.mark.parametrize("hosts", [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")], ids=str)
def test_the_other_end_of_a_connection(backend: str, hosts: tuple[str, str]) -> None:
    bound, called = hosts
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in bound else socket.AF_INET))
        listening.bind((bound, 0))
        listening.listen()
        ours = stack.enter_context(socket.create_connection((called, listening.getsockname()[1])))
        theirs, _ = listening.accept()
        sleeper = stack.enter_context(child(stdin=theirs))
        theirs.close()
        found = rows(ME, sleeper.pid, backend=backend)
        assert peer(found, ME, ours.fileno()) == (sleeper.pid, "sleep")
        assert peer(found, sleeper.pid, 0) == (ME, COMM)
        assert peer(found, ME, listening.fileno()) == (None, None)


def test_a_condition_on_the_peer_and_the_peer_of_what_fits_one() -> None:
    with child(stdin=subprocess.PIPE) as sleeper:
        assert sleeper.stdin
        words = ("ls", ME, sleeper.pid, "--json", "-c")
        done = run(*words, "pid,fd", "--where", f"peer_pid == {sleeper.pid}", check=True)
        assert parsed(done.stdout) == [{"pid": ME, "fd": sleeper.stdin.fileno()}]
        # An end that stays open at execve(2) has another one, which does not.
        condition = f"pid == {sleeper.pid} and not close_on_exec and fd == 0"
        done = run(*words, "fd,peer_pid", "--where", condition, check=True)
        assert parsed(done.stdout) == [{"fd": 0, "peer_pid": ME}]


def test_when_a_process_began(backend: str) -> None:
    with child() as sleeper:
        (began,) = {row["started"] for row in rows(sleeper.pid, backend=backend)}
        expected = psutil.Process(sleeper.pid).create_time()
    assert abs(datetime.fromisoformat(began.replace("Z", "+00:00")).timestamp() - expected) <= 2
    assert abs(expected - time.time()) < 60


def test_when_a_process_began_is_not_known_without_the_boot() -> None:
    assert {row["started"] for row in shown.objects(images.image(images.sample()), "started")} == {None}


def test_a_network_namespace_that_is_not_ours(backend: str, need: Need) -> None:
    need("CAP_SYS_ADMIN")
    code = """if True:
        import os, socket, sys
        s = socket.socket()
        print(os.stat("/proc/self/ns/net").st_ino, flush=True)
        sys.stdin.read()"""
    with socket.socket() as ours:
        command = ("unshare", "-n", sys.executable, "-c", code)
        with child(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            inode = int(said(other))
            found = rows(ME, other.pid, backend=backend)
        told = {
            (row["pid"], row["other_net_ns"], f"net_ns={inode}" in row["name"])
            for row in found
            if row["kind"] == "socket"
        }
        assert (other.pid, inode, True) in told
        assert {(ME, None, False)} == {one for one in told if one[0] == ME}
        assert ours.fileno() >= 0
