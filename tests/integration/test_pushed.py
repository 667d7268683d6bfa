# SPDX-License-Identifier: MIT
"""The commands let the scan leave descriptors out: the rows are the same, and the scan gives fewer."""

from __future__ import annotations

import logging
import re
import subprocess
from pathlib import Path
from unittest.mock import patch

import pytest

import crfd
from crfd._core.scan import Push
from crfd.cli.main import main
from tests import mkfds
from tests.integration.test_who import HOLD
from tests.procs import running
from tests.shown import parsed

# The columns in which a row is the same at two times; objref is a number of one output alone.
COLUMNS = "pid,fd,kind,close_on_exec,deleted,dev,ino,path,local,remote,state,proto,access"
CONDITIONS = {
    **{
        f"kind {kind}": ["--kind", kind]
        for kind in ("file", "dir", "socket", "pipe", "fifo", "chr", "memfd", "eventfd")
    },
    "two kinds": ["--kind", "epoll,socket"],
    "deleted": ["--deleted"],
    "not deleted": ["--where", "not deleted"],
    "inheritable": ["--inheritable"],
    "close on exec": ["--where", "close_on_exec"],
    "state": ["--state", "LISTEN"],
    "no state": ["--where", "kind == 'socket' and state is unknown"],
    "under": ["--under", "/dev", "--kind", "chr"],
    "a user's": ["--where", "uid == 0"],
    "nobody's": ["--where", "uid == 4294967294"],
    "none at all": ["--where", "kind == 'pipe' and kind == 'file'"],
    "one of two": ["--where", "deleted or kind == 'socket'"],
}


@pytest.fixture(scope="module")
def held(everything: mkfds.Holder) -> crfd.Task:
    return crfd.scan(everything.pid)


class Asked:
    """A command's rows, what it let the scan leave out, and how many descriptors that gave."""

    def __init__(self, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        self._capfd, self._caplog = capfd, caplog

    def __call__(self, *words: str) -> tuple[list[dict[str, object]], str, int]:
        self._caplog.clear()
        with self._caplog.at_level(logging.DEBUG, "crfd"):
            assert main([*words, "--json"]) in {0, 1}
        pushed = [one.getMessage() for one in self._caplog.records if one.getMessage().startswith("pushed down: ")]
        given = [re.match(r"read: a batch of nfds (\d+)", one.getMessage()) for one in self._caplog.records]
        rows = parsed(self._capfd.readouterr().out)
        return rows, "".join(pushed), sum(int(found[1]) for found in given if found)


@pytest.fixture
def asked(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Asked:
    return Asked(capfd, caplog)


@pytest.mark.parametrize("more", ["", ",shared"])
@pytest.mark.parametrize("name", CONDITIONS)
def test_rows_are_the_same(asked: Asked, held: crfd.Task, backend: str, name: str, more: str) -> None:
    words = ["ls", str(held.pid), "--backend", backend, "-c", COLUMNS + more, *CONDITIONS[name]]
    with_push, _, _ = asked(*words)
    with patch.object(crfd.Condition, "push", lambda *_: None):
        without, pushed, given = asked(*words)
    assert (pushed, given) == ("", len(held.fds))
    assert with_push == without


@pytest.mark.parametrize(
    ("name", "pushed"),
    [
        ("kind socket", f"kinds ({int(crfd.Kind.SOCKET)},)"),
        ("kind eventfd", f"kinds ({int(crfd.Kind.EVENTFD)},)"),
        ("deleted", "deleted True"),
        ("inheritable", "close_on_exec False"),
        ("state", f"kinds ({int(crfd.Kind.SOCKET)},)"),
        ("nobody's", "uid 4294967294"),
    ],
)
def test_what_surely_fails_stays_away(asked: Asked, held: crfd.Task, backend: str, name: str, pushed: str) -> None:
    rows, told, given = asked("ls", str(held.pid), "--backend", backend, "-c", COLUMNS, *CONDITIONS[name])
    assert told == f"pushed down: {pushed}"
    assert len(rows) <= given
    if (name, backend) != ("deleted", "proc"):  # which is known when all else is
        assert given < len(held.fds) - 10


def test_one_file_of_all(asked: Asked, backend: str, tmp_path: Path) -> None:
    """One file is looked for by device and inode, among the descriptors and what is held without one."""
    file = tmp_path / "one"
    file.touch()
    st = file.stat()
    with running(HOLD, f"file={file}", f"map={file}", f"cwd={tmp_path}") as child:
        rows, pushed, _ = asked("who", str(file), "--backend", backend, "-c", "pid,held")
        assert pushed == f"pushed down: dev {st.st_dev}, ino {st.st_ino}"
        assert rows == [{"pid": child.pid, "held": "map"}, {"pid": child.pid}]
        rows, _, _ = asked("who", str(tmp_path), "--backend", backend, "-c", "pid,held")
        assert rows == [{"pid": child.pid, "held": "cwd"}]
        assert [(one.pid, one.held) for one in crfd.who(str(file), backend=backend)] == [
            (child.pid, "map"),
            (child.pid, "fd"),
        ]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port(asked: Asked, backend: str, address: str) -> None:
    with running(HOLD, f"listen={address}", stderr=subprocess.PIPE) as child:
        assert child.stderr
        port = int(child.stderr.readline())
        rows, pushed, _ = asked("who", f":{port}", "--backend", backend, "-c", "pid,port")
    assert rows == [{"pid": child.pid, "port": port}]
    assert pushed == f"pushed down: kinds ({int(crfd.Kind.SOCKET)},), port {port}"


@pytest.mark.parametrize(
    ("text", "shown", "push"),
    [
        ("fds > 3 and deleted", (), None),
        ("deleted", ("changed",), None),
        ("objref == 3 and deleted", (), None),
        ("objref in (1, 2)", ("fd",), None),
        ("deleted and uid == 7", ("shared",), Push(deleted=True)),
        ("deleted and uid == 7 and close_on_exec", ("objref",), Push(deleted=True, uid=7, close_on_exec=True)),
        ("shared > 1 and kind == 'pipe' and not close_on_exec", (), Push(kinds=(int(crfd.Kind.PIPE),))),
        ("port == 80 or remote_port == 80", (), Push(port=80, kinds=(int(crfd.Kind.SOCKET),))),
        ("port == 80 or remote_port == 81", (), Push(kinds=(int(crfd.Kind.SOCKET),))),
        ("local is unknown", (), None),
        ("not (state is known)", (), None),
        ("state != 'LISTEN'", (), Push(kinds=(int(crfd.Kind.SOCKET),))),
        ("kind == 'kind-64'", (), None),
        ("uid == 4294967296", (), None),
        ("ino == -1", (), None),
        ("port == 65536", (), Push(kinds=(int(crfd.Kind.SOCKET),))),
    ],
)
def test_what_a_scan_can_be_asked_for(text: str, shown: tuple[str, ...], push: Push | None) -> None:
    assert crfd.where(text).push(shown) == push
