# SPDX-License-Identifier: MIT
"""The exceptions of crfd, beside the builtin OSError family and MemoryError."""

from __future__ import annotations

import errno


def is_ours(error: OSError) -> bool:
    """Whether it is we who lack descriptors, memory or threads: that concerns no process looked at, so the dump fails."""
    return error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}


class CrfdError(Exception):
    """Base of every exception of crfd's own."""


class FormatError(CrfdError, ValueError):
    """Bytes that are not a correct image.

    path is the image's name or None, offset the byte at fault, rule what the format asks for there, expected and found
    the two values as text.
    """

    def __init__(self, path: str | None, offset: int, rule: str, expected: str, found: str) -> None:
        self.path = path
        self.offset = offset
        self.rule = rule
        self.expected = expected
        self.found = found
        where = f"{path}: " if path else ""
        super().__init__(f"{where}offset {offset}: {rule}: expected {expected}, found {found}")


class QueryError(CrfdError, ValueError):
    """A condition that cannot be understood: position is the character of its text at fault, from 0, or None."""

    def __init__(self, position: int | None, expected: str, found: str) -> None:
        self.position = position
        self.expected = expected
        self.found = found
        where = "" if position is None else f"character {position + 1}: "
        super().__init__(f"condition: {where}expected {expected}, found {found}")


class UnsupportedError(CrfdError, ValueError):
    """A descriptor that the chosen image format cannot hold."""


class BackendError(CrfdError, RuntimeError):
    """The backend that was asked for cannot run here; the message says why and what to do."""


class MissingExtraError(CrfdError, ImportError):
    """An optional package is not installed; the message names the extra to install."""


class UnreadError(CrfdError, OSError):
    """No process that was chosen could be read; unread names each with its errno and step (crfd.Unread)."""

    unread: tuple[tuple[int, int, int], ...] = ()


class GoneError(UnreadError, ProcessLookupError):
    """The process does not exist, or ended while it was read."""


class RefusedError(UnreadError, PermissionError):
    """The kernel does not let us look at the process (ptrace(2), "Ptrace access mode checking")."""
