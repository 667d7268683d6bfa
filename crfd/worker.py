# SPDX-License-Identifier: MIT
"""Threads whose failure reaches whoever waits for them, whatever they failed for want of."""

from __future__ import annotations

import errno
from _thread import allocate_lock, start_new_thread
from weakref import ref

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NO_THREAD = (errno.EAGAIN, "no thread could be started: a limit of processes (pids.max, ulimit -u) is reached")


class _Life:
    """An argument that goes when the call that has it ends, or cannot begin."""

    __slots__ = ("__weakref__",)


class Worker:
    """Runs a function in a thread of its own. OSError where none can be had, MemoryError where it cannot begin.

    That of the standard library waits for ever then: a thread's first call takes memory for its frame, and where there is none
    nobody tells whoever waits that it began (Python/pystate.c, _PyThreadState_PushFrame()). Here the end of an argument
    releases the locks, which takes no memory.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._result: list[Any] = []
        self._failed: BaseException | None = None
        self._began, self._ended = allocate_lock(), allocate_lock()
        self._began.acquire()
        self._ended.acquire()
        life = _Life()
        begin: Any = self._began.__exit__
        end: Any = self._ended.__exit__
        self._never_began: ref[_Life] | None = ref(life, begin)
        self._end = ref(life, end)
        try:
            start_new_thread(self._run, (life,))
        except RuntimeError:
            raise OSError(*NO_THREAD) from None
        del life
        self._began.acquire()
        if self._never_began is not None:
            raise MemoryError

    def _run(self, life: _Life) -> None:
        del life  # a traceback would keep it
        self._never_began = None
        self._began.release()
        try:
            self._result.append(self._function())
        except BaseException as e:
            self._failed = e

    @property
    def is_running(self) -> bool:
        return self._ended.locked()

    def join(self) -> Any:
        """Wait for the function to end; return what it returned, or raise what it raised."""
        with self._ended:
            pass
        if self._failed:
            raise self._failed
        return self._result[0]
