# SPDX-License-Identifier: MIT
"""The names of the kinds of descriptor."""

from __future__ import annotations

from crfd._core.library import ffi, lib
from crfd.light import cache


@cache
def kind_name(kind: int) -> str:
    name = lib.crfd_kind_name(kind)
    return f"kind-{kind}" if name == ffi.NULL else ffi.string(name).decode()


@cache
def kind_names() -> dict[str, int]:
    """Return the numbers of the kinds by their names."""
    return {kind_name(kind): kind for kind in range(lib.CRFD_KINDS) if lib.crfd_kind_name(kind) != ffi.NULL}
