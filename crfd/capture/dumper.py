# SPDX-License-Identifier: MIT
"""The dump: processes in, one image out."""

from __future__ import annotations

import errno
import os

from crfd._core.batch import Batch, Unread
from crfd._core.encode import Totals
from crfd._core.freeze import IMAGE_FROZEN, STEP_FREEZE, Still
from crfd._core.scan import Push, Scanner, lock_waits
from crfd.capture import backend as _backend
from crfd.capture.selection import Selection
from crfd.errors import CrfdError, GoneError, RefusedError, UnreadError
from crfd.image.writer import ImageWriter
from crfd.light import NamedTuple, suppress
from crfd.trace import Trace, listener

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any

    from crfd.capture.freeze import Frozen
    from crfd.capture.sock_diag import Peers
    from crfd.image.sink import Destination

HOLDS = ("all", "fd")


class DumpResult(NamedTuple):
    """The outcome of a dump.

    backend is "proc" or "bpf"; pids are the processes that were chosen; tasks, fds and objrefs (open file descriptions)
    count what is in the image, bytes is its size; left_out counts the descriptors that a lossy rfc image could not
    hold; unread names each process that could not be read, wholly or in part, or not be held still, with errno and step;
    still says how long each was held; ended counts the processes that nobody had named and that ended before they were
    read; own counts the descriptors of this process that are not in the image because the scan had opened them.
    """

    backend: str
    pids: tuple[int, ...]
    tasks: int
    fds: int
    objrefs: int
    bytes: int
    left_out: int
    unread: tuple[Unread, ...]
    still: tuple[Still, ...]
    ended: int
    own: int


def dump(
    processes: int | Iterable[int] | Selection,
    destination: Destination,
    *,
    backend: str = "auto",
    format: str = "crfd",
    lossy: bool = False,
    freeze: bool = False,
    holds: str = "fd",
    polls: bool = False,
    sockopts: bool = False,
    progress: Callable[[Totals], None] | None = None,
    push: Push | None = None,
) -> DumpResult:
    """Write an image of the open file descriptors of processes (or threads), in the order of their ids.

    destination, format and lossy are ImageWriter's; backend is "auto", "bpf" or "proc". freeze holds the processes still
    while they are read, and only then; their descriptors are kept in memory until all have been released. progress is
    called with the running totals after each batch. holds "all" also reads what they hold without a descriptor
    (crfd.Task.held), polls what descriptors their threads wait for (crfd.Task.polls), sockopts the options of sockets
    (their detail.options). A process that cannot be read is named in the result and the others are written; when none can,
    no image is made and UnreadError is raised, as GoneError (a ProcessLookupError) or RefusedError (a PermissionError) where
    that is the first one's reason. With push the scan leaves out what surely fails it: that is no image to keep, for it does
    not say what it lacks.
    """
    selection = as_selection(processes)
    trace = listener()
    number = choose(backend)
    require_holds(holds)
    more = holds == "all"
    scan: AbstractContextManager[Iterator[Batch]]
    if freeze:
        from contextlib import nullcontext

        held, still_batches = _scan_still(number, selection, more, polls, sockopts)
        unread = [Unread(pid, code, STEP_FREEZE) for pid, code in held.refused.items()]
        flags = 0 if held.refused or not held.still else IMAGE_FROZEN
        pids, still, scan = held.pids, held.still, nullcontext(iter(still_batches))
    else:
        pids, still, unread, flags = selection.resolve(), [], [], 0
        scan = scan_running(number, pids, more, push, polls=polls, sockopts=sockopts)
    if trace:
        frozen = f", frozen and read: {len(unread)} refused, {len(still)} held" if freeze else ""
        trace.phase("chosen: %d processes%s", len(pids), frozen)
    own = 0
    waits: Callable[[], bytes] | None = None
    with scan as batches, ImageWriter(destination, format=format, lossy=lossy, backend=number, flags=flags) as writer:
        for batch in batches:
            unread += batch.unread()
            own += batch.own
            if batch.locked and not waits:
                waits = _ask_who_waits(frozenset(pids))
            writer.write(batch)
            if trace:
                trace.phase("written: %d tasks, %d fds, %d objrefs, %d bytes until now", *_counts(writer.stats))
            if progress:
                progress(writer.stats)
        if not writer.stats.tasks:
            raise none_read(unread) if unread else CrfdError("no process was chosen")
        writer.write_still(still)
        if waits:
            writer.write_lock_waits(waits())
    if trace:
        trace.phase("finished: %d tasks, %d fds, %d objrefs, %d bytes, %d unread", *_counts(writer.stats), len(unread))
    ended = [one for one in unread if has_ended(one, selection)]
    stats = writer.stats
    return DumpResult(
        backend=_backend.name(number),
        pids=tuple(pids),
        tasks=stats.tasks,
        fds=stats.fds,
        objrefs=stats.objrefs,
        bytes=stats.bytes,
        left_out=writer.left_out,
        unread=tuple(one for one in unread if one not in ended) if ended else tuple(unread),
        still=tuple(still),
        ended=len(ended),
        own=own,
    )


