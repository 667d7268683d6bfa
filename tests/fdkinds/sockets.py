# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""Sockets of every family that socket(2) grants."""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import socket
import struct
import termios
import time
from collections.abc import Callable
from typing import Any

from . import syscalls
from .registry import Maker, kind

_SO_PROTOCOL, _SO_COOKIE = 38, 57  # socket(7), include/uapi/asm-generic/socket.h
_UDPLITE, _SCTP, _MPTCP = 136, 132, 262
_AF_XDP = 44
_VMADDR_CID_LOCAL = 1  # vsock(7); needs CONFIG_VSOCKETS_LOOPBACK
# include/net/tcp_states.h; TCP_INFO of tcp(7) begins with it
_TCP_STATES = {1: "ESTABLISHED", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 7: "CLOSE", 8: "CLOSE_WAIT", 10: "LISTEN"}
_LOOPBACK = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}


def _text(address: Any) -> Any:
    """Return an address as JSON has it: an abstract unix name is bytes with a leading NUL."""
    if isinstance(address, bytes):
        return os.fsdecode(address)
    return list(map(_text, address)) if isinstance(address, tuple) else address


def _cookie(s: socket.socket) -> int:
    """Read what ss(8) calls sk; not by s.getsockopt(), which has no buffers for vsock."""
    value, size = ctypes.c_uint64(), ctypes.c_int(8)
    syscalls.libc("getsockopt", s.fileno(), socket.SOL_SOCKET, _SO_COOKIE, ctypes.byref(value), ctypes.byref(size))
    return value.value


def _facts(s: socket.socket) -> dict[str, Any]:
    protocol = s.getsockopt(socket.SOL_SOCKET, _SO_PROTOCOL)
    facts: dict[str, Any] = {"family": int(s.family), "type": int(s.type), "protocol": protocol}
    facts["cookie"] = _cookie(s)
    facts["listening"] = bool(s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    for name, ask in (("local", s.getsockname), ("peer", s.getpeername)):
        try:
            facts[name] = _text(ask())
        except OSError:
            facts[name] = None
    if protocol in (socket.IPPROTO_TCP, _MPTCP) and s.family in (socket.AF_INET, socket.AF_INET6):
        try:
            facts["state"] = _state(s)
        except OSError:  # MPTCP refuses TCP_INFO before there is a subflow
            facts["state"] = None
    return facts


def _state(s: socket.socket) -> str:
    return _TCP_STATES[s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]]


def _await_state(s: socket.socket, state: str) -> None:
    """The acknowledgement of a FIN may be delayed."""
    deadline = time.monotonic() + 5
    while _state(s) != state and time.monotonic() < deadline:
        time.sleep(0.001)


def _waiting(s: socket.socket) -> int:
    answer = fcntl.ioctl(s.fileno(), termios.FIONREAD, bytes(4))
    return int(struct.unpack("i", answer)[0])


def _add(m: Maker, s: socket.socket, part: str = "", **known: Any) -> int:
    facts = _facts(s)
    return m.add(s.detach(), "socket", part, **facts, **known)


def _add_pair(m: Maker, a: socket.socket, b: socket.socket, sent: bytes = b"", prefix: str = "") -> None:
    """Two connected sockets; what a sent waits at b."""
    if sent:
        a.sendall(sent)
    first = _add(m, a, f"{prefix}a")
    waiting = _waiting(b)
    second = _add(m, b, f"{prefix}b", recv_queue=waiting)
    m.know(first, peer_fd=second)
    m.know(second, peer_fd=first)


def _unix_pair(type_: int) -> Callable[[Maker], None]:
    def make(m: Maker) -> None:
        """a connected pair with bytes waiting, and a pair that is shut down for writing on one side"""
        _add_pair(m, *socket.socketpair(socket.AF_UNIX, type_), sent=b"waiting")
        if type_ == socket.SOCK_DGRAM:
            return
        a, b = socket.socketpair(socket.AF_UNIX, type_)
        a.shutdown(socket.SHUT_WR)
        _add_pair(m, a, b, prefix="shut_")

    return make


