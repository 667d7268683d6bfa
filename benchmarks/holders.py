# SPDX-License-Identifier: MIT
"""What is measured: processes full of descriptors, made by tests/mkfds.py, and the one way to scan them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from crfd._core.batch import Batch
from crfd._core.scan import Scanner
from tests.mkfds import spawn

ALIKE = ("dup", "samefile", "eventfds")
IN_PAIRS = ("sockets", "pipes")
OTHERS = (*IN_PAIRS, "epolls")
KINDS = ("files", "scattered", *ALIKE, *OTHERS)

# What a process of the big host does: open every file of one directory, say so, wait.
_OPEN_ALL = """
import os, resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    os.open(f"f{i:06d}", os.O_RDWR)
os.write(1, b"ready")
sys.stdin.read()
"""


def at_most(n: int) -> int:
    """n descriptors, or as many as the hard limit of a process leaves."""
    return min(n, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)


@contextmanager
def process(kind: str, n: int) -> Iterator[int]:
    """The pid of a process with n descriptors, an even number, of a bulk kind."""
    made = n // 2 if kind in IN_PAIRS else n
    with spawn(f"{kind}:n={made}") as target:
        yield target.pid


@contextmanager
def host(processes: int, n: int) -> Iterator[list[int]]:
    """The pids of processes that each open the same n files, every one for itself."""
    with tempfile.TemporaryDirectory(prefix="crfd-host-") as directory, ExitStack() as stack:
        for i in range(n):
            os.close(os.open(f"{directory}/f{i:06d}", os.O_CREAT | os.O_RDWR, 0o600))
        command = [sys.executable, "-I", "-S", "-c", _OPEN_ALL, directory, str(n)]
        started = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            for _ in range(processes)
        ]
        for child in started:
            assert child.stdout
            if child.stdout.read(5) != b"ready":
                raise RuntimeError(f"target {child.pid} ended before it had {n} files open")
        yield [child.pid for child in started]


def scan(backend: int, pids: Sequence[int], threads: int = 1) -> int:
    """Scans the processes and keeps nothing; how many descriptors there were."""
    scanner, batch, fds = Scanner(backend, pids, threads), Batch(), 0
    while scanner.next(batch):
        fds += len(batch.keys)
    scanner.close()
    return fds


def batches(backend: int, pids: Sequence[int]) -> list[Batch]:
    """Everything that a scan finds, in memory."""
    scanner, found = Scanner(backend, pids, 1), [Batch()]
    while scanner.next(found[-1]):
        found.append(Batch())
    scanner.close()
    return found[:-1]
