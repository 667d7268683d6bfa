# SPDX-License-Identifier: MIT
"""Memory that Python and what was handed to other programs hold together."""

from __future__ import annotations

from crfd._core.library import ffi, lib, owned


class Shared:
    """A block of n bytes, zeros at first."""

    def __init__(self, n: int) -> None:
        self._c = owned(lib.crfd_shared_new(n), lib.crfd_shared_drop)
        self._n = n

    def view(self) -> memoryview:
        """Return a writable view of all the bytes, which stay for as long as anyone looks through it."""
        owner = self._c
        kept = ffi.gc(lib.crfd_shared_bytes(owner), lambda _: owner)
        return memoryview(ffi.buffer(kept, self._n))
