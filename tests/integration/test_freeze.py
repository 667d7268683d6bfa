# SPDX-License-Identifier: MIT
"""Processes are held still by ptrace, for a while that the image tells, and nobody stays so."""

from __future__ import annotations

import ctypes
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import crfd
from crfd.capture.freeze import frozen
from tests import mkfds, procs
from tests.procs import CRFD, GONE, LIMIT, WAIT, Need, running, said, state, until
from tests.shown import dumped

pytestmark = pytest.mark.usefixtures("_may_trace")


THREADS = (
    """
import threading, time
for _ in range(20):
    threading.Thread(target=lambda: [time.sleep(0.001) for _ in iter(int, 1)], daemon=True).start()
"""
    + WAIT
)


MANY = (
    """
import os
fds = [os.open("/proc/version", os.O_RDONLY) for _ in range(19800)]
"""
    + WAIT
)


def test_every_thread_stands_still_and_goes_on() -> None:
    with running(THREADS) as process:
        tids = [int(tid) for tid in os.listdir(f"/proc/{process.pid}/task")]
        assert len(tids) == 21
        with frozen(crfd.Selection(frozenset({process.pid}))) as held:
            assert held.pids == [process.pid]
            assert held.refused == {}
            assert {state(process.pid, tid) for tid in tids} == {"t"}
        until(lambda: all(state(process.pid, tid) in "SR" for tid in tids), "all go on")
        assert [(one.pid, one.how) for one in held.still] == [(process.pid, 1)]
        assert 0 < held.still[0].ns < LIMIT * 1e9


def test_the_image_says_so(backend: str, tmp_path: Path) -> None:
    with mkfds.spawn("regular", "thread_unshare") as holder:
        result, image = dumped(holder.pid, backend=backend, freeze=True)
        with image:
            assert image.info is not None
            assert image.info.frozen
            assert image.still == result.still
            assert [one.pid for one in image.still] == [holder.pid]
            assert {task.consistency for task in image.tasks.values()} == {crfd.Consistency.FROZEN}
            assert len(image.tasks) == 2
            assert set(image.consistency().values()) == {crfd.Consistency.FROZEN}
        path = tmp_path / "image"
        crfd.dump(holder.pid, path, backend=backend, freeze=True)
        shown = procs.run("info", path, check=True).stdout
        assert f"at the longest (pid {holder.pid})" in shown
        assert "2 frozen" in shown


def test_without_it_the_image_says_how_quiet_it_was(backend: str) -> None:
    with mkfds.spawn("regular") as holder:
        task = crfd.scan(holder.pid, backend=backend)
    assert task.consistency is crfd.Consistency.QUIET
    assert task.changed == 0


def test_a_large_table_is_looked_at_again(backend: str) -> None:
    with running(MANY) as process:
        task = crfd.scan(process.pid, backend=backend)
    assert len(task.fds) > 19800
    assert task.consistency is crfd.Consistency.QUIET


def test_a_second_look_finds_what_changed(backend: str) -> None:
    with mkfds.spawn("churn:width=400") as holder:
        end = time.monotonic() + LIMIT
        while (task := crfd.scan(holder.pid, backend=backend)).consistency is not crfd.Consistency.CHANGED:
            assert time.monotonic() < end
        assert task.changed is not None
        assert task.changed > 0
        result, image = dumped(holder.pid, backend=backend, freeze=True)
        with image:
            assert image.tasks[holder.pid].consistency is crfd.Consistency.FROZEN
        assert not result.unread


def test_one_that_was_stopped_stays_stopped_and_others_do_not(backend: str) -> None:
    with mkfds.spawn("regular") as stopped, mkfds.spawn("regular") as other:
        os.kill(stopped.pid, signal.SIGSTOP)
        until(lambda: state(stopped.pid) == "T", "it stops")
        try:
            result, image = dumped([stopped.pid, other.pid], backend=backend, freeze=True)
            image.close()
            assert not result.unread
            until(lambda: state(stopped.pid) == "T", "it stays stopped")
            until(lambda: state(other.pid) == "S", "the other one goes on")
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
        until(lambda: state(stopped.pid) == "S", "it can be continued")


