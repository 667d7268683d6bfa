# SPDX-License-Identifier: MIT
"""The compiled module, and the one map from its codes to exceptions. Only the modules of this room import it."""

from __future__ import annotations

import errno
import os

from crfd import _crfd

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from typing import Any, Literal

__all__ = ["check", "ffi", "lib", "owned", "view"]

ffi = _crfd.ffi
lib = _crfd.lib


def check(rc: int, path: str | None = None) -> int:
    """Map the core's codes to exceptions, which is done nowhere else; a count passes through."""
    if rc >= 0:
        return rc
    if rc == -errno.ENOMEM:
        raise MemoryError
    if rc <= -4096:
        from crfd.errors import FormatError

        raise FormatError(path, 0, "image", "a correct image", f"code {rc}")
    raise OSError(-rc, os.strerror(-rc), path)


def owned(pointer: Any, free: Any) -> Any:
    if pointer == ffi.NULL:
        raise MemoryError
    return ffi.gc(pointer, free)


def view(pointer: Any, count: int, code: Literal["B", "I", "Q"]) -> memoryview:
    """Return count items of a C array as a typed memoryview, valid as long as the array is."""
    if not count:
        return memoryview(b"").cast(code)
    return memoryview(ffi.buffer(pointer, count * ffi.sizeof(ffi.typeof(pointer).item))).cast(code)
