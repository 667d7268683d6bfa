# SPDX-License-Identifier: MIT
"""The sink of an image: a file that appears whole or not at all, or a stream."""

from __future__ import annotations

import errno
import os
import stat
import sys

from crfd.errors import CrfdError
from crfd.image import place
from crfd.light import suppress

SYNC_AFTER = 8 << 20  # bytes after which the disk gets to work, while more is to come

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from io import RawIOBase
    from typing import IO, Protocol

    from crfd.image.place import Place
    from crfd.worker import Worker

    Destination = str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[bytes] | RawIOBase

    class Sink(Protocol):
        def write(self, data: memoryview) -> None: ...
        def commit(self) -> None:
            """Make the image visible, for it is complete."""

        def abort(self) -> None:
            """Leave nothing behind, for there is no image to be."""


def open_sink(destination: Destination) -> Sink:
    """Open a sink: a path, b"-" or "-" for standard output, or a binary file object, which is written to and left open."""
    if not isinstance(destination, (str, bytes, os.PathLike)):
        return StreamSink(destination)
    path = os.fsdecode(destination)
    if path == "-":
        if sys.__stdout__ is None:  # it was closed before we began, and 1 may be a file of ours by now
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")
        return DescriptorSink(os.dup(1), "standard output")
    try:
        found = place.find(path)
        if not found.is_link and (found.status is None or stat.S_ISREG(found.status.st_mode)):
            return FileSink(found, path)
        try:
            fd = found.open()
        finally:
            os.close(found.folder)
    except OSError as e:
        raise type(e)(e.errno, e.strerror, path) from None
    return DescriptorSink(fd, path)


def write_all(fd: int, data: memoryview) -> None:
    """Write all of it; where the descriptor is non-blocking (which whoever shares it may make it) it waits."""
    while data:
        try:
            n = os.write(fd, data)
        except BlockingIOError:
            from select import POLLOUT, poll

            waiting = poll()
            waiting.register(fd, POLLOUT)
            waiting.poll()
            continue
        data = data[n:]


def _above_standard(fd: int) -> int:
    """Return the descriptor, or one in its place that no print() reaches where a standard stream is closed."""
    if fd > 2:
        return fd
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    try:
        return fcntl(fd, F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(fd)


def _refuse_terminal(fd: int, name: str) -> None:
    if os.isatty(fd):
        raise CrfdError(f"{name} is a terminal: an image is binary; name a file or a pipe")


class DescriptorSink:
    """A pipe, device or socket by its descriptor, or a regular file that somebody else opened; closed at the end."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name
        self._written = 0
        try:
            _refuse_terminal(fd, name)
            self._start = _end_of_file(fd)
        except BaseException:
            os.close(fd)
            raise

    def write(self, data: memoryview) -> None:
        try:
            write_all(self._fd, data)
        except OSError as e:
            raise type(e)(e.errno, e.strerror, self._name) from None
        self._written += len(data)

    def commit(self) -> None:
        os.close(self._fd)

    def abort(self) -> None:
        """Take what was written out of a file again, if nobody else has written there meanwhile."""
        with suppress(OSError):
            if self._start is not None and os.lseek(self._fd, 0, os.SEEK_END) >= self._start + self._written:
                os.ftruncate(self._fd, self._start)
                os.lseek(self._fd, self._start, os.SEEK_SET)
        os.close(self._fd)


def _end_of_file(fd: int) -> int | None:
    """Return the size of a regular file, if the next write goes to its end."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return None
    from fcntl import F_GETFL, fcntl

    at_end = fcntl(fd, F_GETFL) & os.O_APPEND or os.lseek(fd, 0, os.SEEK_CUR) == status.st_size
    return status.st_size if at_end else None


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
        while data:
            n = self._stream.write(data)
            if n is None:
                raise BlockingIOError(errno.EAGAIN, "the stream is non-blocking and full")
            data = data[n:]

    def commit(self) -> None:
        self._stream.flush()

    def abort(self) -> None:
        pass


class FileSink:
    """A regular file: written without a name, readable by its owner alone, synced, then given its name in one step.

    A file without a name (open(2), O_TMPFILE) is gone when we are, however we end. Where the file system has none, a hidden
    name beside the final one is used.
    """

    def __init__(self, at: Place, path: str) -> None:
        """path: its name in errors. The folder of `at` is closed at the end."""
        self._path = path
        self._folder = at.folder
        self._name = at.name
        self._temporary = f".crfd-{os.urandom(8).hex()}.tmp"
        self._named = False
        self._unsynced = 0  # bytes written since a sync began
        self._syncing: Worker | None = None
        try:
            self._fd = self._create()
        except BaseException:
            os.close(self._folder)
            raise

    def _create(self) -> int:
        flags = os.O_WRONLY | os.O_CLOEXEC
        try:
            fd = _above_standard(os.open(".", flags | os.O_TMPFILE, 0o600, dir_fd=self._folder))
        except OSError as e:
            if e.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}:
                raise
        else:
            if os.path.exists(f"/proc/self/fd/{fd}"):
                return fd
            os.close(fd)  # without /proc nobody can give it a name
        fd = os.open(self._temporary, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=self._folder)
        self._named = True
        return _above_standard(fd)

    def write(self, data: memoryview) -> None:
        try:
            write_all(self._fd, data)
            self._unsynced += len(data)
            if self._unsynced >= SYNC_AFTER:
                self._sync_behind()
        except OSError as e:
            raise type(e)(e.errno, e.strerror, self._path) from None

    def _sync_behind(self) -> None:
        """Let a thread sync what is written, unless one is still at it: then there is little to wait for at the end."""
        from crfd.worker import Worker

        if self._syncing and self._syncing.is_running:
            return
        self._end_sync()
        self._unsynced = 0
        with suppress(OSError):  # no more threads: the sync at the end does it all
            self._syncing = Worker(lambda: os.fdatasync(self._fd))

    def _end_sync(self) -> None:
        """Wait for the sync, and raise what it met, which the kernel tells once."""
        syncing, self._syncing = self._syncing, None
        if syncing:
            syncing.join()

    def commit(self) -> None:
        try:
            self._end_sync()
            os.fsync(self._fd)
            if not self._named:
                # Only with a dir_fd does os.link() pass AT_SYMLINK_FOLLOW on; the path is absolute, so it names nothing.
                source = f"/proc/self/fd/{self._fd}"
                os.link(source, self._temporary, src_dir_fd=self._fd, dst_dir_fd=self._folder, follow_symlinks=True)
                self._named = True
            # Whatever was put at the name meanwhile is replaced, and not followed.
            os.rename(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as e:
            self.abort()
            raise type(e)(e.errno, e.strerror, self._path) from None
        except BaseException:
            self.abort()
            raise
        self._sync_folder()
        for fd in (self._fd, self._folder):
            with suppress(OSError):  # what a close could tell, the sync has told
                os.close(fd)

    def _sync_folder(self) -> None:
        """Make the rename durable; a folder that cannot be opened or synced does not undo a written image."""
        try:
            fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError:
            return
        with suppress(OSError):
            os.fsync(fd)
        with suppress(OSError):
            os.close(fd)

    def abort(self) -> None:
        with suppress(OSError):
            self._end_sync()
        os.close(self._fd)
        if self._named:
            with suppress(OSError):
                os.unlink(self._temporary, dir_fd=self._folder)
        os.close(self._folder)
