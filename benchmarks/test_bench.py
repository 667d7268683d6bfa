# SPDX-License-Identifier: MIT
"""Each layer by itself, for pytest-benchmark: `pytest benchmarks`; CRFD_BENCH_SMOKE=1 for small sizes.

`pytest benchmarks --benchmark-save=before`, then `--benchmark-compare` after a change. How crfd does beside other
programs is compare.py's subject.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import crfd
from benchmarks.holders import KINDS, at_most, batches, host, process, scan
from benchmarks.measure import command
from benchmarks.setting import CRFD
from crfd import ImageWriter, ObjrefTable
from crfd._core.batch import Batch
from crfd._core.library import lib
from crfd._core.probe import bpf_unusable

SMOKE = os.environ.get("CRFD_BENCH_SMOKE") == "1"
SIZES = (100,) if SMOKE else (100, 1_000, 10_000, at_most(19_900))
PROCESSES, FILES = (2, 1_000) if SMOKE else (50, at_most(19_900))
KEYS = 10_000 if SMOKE else 1_000_000

Benchmark = Callable[..., object]  # pytest-benchmark has no types


@pytest.fixture(scope="module", params=["proc", "bpf"])
def backend(request: pytest.FixtureRequest) -> str:
    reason = bpf_unusable() if request.param == "bpf" else None
    if reason:
        pytest.skip(reason)
    return str(request.param)


def _number(backend: str) -> int:
    return int(lib.CRFD_BACKEND_BPF if backend == "bpf" else lib.CRFD_BACKEND_PROC)


@pytest.fixture(scope="module")
def pids() -> Iterator[list[int]]:
    with host(PROCESSES, FILES) as found:
        yield found


@pytest.fixture(scope="module")
def scanned(pids: list[int]) -> list[Batch]:
    return batches(_number("proc" if bpf_unusable() else "bpf"), pids)


@pytest.fixture(scope="module")
def image(pids: list[int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "host.crfd"
    result = crfd.dump(pids, path)
    assert result.fds >= PROCESSES * FILES
    return path


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_scan(benchmark: Benchmark, backend: str, kind: str, n: int) -> None:
    with process(kind, n) as pid:
        assert benchmark(partial(scan, _number(backend), [pid])) in range(n, n + 10)


def test_scan_host(benchmark: Benchmark, backend: str, pids: list[int]) -> None:
    threads = len(os.sched_getaffinity(0))
    found = benchmark(partial(scan, _number(backend), pids, threads))
    assert isinstance(found, int)
    assert found >= PROCESSES * FILES


@pytest.mark.parametrize("distinct", [KEYS, 100], ids=["distinct", "dup"])
def test_objref(benchmark: Benchmark, distinct: int) -> None:
    keys = array("Q", (0xFFFF888000000000 + 256 * (i % distinct) for i in range(KEYS)))

    def number() -> int:
        table = ObjrefTable()
        table.add(keys)
        return len(table)

    assert benchmark(number) == distinct


def _write(target: str, found: list[Batch]) -> int:
    with ImageWriter(target) as writer:
        for batch in found:
            writer.write(batch)
    return writer.stats.fds


@pytest.mark.parametrize("where", ["null", "file"])
def test_write(benchmark: Benchmark, scanned: list[Batch], where: str, tmp_path: Path) -> None:
    target = os.devnull if where == "null" else str(tmp_path / "image")
    written = benchmark(_write, target, scanned)
    assert isinstance(written, int)
    assert written >= PROCESSES * FILES


def test_dump(benchmark: Benchmark, backend: str, pids: list[int], tmp_path: Path) -> None:
    benchmark(crfd.dump, pids, tmp_path / "image", backend=backend)


def test_dump_command(benchmark: Benchmark, backend: str, pids: list[int], tmp_path: Path) -> None:
    words = ["dump", "--quiet", "--backend", backend, "-o", str(tmp_path / "image"), *map(str, pids)]
    benchmark(command(*CRFD, *words))


def test_columns(benchmark: Benchmark, image: Path) -> None:
    def read() -> int:
        with crfd.open(image) as opened:
            return len(opened.columns().fds)

    found = benchmark(read)
    assert isinstance(found, int)
    assert found >= PROCESSES * FILES


def test_one_task(benchmark: Benchmark, image: Path, pids: list[int]) -> None:
    def read() -> int:
        with crfd.open(image) as opened:
            return len(opened.tasks[pids[-1]].fds)

    found = benchmark(read)
    assert isinstance(found, int)
    assert found >= FILES


def test_verify(benchmark: Benchmark, image: Path) -> None:
    benchmark(crfd.verify, image)


def test_show_json(benchmark: Benchmark, pids: list[int], tmp_path: Path) -> None:
    image = tmp_path / "image"
    crfd.dump(pids[:5], image)
    benchmark(command(*CRFD, "show", "--json", image))
