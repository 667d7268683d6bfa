# SPDX-License-Identifier: MIT
"""Rows to typed values: a section of an image is decoded when something in it is asked for."""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Container, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

from crfd._core import declarations
from crfd._core.parse import Index, Rows
from crfd.format.enums import Identity, Kind, Step
from crfd.format.records import Layout, RecordType, split
from crfd.image.columns import Table, layout_of
from crfd.image.consistency import changed
from crfd.image.model import Descriptor, Extensions, OpenFile, ReadError, Task
from crfd.image.source import Bytes

_HAS = declarations.flags("CRFD_HAS_")
_HAS_ALL = reduce(operator.or_, _HAS.values())
_FLAGS, _OWNER, _VERSION, _MNT_ID = _HAS["FLAGS"], _HAS["OWNER"], _HAS["VERSION"], _HAS["MNT_ID"]
_INO, _DEV, _TYPE, _NLINK = _HAS["INO"], _HAS["DEV"], _HAS["TYPE"], _HAS["NLINK"]
_SIZE, _BLOCKS = _HAS["SIZE"], _HAS["BLOCKS"]
_PATH, _DELETED = _HAS["PATH"], _HAS["DELETED"]
_TASK_HAS = declarations.flags("CRFD_TASK_HAS_")
_TOLD_BY = {
    "STAT": ("ppid", "sid", "start_time"),
    "STATUS": ("tgid", "ns_pid", "uid", "euid", "gid", "egid", "fd_size", "threads"),
    "LIMITS": ("nofile_soft", "nofile_hard"),
}
_IN_ROWS = frozenset({RecordType.TASK_INFO, RecordType.FD_STAT})
_STAT_SIZE = declarations.sizeof("crfd_rec") + declarations.sizeof("crfd_fd_stat")

_KINDS = {int(kind): kind for kind in Kind}
_FILE = layout_of("crfd_file_row")
_TASK = layout_of("crfd_task_row")
_FD = layout_of("crfd_fd_row")
_FD_ERROR = Layout("crfd_fd_error").struct
ENTRY = Layout("crfd_index_entry")
_KEPT = 4  # decoded sections, at first
_TaskRow: Any = namedtuple("_TaskRow", _TASK.names)  # type: ignore[misc]

FindFile = Callable[[int], OpenFile]


class Part:
    """The decoded rows of one section (entry), or of the whole image, and what they say as values."""

    def __init__(self, image: memoryview, entry: memoryview | None, path: str | None) -> None:
        rows = Rows(image, entry, path)
        self._image = image
        self._base = rows.file_base
        self._files = rows.file
        self._fds = rows.fd
        self.tasks = Table(rows.task, "crfd_task_row")
        self._nfiles = len(rows.file) // _FILE.size
        self._known: dict[int, OpenFile] = {}
        self._tables: dict[int, tuple[Mapping[int, Descriptor], int | None]] = {}

    def defines(self, objref: int) -> bool:
        return 0 < objref - self._base < self._nfiles

    def file(self, objref: int) -> OpenFile:
        """Return an open file description that this part defines."""
        found = self._known.get(objref)
        if found is None:
            values = _FILE.struct.unpack_from(self._files, (objref - self._base) * _FILE.size)
            found = self._known[objref] = self._open_file(objref, values)
        return found

    def _open_file(self, objref: int, row: tuple[Any, ...]) -> OpenFile:
        (
            f_pos, f_version, dev, rdev, ino, size, blocks, name_off, ext_off, ext_len, name_len, f_flags, f_mode,
            f_uid, f_gid, known, st_mode, nlink, mnt_id, kind, deleted,
        ) = row  # fmt: skip
        path = bytes(self._image[name_off : name_off + name_len])
        more = self._extensions(ext_off, ext_len) if ext_len > _STAT_SIZE else ()
        kind = _KINDS.get(kind) or Kind(kind)
        if known == _HAS_ALL:
            return OpenFile(
                objref, kind, f_mode, f_flags, f_pos, f_uid, f_gid, f_version, path, deleted == 1, dev, ino, mnt_id,
                st_mode, rdev, nlink, size, blocks, known, more,
            )  # fmt: skip
        return OpenFile(
            objref,
            kind,
            f_mode,
            f_flags if known & _FLAGS else None,
            f_pos if known & _FLAGS else None,
            f_uid if known & _OWNER else None,
            f_gid if known & _OWNER else None,
            f_version if known & _VERSION else None,
            path if known & _PATH else None,
            deleted == 1 if known & _DELETED else None,
            dev if known & _DEV else None,
            ino if known & _INO else None,
            mnt_id if known & _MNT_ID else None,
            st_mode if known & _TYPE else None,
            rdev if known & _TYPE else None,
            nlink if known & _NLINK else None,
            size if known & _SIZE else None,
            blocks if known & _BLOCKS else None,
            known,
            more,
        )

    def _extensions(self, offset: int, length: int) -> Extensions:
        """Return the extension records of a task or description, those that a row holds left out."""
        span = self._image[offset : offset + length]
        return tuple((kind, bytes(payload)) for kind, payload in split(span) if kind not in _IN_ROWS)

    def task_row(self, number: int) -> Any:
        return _TaskRow._make(_TASK.struct.unpack_from(self.tasks.buffer, number * _TASK.size))

    def table(self, number: int, elsewhere: FindFile) -> tuple[Mapping[int, Descriptor], int | None]:
        """Return the descriptors of the part's number-th task, and how many numbers a second look at its table found changed.

        elsewhere finds a description that the part does not define. One that tasks share is made once for all of them.
        """
        found = self._tables.get(number)
        if found is None:
            row = self.task_row(number)
            found = self._descriptors(row, elsewhere), changed(self._extensions(row.ext_off, row.ext_len))
            if row.files_objref:
                self._tables[number] = found
        return found

    def _descriptors(self, row: Any, elsewhere: FindFile) -> Mapping[int, Descriptor]:
        errors = self._errors(self._extensions(row.ext_off, row.ext_len))
        rows = self._fds[row.first_fd * _FD.size : (row.first_fd + row.nfds) * _FD.size]
        found = {}
        for _, fd, objref, close_on_exec in _FD.struct.iter_unpack(rows):
            cloexec: bool | None = close_on_exec == 1
            file = None
            if objref:
                file = self.file(objref) if self.defines(objref) else elsewhere(objref)
                if not file.known & _FLAGS:
                    cloexec = None
            error = errors.get(fd) if errors else None
            if error and error.step == Step.CLOEXEC:
                cloexec = None
            found[fd] = Descriptor(fd, objref, cloexec, file, error)
        return MappingProxyType(found)

    def _errors(self, extensions: Extensions) -> dict[int, ReadError]:
        records = (_FD_ERROR.unpack(payload) for kind, payload in extensions if kind == RecordType.FD_ERROR)
        return {fd: ReadError(code, Step(step)) for fd, code, step in records}

    def task(
        self, number: int, fds: Mapping[int, Descriptor], changes: int | None, held: Container[int], said: Extensions
    ) -> Task:
        """Make a task. fds and changes are those of the task with the table's entries; held: the processes that stood still;
        said: what the image says of the task elsewhere."""
        row = self.task_row(number)
        info = row.ext_len > 0
        told = {
            name: getattr(row, name) if info and row.known & _TASK_HAS[source] else None
            for source, names in _TOLD_BY.items()
            for name in names
        }
        return Task(
            pid=row.pid,
            comm=row.comm.rstrip(b"\0"),
            state=row.state,
            exit_state=row.exit_state,
            exit_code=row.exit_code,
            exit_signal=row.exit_signal,
            files_objref=row.files_objref,
            identity=Identity(row.identity) if info else None,
            vanished=row.vanished if info else None,
            frozen=row.pid in held or told["tgid"] in held,
            changed=changes,
            extensions=self._extensions(row.ext_off, row.ext_len) + said,
            fds=fds,
            **told,
        )


