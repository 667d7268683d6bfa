# SPDX-License-Identifier: MIT
"""What a table says of locks, and of who is told by a signal."""

from __future__ import annotations

from crfd.kinds.lock import Lock, LockKind, Owner


def of_lock(lock: Lock) -> str:
    ranged = lock.kind in {LockKind.POSIX, LockKind.OFD}
    span = f" {lock.start}-{'EOF' if lock.end is None else lock.end}" if ranged else ""
    pid = "" if lock.pid is None else f" pid {lock.pid}"
    more = " mandatory" * lock.mandatory + " breaking" * lock.breaking
    return f"lock: {lock.kind.name} {lock.type.name.lower()}{span}{pid}{more}"


def of_owner(owner: Owner) -> str:
    pid = "?" if owner.pid is None else owner.pid
    return f"owner: {owner.type.name.lower()} {pid}" + (f" signal {owner.signal}" if owner.signal else "")
