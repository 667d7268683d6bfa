# SPDX-License-Identifier: MIT
"""Threads that wait for descriptors: a child makes them, and says for which and for what; both backends find exactly these."""

from __future__ import annotations

import errno
import json
import os
import platform
import select
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import crfd
from tests import arrow, procs
from tests.procs import Need
from tests.shown import parsed

IN, PRI, OUT = select.POLLIN, select.POLLPRI, select.POLLOUT
RESTART = {"x86_64": "219 ", "aarch64": "128 "}[platform.machine()]

# Each way of waiting: in a call of libc, or of the kernel where libc makes another one. None of it ever becomes true.
_CHILD = """
import ctypes, json, os, platform, select, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
IN, PRI, OUT = select.POLLIN, select.POLLPRI, select.POLLOUT
read, write = os.pipe()
for fd in range(50, 60):
    os.dup2(read, fd)
epoll = select.epoll()
epoll.register(59, IN)
os.dup2(epoll.fileno(), 60)

def array(*entries):
    packed = (struct.pack("=ihH", fd, events, 0xffff) for fd, events in entries)
    return ctypes.create_string_buffer(b"".join(packed)), len(entries)

def fds(*fds):
    return ctypes.create_string_buffer(sum(1 << fd for fd in fds).to_bytes(128, "little"))

ways = {
    "poll": lambda: libc.poll(*array((50, IN), (51, PRI), (-1, IN), (52, 0), (50, OUT)), -1),
    "ppoll": lambda: libc.ppoll(*array((50, IN | PRI), (58, IN)), None, None),
    "select": lambda: libc.select(56, fds(50, 53), fds(54), fds(55, 53), None),
    "pselect": lambda: libc.pselect(55, fds(50), None, None, None, None),
    "epoll_wait": lambda: libc.epoll_wait(60, ctypes.create_string_buffer(64), 1, -1),
    "epoll_pwait": lambda: libc.epoll_pwait(60, ctypes.create_string_buffer(64), 1, -1, None),
    "a read": lambda: libc.read(50, ctypes.create_string_buffer(1), 1),
}
if platform.machine() == "x86_64":
    ways["raw poll"] = lambda: libc.syscall(7, *array((56, IN)), -1)
    ways["raw select"] = lambda: libc.syscall(23, 58, fds(57), None, None, None)
tids = {}

def wait(name):
    tids[name] = threading.get_native_id()
    ways[name]()

for name in ways:
    threading.Thread(target=wait, args=(name,), daemon=True).start()
while len(tids) < len(ways):
    time.sleep(0.001)
print("ready", flush=True)
print(json.dumps(tids), flush=True)
sys.stdin.read()
"""

WAITS: dict[str, dict[int, int]] = {
    "poll": {50: IN | OUT, 51: PRI, 52: 0},
    "ppoll": {50: IN | PRI, 58: IN},
    "select": {50: IN, 53: IN | PRI, 54: OUT, 55: PRI},
    "pselect": {50: IN},
    "epoll_wait": {60: IN},
    "epoll_pwait": {60: IN},
    "a read": {},
    "raw poll": {56: IN},
    "raw select": {57: IN},
}


def pollers(tids: dict[str, int]) -> tuple[crfd.Poller, ...]:
    waits = ((fd, tid, events) for name, tid in tids.items() for fd, events in WAITS[name].items())
    return tuple(crfd.Poller(tid, fd, events) for fd, tid, events in sorted(waits))


def asked(pid: int, backend: str) -> crfd.Polls:
    found = crfd.scan(pid, backend=backend, polls=True).polls
    assert found is not None
    return found


def stands(pid: int, tids: dict[str, int]) -> bool:
    """Whether all threads stand in a system call."""
    texts = (Path(f"/proc/{pid}/task/{tid}/syscall").read_text() for tid in tids.values())
    return all(not text.startswith(("running", "202 ", "98 ")) for text in texts)  # futex(2): the lock of Python


@contextmanager
def child() -> Iterator[tuple[int, dict[str, int]]]:
    with procs.running(_CHILD) as process:
        tids = json.loads(procs.said(process))
        procs.until(lambda: stands(process.pid, tids), "they wait")
        yield process.pid, tids


