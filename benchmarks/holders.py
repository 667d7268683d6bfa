# SPDX-License-Identifier: MIT
"""Processes full of descriptors, made by tests/mkfds.py, to be measured; and the one way to scan them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from crfd._core.batch import Batch
from crfd._core.scan import Scanner
from tests.mkfds import spawn
from tests.procs import forked

ALIKE = ("dup", "samefile", "eventfds")
IN_PAIRS = ("sockets", "pipes")
OTHERS = (*IN_PAIRS, "epolls")
KINDS = ("files", "scattered", *ALIKE, *OTHERS)

# A process of the big host opens every file of one directory, says so, and waits.
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

# A small process opens, beside the first three, two descriptors, or 26 of three kinds, the files its own.
FEW = "os.dup(0), os.dup(0)"
MIXED = """
held = [os.open(f"{os.getpid()}.{i}", os.O_CREAT | os.O_RDWR, 0o600) for i in range(10)]
held += [os.pipe() for _ in range(4)] + [socket.socketpair() for _ in range(4)]
"""


def at_most(n: int) -> int:
    """Return n descriptors, or as many as the hard limit of a process leaves."""
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
        yield [stack.enter_context(_started(_OPEN_ALL, directory, str(n)))[0] for _ in range(processes)]


# A server with all of its clients has n connections with itself, and says which port.
_CONNECT = """
import os, resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
server = socket.create_server(("127.0.0.1", 0), backlog=64)
port = server.getsockname()[1]
held = [(socket.create_connection(("127.0.0.1", port)), server.accept()) for _ in range(int(sys.argv[1]))]
os.write(1, b"%5d" % port)
sys.stdin.read()
"""


@contextmanager
def servers(processes: int, connections: int) -> Iterator[list[int]]:
    """The ports of processes that each have so many connections with themselves, two sockets each."""
    with ExitStack() as stack:
        yield [int(stack.enter_context(_started(_CONNECT, str(connections)))[1]) for _ in range(processes)]


@contextmanager
def _started(program: str, *args: str) -> Iterator[tuple[int, bytes]]:
    """A process that runs until its input ends, and the five bytes that it said when it was ready."""
    command = [sys.executable, "-I", "-S", "-c", program, *args]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        said = child.stdout.read(5)
        if len(said) != 5:
            raise RuntimeError(f"target {child.pid} ended before it was ready")
        yield child.pid, said


@contextmanager
def small_host(processes: int, each: str) -> Iterator[list[int]]:
    """The pids of processes that have three descriptors and open what `each` says."""
    with (
        tempfile.TemporaryDirectory(prefix="crfd-small-") as directory,
        forked(processes, each, Path(directory)) as pids,
    ):
        yield pids


def scan(backend: int, pids: Sequence[int], threads: int = 1) -> int:
    """Scan the processes and keep nothing; return how many descriptors there were."""
    scanner, batch, fds = Scanner(backend, pids, threads), Batch(), 0
    while scanner.next(batch):
        fds += len(batch.keys)
    scanner.close()
    return fds


def batches(backend: int, pids: Sequence[int]) -> list[Batch]:
    """Return everything that a scan finds, in memory."""
    scanner, found = Scanner(backend, pids, 1), [Batch()]
    while scanner.next(found[-1]):
        found.append(Batch())
    scanner.close()
    return found[:-1]
