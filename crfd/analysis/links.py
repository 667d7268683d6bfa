# SPDX-License-Identifier: MIT
"""Who is connected with whom: the open files of an image as a graph.

      task 812  fd 4 ── objref 7 (write end) ──pipe──▶ objref 9 (read end) ── fd 0  task 813

The nodes are open file descriptions. What an image that was not frozen says of two of them may be of two moments, so a
link is where the numbers fit: the inode of a pipe, the peer of a unix socket, both addresses of a connection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from crfd.format.enums import Kind
from crfd.image.model import OpenFile
from crfd.kinds.pipe import Pipe
from crfd.kinds.socket import AF_UNIX, INET, PROTOCOLS, InetAddress, Socket
from crfd.kinds.watch import Epoll, EpollTarget

if TYPE_CHECKING:
    from crfd.image.columns import Columns
    from crfd.image.reader import Image

_CONNECTED = frozenset({"TCP", "UDP", "SCTP", "UDPLITE", "MPTCP"})
_LINKED = frozenset({Kind.PIPE, Kind.FIFO, Kind.SOCKET, Kind.EPOLL})
_MAPPED = "::ffff:"  # IPv4 seen from an IPv6 socket, ipv6(7)

FindFile = Callable[[int], OpenFile]


@dataclass(frozen=True, slots=True)
class Link:
    """A connection of two open file descriptions, by objref.

    kind is "pipe" or "fifo" (from a write end to a read end), "unix", "tcp", "udp", "sctp", "udplite", "mptcp", or "epoll"
    (from the instance to what it watches, fd the number it was added by). Sockets that are each other's peer are one link.
    target is None where the other end is not in the image (known) or cannot be told: of an epoll, where that number is now
    another file's, or nobody's. All files without an inode of their own (eventfd, timerfd …) are one inode to it.
    """

    kind: str
    source: int
    target: int | None
    known: bool = True
    fd: int | None = None


def links(image: Image) -> Links:
    """Who is connected with whom in an image: pipes, sockets, epoll targets."""
    return Links(image.columns(), image.file)


class Links(Sequence[Link]):
    """The links of an image, by kind and then by source, and who holds their ends."""

    def __init__(self, columns: Columns, file: FindFile) -> None:
        self._holders = _holders(columns)
        files = [file(objref) for objref, kind in enumerate(columns.files["kind"]) if kind in _LINKED]
        found = [*_pipes(files), *_unix(files), *_connections(files), *_epolls(files, self._holders, file)]
        self._links = tuple(sorted(found, key=lambda link: (link.kind, link.source, link.target or 0, link.fd or 0)))
        self._by_end: dict[int, list[Link]] | None = None

    @overload
    def __getitem__(self, index: int) -> Link: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Link, ...]: ...
    def __getitem__(self, index: int | slice) -> Link | tuple[Link, ...]:
        return self._links[index]

    def __len__(self) -> int:
        return len(self._links)

    def of(self, objref: int) -> tuple[Link, ...]:
        """The links that begin or end at an open file description."""
        if self._by_end is None:
            self._by_end = defaultdict(list)
            for link in self._links:
                for end in {link.source, link.target} - {None}:
                    self._by_end[end].append(link)  # type: ignore[index]
        return tuple(self._by_end.get(objref, ()))

    def holders(self, objref: int) -> tuple[tuple[int, int], ...]:
        """(pid, fd) of every descriptor of an open file description, in the image's order."""
        return tuple(self._holders.get(objref, ()))


def _holders(columns: Columns) -> dict[int, list[tuple[int, int]]]:
    """By objref. A table that several tasks share is listed for the first; the others hold the same."""
    tasks, names = columns.tasks, columns.tasks.names
    pid_at, table_at = names.index("pid"), names.index("files_objref")
    tables: dict[int, list[int]] = defaultdict(list)
    sharing: dict[int, list[int]] = {}
    for row in tasks.rows():
        pid, table = row[pid_at], row[table_at]
        sharing[pid] = [pid]
        if table:
            tables[table].append(pid)
            sharing[pid] = tables[table]
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pid, fd, objref, _ in columns.fds.rows():
        if objref:
            found[objref] += [(one, fd) for one in sharing[pid]]
    return dict(found)


