# SPDX-License-Identifier: MIT
"""The raw records of an open file description to the values of values.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from crfd import _core
from crfd.format.enums import Kind
from crfd.format.records import Layout, RecordType
from crfd.kinds.address import Address, address
from crfd.kinds.values import (
    BpfObject,
    Detail,
    DmaBuf,
    Epoll,
    EpollTarget,
    Eventfd,
    Fanotify,
    FanotifyMark,
    Fuse,
    Inotify,
    InotifyMark,
    IoUring,
    Lock,
    LockKind,
    LockType,
    MarkType,
    Memfd,
    Namespace,
    Owner,
    OwnerType,
    Pidfd,
    Pipe,
    Signalfd,
    Socket,
    Timerfd,
    Tty,
    Tun,
    Userfaultfd,
)

if TYPE_CHECKING:
    from crfd.kinds.described import Described, Extended

_STRUCTS = {
    RecordType.OWNER: "crfd_owner",
    RecordType.LOCK: "crfd_lock",
    RecordType.FD_LOCK: "crfd_fd_lock",
    RecordType.PIPE: "crfd_pipe",
    RecordType.SOCKET: "crfd_socket",
    RecordType.EVENTFD: "crfd_eventfd",
    RecordType.EPOLL: "crfd_epoll_target",
    RecordType.TIMERFD: "crfd_timerfd",
    RecordType.SIGNALFD: "crfd_signalfd",
    RecordType.INOTIFY: "crfd_inotify_mark",
    RecordType.FANOTIFY: "crfd_fanotify",
    RecordType.FANOTIFY_MARK: "crfd_fanotify_mark",
    RecordType.MEMFD: "crfd_memfd",
    RecordType.PIDFD: "crfd_pidfd",
    RecordType.IO_URING: "crfd_io_uring",
    RecordType.BPF: "crfd_bpf_object",
    RecordType.USERFAULTFD: "crfd_userfaultfd",
    RecordType.DMABUF: "crfd_dmabuf",
    RecordType.TTY: "crfd_tty",
    RecordType.TUN: "crfd_tun",
    RecordType.FUSE: "crfd_fuse",
}
_LAYOUTS = {int(kind): Layout(name) for kind, name in _STRUCTS.items()}
_PIPE_HAS = _core.flags("CRFD_PIPE_HAS_")
_SOCK_HAS = _core.flags("CRFD_SOCK_HAS_")
_EVENTFD_HAS = _core.flags("CRFD_EVENTFD_HAS_")
_RING_HAS = _core.flags("CRFD_IO_URING_HAS_")
_SEALS_KNOWN = _core.flags("CRFD_MEMFD_HAS_")["SEALS"]
_LOCK_MANDATORY, _LOCK_BREAKING = (int(getattr(_core.lib, f"CRFD_LOCK_{name}")) for name in ("MANDATORY", "BREAKING"))
_ALL = (1 << 64) - 1
_UNKNOWN = (1 << 32) - 1
_FMODE_READ, _FMODE_WRITE = 1, 2  # include/linux/fs.h
_UFFD_READY = 1 << 31


def _rows(of: Extended, kind: RecordType) -> Iterator[dict[str, Any]]:
    """The structs of all records of a type, by field names."""
    layout = _LAYOUTS[kind]
    for number, payload in of.extensions:
        if number == kind:
            for values in layout.struct.iter_unpack(payload):
                yield dict(zip(layout.names, values, strict=True))


def _row(file: Extended, kind: RecordType) -> dict[str, Any] | None:
    return next(_rows(file, kind), None)


def _payload(file: Extended, kind: RecordType) -> bytes | None:
    return next((payload for number, payload in file.extensions if number == kind), None)


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "backslashreplace")


def _lock(row: dict[str, Any]) -> Lock:
    return Lock(
        LockKind(row["lock"]),
        LockType(row["type"]),
        row["pid"] if row["pid"] > 0 else None,
        row["start"],
        None if row["end"] == _ALL else row["end"],
        bool(row["flags"] & _LOCK_MANDATORY),
        bool(row["flags"] & _LOCK_BREAKING),
    )


def locks(file: Extended) -> tuple[Lock, ...]:
    return tuple(map(_lock, _rows(file, RecordType.LOCK)))


def locks_elsewhere(task: Extended) -> dict[int, tuple[Lock, ...]]:
    found: dict[int, tuple[Lock, ...]] = {}
    for row in _rows(task, RecordType.FD_LOCK):
        found[row["fd"]] = (*found.get(row["fd"], ()), _lock(row))
    return found


def owner(file: Extended) -> Owner | None:
    row = _row(file, RecordType.OWNER)
    if row is None:
        return None
    return Owner(row["pid"] or None, OwnerType(row["type"]), row["uid"], row["euid"], row["signum"])


def detail(file: Described) -> Detail | None:
    """What its kind has of its own; None for a kind without, and where it could not be read."""
    decode = _DECODERS.get(file.kind)
    return decode(file) if decode else None


def _memfd(file: Described) -> Memfd:
    row = _row(file, RecordType.MEMFD)
    seals = row["seals"] if row and row["known"] & _SEALS_KNOWN else None
    secret = file.kind == Kind.SECRETMEM
    return Memfd(None if secret or file.path is None else file.path.removeprefix(b"/memfd:"), seals, secret)


def _namespace(file: Described) -> Namespace | None:
    name, bracket, _ = (file.path or b"").partition(b":[")
    return Namespace(_text(name), file.ino) if bracket else None


_ENDS = {_FMODE_READ: "read", _FMODE_WRITE: "write", _FMODE_READ | _FMODE_WRITE: "both"}


def _pipe(file: Described) -> Pipe | None:
    end = _ENDS.get(file.f_mode & (_FMODE_READ | _FMODE_WRITE))
    if end is None:  # O_PATH: only a name
        return None
    row = _row(file, RecordType.PIPE) or {"known": 0}
    known = row["known"]
    packet = None if file.f_flags is None else bool(file.f_flags & os.O_DIRECT)
    return Pipe(
        end,
        packet if file.kind == Kind.PIPE else False,
        row["capacity"] if known & _PIPE_HAS["CAPACITY"] else None,
        row["waiting"] if known & _PIPE_HAS["WAITING"] else None,
        row["readers"] if known & _PIPE_HAS["ENDS"] else None,
        row["writers"] if known & _PIPE_HAS["ENDS"] else None,
    )


_SOCKET_FIELDS = {
    "family": "TYPE", "type": "TYPE", "protocol": "TYPE", "state": "STATE", "recv_queue": "QUEUES",
    "send_queue": "QUEUES", "backlog": "BACKLOG", "in_flight": "IN_FLIGHT", "peer_ino": "PEER", "net_ns": "NET_NS",
}  # fmt: skip


def _address(file: Described, kind: RecordType) -> Address | None:
    raw = _payload(file, kind)
    return None if raw is None else address(raw)


def _socket(file: Described) -> Socket | None:
    rows = list(_rows(file, RecordType.SOCKET))
    name, peer = _address(file, RecordType.SOCK_NAME), _address(file, RecordType.SOCK_PEER)
    if not rows and name is None and peer is None:
        return None
    values: dict[str, Any] = dict.fromkeys(_SOCKET_FIELDS)
    for row in rows:
        values.update((key, row[key]) for key, bit in _SOCKET_FIELDS.items() if row["known"] & _SOCK_HAS[bit])
    known = any(row["known"] & _SOCK_HAS["NAMES"] for row in rows)
    return Socket(**values, name=name, peer=peer, names_known=known)


def _chr(file: Described) -> Tty | Tun | Fuse | None:
    if not file.extensions:
        return None
    if row := _row(file, RecordType.TTY):
        return Tty(row["index"])
    if row := _row(file, RecordType.TUN):
        return Tun(_text(row["name"]))
    row = _row(file, RecordType.FUSE)
    return Fuse(row["connection"]) if row else None


def _dmabuf(file: Described) -> DmaBuf | None:
    row = _row(file, RecordType.DMABUF)
    return DmaBuf(row["size"], row["count"], _text(row["exporter"]), _text(row["name"])) if row else None


def _eventfd(file: Described) -> Eventfd | None:
    row = _row(file, RecordType.EVENTFD)
    if row is None:
        return None
    semaphore = row["semaphore"] == 1 if row["known"] & _EVENTFD_HAS["SEMAPHORE"] else None
    return Eventfd(row["count"], row["id"] if row["known"] & _EVENTFD_HAS["ID"] else None, semaphore)


def _timerfd(file: Described) -> Timerfd | None:
    row = _row(file, RecordType.TIMERFD)
    return Timerfd(**row) if row else None


def _signalfd(file: Described) -> Signalfd | None:
    row = _row(file, RecordType.SIGNALFD)
    return Signalfd(row["mask"]) if row else None


def _epoll(file: Described) -> Epoll | None:
    if _payload(file, RecordType.EPOLL) is None:
        return None
    return Epoll(tuple(map(_target, _rows(file, RecordType.EPOLL))))


def _target(row: dict[str, Any]) -> EpollTarget:
    if row["dev"] == 0:
        return EpollTarget(row["fd"], row["events"], row["data"], None, None, None)
    pos = row["pos"]
    return EpollTarget(
        row["fd"], row["events"], row["data"], row["dev"], row["ino"], pos - (1 << 64) if pos >> 63 else pos
    )


def _inotify(file: Described) -> Inotify | None:
    if _payload(file, RecordType.INOTIFY) is None:
        return None
    return Inotify(tuple(InotifyMark(**row) for row in _rows(file, RecordType.INOTIFY)))


def _fanotify(file: Described) -> Fanotify | None:
    row = _row(file, RecordType.FANOTIFY)
    if row is None:
        return None
    marks = tuple(map(_fanotify_mark, _rows(file, RecordType.FANOTIFY_MARK)))
    return Fanotify(row["flags"], row["event_flags"], marks)


def _fanotify_mark(row: dict[str, Any]) -> FanotifyMark:
    kind = MarkType(row["type"])
    return FanotifyMark(
        kind,
        row["flags"],
        row["mask"],
        row["ignored_mask"],
        row["dev"] if kind in {MarkType.INODE, MarkType.SB} else None,
        row["ino"] if kind in {MarkType.INODE, MarkType.MNTNS} else None,
        row["mnt_id"] if kind == MarkType.MOUNT else None,
    )


def _pidfd(file: Described) -> Pidfd | None:
    row = _row(file, RecordType.PIDFD)
    if row is None:
        return None
    pid, ns_pid = row["pid"], row["ns_pid"]
    # PIDFD_THREAD of linux/pidfd.h, Linux 6.9; before there is none of a thread
    thread = None if file.f_flags is None else bool(file.f_flags & os.O_EXCL)
    return Pidfd(pid if pid > 0 else None, ns_pid if ns_pid > 0 else None, pid == -1, thread)


def _io_uring(file: Described) -> IoUring | None:
    row = _row(file, RecordType.IO_URING)
    if row is None:
        return None
    entries, registered = row["known"] & _RING_HAS["ENTRIES"], row["known"] & _RING_HAS["REGISTERED"]
    return IoUring(
        row["sq_entries"] if entries else None,
        row["cq_entries"] if entries else None,
        row["files"] if registered else None,
        row["buffers"] if registered else None,
    )


def _bpf(file: Described) -> BpfObject | None:
    row = _row(file, RecordType.BPF)
    if row is None:
        return None
    is_map = file.kind == Kind.BPF_MAP
    return BpfObject(
        row["id"] or None,
        None if row["type"] == _UNKNOWN else row["type"],
        _text(row["name"]) or None,
        row["key_size"] if is_map else None,
        row["value_size"] if is_map else None,
        row["max_entries"] if is_map else None,
        row["map_flags"] if is_map else None,
        row["prog_id"] if file.kind == Kind.BPF_LINK else None,
    )


def _userfaultfd(file: Described) -> Userfaultfd | None:
    row = _row(file, RecordType.USERFAULTFD)
    if row is None:
        return None
    features = row["features"] & ~_UFFD_READY if row["features"] & _UFFD_READY else None
    return Userfaultfd(row["pending"], row["total"], features, row["offered"])


_DECODERS: dict[int, Callable[[Described], Detail | None]] = {
    Kind.MEMFD: _memfd,
    Kind.SECRETMEM: _memfd,
    Kind.NAMESPACE: _namespace,
    Kind.PIPE: _pipe,
    Kind.FIFO: _pipe,
    Kind.CHR: _chr,
    Kind.DMABUF: _dmabuf,
    Kind.SOCKET: _socket,
    Kind.EVENTFD: _eventfd,
    Kind.TIMERFD: _timerfd,
    Kind.SIGNALFD: _signalfd,
    Kind.EPOLL: _epoll,
    Kind.INOTIFY: _inotify,
    Kind.FANOTIFY: _fanotify,
    Kind.PIDFD: _pidfd,
    Kind.IO_URING: _io_uring,
    Kind.BPF_MAP: _bpf,
    Kind.BPF_PROG: _bpf,
    Kind.BPF_LINK: _bpf,
    Kind.BTF: _bpf,
    Kind.USERFAULTFD: _userfaultfd,
}
