# SPDX-License-Identifier: MIT
"""Where an image goes: a file that appears whole or not at all, or a stream."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress

from crfd.errors import CrfdError

SYNC_AFTER = 8 << 20  # bytes after which the disk gets to work, while more is to come

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from io import RawIOBase
    from threading import Thread
    from typing import IO, Protocol

    Destination = str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[bytes] | RawIOBase

    class Sink(Protocol):
        def write(self, data: memoryview) -> None: ...
        def commit(self) -> None:
            """The image is complete: make it visible."""

        def abort(self) -> None:
            """The image is not to be: leave nothing behind."""


def open_sink(destination: Destination) -> Sink:
    """destination is a path, b"-" or "-" for standard output, or a binary file object, which is written to and left open."""
    if not isinstance(destination, (str, bytes, os.PathLike)):
        return StreamSink(destination)
    path = os.fsdecode(destination)
    if path == "-":
        return DescriptorSink(os.dup(1), "standard output")
    path = os.path.realpath(path)
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        regular = True
    if regular:
        return FileSink(path)
    return DescriptorSink(os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY), path)


def _write_all(write: Callable[[memoryview], int | None], data: memoryview) -> None:
    while data:
        n = write(data)
        if n is None:
            raise BlockingIOError(errno.EAGAIN, "the stream is non-blocking and full")
        data = data[n:]


def _refuse_terminal(fd: int, name: str) -> None:
    if os.isatty(fd):
        raise CrfdError(f"{name} is a terminal: an image is binary; name a file or a pipe")


class DescriptorSink:
    """A pipe, device or socket by its descriptor, closed at the end."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name
        try:
            _refuse_terminal(fd, name)
        except CrfdError:
            os.close(fd)
            raise

    def write(self, data: memoryview) -> None:
        try:
            _write_all(lambda piece: os.write(self._fd, piece), data)
        except OSError as e:
            raise type(e)(e.errno, e.strerror, self._name) from None

    def commit(self) -> None:
        os.close(self._fd)

    def abort(self) -> None:
        os.close(self._fd)


class StreamSink:
    """A binary file object of the caller's."""

    def __init__(self, stream: IO[bytes] | RawIOBase) -> None:
        self._stream = stream
        try:
            fd = stream.fileno()
        except (AttributeError, OSError):
            return
        _refuse_terminal(fd, getattr(stream, "name", None) or "the stream")

    def write(self, data: memoryview) -> None:
        _write_all(self._stream.write, data)

    def commit(self) -> None:
        self._stream.flush()

    def abort(self) -> None:
        pass


class FileSink:
    """A regular file: written without a name, readable by its owner alone, synced, then given its name in one step.

    A file without a name (open(2), O_TMPFILE) is gone when we are, however we end. Where the file system has none, a hidden
    name beside the final one is used.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._folder, name = os.path.split(path)
        self._temporary = os.path.join(self._folder, f".{name[:200]}.{os.getpid()}.{id(self):x}.tmp")
        self._named = False
        self._unsynced = 0  # bytes written since a sync began
        self._syncing: Thread | None = None
        self._failed: OSError | None = None  # what a sync met, which the kernel tells once
        try:
            self._fd = self._create()
        except OSError as e:
            raise type(e)(e.errno, e.strerror, path) from None

    def _create(self) -> int:
        flags = os.O_WRONLY | os.O_CLOEXEC
        try:
            return os.open(self._folder, flags | os.O_TMPFILE, 0o600)
        except OSError as e:
            if e.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}:
                raise
        self._named = True
        return os.open(self._temporary, flags | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, data: memoryview) -> None:
        try:
            _write_all(lambda piece: os.write(self._fd, piece), data)
            self._unsynced += len(data)
            if self._unsynced >= SYNC_AFTER:
                self._sync_behind()
        except OSError as e:
            raise type(e)(e.errno, e.strerror, self._path) from None

    def _sync_behind(self) -> None:
        """Has a thread sync what is written, unless one is still at it: then there is little to wait for at the end."""
        from threading import Thread

        if self._syncing and self._syncing.is_alive():
            return
        self._end_sync()
        self._unsynced = 0
        self._syncing = Thread(target=self._sync)
        try:
            self._syncing.start()
        except RuntimeError:  # no more threads: the sync at the end does it all
            self._syncing = None

    def _sync(self) -> None:
        try:
            os.fdatasync(self._fd)
        except OSError as e:
            self._failed = e

    def _end_sync(self) -> None:
        if self._syncing:
            self._syncing.join()
            self._syncing = None
        if self._failed:
            raise self._failed

    def commit(self) -> None:
        try:
            self._end_sync()
            os.fsync(self._fd)
            if not self._named:
                # Only with a dir_fd does os.link() pass AT_SYMLINK_FOLLOW on; the path is absolute, so it names nothing.
                os.link(f"/proc/self/fd/{self._fd}", self._temporary, src_dir_fd=self._fd, follow_symlinks=True)
                self._named = True
            os.rename(self._temporary, self._path)
        except OSError as e:
            self.abort()
            raise type(e)(e.errno, e.strerror, self._path) from None
        except BaseException:
            self.abort()
            raise
        os.close(self._fd)
        self._sync_folder()

    def _sync_folder(self) -> None:
        """Makes the rename durable; a folder that cannot be opened or synced does not undo a written image."""
        try:
            fd = os.open(self._folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return
        with suppress(OSError):
            os.fsync(fd)
        os.close(fd)

    def abort(self) -> None:
        with suppress(OSError):
            self._end_sync()
        os.close(self._fd)
        if self._named:
            with suppress(OSError):
                os.unlink(self._temporary)
