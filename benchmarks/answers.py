# SPDX-License-Identifier: MIT
"""Answers that a user waits for: lists, questions and images shown, beside the tools that answer the same today."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import crfd
from benchmarks.holders import MIXED, OTHERS, host, process, servers, small_host
from benchmarks.measure import Run, other_tool, race
from benchmarks.setting import Setting, crfd_command, crfd_dump
from benchmarks.table import Row

LSOF = ("lsof", "-nP")


def listing(s: Setting) -> Iterator[Row]:
    """Every descriptor of a big host as lines, in a file."""
    out = s.image("listed")
    with host(s.processes, s.n):
        runs = race(
            {
                "table": crfd_command("ls", "--all", to=out),
                "json": crfd_command("ls", "--all", "--json", to=out),
                "lsof": other_tool(*LSOF, to=out),
            },
            s.rounds,
        )
    case = f"{s.processes * s.n:,} files in {s.processes} processes, to a file"
    yield _row(case, "ls --all", "lsof -nP", runs["table"], runs.get("lsof"), at_least=15, at_most_mb=128)
    yield _row(case, "ls --all --json", "lsof -nP", runs["json"], runs.get("lsof"), at_least=10, at_most_mb=128)


def question(s: Setting) -> Iterator[Row]:
    """Ask for one file that every process of a big host has open, and for the fullest processes."""
    with host(s.processes, s.n) as pids:
        file = os.readlink(f"/proc/{pids[0]}/fd/{s.n // 2}")
        runs = race(
            {
                "who": crfd_command("who", file),
                "who, fd": crfd_command("who", "--holds", "fd", file),
                "lsof FILE": other_tool("lsof", file),
                "fuser FILE": other_tool("fuser", file),
                "top": crfd_command("top"),
                "lsof": other_tool(*LSOF),
            },
            s.rounds,
        )
    case = f"{s.processes * s.n:,} files in {s.processes} processes"
    for ours, name in (("who FILE", "who"), ("who --holds fd FILE", "who, fd")):
        yield _row(case, ours, "lsof FILE", runs[name], runs.get("lsof FILE"), at_least=100)
        yield _row(case, ours, "fuser FILE", runs[name], runs.get("fuser FILE"), at_least=20)
    yield _row(case, "top", "lsof -nP", runs["top"], runs.get("lsof"), at_least=150)


def image(s: Setting) -> Iterator[Row]:
    """An image of a big host shown, beside a look at the host itself."""
    path, out = s.image("shown.crfd"), s.image("shown")
    with host(s.processes, s.n) as pids:
        crfd.dump(pids, path)
        runs = race(
            {
                "show": crfd_command("show", path, to=out),
                "show --json": crfd_command("show", "--json", path, to=out),
                "show --csv": crfd_command("show", "--csv", path, to=out),
                "info": crfd_command("info", path),
                "show --links": crfd_command("show", "--links", path, to=out),
                "lsof": other_tool(*LSOF, to=out),
            },
            s.rounds,
        )
    case = f"image of {s.processes * s.n:,} descriptors"
    size = Path(path).stat().st_size / 2**20
    goals = {"show": (20, 64 + size), "show --json": (15, 64 + size), "show --csv": (20, 64 + size)}
    goals |= {"info": (130, 64 + size), "show --links": (30, 256)}
    for ours, (faster, mb) in goals.items():
        yield _row(case, ours, "lsof -nP", runs[ours], runs.get("lsof"), at_least=faster, at_most_mb=mb)


def port(s: Setting) -> Iterator[Row]:
    """Ask who has a port, where there are many connections by others."""
    processes = max(1, s.sockets // 5_000)
    with servers(processes, s.sockets // processes), servers(1, 1) as (asked,):
        runs = race(
            {
                "who": crfd_command("who", f":{asked}"),
                "who, fd": crfd_command("who", "--holds", "fd", f":{asked}"),
                "lsof -nP -i": other_tool("lsof", "-nP", f"-i:{asked}"),
                "ss -p": other_tool("ss", "-Htanp", f"sport = :{asked} or dport = :{asked}"),
            },
            s.rounds,
        )
    case = f"{2 * s.sockets:,} TCP sockets in {processes} processes"
    for ours, name in (("who :PORT", "who"), ("who --holds fd :PORT", "who, fd")):
        yield _row(case, ours, "lsof -nP -i :PORT", runs[name], runs.get("lsof -nP -i"), at_least=10)
        yield _row(case, ours, "ss -tanp", runs[name], runs.get("ss -p"), at_least=1)


def small_processes(s: Setting) -> Iterator[Row]:
    """Many processes with few descriptors each: files, pipes, sockets."""
    with small_host(s.many, MIXED):
        runs = race(
            {
                "dump --all": crfd_dump("bpf", "--all"),
                "dump --all --backend proc": crfd_dump("proc", "--all"),
                "ls --all": crfd_command("ls", "--all"),
                "ls --all --json": crfd_command("ls", "--all", "--json"),
                "top": crfd_command("top"),
                "lsof": other_tool(*LSOF),
            },
            s.rounds,
        )
    case = f"{s.many:,} processes of 29 descriptors"
    for ours, goal in {"dump --all": 25, "dump --all --backend proc": 3, "top": None}.items():
        yield _row(case, ours, "lsof -nP", runs.get(ours), runs.get("lsof"), at_least=goal)
    for ours in ("ls --all", "ls --all --json"):
        yield _row(case, ours, "lsof -nP", runs[ours], runs.get("lsof"), at_least=8)


def counts(s: Setting) -> Iterator[Row]:
    """The fullest of 500 processes: what it takes beside start-up, which is that for one process."""
    with small_host(s.many // 4, MIXED):
        runs = race({"all": crfd_command("top"), "one": crfd_command("top", str(os.getpid()))}, 2 * s.rounds)
    more = Run(max(0, runs["all"].seconds - runs["one"].seconds), runs["all"].peak_kb)
    yield _row(f"{s.many // 4:,} processes", "top, without its start-up", "", more, at_most=0.05)


def held(s: Setting) -> Iterator[Row]:
    """Dump 500 processes with all that they hold or wait for, beside their descriptors alone."""
    ways = {"": (), " --holds all": ("--holds", "all"), " --polls": ("--polls",)}
    with small_host(s.many // 4, MIXED):
        runs = race(
            {
                f"{backend}{name}": crfd_dump(backend, "--all", *way)
                for backend in ("bpf", "proc")
                for name, way in ways.items()
            },
            s.rounds,
        )
    for backend in ("bpf", "proc"):
        alone = f"dump --all --backend {backend}"
        for name in (" --holds all", " --polls"):
            row = (runs.get(f"{backend}{name}"), runs.get(backend))
            yield _row(
                f"{s.many // 4:,} processes of 29 descriptors", f"{alone}{name}", f"crfd {alone}", *row, at_most=2
            )


def few(s: Setting) -> Iterator[Row]:
    """List one small process on a host where little else runs."""
    own = s.image("own")
    Path(own).touch()
    with process("eventfds", 7) as pid, open(own, "rb"):
        runs = race(
            {
                "dump": crfd_command("dump", "--quiet", str(pid)),
                "ls": crfd_command("ls", str(pid)),
                "who": crfd_command("who", own),
                "who, fd": crfd_command("who", "--holds", "fd", own),
            },
            5 * s.rounds,
        )
    case = "a process of 10 descriptors, a host as it is"
    yield _row(case, "ls PID", "crfd dump PID", runs["ls"], runs["dump"], at_most=1.15)
    yield _row(case, "who FILE", "crfd dump PID", runs["who"], runs["dump"], at_most=1.15)
    yield _row(case, "who --holds fd FILE", "crfd dump PID", runs["who, fd"], runs["dump"], at_most=1.15)


def kinds(s: Setting) -> Iterator[Row]:
    """JSON of kinds that say more than files."""
    shown = ("files", "eventfds", *OTHERS)
    with ExitStack() as stack:
        pids = {kind: [str(stack.enter_context(process(kind, s.n))) for _ in range(5)] for kind in shown}
        runs = race({kind: crfd_command("ls", "--json", *pids[kind]) for kind in shown}, s.rounds)
    for kind in shown[1:]:
        yield _row(f"{5 * s.n:,} of a kind", f"ls --json, {kind}", "files", runs[kind], runs["files"], at_most=3)


def _row(
    case: str,
    ours: str,
    theirs: str,
    run: Run | None,
    other: Run | None = None,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    at_most_mb: float | None = None,
) -> Row:
    return Row(case, f"crfd {ours}", theirs, run, other, at_least, at_most, at_most_mb)


CASES: dict[str, Callable[[Setting], Iterator[Row]]] = {
    "few": few,
    "ls": listing,
    "who": question,
    "show": image,
    "port": port,
    "many": small_processes,
    "top": counts,
    "held": held,
    "kinds": kinds,
}
