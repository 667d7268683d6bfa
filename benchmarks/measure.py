# SPDX-License-Identifier: MIT
"""Seconds and memory of commands and calls, taken in turns."""

from __future__ import annotations

import atexit
import json
import os
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement. peak_kb is the peak resident memory of a process of its own, 0 for a call in this one."""

    seconds: float
    peak_kb: int = 0


Candidate = Callable[[], Run]


def command(*argv: str | os.PathLike[str], status: Sequence[int] = (0,), to: str | None = None) -> Candidate:
    """A whole process, start included, its output thrown away or in a file; RuntimeError when it ends with another status."""

    def run() -> Run:
        done = subprocess.run([_timed(), to or os.devnull, *argv], capture_output=True, check=True)
        found = json.loads(done.stdout)
        if found["status"] not in status:
            line = shlex.join(map(str, argv))
            raise RuntimeError(f"{line}: status {found['status']}: {done.stderr.decode()[-400:]}")
        return Run(found["seconds"], found["peak_kb"])

    return run


@cache
def _timed() -> Path:
    directory = tempfile.mkdtemp(prefix="crfd-timed-")
    atexit.register(shutil.rmtree, directory)
    return build("timed", Path(directory))


def call(function: Callable[[], object]) -> Candidate:
    """A call in this process."""

    def run() -> Run:
        start = time.perf_counter()
        function()
        return Run(time.perf_counter() - start)

    return run


def afresh(path: str, candidate: Candidate | None) -> Candidate | None:
    """The same with a file removed before, untimed: to free what was in it is the file system's work, and takes its time."""
    if candidate is None:
        return None

    def run() -> Run:
        Path(path).unlink(missing_ok=True)
        return candidate()

    return run


def harness(*argv: str | os.PathLike[str]) -> Candidate:
    """A program of this folder that takes its own time and prints it as JSON."""
    return lambda: Run(json.loads(subprocess.check_output(argv))["seconds"])


def other_tool(name: str, *args: str, to: str | None = None) -> Candidate | None:
    """A program that may not be installed."""
    path = shutil.which(name)
    # lsof says 1 when anything at all could not be told
    return command(path, *args, status=(0, 1), to=to) if path else None


def build(name: str, directory: Path, *flags: str) -> Path:
    """Compiles benchmarks/NAME.c."""
    program = directory / name
    cc = os.environ.get("CC", "cc")
    subprocess.run([cc, "-std=gnu11", "-O2", HERE / f"{name}.c", "-o", program, *flags], check=True)
    return program


def race(candidates: Mapping[str, Candidate | None], rounds: int, once: Sequence[str] = ()) -> dict[str, Run]:
    """Runs all in turns, A B C A B C, those of `once` in the first turn only; the medians. None are left out."""
    runs: dict[str, list[Run]] = {}
    for turn in range(rounds):
        for name, candidate in candidates.items():
            if candidate and (turn == 0 or name not in once):
                runs.setdefault(name, []).append(candidate())
    return {name: _median(found) for name, found in runs.items()}


def _median(runs: Sequence[Run]) -> Run:
    return Run(statistics.median(run.seconds for run in runs), max(run.peak_kb for run in runs))
