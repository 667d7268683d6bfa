# SPDX-License-Identifier: MIT
"""Sockets, and the addresses of each family."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crfd._core import declarations
from crfd._core.library import lib
from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Extended, Records, payload, text

_SOCKET = Records(RecordType.SOCKET, "crfd_socket")
_FILE = Records(RecordType.SOCK_FILE, "crfd_sock_file")
_INTERFACE = Records(RecordType.SOCK_INTERFACE, "crfd_sock_interface")
_OPTIONS = Records(RecordType.SOCK_OPTIONS, "crfd_sock_options")
_SOCK_HAS = declarations.flags("CRFD_SOCK_HAS_")
_OPTION = declarations.flags("CRFD_SOCKOPT_")
_HAS_TCP = int(lib.CRFD_SOCKOPTS_HAS_TCP)


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """unix(7): a path, empty where the socket has no name; with a leading NUL an abstract name."""

    path: bytes


@dataclass(frozen=True, slots=True)
class InetAddress:
    """ip(7), ipv6(7): the last two are IPv6's."""

    host: str
    port: int
    flowinfo: int = 0
    scope_id: int = 0


@dataclass(frozen=True, slots=True)
class NetlinkAddress:
    """netlink(7): groups is a mask of the first 32."""

    port_id: int
    groups: int


@dataclass(frozen=True, slots=True)
class PacketAddress:
    """packet(7)."""

    protocol: int
    ifindex: int
    hatype: int
    pkttype: int
    address: bytes


@dataclass(frozen=True, slots=True)
class VsockAddress:
    """vsock(7)."""

    cid: int
    port: int


@dataclass(frozen=True, slots=True)
class RawAddress:
    """An address of a family that has no class here: what follows sa_family of struct sockaddr."""

    family: int
    data: bytes


Address = UnixAddress | InetAddress | NetlinkAddress | PacketAddress | VsockAddress | RawAddress


def _unix(raw: bytes) -> UnixAddress:
    path = raw[2:]
    return UnixAddress(path if path[:1] == b"\0" else path.partition(b"\0")[0])


def _inet(raw: bytes) -> InetAddress:
    port, host = struct.unpack_from(">H4s", raw, 2)
    return InetAddress(".".join(map(str, host)), port)


def _inet6(raw: bytes) -> InetAddress:
    from socket import AF_INET6, inet_ntop

    port, flowinfo, host = struct.unpack_from(">HI16s", raw, 2)
    return InetAddress(inet_ntop(AF_INET6, host), port, flowinfo, *struct.unpack_from("<I", raw, 24))


def _netlink(raw: bytes) -> NetlinkAddress:
    return NetlinkAddress(*struct.unpack_from("<II", raw, 4))


def _vsock(raw: bytes) -> VsockAddress:
    port, cid = struct.unpack_from("<II", raw, 4)
    return VsockAddress(cid, port)


def _packet(raw: bytes) -> PacketAddress:
    (protocol,) = struct.unpack_from(">H", raw, 2)
    ifindex, hatype, pkttype, length = struct.unpack_from("<iHBB", raw, 4)
    return PacketAddress(protocol, ifindex, hatype, pkttype, raw[12 : 12 + length])


# ---- the numbers ----


AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK = 1, 2, 10, 16, 17, 40
TCP_LISTEN = 10

# The reader of the addresses of a family, and the bytes that these have at least.
_READERS: dict[int, tuple[Callable[[bytes], Address], int]] = {
    AF_UNIX: (_unix, 2),
    AF_INET: (_inet, 8),
    AF_INET6: (_inet6, 28),
    AF_NETLINK: (_netlink, 12),
    AF_PACKET: (_packet, 12),
    AF_VSOCK: (_vsock, 12),
}
INET = frozenset({AF_INET, AF_INET6})

# enum socket_state of linux/net.h, and include/net/tcp_states.h: the names from 0 on, a blank between two
STATES = "free unconnected connecting connected disconnecting"
TCP_STATES = (
    "? ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING "
    "NEW_SYN_RECV BOUND_INACTIVE"
)


def address(raw: bytes) -> Address:
    """Decode a struct sockaddr of sockaddr(3type), of whatever family."""
    family = int.from_bytes(raw[:2], "little")
    read, size = _READERS.get(family, (None, 0))
    return read(raw) if read and len(raw) >= size else RawAddress(family, raw[2:])


# ---- sockets ----


