# SPDX-License-Identifier: MIT
"""What one kind of open file description has beside the rest; None stands for what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from crfd import _core
from crfd.kinds.address import Address

_LOCK_KIND = _core.enum("crfd_lock_kind", "CRFD_LOCK_")
_LOCK_TYPE = _core.enum("crfd_lock_type", "CRFD_LOCK_")
_MARK = _core.enum("crfd_fanotify_type", "CRFD_FANOTIFY_")
_Number = TypeVar("_Number", bound="_Numbered")


class _Numbered(IntEnum):
    """An enumeration that a later kernel or version may add to: a number without a name is a member named _n."""

    @classmethod
    def _missing_(cls: type[_Number], value: object) -> _Number | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"_{value}"
        member._value_ = value
        return member


# ---- of any kind ----


class OwnerType(_Numbered):
    """F_OWNER_* of fcntl(2)."""

    TID = 0
    PID = 1
    PGRP = 2


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is told by a signal when I/O is possible: F_SETOWN_EX and F_SETSIG of fcntl(2).

    pid is a thread, process or process group by type, None where it has no number in our pid namespace. uid and euid
    are those of who set it. signal 0 is SIGIO.
    """

    pid: int | None
    type: OwnerType
    uid: int
    euid: int
    signal: int


class LockKind(_Numbered):
    """What made it: fcntl(2) F_SETLK (POSIX), F_OFD_SETLK, flock(2), F_SETLEASE, or a delegation of the NFS server."""

    POSIX = _LOCK_KIND["POSIX"]
    OFD = _LOCK_KIND["OFD"]
    FLOCK = _LOCK_KIND["FLOCK"]
    LEASE = _LOCK_KIND["LEASE"]
    DELEG = _LOCK_KIND["DELEG"]


class LockType(_Numbered):
    """What is locked out; of a lease that is being broken, what it goes down to."""

    READ = _LOCK_TYPE["READ"]
    WRITE = _LOCK_TYPE["WRITE"]
    UNLOCK = _LOCK_TYPE["UNLOCK"]


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock or lease that was taken through this very description.

    pid took it: None for an OFD lock, which nobody owns, and for a process outside our pid namespace. start and end are
    its first and last byte; end None: to the end of the file, however far it grows.
    """

    kind: LockKind
    type: LockType
    pid: int | None
    start: int
    end: int | None
    mandatory: bool
    breaking: bool


# ---- files and pipes ----


@dataclass(frozen=True, slots=True)
class Memfd:
    """Memory of memfd_create(2), or with secret of memfd_secret(2), which has no name. seals: F_SEAL_* of fcntl(2)."""

    name: bytes | None
    seals: int | None
    secret: bool


@dataclass(frozen=True, slots=True)
class Namespace:
    """A file of /proc/PID/ns: namespaces(7)."""

    type: str
    ino: int | None


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe(7) or fifo(7). end is "read", "write" or "both"; capacity and waiting are in bytes, readers and writers
    count open ends. packet: O_DIRECT of pipe2(2)."""

    end: str
    packet: bool | None
    capacity: int | None
    waiting: int | None
    readers: int | None
    writers: int | None


@dataclass(frozen=True, slots=True)
class Tty:
    """The master of a pseudo terminal, pty(7): its slave is /dev/pts/index."""

    index: int


@dataclass(frozen=True, slots=True)
class Tun:
    """The network interface of a tun or tap device."""

    interface: str


@dataclass(frozen=True, slots=True)
class Fuse:
    """A FUSE server's end of the connection of that number in /sys/fs/fuse/connections."""

    connection: int


@dataclass(frozen=True, slots=True)
class DmaBuf:
    """A buffer that drivers share: size in bytes, count of references, the driver that made it, the name it got."""

    size: int
    count: int
    exporter: str
    name: str


# ---- sockets ----


TCP_LISTEN = 10


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket(2). family is AF_*, type SOCK_*; name and peer are what getsockname(2) and getpeername(2) give, and None
    where there is none (names_known) or where it is not known.

    state is TCP_* for TCP, MPTCP and SCTP (include/net/tcp_states.h), SS_* of linux/net.h for others, and 10 for a
    socket that listens. Queues are in bytes; of a listening socket recv_queue counts connections that wait for
    accept(2). in_flight counts the descriptors in the receive queue of a unix socket; peer_ino is the inode of its
    peer, 0 where it has none; net_ns that of the network namespace.
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
    net_ns: int | None
    name: Address | None
    peer: Address | None
    names_known: bool

    @property
    def listening(self) -> bool | None:
        return None if self.state is None else self.state == TCP_LISTEN


