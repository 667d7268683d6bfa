# SPDX-License-Identifier: MIT
"""The declarations in the headers of the core: structs, enumerations and numbers."""

from __future__ import annotations

from crfd._core.library import ffi, lib
from crfd.light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_CODES = {
    "uint64_t": "Q", "int64_t": "q", "uint32_t": "I", "int32_t": "i", "uint16_t": "H", "int16_t": "h",
    "uint8_t": "B", "int8_t": "b",
}  # fmt: skip


class Field(NamedTuple):
    """A member of a C struct: its code of module struct ("16s" for 16 bytes) and its offset in bytes."""

    name: str
    code: str
    offset: int


def layout(name: str) -> tuple[Field, ...]:
    """Return the members of a C struct of the core by offset: nested structs flattened, padding left out."""
    return tuple(_fields(ffi.typeof(name), 0))


def _fields(ctype: Any, base: int) -> Iterator[Field]:
    for name, member in ctype.fields:
        if name == "pad":
            continue
        if member.type.kind == "struct":
            yield from _fields(member.type, base + member.offset)
        elif member.type.kind == "array":
            yield Field(name, f"{member.type.length}s", base + member.offset)
        else:
            yield Field(name, _CODES[member.type.cname], base + member.offset)


def sizeof(name: str) -> int:
    return int(ffi.sizeof(name))


def enum(name: str, prefix: str) -> dict[str, int]:
    """Return the members of a C enum by their names, without the prefix."""
    return {member.removeprefix(prefix): value for value, member in ffi.typeof(f"enum {name}").elements.items()}


def flags(prefix: str) -> dict[str, int]:
    """Return the #defines whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): int(getattr(lib, name)) for name in dir(lib) if name.startswith(prefix)}
