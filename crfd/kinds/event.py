# SPDX-License-Identifier: MIT
"""Event descriptors: eventfd, timerfd, signalfd."""

from __future__ import annotations

from dataclasses import dataclass

from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Records

_EVENTFD = Records(RecordType.EVENTFD, "crfd_eventfd", "CRFD_EVENTFD_HAS_", ID="id", SEMAPHORE="semaphore")
_TIMERFD = Records(RecordType.TIMERFD, "crfd_timerfd")
_SIGNALFD = Records(RecordType.SIGNALFD, "crfd_signalfd")


@dataclass(frozen=True, slots=True)
class Eventfd:
    """eventfd(2): the 64-bit count; id is unique in the kernel."""

    count: int
    id: int | None
    semaphore: bool | None


@dataclass(frozen=True, slots=True)
class Timerfd:
    """timerfd_create(2): clock is CLOCK_*, flags those of timerfd_settime(2), ticks the expirations not yet read. value
    is the time to the next one in ns, also of an absolute timer, 0 where it is disarmed; interval is in ns."""

    clock: int
    flags: int
    ticks: int
    value: int
    interval: int


@dataclass(frozen=True, slots=True)
class Signalfd:
    """signalfd(2): bit n - 1 of the mask stands for signal n."""

    mask: int

    @property
    def signals(self) -> tuple[int, ...]:
        """The numbers of the signals, ascending."""
        return tuple(n + 1 for n in range(64) if self.mask >> n & 1)


def _eventfd(file: Described) -> Eventfd | None:
    row = _EVENTFD.first(file)
    if row is None:
        return None
    semaphore = row["semaphore"]
    return Eventfd(row["count"], row["id"], None if semaphore is None else semaphore == 1)


def _timerfd(file: Described) -> Timerfd | None:
    row = _TIMERFD.first(file)
    return Timerfd(**row) if row else None


def _signalfd(file: Described) -> Signalfd | None:
    row = _SIGNALFD.first(file)
    return Signalfd(row["mask"]) if row else None


Value = Eventfd | Timerfd | Signalfd
DECODERS: Decoders = {
    Kind.EVENTFD: _eventfd,
    Kind.TIMERFD: _timerfd,
    Kind.SIGNALFD: _signalfd,
}
