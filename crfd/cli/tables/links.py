# SPDX-License-Identifier: MIT
"""The links of an image as an aligned table, or handed on as JSON Lines."""

from __future__ import annotations

import sys

from crfd.analysis.links import Link, Links, links
from crfd.cli.tables import text
from crfd.export import jsonl
from crfd.image.reader import Image

HEADER = ("LINK", "FROM", "", "TO")
HOLDERS = 3  # that are named
ONE_WAY = frozenset({"pipe", "fifo", "epoll"})


def show(image: Image, pid: int | None, *, as_json: bool) -> None:
    """Those of one task, or all."""
    found = links(image)
    chosen = [link for link in found if pid is None or _touches(found, link, pid)]
    if as_json:
        sys.stdout.writelines(jsonl.link_line(found, link) for link in chosen)
        return
    names = _names(image)
    rows = [_row(found, link, names) for link in chosen]
    sys.stdout.writelines(f"{line}\n" for line in text.table(HEADER, rows, frozenset()))


def _touches(among: Links, link: Link, pid: int) -> bool:
    return any(holder == pid for end in (link.source, link.target) if end for holder, _ in among.holders(end))


def _names(image: Image) -> dict[int, str]:
    tasks = image.columns().tasks
    pid_at, comm_at = tasks.names.index("pid"), tasks.names.index("comm")
    return {row[pid_at]: text.escape(row[comm_at].rstrip(b"\0")) for row in tasks.rows()}


def _row(among: Links, link: Link, names: dict[int, str]) -> tuple[str, ...]:
    arrow = "→" if link.kind in ONE_WAY else "↔"
    number = "" if link.fd is None else f"fd {link.fd}, "
    if link.target is None:
        to = f"{number}not in this image" if link.known else f"{number}unknown"
    else:
        to = _end(among, link.target, names)
    return link.kind, _end(among, link.source, names), arrow, to


def _end(among: Links, objref: int, names: dict[int, str]) -> str:
    holders = among.holders(objref)
    told = [f"{names[pid]}[{pid}] fd {fd}" for pid, fd in holders[:HOLDERS]]
    more = f" and {len(holders) - HOLDERS:,} more" if len(holders) > HOLDERS else ""
    return f"{', '.join(told)}{more} (objref {objref})"
