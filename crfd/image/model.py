# SPDX-License-Identifier: MIT
"""The contents of an image as typed values that do not change. None stands for what is not known.

OpenFile and Descriptor, of which there may be millions, are tuples: a frozen dataclass takes six times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from crfd._core.kinds import kind_name
from crfd._core.library import lib
from crfd.format.enums import Backend, Identity, Kind, Step
from crfd.format.records import Layout, RecordType
from crfd.image.consistency import Consistency, consistency

if TYPE_CHECKING:
    from crfd.image.held import Held
    from crfd.image.polled import Polls
    from crfd.kinds.lock import Lock, Owner
    from crfd.kinds.table import Detail

Extensions = tuple[tuple[int, bytes], ...]
_INODE = Layout("crfd_inode")
_SIGNALS = int(lib.CRFD_HAS_SIGNALS)


def _text(extensions: Extensions, kind: RecordType) -> bytes | None:
    """A text that may be split over several records; None where there is none."""
    pieces = [payload for number, payload in extensions if number == kind]
    return b"".join(pieces) if pieces else None


@dataclass(frozen=True, slots=True)
class Head:
    """HEAD: the kernel's version numbers, time in s since the epoch, and uname(2)."""

    major: int
    minor: int
    patch: int
    rev: int
    time: int
    flags: int
    release: str
    version: str
    machine: str


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The making of an image. frozen: every task stood still meanwhile. clk_tck: ticks a second of Task.start_time, which
    counts from boot_time, in seconds since 1970; 0 where that is not known."""

    revision: int
    backend: Backend
    frozen: bool
    clk_tck: int
    boot_time: int


@dataclass(frozen=True, slots=True)
class ReadError:
    """The reason why a descriptor could not be read, or only in part."""

    errno: int
    step: Step


class OpenFile(NamedTuple):
    """An open file description, the kernel's struct file: what dup(2), fork(2) and SCM_RIGHTS share.

    f_mode holds FMODE_* bits (include/linux/fs.h), all of them only where known has CRFD_HAS_MODE; f_flags O_* without
    O_CLOEXEC; f_pos bytes; f_uid and f_gid are the opener's. path is as the kernel shows it, without " (deleted)":
    deleted says whether that name is gone. dev and rdev are as st_dev of stat(2); size is in bytes, blocks of 512
    bytes. known: the CRFD_HAS_* bits of csrc/format/FORMAT.md. extensions: what else the image says of it, (record type,
    payload) raw.
    """

    objref: int
    kind: Kind
    f_mode: int
    f_flags: int | None
    f_pos: int | None
    f_uid: int | None
    f_gid: int | None
    f_version: int | None
    path: bytes | None
    deleted: bool | None
    dev: int | None
    ino: int | None
    mnt_id: int | None
    st_mode: int | None
    rdev: int | None
    nlink: int | None
    size: int | None
    blocks: int | None
    known: int
    extensions: Extensions

    @property
    def kind_name(self) -> str:
        """The kind as the command line shows it: "file", "eventfd" …"""
        return kind_name(self.kind)

    @property
    def st_uid(self) -> int | None:
        """The user id of the inode's owner, where f_uid is who opened it."""
        return self._inode("uid")

    @property
    def st_gid(self) -> int | None:
        """The group id of the inode's owner."""
        return self._inode("gid")

    def _inode(self, name: str) -> int | None:
        raw = _text(self.extensions, RecordType.INODE)
        return None if raw is None else int(_INODE.one(raw)[name])

    @property
    def driver(self) -> bytes | None:
        """The name in /proc/devices of a device's major number, several with commas between them."""
        return _text(self.extensions, RecordType.DRIVER)

    @property
    def misc_device(self) -> bytes | None:
        """The name in /proc/misc of a miscellaneous device."""
        return _text(self.extensions, RecordType.MISC_DEVICE)

    @property
    def fdinfo(self) -> bytes:
        """The raw text of /proc/PID/fdinfo/N, empty where it was not kept."""
        return _text(self.extensions, RecordType.FDINFO) or b""

    @property
    def detail(self) -> Detail | None:
        """The value that its kind has of its own (crfd.kinds): None for a kind without, and where it could not be read."""
        from crfd.kinds.table import detail

        return detail(self)

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The locks and leases that were taken through it; POSIX locks are those of the first task that has it alone.

        What another task has locked through the same description is in its Task.locks.
        """
        from crfd.kinds.lock import locks

        return locks(self) if self.extensions else ()

    @property
    def owner_known(self) -> bool:
        """Whether owner None means that nobody is told."""
        return self.owner is not None or bool(self.known & _SIGNALS)

    @property
    def owner(self) -> Owner | None:
        """The owner, who is told by a signal when I/O is possible: None where nobody is (owner_known), or it is not known."""
        from crfd.kinds.lock import owner

        return owner(self) if self.extensions else None


class Descriptor(NamedTuple):
    """A descriptor of a task. objref is equal for those that share one open file description.

    file is None (and objref 0) where the descriptor could not be read: error says why. error may also stand beside a
    file that was read in part. close_on_exec is None where it is not known.
    """

    fd: int
    objref: int
    close_on_exec: bool | None
    file: OpenFile | None
    error: ReadError | None


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The namespaces a task is in: inodes of /proc/PID/ns, 0 where not known."""

    mnt: int
    pid: int
    net: int
    user: int
    uts: int
    ipc: int
    cgroup: int
    time: int