for _type in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    kind(f"unix_{_type.name.removeprefix('SOCK_').lower()}")(_unix_pair(_type))


def _listen(m: Maker, listener: socket.socket, part: str, backlog: int) -> None:
    """A listener with one connection pending, and the client of that."""
    listener.listen(backlog)
    client = socket.socket(listener.family, listener.type, listener.proto)
    client.connect(listener.getsockname())
    _add(m, listener, part, backlog=backlog, pending=1)
    _add(m, client, f"{part}_client")


@kind("unix_listen")
def _unix_listen(m: Maker, backlog: int = 17) -> None:
    """listening by path, abstract name and kernel's choice of name, each with a pending connection"""
    path = m.path("listener")
    names = {"path": path, "abstract": f"\0mkfds {os.getpid()} {path}\n", "autobind": ""}
    for part, name in names.items():
        s = socket.socket(socket.AF_UNIX)
        s.bind(name)
        _listen(m, s, part, backlog)


@kind("unix_connected")
def _unix_connected(m: Maker) -> None:
    """an accepted connection by path; the path is gone"""
    path = m.path("server")
    server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    client.connect(path)
    accepted, _ = server.accept()
    os.unlink(path)
    _add(m, server, "server")
    _add_pair(m, client, accepted, sent=b"hello")


@kind("unix_bound")
def _unix_bound(m: Maker) -> None:
    """sockets without a peer: unnamed, and datagram ones bound to odd names"""
    _add(m, socket.socket(socket.AF_UNIX), "unnamed")
    for part, name in (("newline", b"two\nlines"), ("latin1", b"caf\xe9"), ("deleted", b"x (deleted)")):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(os.fsencode(m.directory()) + b"/" + name)
        _add(m, s, part)


@kind("scm")
def _scm(m: Maker) -> None:
    """a file that is open only in a message under way"""
    path = m.file("in flight")
    fd = os.open(path, os.O_RDWR)
    st = os.fstat(fd)
    a, b = socket.socketpair()
    message = array.array("i", [fd])
    a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, message)])
    os.close(fd)
    _add(m, a, "sender")
    _add(m, b, "receiver", in_flight=[{"path": path, "dev": st.st_dev, "ino": st.st_ino}])


def _inet(version: int, type_: int, proto: int = 0) -> socket.socket:
    family, address = _LOOPBACK[version]
    s = socket.socket(family, type_, proto)
    s.bind((address, 0))
    return s


