# SPDX-License-Identifier: MIT
"""The image reader: an image on disk or in memory, of which only what is asked for is decoded."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from crfd._core import declarations
from crfd._core.columns import Survey
from crfd._core.freeze import IMAGE_FROZEN, Still
from crfd._core.parse import Index, Lost, Parser, Salvaged, read_index
from crfd._core.parse import salvage as core_salvage
from crfd.errors import FormatError
from crfd.format.enums import Backend
from crfd.format.records import Layout, Record, RecordType, split, walk
from crfd.image.columns import Columns
from crfd.image.consistency import Consistency, consistency
from crfd.image.model import Head, ImageInfo, OpenFile, Task
from crfd.image.section import ENTRY, Sections
from crfd.image.source import Bytes, Source, load
from crfd.image.view import View

_REC = declarations.sizeof("crfd_rec")

if TYPE_CHECKING:
    from crfd.kinds.lock import LockWait
    from crfd.query.condition import Condition


def open(source: Source, *, map: bool = False, salvage: bool = False) -> Image:
    """Open an image: a path, "-" for standard input, or a binary file object; a context manager.

    A regular file is read as far as it is asked about, each part once; anything else is read to its end. With map it is
    mapped: that spares the memory, but whoever truncates the file meanwhile ends this process (SIGBUS, mmap(2)), and what
    was checked may change afterwards, so it is for files of one's own. Raises OSError, or FormatError where the head or
    the index is wrong. The checksum of a task is checked when it is read through the index, that of the image by
    verify() alone.

    With salvage all of it is checked at once, and of an image that is truncated or damaged the tasks that are whole are there:
    Image.damage is the FormatError that was found first, Image.lost where nothing could be kept. A descriptor whose
    description is lost could not be read (EIO). FormatError where the head is damaged, or there are no sums (rfc).
    """
    data = load(source, map=map)
    return _salvage(data) if salvage else Image(data)


def _salvage(data: Bytes) -> Image:
    damage = None
    with closing(data):
        view = data.all()
        try:
            Parser(data.name).feed(view, True)
            found = Salvaged(bytes(view), (), 0)
        except FormatError as e:
            damage = e.with_traceback(None)
            found = core_salvage(view, data.name)
        del view
    image = Image(found.image, name=data.name)
    image.damage, image.lost, image.lost_files = damage, found.lost, found.fds
    return image


class Image:
    """An image in memory: tasks by pid, or one after the other. Give it a buffer that holds a whole image, or use open().

    To other programs it is the table of its descriptors: polars.DataFrame(image), pyarrow.table(image),
    pandas.DataFrame.from_arrow(image), DuckDB's `from image`. table() gives others, and some columns only.

    Of an image that was opened with salvage, damage is the first fault (None: it is correct), lost says where nothing could
    be kept, and lost_files how many descriptors lost their description with that.
    """

    def __init__(self, data: Bytes | memoryview | bytes | bytearray, *, name: str | None = None) -> None:
        self._bytes = data if isinstance(data, Bytes) else Bytes(data, name)
        self.name = self._bytes.name
        self._columns: Columns | None = None
        self._survey: Survey | None = None
        self.damage: FormatError | None = None
        self.lost: tuple[Lost, ...] = ()
        self.lost_files = 0
        try:
            self._index = self._read_index()
            self._sections = Sections(self._bytes, self._index)
        except BaseException:
            self.close()
            raise
        self._sections.held = self._held()
        self._sections.said = self._said()
        self._tasks = Tasks(self._sections)

    def _read_index(self) -> Index | None:
        """Check what is said about the whole image; each section is checked when it is read."""
        size = len(self._bytes.view)
        self._bytes.need(0, _FRAME)
        end = self._bytes.need(max(0, size - _FRAME), size)
        if size > _FRAME:  # where the last records say that the index begins: read it at once, if it is so
            self._bytes.need(min(size, _SUM.one(end, len(end) - _END + _REC)["index_offset"]), size)
        with suppress(FormatError):
            index = read_index(self._bytes.view, self.name)
            if index is not None and self._has_read(index):
                return index
        view = self._bytes.all()
        try:
            return read_index(view, self.name)
        except FormatError:
            # From the end of a broken image little can be said; the records from its start tell where it breaks.
            Parser(self.name).feed(view, True)
            raise

    def _has_read(self, index: Index) -> bool:
        """Whether all outside the sections was read when it was judged."""
        size = len(self._bytes.view)
        if not index.entries:
            return self._bytes.has(0, size)
        first, last = ENTRY.one(index.entries), ENTRY.one(index.entries, len(index.entries) - ENTRY.size)
        return self._bytes.has(0, first["offset"]) and self._bytes.has(last["offset"] + last["length"], size)

    @property
    def view(self) -> memoryview:
        """The bytes of the image, for as long as it is open."""
        return self._bytes.all()

    @property
    def size(self) -> int:
        """The size of the image in bytes."""
        return len(self._bytes.view)

    @property
    def tasks(self) -> Tasks:
        """The tasks by pid, in the image's order; each is decoded when it is asked for."""
        return self._tasks

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def __repr__(self) -> str:
        return f"<crfd.Image {self.name or 'in memory'}, {len(self._tasks)} tasks>"

    @property
    def head(self) -> Head:
        members = _HEAD.one(self._bytes.view, _REC)
        members.pop("magic")
        for key in ("release", "version", "machine"):
            members[key] = members[key].rstrip(b"\0").decode("utf-8", "replace")
        return Head(**members)

    @property
    def info(self) -> ImageInfo | None:
        """The making of the image; None for one of fixed records alone."""
        if self._index is None:
            return None
        members = _INFO.one(self._bytes.view, _REC + _HEAD.size + _REC)
        frozen = bool(members["flags"] & IMAGE_FROZEN)
        return ImageInfo(
            members["revision"], Backend(members["backend"]), frozen, members["clk_tck"], members["boot_time"]
        )

    @property
    def still(self) -> tuple[Still, ...]:
        """The time for which each process was held, where the image was made with --freeze."""
        return tuple(
            Still(*values) for span in self._closing(RecordType.STILL) for values in _STILL.struct.iter_unpack(span)
        )

    @property
    def lock_waits(self) -> tuple[LockWait, ...]:
        """The waits of processes for each other's locks and leases, as they were while tasks were being read."""
        spans = list(self._closing(RecordType.LOCK_WAIT))
        if not spans:
            return ()
        from crfd.kinds.lock import lock_wait

        layout = Layout("crfd_lock_wait")
        return tuple(lock_wait(layout.one(span, at)) for span in spans for at in range(0, len(span), layout.size))

    def _closing(self, kind: RecordType) -> Iterator[memoryview]:
        """Give the records of a type about the image as a whole."""
        if self._index is not None:
            yield from (payload for number, payload in split(self._index.closing) if number == kind)

    def _said(self) -> dict[int, bytearray]:
        """Return by pid its part of the HELD_OBJREFs."""
        found: dict[int, bytearray] = {}
        for span in self._closing(RecordType.HELD_OBJREF):
            layout = Layout("crfd_held_objref")
            for at in range(0, len(span), layout.size):
                found.setdefault(layout.one(span, at)["pid"], bytearray()).extend(span[at : at + layout.size])
        return found

    def _held(self) -> Container[int]:
        """Return the processes that stood still while they were read: all of a frozen image, also those that cannot move."""
        if self.info is not None and self.info.frozen:
            return _Everyone()
        return frozenset(one.pid for one in self.still if one.how)

    def consistency(self) -> dict[int, Consistency]:
        """Return the certainty, by pid, that each task's table was so at one moment; no descriptor is decoded for it."""
        carried: dict[int, int | None] = {}  # of a shared table: what its first task says
        found, held = {}, self._sections.held
        for pid, tgid, table, told in self.survey().tasks():
            changes = carried.setdefault(table, told) if table else told
            found[pid] = consistency(changes, pid in held or tgid in held)
        return found

    def survey(self) -> Survey:
        """Survey the whole image, every byte checked; no descriptor is decoded for it, none of it stays in memory."""
        if self._survey is None:
            found = Survey(self.name)
            self._bytes.feed(found.feed)
            self._survey = found
        return self._survey

    def file(self, objref: int) -> OpenFile:
        """Return an open file description; IndexError for an objref that the image does not define."""
        if not self._sections.defines(objref):
            raise IndexError(f"objref: expected 1 to {len(self.columns().files) - 1}, found {objref}")
        return self._sections.file(objref)

    def records(self) -> Iterator[Record]:
        """Give every record in order, each checked first; FormatError at the first that is wrong."""
        return walk(self.view, self.name)

    def columns(self) -> Columns:
        """Return the whole image as three tables, decoded once."""
        if self._columns is None:
            self._columns = Columns(self.view, self.name)
        return self._columns

    def table(self, name: str = "descriptors", columns: Sequence[str] | None = None) -> View:
        """Return a table for other programs.

        name: "descriptors", "files", "tasks", "held", "sockets", "pipes", "locks", "epoll_targets" …; columns: those to give,
        in that order. ValueError names all tables, or all columns, where one is not known.
        """
        return View(self._bytes, name, columns)

    def where(self, condition: Condition | str) -> View:
        """Return the descriptors that fit an expression, as crfd.where() reads it, for other programs; of other tables:
        image.table("sockets").where("port == 443")."""
        return self.table().where(condition)

    def __arrow_c_schema__(self) -> object:
        return self.table().__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table().__arrow_c_stream__(requested_schema)

    def close(self) -> None:
        """Let go of the bytes. Tables and tasks that were read stay; payloads of records must be gone before."""
        self._bytes.close()

    def __enter__(self) -> Image:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


_HEAD = Layout("crfd_head")
_INFO = Layout("crfd_image_info")
_STILL = Layout("crfd_still")
_SUM = Layout("crfd_image_sum")
_END = _REC + _SUM.size + _REC + declarations.sizeof("crfd_tail")
_FRAME = 4096  # bytes at either end: the head, and all of the index of a small image


class _Everyone(Container[int]):
    def __contains__(self, _: object) -> bool:
        return True


class Tasks(Mapping[int, Task]):
    """The tasks of an image by pid, in the image's order; each is decoded when it is asked for."""

    def __init__(self, sections: Sections) -> None:
        self._sections = sections

    def __getitem__(self, pid: int) -> Task:
        return self._sections.task(self._sections.numbers[pid])

    def number(self, pid: int) -> int:
        """Return the place of a task in the image, from 0; KeyError where there is none of that pid."""
        return self._sections.numbers[pid]

    def __iter__(self) -> Iterator[int]:
        return iter(self._sections.numbers)

    def __len__(self) -> int:
        return len(self._sections.numbers)

    def __contains__(self, pid: object) -> bool:
        return pid in self._sections.numbers
