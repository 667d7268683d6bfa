# SPDX-License-Identifier: MIT
"""The links of an image as an aligned table, or handed on as JSON Lines."""

from __future__ import annotations

from itertools import chain, islice

from crfd._core.columns import ImageReader, Render
from crfd.analysis.deadlocks import deadlocks
from crfd.analysis.links import Link, Links, links
from crfd.cli import output
from crfd.cli.tables import text
from crfd.export import jsonl
from crfd.image.reader import Image
from crfd.kinds.lock import LockWait

HEADER = ("LINK", "FROM", "", "TO")
HOLDERS = 3  # that are named
ONE_WAY = frozenset({"pipe", "fifo", "epoll", "mqueue"})


def show(image: Image, pid: int | None, *, as_json: bool) -> None:
    """Show the links and the waits for locks of one task, or of all."""
    found = links(image)
    ends = None if pid is None else found.held_by(pid)
    chosen = [link for link in found if ends is None or not ends.isdisjoint((*link.sources, *link.targets))]
    waits = [wait for wait in image.lock_waits if pid is None or pid in {wait.pid, wait.holder}]
    rings = deadlocks(image) if waits else ()
    if as_json:
        for line in chain(jsonl.link_lines(found, chosen), jsonl.wait_lines(waits, rings)):
            output.out.write(line)
        return
    names = _names(image)
    paths = _paths(found, image, waits)
    ends_told = _Ends(found, names)
    rows = [_row(link, ends_told) for link in chosen] + [_wait_row(wait, names, paths) for wait in waits]
    for line in text.table(HEADER, rows, frozenset()):
        output.out.line(line)
    for ring in rings:
        output.out.line(f"deadlock: {' → '.join(_process(one, names) for one in (*ring, ring[0]))}")


def _names(image: Image) -> dict[int, str]:
    reader, render = ImageReader(image.view, image.name), Render(("pid", "comm"), "nul")
    heads = (bytes(render.head(reader, number)).split(b"\0") for number in range(len(reader)))
    return {int(pid): text.escape(comm) for pid, comm, _ in heads}


def _row(link: Link, ends: _Ends) -> tuple[str, ...]:
    arrow = "→" if link.kind in ONE_WAY else "↔"
    number = "" if link.fd is None else f"fd {link.fd}, "
    where = f"{link.address}, " if link.address else ""
    absent = f"{number}{where}not in this image" if link.known else f"{number}unknown"
    return link.kind, ends.told(link.sources), arrow, ends.told(link.targets) if link.targets else absent


def _paths(among: Links, image: Image, waits: list[LockWait]) -> dict[int, bytes]:
    """Return the path, by inode, of each file that is waited for and that the image has locked."""
    wanted = {wait.ino for wait in waits}
    inodes = image.columns().files["ino"] if waits else ()
    locked = (image.file(objref) for objref, ino in enumerate(inodes) if ino in wanted and among.count_holders(objref))
    return {file.ino: file.path for file in locked if file.locks and file.ino and file.path}


def _wait_row(wait: LockWait, names: dict[int, str], paths: dict[int, bytes]) -> tuple[str, ...]:
    lock = wait.wanted
    span = "" if lock.end is None and not lock.start else f" {lock.start}-{'' if lock.end is None else lock.end}"
    path = paths.get(wait.ino)
    where = f"inode {wait.ino}" if path is None else text.escape(path)
    behind = " (who waits too)" if wait.behind else " (being broken)" if wait.held.breaking else ""
    what = f"{lock.kind.name.lower()} {lock.type.name.lower()}{span} of {where}"
    return "lock", _process(wait.pid, names), "→", f"{_process(wait.holder, names)}{behind}: {what}"


def _process(pid: int | None, names: dict[int, str]) -> str:
    return "somebody" if pid is None else f"{names.get(pid, '')}[{pid}]"


class _Ends:
    """The words of a table for the ends of links, each made once."""

    def __init__(self, among: Links, names: dict[int, str]) -> None:
        self._among = among
        self._names = names
        self._told: dict[tuple[int, ...], str] = {}

    def told(self, ends: tuple[int, ...]) -> str:
        if ends not in self._told:
            self._told[ends] = self._word(ends)
        return self._told[ends]

    def _word(self, ends: tuple[int, ...]) -> str:
        holders = chain.from_iterable(self._among.holders(end, HOLDERS) for end in ends)
        told = [f"{self._names[pid]}[{pid}] fd {fd}" for pid, fd in islice(holders, HOLDERS)]
        rest = sum(map(self._among.count_holders, ends)) - len(told)
        more = f" and {rest:,} more" if rest else ""
        objrefs = ", ".join(map(str, ends[:HOLDERS])) + ("…" if len(ends) > HOLDERS else "")
        return f"{', '.join(told)}{more} (objref {objrefs})"
