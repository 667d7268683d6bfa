# SPDX-License-Identifier: MIT
"""Processes that stand still while they are read: held by ptrace, or by the freezer of their cgroup."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import select
import subprocess
import sys
import time
from _thread import LockType, allocate_lock
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from crfd._core.freeze import STILL_CGROUP, Freeze, Still
from crfd.capture.selection import Hierarchy, Selection, hierarchies
from crfd.errors import CrfdError
from crfd.worker import Worker

PATIENCE = 2.0  # seconds until a cgroup that does not settle, or a tree that goes on growing, is given up
PAUSE = 0.0005


@dataclass(slots=True)
class Frozen:
    """The processes held. still is filled when all have been released; refused maps a pid to the errno that kept it running."""

    pids: list[int]
    refused: dict[int, int] = field(default_factory=dict)
    still: list[Still] = field(default_factory=list)


@contextmanager
def frozen(selection: Selection) -> Iterator[Frozen]:
    """Hold the processes of a selection for the length of the block.

    Threads and processes that appear meanwhile are held too. What stood still before stays so, and nothing else does,
    whatever becomes of us: the kernel lets go of our tracees, a watchdog thaws the cgroup. (Only who sends SIGKILL to us and
    to both watchdogs at once leaves a cgroup frozen; left_frozen() names it, and whoever freezes it next thaws it.) To a
    process that was held it is as if it had been stopped and continued: the few system calls that signal(7) names for
    that end with EINTR.
    """
    freezer = _cgroup_freezer(selection)
    with _by_cgroup(freezer) if freezer else _by_ptrace(selection) as held:
        yield held


# ---- ptrace ----


@contextmanager
def _by_ptrace(selection: Selection) -> Iterator[Frozen]:
    """Hold by a tracer, a thread that ends with the block: what could not be let go by then, the kernel lets go."""
    held = Frozen([])
    tried, leave = allocate_lock(), allocate_lock()
    tried.acquire()
    leave.acquire()
    stand = False

    def trace() -> None:
        nonlocal stand
        try:
            tracer = Freeze()
            _hold(tracer, selection, held, leave)
            stand = True
        finally:
            tried.release()
        leave.acquire()
        held.still = tracer.thaw()

    tracing = Worker(trace)
    try:
        tried.acquire()
        if stand:
            yield held
    finally:
        leave.release()
        tracing.join()


def _hold(tracer: Freeze, selection: Selection, held: Frozen, leave: LockType) -> None:
    new = selection.resolve()
    seen: set[int] = set()
    deadline = time.monotonic() + PATIENCE
    while new and leave.locked():
        late = time.monotonic() > deadline
        for pid, code in zip(new, [errno.EBUSY] * len(new) if late else tracer.add(new), strict=True):
            if code and code != errno.ESRCH:
                held.refused[pid] = code
        seen.update(new)
        held.pids = sorted(seen)
        new = [] if late else [pid for pid in _appeared(selection, new) if pid not in seen]


def _appeared(selection: Selection, held: list[int]) -> Iterable[int]:
    """Return who belongs to the selection since those were held: of a mere tree their children, who may have come before."""
    if selection in {Selection(selection.pids), Selection.everything()}:
        return ()
    if selection == Selection(selection.pids, tree=True):
        children = [_children(pid) for pid in held]
        if None not in children:
            return {pid for some in children if some for pid in some if pid != os.getpid()}
    return selection.resolve()


def _children(pid: int) -> list[int] | None:
    """Return the children of a process; None where the kernel does not list them (CONFIG_PROC_CHILDREN)."""
    tasks = Path(f"/proc/{pid}/task")
    found: list[int] = []
    try:
        for tid in os.listdir(tasks):
            found += map(int, (tasks / tid / "children").read_text().split())
    except FileNotFoundError:
        return None if tasks.exists() else found
    except ProcessLookupError:
        pass
    return found


# ---- cgroups ----


@dataclass(frozen=True, slots=True)
class _Freezer:
    """The control file of a cgroup (v2: cgroup.freeze; v1: freezer.state) and what to write and to wait for."""

    control: Path
    freeze: str
    thaw: str
    state: Path
    settled: str

    def frozen(self) -> bool:
        """Whether somebody has frozen it, or is about to: v1 says FREEZING until all stand, v2 has just the order."""
        return self.control.read_text().strip() in {self.freeze, "FREEZING"}

    def is_left(self) -> bool:
        """Whether it stays frozen since we were killed with the watchdogs: it is marked then, and locked by nobody."""
        try:
            with open(self.control, "rb") as control:
                os.getxattr(control.fileno(), MARK)
                fcntl.flock(control, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self.frozen()
        except OSError:
            return False

    def pids(self) -> list[int]:
        """Return the processes in the cgroup and below it, ascending."""
        lists = (procs.read_text().split() for procs in self.control.parent.rglob("cgroup.procs"))
        return sorted({int(pid) for pids in lists for pid in pids})


# An attribute of the control file while we freeze by it. Its lock is shared by us and the watchdogs, and gone with all.
MARK = "user.crfd.freezes"


# Milliseconds by which v2 may tell of a change: kernel/cgroup/cgroup.c, CGROUP_FILE_NOTIFY_MIN_INTV, is 10 ms.
LATE = 20


class _Watch:
    """A look at the state of a freezer, which tells whether it was another one in between."""

    def __init__(self, freezer: _Freezer) -> None:
        self._settled = freezer.settled
        self._late = LATE if freezer.state.name == "cgroup.events" else 0
        self._fd = os.open(freezer.state, os.O_RDONLY | os.O_CLOEXEC)
        self._changes = select.poll()
        self._changes.register(self._fd, select.POLLPRI)

    def settles(self) -> bool:
        """Wait until all stand; False when they do not in time."""
        deadline = time.monotonic() + PATIENCE
        while not self._stands():
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE)
        while self._changes.poll(self._late):  # of what came before
            if not self._stands() or time.monotonic() > deadline:
                return False
        return True

    def stood(self) -> bool:
        """Whether all have been standing since. v2 tells of a change (fs/kernfs/file.c, kernfs_generic_poll()), v1 does not."""
        return not self._changes.poll(self._late) and self._stands()

    def _stands(self) -> bool:
        return self._settled in os.pread(self._fd, 4096, 0).decode().splitlines()

    def close(self) -> None:
        os.close(self._fd)


def _cgroup_freezer(selection: Selection) -> _Freezer | None:
    """Return the freezer to use where the selection is exactly a cgroup, which cannot hold ourselves then."""
    if selection.cgroup is None or selection != Selection(cgroup=selection.cgroup):
        return None
    chosen = selection.resolve()
    for hierarchy in _freezing_hierarchies():
        freezer = _freezer(Path(hierarchy.at, selection.cgroup.strip("/")), hierarchy.version)
        if os.access(freezer.control, os.R_OK | os.W_OK) and chosen and freezer.pids() == chosen:
            return freezer
    return None


def _freezer(folder: Path, version: int) -> _Freezer:
    if version == 2:
        return _Freezer(folder / "cgroup.freeze", "1", "0", folder / "cgroup.events", "frozen 1")
    return _Freezer(folder / "freezer.state", "FROZEN", "THAWED", folder / "freezer.state", "FROZEN")


def left_frozen() -> list[tuple[str, str]]:
    """Return the control files of cgroups that stay frozen since a dump was killed with its watchdogs, and what thaws each."""
    found = []
    for hierarchy in _freezing_hierarchies():
        for folder, _, _ in os.walk(hierarchy.at):
            freezer = _freezer(Path(folder), hierarchy.version)
            if freezer.is_left():
                found.append((str(freezer.control), freezer.thaw))
    return found


def _freezing_hierarchies() -> list[Hierarchy]:
    return [one for one in hierarchies() if one.version == 2 or "freezer" in one.options]


@contextmanager
def _by_cgroup(freezer: _Freezer) -> Iterator[Frozen]:
    held = Frozen([])
    start = time.monotonic_ns()
    # Whoever had frozen it, or freezes it as well, may thaw it before we have read.
    by_another = freezer.frozen() and not freezer.is_left()
    with nullcontext() if by_another else _freezing(freezer), closing(_Watch(freezer)) as watch:
        settled = watch.settles()
        held.pids = freezer.pids()
        if not settled:
            held.refused = dict.fromkeys(held.pids, errno.EBUSY)
        yield held
        if settled and not watch.stood():
            settled = False
            held.refused = dict.fromkeys(held.pids, errno.EBUSY)
    ns = time.monotonic_ns() - start
    held.still = [Still(pid, STILL_CGROUP if settled else 0, ns) for pid in held.pids]


# A watchdog outlives us: in a session of its own, deaf to what a service manager ends all of a service with, and, where it
# may go there, in the root cgroups, out of reach of what kills all of a cgroup, and without our name, by which pkill(1) and
# killall(1) find all of us: what it needs is in its environment. The end of its input, whatever ends it, thaws the cgroup,
# and takes the mark off unless another dump has locked the file by now: then it is that one's.
# Nothing is frozen before it says that it is there. There are two, so that whoever ends us and one of them at once is outlived.
WATCHDOGS = 2
WATCHDOG = "thaw-watchdog"
_WATCHDOG = """
trap '' HUP INT TERM
for root; do
	echo $$ >"$root/cgroup.procs"