@pytest.mark.parametrize("was", ["running", "stopped"])
def test_sigkill_of_the_dump_leaves_nobody_stopped(was: str, tmp_path: Path) -> None:
    code = f"""
import sys, time, crfd
from crfd.capture.freeze import frozen
with frozen(crfd.Selection(frozenset(map(int, sys.argv[1:])))) as held:
    assert not held.refused
    print("ready", flush=True)
    time.sleep({LIMIT})
"""
    with running(THREADS) as process:
        tids = [int(tid) for tid in os.listdir(f"/proc/{process.pid}/task")]
        if was == "stopped":
            process.send_signal(signal.SIGSTOP)
            until(lambda: state(process.pid) == "T", "it stops")
        with running(code, str(process.pid)) as freezer:
            assert {state(process.pid, tid) for tid in tids} == {"t"}
            freezer.kill()
            freezer.wait()
        wanted = "T" if was == "stopped" else "SR"
        until(lambda: all(state(process.pid, tid) in wanted for tid in tids), "all are as before")


def test_a_dump_that_dies_while_it_writes_holds_nobody() -> None:
    """The sink takes no byte: by then all have been released."""
    reader, writer = os.pipe()
    with mkfds.spawn("files:n=2000") as holder:
        dump = subprocess.Popen([*CRFD, "dump", str(holder.pid), "--freeze"], stdout=writer, stderr=subprocess.DEVNULL)
        try:
            os.close(writer)
            until(lambda: state(holder.pid) == "S", "it goes on")
        finally:
            dump.kill()
            dump.wait()
            os.close(reader)
        until(lambda: state(holder.pid) == "S", "it goes on")


TRACER = (
    """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
assert libc.ptrace(0x4206, int(sys.argv[1]), 0, 0) == 0  # PTRACE_SEIZE
"""
    + WAIT
)


def test_a_debugged_process_is_named_and_dumped_all_the_same(tmp_path: Path) -> None:
    with mkfds.spawn("regular") as holder, mkfds.spawn("regular") as other, running(TRACER, str(holder.pid)):
        path = tmp_path / "image"
        done = procs.run("dump", "--freeze", holder.pid, other.pid, "-o", path)
        assert done.returncode == 3
        assert f"pid {holder.pid}: Operation not permitted (not held still)" in done.stderr
        with crfd.open(path) as image:
            assert image.info is not None
            assert not image.info.frozen
            assert len(image.tasks[holder.pid].fds) == holder.report["nfds"]
            assert image.tasks[holder.pid].consistency is crfd.Consistency.QUIET
            assert image.tasks[other.pid].consistency is crfd.Consistency.FROZEN
            assert {one.pid: one.how for one in image.still} == {holder.pid: 0, other.pid: 1}


SIGNALS = """
import signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN])
print("ready", flush=True)
for _ in range(3):
    info = signal.sigwaitinfo([signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN])
    print(info.si_signo, info.si_pid, flush=True)
"""
HANDLERS = """
import os, signal, time
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN):
    signal.signal(number, lambda got, _: os.write(1, b"%d\\n" % got))
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.mark.parametrize("code", [SIGNALS, HANDLERS], ids=["waited for", "handled"])
def test_a_signal_that_comes_while_held_is_delivered_afterwards(code: str) -> None:
    sent = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN]
    with running(code) as process:
        with frozen(crfd.Selection(frozenset({process.pid}))) as held:
            assert not held.refused
            for number in sent:
                process.send_signal(number)
            time.sleep(0.05)
            assert state(process.pid) == "t"
        got = [said(process).split() for _ in sent]
        assert {int(words[0]) for words in got} == {int(number) for number in sent}
        assert {int(word) for words in got for word in words[1:]} <= {os.getpid()}


def test_a_signal_that_stops_the_thread_first_is_handed_on() -> None:
    """Sent at random moments around the freeze: none is lost, whatever it met."""
    with running(HANDLERS) as process:
        for round_ in range(40):
            process.send_signal(signal.SIGUSR1)
            with frozen(crfd.Selection(frozenset({process.pid}))):
                if round_ % 2:
                    time.sleep(0.001)
            assert said(process) == b"%d\n" % signal.SIGUSR1


def test_stop_and_continue_while_held() -> None:
    with running(HANDLERS) as process:
        with frozen(crfd.Selection(frozenset({process.pid}))):
            process.send_signal(signal.SIGSTOP)
        until(lambda: state(process.pid) == "T", "it stops once it may")
        with frozen(crfd.Selection(frozenset({process.pid}))):
            process.send_signal(signal.SIGCONT)
        until(lambda: state(process.pid) == "S", "it goes on once it may")


COUNTED = """
import os, signal, sys, time
reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)  # a byte for every signal that is delivered
signal.signal(signal.SIGRTMIN, lambda *_: None)
print("ready", flush=True)
wanted = got = 0
for line in sys.stdin:
    wanted += int(line)
    end = time.monotonic() + 5
    while got < wanted and time.monotonic() < end:
        got += len(os.read(reader, 65536))
    print(got, flush=True)
