# SPDX-License-Identifier: MIT
"""Facts that are easily told wrongly of a descriptor, against the kernel's own tables; with either backend."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import crfd
from crfd import Link
from crfd.kinds.lock import LockKind
from crfd.kinds.object import Pidfd
from crfd.kinds.socket import InetAddress, Socket
from tests.procs import Need, run, running, said
from tests.shown import dump_image

Numbers = dict[str, int]

_REPORT = (
    "\nprint('ready', flush=True)\nprint(' '.join(f'{k}={v}' for k, v in told.items()), flush=True)\nsys.stdin.read()\n"
)


@contextmanager
def holding(code: str, *args: str, before: tuple[str, ...] = ()) -> Iterator[tuple[int, Numbers]]:
    """A process that runs the code, and what that has put into `told`."""
    with running("import os, socket, sys\ntold = {}\n" + code + _REPORT, *args, before=before) as process:
        words = said(process).decode().split()
        yield process.pid, {key: int(value) for key, value in (word.split("=") for word in words)}


def of(pid: int, fd: int, backend: str) -> Socket:
    file = crfd.scan(pid, backend=backend).fds[fd].file
    assert file is not None and isinstance(file.detail, Socket)
    return file.detail


_RAW = """
for protocol in (6, 132, 262):
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    except OSError:
        continue
    told[f"bare{protocol}"] = s.detach()
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    s.connect(("127.0.0.1", 0))
    told[f"connected{protocol}"] = s.detach()
"""


def test_a_raw_socket_has_no_state_of_its_protocol(backend: str, need: Need) -> None:
    need("root")
    need("pidfd_getfd")
    with holding(_RAW) as (pid, fds):
        assert {"bare6", "connected6", "bare132", "connected132"} <= set(fds)
        for name, fd in fds.items():
            found = of(pid, fd, backend)
            assert (found.type, found.state) == (socket.SOCK_RAW, 3 if name.startswith("connected") else 1), name
        shown = run("ls", pid, "--backend", backend, check=True).stdout
    assert "ESTABLISHED" not in shown


_PORT_0 = """
def connected(name, family, kind, protocol, to):
    try:
        s = socket.socket(family, kind, protocol)
    except PermissionError:  # ping_group_range
        return
    s.connect(to)
    told[name] = s.detach()
