# SPDX-License-Identifier: MIT
"""The one table of columns, rows of a batch or an image, and rows as text."""

from __future__ import annotations

from crfd._core.batch import Batch
from crfd._core.kinds import kind_name
from crfd._core.library import check, ffi, lib, owned, view
from crfd._core.parse import checked
from crfd.light import NamedTuple, cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from crfd._core.filter import Filter

PIECE = 1 << 18  # bytes of text handed out at a time
CHECKED = 8 << 20  # bytes of an image looked at between two chances to let go of memory
TYPES = {
    lib.CRFD_COLUMN_TEXT: "text",
    lib.CRFD_COLUMN_INT: "int",
    lib.CRFD_COLUMN_UINT: "uint",
    lib.CRFD_COLUMN_BOOL: "bool",
    lib.CRFD_COLUMN_LIST: "list",
}
UNITS = {
    lib.CRFD_UNIT_BYTES: "bytes",
    lib.CRFD_UNIT_NS: "ns",
    lib.CRFD_UNIT_TICKS: "ticks",
    lib.CRFD_UNIT_DEVICE: "device",
    lib.CRFD_UNIT_ID: "id",
    lib.CRFD_UNIT_BITS: "bits",
    lib.CRFD_UNIT_OCTAL: "bits",
    lib.CRFD_UNIT_TIME: "time",
}
ABOUT = {
    lib.CRFD_ABOUT_TASK: "task",
    lib.CRFD_ABOUT_FD: "descriptor",
    lib.CRFD_ABOUT_FILE: "open file",
    lib.CRFD_ABOUT_KIND: "kind",
}
FORMATS = {
    "table": lib.CRFD_RENDER_TABLE,
    "json": lib.CRFD_RENDER_JSON,
    "csv": lib.CRFD_RENDER_CSV,
    "nul": lib.CRFD_RENDER_NUL,
}


class Column(NamedTuple):
    """A column of the table: its number and name; type is text, int, uint, bool or list; unit is bytes, ns, ticks, time,
    device, id, bits or empty; about says whose it is: task, descriptor, open file or kind; text is its meaning in a
    sentence; plain: among those of a JSON object when none are named; bpf: known with the BPF backend alone."""

    number: int
    name: str
    type: str
    unit: str
    about: str
    text: str
    plain: bool
    bpf: bool


@cache
def columns() -> dict[str, Column]:
    """Return the columns by name, in their order."""
    found = {}
    for number in range(lib.crfd_columns_len()):
        c = lib.crfd_columns_get(number)
        name = ffi.string(c.name).decode()
        found[name] = Column(
            number,
            name,
            TYPES[c.type],
            UNITS.get(c.unit, ""),
            ABOUT[c.about],
            ffi.string(c.text).decode(),
            bool(c.flags & lib.CRFD_COLUMN_PLAIN),
            bool(c.flags & lib.CRFD_COLUMN_BPF),
        )
    return found


class Counts(NamedTuple):
    """Counts of a whole image: tasks; fds, unread of them unreadable; files (open file descriptions), shared of them with
    several descriptors and deleted without their name; kinds counts files by kind, the most first."""

    tasks: int
    fds: int
    unread: int
    files: int
    shared: int
    deleted: int
    kinds: dict[str, int]


class Reader:
    """Rows, one after the other."""

    def __init__(self, pointer: Any, kept: object) -> None:
        self._kept = kept
        self._c = owned(pointer, lib.crfd_reader_free)

    def __len__(self) -> int:
        """Return the number of tasks."""
        return int(lib.crfd_reader_ntasks(self._c))

    def task(self, number: int) -> None:
        """Go on with the rows of one task alone."""
        check(lib.crfd_reader_task(self._c, number))


