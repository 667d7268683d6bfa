# SPDX-License-Identifier: MIT
"""A scan of the process that scans: what was open before, and nothing that is open for the scan."""

from __future__ import annotations

import ctypes
import io
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import crfd


def numbers() -> set[int]:
    """Return the descriptors open now, but for the directory that tells."""
    return {int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")}


@pytest.fixture
def before(tmp_path: Path) -> Iterator[set[int]]:
    """The descriptors that are open before a scan, without those that earlier scans have left loaded."""
    with (tmp_path / "one").open("wb") as one:
        held = os.dup(one.fileno())
    kinds = {number: os.readlink(f"/proc/self/fd/{number}") for number in numbers()}
    found = {number for number, kind in kinds.items() if kind not in {"anon_inode:bpf-map", "anon_inode:bpf-prog"}}
    assert held in found
    yield found
    os.close(held)


@pytest.mark.parametrize("times", [1, 2])
def test_only_what_was_open(before: set[int], backend: str, times: int) -> None:
    for _ in range(times):
        assert set(crfd.scan(os.getpid(), backend=backend).fds) == before


def test_so_it_is_among_others_and_by_thread(before: set[int], backend: str) -> None:
    image = io.BytesIO()
    pids = [os.getpid(), os.getppid(), threading.get_native_id()]
    with crfd.snapshot(pids, backend=backend) as one:
        assert set(one.tasks[os.getpid()].fds) == before
        assert set(one.tasks[os.getppid()].fds) == {int(name) for name in os.listdir(f"/proc/{os.getppid()}/fd")}
    assert crfd.dump(pids, image, backend=backend).own > 0


def test_the_image_that_is_written_is_not_in_it(before: set[int], backend: str, tmp_path: Path) -> None:
    result = crfd.dump(os.getpid(), tmp_path / "image", backend=backend)
    with crfd.open(tmp_path / "image") as image:
        assert set(image.tasks[os.getpid()].fds) == before
    assert result.fds == len(before)


def test_another_process_loses_nothing(backend: str) -> None:
    assert crfd.dump(os.getppid(), io.BytesIO(), backend=backend).own == 0


def test_it_is_said(backend: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "crfd"):
        own = crfd.dump(os.getpid(), io.BytesIO(), backend=backend).own
    assert own > 0
    assert f"left out: {own} descriptors that the scan has in this process" in caplog.text


def test_a_thread_with_a_table_of_its_own_keeps_it(backend: str) -> None:
    """The numbers of its table are not those that were listed."""
    told, go = threading.Event(), threading.Event()
    facts: list[int] = []

    def work() -> None:
        assert ctypes.CDLL(None).unshare(0x400) == 0  # CLONE_FILES
        facts.extend((threading.get_native_id(), os.open("/dev/null", os.O_RDONLY)))
        told.set()
        go.wait()
        os.close(facts[1])

    thread = threading.Thread(target=work)
    thread.start()
    told.wait()
    try:
        assert facts[1] in crfd.scan(facts[0], backend=backend).fds
    finally:
        go.set()
        thread.join()