class Sections:
    """The sections by number; through the index each is decoded alone, without one all are at once."""

    def __init__(self, image: Bytes, index: Index | None) -> None:
        self._bytes = image
        self._parts: OrderedDict[int, Part] = OrderedDict()
        self._kept = _KEPT
        self._decoded = 0  # bytes since more parts are kept
        self._entries = None if index is None else index.entries
        self._whole = Part(image.all(), None, image.name) if index is None else None
        rows = self._whole.tasks.rows() if self._whole else ENTRY.struct.iter_unpack(self._entries or b"")
        names = self._whole.tasks.names if self._whole else ENTRY.names
        picked = [names.index(key) for key in ("pid", "files_objref", "first_objref")]
        self.held: Container[int] = ()
        self.said: dict[int, bytearray] = {}
        self.numbers: dict[int, int] = {}
        self._carriers: dict[int, int] = {}
        self._first: list[int] = []
        for number, row in enumerate(rows):
            pid, table, first = (row[i] for i in picked)
            self.numbers.setdefault(pid, number)
            self._carriers.setdefault(table, number)
            self._first.append(first)

    def task(self, number: int) -> Task:
        part, at = self._part(number)
        table = part.task_row(at).files_objref
        carrier = self._carriers[table] if table else number
        holder, row = self._part(carrier)
        fds, changes = holder.table(row, self.file)
        said = self.said.get(part.task_row(at).pid)
        more = ((int(RecordType.HELD_OBJREF), bytes(said)),) if said else ()
        return part.task(at, fds, changes, self.held, more)

    def _part(self, number: int) -> tuple[Part, int]:
        """Return the part that a section's rows are in, and the number of the task in it."""
        if self._whole is not None:
            return self._whole, number
        assert self._entries is not None
        part = self._parts.pop(number, None)
        if part is None:
            part = self._decode(self._entries[number * ENTRY.size : (number + 1) * ENTRY.size])
        self._parts[number] = part
        if len(self._parts) > self._kept:
            self._parts.popitem(last=False)
        return part, 0

    def _decode(self, entry: memoryview) -> Part:
        """Decode a section; twice as many are kept each time that more than the image was decoded: they refer to others then.

        So the work is that of reading the image once, times at most the logarithm of how many sections there are.
        """
        at = ENTRY.one(entry)
        self._decoded += at["length"]
        if self._decoded > 2 * len(self._bytes.view):
            self._decoded = 0
            self._kept *= 2
        self._bytes.need(at["offset"], at["offset"] + at["length"])
        return Part(self._bytes.view, entry, self._bytes.name)

    def defines(self, objref: int) -> bool:
        if objref < 1 or not self._first:
            return False
        part, _ = self._part(bisect_right(self._first, objref) - 1)
        return part.defines(objref)

    def file(self, objref: int) -> OpenFile:
        """Return an open file description, whichever section defines it."""
        part, _ = self._part(bisect_right(self._first, objref) - 1)
        return part.file(objref)