@dataclass(frozen=True, slots=True)
class SocketFile:
    """The inode that a unix socket is bound to, as stat(2) shows it; nlink is 0 where it was deleted."""

    mode: int
    uid: int
    gid: int
    nlink: int
    dev: int
    ino: int


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """The options of a socket (socket(7), tcp(7), ip(7), ipv6(7)) by names like "reuseaddr": those on, and those off.

    Buffers are as getsockopt(2) gives them, twice what was set; linger is in seconds, None where it is off; timeouts are in
    ns, None: none. keep_idle, keep_interval (s), keep_count, user_timeout (ms) and congestion are TCP's alone.
    """

    on: frozenset[str]
    off: frozenset[str]
    recv_buffer: int
    send_buffer: int
    recv_low: int
    priority: int
    mark: int
    linger: int | None
    recv_timeout: int | None
    send_timeout: int | None
    keep_idle: int | None
    keep_interval: int | None
    keep_count: int | None
    user_timeout: int | None
    device: str | None
    congestion: str | None


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket(2). family is AF_*, type SOCK_*; name and peer are what getsockname(2) and getpeername(2) give, and None
    where there is none (names_known) or where it is not known.

    state is TCP_* for TCP, MPTCP and SCTP that are not raw (include/net/tcp_states.h), SS_* of linux/net.h for others, and 10
    for a socket that listens. Queues are in bytes; of a listening socket recv_queue counts connections that wait for
    accept(2). in_flight counts the descriptors in the receive queue of a unix socket; peer_ino is the inode of its
    peer, 0 where it has none, listener_ino that of the listener which has not accepted the connection yet; net_ns that of
    the network namespace. can_read and can_write are False where that half was shut down (shutdown(2)). file is of a unix
    socket with a path, interface the name of the one that a packet socket is bound to. options are known where the scan was
    asked for them (sockopts=True).
    """

    family: int | None
    type: int | None
    protocol: int | None
    state: int | None
    recv_queue: int | None
    send_queue: int | None
    backlog: int | None
    in_flight: int | None
    peer_ino: int | None
    listener_ino: int | None
    net_ns: int | None
    name: Address | None
    peer: Address | None
    names_known: bool
    can_read: bool | None = None
    can_write: bool | None = None
    file: SocketFile | None = None
    interface: str | None = None
    options: SocketOptions | None = None

    @property
    def listening(self) -> bool | None:
        return None if self.state is None else self.state == TCP_LISTEN


_FIELDS = {
    "family": "TYPE", "type": "TYPE", "protocol": "TYPE", "state": "STATE", "recv_queue": "QUEUES",
    "send_queue": "QUEUES", "backlog": "BACKLOG", "in_flight": "IN_FLIGHT", "peer_ino": "PEER", "net_ns": "NET_NS",
    "listener_ino": "LISTENER",
}  # fmt: skip


def _address(file: Extended, kind: RecordType) -> Address | None:
    raw = payload(file, kind)
    return None if raw is None else address(raw)


def _socket(file: Described) -> Socket | None:
    rows = list(_SOCKET.all(file))
    name, peer = _address(file, RecordType.SOCK_NAME), _address(file, RecordType.SOCK_PEER)
    if not rows and name is None and peer is None:
        return None
    values: dict[str, Any] = dict.fromkeys(_FIELDS)
    for row in rows:
        row["listener_ino"] = row["peer_ino"]
        values.update((key, row[key]) for key, bit in _FIELDS.items() if row["known"] & _SOCK_HAS[bit])
    known = 0
    for row in rows:
        known |= row["known"]
    bound, interface, options = _FILE.first(file), _INTERFACE.first(file), _OPTIONS.first(file)
    return Socket(
        **values,
        name=name,
        peer=peer,
        names_known=bool(known & _SOCK_HAS["NAMES"]),
        can_read=_half(known, "READING"),
        can_write=_half(known, "WRITING"),
        file=SocketFile(**bound) if bound else None,
        interface=text(interface["name"]) if interface else None,
        options=_options(options) if options else None,
    )


def _options(row: dict[str, Any]) -> SocketOptions:
    known, on = row.pop("known"), row.pop("on")
    tcp = known & _HAS_TCP
    off = known & ~on
    numbers = {name: value for name, value in row.items() if name not in {"device", "congestion"}}
    numbers["linger"] = row["linger"] if on & _OPTION["LINGER"] else None
    numbers.update((name, row[name] or None) for name in ("recv_timeout", "send_timeout"))
    numbers.update(
        (name, row[name] if tcp else None) for name in ("keep_idle", "keep_interval", "keep_count", "user_timeout")
    )
    return SocketOptions(
        frozenset(name.lower() for name, bit in _OPTION.items() if on & bit),
        frozenset(name.lower() for name, bit in _OPTION.items() if off & bit),
        **numbers,
        device=text(row["device"]) or None,
        congestion=text(row["congestion"]) or None,
    )


def _half(known: int, name: str) -> bool | None:
    return True if known & _SOCK_HAS[name] else False if known & _SOCK_HAS[f"NO_{name}"] else None


Value = Socket
DECODERS: Decoders = {Kind.SOCKET: _socket}
