# SPDX-License-Identifier: MIT
"""The bytes of an image, checked, and as rows."""

from __future__ import annotations

from crfd._core.declarations import enum, sizeof
from crfd._core.encode import Totals
from crfd._core.library import check, ffi, lib, owned, view
from crfd.errors import FormatError
from crfd.light import NamedTuple, cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REC_SIZE_MAX = int(ffi.sizeof("crfd_rec")) + int(lib.CRFD_REC_MAX)  # bytes of the longest record


@cache
def _record_names() -> dict[int, str]:
    return {value: name for name, value in enum("crfd_rec_type", "CRFD_REC_").items() if "_FIRST" not in name}


def _type_name(number: int) -> str:
    name = _record_names().get(number)
    return f"{name} ({number:#x})" if name else f"type {number:#x}"


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _told(fault: Any, as_hex: bool) -> tuple[str, str]:
    """Say what was expected and what was found, in words where the numbers alone do not say it."""
    expected, found = _signed(fault.expected), _signed(fault.found)
    if fault.code == lib.CRFD_E_TYPE:
        return _type_name(expected), _type_name(found)
    if fault.code == lib.CRFD_E_CRITICAL:
        return "a known type", _type_name(found)
    if fault.code == lib.CRFD_E_TRAILING:
        return "the end", f"byte {found:#04x}"
    if fault.code in {lib.CRFD_E_TRUNCATED, lib.CRFD_E_LEN}:
        return f"{expected} bytes", f"{found} bytes"
    if fault.code == lib.CRFD_E_PID:
        return f"another pid than {found}", "a second section of it"
    if fault.code == lib.CRFD_E_NAME:
        return f"its NUL at byte {expected}", f"at byte {found}"
    return (f"{expected:#x}", f"{found:#x}") if as_hex else (str(expected), str(found))


def checked(rc: int, fault: Any, path: str | None) -> int:
    if rc > -4096:
        return check(rc, path)
    as_hex = ffi.new("int *")
    rule = ffi.string(lib.crfd_fault_rule(rc, as_hex)).decode()
    if name := _record_names().get(fault.type):
        rule = f"{name}: {rule}"
    raise FormatError(path, fault.offset, rule, *_told(fault, bool(as_hex[0])))


class Parser:
    """Checks an image that comes in pieces. After a FormatError it refuses everything."""

    def __init__(self, path: str | None, keep: int = 0) -> None:
        """keep: how many records at most one feed() lists; with 0 it lists none and stops for none."""
        self._c = owned(lib.crfd_parser_new(), lib.crfd_parser_free)
        self._path = path
        self._keep = keep
        self._out = ffi.new("crfd_record[]", keep) if keep else ffi.NULL
        self._used = ffi.new("size_t *")
        self._fault = ffi.new("crfd_fault *")

    def feed(self, data: memoryview, last: bool) -> tuple[int, int]:
        """Check some more bytes; return (bytes consumed, records found)."""
        with ffi.from_buffer("uint8_t[]", data) as buf:
            n = lib.crfd_parser_feed(self._c, buf, len(data), last, self._out, self._keep, self._used, self._fault)
        return self._used[0], checked(n, self._fault, self._path)

    def stats(self) -> Totals:
        """Return the totals of what has been checked so far."""
        s = ffi.new("crfd_image_stats *")
        lib.crfd_parser_stats(self._c, s)
        return Totals(s.bytes, s.ntasks, s.nfds, s.nobjrefs)

    def records(self, n: int) -> memoryview:
        """Return the n records of the last feed() as an array of crfd_record, valid until the next."""
        return memoryview(ffi.buffer(self._out, n * sizeof("crfd_record")))


class Rows:
    """The rows of an image or of one section: arrays of crfd_task_row, crfd_fd_row and crfd_file_row, in C memory."""

    def __init__(self, image: memoryview, entry: memoryview | None, path: str | None) -> None:
        """entry: the crfd_index_entry of the one section to decode."""
        self._c = ffi.gc(ffi.new("crfd_rows *"), lib.crfd_rows_release)
        fault = ffi.new("crfd_fault *")
        at = ffi.NULL
        if entry is not None:
            at = ffi.new("crfd_index_entry *")
            ffi.memmove(at, entry, ffi.sizeof("crfd_index_entry"))
        with ffi.from_buffer("uint8_t[]", image) as buf:
            checked(lib.crfd_rows_decode(self._c, buf, len(image), at, fault), fault, path)
        self.file_base = int(self._c.file_base)
        self.task = self._array(self._c.task, self._c.ntasks, "crfd_task_row")
        self.fd = self._array(self._c.fd, self._c.nfds, "crfd_fd_row")
        self.file = self._array(self._c.file, self._c.nfiles, "crfd_file_row")

    def _array(self, pointer: Any, n: int, struct: str) -> memoryview:
        """Return a view that keeps the rows alive for as long as anyone looks through it."""
        if not n:
            return memoryview(b"")
        owner = self._c
        kept = ffi.gc(pointer, lambda _: owner)
        return memoryview(ffi.buffer(kept, n * sizeof(struct))).toreadonly()


class Lost(NamedTuple):
    """A span of a damaged image that could not be kept: from offset to end, of the task pid; None where that is not known."""

    offset: int
    end: int
    pid: int | None


class Salvaged(NamedTuple):
    """A correct image of what is whole in a damaged one, what is lost, and how many descriptors lost their description."""

    image: bytes
    lost: tuple[Lost, ...]
    fds: int


def salvage(image: memoryview, path: str | None) -> Salvaged:
    """Make a correct image of a damaged one; FormatError where the head is not whole, or no sums say what is."""
    found, fault = ffi.gc(ffi.new("crfd_salvage *"), lib.crfd_salvage_release), ffi.new("crfd_fault *")
    with ffi.from_buffer("uint8_t[]", image) as buf:
        checked(lib.crfd_salvage_read(found, buf, len(image), fault), fault, path)
    spans = (found.lost[i] for i in range(found.nlost))
    lost = tuple(Lost(one.offset, one.end, one.pid or None) for one in spans)
    return Salvaged(bytes(ffi.buffer(found.image.v, found.image.nr)), lost, found.nfds)


class Index(NamedTuple):
    """An image's account of itself: entries is an array of crfd_index_entry, closing the records about the image as a whole."""

    entries: memoryview
    closing: memoryview


def read_index(image: memoryview, path: str | None) -> Index | None:
    """Read the index at the end of an image, judging every byte outside the sections; None when it has no extensions."""
    index, fault = ffi.gc(ffi.new("crfd_index *"), lib.crfd_index_release), ffi.new("crfd_fault *")
    with ffi.from_buffer("uint8_t[]", image) as buf:
        if not checked(lib.crfd_index_read(index, buf, len(image), fault), fault, path):
            return None
    entries, closing = view(index.entry, index.nentries, "B"), view(index.closing.v, index.closing.nr, "B")
    return Index(memoryview(bytes(entries)), memoryview(bytes(closing)))
