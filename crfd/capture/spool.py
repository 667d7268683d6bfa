# SPDX-License-Identifier: MIT
"""An image that nobody keeps: in memory while it is small, then in a file without a name."""

from __future__ import annotations

import io
import os

from crfd.light import suppress

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import mmap

    from typing_extensions import Buffer

SMALL = 16 << 20  # bytes


class Spool(io.RawIOBase):
    """A destination of an image, and then the place where it is read; a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._memory = io.BytesIO()
        self._fd = -1
        self._map: mmap.mmap | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        if self._fd < 0 and self._memory.tell() < SMALL:
            return self._memory.write(data)
        if self._fd < 0:
            self._fd = _nameless()
            self._write(self._memory.getbuffer())
            self._memory = io.BytesIO()
        return self._write(memoryview(data))

    def _write(self, data: memoryview) -> int:
        done = 0
        while done < len(data):
            done += os.write(self._fd, data[done:])
        return done

    def view(self) -> memoryview:
        """Return the whole image."""
        if self._fd < 0:
            return self._memory.getbuffer()
        import mmap

        if self._map is None:
            self._map = mmap.mmap(self._fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
        return memoryview(self._map)

    def let_go(self) -> None:
        """Let what was looked at leave our memory; it comes back from the file when it is looked at again."""
        if self._map is not None:
            import mmap

            self._map.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        if self._map is not None:
            with suppress(BufferError):  # somebody still looks
                self._map.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        super().close()


def _nameless() -> int:
    """Open a file that is gone with its descriptor: by O_TMPFILE of open(2), or else by taking its name away at once."""
    directory = os.environ.get("TMPDIR") or "/tmp"
    with suppress(OSError):
        return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    from tempfile import mkstemp

    fd, name = mkstemp(prefix="crfd-", dir=directory)
    os.unlink(name)
    return fd
