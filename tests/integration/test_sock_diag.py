# SPDX-License-Identifier: MIT
"""The proc backend knows unix sockets through sock_diag(7), and says what it does not know without it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import pytest

import crfd
from crfd._core.sock_diag import UnixSockets
from crfd.kinds.socket import Socket
from tests.procs import WAIT, Need, has_namespace_cookies, running, state
from tests.shown import dump_image, dumped

BACKLOG = 11

# fds: 30 and 31 a pair, 32 a listener, 33 and 34 connected and not accepted, 35 connected to nobody
SOCKETS = f"""
import os, socket
unix = socket.socket
a, b = socket.socketpair()
listener, one, two, none = unix(socket.AF_UNIX), unix(socket.AF_UNIX), unix(socket.AF_UNIX), unix(socket.AF_UNIX)
listener.bind("")
listener.listen({BACKLOG})
one.connect(listener.getsockname())
two.connect(listener.getsockname())
for fd, s in enumerate((a, b, listener, one, two, none), 30):
    os.dup2(s.fileno(), fd)
"""


@pytest.fixture(autouse=True)
def _granted(need: Need) -> None:
    need("pidfd_getfd")


def sockets_of(task: crfd.Task) -> list[Socket]:
    files = [task.fds[fd].file for fd in range(30, 36)]
    found = [file.detail for file in files if file and isinstance(file.detail, Socket)]
    assert len(found) == 6
    return found


def told(task: crfd.Task) -> bool:
    """Whether the sockets are known, all and rightly; else none of them must be."""
    inodes = [file.ino for fd in (30, 31) if (file := task.fds[fd].file)]
    a, b, listener, one, two, none = sockets_of(task)
    if a.peer_ino is None:
        facts = [(s.peer_ino, s.backlog, s.recv_queue if s is listener else None) for s in sockets_of(task)]
        assert set(facts) == {(None, None, None)}
        return False
    assert [b.peer_ino, a.peer_ino] == inodes
    assert (listener.recv_queue, listener.send_queue, listener.backlog, listener.peer_ino) == (2, 0, BACKLOG, 0)
    assert (one.peer_ino, two.peer_ino, none.peer_ino) == (None, None, 0)  # whom nobody has accepted yet has no inode
    return True


def test_pairs_and_listeners(backend: str, need: Need) -> None:
    need("sock_diag")
    with running(SOCKETS + WAIT) as process:
        assert told(crfd.scan(process.pid, backend=backend))


def test_another_network_namespace(backend: str, need: Need) -> None:
    need("sock_diag")
    need("CAP_SYS_ADMIN")
    need("unshare")
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(running(SOCKETS + WAIT, before=before)) for before in ((), ("unshare", "--net"))
        )
        here = os.stat("/proc/self/ns/net").st_ino
        with dump_image([one.pid, two.pid], backend) as image:
            assert os.stat("/proc/self/ns/net").st_ino == here
            assert {sockets_of(image.tasks[p.pid])[0].net_ns for p in (one, two)} == {
                here, os.stat(f"/proc/{two.pid}/ns/net").st_ino,
            }  # fmt: skip
            assert all(told(image.tasks[p.pid]) for p in (one, two))


# The program prints 1 if it knows the sockets of a process or of itself, else 0.
ASK = """
import os, sys
import crfd
from tests.integration.test_sock_diag import told
print(int(told(crfd.scan(int(sys.argv[1]) or os.getpid(), backend="proc"))), end="")
"""


def ask(pid: int, *before: str, code: str = "") -> str:
    command = [*before, sys.executable, "-c", code + ASK, str(pid)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_namespace_that_we_may_not_enter(need: Need) -> None:
    need("root")
    for name in ("unshare", "setpriv", "sock_diag", "CAP_SYS_ADMIN"):
        need(name)
    without = ("setpriv", "--bounding-set=-sys_admin")
    with running(SOCKETS + WAIT) as near, running(SOCKETS + WAIT, before=("unshare", "--net")) as far:
        assert ask(near.pid, *without) == ask(far.pid) == "1"
        assert ask(far.pid, *without) == "0"


def test_one_s_own_without_privilege(nobody: tuple[str, ...], need: Need) -> None:
    need("sock_diag")
    # After a change of uid a process is not dumpable, and not even its own to look at, until it executes a program.
    assert ask(0, *nobody, code=SOCKETS) == ("1" if has_namespace_cookies() else "0")


ABSENT = 'import sys; sys.modules["pyroute2"] = None\n'


def test_without_the_extra_it_stays_unknown() -> None:
    with running(SOCKETS + WAIT) as process:
        assert ask(process.pid, code=ABSENT) == "0"
    code = ABSENT + 'from crfd.cli.main import main; main(["check", "--json"])'
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    (row,) = (row for row in map(json.loads, done.stdout.splitlines()) if row["name"] == "sock_diag")
    assert not row["usable"]
    assert "pip install 'crfd[net]'" in row["detail"]
    assert not done.stderr


def test_within_an_event_loop(need: Need) -> None:
    need("sock_diag")

    async def scan(pid: int) -> crfd.Task:
        return crfd.scan(pid, backend="proc")

    with running(SOCKETS + WAIT) as process:
        assert told(asyncio.run(scan(process.pid)))


def test_the_targets_stand_still_meanwhile(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    need("sock_diag")
    need("CAP_SYS_PTRACE")
    from crfd.capture import sock_diag

    states: list[str] = []

    def look(net_ns: int, holders: list[tuple[int, int]]) -> UnixSockets:
        states.extend(state(pid) for pid, _ in holders)
        return listing(net_ns, holders)

    listing = sock_diag.list_unix_sockets
    monkeypatch.setattr(sock_diag, "list_unix_sockets", look)
    with running(SOCKETS + WAIT) as process:
        _, image = dumped(process.pid, backend="proc", freeze=True)
    assert states == ["t"]
    with image:
        assert told(image.tasks[process.pid])


def test_a_list_is_made_again_once_where_it_was_made_too_early(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    need("sock_diag")
    from crfd.capture import sock_diag

    class Scanned:
        """A batch of which `missing` sockets are in no list, ever."""

        def __init__(self, missing: int) -> None:
            self.missing = missing

        def fill_peers(self, net_ns: int, sockets: UnixSockets) -> int:
            return self.missing

    made: list[int] = []

    def count(net_ns: int, holders: list[tuple[int, int]]) -> UnixSockets:
        made.append(net_ns)
        return listing(net_ns, holders)

    listing = sock_diag.list_unix_sockets
    monkeypatch.setattr(sock_diag, "list_unix_sockets", count)
    here = os.stat("/proc/self/ns/net").st_ino
    known = sock_diag.Peers()
    steps: list[Any] = []
    with socket.socket(socket.AF_UNIX):
        for missing in (1, 0, 2, 0):
            known.fill(Scanned(missing), [(here, 1, 0), (here, 2, 0), (0, 2**22, 0)])  # type: ignore[arg-type]
            steps.append(made.count(here))
    assert steps == [1, 1, 2, 2]  # of namespace 0 nobody is left
