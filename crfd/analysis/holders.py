# SPDX-License-Identifier: MIT
"""The descriptors of an image by the open file description that they are of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from crfd._core.columns import ImageReader, Render
from crfd.query.condition import Condition

if TYPE_CHECKING:
    from crfd.image.reader import Image


class Holders:
    """Descriptors by objref. A table that several tasks share is in the image once, with the first, and here too:
    written out for each of them it could be as large as the image squared.

    Those of files and directories are gathered only when they are asked for: they are the most, and nothing is linked with
    them (epoll_ctl(2) refuses them).
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._reader = ImageReader(image.view, image.name)
        carriers: dict[bytes, int] = {}
        self._sharing: dict[int, list[int]] = {}  # who has the table of this pid, itself first
        self._sections: list[int] = []  # the numbers of those that are the first to have their table
        for number, (pid, table) in enumerate(self._tasks()):
            carrier = pid if table == b"0" else carriers.setdefault(table, pid)
            self._sharing.setdefault(carrier, []).append(pid)
            if carrier == pid:
                self._sections.append(number)
        self._is_whole = False
        self._held = self._gather(~Condition.one_of("kind", ("file", "dir")))

    def _tasks(self) -> Iterator[tuple[int, bytes]]:
        render = Render(("pid", "fd_table"), "nul")
        for number in range(len(self._reader)):
            pid, table, _ = bytes(render.head(self._reader, number)).split(b"\0")
            yield int(pid), table

    def _gather(self, condition: Condition) -> dict[int, list[tuple[int, int]]]:
        """Return (pid, fd) of the descriptors that could be read and meet the condition."""
        held: dict[int, list[tuple[int, int]]] = defaultdict(list)
        both = condition & Condition.compare("fd", ">=", 0) & Condition.compare("objref", ">", 0)
        render = Render(("pid", "fd", "objref"), "nul", filter=both.filter)
        for piece in chain(self._pieces(render), render.end()):
            numbers = map(int, bytes(piece).split(b"\0")[:-1])
            for pid, fd, objref in zip(numbers, numbers, numbers, strict=True):
                held[objref].append((pid, fd))
        return held

    def _pieces(self, render: Render) -> Iterator[memoryview]:
        for number in self._sections:
            self._reader.task(number)
            yield from render.rows(self._reader)

    def _of(self, objref: int) -> Sequence[tuple[int, int]]:
        if objref not in self._held and not self._is_whole:
            self._is_whole = True
            self._held = self._gather(Condition.all_of(()))
        return self._held.get(objref, ())

    def known(self) -> Iterable[int]:
        return self._held

    def of(self, objref: int) -> Iterator[tuple[int, int]]:
        return ((pid, fd) for carrier, fd in self._of(objref) for pid in self._sharing[carrier])

    def count(self, objref: int) -> int:
        return sum(len(self._sharing[carrier]) for carrier, _ in self._of(objref))

    def held_by(self, pid: int) -> frozenset[int]:
        fds = self._image.tasks[pid].fds.values() if pid in self._image.tasks else ()
        return frozenset(entry.objref for entry in fds if entry.objref)

    def tables(self, objref: int) -> set[int]:
        """Return the tables with a descriptor of it, each by the pid of its first task."""
        return {carrier for carrier, _ in self._of(objref)}

    def descriptors(self) -> Iterator[tuple[int, int, int]]:
        """Give (table, fd, objref) of every descriptor that may be linked."""
        return ((carrier, fd, objref) for objref, held in self._held.items() for carrier, fd in held)
