# SPDX-License-Identifier: MIT
"""The scanner: processes to batches; and locks and counts, which need none."""

from __future__ import annotations

import errno

from crfd._core.batch import Batch
from crfd._core.library import check, ffi, lib, owned
from crfd.light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from typing import Any


class Push(NamedTuple):
    """Conditions that a scan may test where the descriptors are: all must hold, None and () are none.

    What surely fails may be left out of the batches, and need not be: whoever scans tests all that comes by itself. uid
    is the task's, kinds are those that are meant, dev and ino are the file's as stat(2) has them, port is a socket's own or its
    peer's. There is no second look at the tables then.
    """

    uid: int | None = None
    kinds: tuple[int, ...] = ()
    dev: int | None = None
    ino: int | None = None
    deleted: bool | None = None
    close_on_exec: bool | None = None
    port: int | None = None

    def fill(self, c: Any) -> None:
        """Write the conditions to a crfd_filter_push that is all zeros."""
        for bit, name, value in (
            (lib.CRFD_PUSH_UID, "uid", self.uid),
            (lib.CRFD_PUSH_DEV, "dev", self.dev),
            (lib.CRFD_PUSH_INO, "ino", self.ino),
            (lib.CRFD_PUSH_DELETED, "deleted", self.deleted),
            (lib.CRFD_PUSH_CLOEXEC, "close_on_exec", self.close_on_exec),
            (lib.CRFD_PUSH_PORT, "port", self.port),
        ):
            if value is not None:
                c.has |= bit
                setattr(c, name, value)
        if self.kinds:
            c.has |= lib.CRFD_PUSH_KINDS
            c.kinds = sum({1 << kind for kind in self.kinds})

    def __str__(self) -> str:
        told = ((name, value) for name, value in zip(self._fields, self, strict=True) if value not in {None, ()})
        return ", ".join(f"{name} {value}" for name, value in told)


class Scanner:
    """Reads tasks batch by batch."""

    def __init__(
        self,
        backend: int,
        pids: Sequence[int],
        threads: int,
        *,
        still: bool = False,
        holds: bool = False,
        polls: bool = False,
        sockopts: bool = False,
        push: Push | None = None,
    ) -> None:
        """still: the tasks stand still, so there is no second look at their tables. holds: what else they hold, too; polls:
        what their threads wait for; sockopts: the options of their sockets."""
        out = ffi.new("crfd_scanner **")
        options = ffi.new("crfd_scan_options *", {"backend": backend, "threads": threads})
        options.flags = (
            still * lib.CRFD_SCAN_STILL
            | holds * lib.CRFD_SCAN_HOLDS
            | polls * lib.CRFD_SCAN_POLLS
            | sockopts * lib.CRFD_SCAN_SOCKOPTS
        )
        conditions = ffi.new("crfd_filter_push *")
        if push:
            push.fill(conditions)
            options.push = conditions
        check(lib.crfd_scanner_new(pids, len(pids), options, out))
        self._c = owned(out[0], lib.crfd_scanner_free)

    def next(self, batch: Batch) -> bool:
        """Fill the batch anew; False when no task is left."""
        return check(lib.crfd_scanner_next(self._c, batch._c)) == 1

    def close(self) -> None:
        ffi.release(self._c)

    def __enter__(self) -> Scanner:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def lock_waits(pids: Container[int]) -> bytes:
    """Return an array of crfd_lock_wait: the waits for locks, now, in which one of the processes waits or is waited for."""
    found = ffi.gc(ffi.new("crfd_buf *"), lib.crfd_buf_release)
    n = int(lib.crfd_lock_waits(found))
    waits = ffi.cast("crfd_lock_wait *", found.v)
    chosen = (waits + i for i in range(0 if n == -errno.ENOENT else check(n)))
    return b"".join(bytes(ffi.buffer(one)) for one in chosen if one.pid in pids or one.holder in pids)


def count(pid: int) -> int:
    return check(lib.crfd_count(pid), f"/proc/{pid}/fd")
