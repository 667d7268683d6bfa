# SPDX-License-Identifier: MIT
"""Files that lie in another one: in flight in a unix socket, registered in an io_uring."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd import HeldBy
from tests import procs
from tests.facts import LINUX, WALKED
from tests.procs import Need, run, said
from tests.shown import parsed


def tells(backend: str) -> bool:
    """Whether it tells which files lie there."""
    return backend == "bpf" and WALKED


_FLIGHT = """
import array, json, os, socket, sys
AF, RIGHTS = socket.AF_UNIX, socket.SCM_RIGHTS
os.chdir(sys.argv[1])
expected = {}

def stat_of(fd):
    st = os.fstat(fd)
    return [os.readlink(f"/proc/self/fd/{fd}").removesuffix(" (deleted)"), st.st_dev, st.st_ino, st.st_nlink]

def send(sender, receiver, *fds):
    expected.setdefault(receiver.fileno(), []).extend(map(stat_of, fds))
    sender.sendmsg([b"x"], [(socket.SOL_SOCKET, RIGHTS, array.array("i", fds))])

def made(name):
    return os.open(name, os.O_RDWR | os.O_CREAT, 0o600)

kept, alone, gone, inner = made("kept"), made("alone"), made("gone"), socket.socketpair()
os.unlink("gone")
pairs = [socket.socketpair(AF, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)]
for a, b in pairs:
    a.send(b"without files")
    send(a, b, kept, alone)
    send(a, b, gone, inner[0].fileno())
listener = socket.socket(AF)
listener.bind("listener")
listener.listen()
clients = [socket.socket(AF) for _ in range(3)]
for client in clients:
    client.connect("listener")
send(clients[0], listener, kept)
send(clients[2], listener, alone, kept)
many = socket.socketpair()
send(many[0], many[1], *[alone] * 253)  # SCM_MAX_FD
for _ in range(20):
    send(many[0], many[1], *[kept] * 100)
