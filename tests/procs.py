# SPDX-License-Identifier: MIT
"""Processes and where they are: states, trees, cgroups, namespaces, and what seccomp forbids them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Need = Callable[[str], None]  # the fixture `need` of tests/conftest.py
PATIENCE = int(os.environ.get("CRFD_PATIENCE", "1"))  # more than 1: the machine is emulated (tests/kernel/boot.py)
LIMIT = 20.0 * PATIENCE  # seconds that a single thing may take
CRFD = [sys.executable, "-m", "crfd"]
ROOT = Path(__file__).parents[1]
WAIT = 'import time; print("ready", flush=True); time.sleep(600)'
GONE = int(Path("/proc/sys/kernel/pid_max").read_text())  # nobody has it: the numbers that are given out are below


def run(
    *args: str | bytes | int | Path, before: tuple[str, ...] = (), check: bool = False, **options: Any
) -> subprocess.CompletedProcess[Any]:
    """Run crfd by the command `before`; options are those of subprocess.run(), which otherwise captures text."""
    command = [*before, *CRFD, *(str(arg) if isinstance(arg, int) else arg for arg in args)]
    captured = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 60 * PATIENCE}
    return subprocess.run(command, check=check, cwd=ROOT, **{**captured, **options})


def inside(*before: str, code: str, args: tuple[str, ...] = (), timeout: float = 120) -> Any:
    """Return what code prints as JSON, run by the command `before`, which puts it into namespaces or under a filter."""
    command = [*before, sys.executable, "-c", code, *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout * PATIENCE, cwd=ROOT)
    if done.returncode and before[0] == "unshare" and "unshare:" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def state(pid: int, tid: int | None = None) -> str:
    """Return the letter of /proc/PID/task/TID/stat; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/task/{tid or pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return text.rpartition(")")[2].split()[0]


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"not within {LIMIT} s: {what}"
        time.sleep(0.002)


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for one in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            for tid in os.listdir(f"/proc/{one}/task"):
                found += map(int, Path(f"/proc/{one}/task/{tid}/children").read_text().split())
    return found


@contextmanager
def running(code: str, *args: str, before: tuple[str, ...] = (), **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of this code, run by the command `before`, that has said "ready"; killed at the end."""
    command = [*before, sys.executable, "-c", code, *args]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options) as process:
        try:
            assert said(process) == b"ready\n"
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line that a process writes."""
    assert process.stdout
    return process.stdout.readline()


@contextmanager
def opened(*fds: int) -> Iterator[tuple[int, ...]]:
    """Close descriptors at the end of the block."""
    try:
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


# Each child runs some code, in which k is its number; the parent says who they are, and all wait.
_FORK = """
import os, socket, sys
os.chdir(sys.argv[1])
pids = []
for k in range(int(sys.argv[2])):
    pid = os.fork()
    if not pid:
        exec(sys.argv[3])
        os.write(1, b".")
        sys.stdin.read()
        os._exit(0)
    pids.append(pid)
os.write(2, " ".join(map(str, pids)).encode() + b"\\n")
sys.stdin.read()
"""


@contextmanager
def forked(n: int, code: str, folder: Path) -> Iterator[list[int]]:
    """The pids of n small processes that ran the code in a folder, with k the number of each, and wait."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-I", "-S", "-c", _FORK, str(folder), str(n), code]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as parent:
        assert parent.stdout and parent.stderr
        pids = [int(pid) for pid in parent.stderr.readline().split()]
        if len(pids) != n or len(parent.stdout.read(n)) != n:
            raise RuntimeError(f"expected {n} processes, found {len(pids)}")
        yield pids
        parent.communicate()


@dataclass(frozen=True)
class Cgroup:
    """A cgroup of our own; name is its path within the hierarchy."""

    name: str
    folder: Path
    control: str
    words: tuple[str, str]

    def add(self, pid: int) -> None:
        (self.folder / "cgroup.procs").write_text(str(pid))

    def freeze(self) -> None:
        (self.folder / self.control).write_text(self.words[1])
        until(self.frozen, "the cgroup freezes")

    def thaw(self) -> None:
        (self.folder / self.control).write_text(self.words[0])

    @contextmanager
    def thawed_at_the_end(self) -> Iterator[None]:
        """Thaw it whatever happens in the block: who is in it could not be ended otherwise."""
        try:
            yield
        finally:
            self.thaw()

    def frozen(self) -> bool:
        if self.control == "cgroup.freeze":
            return "frozen 1" in (self.folder / "cgroup.events").read_text().splitlines()
        return (self.folder / self.control).read_text().strip() == "FROZEN"

    def asked_to_freeze(self) -> bool:
        """Whether the cgroup stands, or is about to."""
        return (self.folder / self.control).read_text().strip() not in {self.words[0], ""}

    def empty(self) -> None:
        """Move everyone back to the root."""
        for pid in (self.folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (self.folder.parent / "cgroup.procs").write_text(pid)


@contextmanager
def cgroup(version: str) -> Iterator[Cgroup]:
    """A new cgroup below the root of the v1 freezer or of v2; skips where that is not mounted."""
    root = _mount(version)
    if root is None:
        pytest.skip(f"no cgroup {version} with a freezer is mounted")
    name = f"crfd-test-{os.getpid()}-{time.monotonic_ns()}"
    words = ("0", "1") if version == "v2" else ("THAWED", "FROZEN")
    made = Cgroup(f"/{name}", root / name, "cgroup.freeze" if version == "v2" else "freezer.state", words)
    try:
        made.folder.mkdir()
    except OSError as e:
        pytest.skip(f"{made.folder}: {e.strerror}")
    try:
        yield made
    finally:
        made.thaw()
        made.empty()
        until(lambda: removed(made.folder), "the cgroup is empty")


def _mount(version: str) -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == ("cgroup2" if version == "v2" else "cgroup") and (
            version == "v2" or "freezer" in options.split(",")
        ):
            return Path(where)
    return None


def removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def has_namespace_cookies() -> bool:
    """SO_NETNS_COOKIE, Linux 5.14: without it only whoever may administer a socket's namespace learns which it is."""
    with socket.socket() as s:
        try:
            return bool(s.getsockopt(socket.SOL_SOCKET, 71, 8))
        except OSError:
            return False
