# SPDX-License-Identifier: MIT
"""The open files of an image as a graph of connections.

      task 812  fd 4 ── objref 7 (write end) ──pipe──▶ objref 9 (read end) ── fd 0  task 813

The nodes are open file descriptions. What an image that was not frozen says of two of them may be of two moments, so a
link is where the numbers fit: the inode of a pipe, the peer of a unix socket, both addresses of a connection.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, overload

from crfd.analysis.holders import Holders
from crfd.format.enums import Kind
from crfd.image.model import OpenFile
from crfd.image.section import FindFile
from crfd.kinds.device import Tty
from crfd.kinds.pipe import Pipe
from crfd.kinds.socket import AF_UNIX, INET, InetAddress, Socket
from crfd.kinds.watch import Epoll

if TYPE_CHECKING:
    from crfd.image.reader import Image

_CONNECTED = {6: "tcp", 17: "udp", 132: "sctp", 136: "udplite", 262: "mptcp"}  # IPPROTO_* of linux/in.h
_RAW = 3  # SOCK_RAW
_READ, _WRITE = 1, 2  # FMODE_* of include/linux/fs.h
_NAMED = frozenset({Kind.UNKNOWN, Kind.FILE, Kind.DIR, Kind.CHR, Kind.BLK, Kind.FIFO})  # kinds of any file system
_LINKED = frozenset({Kind.PIPE, Kind.FIFO, Kind.SOCKET, Kind.EPOLL, Kind.MQUEUE, Kind.CHR, Kind.EVENTFD})
_SLAVES = range(136, 144)  # Documentation/admin-guide/devices.txt: major numbers of slaves of pseudo terminals
_SLAVES_EACH = 256
_MAPPED = "::ffff:"  # IPv4 seen from an IPv6 socket, ipv6(7)


@dataclass(frozen=True, slots=True)
class Link:
    """A connection of open file descriptions, which it names by objref.

    kind is "pipe" or "fifo" (from every write end to every read end of one), "unix", "tcp", "udp", "sctp", "udplite",
    "mptcp", "mqueue" (from who may send to who may receive), "pty" (from a master to its slave), "eventfd" (a counter that
    several tables have, from itself to itself), or "epoll" (from the instance to what it watches, fd the number it was added
    by). Only pipes, queues and terminals have more than one source or target; a description that is both ends of a fifo or
    a queue is among both. Sockets that are each other's peer are one link. targets is empty where the other end is not in the
    image (known; address says where it is) or cannot be told: of an epoll, where that number is now another file's, or
    nobody's. All files without an inode of their own (eventfd, timerfd …) are one inode to it.
    """

    kind: str
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    known: bool = True
    fd: int | None = None
    address: str | None = None


def links(image: Image) -> Links:
    """Return who is connected with whom in an image: pipes, sockets, epoll targets."""
    return Links(image)


class Links(Sequence[Link]):
    """The links of an image, by kind and then by source, and who holds their ends."""

    def __init__(self, image: Image) -> None:
        self._holders = Holders(image)
        files = [file for file in map(image.file, sorted(self._holders.known())) if file.kind in _LINKED]
        found = [
            *_pipes(files),
            *_ends(files),
            *_eventfds(files, self._holders),
            *_unix(files),
            *_connections(files),
            *_epolls(files, self._holders, image.file),
        ]
        self._links = tuple(sorted(found, key=lambda link: (link.kind, link.sources, link.targets, link.fd or 0)))
        self._by_end: dict[int, list[Link]] | None = None
        self._counts: dict[int, int] = {}

    @overload
    def __getitem__(self, index: int) -> Link: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Link, ...]: ...
    def __getitem__(self, index: int | slice) -> Link | tuple[Link, ...]:
        return self._links[index]

    def __len__(self) -> int:
        return len(self._links)

    def of(self, objref: int) -> tuple[Link, ...]:
        """Return the links that begin or end at an open file description."""
        if self._by_end is None:
            self._by_end = defaultdict(list)
            for link in self._links:
                for end in {*link.sources, *link.targets}:
                    self._by_end[end].append(link)
        return tuple(self._by_end.get(objref, ()))

    def holders(self, objref: int, most: int | None = None) -> tuple[tuple[int, int], ...]:
        """Return (pid, fd) of every descriptor of an open file description, or of the first so many, in the image's order."""
        return tuple(islice(self._holders.of(objref), most))

    def count_holders(self, objref: int) -> int:
        """Return the number of descriptors of an open file description."""
        if objref not in self._counts:
            self._counts[objref] = self._holders.count(objref)
        return self._counts[objref]

    def held_by(self, pid: int) -> frozenset[int]:
        """Return the open file descriptions that a task has descriptors of."""
        return self._holders.held_by(pid)


