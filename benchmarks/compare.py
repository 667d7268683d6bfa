# SPDX-License-Identifier: MIT
"""crfd beside what is used today, as ratios of one run on one machine: the table of the README.

    python -m benchmarks.compare [--quick] [--rounds N] [--only CASE ...] [--json FILE]

Every two things compared are run in turns, A B A B, and their medians divided. Peers that are not installed are named
as absent.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import crfd
from benchmarks import answers
from benchmarks.holders import KINDS, OTHERS, at_most, host, process, scan
from benchmarks.measure import HERE, Candidate, Run, afresh, build, call, command, harness, other_tool, race
from benchmarks.setting import BPF, CRFD, PROC, Setting, crfd_dump
from benchmarks.table import Row, machine, markdown
from crfd._core.probe import bpf_unusable


def _rows(runs: Mapping[str, Run], case: str, pairs: list[tuple[str, str, float | None]]) -> Iterator[Row]:
    """Rows of (ours, theirs, at_least)."""
    for ours, theirs, goal in pairs:
        yield Row(case, ours, theirs, runs.get(ours), runs.get(theirs), at_least=goal)


def one_process(s: Setting) -> Iterator[Row]:
    with process("files", s.n) as pid:
        runs = race(
            {
                "crfd dump --backend proc": crfd_dump("proc", str(pid)),
                "crfd dump --backend bpf": crfd_dump("bpf", str(pid)),
                "lsof -nP -p": other_tool("lsof", "-nP", "-p", str(pid)),
                "lsfd -n -p": other_tool("lsfd", "-n", "-p", str(pid)),
            },
            s.rounds,
        )
    yield from _rows(
        runs,
        f"one process, {s.n:,} files",
        [
            ("crfd dump --backend proc", "lsof -nP -p", 1.5),
            ("crfd dump --backend proc", "lsfd -n -p", 1.7),
            ("crfd dump --backend bpf", "lsof -nP -p", None),
            ("crfd dump --backend bpf", "lsfd -n -p", None),
        ],
    )


def library(s: Setting) -> Iterator[Row]:
    """The scan alone beside a bare loop that asks the kernel for the same."""
    bare_proc = build("bare_proc", s.directory)
    with process("files", s.n) as pid:
        runs = race(
            {
                "bare loop": harness(bare_proc, str(pid)),
                "proc": call(partial(scan, PROC, [pid])),
                "bare pass": _bare_iter(s, str(pid)),
                "bpf": None if bpf_unusable() else call(partial(scan, BPF, [pid])),
            },
            3 * s.rounds,
        )
    case = f"library scan, {s.n:,} files"
    yield Row(case, "proc", "same system calls, bare C loop", runs["proc"], runs["bare loop"], at_most=1.25)
    yield Row(case, "bpf", "same BPF program, bare C reader", runs.get("bpf"), runs.get("bare pass"), at_most=1.5)


def shapes(s: Setting) -> Iterator[Row]:
    """Descriptors that look alike, and kinds that are decoded, must not cost much more than distinct files."""
    backends = {"proc": PROC} if bpf_unusable() else {"proc": PROC, "bpf": BPF}
    with ExitStack() as stack:
        pids = {kind: stack.enter_context(process(kind, s.n)) for kind in KINDS}
        runs = race(
            {
                f"{name} {kind}": call(partial(scan, number, [pids[kind]]))
                for name, number in backends.items()
                for kind in KINDS
            },
            s.rounds,
        )
    for name in backends:
        for kind in KINDS[1:]:
            shape, files = runs[f"{name} {kind}"], runs[f"{name} files"]
            goal = 2 if name == "bpf" and kind in OTHERS else 3
            yield Row(
                f"library scan, {s.n:,} of a kind", f"{name}, {kind}", "distinct files", shape, files, at_most=goal
            )


def big_host(s: Setting) -> Iterator[Row]:
    """Dump everything on the machine to a file, and read that again."""
    image, copy = s.image("host.crfd"), s.image("copy")
    bare_iter = _bare_iter(s)
    with host(s.processes, s.n):
        runs = race(
            {
                "bpf": afresh(image, crfd_dump("bpf", "--all", to=image)),
                "bare pass": bare_iter,
                "write": afresh(copy, call(lambda: _write_like(image, copy)) if bare_iter else None),
                "proc": crfd_dump("proc", "--all", to=s.image("host-proc.crfd")),
                "lsof -nP": other_tool("lsof", "-nP"),
                "lsfd -n": other_tool("lsfd", "-n"),
            },
            s.rounds,
            once=("proc",),
        )
    if "bare pass" in runs:
        runs["floor"] = Run(runs["bare pass"].seconds + runs["write"].seconds)
    case = f"whole host, {s.processes * s.n:,} files in {s.processes} processes, to a new file"
    for theirs in ("lsof -nP", "lsfd -n"):
        yield Row(case, "crfd dump --all (bpf)", theirs, runs.get("bpf"), runs.get(theirs), at_least=30)
    for theirs in ("lsof -nP", "lsfd -n"):
        yield Row(case, "crfd dump --all --backend proc", theirs, runs.get("proc"), runs.get(theirs))
    theirs = "bare BPF pass + write of the same bytes"
    yield Row(case, "crfd dump --all (bpf)", theirs, runs.get("bpf"), runs.get("floor"), at_most=1.6)
    yield from _reading(s, image if "bpf" in runs else s.image("host-proc.crfd"))


def _write_like(image: str, copy: str) -> None:
    """The same number of bytes written and synced, and nothing else."""
    piece, left = bytes(1 << 20), Path(image).stat().st_size
    with open(copy, "wb", buffering=0) as out:
        while left > 0:
            left -= out.write(piece[:left])
        os.fsync(out.fileno())


def _reading(s: Setting, image: str) -> Iterator[Row]:
    case = f"image of {s.processes * s.n:,} descriptors"
    runs = race(
        {
            "columns": call(lambda: _columns(image)),
            "verify": call(lambda: crfd.verify(image)),
            "crfd verify": command(*CRFD, "verify", image),
        },
        s.rounds,
    )
    yield Row(case, "decode into columns", "", runs["columns"], at_most=0.3)
    yield Row(case, "verify", "", runs["verify"], at_most=1)
    yield Row(case, "crfd verify, as a command", "", runs["crfd verify"])


def _columns(image: str) -> None:
    with crfd.open(image) as opened:
        opened.columns()


def freeze(s: Setting) -> Iterator[Row]:
    """Measure how long processes stand still, as the dump itself says: the one that was held longest."""
    image = s.image("still.crfd")

    def held() -> Run:
        return Run(max(still.ns for still in crfd.dump(pids, image, freeze=True).still) / 1e9)

    with host(5, s.n) as pids:
        runs = race({"held": held}, s.rounds)
    yield Row(f"{5 * s.n:,} files in 5 processes", "held by dump --freeze", "", runs["held"], at_most=0.25)


def startup(s: Setting) -> Iterator[Row]:
    with process("eventfds", 7) as pid:
        runs = race(
            {
                "crfd": command(*CRFD, "dump", "--quiet", str(pid)),
                "python": command(sys.executable, "-c", "pass"),
            },
            5 * s.rounds,
        )
    case = "start-up, a process of 10 descriptors"
    yield Row(case, "crfd dump", "python3 -c pass", runs["crfd"], runs["python"], at_most=3)


def arrow(s: Setting) -> Iterator[Row]:
    """An image, opened and decoded, in other programs' tables: all columns that a descriptor has."""
    image = s.image("arrow.crfd")
    with host(s.processes, s.n) as pids:
        crfd.dump(pids, image)

    def frame(*columns: str) -> Callable[[ModuleType], object]:
        return lambda polars: polars.DataFrame(crfd.open(image).table(columns=columns or None))

    def grouped(duckdb: ModuleType) -> object:
        opened = crfd.open(image)  # noqa: F841 - DuckDB looks for the name
        return duckdb.sql("select kind, comm, count(*), sum(size) from opened group by all").fetchall()

    columns = ("pid", "comm", "fd", "objref", "kind", "deleted", "f_pos", "size", "dev", "ino", "path", "path_bytes")
    runs = race(
        {
            "polars": _with("polars", frame()),
            "polars, some": _with("polars", frame(*columns)),
            "duckdb": _with("duckdb", grouped),
        },
        s.rounds,
    )
    case = f"image of {s.processes * s.n:,} descriptors"
    whole = f"into a polars DataFrame, {len(crfd.open(image).table().names)} columns"
    yield Row(case, whole, "", runs.get("polars"), at_most=0.35)
    yield Row(case, f"into a polars DataFrame, {len(columns)} columns", "", runs.get("polars, some"), at_most=0.35)
    yield Row(case, "into DuckDB, grouped", "", runs.get("duckdb"), at_most=0.5)