os.dup(many[1].fileno())
os.close(alone)
os.close(gone)
inner[0].close()
print("ready", flush=True)
print(json.dumps([kept, listener.fileno(), expected]), flush=True)
sys.stdin.read()
"""


def sent(process: subprocess.Popen[bytes]) -> tuple[int, dict[str, Any]]:
    kept, listener, expected = json.loads(said(process))
    if LINUX < (6, 1):  # fdinfo does not count there what waits in the connections of a listener
        del expected[str(listener)]
    return kept, expected


def flights(task: crfd.Task) -> dict[int, list[list[Any]]]:
    found: dict[int, list[list[Any]]] = {}
    for one in task.held:
        if one.by is HeldBy.FLIGHT:
            assert one.fd is not None
            found.setdefault(one.fd, []).append([os.fsdecode(one.path or b""), one.dev, one.ino, one.nlink])
    return found


def test_which_files_are_in_flight(backend: str, need: Need, tmp_path: Path) -> None:
    """Kept open, open nowhere else, deleted, a socket; of every type, and where nobody has accepted the connection."""
    need("root")
    image = io.BytesIO()
    with procs.running(_FLIGHT, str(tmp_path)) as process:
        kept, expected = sent(process)
        crfd.dump(process.pid, image, backend=backend, holds="all")
    with crfd.Image(image.getbuffer()) as read:
        task = read.tasks[process.pid]
    assert {str(fd) for fd in flights(task)} >= expected.keys()
    held = [one for one in task.held if one.by is HeldBy.FLIGHT]
    if not tells(backend):  # as many sockets as have some, and the copy of one
        assert {(one.slot, one.path, one.ino, one.kind_name, one.objref) for one in held} == {
            (None, None, None, "unknown", None)
        }
        assert len(held) == len(expected) + 1
        return
    assert {str(fd): rows for fd, rows in flights(task).items()} == expected
    for fd in flights(task):
        assert [one.slot for one in held if one.fd == fd] == list(range(len(expected[str(fd)])))
    names = {one.path: (one.kind_name, one.deleted, one.objref) for one in held}
    folder = os.fsencode(tmp_path)
    assert names[folder + b"/kept"] == ("file", False, task.fds[kept].objref)
    assert names[folder + b"/alone"] == ("file", False, None)
    assert names[folder + b"/gone"] == ("file", True, None)
    assert [names[one] for one in names if one and one.startswith(b"socket:")] == [("socket", False, None)]
    assert {one.f_mode & 3 for one in held if one.f_mode is not None} == {3}


def test_a_file_in_flight_in_one_process_and_open_in_a_later_one(need: Need, tmp_path: Path) -> None:
    """Its description is numbered when the section of the first is written already."""
    need("backend bpf")
    if not WALKED:
        pytest.skip("no walk over tables here")
    image = io.BytesIO()
    with (tmp_path / "file").open("w") as file, ExitStack() as stack:
        sender, receiver = (stack.enter_context(one) for one in socket.socketpair())
        socket.send_fds(sender, [b"x"], [file.fileno()])
        code = "import sys\n" + procs.WAIT
        inherited = [stack.enter_context(procs.running(code, pass_fds=[one.fileno()])) for one in (receiver, file)]
        crfd.dump([process.pid for process in inherited], image, backend="bpf", holds="all")
        first, second = (process.pid for process in inherited)
        fd = file.fileno()
    with crfd.Image(image.getbuffer()) as read:
        (flight,) = (one for one in read.tasks[first].held if one.by is HeldBy.FLIGHT)
        assert flight.objref == read.tasks[second].fds[fd].objref


def test_rows_of_files_in_flight(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    image = tmp_path / "image"
    with procs.running(_FLIGHT, str(tmp_path)) as process:
        kept, expected = sent(process)
        crfd.dump(process.pid, image, backend=backend, holds="all")
        table = run("ls", process.pid, "--backend", backend, "--holds", "all", check=True).stdout
        who = parsed(run("who", tmp_path / "alone", "--backend", backend, "--json").stdout)
    shown = parsed(run("show", image, "--json", check=True).stdout)
    rows = [row for row in shown if row.get("held") == "flight"]
    lines = [line for line in table.splitlines() if line.split()[2] == "flight"]
    assert len(rows) == len(lines) and {row["fd"] for row in rows} == {None}
    assert {str(row["in_fd"]) for row in rows} >= expected.keys()
    if tells(backend):
        objrefs = {row["objref"] for row in rows if row["path"] == str(tmp_path / "kept")}
        assert objrefs == {next(row["objref"] for row in shown if row["fd"] == kept)}
        assert {row.get("objref") for row in rows if row["path"] == str(tmp_path / "alone")} == {None}
        assert any(line.endswith(f"{tmp_path}/alone (of fd {rows[0]['in_fd']}, 1)") for line in lines)
        found = [row for row in who if row["held"] == "flight"]
        assert len(found) == sum(row["path"] == str(tmp_path / "alone") for row in rows)
    else:
        assert all(line.endswith("unknown which)") for line in lines)
        assert {(row.get("slot"), row.get("objref")) for row in rows} == {(None, None)}


_CHURN = """
import array, os, socket, sys
os.chdir(sys.argv[1])
a, b = socket.socketpair()
print("ready", flush=True)
n = 0
while True:
    for i in range(8):
        n += 1
        fd = os.open(f"name {n % 5}", os.O_RDWR | os.O_CREAT, 0o600)
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd] * (n % 7 + 1)))])
        os.close(fd)
    for i in range(8):
        for fd in socket.recv_fds(b, 1, 253)[1]:
            os.close(fd)
"""


def test_a_queue_that_changes_all_the_time_is_never_told_wrongly(need: Need, tmp_path: Path) -> None:
    need("backend bpf")
    need("root")
    told = 0
    with procs.running(_CHURN, str(tmp_path)) as process:
        procs.until(lambda: len(list(tmp_path.iterdir())) == 5, "it has made all of its files")
        true = {(os.fsencode(path), path.stat().st_dev, path.stat().st_ino, 1, "file") for path in tmp_path.iterdir()}
        for _ in range(300):
            held = crfd.scan(process.pid, backend="bpf", holds="all").held
            found = [one for one in held if one.by is HeldBy.FLIGHT and one.slot is not None]
            assert {(one.path, one.dev, one.ino, one.nlink, one.kind_name) for one in found} <= true
            told += len(found)
    assert told > 300 or not WALKED


_RING = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
params = ctypes.create_string_buffer(120)
ring = libc.syscall(425, 4, params)  # io_uring_setup, of the same number everywhere
if ring < 0:
    os.write(1, b"none\\n")
    sys.exit()
many = 1500  # whose text takes more than one record
names = [os.path.join(sys.argv[1], name) for name in ("with space", "two\\nlines", "gone", "a:b")]
fds = [os.open(name, os.O_RDWR | os.O_CREAT, 0o600) for name in names] + [os.eventfd(0)]
os.unlink(names[2])
table = (ctypes.c_int * many)(*fds, *[fds[0]] * (many - len(fds) - 1), -1)
libc.setrlimit(7, struct.pack("QQ", 4096, 4096))
done = libc.syscall(427, ring, 2, table, many)  # io_uring_register, IORING_REGISTER_FILES
for fd in fds[len(sys.argv) > 2 :]:
    os.close(fd)
if len(sys.argv) > 2:
    os.dup(ring)
print("ready" if done == 0 else "none", flush=True)
print(ring, flush=True)
sys.stdin.read()
"""


