# SPDX-License-Identifier: MIT
"""Tables of an image in Arrow's PyCapsule interface."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from crfd._core.library import check, ffi, lib
from crfd._core.parse import checked
from crfd._core.shared import Shared
from crfd.light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from crfd._core.filter import Filter

_SCHEMA, _STREAM = b"arrow_schema", b"arrow_array_stream"  # names of the interface: PyCapsule_New keeps the pointers


class ArrowTable(NamedTuple):
    """A table that an image can be read as: text says what a row is, columns are all that it can have, by name, and given those
    that it has when none are named."""

    number: int
    text: str
    columns: dict[str, int]
    given: tuple[str, ...]


@cache
def tables() -> dict[str, ArrowTable]:
    """Return the tables by name, in their order."""
    found = {}
    fields = ffi.new("crfd_arrow_field[]", lib.CRFD_ARROW_FIELDS)
    for number in range(lib.crfd_arrow_tables_len()):
        table = lib.crfd_arrow_tables_get(number)
        some = [fields[i] for i in range(check(lib.crfd_arrow_fields(number, fields)))]
        names = [ffi.string(field.name).decode() for field in some]
        given = tuple(name for name, field in zip(names, some, strict=True) if field.is_given)
        found[ffi.string(table.name).decode()] = ArrowTable(
            number, ffi.string(table.text).decode(), {name: i for i, name in enumerate(names)}, given
        )
    return found


def _numbers(table: ArrowTable, names: Sequence[str]) -> Any:
    return ffi.new("uint16_t[]", [table.columns[name] for name in names])


def schema(table: ArrowTable, names: Sequence[str]) -> object:
    """Return a capsule of the ArrowSchema of some columns."""
    out = ffi.gc(lib.crfd_arrow_schema_new(), lib.crfd_arrow_schema_free)
    if out == ffi.NULL:
        raise MemoryError
    check(lib.crfd_arrow_schema(table.number, _numbers(table, names), len(names), out))
    return _capsule(out, _SCHEMA, "crfd_arrow_schema_drop")


def stream(
    table: ArrowTable,
    names: Sequence[str],
    image: memoryview,
    shared: Shared | None,
    *,
    path: str | None,
    filter: Filter | None,
    requested: object,
) -> object:
    """Return a capsule of an ArrowArrayStream, which needs the image no more.

    shared: what the image is all of, None: it is copied; filter: what the rows must fit; requested: None, or a capsule of
    the schema that is wished for.
    """
    out = ffi.gc(lib.crfd_arrow_stream_new(), lib.crfd_arrow_stream_free)
    if out == ffi.NULL:
        raise MemoryError
    numbers, fault = _numbers(table, names), ffi.new("crfd_fault *")
    with ffi.from_buffer("uint8_t[]", image) as buf:
        options = ffi.new(
            "crfd_arrow_options *",
            {
                "buf": buf,
                "n": len(image),
                "table": table.number,
                "field": numbers,
                "nfields": len(names),
                "filter": filter._c if filter else ffi.NULL,
                "requested": _pointer(requested, _SCHEMA),
                "shared": shared._c if shared else ffi.NULL,
            },
        )
        checked(lib.crfd_arrow_stream(options, out, fault), fault, path)
    return _capsule(out, _STREAM, "crfd_arrow_stream_drop")


def _capsule(struct: Any, name: bytes, drop: str) -> object:
    """Return a capsule that owns the struct. ctypes takes 3 ms to import: only who asks for a table pays."""
    import ctypes

    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    capsule: object = new(_address(struct), name, _address(ffi.addressof(lib, drop)))
    ffi.gc(struct, None)
    return capsule


def _pointer(capsule: object, name: bytes) -> Any:
    if capsule is None:
        return ffi.NULL
    import ctypes

    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return ffi.cast("struct ArrowSchema *", get(capsule, name))


def _address(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))
