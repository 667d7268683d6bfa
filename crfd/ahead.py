# SPDX-License-Identifier: MIT
"""Scanning ahead in a thread while the batch before is written: reading and writing share the processors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from crfd._core import Batch, Scanner

AHEAD = 2  # batches scanned beyond the one being written


@contextmanager
def read_ahead(scanner: Scanner) -> Iterator[Iterator[Batch]]:
    """The batches of a scan, filled by a thread; each is valid until the next is asked for.

    Three batches go round: one is written while the others are filled. The thread has ended when the block has.
    """
    free: SimpleQueue[Batch | None] = SimpleQueue()
    full: SimpleQueue[Batch | BaseException | None] = SimpleQueue()
    stop = threading.Event()
    for _ in range(1 + AHEAD):
        free.put(Batch())

    def fill() -> None:
        try:
            while (batch := free.get()) is not None and not stop.is_set() and scanner.next(batch):
                full.put(batch)
            full.put(None)
        except BaseException as e:
            full.put(e)

    def drain() -> Iterator[Batch]:
        while (item := full.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            free.put(item)

    thread = threading.Thread(target=fill, name="crfd-scan", daemon=True)
    thread.start()
    try:
        yield drain()
    finally:
        stop.set()
        free.put(None)
        thread.join()
