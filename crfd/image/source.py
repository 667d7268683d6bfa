# SPDX-License-Identifier: MIT
"""The source of an image: a path, standard input, or a binary file object; and its bytes in memory."""

from __future__ import annotations

import errno
import io
import mmap
import os
import stat
import sys
from _thread import allocate_lock
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO, Union
from weakref import finalize

from crfd._core.declarations import sizeof
from crfd._core.parse import REC_SIZE_MAX, Parser
from crfd._core.shared import Shared
from crfd.errors import FormatError

Source = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]", IO[bytes]]
CHUNK = 1 << 18  # bytes that are read at least
PIECE = 1 << 18  # bytes read at a time where none of them stays: fewer than a processor's cache holds
_SPLIT = 1 << 24  # bytes from which on two threads read
_FIRST = sizeof("crfd_rec") + sizeof("crfd_head")  # bytes of the first record
_HOLLOW = 64  # times what it takes on the disk: a file so much larger is judged before it takes as much memory


@contextmanager
def open_stream(source: Source) -> Iterator[tuple[IO[bytes], str | None]]:
    """Give (stream, its name); "-" is standard input. What the caller opened stays open."""
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


def read_into(stream: IO[bytes], into: memoryview) -> int:
    """Return how many bytes were read, 0 at the end; a file object need not have readinto(), and may be non-blocking."""
    while True:
        if hasattr(stream, "readinto"):
            n = stream.readinto(into)
        else:
            data = stream.read(len(into))
            n = None if data is None else len(data)
            into[: n or 0] = data or b""
        if n is not None:
            return int(n)
        from select import select

        select([stream], (), ())


def in_pieces(read: Callable[[memoryview], int], feed: Callable[[memoryview, bool], int]) -> None:
    """Feeds what is read, until nothing more comes. feed is told whether the piece is the last, and says how many bytes of it
    need not come again."""
    buffer = memoryview(bytearray(PIECE + REC_SIZE_MAX))
    have, last = 0, False
    while not last:
        n = read(buffer[have : have + PIECE])
        last = not n
        have += n
        used = feed(buffer[:have], last)
        buffer[: have - used] = buffer[used:have]
        have -= used


class Bytes:
    """The bytes of an image, all of them in memory: view has as many bytes as the image."""

    def __init__(self, data: memoryview | bytes | bytearray, name: str | None = None) -> None:
        self.view = memoryview(data)
        self.name = name
        self.shared: Shared | None = None  # where the view is all of one

    def need(self, start: int, end: int) -> memoryview:
        """Return the bytes of a range, which are there from now on."""
        return self.view[start:end]

    def has(self, start: int, end: int) -> bool:
        """Whether the bytes of a range are there already."""
        return True

    def all(self) -> memoryview:
        return self.need(0, len(self.view))

    def feed(self, feed: Callable[[memoryview, bool], int]) -> None:
        """Feed a reader all bytes once, as in_pieces() does."""
        feed(self.all(), True)

    def close(self) -> None:
        self.view.release()


class MappedBytes(Bytes):
    """A mapped file. Whoever truncates it ends the process that reads it with SIGBUS."""

    def __init__(self, fd: int, size: int, name: str | None) -> None:
        self._mapping = mmap.mmap(fd, size, access=mmap.ACCESS_READ)
        super().__init__(memoryview(self._mapping), name)

    def close(self) -> None:
        super().close()
        with suppress(BufferError):  # somebody still looks at it
            self._mapping.close()


def _close(fd: int) -> None:
    """Close what was only read, of which no error tells anything."""
    with suppress(OSError):
        os.close(fd)


class FileBytes(Bytes):
    """A regular file, of which each part is read when it is needed, once, into memory of our own.

    So what was judged stays as it was, and a file that is truncated meanwhile is a FormatError.
    """

    def __init__(self, fd: int, size: int, name: str | None) -> None:
        memory = Shared(size)
        self._fd = os.dup(fd)
        self._end = finalize(self, _close, self._fd)
        self._there = bytearray(-(-size // CHUNK))  # 1: the chunk was read
        self._lock = allocate_lock()
        self._into = memory.view()
        super().__init__(self._into.toreadonly(), name)
        self.shared = memory

    def has(self, start: int, end: int) -> bool:
        return 0 not in self._there[start // CHUNK : -(-end // CHUNK)]

    def need(self, start: int, end: int) -> memoryview:
        if not self.has(start, end):
            with self._lock:
                self._load(start // CHUNK, -(-min(end, len(self.view)) // CHUNK))
        return self.view[start:end]

    def feed(self, feed: Callable[[memoryview, bool], int]) -> None:
        """Give a reader all bytes in pieces. Those that are not there are read for this alone, and take no memory."""
        at, size = 0, len(self.view)
        if self.has(0, size):
            super().feed(feed)
            return

        def read(into: memoryview) -> int:
            nonlocal at
            n = self._read_some(into[: size - at], at) if at < size else 0
            at += n
            return n

        in_pieces(read, feed)

    def _load(self, first: int, last: int) -> None:
        """Read the chunks from first to last that are not there."""
        while first < last:
            first = self._there.find(0, first, last)
            if first < 0:
                return
            end = self._there.find(1, first, last)
            end = last if end < 0 else end
            self._read_parallel(first * CHUNK, min(end * CHUNK, len(self.view)))
            self._there[first:end] = b"\1" * (end - first)
            first = end

    def _read_parallel(self, start: int, end: int) -> None:
        if end - start < _SPLIT:
            self._read(start, end)
            return
        from crfd.worker import Worker

        middle = start + (end - start) // 2
        try:
            helper = Worker(lambda: self._read(middle, end))
        except OSError:
            self._read(start, end)
            return
        try:
            self._read(start, middle)
        finally:
            helper.join()

    def _read(self, start: int, end: int) -> None:
        while start < end:
            start += self._read_some(self._into[start:end], start)

    def _read_some(self, into: memoryview, start: int) -> int:
        n = os.preadv(self._fd, [into], start)
        if not n:
            size = len(self.view)
            raise FormatError(
                self.name, start, "the file stays whole while it is read", f"{size} bytes", f"{start} bytes"
            )
        return n

    def close(self) -> None:
        super().close()
        self._into.release()
        self.shared = None
        self._end()


def load(source: Source, *, map: bool = False) -> Bytes:
    """Load an image. A regular file is read as far as it is asked for, or mapped; anything else to its end."""
    with open_stream(source) as (stream, name):
        if not isinstance(getattr(stream, "raw", stream), io.FileIO):  # gzip's fileno() is that of what is compressed
            return Bytes(stream.read(), name)
        status = os.fstat(stream.fileno())
        if not (stat.S_ISREG(status.st_mode) and status.st_size and not stream.tell()):
            return Bytes(_read_stream(stream, name), name)
        if map:
            return MappedBytes(stream.fileno(), status.st_size, name)
        if status.st_size > _HOLLOW * 512 * status.st_blocks:
            parser = Parser(name)
            in_pieces(partial(read_into, stream), lambda piece, last: parser.feed(piece, last)[0])
            stream.seek(0)
        return FileBytes(stream.fileno(), status.st_size, name)


def _read_stream(stream: IO[bytes], name: str | None) -> bytearray:
    """Read to the end, unless the first record is none of an image: a device may have no end."""
    kept = bytearray()

    def keep(piece: memoryview, _: bool) -> int:
        if not kept:
            Parser(name).feed(piece[:_FIRST], False)
        kept.extend(piece)
        return len(piece)

    in_pieces(partial(read_into, stream), keep)
    return kept
