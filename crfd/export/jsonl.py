# SPDX-License-Identifier: MIT
"""Links as JSON Lines; descriptors come from the table of columns (crfd._core.columns)."""

from __future__ import annotations

import json

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from crfd.analysis.links import Link, Links


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