def _ask_who_waits(pids: frozenset[int]) -> Callable[[], bytes]:
    """Begin to read /proc/locks, which waits some 15 ms for the kernel to do nothing. What is returned waits for the answer."""
    from crfd.worker import Worker

    try:
        return Worker(lambda: lock_waits(pids)).join
    except OSError:  # no more threads
        return lambda: lock_waits(pids)


def require_holds(holds: str) -> None:
    if holds not in HOLDS:
        raise ValueError(f"holds: expected one of {', '.join(HOLDS)}, found {holds!r}")


def choose(backend: str) -> int:
    """Return the number of the backend that a name means here, and trace the reason."""
    number = _backend.choose(backend)
    if trace := listener():
        trace.phase("backend %s: %s", _backend.name(number), _backend.why(backend, number))
    return number


def as_selection(processes: int | Iterable[int] | Selection) -> Selection:
    """Check pids: pid_max is at most 2**22 (proc_sys_kernel(5)), and C holds a pid in an int."""
    if isinstance(processes, Selection):
        return processes
    pids: tuple[Any, ...] = (processes,) if isinstance(processes, (int, str, bytes)) else tuple(processes)
    if not pids:
        raise CrfdError("no process was chosen")
    for pid in pids:
        if not isinstance(pid, int):
            raise TypeError(f"pid: expected an int, found {pid!r}")
        if not 0 < pid < 2**31:
            raise ValueError(f"pid: expected 1 to {2**31 - 1}, found {pid}")
    return Selection(frozenset(pids))


def _counts(totals: Totals) -> tuple[int, int, int, int]:
    return totals.tasks, totals.fds, totals.objrefs, totals.bytes


def has_ended(one: Unread, selection: Selection) -> bool:
    """Whether a process is gone by now and nobody had named it: no failure, since it might never have been."""
    return one.errno == errno.ESRCH and one.pid not in selection.pids


def none_read(unread: list[Unread]) -> UnreadError:
    """Make the error of a dump in which none but these were chosen."""
    pid, code, _ = unread[0]
    kind = GoneError if code == errno.ESRCH else RefusedError if code in {errno.EPERM, errno.EACCES} else UnreadError
    error = kind(code, os.strerror(code), f"pid {pid}")
    error.unread = tuple(unread)
    return error


def _scan_still(
    backend: int, selection: Selection, holds: bool, polls: bool, sockopts: bool
) -> tuple[Frozen, list[Batch]]:
    """Read all of a selection while it stands still."""
    from crfd.capture.freeze import frozen

    if backend == _backend.PROC:
        with suppress(ImportError):  # now, and not while all wait: it takes a tenth of a second
            import crfd.capture.sock_diag  # noqa: F401
    batches: list[Batch] = []
    with (
        frozen(selection) as held,
        _scanner(backend, held.pids, still=not held.refused, holds=holds, polls=polls, sockopts=sockopts) as scanner,
    ):
        while scanner.next(batch := Batch()):
            batches.append(batch)
    return held, batches


class _ProcScanner(Scanner):
    """A scanner that fills in the peers of unix sockets, where the extra crfd[net] is installed."""

    _peers: tuple[Peers, ...] | None = None

    def next(self, batch: Batch) -> bool:
        more = super().next(batch)
        if more and (lacks := batch.lack_peers()):
            if self._peers is None:
                self._peers = _peers()
            for peers in self._peers:
                peers.fill(batch, lacks)
        return more


def _peers() -> tuple[Peers, ...]:
    try:
        from crfd.capture.sock_diag import Peers
    except ImportError:
        return ()
    return (Peers(),)


def _threads() -> int:
    """Return how many threads may run at a time; one where Python cannot learn it (a set of very many processors)."""
    try:
        return len(os.sched_getaffinity(0))
    except (OSError, OverflowError):
        return 1


def _scanner(
    backend: int,
    pids: list[int],
    *,
    still: bool = False,
    holds: bool,
    polls: bool,
    sockopts: bool,
    push: Push | None = None,
) -> Scanner:
    kind = _ProcScanner if backend == _backend.PROC else Scanner
    return kind(backend, pids, _threads(), still=still, holds=holds, polls=polls, sockopts=sockopts, push=push)


class scan_running:  # noqa: N801
    """Gives the batches of a scan, to be used in a with statement; each is valid until the next is asked for."""

    def __init__(
        self,
        backend: int,
        pids: list[int],
        holds: bool = False,
        push: Push | None = None,
        *,
        polls: bool = False,
        sockopts: bool = False,
    ) -> None:
        self._trace = listener()
        if push and self._trace:
            self._trace.say("pushed down: %s", push)
        self._scanner = _scanner(backend, pids, holds=holds, polls=polls, sockopts=sockopts, push=push)

    def __enter__(self) -> Iterator[Batch]:
        return _one_by_one(self._scanner, self._trace)

    def __exit__(self, *error: object) -> None:
        self._scanner.close()


def _one_by_one(scanner: Scanner, trace: Trace | None) -> Iterator[Batch]:
    batch = Batch()
    while scanner.next(batch):
        if trace:
            trace.phase("read: a batch of nfds %d", len(batch.keys))
            if batch.own:
                trace.say("left out: %d descriptors that the scan has in this process", batch.own)
        yield batch
