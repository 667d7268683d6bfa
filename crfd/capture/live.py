# SPDX-License-Identifier: MIT
"""Looks at processes without an image on disk."""

from __future__ import annotations

import io
from collections.abc import Iterable

from crfd._core.scan import count as _count
from crfd.capture.dumper import dump
from crfd.capture.selection import Selection
from crfd.image.model import Task
from crfd.image.reader import Image


def scan(pid: int, *, backend: str = "auto", holds: str = "fd", polls: bool = False, sockopts: bool = False) -> Task:
    """Return the open descriptors of one process or thread, now.

    backend is "auto", "bpf" or "proc"; holds "all" fills Task.held too, polls Task.polls, and sockopts the options of sockets.
    Of this process, what the scan itself has open is left out, and what was opened since it began. Raises
    ProcessLookupError when there is no such process, PermissionError when the kernel does not let us look, BackendError when
    "bpf" cannot run here.
    """
    return snapshot(pid, backend=backend, holds=holds, polls=polls, sockopts=sockopts).tasks[pid]


def snapshot(
    processes: int | Iterable[int] | Selection,
    *,
    backend: str = "auto",
    freeze: bool = False,
    holds: str = "fd",
    polls: bool = False,
    sockopts: bool = False,
) -> Image:
    """Return an image of processes, now, in memory: what dump() writes, with its arguments and errors.

    A process that cannot be read is not in it; dump() names each and says why.
    """
    image = io.BytesIO()
    dump(processes, image, backend=backend, freeze=freeze, holds=holds, polls=polls, sockopts=sockopts)
    return Image(image.getbuffer())


def count(pid: int) -> int:
    """Return the number of descriptors that a process has open.

    One system call where the kernel has it: st_size of /proc/PID/fd (Linux 6.2, fs/proc/fd.c), which needs no privilege;
    the directory is listed elsewhere. Raises ProcessLookupError or PermissionError.
    """
    return _count(pid)
