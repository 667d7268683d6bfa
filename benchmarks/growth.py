# SPDX-License-Identifier: MIT
"""The cost of a scan by the number of descriptors and of tasks, as a table.

    python -m benchmarks.growth [--quick] [--rounds N]

A row is the median of the rounds. What a descriptor costs is told where they are nearly all that there is, what a task costs
where each has but a few: from row to row it should stay the same.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.holders import FEW, at_most, host, scan, small_host
from benchmarks.measure import call, race
from benchmarks.table import machine
from crfd._core.library import lib
from crfd._core.probe import bpf_unusable

BACKENDS = {"bpf": int(lib.CRFD_BACKEND_BPF), "proc": int(lib.CRFD_BACKEND_PROC)}
SPARE = 500  # processes that are left to everybody else


@dataclass(frozen=True, slots=True)
class Point:
    """One row: so many descriptors in so many tasks."""

    backend: str
    of: str  # what grows
    fds: int
    tasks: int
    seconds: float

    def row(self) -> str:
        one = self.seconds / (self.fds if self.of == "descriptors" else self.tasks)
        cost = f"{one * 1e9:.0f} ns a descriptor" if self.of == "descriptors" else f"{one * 1e6:.1f} µs a task"
        return f"| {self.backend} | {self.fds:,} | {self.tasks:,} | {self.seconds * 1e3:.1f} ms | {cost} |"


def may_start(n: int) -> int:
    """n processes, or as many as the limits leave."""
    limits = [n, resource.getrlimit(resource.RLIMIT_NPROC)[0] - SPARE]
    limits.append(int(Path("/proc/sys/kernel/pid_max").read_text()) - SPARE)
    return max(1, min(limit for limit in limits if limit > 0))


def powers(first: int, last: int) -> list[int]:
    return [10**n for n in range(first, last + 1)]


def _points(of: str, groups: Sequence[list[int]], rounds: int) -> Iterator[Point]:
    """A point for each backend and group of processes."""
    threads = len(os.sched_getaffinity(0))
    backends = {name: number for name, number in BACKENDS.items() if name != "bpf" or not bpf_unusable()}
    found = {(name, len(pids)): scan(number, pids) for name, number in backends.items() for pids in groups}
    runs = race(
        {
            f"{name} {len(pids)}": call(partial(scan, backends[name], pids, threads))
            for name in backends
            for pids in groups
        },
        rounds,
    )
    for name in backends:
        for pids in groups:
            yield Point(name, of, found[name, len(pids)], len(pids), runs[f"{name} {len(pids)}"].seconds)


def descriptors(sizes: Sequence[int], rounds: int) -> Iterator[Point]:
    """One process while it can have them all, then several of that size."""
    full = at_most(10_000)
    with ExitStack() as stack:
        for size in sizes:
            if size < full:
                pids = stack.enter_context(host(1, size))
                yield from _points("descriptors", [pids], rounds)
        many = [size // full for size in sizes if size >= full]
        if many:
            pids = stack.enter_context(host(max(many), full))
            yield from _points("descriptors", [pids[:n] for n in many], rounds)


def tasks(sizes: Sequence[int], rounds: int) -> Iterator[Point]:
    sizes = sorted({may_start(n) for n in sizes})
    with small_host(sizes[-1], FEW) as pids:
        yield from _points("tasks", [pids[:n] for n in sizes], rounds)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="How the cost of a scan grows with descriptors and with tasks.")
    parser.add_argument("--quick", action="store_true", help="small sizes, one turn: does it run at all")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns (default: %(default)s)")
    args = parser.parse_args(argv)
    rounds = 1 if args.quick else args.rounds
    points = [
        *descriptors(powers(2, 3 if args.quick else 6), rounds),
        *tasks(powers(1, 2 if args.quick else 4), rounds),
    ]
    print("; ".join(f"{name} {value}" if name not in value else value for name, value in machine().items()), end="\n\n")
    print("| backend | descriptors | tasks | scan | cost |")
    print("| --- | --- | --- | --- | --- |")
    for point in sorted(points, key=lambda p: (p.backend, p.of)):
        print(point.row())
    return 0


if __name__ == "__main__":
    sys.exit(main())
