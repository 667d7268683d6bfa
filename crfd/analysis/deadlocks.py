# SPDX-License-Identifier: MIT
"""Processes that wait for each other's locks for ever: rings of who waits for whom.

fcntl(2) refuses a POSIX lock that would close a ring (EDEADLK); flock(2), and a ring of both, nobody looks for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

MOST = 64  # processes in a ring of rings, up to which all of them are told; of a larger one, one is

if TYPE_CHECKING:
    from crfd.image.reader import Image
    from crfd.kinds.lock import LockWait


def deadlocks(image: Image) -> tuple[tuple[int, ...], ...]:
    """Return the rings of processes in an image, each from its least pid on, in the order of who waits for whom."""
    return rings(image.lock_waits)


def rings(waits: tuple[LockWait, ...]) -> tuple[tuple[int, ...], ...]:
    """Find the rings. Each thread of a process may wait for another lock: so a process may have several ways."""
    ways: dict[int, set[int]] = defaultdict(set)
    for wait in waits:
        if wait.pid is not None and wait.holder is not None:
            ways[wait.pid].add(wait.holder)
    found = set()
    for ring in _closed(ways):
        inside = {pid: ways[pid] & ring for pid in ring}
        for start in ring if len(ring) <= MOST else [min(ring)]:
            trail = _way_back(inside, start)
            if trail:
                least = trail.index(min(trail))
                found.add((*trail[least:], *trail[:least]))
    return tuple(sorted(found))


def _closed(ways: dict[int, set[int]]) -> Iterator[set[int]]:
    """Give the sets of processes each of which waits, by whatever way, for every other (Tarjan 1972, without recursion)."""
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    kept: dict[int, None] = {}
    for root in list(ways):
        if root in order:
            continue
        order[root] = lowest[root] = len(order)
        kept[root] = None
        trail = [(root, iter(ways[root]))]
        while trail:
            one, rest = trail[-1]
            for other in rest:
                if other not in order:
                    order[other] = lowest[other] = len(order)
                    kept[other] = None
                    trail.append((other, iter(ways.get(other, ()))))
                    break
                if other in kept:
                    lowest[one] = min(lowest[one], order[other])
            else:
                trail.pop()
                if trail:
                    lowest[trail[-1][0]] = min(lowest[trail[-1][0]], lowest[one])
                if lowest[one] == order[one]:
                    ring = set()
                    while one not in ring:
                        ring.add(kept.popitem()[0])
                    yield {pid for pid in ring if pid in ways}


def _way_back(ways: dict[int, set[int]], start: int) -> list[int]:
    """Return the shortest way from a process to itself; empty where there is none."""
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
