# SPDX-License-Identifier: MIT
"""Sockets, pipes, owners of signals and seals, which only a descriptor itself tells; without it nothing else is lost."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import signal
import socket
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd.kinds.lock import Owner, OwnerType
from crfd.kinds.memory import Memfd
from crfd.kinds.pipe import Pipe
from crfd.kinds.socket import Address, InetAddress, NetlinkAddress, PacketAddress, Socket, UnixAddress, VsockAddress
from tests import mkfds
from tests.deny import deny
from tests.facts import of
from tests.fdkinds import syscalls
from tests.procs import Need, has_namespace_cookies, opened

SEALS = {"seal": 1, "shrink": 2, "grow": 4, "write": 8}  # F_SEAL_* of fcntl(2)
STATES = {"ESTABLISHED": 1, "FIN_WAIT1": 4, "FIN_WAIT2": 5, "CLOSE": 7, "CLOSE_WAIT": 8, "LISTEN": 10}
SS_UNCONNECTED, SS_CONNECTED = 1, 3  # include/uapi/linux/net.h
MPTCP = 262  # IPPROTO_MPTCP
SOCKETS = (
    *("unix_stream", "unix_dgram", "unix_seqpacket", "unix_listen", "unix_connected", "unix_bound"),
    *("tcp4", "tcp6", "mptcp", "udp4", "udp6", "udplite4", "udplite6", "raw", "ping", "packet", "netlink"),
    *("sctp", "dccp", "vsock", "alg", "af_xdp", "af_key", "af_smc", "af_can", "af_tipc", "af_bluetooth"),
)


@pytest.fixture
def backend(backend: str, need: Need) -> str:
    need("pidfd_getfd")
    need("sock_diag")
    return backend


@pytest.fixture(scope="module")
def sockets() -> Iterator[mkfds.Holder]:
    with mkfds.spawn(*SOCKETS) as holder:
        yield holder


def whole(pid: int, backend: str) -> dict[int, crfd.OpenFile]:
    """A scan in which every descriptor could be read."""
    task = crfd.scan(pid, backend=backend)
    assert not [entry for entry in task.fds.values() if entry.error]
    return {fd: entry.file for fd, entry in task.fds.items() if entry.file is not None}


def of_sockets(holder: mkfds.Holder, backend: str) -> Iterator[tuple[dict[str, Any], Socket]]:
    files = whole(holder.pid, backend)
    found = [one for one in holder.fds if one["kind"] == "socket" and "family" in one]
    assert found
    return ((one, of(files[one["fd"]], Socket)) for one in found)


def as_reported(address: Address | None) -> Any:
    """An address as the module socket writes it, which the holder has reported in JSON."""
    match address:
        case UnixAddress():
            return os.fsdecode(address.path)
        case InetAddress() if ":" in address.host:
            return [address.host, address.port, address.flowinfo, address.scope_id]
        case InetAddress():
            return [address.host, address.port]
        case NetlinkAddress():
            return [address.port_id, address.groups]
        case VsockAddress():
            return [address.cid, address.port]
        case PacketAddress():
            name = socket.if_indextoname(address.ifindex) if address.ifindex else ""
            return [name, address.protocol, address.pkttype, address.hatype, os.fsdecode(address.address)]
        case _:
            return None


# ---- sockets ----


def test_what_a_socket_is(sockets: mkfds.Holder, backend: str) -> None:
    here = os.stat(f"/proc/{sockets.pid}/ns/net").st_ino
    families = set()
    for one, found in of_sockets(sockets, backend):
        assert (found.family, found.type, found.protocol) == (one["family"], one["type"], one["protocol"]), one
        assert found.net_ns == here, one
        families.add(found.family)
    assert {socket.AF_UNIX, socket.AF_INET, socket.AF_NETLINK} <= families


def test_addresses(sockets: mkfds.Holder, backend: str) -> None:
    named = 0
    for one, found in of_sockets(sockets, backend):
        if "local" not in one:
            continue
        assert as_reported(found.name) == one["local"], one
        assert as_reported(found.peer) == one["peer"], one
        assert found.names_known or found.family not in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6), one
        named += found.peer is not None
    assert named >= 10


def test_states(sockets: mkfds.Holder, backend: str) -> None:
    seen = set()
    for one, found in of_sockets(sockets, backend):
        if one.get("listening"):
            assert found.listening, one
        elif one.get("state"):
            assert found.state == STATES[one["state"]], one
            seen.add(found.state)
        elif one["family"] == socket.AF_UNIX or one["protocol"] == socket.IPPROTO_UDP:
            assert found.state == (SS_UNCONNECTED if one["peer"] is None else SS_CONNECTED), one
        elif one["family"] == socket.AF_NETLINK:
            assert found.state is None, one
    assert seen >= {STATES[name] for name in ("ESTABLISHED", "FIN_WAIT2", "CLOSE", "CLOSE_WAIT")}


def test_queues(sockets: mkfds.Holder, backend: str) -> None:
    waiting = 0
    for one, found in of_sockets(sockets, backend):
        tcp = one["family"] in (socket.AF_INET, socket.AF_INET6) and one["protocol"] in (socket.IPPROTO_TCP, MPTCP)
        if "recv_queue" in one:
            assert found.recv_queue == one["recv_queue"], one
            waiting += one["recv_queue"] > 0
        if (tcp or one["family"] == socket.AF_UNIX) and one["listening"]:
            if "backlog" in one:
                assert (found.backlog, found.recv_queue) == (one["backlog"], one["pending"]), one
        else:
            assert found.backlog is None, one
        if tcp and one["peer"]:
            assert found.send_queue == 0, one
        if "datagrams" in one:  # udp(7): the first one's
            assert found.recv_queue == one["datagrams"][0], one
    assert waiting >= 4


def test_bytes_that_nobody_takes(backend: str) -> None:
    """A TCP connection whose other end does not read: what was sent is in one queue or in both, still to be confirmed."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as taken,
    ):
        client.setblocking(False)
        sent = 0
        with suppress(BlockingIOError):
            while sent < 1 << 26:
                sent += client.send(bytes(1 << 16))
        files = whole(os.getpid(), backend)
        ours, theirs = of(files[client.fileno()], Socket), of(files[taken.fileno()], Socket)
        assert ours.send_queue is not None
        assert theirs.recv_queue
        assert sent - theirs.recv_queue <= ours.send_queue < sent


