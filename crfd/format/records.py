# SPDX-License-Identifier: MIT
"""The records of an image, one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import EnumMeta, IntEnum
from typing import TYPE_CHECKING, Any

from crfd._core import declarations
from crfd._core.parse import Parser
from crfd.errors import FormatError

_TYPES = declarations.enum("crfd_rec_type", "CRFD_REC_")
_KEEP = 4096  # records listed at a time


if TYPE_CHECKING:

    class _Members(EnumMeta):
        def __getattr__(cls, name: str) -> RecordType: ...

    class RecordType(IntEnum, metaclass=_Members):
        """The record types that this version knows (csrc/format/FORMAT.md)."""

else:
    RecordType = IntEnum("RecordType", {name: at for name, at in _TYPES.items() if not name.endswith("_FIRST")})
    RecordType.__doc__ = "The record types that this version knows (csrc/format/FORMAT.md)."


_KNOWN: dict[int, RecordType] = {int(kind): kind for kind in RecordType}


@dataclass(frozen=True, slots=True)
class Record:
    """One record: offset of its header in the image, type (a plain int where this version does not know it), payload
    length in bytes, parent (a pid, an objref or 0), and the payload, a view of the image that must not outlive it."""

    offset: int
    type: RecordType | int
    len: int
    parent: int
    payload: memoryview


class Layout:
    """A C struct of the core as module struct unpacks it: the fields in the order of `names`."""

    def __init__(self, name: str) -> None:
        self.fields = declarations.layout(name)
        self.size = declarations.sizeof(name)
        self.names = tuple(field.name for field in self.fields)
        codes = ["<"]
        end = 0
        for field in self.fields:
            codes.append(f"{field.offset - end}x{field.code}")
            end = field.offset + struct.calcsize("<" + field.code)
        codes.append(f"{self.size - end}x")
        self.struct = struct.Struct("".join(codes))

    def one(self, data: memoryview | bytes, offset: int = 0) -> dict[str, Any]:
        """Return the struct at an offset, by names."""
        return dict(zip(self.names, self.struct.unpack_from(data, offset), strict=True))


_RECORD = struct.Struct("<hhI")
_LISTED = Layout("crfd_record")


def walk(image: memoryview, path: str | None) -> Iterator[Record]:
    """Give the records in order, each checked with all before it; FormatError at the first that is wrong."""
    parser = Parser(path, _KEEP)
    pos, n = 0, _KEEP
    while n == _KEEP:
        used, n = parser.feed(image[pos:], True)
        for offset, kind, length, parent in _LISTED.struct.iter_unpack(bytes(parser.records(n))):
            start = offset + _RECORD.size
            yield Record(offset, _KNOWN.get(kind, kind), length, parent, image[start : start + length])
        pos += used


def split(span: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Give (type, payload) of each record in a span of whole records that the C core has judged.

    The bytes may have changed since, where an image is mapped: FormatError then.
    """
    pos = 0
    while pos < len(span):
        kind, length, _ = _RECORD.unpack_from(span, pos)
        pos += _RECORD.size
        if not 0 <= length <= len(span) - pos:
            raise FormatError(
                None, pos, "a record that was judged stays as it was", f"{len(span) - pos} bytes", f"{length}"
            )
        yield kind, span[pos : pos + length]
        pos += length