@pytest.fixture(scope="module")
def waiting() -> Iterator[tuple[int, dict[str, int]]]:
    with child() as made:
        yield made


def test_exactly_these_wait(waiting: tuple[int, dict[str, int]], backend: str) -> None:
    pid, tids = waiting
    assert asked(pid, backend) == crfd.Polls(len(tids) + 1, 0, None, pollers(tids))


def test_held_still_they_wait_for_the_same(backend: str) -> None:
    """A poll(2) that was interrupted goes on by another call (restart_syscall(2)): it still waits for the same."""
    with child() as (pid, tids):
        image = crfd.snapshot(pid, backend=backend, freeze=True, polls=True)
        assert image.tasks[pid].polls == crfd.Polls(len(tids) + 1, 0, None, pollers(tids))
        left = {name: tid for name, tid in tids.items() if "epoll" not in name}  # which ends with EINTR
        procs.until(lambda: stands(pid, left), "they wait again")
        assert Path(f"/proc/{pid}/task/{tids['poll']}/syscall").read_text().startswith(RESTART)
        again = asked(pid, backend)
        if Path(f"/proc/{pid}/task/{tids['poll']}/wchan").read_text() == "0":  # Linux 5.15 says no more
            left = {name: tid for name, tid in left.items() if "poll" not in name or name == "ppoll"}
            assert (again.unread, again.errno) == (2, errno.EAGAIN)
        assert {one for one in again.pollers if one.tid in left.values()} == set(pollers(left))


def test_of_a_descriptor(waiting: tuple[int, dict[str, int]]) -> None:
    pid, tids = waiting
    polls = asked(pid, "proc")
    assert polls.of(58) == (crfd.Poller(tids["ppoll"], 58, IN),)
    assert polls.of(59) == ()
    assert crfd.scan(pid).polls is None
    assert crfd.Polls(2, 1, 1, polls.pollers).of(59) is None
    assert crfd.Polls(2, 1, 1, polls.pollers).of(58) == polls.of(58)


def test_columns(waiting: tuple[int, dict[str, int]], backend: str, tmp_path: Path) -> None:
    pid, tids = waiting
    by = ("--backend", backend)
    expected = {fd: sum(fd in WAITS[name] for name in tids) for fd in (50, 51, 58, 59)}
    rows = {row["fd"]: row for row in parsed(procs.run("ls", pid, "--json", "-c", "fd,polled,pollers", *by).stdout)}
    assert {fd: rows[fd]["polled"] for fd in expected} == expected
    assert rows[58]["pollers"] == [{"tid": tids["ppoll"], "events": IN}]
    assert rows[59]["pollers"] == []
    found = procs.run("ls", pid, "--where", "polled", "-c", "fd", "--no-header", *by).stdout.split()
    assert set(map(int, found)) == {fd for name in tids for fd in WAITS[name]}
    assert "polled" not in parsed(procs.run("ls", pid, "--json", *by).stdout)[0]
    assert all(row["polled"] is not None for row in parsed(procs.run("ls", pid, "--json", "--polls", *by).stdout))
    procs.run("dump", "-q", pid, "--polls", "-o", tmp_path / "image", *by, check=True)
    shown = procs.run("show", tmp_path / "image", "-c", "fd,name", "--no-header").stdout.splitlines()
    assert next(line for line in shown if line.split()[0] == "58").endswith(f" polled by: {tids['ppoll']} in")
    assert not any("polled" in line for line in shown if line.split()[0] == "59")
    procs.run("dump", "-q", pid, "-o", tmp_path / "none", *by, check=True)
    assert {
        row.get("polled") for row in parsed(procs.run("show", tmp_path / "none", "--json", "-c", "polled").stdout)
    } == {None}