def test_sockets_of_another_network_namespace(backend: str, need: Need) -> None:
    need("CAP_SYS_ADMIN")
    with in_network_namespace("tcp4", "udp4", "unix_listen", "netlink") as holder:
        there = os.stat(f"/proc/{holder.pid}/ns/net").st_ino
        assert there != os.stat("/proc/self/ns/net").st_ino
        for one, found in of_sockets(holder, backend):
            assert found.net_ns == there, one
            assert as_reported(found.name) == one["local"], one
            assert as_reported(found.peer) == one["peer"], one


def test_a_socket_that_was_brought_from_another_network_namespace(backend: str, need: Need) -> None:
    need("CAP_SYS_ADMIN")
    with ThreadPoolExecutor(1) as thread:
        there, inode = thread.submit(make_socket_elsewhere).result()
    with there, socket.socket() as here:
        files = whole(os.getpid(), backend)
        assert of(files[there.fileno()], Socket).net_ns == inode
        assert of(files[here.fileno()], Socket).net_ns == os.stat("/proc/self/ns/net").st_ino != inode


_CLONE_NEWNET, _SIOCSIFFLAGS, _IFF_UP = 0x40000000, 0x8914, 1


def unshare_network() -> None:
    """A network namespace for this thread, with a loopback that is up."""
    syscalls.libc("unshare", _CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))


def make_socket_elsewhere() -> tuple[socket.socket, int]:
    unshare_network()
    return socket.socket(), os.stat("/proc/thread-self/ns/net").st_ino


@contextmanager
def in_network_namespace(*kinds: str) -> Iterator[mkfds.Holder]:
    """A process inherits the namespace of the thread that starts it."""

    def start() -> mkfds.Holder:
        unshare_network()
        return spawned.__enter__()

    spawned = mkfds.spawn(*kinds)
    with ThreadPoolExecutor(1) as thread:
        holder = thread.submit(start).result()
    try:
        yield holder
    finally:
        spawned.__exit__(None, None, None)


# ---- pipes ----


def test_pipes_and_fifos(backend: str) -> None:
    with mkfds.spawn("pipe:capacity=131072,bytes=4097", "pipe_packet", "pipe_nonblock", "fifo") as holder:
        files = whole(holder.pid, backend)
        found = [one for one in holder.fds if "waiting" in one]
        assert len(found) == 10
        for one in found:
            pipe = of(files[one["fd"]], Pipe)
            assert pipe.waiting == one["waiting"], one
            assert pipe.capacity == one.get("capacity", 65536), one
            assert pipe.packet == (one["role"] == "pipe_packet.write"), one
            ends = (2, 2) if one["kind"] == "fifo" else (int(one.get("peer", 0) is not None), 1)
            assert (pipe.readers, pipe.writers) == (ends if backend == "bpf" else (None, None)), one


