# SPDX-License-Identifier: MIT
"""The certainty that a table, as the image has it, is what it was at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from crfd.format.records import Layout, RecordType

_QUIET = Layout("crfd_task_quiet").struct


class Consistency(IntEnum):
    """The certainty of one table.

    UNKNOWN: nobody looked a second time. QUIET: a second look, after the table was read, found the same numbers.
    CHANGED: it found others (Task.changed says how many), so the table may be a mixture. FROZEN: the task stood still.
    QUIET says nothing of a number that was closed and opened again meanwhile, nor of what the kernel keeps behind one.
    """

    UNKNOWN = 0
    QUIET = 1
    CHANGED = 2
    FROZEN = 3


def changed(extensions: Iterable[tuple[int, bytes | memoryview]]) -> int | None:
    """Return how many numbers were opened or closed while a task's table was read; None where nobody looked again."""
    for kind, payload in extensions:
        if kind == RecordType.TASK_QUIET:
            count, known = _QUIET.unpack(payload)
            return int(count) if known else None
    return None


def consistency(changes: int | None, frozen: bool) -> Consistency:
    if frozen:
        return Consistency.FROZEN
    if changes is None:
        return Consistency.UNKNOWN
    return Consistency.CHANGED if changes else Consistency.QUIET
