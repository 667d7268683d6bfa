# SPDX-License-Identifier: MIT
"""The objref table: which descriptors share one open file description."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from crfd._core.encode import Objrefs


class ObjrefTable:
    """Numbers 64-bit identity keys 1, 2, 3 … in order of first appearance, whole arrays at a time.

    A key stands for one open file description: equal keys share one objref. Key 0 stands for none and has objref 0.
    A table holds up to 2**32 - 2 keys and takes 12 to 24 bytes for each. Usable alone, for any 64-bit keys.
    """

    def __init__(self) -> None:
        self._table = Objrefs()

    def add(self, keys: memoryview | array[int] | Iterable[int]) -> tuple[array[int], array[int]]:
        """Numbers n keys: (objrefs, new), arrays of n u32 and n u8; new[i] is 1 where keys[i] was seen for the first time.

        keys is a contiguous buffer of format "Q" (array, memoryview, NumPy uint64) or an iterable of ints below 2**64.
        All of them are added or, on MemoryError or OverflowError, none.
        """
        return self._table.add(_as_keys(keys))

    def get(self, key: int) -> int | None:
        """The objref of a key, or None when it was never added (or is 0)."""
        return self._table.get(key) or None

    def __len__(self) -> int:
        return len(self._table)


def _as_keys(keys: memoryview | array[int] | Iterable[int]) -> memoryview:
    try:
        view = memoryview(keys)  # type: ignore[arg-type]
    except TypeError:
        return memoryview(array("Q", keys))
    if view.itemsize != 8 or view.format not in {"Q", "L"} or not view.c_contiguous or view.ndim != 1:
        raise TypeError(f"keys: expected a contiguous buffer of format 'Q', found format {view.format!r}")
    return view