"""
HOLDER = """
import sys, time
from crfd._core.freeze import Freeze
tracer = Freeze()
assert tracer.add([int(sys.argv[1])]) == [0]
print("ready", flush=True)
time.sleep(600)
"""


def test_no_queued_signal_is_lost_when_we_are_killed_while_we_hold() -> None:
    """Queued ones keep the thread in their delivery, where the freeze meets it again and again."""
    libc = ctypes.CDLL(None, use_errno=True)
    sent = 0
    with running(COUNTED) as process:
        assert process.stdin
        for _ in range(12):
            for _ in range(2000):
                sent += libc.sigqueue(process.pid, signal.SIGRTMIN, None) == 0
            with running(HOLDER, str(process.pid)) as holder:
                for _ in range(2000):
                    sent += libc.sigqueue(process.pid, signal.SIGRTMIN, None) == 0
                holder.kill()
                holder.wait()
        process.stdin.write(b"%d\n" % sent)
        process.stdin.flush()
        assert int(said(process)) == sent


@pytest.mark.parametrize("refused", ["wait4,waitid", "waitid", "wait4"])
def test_a_filter_that_lets_nobody_wait_does_not_hold_us_up(refused: str, tmp_path: Path) -> None:
    deny = (sys.executable, str(Path(__file__).parents[1] / "deny.py"), refused)
    with running(THREADS) as process:
        done = procs.run("dump", "--freeze", "-o", tmp_path / "image", process.pid, before=deny, timeout=LIMIT)
        assert done.returncode == 3, done.stderr
        assert f"pid {process.pid}: Device or resource busy (not held still)" in done.stderr
        tids = [int(tid) for tid in os.listdir(f"/proc/{process.pid}/task")]
        until(lambda: all(state(process.pid, tid) in "SR" for tid in tids), "all go on")
    with crfd.open(tmp_path / "image") as image:
        assert image.info is not None
        assert not image.info.frozen


# A tree that grows for as long as it is let: each child forks a child and ends after a while; `width` at a time.
BOMB = """
import os, sys, time, ctypes
ctypes.CDLL(None).prctl(1, 9)
print("ready", flush=True)
living = 0
while True:
    if living >= 12:
        os.wait()
        living -= 1
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(1, 9)
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(1, 9)
            time.sleep(0.02)
        os._exit(0)
    living += 1
"""


def test_children_that_appear_meanwhile_are_held_too(backend: str) -> None:
    with running(BOMB) as process:
        for _ in range(5):
            with frozen(crfd.Selection(frozenset({process.pid}), tree=True)) as held:
                assert not held.refused
                below = set(procs.tree(process.pid))
                assert below <= set(held.pids)
                time.sleep(0.03)
                assert set(procs.tree(process.pid)) == below
                assert {state(pid) for pid in below} <= {"t", "Z"}
    until(lambda: "t" not in map(state, below), "none of them is held")


SPAWNER = (
    """
import threading, time
def again():
    while True:
        threading.Thread(target=time.sleep, args=(0.002,)).start()
        time.sleep(0.0005)