def _with(name: str, use: Callable[[ModuleType], object]) -> Candidate | None:
    """Return a candidate with a library; None where that is not installed."""
    try:
        module = import_module(name)
    except ImportError:
        return None
    return call(lambda: use(module))


CASES: dict[str, Callable[[Setting], Iterator[Row]]] = {
    "startup": startup,
    "one-process": one_process,
    "library": library,
    "shapes": shapes,
    "freeze": freeze,
    "arrow": arrow,
    "big-host": big_host,
    **answers.CASES,
}


def _bare_iter(s: Setting, *pids: str) -> Candidate | None:
    if bpf_unusable():
        return None
    core = HERE.parent / "csrc"
    loader = [str(path) for room in ("base", "bpf") for path in (core / room).glob("*.c") if ".bpf." not in path.name]
    return harness(build("bare_iter", s.directory, "-pthread", f"-I{core}", *loader), *pids)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="crfd beside what is used today, as ratios of one run.")
    add = parser.add_argument
    add("--quick", action="store_true", help="small sizes, one turn: does it run at all")
    add("--rounds", type=int, default=5, metavar="N", help="turns of each comparison (default: %(default)s)")
    add("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=f"of {', '.join(CASES)}")
    add("--goals", action="store_true", help="also say what was aimed for and whether it is met")
    add("--json", type=Path, metavar="FILE", help="also write every number to FILE")
    add("--dir", type=Path, help="where images are written (default: a temporary directory)")
    args = parser.parse_args(argv)
    # Compile as pip does where it installs; from a checkout, with PYTHONDONTWRITEBYTECODE, every start would do it again.
    compileall.compile_dir(Path(crfd.__file__).parent, quiet=1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="crfd-compare-", dir=args.dir) as directory:
        setting = Setting(
            Path(directory),
            1 if args.quick else args.rounds,
            500 if args.quick else at_most(19_900),
            3 if args.quick else 50,
            20 if args.quick else 2_000,
            100 if args.quick else 50_000,
        )
        for case in args.only:
            print(f"{case} …", file=sys.stderr, flush=True)
            rows += CASES[case](setting)
    facts = machine()
    print("; ".join(f"{name} {value}" if name not in value else value for name, value in facts.items()), end="\n\n")
    print("\n".join(markdown(rows, goals=args.goals)))
    if args.json:
        found = [{**asdict(row), "result": row.result(), "met": row.met()} for row in rows]
        args.json.write_text(json.dumps({"machine": facts, "rows": found}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