def _connected(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    client = socket.socket(listener.family, listener.type, listener.proto)
    client.connect(listener.getsockname())
    return client, listener.accept()[0]


def _tcp(m: Maker, version: int, backlog: int, proto: int = 0) -> None:
    _listen(m, _inet(version, socket.SOCK_STREAM, proto), "listen", backlog)
    with _inet(version, socket.SOCK_STREAM, proto) as listener:
        listener.listen()
        _add_pair(m, *_connected(listener), sent=b"queued bytes")
        if proto != _MPTCP:  # its FIN travels in its own time
            client, accepted = _connected(listener)
            client.shutdown(socket.SHUT_WR)
            accepted.recv(1)  # the end of the stream
            _await_state(client, "FIN_WAIT2")
            _add_pair(m, client, accepted, prefix="half_closed_")
    _add(m, socket.socket(_LOOPBACK[version][0], socket.SOCK_STREAM, proto), "unbound")


@kind("tcp4")
def _tcp4(m: Maker, backlog: int = 23) -> None:
    """listening with a pending connection; connected with bytes waiting; half closed; not bound"""
    _tcp(m, 4, backlog)


@kind("tcp6", needs="IPv6 loopback")
def _tcp6(m: Maker, backlog: int = 23) -> None:
    _tcp(m, 6, backlog)


@kind("mptcp", needs="CONFIG_MPTCP, net.mptcp.enabled")
def _mptcp(m: Maker, backlog: int = 9) -> None:
    _tcp(m, 4, backlog, _MPTCP)


def _datagrams(m: Maker, version: int, proto: int) -> None:
    """A bound socket with three datagrams waiting, and the connected sender."""
    server = _inet(version, socket.SOCK_DGRAM, proto)
    client = _inet(version, socket.SOCK_DGRAM, proto)
    client.connect(server.getsockname())
    for size in (1, 20, 300):
        client.send(b"d" * size)
    _add(m, server, "server", datagrams=[1, 20, 300])
    _add(m, client, "client")


def _datagram_kind(version: int, proto: int) -> Callable[[Maker], None]:
    def make(m: Maker) -> None:
        """three datagrams waiting, and the connected sender"""
        _datagrams(m, version, proto)

    return make


for _name, _proto in (("udp", socket.IPPROTO_UDP), ("udplite", _UDPLITE)):
    kind(f"{_name}4")(_datagram_kind(4, _proto))
    kind(f"{_name}6", needs="IPv6 loopback")(_datagram_kind(6, _proto))


@kind("sctp", needs="CONFIG_IP_SCTP")
def _sctp(m: Maker, backlog: int = 5) -> None:
    """one to one: listening with a pending association, connected; one to many: listening, associated; and not bound"""
    _listen(m, _inet(4, socket.SOCK_STREAM, _SCTP), "listen", backlog)
    with _inet(4, socket.SOCK_STREAM, _SCTP) as listener:
        listener.listen()
        for part, s in zip("ab", _connected(listener), strict=True):
            _add(m, s, part, state="ESTABLISHED")
    many, client = (_inet(4, socket.SOCK_SEQPACKET, _SCTP) for _ in range(2))
    many.listen(backlog)
    client.connect(many.getsockname())
    _add(m, many, "many", backlog=backlog)
    _add(m, client, "many_client")
    _add(m, socket.socket(socket.AF_INET, socket.SOCK_STREAM, _SCTP), "unbound")


_SOCK_DCCP, _DCCP = 6, 33  # include/linux/net.h
_SOL_DCCP, _DCCP_SERVICE = 269, 2  # include/uapi/linux/dccp.h; nobody connects without one


@kind("dccp", needs="CONFIG_IP_DCCP, before Linux 6.16")
def _dccp(m: Maker, backlog: int = 5) -> None:
    """listening, and connected"""
    listener, client = (socket.socket(socket.AF_INET, _SOCK_DCCP, _DCCP) for _ in range(2))
    for s in (listener, client):
        s.setsockopt(_SOL_DCCP, _DCCP_SERVICE, 42)
        s.bind((_LOOPBACK[4][1], 0))
    listener.listen(backlog)
    client.connect(listener.getsockname())
    accepted, _ = listener.accept()
    _add(m, listener, "listen", backlog=backlog)
    _add_pair(m, client, accepted)


@kind("raw", needs="CAP_NET_RAW")
def _raw(m: Maker) -> None:
    """raw IPv4 and IPv6 of an unassigned protocol"""
    for version in _LOOPBACK:
        s = socket.socket(_LOOPBACK[version][0], socket.SOCK_RAW, 253)
        s.bind((_LOOPBACK[version][1], 0))
        _add(m, s, f"v{version}")


@kind("ping", needs="net.ipv4.ping_group_range")
def _ping(m: Maker) -> None:
    _add(m, _inet(4, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))


_ETH_P_LOOP = 0x0060


@kind("packet", needs="CAP_NET_RAW")
def _packet(m: Maker) -> None:
    """on lo, for frames that nobody sends; and one that is bound to nothing"""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind(("lo", _ETH_P_LOOP))
    _add(m, s, "lo", ethertype=_ETH_P_LOOP, interface="lo")
    _add(m, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0), "idle", ethertype=0)


