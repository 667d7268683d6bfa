# SPDX-License-Identifier: MIT
"""Addresses of sockets, one class a family."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass


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

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _AF_PACKET, _AF_VSOCK = 1, 2, 10, 16, 17, 40


def address(raw: bytes) -> Address:
    """A struct sockaddr of sockaddr(3type), of whatever family."""
    family = int.from_bytes(raw[:2], "little")
    decode, size = _ADDRESSES.get(family, (None, 0))
    return decode(raw) if decode and len(raw) >= size else RawAddress(family, raw[2:])


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


def _packet(raw: bytes) -> PacketAddress:
    (protocol,) = struct.unpack_from(">H", raw, 2)
    ifindex, hatype, pkttype, length = struct.unpack_from("<iHBB", raw, 4)
    return PacketAddress(protocol, ifindex, hatype, pkttype, raw[12 : 12 + length])


_ADDRESSES: dict[int, tuple[Callable[[bytes], Address], int]] = {
    _AF_UNIX: (_unix, 2),
    _AF_INET: (_inet, 8),
    _AF_INET6: (_inet6, 28),
    _AF_NETLINK: (lambda raw: NetlinkAddress(*struct.unpack_from("<II", raw, 4)), 12),
    _AF_PACKET: (_packet, 12),
    _AF_VSOCK: (lambda raw: VsockAddress(*reversed(struct.unpack_from("<II", raw, 4))), 12),
}
