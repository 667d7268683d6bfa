# SPDX-License-Identifier: MIT
"""Batches to the bytes of an image, and the objrefs that their descriptors get in it."""

from __future__ import annotations

from crfd._core.batch import Batch
from crfd._core.freeze import Still
from crfd._core.library import check, ffi, lib, owned, view
from crfd.light import NamedTuple

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Iterator, Sequence

PIECE = 1 << 20  # bytes handed to a sink at a time


class ObjrefTable:
    """Numbers 64-bit identity keys 1, 2, 3 … in order of first appearance, whole arrays at a time.

    A key stands for one open file description: equal keys share one objref. Key 0 stands for none and has objref 0.
    A table holds up to 2**32 - 2 keys and takes 12 to 24 bytes for each. Usable alone, for any 64-bit keys.
    """

    def __init__(self) -> None:
        self._c = owned(lib.crfd_objrefs_new(), lib.crfd_objrefs_free)

    def __len__(self) -> int:
        return int(lib.crfd_objrefs_len(self._c))

    def add(self, keys: memoryview | array[int] | Iterable[int]) -> tuple[memoryview, memoryview]:
        """Number n keys: (objrefs, new), n u32 and n u8; new[i] is 1 where keys[i] was seen for the first time.

        keys is a contiguous buffer of format "Q" (array, memoryview, NumPy uint64) or an iterable of ints below 2**64.
        All of them are added or, on MemoryError or OverflowError, none.
        """
        view = _as_keys(keys)
        n = len(view)
        objrefs, new = memoryview(bytearray(4 * n)).cast("I"), memoryview(bytearray(n))
        check(
            lib.crfd_objrefs_add(
                self._c,
                ffi.from_buffer("uint64_t[]", view),
                n,
                ffi.from_buffer("uint32_t[]", objrefs, require_writable=True),
                ffi.from_buffer("uint8_t[]", new, require_writable=True),
            )
        )
        return objrefs, new

    def get(self, key: int) -> int | None:
        """Return the objref of a key, or None when it was never added (or is 0)."""
        return int(lib.crfd_objrefs_get(self._c, key)) or None


def _as_keys(keys: memoryview | array[int] | Iterable[int]) -> memoryview:
    try:
        view = memoryview(keys)  # type: ignore[arg-type]
    except TypeError:
        from array import array

        return memoryview(array("Q", keys))
    if view.itemsize != 8 or view.format not in {"Q", "L"} or not view.c_contiguous or view.ndim != 1:
        raise TypeError(f"keys: expected a contiguous buffer of format 'Q', found format {view.format!r}")
    return view


class Totals(NamedTuple):
    """Totals of what has been encoded, or checked; bytes is the image's size so far."""

    bytes: int
    tasks: int
    fds: int
    objrefs: int


class Encoder:
    """Turns batches into the bytes of one image. Each piece is valid until the next is asked for."""

    def __init__(self, *, rfc: bool) -> None:
        self._c = owned(lib.crfd_encoder_new(rfc), lib.crfd_encoder_free)
        self._out = ffi.gc(ffi.new("crfd_buf *"), lib.crfd_buf_release)

    def _piece(self) -> memoryview:
        n, self._out.nr = self._out.nr, 0
        return view(self._out.v, n, "B")

    def head(self, backend: int, flags: int) -> memoryview:
        check(lib.crfd_encode_head(self._c, backend, flags, self._out))
        return self._piece()

    def batch(self, batch: Batch, objrefs: memoryview, fresh: memoryview) -> Iterator[memoryview]:
        refs = ffi.from_buffer("uint32_t[]", objrefs)
        new = ffi.from_buffer("uint8_t[]", fresh)
        more = True
        while more:
            more = check(lib.crfd_encode_batch(self._c, batch._c, refs, new, PIECE, self._out)) == 1
            yield self._piece()

    def still(self, still: Sequence[Still]) -> memoryview:
        check(lib.crfd_encode_still(self._c, ffi.new("crfd_still[]", [tuple(s) for s in still]), len(still), self._out))
        return self._piece()

    def lock_waits(self, waits: bytes) -> memoryview:
        """waits: an array of crfd_lock_wait."""
        n = len(waits) // ffi.sizeof("crfd_lock_wait")
        check(lib.crfd_encode_lock_waits(self._c, ffi.from_buffer("crfd_lock_wait[]", waits), n, self._out))
        return self._piece()

    def held_objrefs(self, table: ObjrefTable) -> memoryview:
        """table: that the objrefs of the batches are of."""
        check(lib.crfd_encode_held_objrefs(self._c, table._c, self._out))
        return self._piece()

    def tail(self) -> memoryview:
        check(lib.crfd_encode_tail(self._c, self._out))
        return self._piece()

    def stats(self) -> Totals:
        s = ffi.new("crfd_image_stats *")
        lib.crfd_encoder_stats(self._c, s)
        return Totals(s.bytes, s.ntasks, s.nfds, s.nobjrefs)
