# SPDX-License-Identifier: MIT
"""System calls that fail: a sample of what `python -m tests.faults` tries; all of it with CRFD_STRESS=1."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.faults import commands
from tests.faults.tracer import SHORT, Call, Ended, Fault, run
from tests.procs import ROOT, Need

STRESS = os.environ.get("CRFD_STRESS") == "1"
SAMPLE = 25  # of each command


@pytest.fixture(autouse=True)
def _may_trace(need: Need) -> None:
    need("root")
    need("CAP_SYS_PTRACE")
    need("cc")


@pytest.mark.usefixtures("_unsanitized")
@pytest.mark.timeout(0 if STRESS else 300)
@pytest.mark.parametrize("name", commands.NAMES)
def test_whatever_fails_a_command_fails_clearly_or_loses_nothing(name: str, need: Need) -> None:
    if "bpf" in name:
        need("backend bpf")
    how = ["--every"] if STRESS else ["--sample", str(SAMPLE)]
    command = [sys.executable, "-m", "tests.faults", "--only", name, *how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert not wrong, "\n".join(wrong)
    assert done.returncode == 0, done.stderr
    if "not here" in done.stdout:
        pytest.skip(done.stdout)
    assert " faults " in done.stdout


# ---- the tracer itself ----

CALLS = ("openat", "read", "close")


def traced(function: Callable[[], int], fault: Fault | None, seconds: float = 20) -> Ended:
    return run(lambda: None, function, fault, seconds)


def opens() -> int:
    """Return which of three attempts to read a file failed, as bits; 64 where one came out short."""
    failed = 0
    for n in range(3):
        try:
            fd = os.open("/proc/version", os.O_RDONLY)
        except OSError as e:
            failed |= 1 << n
            assert e.errno == errno.ENFILE
            continue
        failed |= 64 * (len(os.read(fd, 1000)) < 10)
        os.close(fd)
    return failed


@pytest.mark.parametrize(("nth", "failed"), [(1, 1), (2, 2), (3, 4), (0, 7)])
def test_the_call_that_is_meant_fails_and_no_other(nth: int, failed: int) -> None:
    ended = traced(opens, Fault(Call("openat"), nth, errno.ENFILE))
    assert ended.status == failed
    assert ended.injected == (1 if nth else 3)
    assert ended.calls == {Call("openat"): 3}


def test_a_clean_run_is_counted() -> None:
    ended = traced(opens, None)
    assert (ended.status, ended.survivors) == (0, 0)
    assert {name: ended.calls[Call(name)] for name in CALLS} == dict.fromkeys(CALLS, 3)


def no_more_heap() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.sbrk(4096) == -1 and ctypes.get_errno() == errno.ENOMEM)


def test_the_c_library_understands_that_the_heap_cannot_grow() -> None:
    """It took an errno for where the heap ends, and a program crashed that crashes nowhere else."""
    assert traced(no_more_heap, Fault(Call("brk"), 0, errno.ENOMEM)).status == 1
    assert traced(no_more_heap, None).status == 0


def test_a_read_is_short() -> None:
    assert traced(opens, Fault(Call("read"), 2, SHORT)).status == 64


def test_what_hangs_is_ended_with_what_it_started() -> None:
    def hang() -> int:
        if os.fork():
            os.wait()
        os.read(os.pipe()[0], 1)
        return 0

    ended = traced(hang, None, 0.3)
    assert ended.status is None
    assert ended.survivors == 1


def test_a_child_that_stays_is_told() -> None:
    def leave() -> int:
        if not os.fork():
            os.read(os.pipe()[0], 1)
        return 0

    ended = traced(leave, None, 0.3)
    assert (ended.status, ended.survivors) == (0, 1)
