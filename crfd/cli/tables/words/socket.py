# SPDX-License-Identifier: MIT
"""What a table says of sockets."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.tables import text
from crfd.cli.tables.words.phrase import Writers, nth, pairs
from crfd.image.model import OpenFile
from crfd.kinds.socket import (
    AF_INET6,
    FAMILIES,
    HAS_TCP_STATES,
    INET,
    PROTOCOLS,
    STATES,
    TCP_STATES,
    TYPES,
    Address,
    InetAddress,
    NetlinkAddress,
    PacketAddress,
    Socket,
    UnixAddress,
    VsockAddress,
)


def _socket(_: OpenFile, socket: Socket) -> Iterator[str]:
    if socket.family is not None:
        yield _protocol(socket)
    if socket.name or socket.peer:
        yield _address(socket.name)
    if socket.peer:
        yield f"→ {_address(socket.peer)}"
    if socket.state is not None:
        yield _state(socket)
    if socket.listening:
        yield from pairs(waiting=socket.recv_queue, backlog=socket.backlog)
    else:
        yield from pairs(recv=socket.recv_queue or None, send=socket.send_queue or None)
    yield from pairs(in_flight=socket.in_flight or None)


def _protocol(socket: Socket) -> str:
    kind = nth(TYPES, socket.type)
    if socket.family in INET:
        name = "RAW" if kind == "raw" else PROTOCOLS.get(socket.protocol or 0, f"protocol {socket.protocol}")
        return name + ("6" if socket.family == AF_INET6 and name in {"TCP", "UDP", "RAW", "UDPLITE"} else "")
    family = FAMILIES.get(socket.family or 0)
    return f"{family.name if family else f'family {socket.family}'} {kind}"


def _state(socket: Socket) -> str:
    if socket.listening:
        return "LISTEN"
    tcp = socket.family in INET and PROTOCOLS.get(socket.protocol or 0) in HAS_TCP_STATES
    return nth(TCP_STATES if tcp else STATES, socket.state)


def _address(found: Address | None) -> str:
    if isinstance(found, InetAddress):
        return f"[{found.host}]:{found.port}" if ":" in found.host else f"{found.host}:{found.port}"
    if isinstance(found, UnixAddress):
        name = text.escape(found.path[1:])
        return f"@{name}" if found.path[:1] == b"\0" else text.escape(found.path) or "unnamed"
    if isinstance(found, NetlinkAddress):
        return f"port {found.port_id}" + (f" groups {found.groups:#x}" if found.groups else "")
    if isinstance(found, PacketAddress):
        return f"protocol {found.protocol:#06x} interface {found.ifindex}"
    if isinstance(found, VsockAddress):
        return f"{found.cid}:{found.port}"
    return "?" if found is None else found.data.hex()


WRITERS: Writers = {Socket: _socket}
