# SPDX-License-Identifier: MIT
"""The standard streams: every command writes its words here, where they are made fit for a terminal.

What is written comes out whole, or the command fails. Names come from whoever made a file or a process: what could move a
cursor, or hide or forge a line, comes out as \\xNN (text.visible), on either stream.
"""

from __future__ import annotations

import errno
import os
import sys

from crfd.cli.tables import text
from crfd.image.sink import write_all
from crfd.light import suppress

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from typing import TextIO

_ENOUGH = 1 << 16  # characters that are kept before they are written


class Writer:
    """One of the standard streams, of which Python's own buffer is not used: that ends a program with status 0 after a
    write that failed. Whoever has put another stream in its place (redirect_stdout) gets the text there."""

    def __init__(self, attribute: str, name: str) -> None:
        self._attribute = attribute
        self._name = name
        self._kept: list[str] = []
        self._size = 0

    def write(self, words: str) -> None:
        """Write text of any number of lines, in which a line's end is one."""
        self._kept.append(text.visible(words, "\n"))
        self._size += len(words)
        if self._size >= _ENOUGH:
            self.flush()

    def line(self, words: str) -> None:
        """Write one line, whatever is in it."""
        self.write(text.visible(words) + "\n")

    def raw(self, data: bytes | memoryview) -> None:
        """Write rows of the C core, where csrc/columns/text.c does for them what visible() does here."""
        self.flush()
        stream = self._stream()
        if stream is getattr(sys, f"__{self._attribute}__"):
            if stream.encoding.lower().replace("-", "") != "utf8":
                data = bytes(data).decode("utf-8", "replace").encode(stream.encoding, "backslashreplace")
            self._put(stream.fileno(), memoryview(data))
        elif hasattr(stream, "buffer"):
            stream.buffer.write(data)
        else:
            stream.write(bytes(data).decode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        words = "".join(self._kept)
        self._kept.clear()
        self._size = 0
        if not words:
            return
        stream = self._stream()
        if stream is getattr(sys, f"__{self._attribute}__"):
            self._put(stream.fileno(), memoryview(words.encode(stream.encoding, "backslashreplace")))
        else:
            stream.write(words)
            stream.flush()

    @property
    def is_terminal(self) -> bool:
        stream: TextIO | None = getattr(sys, self._attribute)
        return stream is not None and stream.isatty()

    def _stream(self) -> TextIO:
        stream: TextIO | None = getattr(sys, self._attribute)
        if stream is None:  # it was closed before we began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._name)
        return stream

    def _put(self, fd: int, data: memoryview) -> None:
        try:
            write_all(fd, data)
        except BrokenPipeError:  # whoever read our table has seen enough: nobody has to be told
            raise
        except OSError as e:
            raise type(e)(e.errno, e.strerror, self._name) from None


class Teller(Writer):
    """Standard error: at once, and if it fails there is nobody to tell."""

    def write(self, words: str) -> None:
        super().write(words)
        with suppress(OSError):
            self.flush()


out = Writer("stdout", "standard output")
err = Teller("stderr", "standard error")
