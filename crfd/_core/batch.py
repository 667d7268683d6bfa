# SPDX-License-Identifier: MIT
"""Batches: a scan gives its tasks in them."""

from __future__ import annotations

import errno

from crfd._core.kinds import kind_name
from crfd._core.library import check, ffi, lib, owned, view
from crfd._core.sock_diag import UnixSockets
from crfd.errors import UnsupportedError
from crfd.light import NamedTuple

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from typing import Any

    from crfd.trace import Trace

_LACKS = 1024  # tasks times network namespaces of a batch, which has at most 64 tasks
STEP_TASK = int(lib.CRFD_STEP_TASK)
STEP_FDINFO = int(lib.CRFD_STEP_FDINFO)
STEP_LINK = int(lib.CRFD_STEP_LINK)
STEP_PARSE = int(lib.CRFD_STEP_PARSE)
STEP_POLLS = int(lib.CRFD_STEP_POLLS)
_RFC_WHY = {
    lib.CRFD_RFC_KIND: "its kind ({kind}) is not file, directory or symbolic link",
    lib.CRFD_RFC_DELETED: "its name was deleted",
    lib.CRFD_RFC_UNREAD: "it could not be read",
    lib.CRFD_RFC_PATH: "its path could not be read",
}


class Unread(NamedTuple):
    """A process that could not be read: errno and the step (crfd.Step) that failed.

    With Step.FDINFO, Step.LINK or Step.PARSE it is in the image, and descriptors of it could not be read; with Step.POLLS that
    alone is not known which of them its threads wait for.
    """

    pid: int
    errno: int
    step: int


class Batch:
    """Tasks as the scanner found them, in C memory."""

    def __init__(self) -> None:
        self._c = owned(lib.crfd_batch_new(), lib.crfd_batch_free)

    @property
    def keys(self) -> memoryview:
        """The identity keys, one a descriptor, format Q. They may hold kernel addresses: never show or store them."""
        return view(self._c.ident, self._c.nfds, "Q")

    @property
    def own(self) -> int:
        """The number of descriptors left out because the scan itself had opened them in this process."""
        return int(self._c.own)

    @property
    def locked(self) -> bool:
        """Whether somebody may have a lock or lease of one of the files, or wait for one."""
        return bool(self._c.locked)

    def unread(self) -> list[Unread]:
        """Return the tasks that could not be read, and those of whose descriptors some are refused."""
        found = []
        for i in range(self._c.ntasks):
            task = self._c.task[i]
            if task.err:
                found.append(Unread(task.info.pid, task.err, task.step))
            elif task.nerrors and (refused := self._refused(task)):
                found.append(Unread(task.info.pid, *refused))
            elif task.polls_err:
                found.append(Unread(task.info.pid, task.polls_err, STEP_POLLS))
        return found

    def _refused(self, task: Any) -> tuple[int, int] | None:
        """Return errno and step of the first descriptor that could not be looked at, names that are too long apart."""
        for i in range(task.first, task.first + task.nfds):
            fd = self._c.fd[i]
            if fd.err != errno.ENAMETOOLONG and fd.step in {STEP_FDINFO, STEP_LINK, STEP_PARSE}:
                return fd.err, fd.step
        return None

    def trace(self, trace: Trace, objrefs: memoryview, new: memoryview) -> None:
        """Say of each task how it was read, and of each descriptor its number, objref, close-on-exec and if it is new."""
        for i in range(self._c.ntasks):
            task = self._c.task[i]
            if task.err:
                trace.say("pid %d: errno %d at step %d", task.info.pid, task.err, task.step)
                continue
            trace.say("pid %d: nfds %d, %d with an error", task.info.pid, task.nfds, task.nerrors)
            for n in range(task.first, task.first + task.nfds):
                fd = self._c.fd[n]
                words = (task.info.pid, fd.fd, objrefs[n], fd.close_on_exec, new[n], fd.err)
                trace.say("pid %d fd %d: objref %d, close-on-exec %d, new %d, errno %d", *words)

    def lack_peers(self) -> list[tuple[int, int, int]]:
        """Return, of each task with unix sockets whose peer is not known, (network namespace, pid, fd of one of them)."""
        if not self._c.nfds:
            return []
        lacks = ffi.new("crfd_peer_lack[]", _LACKS)
        n = lib.crfd_batch_lack_peers(self._c, lacks, _LACKS)
        return [(lacks[i].net_ns, lacks[i].pid, lacks[i].fd) for i in range(n)]

    def fill_peers(self, net_ns: int, sockets: UnixSockets) -> int:
        """Give the unix sockets of a namespace the peers and queues listed; return how many are newer than the list."""
        return int(lib.crfd_batch_fill_peers(self._c, net_ns, sockets._c))

    def keep_rfc(self, lossy: bool) -> int:
        """Drop the descriptors that the fixed records cannot hold, and return how many; UnsupportedError unless lossy."""
        first = ffi.new("crfd_rfc_refusal *")
        rc = lib.crfd_batch_keep_rfc(self._c, lossy, first)
        if rc == lib.CRFD_E_RFC:
            why = _RFC_WHY[first.why].format(kind=kind_name(first.kind))
            raise UnsupportedError(f"pid {first.pid} fd {first.fd}: the rfc format cannot hold it: {why}")
        return check(rc)