def test_tables_of_arrow(waiting: tuple[int, dict[str, int]]) -> None:
    pid, tids = waiting
    image = crfd.snapshot(pid, backend="proc", polls=True)
    waits = arrow.rows(image.table("pollers", ["pid", "fd", "pollers.tid", "pollers.events"]))
    expected = [(pid, one.fd, one.tid, one.events) for one in pollers(tids)]
    assert [tuple(row.values()) for row in waits] == expected
    counts = {row["fd"]: row["polled"] for row in arrow.rows(image.table("descriptors", ["fd", "polled"]))}
    assert (counts[58], counts[59]) == (1, 0)


def test_what_is_refused_is_unknown_and_said(waiting: tuple[int, dict[str, int]], backend: str) -> None:
    """Seccomp refuses to read the memory of others: then of threads in poll and select nothing is known but that."""
    pid, tids = waiting
    deny = (sys.executable, str(procs.ROOT / "tests/deny.py"), "process_vm_readv")
    done = procs.run("ls", pid, "--json", "-c", "fd,polled", "--backend", backend, before=deny)
    rows = {row["fd"]: row.get("polled") for row in parsed(done.stdout)}
    assert rows[50] is rows[59] is None
    assert rows[60] == sum(60 in WAITS[name] for name in tids if name in {"epoll_wait", "epoll_pwait"})
    assert done.stderr == f"crfd: pid {pid}: Operation not permitted (what it waits for)\n"
    assert done.returncode == 3


_UNMAPPED = """
import ctypes, mmap, os, struct, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.poll.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
read, _ = os.pipe()
at = libc.mmap(None, 8192, 3, 0x22, -1, 0)
entries = [(-1, 0)] * 511 + [(read, 1), (read, 2)]
ctypes.memmove(at, b"".join(struct.pack("=ihh", fd, events, 0) for fd, events in entries), 8 * len(entries))
threading.Thread(target=libc.poll, args=(at, len(entries), -1), daemon=True).start()
print("ready", flush=True)
sys.stdin.readline()
libc.munmap(at + 4096, 4096)
print("gone", flush=True)
sys.stdin.read()
"""


def test_an_array_that_is_gone(backend: str) -> None:
    with procs.running(_UNMAPPED) as process:
        procs.until(lambda: len(asked(process.pid, backend).pollers) == 1, "it waits")
        (one,) = asked(process.pid, backend).pollers
        assert one.events == IN | PRI
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert procs.said(process) == b"gone\n"
        polls = asked(process.pid, backend)
        assert (polls.threads, polls.unread, polls.reason, polls.pollers) == (2, 1, "Bad address", ())


_MANY = """
import ctypes, os, resource, struct, sys, threading
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
libc = ctypes.CDLL(None)
read, _ = os.pipe()
n = int(sys.argv[1])
entries = struct.pack("=ihh", -1, 0, 0) * (n - 1) + struct.pack("=ihh", read, 1, 0)
array = ctypes.create_string_buffer(entries)
for _ in range(int(sys.argv[2])):
    threading.Thread(target=libc.poll, args=(array, n, -1), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def test_arrays_without_end(backend: str) -> None:
    """Of one process 8 MiB of arrays are read, whatever its threads wait with; the rest is unknown."""
    n, most = 10000, (8 << 20) // (8 * 10000)
    with procs.running(_MANY, str(n), str(most + 5)) as process:
        procs.until(lambda: asked(process.pid, backend).unread == 5, "all wait")
        polls = asked(process.pid, backend)
    assert polls.threads == most + 6
    assert polls.reason == "Argument list too long"
    assert len(polls.pollers) == most


_MOVING = """
import ctypes, os, struct, sys, threading
libc = ctypes.CDLL(None)
read, _ = os.pipe()
for fd in range(100, 104):
    os.dup2(read, fd)
n = 4000
array = ctypes.create_string_buffer(struct.pack("=ihh", -1, 1, 0) * n)
ends = [[struct.pack("=ihh", fd, 1, 0) for fd in (base, base + 1)] for base in (100, 102)]
timeout = struct.pack("=qq", 0, 150_000)

def loop():
    libc.prctl(29, 1)  # PR_SET_TIMERSLACK
    which = 0
    while True:
        first, last = ends[which]
        array[0:8] = first
        array[8 * n - 8:8 * n] = last
        libc.ppoll(array, n, timeout, None)
        which ^= 1