class BatchReader(Reader):
    """Rows of a batch; the objref is 1 of each descriptor that could be read."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(lib.crfd_reader_new_batch(batch._c, ffi.NULL), batch)


class ImageReader(Reader):
    """Rows of an image; every byte is checked first, sums excepted."""

    def __init__(self, image: memoryview, path: str | None, let_go: Callable[[], object] | None = None) -> None:
        """let_go is called now and then: what has been read may leave memory."""
        data = ffi.from_buffer("uint8_t[]", image)
        super().__init__(lib.crfd_reader_new_image(data, len(image)), data)
        fault = ffi.new("crfd_fault *")
        try:
            while checked(lib.crfd_reader_check(self._c, CHECKED, fault), fault, path):
                if let_go:
                    let_go()
        except BaseException:
            ffi.release(data)  # or the traceback holds the image's memory for as long as somebody keeps the exception
            raise


class Surveyed(NamedTuple):
    """A task: tgid 0 where it is not known; table: the number of a table that several share, 0: its own; changed: how many
    numbers were opened or closed while it was read, None: nobody looked again."""

    pid: int
    tgid: int
    table: int
    changed: int | None


class Survey:
    """The counts and the tasks of a whole image, every byte checked, from its bytes in pieces."""

    def __init__(self, path: str | None) -> None:
        self._c = owned(lib.crfd_survey_new(), lib.crfd_survey_free)
        self._path = path
        self._used = ffi.new("size_t *")
        self._fault = ffi.new("crfd_fault *")

    def feed(self, data: memoryview, last: bool) -> int:
        """Check some more bytes; return how many were consumed."""
        with ffi.from_buffer("uint8_t[]", data) as buf:
            rc = lib.crfd_survey_feed(self._c, buf, len(data), last, self._used, self._fault)
        checked(rc, self._fault, self._path)
        return int(self._used[0])

    def totals(self) -> Counts:
        t = lib.crfd_survey_totals(self._c)
        kinds = {kind_name(kind): int(n) for kind, n in enumerate(t.kind) if n}
        most = dict(sorted(kinds.items(), key=lambda kind: -kind[1]))
        return Counts(t.ntasks, t.nfds, t.unread, t.nfiles, t.shared, t.deleted, most)

    def tasks(self) -> Iterator[Surveyed]:
        for number in range(lib.crfd_survey_totals(self._c).ntasks):
            t = lib.crfd_survey_task(self._c, number)
            yield Surveyed(t.pid, t.tgid, t.table, t.changed if t.is_quiet_known else None)


class Render:
    """Rows as text. Each piece is valid until the next is asked for."""

    def __init__(
        self,
        names: Sequence[str],
        format: str,
        *,
        labels: Sequence[str] | None = None,
        sort: Sequence[tuple[str, bool]] = (),
        filter: Filter | None = None,
        width: int = 0,
        color: bool = False,
    ) -> None:
        """labels: the header's, none without; sort: (column, whether descending); filter: which rows, None: all; width: of
        the terminal, 0 cuts nothing."""
        known = columns()
        self._labels = [ffi.new("char[]", label.encode()) for label in labels or ()]
        kept = {
            "column": ffi.new("uint16_t[]", [known[name].number for name in names]),
            "key": ffi.new("uint16_t[]", [known[name].number for name, _ in sort]),
            "descending": ffi.new("uint8_t[]", [descending for _, descending in sort]),
        }
        self._label = ffi.new("const char *[]", self._labels) if labels else ffi.NULL
        options = ffi.new(
            "crfd_render_options *",
            {
                **kept,
                "ncolumns": len(names),
                "nkeys": len(sort),
                "filter": ffi.NULL if filter is None else filter._c,
                "label": self._label,
                "width": width,
                "format": FORMATS[format],
                "color": color,
            },
        )
        out = ffi.new("crfd_render **")
        check(lib.crfd_render_new(options, out))
        # The keys' directions are looked at until the end.
        self._kept = kept, filter
        self._c = owned(out[0], lib.crfd_render_free)
        self._out = ffi.gc(ffi.new("crfd_buf *"), lib.crfd_buf_release)

    def _piece(self) -> memoryview:
        n, self._out.nr = self._out.nr, 0
        return view(self._out.v, n, "B")

    def _pieces(self, call: Any, *args: Any) -> Iterator[memoryview]:
        more = True
        while more:
            more = check(call(self._c, *args, PIECE, self._out)) == 1
            if self._out.nr:
                yield self._piece()

    def rows(self, reader: Reader) -> Iterator[memoryview]:
        return self._pieces(lib.crfd_render_rows, reader._c)

    def head(self, reader: Reader, number: int) -> memoryview:
        """Return the line of one task alone: columns of descriptors say nothing."""
        check(lib.crfd_render_head(self._c, reader._c, number, self._out))
        return self._piece()

    def end(self) -> Iterator[memoryview]:
        """Give the text that had to wait for the last row."""
        return self._pieces(lib.crfd_render_end)

    @property
    def count(self) -> int:
        """The number of rows so far."""
        return int(lib.crfd_render_count(self._c))
