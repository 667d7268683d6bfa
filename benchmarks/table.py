# SPDX-License-Identifier: MIT
"""The table of comparisons, and the machine that they were made on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

import crfd
from benchmarks.measure import Run
from crfd._core.probe import bpf_unusable


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison; a run is None where the program is absent. Without theirs the seconds stand for themselves.

    at_least: the goal, as how many times faster; at_most: as how many times the other's time, or seconds; at_most_mb: of
    memory.
    """

    case: str
    ours: str
    theirs: str
    run: Run | None
    other: Run | None = None
    at_least: float | None = None
    at_most: float | None = None
    at_most_mb: float | None = None

    def ratio(self) -> float | None:
        if not self.run or (self.theirs and not self.other):
            return None
        if not self.other:
            return self.run.seconds
        return self.run.seconds / self.other.seconds

    def result(self) -> str:
        ratio = self.ratio()
        if ratio is None:
            return "absent"
        if not self.other:
            return f"{ratio:.2f} s"
        faster = ratio < 1 and not self.at_most
        return f"{1 / ratio:.1f}x faster" if faster else f"{ratio:.2f}x the time"

    def goal(self) -> str:
        parts = []
        if self.at_least:
            parts.append(f"≥ {self.at_least:g}x faster")
        if self.at_most:
            parts.append(f"≤ {self.at_most:g}{'x' if self.theirs else ' s'}")
        if self.at_most_mb:
            parts.append(f"≤ {self.at_most_mb:.0f} MB")
        return ", ".join(parts)

    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none or nothing to compare with."""
        ratio = self.ratio()
        if ratio is None or not self.run or not self.goal():
            return None
        is_fast = ratio <= (1 / self.at_least if self.at_least else self.at_most or inf)
        return is_fast and self.run.peak_kb / 1024 <= (self.at_most_mb or inf)

    def memory(self) -> str:
        parts = [f"{run.peak_kb / 1024:.0f} MB" for run in (self.run, self.other) if run and run.peak_kb]
        return " / ".join(parts)


def _version(program: str, *args: str) -> str:
    if not shutil.which(program):
        return f"{program} absent"
    done = subprocess.run([program, *args], capture_output=True, text=True, check=False)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    found = next((line for line in lines if any(c.isdigit() for c in line)), "unknown version")
    return found if program in found else f"{program} {found}"


def machine() -> dict[str, str]:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    cpu = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), platform.machine())
    return {
        "crfd": crfd.__version__,
        "cpu": f"{cpu}, {len(os.sched_getaffinity(0))} cores",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "lsof": _version("lsof", "-v"),
        "lsfd": _version("lsfd", "--version"),
        "bpf": bpf_unusable() or "usable",
    }


def markdown(rows: list[Row], *, goals: bool) -> Iterator[str]:
    titles = ["what", "crfd", "compared with", "result", "peak memory", *(["goal", "met"] if goals else [])]
    yield f"| {' | '.join(titles)} |"
    yield f"|{' --- |' * len(titles)}"
    for row in rows:
        cells = [row.case, row.ours, row.theirs, row.result(), row.memory()]
        if goals:
            cells += [row.goal(), {True: "yes", False: "NO", None: ""}[row.met()]]
        yield f"| {' | '.join(cells)} |"