@contextmanager
def having_ring(*args: Any) -> Iterator[tuple[int, int]]:
    """A process and its ring."""
    with ExitStack() as stack:
        try:
            process = stack.enter_context(procs.running(_RING, *map(str, args)))
        except AssertionError:
            pytest.skip("no io_uring here")
        yield process.pid, int(said(process))


def test_files_registered_in_a_ring(backend: str, need: Need, tmp_path: Path) -> None:
    with having_ring(tmp_path) as (pid, ring):
        held = crfd.scan(pid, backend=backend, holds="all").held
    found = {one.slot: one for one in held if one.by is crfd.HeldBy.RING}
    if not tells(backend) and found[0].path is None:
        pytest.skip("fdinfo has no whole paths before Linux 6.14")
    assert {one.fd for one in found.values()} == {ring}
    assert found.keys() == set(range(1499))  # the last place is empty
    folder = os.fsencode(tmp_path)
    paths = [folder + b"/with space", folder + b"/two\nlines", folder + b"/gone", folder + b"/a:b"]
    mark = (
        b"" if tells(backend) else b" (deleted)"
    )  # it may be a part of the name, and no number tells which inode it is
    told = [*paths[:2], paths[2] + mark, paths[3], b"anon_inode:[eventfd]"]
    assert [found[slot].path for slot in range(5)] == told
    assert found[1498].path == paths[0]
    assert [found[slot].deleted for slot in (0, 2)] == [False, True if tells(backend) else None]
    assert found[4].kind is crfd.Kind.EVENTFD
    if tells(backend):
        st = (tmp_path / "with space").stat()
        assert {(found[slot].dev, found[slot].ino, found[slot].nlink) for slot in (0, 5, 1498)} == {
            (st.st_dev, st.st_ino, 1)
        }
        assert found[2].nlink == 0


def test_a_registered_file_is_the_description_of_its_descriptor(backend: str, need: Need, tmp_path: Path) -> None:
    """One of them is open still, the others are not; and a copy of the ring's descriptor repeats nothing."""
    with having_ring(tmp_path, "keep") as (pid, ring):
        task = crfd.scan(pid, backend=backend, holds="all")
        kept = {entry.file.path: entry.objref for entry in task.fds.values() if entry.file}
        found = {one.slot or 0: one for one in task.held if one.by is HeldBy.RING and one.fd == ring}
    if tells(backend):
        assert {one.objref for slot, one in found.items() if slot == 0 or slot > 4} == {
            kept[os.fsencode(tmp_path / "with space")]
        }
        assert [found[slot].objref for slot in (1, 2, 3, 4)] == [None] * 4
        assert len([one for one in task.held if one.by is HeldBy.RING]) == 1499
    else:
        assert {one.objref for one in found.values()} == {None}


_ALONE = """
import array, os, socket, sys
how, name = sys.argv[1:]
fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
if how == "sent":
    sender, receiver = socket.socketpair()
else:
    receiver, sender = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    receiver.bind(name + ".listener")
    receiver.listen()
    sender.connect(name + ".listener")
sender.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
os.close(fd)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["sent", "waits to be accepted", "registered"])
def test_a_condition_leaves_out_the_holder_and_finds_the_file_in_it(how: str, need: Need, tmp_path: Path) -> None:
    need("backend bpf")
    if not WALKED:
        pytest.skip("no walk over tables here")
    name = tmp_path / "a:b"
    with ExitStack() as stack:
        if how == "registered":
            pid, _ = stack.enter_context(having_ring(tmp_path))
        else:
            pid = stack.enter_context(procs.running(_ALONE, how, str(name))).pid
        st = name.stat()
        where = f"ino == {st.st_ino} and dev == {st.st_dev}"
        found = run("ls", pid, "--backend", "bpf", "--holds", "all", "--where", where, "--json", check=True)
    (row,) = parsed(found.stdout)
    assert (row["held"], row["path"]) == ("ring" if how == "registered" else "flight", str(name))