def _pipes(files: Iterable[OpenFile]) -> Iterator[Link]:
    ends: dict[tuple[int, int | None, int | None], list[tuple[OpenFile, str]]] = defaultdict(list)
    for file in files:
        if file.kind in {Kind.PIPE, Kind.FIFO} and isinstance(pipe := file.detail, Pipe) and file.ino is not None:
            ends[file.kind, file.dev, file.ino].append((file, pipe.end))
    for (kind, _, _), opened in ends.items():
        name = "pipe" if kind == Kind.PIPE else "fifo"
        readers = [file.objref for file, end in opened if end != "write"]
        for writer in (file.objref for file, end in opened if end != "read"):
            others = [reader for reader in readers if reader != writer]
            yield from (Link(name, writer, reader) for reader in others)
            if not others:
                yield Link(name, writer, None)


def _sockets(files: Iterable[OpenFile]) -> Iterator[tuple[OpenFile, Socket]]:
    for file in files:
        if file.kind == Kind.SOCKET and isinstance(socket := file.detail, Socket):
            yield file, socket


def _unix(files: Iterable[OpenFile]) -> Iterator[Link]:
    sockets = [(file, socket) for file, socket in _sockets(files) if socket.family == AF_UNIX]
    by_ino = {file.ino: (file, socket) for file, socket in sockets if file.ino}
    for file, socket in sockets:
        if socket.peer_ino is None:
            if not socket.listening:
                yield Link("unix", file.objref, None, known=False)
        elif socket.peer_ino:
            other, back = by_ino.get(socket.peer_ino, (None, None))
            mutual = other is not None and back is not None and back.peer_ino == file.ino
            if other is None or not mutual or file.objref <= other.objref:
                yield Link("unix", file.objref, other.objref if other else None)


_Ends = tuple[int, str, tuple[str, int], tuple[str, int]]


def _connections(files: Iterable[OpenFile]) -> Iterator[Link]:
    ends: dict[_Ends, int] = {}
    for file, socket in _sockets(files):
        name, peer, kind = socket.name, socket.peer, PROTOCOLS.get(socket.protocol or 0)
        if socket.family in INET and kind in _CONNECTED and socket.net_ns and name is not None and peer is not None:
            assert isinstance(name, InetAddress)
            assert isinstance(peer, InetAddress)
            ends[socket.net_ns, kind.lower(), _plain(name), _plain(peer)] = file.objref
    for (net_ns, kind, one, two), objref in ends.items():
        other = ends.get((net_ns, kind, two, one))
        if other is not None and objref < other:
            yield Link(kind, objref, other)


def _plain(address: InetAddress) -> tuple[str, int]:
    host = address.host
    if host.startswith(_MAPPED) and "." in host:
        host = host.removeprefix(_MAPPED)
    return (f"{host}%{address.scope_id}" if address.scope_id else host), address.port


def _epolls(files: list[OpenFile], holders: dict[int, list[tuple[int, int]]], find: FindFile) -> Iterator[Link]:
    """What an epoll watches is known by a number in the table of who added it, and may be there no more."""
    watched = [(file.objref, epoll) for file in files if isinstance(epoll := file.detail, Epoll) and epoll.targets]
    pids = {pid for objref, _ in watched for pid, _ in holders.get(objref, ())}
    tables = {(pid, fd): objref for objref, held in holders.items() for pid, fd in held if pid in pids} if pids else {}
    for objref, epoll in watched:
        owners = {pid for pid, _ in holders.get(objref, ())}
        for target in epoll.targets:
            candidates = {tables.get((pid, target.fd), 0) for pid in owners} - {0}
            fitting = [found for found in candidates if _is_watched(find(found), target)]
            found = fitting[0] if len(fitting) == 1 else None
            yield Link("epoll", objref, found, known=found is not None, fd=target.fd)


def _is_watched(file: OpenFile, target: EpollTarget) -> bool:
    return target.ino is not None and (file.ino, file.dev) == (target.ino, target.dev)