done 2>/dev/null
echo ready || exit
read -r released || {
	echo "$thaw" >"$control"
	exec "$python" -c '
import fcntl, os, sys
fcntl.flock(int(sys.argv[3]), fcntl.LOCK_EX | fcntl.LOCK_NB)
os.removexattr(*sys.argv[1:3])' "$control" "$mark" "$locked"
}
"""


def _managed() -> list[str]:
    """Return the roots of the hierarchies by which processes are killed all at once: cgroup v2, and v1 of systemd."""
    return [one.at for one in hierarchies() if one.version == 2 or "name=systemd" in one.options]


def _watchdog(freezer: _Freezer, control: io.FileIO) -> subprocess.Popen[bytes]:
    needs = {
        "control": str(freezer.control),
        "locked": str(control.fileno()),
        "thaw": freezer.thaw,
        "python": sys.executable,
        "mark": MARK,
    }
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHDOG, WATCHDOG, *_managed()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **needs},
        pass_fds=(control.fileno(),),
    )


@contextmanager
def _freezing(freezer: _Freezer) -> Iterator[None]:
    with open(freezer.control, "wb", buffering=0) as control, ExitStack() as ends:
        fcntl.flock(control, fcntl.LOCK_SH)
        watchdogs = [ends.enter_context(_watchdog(freezer, control)) for _ in range(WATCHDOGS)]
        if any(not watchdog.stdout or watchdog.stdout.readline() != b"ready\n" for watchdog in watchdogs):
            raise CrfdError(f"{freezer.control}: not frozen, for a process that would thaw it in any case has ended")
        try:
            with suppress(OSError):  # before Linux 5.7 it cannot be marked
                os.setxattr(control.fileno(), MARK, b"")
            _order(control, freezer.freeze)
            yield
        finally:
            _order(control, freezer.thaw)
            with suppress(OSError):
                os.removexattr(control.fileno(), MARK)
            for watchdog in watchdogs:
                watchdog.communicate(b"released\n")


def _order(control: io.FileIO, word: str) -> None:
    try:
        control.write(word.encode())
    except OSError as e:
        raise type(e)(e.errno, e.strerror, control.name) from None
