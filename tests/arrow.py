# SPDX-License-Identifier: MIT
"""A reader of Arrow streams that shares no code with the libraries that read them, nor with what makes them: through ctypes.

Only the types that crfd hands out. A value that is null is None.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from typing import Any


class Schema(ctypes.Structure):
    pass


class Array(ctypes.Structure):
    pass


class Stream(ctypes.Structure):
    pass


_P, _I64, _TEXT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_char_p
Schema._fields_ = [
    ("format", _TEXT), ("name", _TEXT), ("metadata", _P), ("flags", _I64), ("n_children", _I64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))), ("dictionary", ctypes.POINTER(Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(Schema))), ("private_data", _P),
]  # fmt: skip
Array._fields_ = [
    ("length", _I64), ("null_count", _I64), ("offset", _I64), ("n_buffers", _I64), ("n_children", _I64),
    ("buffers", ctypes.POINTER(_P)), ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)), ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))), ("private_data", _P),
]  # fmt: skip
Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Array))),
    ("get_last_error", ctypes.CFUNCTYPE(_TEXT, ctypes.POINTER(Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(Stream))), ("private_data", _P),
]  # fmt: skip


def _pointer(capsule: object, name: bytes) -> int:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return int(get(capsule, name))


def metadata(at: int | None) -> dict[str, str]:
    """The pairs of a schema's metadata."""
    found: dict[str, str] = {}
    if not at:
        return found

    def take() -> bytes:
        nonlocal at
        assert at
        (n,) = struct.unpack("i", ctypes.string_at(at, 4))
        text = ctypes.string_at(at + 4, n)
        at += 4 + n
        return text

    (pairs,) = struct.unpack("i", ctypes.string_at(at, 4))
    at += 4
    for _ in range(pairs):
        key = take().decode()
        found[key] = take().decode()
    return found


def schema(thing: Any) -> tuple[dict[str, str], dict[str, tuple[str, bool, dict[str, str]]]]:
    """(metadata of the table, of each column by name: format, whether it has a dictionary, metadata)."""
    capsule = thing.__arrow_c_schema__()
    s = Schema.from_address(_pointer(capsule, b"arrow_schema"))
    assert s.format == b"+s"
    columns = [s.children[i].contents for i in range(s.n_children)]
    return metadata(s.metadata), {
        c.name.decode(): (c.format.decode(), bool(c.dictionary), metadata(c.metadata)) for c in columns
    }


def batches(thing: Any) -> Iterator[dict[str, list[Any]]]:
    """The record batches, of each the columns by name as lists of Python's values."""
    capsule = thing.__arrow_c_stream__()
    stream = Stream.from_address(_pointer(capsule, b"arrow_array_stream"))
    s = Schema()
    assert stream.get_schema(stream, s) == 0
    names = [(s.children[i].contents.name.decode(), s.children[i].contents.format) for i in range(s.n_children)]
    s.release(s)
    while True:
        array = Array()
        assert stream.get_next(stream, array) == 0, stream.get_last_error(stream)
        if not array.release:
            return
        found = {}
        for i, (name, code) in enumerate(names):
            values = found[name] = _values(array.children[i].contents, code)
            assert len(values) == array.length
            assert values.count(None) == array.children[i].contents.null_count
        array.release(array)
        yield found


def rows(thing: Any) -> list[dict[str, Any]]:
    """Every row as a dict."""
    return [
        dict(zip(batch, values, strict=True))
        for batch in batches(thing)
        for values in zip(*batch.values(), strict=True)
    ]


def _values(array: Array, code: bytes) -> list[Any]:
    known = _bits(array.buffers[0], array.length) if array.buffers[0] else [True] * array.length
    return [value if there else None for value, there in zip(_raw(array, code), known, strict=True)]


def _raw(array: Array, code: bytes) -> list[Any]:
    n = array.length
    if code == b"b":
        return list(_bits(array.buffers[1], n))
    if code in {b"l", b"tss:UTC"}:
        return list((ctypes.c_int64 * n).from_address(array.buffers[1]))
    if code == b"i":
        words = _values(array.dictionary.contents, b"u")
        numbers = (ctypes.c_int32 * n).from_address(array.buffers[1])
        return [words[number] if words else None for number in numbers]
    assert code in {b"u", b"z"}, code
    ends = (ctypes.c_int32 * (n + 1)).from_address(array.buffers[1])
    data = ctypes.string_at(array.buffers[2], ends[n])
    pieces = [data[ends[i] : ends[i + 1]] for i in range(n)]
    return [piece.decode() for piece in pieces] if code == b"u" else list(pieces)


def _bits(at: int, n: int) -> list[bool]:
    data = ctypes.string_at(at, (n + 7) // 8)
    return [bool(data[i >> 3] >> (i & 7) & 1) for i in range(n)]