def _pipes(files: Iterable[OpenFile]) -> Iterator[Link]:
    ends: dict[tuple[int, int | None, int | None], list[tuple[OpenFile, str]]] = defaultdict(list)
    for file in files:
        if file.kind in {Kind.PIPE, Kind.FIFO} and isinstance(pipe := file.detail, Pipe) and file.ino is not None:
            ends[file.kind, file.dev, file.ino].append((file, pipe.end))
    for (kind, _, _), opened in ends.items():
        readers = tuple(file.objref for file, end in opened if end != "write")
        writers = tuple(file.objref for file, end in opened if end != "read")
        if len(writers) == 1:  # which does not write to itself
            readers = tuple(reader for reader in readers if reader != writers[0])
        if writers:
            yield Link("pipe" if kind == Kind.PIPE else "fifo", writers, readers)


def _ends(files: Iterable[OpenFile]) -> Iterator[Link]:
    """Link message queues by their inode, pseudo terminals by their number and the instance of devpts that they are of."""
    queues: dict[tuple[int | None, int | None], list[OpenFile]] = defaultdict(list)
    masters: dict[tuple[int, int | None], list[int]] = defaultdict(list)
    slaves: dict[int, dict[int | None, list[int]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        if file.kind == Kind.MQUEUE and file.ino is not None:
            queues[file.dev, file.ino].append(file)
        elif file.kind == Kind.CHR and isinstance(tty := file.detail, Tty) and tty.index is not None:
            masters[tty.index, file.dev].append(file.objref)
        elif file.kind == Kind.CHR and file.rdev is not None and os.major(file.rdev) in _SLAVES:
            index = (os.major(file.rdev) - _SLAVES[0]) * _SLAVES_EACH + os.minor(file.rdev)
            slaves[index][file.dev].append(file.objref)
    for opened in queues.values():
        senders = tuple(file.objref for file in opened if file.f_mode & _WRITE)
        receivers = tuple(file.objref for file in opened if file.f_mode & _READ)
        if len(opened) > 1 and (senders or receivers):
            yield Link("mqueue", senders or receivers, receivers if senders else ())
    instances = {dev for found in slaves.values() for dev in found}
    for (index, dev), ends in masters.items():
        # A master is opened on its devpts, or by a name elsewhere: then it can be told where there is one devpts alone.
        sure = dev in instances or len(instances) <= 1
        of = dev if dev in instances else next(iter(instances), None)
        yield Link("pty", tuple(ends), tuple(slaves[index][of]) if sure else (), known=sure)


def _eventfds(files: Iterable[OpenFile], holders: Holders) -> Iterator[Link]:
    for file in files:
        if file.kind == Kind.EVENTFD and len(holders.tables(file.objref)) > 1:
            yield Link("eventfd", (file.objref,), (file.objref,))


def _sockets(files: Iterable[OpenFile]) -> Iterator[tuple[OpenFile, Socket]]:
    for file in files:
        if file.kind == Kind.SOCKET and isinstance(socket := file.detail, Socket):
            yield file, socket


def _unix(files: Iterable[OpenFile]) -> Iterator[Link]:
    sockets = [(file, socket) for file, socket in _sockets(files) if socket.family == AF_UNIX]
    by_ino = {file.ino: (file, socket) for file, socket in sockets if file.ino}
    for file, socket in sockets:
        if socket.listener_ino:
            listener, _ = by_ino.get(socket.listener_ino, (None, None))
            yield Link("unix", (file.objref,), (listener.objref,) if listener else ())
        elif socket.peer_ino is None:
            if not socket.listening:
                yield Link("unix", (file.objref,), (), known=False)
        elif socket.peer_ino:
            other, back = by_ino.get(socket.peer_ino, (None, None))
            mutual = other is not None and back is not None and back.peer_ino == file.ino
            if other is None or not mutual or file.objref <= other.objref:
                yield Link("unix", (file.objref,), (other.objref,) if other else ())


_Ends = tuple[int, str, tuple[str, int], tuple[str, int]]


def _connections(files: Iterable[OpenFile]) -> Iterator[Link]:
    ends: dict[_Ends, int] = {}
    for file, socket in _sockets(files):
        name, peer, kind = socket.name, socket.peer, _CONNECTED.get(socket.protocol or 0)
        if socket.family not in INET or not kind or not socket.net_ns:
            continue
        if socket.type == _RAW:  # it sees what others of that protocol exchange, and is no end of it
            continue
        if isinstance(name, InetAddress) and isinstance(peer, InetAddress):
            ends[socket.net_ns, kind, _plain(name), _plain(peer)] = file.objref
    for (net_ns, kind, one, two), objref in ends.items():
        other = ends.get((net_ns, kind, two, one))
        if other is None:
            yield Link(kind, (objref,), (), address=_worded(two))
        elif objref < other:
            yield Link(kind, (objref,), (other,))


def _worded(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _plain(address: InetAddress) -> tuple[str, int]:
    host = address.host
    if host.startswith(_MAPPED) and "." in host:
        host = host.removeprefix(_MAPPED)
    return (f"{host}%{address.scope_id}" if address.scope_id else host), address.port


_Watched = tuple[int, int | None, int | None]  # number, dev, ino


def _epolls(files: list[OpenFile], holders: Holders, find: FindFile) -> Iterator[Link]:
    """Link epolls with the files they watch, each known by a number in the table of who added it, and perhaps gone."""
    watching = [(file.objref, epoll) for file in files if isinstance(epoll := file.detail, Epoll) and epoll.targets]
    at = _places(watching, holders, find)
    for objref, epoll in watching:
        tables = holders.tables(objref)
        found: dict[_Watched, int | None] = {}
        for target in epoll.targets:
            key = (target.fd, target.dev, target.ino)
            if key not in found:
                found[key] = _the_only(at.get(key, {}), tables)
            end = found[key]
            yield Link("epoll", (objref,), () if end is None else (end,), known=end is not None, fd=target.fd)


def _places(watching: list[tuple[int, Epoll]], holders: Holders, find: FindFile) -> dict[_Watched, dict[int, int]]:
    """Return the places of each watched file, by its number and inode: the objref in each table that has it so."""
    wanted: dict[tuple[int, int | None], set[int | None]] = defaultdict(set)
    for target in (target for _, epoll in watching for target in epoll.targets if target.ino):
        wanted[target.fd, target.ino].add(target.dev)
    numbers = {fd for fd, _ in wanted}
    at: dict[_Watched, dict[int, int]] = defaultdict(dict)
    for table, fd, objref in holders.descriptors() if numbers else ():
        if fd in numbers:
            file = find(objref)
            for dev in wanted.get((fd, file.ino), ()):
                if _may_be_on(file, dev):
                    at[fd, dev, file.ino][table] = objref
    return at


def _the_only(places: dict[int, int], tables: set[int]) -> int | None:
    """Return the objref that all of the tables which have one agree upon. The smaller of the two is gone through."""
    there = places.keys() & tables
    found = {places[table] for table in there}
    return found.pop() if len(found) == 1 else None


def _may_be_on(file: OpenFile, super_block: int | None) -> bool:
    """Whether a file may be on a super block of that device. Btrfs and overlay show stat(2) a number a subvolume or layer;
    like every file system without a device of its own they have major number 0."""
    if file.dev == super_block:
        return True
    if file.kind not in _NAMED or file.dev is None or super_block is None:
        return False
    return os.major(file.dev) == os.major(super_block) == 0
