# SPDX-License-Identifier: MIT
"""Links as JSON Lines; descriptors come from the table of columns (crfd._core.columns)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from typing import Any

    from crfd.analysis.links import Link, Links
    from crfd.kinds.lock import Lock, LockWait


HOLDERS = 64  # that a link names


def _lock(lock: Lock) -> dict[str, Any]:
    return {
        "kind": lock.kind.name.lower(), "type": lock.type.name.lower(), "pid": lock.pid, "start": lock.start,
        "end": lock.end, "mandatory": lock.mandatory, "breaking": lock.breaking,
    }  # fmt: skip


def wait_lines(waits: Iterable[LockWait], rings: Iterable[tuple[int, ...]]) -> Iterator[str]:
    """Give one object a wait. rings: the deadlocks of the image."""
    closed: dict[int, set[int]] = {}
    for number, ring in enumerate(rings):
        for pid in ring:
            closed.setdefault(pid, set()).add(number)
    for wait in waits:
        found = {
            "link": "lock",
            "pid": wait.pid,
            "holder": wait.holder,
            "wanted": _lock(wait.wanted),
            "held": _lock(wait.held),
            "behind": wait.behind,
            "dev": wait.dev,
            "ino": wait.ino,
            "deadlock": not closed.get(wait.pid or 0, set()).isdisjoint(closed.get(wait.holder or 0, ())),
        }
        yield f"{json.dumps(found)}\n"


def link_lines(links: Links, chosen: Iterable[Link]) -> Iterator[str]:
    """Give one object a link, which names up to HOLDERS holders of each end and says how many there are."""
    told: dict[tuple[int, ...], str] = {}

    def held(ends: tuple[int, ...]) -> str:
        if ends not in told:
            told[ends] = json.dumps(list(islice(_holders(links, ends), HOLDERS)))
        return told[ends]

    for link in chosen:
        found = {
            "link": link.kind,
            "sources": link.sources,
            "targets": link.targets,
            "known": link.known,
            "fd": link.fd,
            "address": link.address,
            "source_holders": sum(map(links.count_holders, link.sources)),
            "target_holders": sum(map(links.count_holders, link.targets)),
        }
        held_by = f'"source_held": {held(link.sources)}, "target_held": {held(link.targets)}'
        yield f"{json.dumps(found)[:-1]}, {held_by}}}\n"


def _holders(links: Links, ends: tuple[int, ...]) -> Iterator[dict[str, int]]:
    for end in ends:
        yield from ({"objref": end, "pid": pid, "fd": fd} for pid, fd in links.holders(end, HOLDERS))