_NAMESPACES = Layout("crfd_task_ns")
_MOUNT = Layout("crfd_task_mount")
_KTHREAD = Layout("crfd_task_kthread")


class Mount(NamedTuple):
    """A mount: its number, the device of its super block as in mountinfo, the type of the file system, and what it is of."""

    mnt_id: int
    dev: int
    type: bytes
    source: bytes


@dataclass(frozen=True, slots=True)
class Task:
    """A process, or a thread whose fd table is its own, and its descriptors by number, ascending.

    comm is the command name. Ids are as in proc_pid_status(5), ns_pid in the task's own pid namespace; start_time is in
    ticks after boot (proc_pid_stat(5)), fd_size the slots of the fd table, nofile_soft and nofile_hard RLIMIT_NOFILE
    (2**64 - 1: no limit), vanished the descriptors that were listed and gone when read. files_objref is 0 for a table
    that this task alone uses and equal among those that share one; fds is then that table's for each. frozen: it was
    held still while it was read; changed: how many numbers were opened or closed meanwhile, as a second look found,
    None where there was none. extensions: what else the image says of the task, (record type, payload) raw.
    """

    pid: int
    comm: bytes
    state: int
    exit_state: int
    exit_code: int
    exit_signal: int
    files_objref: int
    identity: Identity | None
    tgid: int | None
    ppid: int | None
    sid: int | None
    ns_pid: int | None
    uid: int | None
    euid: int | None
    gid: int | None
    egid: int | None
    start_time: int | None
    fd_size: int | None
    threads: int | None
    nofile_soft: int | None
    nofile_hard: int | None
    vanished: int | None
    frozen: bool
    changed: int | None
    extensions: Extensions
    fds: Mapping[int, Descriptor]

    @property
    def consistency(self) -> Consistency:
        """The certainty that the table was so at one moment."""
        return consistency(self.changed, self.frozen)

    @property
    def namespaces(self) -> Namespaces | None:
        """The namespaces that the task is in; None where they could not be read."""
        payload = _text(self.extensions, RecordType.TASK_NS)
        return Namespaces(**_NAMESPACES.one(payload)) if payload else None

    @property
    def locks(self) -> Mapping[int, tuple[Lock, ...]]:
        """The POSIX locks, by descriptor, that it holds through descriptions which an earlier task of the image has as well.

        Of tasks that share a table they are with the first; of descriptors that share a description too.
        """
        if all(kind != RecordType.FD_LOCK for kind, _ in self.extensions):
            return {}
        from crfd.kinds.lock import locks_elsewhere

        return locks_elsewhere(self)

    @property
    def held(self) -> tuple[Held, ...]:
        """The files that it holds open without a descriptor, where the dump was asked for it (holds="all"); else nothing."""
        if all(kind != RecordType.HELD for kind, _ in self.extensions):
            return ()
        from crfd.image.held import held

        return held(self.extensions)

    @property
    def polls(self) -> Polls | None:
        """The descriptors that its threads wait for, where the dump was asked for it (polls=True)."""
        from crfd.image.polled import polls

        return polls(self.extensions)

    @property
    def mounts(self) -> Mapping[int, Mount]:
        """The mounts, by mnt_id, that its descriptors with a path were opened through, of those in its mount namespace.

        Of tasks that share a table they are with the first.
        """
        found = {}
        for payload in (payload for kind, payload in self.extensions if kind == RecordType.TASK_MOUNT):
            row, (type_, source, _) = _MOUNT.one(payload), payload[_MOUNT.size :].split(b"\0", 2)
            found[row["mnt_id"]] = Mount(row["mnt_id"], row["dev"], type_, source)
        return found

    @property
    def is_kernel(self) -> bool | None:
        """Whether it is a thread of the kernel."""
        payload = _text(self.extensions, RecordType.TASK_KTHREAD)
        return None if payload is None else bool(_KTHREAD.one(payload)["is"])

    @property
    def exe(self) -> bytes | None:
        """The executable's path as /proc/PID/exe shows it, with " (deleted)" where it is."""
        return _text(self.extensions, RecordType.TASK_EXE)

    @property
    def cmdline(self) -> bytes | None:
        """The arguments, each ended by a NUL."""
        return _text(self.extensions, RecordType.TASK_CMDLINE)

    @property
    def cgroup(self) -> bytes | None:
        """The text of /proc/PID/cgroup (cgroups(7))."""
        return _text(self.extensions, RecordType.TASK_CGROUP)

    def __reduce__(self) -> tuple[Any, ...]:
        """Give pickle a dict in place of fds, a view of one, which it cannot take."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _task, ({**values, "fds": dict(self.fds)},)


def _task(values: dict[str, Any]) -> Task:
    return Task(**{**values, "fds": MappingProxyType(values["fds"])})