# ---- events and watches ----


@dataclass(frozen=True, slots=True)
class Eventfd:
    """eventfd(2): the 64-bit count; id is unique in the kernel."""

    count: int
    id: int | None
    semaphore: bool | None


@dataclass(frozen=True, slots=True)
class Timerfd:
    """timerfd_create(2): clock is CLOCK_*, flags those of timerfd_settime(2), ticks the expirations not yet read. value
    is the time to the next one in ns, also of an absolute timer, 0 where it is disarmed; interval is in ns."""

    clock: int
    flags: int
    ticks: int
    value: int
    interval: int


@dataclass(frozen=True, slots=True)
class Signalfd:
    """signalfd(2): bit n - 1 of the mask stands for signal n."""

    mask: int

    @property
    def signals(self) -> tuple[int, ...]:
        """Their numbers, ascending."""
        return tuple(n + 1 for n in range(64) if self.mask >> n & 1)


@dataclass(frozen=True, slots=True)
class EpollTarget:
    """A file that an epoll instance watches, by the number it was added with: that may be closed or another file now.

    events are EPOLL*; dev, ino and pos are those of the file (Linux 4.13).
    """

    fd: int
    events: int
    data: int
    dev: int | None
    ino: int | None
    pos: int | None


@dataclass(frozen=True, slots=True)
class Epoll:
    """epoll(7)."""

    targets: tuple[EpollTarget, ...]


@dataclass(frozen=True, slots=True)
class InotifyMark:
    """A watch of inotify(7): mask is IN_*, dev the device of the file system as st_dev."""

    wd: int
    mask: int
    dev: int
    ino: int


@dataclass(frozen=True, slots=True)
class Inotify:
    marks: tuple[InotifyMark, ...]


class MarkType(_Numbered):
    """What a fanotify_mark(2) is on: an inode, a mount, a file system or a mount namespace."""

    INODE = _MARK["INODE"]
    MOUNT = _MARK["MOUNT"]
    SB = _MARK["SB"]
    MNTNS = _MARK["MNTNS"]


@dataclass(frozen=True, slots=True)
class FanotifyMark:
    """A mark of fanotify(7); masks are FAN_*. dev is of an inode and file system mark, ino of an inode and namespace
    mark, mnt_id of a mount mark; None for the others."""

    type: MarkType
    flags: int
    mask: int
    ignored_mask: int
    dev: int | None
    ino: int | None
    mnt_id: int | None


@dataclass(frozen=True, slots=True)
class Fanotify:
    """flags and event_flags are those of fanotify_init(2)."""

    flags: int
    event_flags: int
    marks: tuple[FanotifyMark, ...]


# ---- the kernel's own objects ----


@dataclass(frozen=True, slots=True)
class Pidfd:
    """pidfd_open(2): pid in our pid namespace, None where it has none there; ns_pid in its own.

    reaped: it is gone and was waited for, so it has no number any more. thread: PIDFD_THREAD.
    """

    pid: int | None
    ns_pid: int | None
    reaped: bool
    thread: bool | None


@dataclass(frozen=True, slots=True)
class IoUring:
    """io_uring(7): entries of the two rings, registered files and buffers."""

    sq_entries: int | None
    cq_entries: int | None
    files: int | None
    buffers: int | None


@dataclass(frozen=True, slots=True)
class BpfObject:
    """A BPF map, program, link or BTF: type is BPF_MAP_TYPE_*, BPF_PROG_TYPE_* or BPF_LINK_TYPE_* of linux/bpf.h.

    name is None where it has none (a link never has) or the kernel did not tell it (bpf(2), BPF_OBJ_GET_INFO_BY_FD).
    The sizes, in bytes, and flags are a map's; prog_id is a link's.
    """

    id: int | None
    type: int | None
    name: str | None
    key_size: int | None
    value_size: int | None
    max_entries: int | None
    map_flags: int | None
    prog_id: int | None


@dataclass(frozen=True, slots=True)
class Userfaultfd:
    """userfaultfd(2): pending are faults that nobody has read, total the threads that wait.

    UFFD_FEATURE_* asked for and offered: features is None before the handshake (UFFDIO_API).
    """

    pending: int
    total: int
    features: int | None
    offered: int


Detail = (
    Memfd | Namespace | Pipe | Tty | Tun | Fuse | DmaBuf | Socket | Eventfd | Timerfd | Signalfd | Epoll | Inotify
    | Fanotify | Pidfd | IoUring | BpfObject | Userfaultfd
)  # fmt: skip