threading.Thread(target=again, daemon=True).start()
"""
    + WAIT
)


def test_threads_that_appear_meanwhile_are_held_too() -> None:
    with running(SPAWNER) as process:
        for _ in range(20):
            with frozen(crfd.Selection(frozenset({process.pid}))) as held:
                assert not held.refused
                tids = set(os.listdir(f"/proc/{process.pid}/task"))
                assert {state(process.pid, int(tid)) for tid in tids} <= {"t", "Z"}
                time.sleep(0.003)
                assert set(os.listdir(f"/proc/{process.pid}/task")) == tids
        until(lambda: state(process.pid) == "S", "it goes on")


# vfork(): the parent sleeps uninterruptibly until the child execs or ends.
VFORK = """
import ctypes, time
print("ready", flush=True)
libc = ctypes.CDLL(None)
child = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: time.sleep(30) or 0)
stack = ctypes.create_string_buffer(1 << 20)
libc.clone(child, ctypes.byref(stack, (1 << 20) - 64), 0x4000 | 17, None)  # CLONE_VFORK | SIGCHLD
"""


@contextmanager
def unstoppable() -> Iterator[tuple[int, int]]:
    """The pids of a process that cannot stop for its child, and of the child, which is killed at the end."""
    with running(VFORK) as process:
        until(lambda: len(procs.tree(process.pid)) == 2, "it has a child")
        until(lambda: state(process.pid) == "D", "it waits for its child")
        _, child = procs.tree(process.pid)
        try:
            yield process.pid, child
        finally:
            os.kill(child, signal.SIGKILL)
        # A stop that was asked of it must not reach it now: it ends, and is not found standing still.
        assert process.wait(LIMIT) is not None


def test_a_thread_that_cannot_stop_does_not_hold_us_up(backend: str) -> None:
    with unstoppable() as (pid, _):
        start = time.monotonic()
        result, image = dumped(pid, backend=backend, freeze=True)
        image.close()
        assert time.monotonic() - start < LIMIT  # which is less than the child lives
        assert [(one.pid, one.errno, one.step) for one in result.unread] == [(pid, 16, crfd.Step.FREEZE)]


def test_all_are_told_before_any_is_waited_for() -> None:
    """Many come to a stop together: the second one here while the first is waited for, a fifth of a second, in vain."""
    with unstoppable() as (pid, child):
        assert pid < child, "and comes first, then"
        with frozen(crfd.Selection(frozenset({pid, child}))) as held:
            assert held.refused == {pid: 16}
        (stood,) = (one.ns for one in held.still if one.pid == child)
        assert stood > 150e6


def test_zombies_and_kernel_threads_have_nothing_to_hold(backend: str) -> None:
    with mkfds.spawn("zombie") as holder:
        (zombie,) = (task["pid"] for task in holder.tasks)
        result, image = dumped([holder.pid, zombie], backend=backend, freeze=True)
        with image:
            assert not result.unread
            assert image.info is not None
            assert image.info.frozen
            assert image.tasks[zombie].consistency is crfd.Consistency.FROZEN


def test_one_that_is_gone(backend: str) -> None:
    with mkfds.spawn("regular") as holder:
        result, image = dumped([holder.pid, GONE], backend=backend, freeze=True)
        image.close()
    assert [(one.pid, one.errno) for one in result.unread] == [(GONE, 3)]
    assert [one.pid for one in result.still] == [holder.pid]


def test_99000_descriptors_in_5_processes(need: Need) -> None:
    need("backend bpf")
    with ExitStack() as stack:
        pids = [stack.enter_context(running(MANY)).pid for _ in range(5)]
        crfd.dump(pids, io.BytesIO(), backend="bpf")  # the programs are loaded
        running_dumps, held = [], []
        for _ in range(5):
            start = time.monotonic()
            crfd.dump(pids, io.BytesIO(), backend="bpf")
            running_dumps.append(time.monotonic() - start)
            result = crfd.dump(pids, io.BytesIO(), backend="bpf", freeze=True)
            assert result.fds >= 99000
            assert not result.unread
            held.append(max(one.ns for one in result.still) / 1e9)
    assert min(held) < max(0.25, *running_dumps), held  # the other one is for slow machines
