# SPDX-License-Identifier: MIT
"""What a table says of event descriptors."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.tables.words.phrase import Writers, flags, nth, pairs
from crfd.image.model import OpenFile
from crfd.kinds.event import Eventfd, Signalfd, Timerfd

_CLOCKS = (
    "realtime monotonic process_cputime thread_cputime monotonic_raw realtime_coarse monotonic_coarse boottime "
    "realtime_alarm boottime_alarm"
)


def _eventfd(_: OpenFile, event: Eventfd) -> Iterator[str]:
    yield from pairs(count=event.count)
    yield from flags(semaphore=event.semaphore)


def _timerfd(_: OpenFile, timer: Timerfd) -> Iterator[str]:
    yield nth(_CLOCKS, timer.clock)
    yield f"in {_seconds(timer.value)}" if timer.value else "disarmed"
    if timer.interval:
        yield f"every {_seconds(timer.interval)}"
    if timer.ticks:
        yield f"ticks={timer.ticks}"


def _seconds(ns: int) -> str:
    whole, rest = divmod(ns, 10**9)
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".") + "s"


def _signalfd(_: OpenFile, signals: Signalfd) -> Iterator[str]:
    yield f"signals={','.join(map(str, signals.signals))}"


WRITERS: Writers = {Eventfd: _eventfd, Timerfd: _timerfd, Signalfd: _signalfd}