open("/proc/sys/net/ipv4/ping_group_range", "w").write("0 0")
connected("raw", socket.AF_INET, socket.SOCK_RAW, 17, ("127.0.0.9", 0))
connected("raw6", socket.AF_INET6, socket.SOCK_RAW, 17, ("::1", 0))
connected("ping", socket.AF_INET, socket.SOCK_DGRAM, 1, ("127.0.0.9", 0))
connected("udp", socket.AF_INET, socket.SOCK_DGRAM, 17, ("127.0.0.9", 0))
connected("udp6", socket.AF_INET6, socket.SOCK_DGRAM, 17, ("::1", 0))
told["none"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach()
told["bound"] = (s := socket.socket(socket.AF_INET, socket.SOCK_DGRAM), s.bind(("127.0.0.1", 0)), s.detach())[2]
"""


def _in_a_net_namespace() -> tuple[str, ...]:
    return ("unshare", "--net", "--", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")


def test_a_peer_with_port_0(backend: str, need: Need) -> None:
    need("root")
    need("pidfd_getfd")
    need("ip")
    with holding(_PORT_0, before=_in_a_net_namespace()) as (pid, fds):
        assert {"raw", "raw6", "udp", "udp6"} <= set(fds)
        for name, fd in fds.items():
            found = of(pid, fd, backend)
            connected = name not in {"none", "bound"}
            assert found.state == (3 if connected else 1), name
            if not connected:
                assert found.names_known and found.peer is None, name
            elif backend == "bpf" and name != "ping":
                assert found.peer == InetAddress("::1" if name.endswith("6") else "127.0.0.9", 0), name
            else:
                assert found.peer is None and not found.names_known, name
        tables = "".join(Path(f"/proc/{pid}/net/{name}").read_text() for name in ("raw", "udp"))
    assert len(re.findall(r" 0900007F:0000 01 ", tables)) == 2


_OTHER_NET = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
assert libc.unshare(0x40000000) == 0
told["net"] = os.stat("/proc/self/ns/net").st_ino
one, two = socket.socketpair()
told["one_ino"], told["two_ino"] = os.fstat(one.fileno()).st_ino, os.fstat(two.fileno()).st_ino
told["one"], told["two"] = one.detach(), two.detach()
s = socket.socket(socket.AF_UNIX); s.bind("\\0crfd-elsewhere"); s.listen(7)
told["listener"] = s.detach()
assert libc.setns(home, 0x40000000) == 0
os.close(home)
"""


def test_unix_sockets_of_a_namespace_that_nobody_is_in(backend: str, need: Need) -> None:
    need("root")
    need("pidfd_getfd")
    if backend == "proc":
        need("sock_diag")
    with holding(_OTHER_NET) as (pid, told):
        one, two, listener = (of(pid, told[name], backend) for name in ("one", "two", "listener"))
    assert (one.peer_ino, two.peer_ino) == (told["two_ino"], told["one_ino"])
    assert (listener.recv_queue, listener.backlog) == (0, 7)
    if backend == "proc":
        assert one.net_ns == told["net"] != os.stat("/proc/self/ns/net").st_ino


_PID_NAMESPACES = """
import ctypes, signal
libc = ctypes.CDLL(None, use_errno=True)
r, w = socket.socketpair()
def nested(depth):
    assert libc.unshare(0x20000000) == 0
    if os.fork() == 0:
        libc.prctl(1, 9)
        if depth:
            nested(depth - 1)
        else:
            for _ in range(3):  # so that its number there is another one
                if (pid := os.fork()) == 0:
                    os._exit(0)
                os.waitpid(pid, 0)
            if os.fork() == 0:
                libc.prctl(1, 9)
                fd = os.pidfd_open(os.getpid())
                socket.send_fds(w, [b"x"], [fd])
        signal.pause()
nested(1)
_, fds, _, _ = socket.recv_fds(r, 1, 1)
told["pidfd"] = fds[0]
told["numbers"] = next(line for line in open(f"/proc/self/fdinfo/{fds[0]}") if line.startswith("NSpid")).split()[1:].__len__()
"""


def test_a_pidfd_keeps_every_number(backend: str, need: Need) -> None:
    need("root")
    with holding(_PID_NAMESPACES) as (pid, told):
        file = crfd.scan(pid, backend=backend).fds[told["pidfd"]].file
        assert file is not None and isinstance(file.detail, Pidfd)
        line = re.search(r"^NSpid:(.*)$", Path(f"/proc/{pid}/fdinfo/{told['pidfd']}").read_text(), re.M)
        assert line
        numbers = tuple(map(int, line[1].split()))
        assert len(numbers) == told["numbers"] == 3
        assert numbers[-1] != 1
        assert (file.detail.ns_pids, file.detail.pid, file.detail.ns_pid) == (numbers, numbers[0], numbers[-1])
        assert file.fdinfo == b""


_DATAGRAMS = """
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("\\0crfd-server-%d" % os.getpid())
told["server"], told["server_ino"] = s.fileno(), os.fstat(s.fileno()).st_ino
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); c.connect(s.getsockname())
told["client"], told["client_ino"] = c.fileno(), os.fstat(c.fileno()).st_ino
i = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); i.bind("\\0crfd-idle-%d" % os.getpid())
told["idle"], told["idle_ino"] = i.fileno(), os.fstat(i.fileno()).st_ino
"""


def test_a_server_that_datagrams_come_to_is_connected_without_a_peer(backend: str, need: Need) -> None:
    need("pidfd_getfd")
    if backend == "proc":
        need("sock_diag")
    with holding(_DATAGRAMS) as (pid, told):
        for name in ("server", "client", "idle"):
            found = of(pid, told[name], backend)
            row = rb"^\w+: \w+ \w+ \w+ \w+ (\w+) +%d\b" % told[f"{name}_ino"]
            (state,) = re.findall(row, Path(f"/proc/{pid}/net/unix").read_bytes(), re.M)
            assert found.state == int(state, 16) == (1 if name == "idle" else 3), name
            assert found.peer_ino == (told["server_ino"] if name == "client" else 0), name
            assert found.names_known and (found.peer is not None) == (name == "client"), name


_NOT_ACCEPTED = """
s = socket.socket(socket.AF_UNIX); s.bind("\\0crfd-busy-%d" % os.getpid()); s.listen(7)
told["listener"], told["listener_ino"] = s.fileno(), os.fstat(s.fileno()).st_ino
c = socket.socket(socket.AF_UNIX); c.connect(s.getsockname())
told["client"] = c.fileno()
"""


def test_a_client_that_is_not_accepted_yet_names_the_listener(backend: str, need: Need) -> None:
    need("pidfd_getfd")
    need("sock_diag")
    if backend == "bpf" and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 10):
        pytest.skip("a socket knows its listener since Linux 6.10")
    with holding(_NOT_ACCEPTED) as (pid, told), dump_image([pid], backend) as image:
        client, listener = (image.tasks[pid].fds[told[name]] for name in ("client", "listener"))
        assert client.file and isinstance(client.file.detail, Socket)
        assert (client.file.detail.listener_ino, client.file.detail.peer_ino) == (told["listener_ino"], None)
        assert crfd.links(image).of(client.objref) == (Link("unix", (client.objref,), (listener.objref,)),)


_OWNED = """
import fcntl, signal
signal.signal(signal.SIGIO, signal.SIG_IGN)
told["leased"] = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(told["leased"], 1024, fcntl.F_WRLCK)
fcntl.fcntl(told["leased"], 10, 34)  # F_SETSIG
told["plain"] = os.open(sys.argv[1] + "2", os.O_RDWR | os.O_CREAT)
fcntl.fcntl(told["plain"], 8, os.getpid())  # F_SETOWN
told["free"] = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).detach()
"""


def test_an_owner_is_told_or_unknown_but_never_none(backend: str, need: Need, tmp_path: Path) -> None:
    need("pidfd_getfd")
    path = tmp_path / "file"
    path.touch()
    with holding(_OWNED, str(path)) as (pid, told):
        leased, plain, free = (
            crfd.scan(pid, backend=backend).fds[told[name]].file for name in ("leased", "plain", "free")
        )
    assert leased and plain and free
    assert [lock.kind for lock in leased.locks] == [LockKind.LEASE]
    assert leased.owner is not None
    assert (leased.owner.pid, leased.owner.signal, leased.owner_known) == (pid, 34, True)
    if backend == "bpf":
        assert plain.owner is not None and plain.owner.pid == pid
    else:
        assert (plain.owner, plain.owner_known) == (None, False)
    assert (free.owner, free.owner_known) == (None, True)
