# SPDX-License-Identifier: MIT
"""The scanner, and what it looks at alone."""

from __future__ import annotations

import errno
from collections.abc import Container, Sequence

from crfd._core.batch import Batch
from crfd._core.library import check, ffi, lib, owned


class Scanner:
    """Reads tasks batch by batch."""

    def __init__(
        self, backend: int, pids: Sequence[int], threads: int, *, still: bool = False, holds: bool = False
    ) -> None:
        """still: the tasks stand still, so there is no second look at their tables. holds: what else they hold, too."""
        out = ffi.new("crfd_scanner **")
        flags = (lib.CRFD_SCAN_STILL if still else 0) | (lib.CRFD_SCAN_HOLDS if holds else 0)
        check(lib.crfd_scanner_new(backend, pids, len(pids), threads, flags, out))
        self._c = owned(out[0], lib.crfd_scanner_free)

    def next(self, batch: Batch) -> bool:
        return check(lib.crfd_scanner_next(self._c, batch._c)) == 1

    def close(self) -> None:
        ffi.release(self._c)


def load_bpf_ahead() -> None:
    """Has the BPF programs loaded in the background; whoever needs them waits for what is left of it."""
    lib.crfd_bpf_load_ahead()


def lock_waits(pids: Container[int]) -> bytes:
    """Who waits for a lock now, of the waits that one of the processes has to do with: an array of crfd_lock_wait."""
    found = ffi.gc(ffi.new("crfd_buf *"), lib.crfd_buf_release)
    n = int(lib.crfd_lock_waits(found))
    waits = ffi.cast("crfd_lock_wait *", found.v)
    chosen = (waits + i for i in range(0 if n == -errno.ENOENT else check(n)))
    return b"".join(bytes(ffi.buffer(one)) for one in chosen if one.pid in pids or one.holder in pids)


def count(pid: int) -> int:
    return check(lib.crfd_count(pid), f"/proc/{pid}/fd")
