# SPDX-License-Identifier: MIT
"""The trace of a dump, which is what the logger "crfd" says at debug level. Where nobody listens, nothing is done for it."""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from logging import Logger


class Trace:
    """Says what each phase gave and how long it took; never a kernel address."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._since = time.perf_counter()

    def phase(self, text: str, *args: object) -> None:
        """Say that a phase has ended and the next one begins."""
        now = time.perf_counter()
        self._logger.debug(f"{text} [%.3f ms]", *args, (now - self._since) * 1e3)
        self._since = time.perf_counter()

    def say(self, text: str, *args: object) -> None:
        self._logger.debug(text, *args)


def listener() -> Trace | None:
    """Return a trace; None where nobody listens. Who does has imported logging, which takes a tenth of a small dump."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    logger = logging.getLogger("crfd")
    return Trace(logger) if logger.isEnabledFor(logging.DEBUG) else None
