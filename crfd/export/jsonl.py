# SPDX-License-Identifier: MIT
"""Links as JSON Lines; descriptors come from the table of columns (crfd._core.columns)."""

from __future__ import annotations

import json
from collections.abc import Iterable

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from typing import Any

    from crfd.analysis.links import Link, Links
    from crfd.kinds.lock import Lock, LockWait


def _lock(lock: Lock) -> dict[str, Any]:
    return {
        "kind": lock.kind.name.lower(), "type": lock.type.name.lower(), "pid": lock.pid, "start": lock.start,
        "end": lock.end, "mandatory": lock.mandatory, "breaking": lock.breaking,
    }  # fmt: skip


def wait_line(wait: LockWait, rings: Iterable[tuple[int, ...]]) -> str:
    """rings: the deadlocks of the image."""
    found = {
        "link": "lock",
        "pid": wait.pid,
        "holder": wait.holder,
        "wanted": _lock(wait.wanted),
        "held": _lock(wait.held),
        "behind": wait.behind,
        "dev": wait.dev,
        "ino": wait.ino,
        "deadlock": any(wait.pid in ring and wait.holder in ring for ring in rings),
    }
    return f"{json.dumps(found)}\n"


def link_line(links: Links, link: Link) -> str:
    def held(objref: int | None) -> list[dict[str, int]] | None:
        return None if objref is None else [{"pid": pid, "fd": fd} for pid, fd in links.holders(objref)]

    found = {
        "link": link.kind,
        "source": link.source,
        "target": link.target,
        "known": link.known,
        "fd": link.fd,
        "source_held": held(link.source),
        "target_held": held(link.target),
    }
    return f"{json.dumps(found)}\n"
