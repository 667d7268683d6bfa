# SPDX-License-Identifier: MIT
"""Descriptors counted by the values of columns."""

from __future__ import annotations

from crfd._core.columns import Reader, columns
from crfd._core.kinds import kind_name
from crfd._core.library import check, ffi, lib, owned
from crfd.light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crfd._core.filter import Filter

_ROWS = 1 << 18  # counted between two chances for a signal


class Group(NamedTuple):
    """Descriptors that have the same values of the columns, which are key: bytes, empty where not known.

    unread of them could not be read, shared have a description that others have too, deleted_bytes are held by files
    without a name, kinds counts them by kind, the most frequent first.
    """

    key: tuple[bytes, ...]
    fds: int
    unread: int
    shared: int
    deleted_bytes: int
    kinds: dict[str, int]


def tally(
    reader: Reader, names: Sequence[str], *, filter: Filter | None = None, kinds: bool = True, most: int | None = None
) -> tuple[int, list[Group]]:
    """Count the descriptors of each group: (number of groups, those with the most descriptors, the largest first)."""
    numbers = [columns()[name].number for name in names]
    out = ffi.new("crfd_tally **")
    c_filter = ffi.NULL if filter is None else filter._c
    check(lib.crfd_tally_new(ffi.new("uint16_t[]", numbers), len(numbers), c_filter, kinds, out))
    c = owned(out[0], lib.crfd_tally_free)
    while check(lib.crfd_tally_rows(c, reader._c, _ROWS)):
        pass
    n, text = ffi.new("size_t *"), ffi.new("const uint8_t **")
    groups = lib.crfd_tally_groups(c, n, text)
    found = []
    for i in range(n[0] if most is None else min(n[0], most)):
        g = groups[i]
        key = bytes(ffi.buffer(text[0] + g.key, g.key_len)).split(b"\0")[: len(names)]
        counts = lib.crfd_tally_kinds(c, g.number)
        by_kind = {} if counts == ffi.NULL else {k: m for k, m in enumerate(ffi.unpack(counts, lib.CRFD_KINDS)) if m}
        order = sorted(by_kind, key=lambda kind: (-by_kind[kind], kind))
        found.append(
            Group(tuple(key), g.fds, g.unread, g.shared, g.deleted_bytes, {kind_name(k): by_kind[k] for k in order})
        )
    return int(n[0]), found
