# SPDX-License-Identifier: MIT
"""Sockets, and the addresses of each family."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from crfd._core import declarations
from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Extended, Records, payload

_SOCKET = Records(RecordType.SOCKET, "crfd_socket")
_SOCK_HAS = declarations.flags("CRFD_SOCK_HAS_")


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


AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK, AF_XDP = 1, 2, 10, 16, 17, 38, 40, 44
TCP_LISTEN = 10


class Family(NamedTuple):
    """AF_* of linux/socket.h: its name, and how an address of at least so many bytes is read."""

    name: str
    address: Callable[[bytes], Address] | None = None
    size: int = 0


FAMILIES = {
    AF_UNIX: Family("unix", _unix, 2),
    AF_INET: Family("inet", _inet, 8),
    AF_INET6: Family("inet6", _inet6, 28),
    AF_NETLINK: Family("netlink", _netlink, 12),
    AF_PACKET: Family("packet", _packet, 12),
    AF_ALG: Family("alg"),
    AF_VSOCK: Family("vsock", _vsock, 12),
    AF_XDP: Family("xdp"),
}
INET = frozenset({AF_INET, AF_INET6})

# IPPROTO_* of linux/in.h
PROTOCOLS = {
    1: "ICMP", 6: "TCP", 17: "UDP", 33: "DCCP", 58: "ICMPv6", 132: "SCTP", 136: "UDPLITE", 255: "RAW", 262: "MPTCP",
}  # fmt: skip
# SOCK_* and enum socket_state of linux/net.h, and include/net/tcp_states.h: the names from 0 on, a blank between two
TYPES = "? stream dgram raw rdm seqpacket dccp ? ? ? packet"
STATES = "free unconnected connecting connected disconnecting"
TCP_STATES = (
    "? ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING "
    "NEW_SYN_RECV BOUND_INACTIVE"
)
HAS_TCP_STATES = frozenset({"TCP", "SCTP", "MPTCP"})


def address(raw: bytes) -> Address:
    """A struct sockaddr of sockaddr(3type), of whatever family."""
    family = int.from_bytes(raw[:2], "little")
    known = FAMILIES.get(family)
    if known and known.address and len(raw) >= known.size:
        return known.address(raw)
    return RawAddress(family, raw[2:])


# ---- sockets ----


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket(2). family is AF_*, type SOCK_*; name and peer are what getsockname(2) and getpeername(2) give, and None
    where there is none (names_known) or where it is not known.

    state is TCP_* for TCP, MPTCP and SCTP that are not raw (include/net/tcp_states.h), SS_* of linux/net.h for others, and 10
    for a socket that listens. Queues are in bytes; of a listening socket recv_queue counts connections that wait for
    accept(2). in_flight counts the descriptors in the receive queue of a unix socket; peer_ino is the inode of its
    peer, 0 where it has none, listener_ino that of the listener which has not accepted the connection yet; net_ns that of
    the network namespace.
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
    known = any(row["known"] & _SOCK_HAS["NAMES"] for row in rows)
    return Socket(**values, name=name, peer=peer, names_known=known)


Value = Socket
DECODERS: Decoders = {Kind.SOCKET: _socket}
