# SPDX-License-Identifier: MIT
"""A line on stderr that says how far a long command is: only on a terminal, only after a second.

It is of numbers alone, and the one thing that moves a cursor.
"""

from __future__ import annotations

import sys
import time

AFTER = 1.0  # seconds before the first line
EVERY = 0.1


class Progress:
    def __init__(self) -> None:
        self._next = time.monotonic() + AFTER
        self._shown = False
        self._wanted = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        if not self._wanted or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        self._shown = True
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def done(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