@kind("netlink")
def _netlink(m: Maker) -> None:
    """one socket per protocol; local is [portid, groups]"""
    rows = {"route": (0, 0x11), "uevent": (15, 1), "generic": (16, 0), "netfilter": (12, 0), "audit": (9, 0)}
    for part, (proto, groups) in rows.items():
        try:
            s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, proto)
            s.bind((0, groups))
        except OSError as error:
            m.skip(part, error)
            continue
        _add(m, s, part)


@kind("vsock", needs="CONFIG_VSOCKETS")
def _vsock(m: Maker, backlog: int = 3, port: int = socket.VMADDR_PORT_ANY) -> None:
    """listening on a port of the kernel's choice or on that, and connected to itself; local is [cid, port]"""
    listener, client = (socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) for _ in range(2))
    listener.bind((socket.VMADDR_CID_ANY, port))
    listener.listen(backlog)
    try:
        client.bind((_VMADDR_CID_LOCAL, socket.VMADDR_PORT_ANY))  # else connect() may wait for a host's answer
    except OSError as error:
        client.close()
        m.skip("a", error)
    else:
        client.connect((_VMADDR_CID_LOCAL, listener.getsockname()[1]))
        accepted, _ = listener.accept()
        _add(m, client, "a")
        _add(m, accepted, "b")
    _add(m, listener, backlog=backlog)


@kind("alg", needs="CONFIG_CRYPTO_USER_API_HASH")
def _alg(m: Maker) -> None:
    """sha256: the socket and its operation"""
    s = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
    s.bind(("hash", "sha256"))
    operation, _ = s.accept()
    _add(m, s, algorithm="sha256")
    _add(m, operation, "operation")


# Families of which a bare socket says enough: name to (family, type, protocol); include/linux/socket.h.
_BARE = {
    "key": (15, socket.SOCK_RAW, 2),
    "ax25": (3, socket.SOCK_DGRAM, 0),
    "appletalk": (5, socket.SOCK_DGRAM, 0),
    "x25": (9, socket.SOCK_SEQPACKET, 0),
    "rds": (21, socket.SOCK_SEQPACKET, 0),
    "pppox": (24, socket.SOCK_STREAM, 0),
    "llc": (26, socket.SOCK_DGRAM, 0),
    "can": (29, socket.SOCK_RAW, 1),
    "tipc": (30, socket.SOCK_STREAM, 0),
    "bluetooth": (31, socket.SOCK_RAW, 1),
    "rxrpc": (33, socket.SOCK_DGRAM, 2),
    "phonet": (35, socket.SOCK_DGRAM, 0),
    "ieee802154": (36, socket.SOCK_DGRAM, 0),
    "caif": (37, socket.SOCK_SEQPACKET, 0),
    "nfc": (39, socket.SOCK_SEQPACKET, 0),
    "kcm": (41, socket.SOCK_DGRAM, 0),
    "qipcrtr": (42, socket.SOCK_DGRAM, 0),
    "smc": (43, socket.SOCK_STREAM, 0),
    "xdp": (_AF_XDP, socket.SOCK_RAW, 0),
    "mctp": (45, socket.SOCK_DGRAM, 0),
}


def _bare_kind(family: int, type_: int, proto: int) -> Callable[[Maker], None]:
    def make(m: Maker) -> None:
        """a socket as socket(2) made it"""
        s = socket.socket(family, type_, proto)
        known = s.getsockopt(socket.SOL_SOCKET, _SO_PROTOCOL)  # not every family keeps it
        m.add(s.detach(), "socket", family=family, type=type_, protocol=known)

    return make


for _name, (_family, _type, _proto) in _BARE.items():
    kind(f"af_{_name}", needs=f"address family {_family}")(_bare_kind(_family, int(_type), _proto))
