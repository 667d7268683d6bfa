# SPDX-License-Identifier: MIT
"""The kernel's own objects: pidfd, io_uring, BPF, namespaces."""

from __future__ import annotations

import os
from dataclasses import dataclass

from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Records, text

_PIDFD = Records(RecordType.PIDFD, "crfd_pidfd")
_PIDFD_COMM = Records(RecordType.PIDFD_COMM, "crfd_pidfd_comm")
_PIDFD_NS = Records(RecordType.PIDFD_NS, "crfd_pidfd_ns")
_RING = "CRFD_IO_URING_HAS_"
_IO_URING = Records(
    RecordType.IO_URING, "crfd_io_uring", _RING, ENTRIES="sq_entries cq_entries", REGISTERED="files buffers"
)
_QUEUE = Records(
    RecordType.IO_URING_QUEUE, "crfd_io_uring_queue", _RING,
    QUEUES="sq_head sq_tail cq_head cq_tail", THREAD="sq_thread sq_cpu",
)  # fmt: skip
_BPF = Records(RecordType.BPF, "crfd_bpf_object")
_BPF_TAG = Records(RecordType.BPF_TAG, "crfd_bpf_tag")
_UNKNOWN = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Pidfd:
    """pidfd_open(2): pid in our pid namespace, None where it has none there; ns_pid in its own. ns_pids are all its
    numbers from our namespace down to its own, empty where they are not known.

    reaped: it is gone and was waited for, so it has no number any more. thread: PIDFD_THREAD. comm: its command name.
    """

    pid: int | None
    ns_pid: int | None
    reaped: bool
    thread: bool | None
    ns_pids: tuple[int, ...] = ()
    comm: str | None = None


@dataclass(frozen=True, slots=True)
class IoUring:
    """io_uring(7): entries of the two rings, registered files and buffers.

    The heads and tails are counters of 32 bits that run on. sq_thread is the thread that polls for submissions, in the initial
    pid namespace, and sq_cpu the processor that it is on: -1 where there is none.
    """

    sq_entries: int | None
    cq_entries: int | None
    files: int | None
    buffers: int | None
    sq_head: int | None = None
    sq_tail: int | None = None
    cq_head: int | None = None
    cq_tail: int | None = None
    sq_thread: int | None = None
    sq_cpu: int | None = None


@dataclass(frozen=True, slots=True)
class BpfObject:
    """A BPF map, program, link or BTF: type is BPF_MAP_TYPE_*, BPF_PROG_TYPE_* or BPF_LINK_TYPE_* of linux/bpf.h.

    name is None where it has none (a link never has) or the kernel did not tell it (bpf(2), BPF_OBJ_GET_INFO_BY_FD).
    The sizes, in bytes, and flags are a map's; prog_id is a link's. tag is a hash of the instructions of a program, or of
    that of a link, in base 16.
    """

    id: int | None
    type: int | None
    name: str | None
    key_size: int | None
    value_size: int | None
    max_entries: int | None
    map_flags: int | None
    prog_id: int | None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A file of /proc/PID/ns: namespaces(7)."""

    type: str
    ino: int | None


def _pidfd(file: Described) -> Pidfd | None:
    row = _PIDFD.first(file)
    if row is None:
        return None
    pid, ns_pid = row["pid"], row["ns_pid"]
    # PIDFD_THREAD of linux/pidfd.h, Linux 6.9; before there is none of a thread
    thread = None if file.f_flags is None else bool(file.f_flags & os.O_EXCL)
    numbers = tuple(one["pid"] for one in _PIDFD_NS.all(file)) or ((pid,) if pid == ns_pid > 0 else ())
    comm = _PIDFD_COMM.first(file)
    own = ns_pid if ns_pid > 0 else None
    return Pidfd(pid if pid > 0 else None, own, pid == -1, thread, numbers, text(comm["comm"]) if comm else None)


def _io_uring(file: Described) -> IoUring | None:
    row = _IO_URING.first(file)
    return None if row is None else IoUring(**row, **_QUEUE.some(file))


def _bpf(file: Described) -> BpfObject | None:
    row = _BPF.first(file)
    if row is None:
        return None
    is_map = file.kind == Kind.BPF_MAP
    tag = _BPF_TAG.first(file)
    return BpfObject(
        row["id"] or None,
        None if row["type"] == _UNKNOWN else row["type"],
        text(row["name"]) or None,
        row["key_size"] if is_map else None,
        row["value_size"] if is_map else None,
        row["max_entries"] if is_map else None,
        row["map_flags"] if is_map else None,
        row["prog_id"] if file.kind == Kind.BPF_LINK else None,
        tag["tag"].hex() if tag else None,
    )


def _namespace(file: Described) -> Namespace | None:
    name, bracket, _ = (file.path or b"").partition(b":[")
    return Namespace(text(name), file.ino) if bracket else None


Value = Pidfd | IoUring | BpfObject | Namespace
DECODERS: Decoders = {
    Kind.PIDFD: _pidfd,
    Kind.IO_URING: _io_uring,
    Kind.BPF_MAP: _bpf,
    Kind.BPF_PROG: _bpf,
    Kind.BPF_LINK: _bpf,
    Kind.BTF: _bpf,
    Kind.NAMESPACE: _namespace,
}
