# SPDX-License-Identifier: MIT
"""Threads that fail, or cannot begin."""

from __future__ import annotations

import gc
import time

import pytest

from crfd.worker import Worker


def test_what_the_function_gives_is_had_by_join() -> None:
    worker = Worker(lambda: 7)
    assert worker.join() == 7
    assert not worker.is_running
    assert worker.join() == 7


def test_what_the_function_raises_is_raised_by_join() -> None:
    with pytest.raises(ZeroDivisionError):
        Worker(lambda: 1 // 0).join()


def test_it_runs_until_the_function_ends() -> None:
    worker = Worker(lambda: time.sleep(0.1))
    assert worker.is_running
    worker.join()
    assert not worker.is_running


def test_nothing_is_left_of_it() -> None:
    made = [Worker(lambda: 1 // 0) for _ in range(3)]
    for worker in made:
        with pytest.raises(ZeroDivisionError):
            worker.join()
    del made, worker
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, Worker)]


def test_one_that_cannot_begin_is_no_memory_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arguments go without a call of the function, as where there is no memory for the first frame."""
    monkeypatch.setattr("crfd.worker.start_new_thread", lambda function, arguments: 1)
    with pytest.raises(MemoryError):
        Worker(lambda: 7)


def test_where_no_thread_is_to_be_had_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("crfd.worker.start_new_thread", refuse)
    with pytest.raises(BlockingIOError, match=r"pids\.max"):
        Worker(lambda: 7)
