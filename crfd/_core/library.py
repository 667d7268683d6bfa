# SPDX-License-Identifier: MIT
"""The compiled module, and the one map from its codes to exceptions. Only the modules of this room import it."""

from __future__ import annotations

import errno
import os
from array import array
from collections import namedtuple

from crfd import _crfd
from crfd.errors import FormatError

# This is not typing's own: a type checker takes it for true all the same, and importing typing is a tenth of a small dump.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NamedTuple
else:

    class _Maker(type):
        """Makes a class with NamedTuple as its base a tuple of the fields that its body annotates, as that of typing is."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body["__annotations__"]
            base = namedtuple(name, fields, defaults=[body.pop(field) for field in fields if field in body])
            return type(name, (base,), {**body, "__slots__": ()})

    class NamedTuple(metaclass=_Maker):
        pass


__all__ = ["NamedTuple", "check", "ffi", "lib", "owned", "view"]

ffi = _crfd.ffi
lib = _crfd.lib


def check(rc: int, path: str | None = None) -> int:
    """Map the core's codes to exceptions, which is done nowhere else; a count passes through."""
    if rc >= 0:
        return rc
    if rc == -errno.ENOMEM:
        raise MemoryError
    if rc <= -4096:
        raise FormatError(path, 0, "image", "a correct image", f"code {rc}")
    raise OSError(-rc, os.strerror(-rc), path)


def owned(pointer: Any, free: Any) -> Any:
    if pointer == ffi.NULL:
        raise MemoryError
    return ffi.gc(pointer, free)


def view(pointer: Any, count: int, code: Literal["B", "I", "Q"]) -> memoryview:
    """Return count items of a C array as a typed memoryview, valid as long as the array is."""
    if not count:
        return memoryview(array(code))
    return memoryview(ffi.buffer(pointer, count * ffi.sizeof(ffi.typeof(pointer).item))).cast(code)
