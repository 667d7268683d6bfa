# SPDX-License-Identifier: MIT
"""Where an image comes from: a path, standard input, or a binary file object."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Union

Source = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]", IO[bytes]]


@contextmanager
def open_stream(source: Source) -> Iterator[tuple[IO[bytes], str | None]]:
    """(stream, its name); "-" is standard input. What the caller opened stays open."""
    if not isinstance(source, (str, bytes, os.PathLike)):
        name = getattr(source, "name", None)
        yield source, name if isinstance(name, str) else None
        return
    path = os.fsdecode(source)
    if path == "-":
        if sys.stdin is None:  # it was closed before we began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard input")
        yield sys.stdin.buffer, "standard input"
        return
    with open(path, "rb", buffering=0) as stream:
        yield stream, path


def load(source: Source) -> tuple[memoryview, mmap.mmap | None, str | None]:
    """(all its bytes, the mapping under them if there is one, its name)."""
    with open_stream(source) as (stream, name):
        mapping = _map(stream)
        if mapping is not None:
            return memoryview(mapping), mapping, name
        return memoryview(stream.read()), None, name


def _map(stream: IO[bytes]) -> mmap.mmap | None:
    """The stream's file, when it is a regular one and is read from its start."""
    try:
        fd = stream.fileno()
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or not status.st_size or stream.tell():
            return None
    except (AttributeError, OSError):
        return None
    return mmap.mmap(fd, status.st_size, access=mmap.ACCESS_READ)