def test_a_pipe_with_many_buffers_in_use(backend: str) -> None:
    with opened(*os.pipe2(os.O_DIRECT)) as (r, w):
        capacity = fcntl.fcntl(w, 1031, 1 << 18)  # F_SETPIPE_SZ
        for n in (15, 1, 1, 23):
            for _ in range(n):
                os.write(w, b"one")
            files = whole(os.getpid(), backend)
            waiting = struct.unpack("i", fcntl.ioctl(r, termios.FIONREAD, bytes(4)))[0]
            for fd in (r, w):
                pipe = of(files[fd], Pipe)
                assert (pipe.capacity, pipe.waiting) == (capacity, waiting)
        assert waiting == 40 * 3
        assert os.read(r, 10) == b"one"  # so that the ring no longer begins at its first slot
        assert of(whole(os.getpid(), backend)[w], Pipe).waiting == 39 * 3
        while fcntl.ioctl(r, termios.FIONREAD, bytes(4)) != bytes(4):
            os.read(r, 10)
        os.write(w, b"twenty two bytes here.")
        assert of(whole(os.getpid(), backend)[w], Pipe).waiting == 22


def test_o_path_of_a_fifo_and_a_socket_is_only_a_name(backend: str) -> None:
    with mkfds.spawn("opath") as holder:
        files = whole(holder.pid, backend)
        for role in ("opath.fifo", "opath.socket"):
            assert files[holder.by_role(role)["fd"]].detail is None


# ---- owners of signals ----


def owner_of(one: dict[str, Any], uid: int) -> Owner | None:
    kinds = {"tid": OwnerType.TID, "pid": OwnerType.PID, "pgrp": OwnerType.PGRP}
    if "owner" in one:
        return Owner(one["owner"]["id"], kinds[one["owner"]["type"]], uid, uid, one.get("signal", 0))
    return None


def test_the_owner_of_a_socket(backend: str) -> None:
    with mkfds.spawn("owner") as holder:
        files = whole(holder.pid, backend)
        one = holder.by_role("owner.async")
        assert files[one["fd"]].owner == owner_of(one, os.getuid())
        assert files[holder.by_role("owner.async_peer")["fd"]].owner is None


def test_every_type_of_owner_of_a_pipe(backend: str) -> None:
    with opened(*os.pipe()) as (r, w):
        rows = [(0, threading.get_native_id()), (1, os.getpid()), (2, os.getpgrp()), (1, os.getppid())]
        for type_, pid in rows:
            fcntl.fcntl(r, 15, struct.pack("ii", type_, pid))  # F_SETOWN_EX
            files = whole(os.getpid(), backend)
            assert files[r].owner == Owner(pid, OwnerType(type_), os.getuid(), os.geteuid(), 0)
            assert files[w].owner is None
        fcntl.fcntl(w, 10, signal.SIGRTMIN)  # F_SETSIG, and nobody to be told
        found = whole(os.getpid(), backend)[w].owner
        assert found is not None
        assert (found.pid, found.signal) == (None, signal.SIGRTMIN)


def test_the_owner_of_a_file(backend: str) -> None:
    """Only the walk in the kernel tells it: a copy of the descriptor would have to be closed."""
    with mkfds.spawn("owner") as holder:
        files = whole(holder.pid, backend)
        for role in ("owner.tid", "owner.pid", "owner.pgrp"):
            one = holder.by_role(role)
            assert files[one["fd"]].owner == (owner_of(one, os.getuid()) if backend == "bpf" else None)
        found = files[holder.by_role("owner.signal")["fd"]].owner
        assert (found and found.signal) == (holder.by_role("owner.signal")["signal"] if backend == "bpf" else None)


def test_an_owner_that_is_gone(backend: str) -> None:
    with opened(*os.pipe()) as (r, _):
        pid = os.posix_spawn("/bin/true", ["true"], {})
        fcntl.fcntl(r, fcntl.F_SETOWN, pid)
        fcntl.fcntl(r, 10, signal.SIGRTMIN)  # F_SETSIG
        os.waitpid(pid, 0)
        found = whole(os.getpid(), backend)[r].owner
        assert found is not None
        told = fcntl.fcntl(r, fcntl.F_GETOWN)  # Linux 5.12 forgets who is gone
        assert (found.pid, found.signal) == (told or None, signal.SIGRTMIN)


# ---- memory and queues ----


def test_seals(backend: str) -> None:
    with mkfds.spawn("memfd") as holder:
        files = whole(holder.pid, backend)
        found = [one for one in holder.fds if "seals" in one]
        assert len(found) >= 3
        for one in found:
            assert of(files[one["fd"]], Memfd).seals == sum(SEALS[name] for name in one["seals"]), one


