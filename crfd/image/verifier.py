# SPDX-License-Identifier: MIT
"""The verdict on an image: every rule of the format and every checksum, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from crfd._core.parse import Parser
from crfd.image.source import Source, in_pieces, open_stream, read_into


@dataclass(frozen=True, slots=True)
class Verified:
    """Counts of a correct image: tasks, descriptors, open file descriptions, and its size in bytes."""

    tasks: int
    fds: int
    objrefs: int
    bytes: int


def verify(source: Source, *, progress: Callable[[int], None] | None = None) -> Verified:
    """Read an image once, from a path, "-" or a binary file object, and checks all of it.

    Raises FormatError at the first byte that is wrong, with its offset, the rule, and what was expected and found. The
    fixed records alone (`--format rfc`) carry no checksum: there only the rules are checked. progress is called with
    the bytes checked so far.
    """
    with open_stream(source) as (stream, name):
        parser = Parser(name)

        def feed(data: memoryview, last: bool) -> int:
            used, _ = parser.feed(data, last)
            if progress:
                progress(parser.stats().bytes)
            return used

        in_pieces(partial(read_into, stream), feed)
    stats = parser.stats()
    return Verified(stats.tasks, stats.fds, stats.objrefs, stats.bytes)
