# SPDX-License-Identifier: MIT
"""The descriptors that threads of a task wait for in poll(2) and its like."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from crfd.format.records import Layout, RecordType

_POLLS = Layout("crfd_task_polls")
_POLLED = Layout("crfd_polled")


class Poller(NamedTuple):
    """A thread that waits for a descriptor, and the POLL* events that it waits for (poll(2)).

    The three sets of select(2) are POLLIN, POLLOUT and POLLPRI. epoll_wait(2) waits for the epoll instance, with POLLIN.
    """

    tid: int
    fd: int
    events: int


class Polls(NamedTuple):
    """The waits that the threads of a task stood in: threads that were asked, unread of them not answered.

    errno: why the first of these could not be read, None where all were. pollers ascend by descriptor and thread.
    """

    threads: int
    unread: int
    errno: int | None
    pollers: tuple[Poller, ...]

    def of(self, fd: int) -> tuple[Poller, ...] | None:
        """Return the threads that wait for a descriptor; None where none is seen to and not all could be read."""
        found = tuple(one for one in self.pollers if one.fd == fd)
        return None if self.unread and not found else found

    @property
    def reason(self) -> str | None:
        """The words for errno."""
        return None if self.errno is None else os.strerror(self.errno)


def polls(extensions: Sequence[tuple[int, bytes]]) -> Polls | None:
    told = next((payload for kind, payload in extensions if kind == RecordType.TASK_POLLS), None)
    if told is None:
        return None
    row = _POLLS.one(told)
    waits = [_POLLED.one(payload) for kind, payload in extensions if kind == RecordType.POLLED]
    pollers = tuple(Poller(one["tid"], one["fd"], one["events"]) for one in waits)
    return Polls(row["threads"], row["unread"], row["err"] or None, pollers)
