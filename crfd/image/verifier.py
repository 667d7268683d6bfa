# SPDX-License-Identifier: MIT
"""The verdict on an image: every rule of the format and every checksum, in memory that does not grow with it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from crfd._core.parse import REC_SIZE_MAX, Parser
from crfd.image.source import Source, open_stream

PIECE = 1 << 20


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
        _feed(parser, stream, progress)
    stats = parser.stats()
    return Verified(stats.tasks, stats.fds, stats.objrefs, stats.bytes)


def _feed(parser: Parser, stream: IO[bytes], progress: Callable[[int], None] | None) -> None:
    buffer = memoryview(bytearray(PIECE + REC_SIZE_MAX))
    have = total = 0
    last = False
    while not last:
        n = _read(stream, buffer[have : have + PIECE])
        last = not n
        have += n
        used, _ = parser.feed(buffer[:have], last)
        buffer[: have - used] = buffer[used:have]
        have -= used
        total += used
        if progress:
            progress(total)


def _read(stream: IO[bytes], into: memoryview) -> int:
    """Return how many bytes were read, 0 at the end; a file object need not have readinto()."""
    if hasattr(stream, "readinto"):
        n = stream.readinto(into)
    else:
        data = stream.read(len(into))
        n = None if data is None else len(data)
        into[: n or 0] = data or b""
    if n is None:
        raise BlockingIOError(errno.EAGAIN, "the stream is non-blocking and has nothing to read")
    return int(n)