def test_a_file_of_the_size_of_a_message_queue_is_none(backend: str, tmp_path: Path) -> None:
    (tmp_path / "eighty").write_bytes(bytes(80))
    shm = Path(f"/dev/shm/crfd-{os.getpid()}")
    with open(tmp_path / "eighty", "rb") as f, open(shm, "xb") as sparse:
        shm.unlink()
        sparse.truncate(80)
        files = whole(os.getpid(), backend)
        assert files[f.fileno()].kind is files[sparse.fileno()].kind is crfd.Kind.FILE


# ---- where it is not granted ----


def in_child(body: Callable[[], Any]) -> Any:
    """Run body in a child of ours; return what it returns, by way of JSON."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        answer: Any = None
        try:
            os.close(r)
            answer = {"result": body()}
        except BaseException as error:
            answer = {"error": repr(error)}
        finally:
            os.write(w, json.dumps(answer).encode())
            os._exit(0)
    os.close(w)
    with open(r, "rb") as stream:
        text = stream.read()
    os.waitpid(pid, 0)
    answer = json.loads(text)
    assert "error" not in answer, answer
    return answer["result"]


_PR_SET_DUMPABLE = 4  # prctl(2)


def summary(pid: int, backend: str) -> list[list[Any]]:
    files = whole(pid, backend)
    return [[fd, f.kind_name, f.ino, f.f_flags, repr(f.owner), repr(f.detail)] for fd, f in sorted(files.items())]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the filter knows no other machine")
def test_refused_by_seccomp(backend: str) -> None:
    def refused() -> list[list[Any]]:
        deny(["pidfd_getfd"])
        return summary(holder.pid, backend)

    with mkfds.spawn("tcp4", "pipe", "memfd", "owner", "regular") as holder:
        granted, less = summary(holder.pid, backend), in_child(refused)
    assert [row[:4] for row in less] == [row[:4] for row in granted]
    assert any(row[4] != "None" for row in granted)
    for row in less:
        kind, owner, detail = row[1], row[4], row[5]
        assert owner == "None" or backend == "bpf"
        if backend == "bpf":  # which asks the kernel's own structs and needs no copy
            continue
        if kind == "socket":
            assert "family=" not in detail or "family=None" in detail
        if kind == "pipe":
            assert "capacity=None" in detail
        if kind == "memfd":
            assert "seals=None" in detail


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the filter knows no other machine")
def test_pipes_and_sockets_are_known_without_their_links() -> None:
    def places(pid: int) -> list[list[Any]]:
        """Return what fdinfo, the link and statx say of each descriptor."""
        found = crfd.scan(pid, backend="proc").fds.values()
        files = [(entry.fd, entry.file) for entry in found if entry.file]
        return [[fd, f.kind_name, f.path and f.path.decode(), f.ino, f.dev, f.deleted] for fd, f in files]

    def refused() -> list[list[Any]]:
        deny(["readlinkat"])
        return places(holder.pid)

    with mkfds.spawn("tcp4", "unix_stream", "pipe", "regular", "fifo") as holder:
        if "ino:" not in Path(f"/proc/{holder.pid}/fdinfo/{holder.fds[0]['fd']}").read_text():
            pytest.skip("fdinfo has no ino before Linux 5.14")
        granted, less = places(holder.pid), in_child(refused)
    kept = [row for row in granted if row[1] in {"pipe", "socket"}]
    assert {row[1] for row in granted} >= {"pipe", "socket", "file", "fifo"}
    assert [row for row in less if row[1] in {"pipe", "socket"}] == kept
    assert all(row[2] == f"{row[1]}:[{row[3]}]" for row in kept)


def test_one_s_own_without_privilege(need: Need) -> None:
    need("root")
    need("pidfd_getfd")

    def unprivileged() -> list[Any]:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        syscalls.libc("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)
        with socket.create_server(("127.0.0.1", 0), backlog=7) as server:
            found = of(whole(os.getpid(), "proc")[server.fileno()], Socket)
            assert as_reported(found.name) == list(server.getsockname())
        return [found.state, found.backlog, found.net_ns]

    namespace = os.stat("/proc/self/ns/net").st_ino
    assert in_child(unprivileged) == [STATES["LISTEN"], 7, namespace if has_namespace_cookies() else None]


def test_no_copy_is_left(backend: str) -> None:
    with mkfds.spawn("sockets:n=600", "pipes:n=600") as holder:
        before = sorted(os.listdir("/proc/self/fd"))
        assert len(whole(holder.pid, backend)) >= 2400
        assert sorted(os.listdir("/proc/self/fd")) == before
