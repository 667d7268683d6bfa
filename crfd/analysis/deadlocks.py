# SPDX-License-Identifier: MIT
"""Processes that wait for each other's locks for ever: rings of who waits for whom.

fcntl(2) refuses a POSIX lock that would close a ring (EDEADLK); flock(2), and a ring of both, nobody looks for.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crfd.image.reader import Image
    from crfd.kinds.lock import LockWait


def deadlocks(image: Image) -> tuple[tuple[int, ...], ...]:
    """The rings of processes in an image, each from its least pid on, in the order of who waits for whom."""
    return rings(image.lock_waits)


def rings(waits: tuple[LockWait, ...]) -> tuple[tuple[int, ...], ...]:
    """A process that waits waits for one lock, but a thread of it may for another: so each may have several ways."""
    ways: dict[int, set[int]] = defaultdict(set)
    for wait in waits:
        if wait.pid is not None and wait.holder is not None:
            ways[wait.pid].add(wait.holder)
    found = set()
    for start in list(ways):
        trail = _way_back(ways, start)
        if trail:
            least = trail.index(min(trail))
            found.add((*trail[least:], *trail[:least]))
    return tuple(sorted(found))


def _way_back(ways: dict[int, set[int]], start: int) -> list[int]:
    """The shortest way from a process to itself; empty where there is none."""
    came: dict[int, int] = {}
    todo = [start]
    for one in todo:
        for other in sorted(ways.get(one, ())):
            if other == start:
                trail = [one]
                while trail[-1] != start:
                    trail.append(came[trail[-1]])
                return trail[::-1]
            if other not in came:
                came[other] = one
                todo.append(other)
    return []
