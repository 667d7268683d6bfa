# SPDX-License-Identifier: MIT
"""The peers of unix sockets, which no copy of a socket tells: from sock_diag(7), of a whole network namespace at once.

pyroute2 (the extra crfd[net]) makes the request and the socket; the answers go to the core as they come. Its own parser
takes 70 µs a socket, the kernel and the core less than one.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import defaultdict

from pyroute2.netlink import NLM_F_DUMP, NLM_F_REQUEST, diag

from crfd._core.batch import Batch
from crfd._core.probe import net_ns_of_socket
from crfd._core.sock_diag import UnixSockets
from crfd.errors import is_ours
from crfd.worker import Worker

_ANSWER = 1 << 16  # bytes: the kernel's are at most 32 KB (net/netlink/af_netlink.c, netlink_recvmsg())
_CLONE_NEWNET = 0x40000000


# The failures of its event loop come to us as errors, or in answers that lack; they need not be on stderr as well.
logging.getLogger("asyncio").addHandler(logging.NullHandler())


class Peers:
    """The answers of the namespaces that one scan has asked, each kept."""

    def __init__(self) -> None:
        self._lists: dict[int, UnixSockets] = {}

    def fill(self, batch: Batch, lacks: list[tuple[int, int, int]]) -> None:
        """Fill in the peers that batch.lack_peers() misses. A namespace is listed again where its list was made too early."""
        sockets: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for net_ns, pid, fd in lacks:
            sockets[net_ns].append((pid, fd))
        for net_ns, holders in sockets.items():
            known = self._lists.get(net_ns)
            if known is not None and not batch.fill_peers(net_ns, known):
                continue
            try:
                self._lists[net_ns] = list_unix_sockets(net_ns, holders)
            except OSError as e:
                if is_ours(e):
                    raise
                continue  # what is refused stays unknown
            batch.fill_peers(net_ns, self._lists[net_ns])


def list_unix_sockets(net_ns: int, holders: list[tuple[int, int]]) -> UnixSockets:
    """Return the unix sockets of a network namespace. holders: (pid, fd) of some of them.

    They are listed in a thread of its own: it alone enters the namespace, and has none of the caller's event loops, which
    pyroute2 would take.
    """
    found: UnixSockets = Worker(lambda: _enter_and_list(net_ns, holders)).join()
    return found


def _enter_and_list(net_ns: int, holders: list[tuple[int, int]]) -> UnixSockets:
    _enter(net_ns, holders)
    request = diag.unix_diag_req()
    request["header"].update(type=diag.SOCK_DIAG_BY_FAMILY, flags=NLM_F_REQUEST | NLM_F_DUMP)
    request["sdiag_family"] = socket.AF_UNIX
    request["udiag_states"] = diag.SS_ALL
    request["udiag_show"] = diag.UDIAG_SHOW_PEER | diag.UDIAG_SHOW_RQLEN | diag.UDIAG_SHOW_ICONS
    request.encode()
    found = UnixSockets()
    with diag.DiagSocket() as asked:
        asked.send(request.data)
        while not found.add(asked.recv(_ANSWER)):
            pass
    return found


def _enter(net_ns: int, holders: list[tuple[int, int]]) -> None:
    """Enter through a process that is in the namespace, or through the socket itself, whose process may have left it."""
    if os.stat("/proc/thread-self/ns/net").st_ino == net_ns:
        return
    refused: OSError = ProcessLookupError(f"network namespace {net_ns}: none of its processes is left")
    for pid, fd in holders:
        for through in (_of_process, net_ns_of_socket):
            try:
                if _enter_that(through(pid, fd), net_ns):
                    return
            except OSError as e:
                refused = e
    raise refused


def _of_process(pid: int, _: int) -> int:
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter_that(fd: int, net_ns: int) -> bool:
    """Enter the namespace that fd is of; False where that is another one. fd is closed."""
    try:
        if os.fstat(fd).st_ino != net_ns:
            return False
        _setns(fd)
        return True
    finally:
        os.close(fd)


def _setns(fd: int) -> None:
    if hasattr(os, "setns"):  # Python 3.12
        os.setns(fd, _CLONE_NEWNET)
        return
    import ctypes

    if ctypes.CDLL(None, use_errno=True).setns(fd, _CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
