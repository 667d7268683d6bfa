# SPDX-License-Identifier: MIT
"""Processes held still."""

from __future__ import annotations

import errno

from crfd._core.library import check, ffi, lib, owned
from crfd.light import NamedTuple

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Sequence

STILL_CGROUP = int(lib.CRFD_STILL_CGROUP)
STEP_FREEZE = int(lib.CRFD_STEP_FREEZE)
IMAGE_FROZEN = int(lib.CRFD_IMAGE_FROZEN)


class Still(NamedTuple):
    """A process and the time for which it was held: how is 0 when it was not, 1 by ptrace, 2 by its cgroup; ns nanoseconds."""

    pid: int
    how: int
    ns: int


class Freeze:
    """Holds processes by ptrace. Every call must come from one thread, which must end after the thaw."""

    def __init__(self) -> None:
        self._c = owned(lib.crfd_freeze_new(), lib.crfd_freeze_free)

    def add(self, pids: Sequence[int]) -> list[int]:
        """Stop processes; return for each 0, or the errno that says why it, or a thread of it, goes on running."""
        found = ffi.new("int32_t[]", len(pids))
        check(lib.crfd_freeze_add(self._c, pids, len(pids), found))
        return [check(rc) if -rc in {errno.ENOMEM, errno.EMFILE, errno.ENFILE} else -rc for rc in found]

    def thaw(self) -> list[Still]:
        still = ffi.new("const crfd_still **")
        n = lib.crfd_freeze_thaw(self._c, still)
        return [Still(one.pid, one.how, one.ns) for one in (still[0][i] for i in range(n))]