threading.Thread(target=loop, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_moving_array_is_of_one_wait(backend: str) -> None:
    """A thread that waits a little for two descriptors and then for two others is never seen to wait for one of each."""
    seen = set()
    with procs.running(_MOVING) as process:
        for _ in range(600):
            seen.add(tuple(one.fd for one in asked(process.pid, backend).pollers))
    assert seen <= {(), (100, 101), (102, 103)}
    assert len(seen) > 1


_UNSHARED = """
import ctypes, json, os, select, sys, threading, time
libc = ctypes.CDLL(None)
read, write = os.pipe()
tids = []

def wait(own):
    if own:
        assert libc.unshare(0x400) == 0  # CLONE_FILES
    tids.append(threading.get_native_id())
    select.select([read], [], [])

for own in (False, True):
    threading.Thread(target=wait, args=(own,), daemon=True).start()
    while len(tids) < own + 1:
        time.sleep(0.001)
print("ready", flush=True)
print(json.dumps([read, *tids]), flush=True)
sys.stdin.read()
"""


def test_a_thread_with_a_table_of_its_own_waits_for_its_own(backend: str, need: Need) -> None:
    need("kcmp")
    with procs.running(_UNSHARED) as process:
        read, shared, own = json.loads(procs.said(process))
        procs.until(lambda: stands(process.pid, {"shared": shared, "own": own}), "they wait")
        tasks = crfd.snapshot(crfd.Selection(frozenset({process.pid})), backend=backend, polls=True).tasks
    assert set(tasks) == {process.pid, own}
    assert tasks[process.pid].polls == crfd.Polls(2, 0, None, (crfd.Poller(shared, read, IN),))
    assert tasks[own].polls == crfd.Polls(1, 0, None, (crfd.Poller(own, read, IN),))


def elf32(code: bytes, data: bytes) -> bytes:
    """A program of 32 bits: elf(5), one segment at 0x10000, code first."""
    at, size = 0x10000, 84 + len(code) + len(data)
    head = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    head += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, at + 84, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return head + struct.pack("<IIIIIIII", 1, 0, at, at, size, size, 7, 4096) + code + data


@pytest.mark.skipif(platform.machine() != "x86_64", reason="32 bits of x86")
def test_a_process_of_32_bits(backend: str, tmp_path: Path) -> None:
    data = struct.pack("<ihh", 3, IN, 0)
    code = b"\xb8" + struct.pack("<I", 168)  # mov $168, %eax: poll
    where = 0x10000 + 84 + 22
    code += b"\xbb" + struct.pack("<I", where) + b"\xb9" + struct.pack("<I", 1)  # %ebx: the array, %ecx: its entries
    code += b"\xba" + struct.pack("<i", -1) + b"\xcd\x80"  # %edx: without end; int $0x80
    program = tmp_path / "program"
    program.write_bytes(elf32(code, data))
    program.chmod(0o755)
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(read, 3)
        try:
            os.execv(program, [str(program)])
        except OSError as e:
            os._exit(e.errno or 1)
    try:
        try:
            procs.until(lambda: Path(f"/proc/{pid}/syscall").read_text().startswith("168 "), "it waits")
        except (AssertionError, OSError):
            pytest.skip("this kernel runs no program of 32 bits")
        assert asked(pid, backend).pollers == (crfd.Poller(pid, 3, IN),)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(read)
        os.close(write)


def test_the_whole_machine_by_both_backends(need: Need) -> None:
    """Whoever waits for the same before and after does so in between, in an image of the other backend, but for chance."""
    need("backend bpf")
    for _ in range(5):
        before, between, after = (everybody(backend) for backend in ("proc", "bpf", "proc"))
        still = {pid: polls for pid, polls in before.items() if after.get(pid) == polls and pid in between}
        found = {pid: between[pid] for pid in still}
        if found == still:
            break
    assert any(polls.pollers for polls in still.values())
    assert found == still


def everybody(backend: str) -> dict[int, crfd.Polls]:
    image = crfd.snapshot(crfd.Selection.everything(), backend=backend, polls=True)
    return {task.pid: task.polls for task in image.tasks.values() if task.polls}
