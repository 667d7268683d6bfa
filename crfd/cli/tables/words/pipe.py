# SPDX-License-Identifier: MIT
"""What a table says of pipes."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.tables.words.phrase import Writers, flags, pairs
from crfd.image.model import OpenFile
from crfd.kinds.pipe import Pipe


def _pipe(_: OpenFile, pipe: Pipe) -> Iterator[str]:
    yield pipe.end
    yield from flags(packet=pipe.packet)
    if pipe.waiting is not None:
        yield f"{pipe.waiting}B waiting"
    if pipe.capacity is not None:
        yield f"of {pipe.capacity}B"
    yield from pairs(readers=pipe.readers, writers=pipe.writers)


WRITERS: Writers = {Pipe: _pipe}
