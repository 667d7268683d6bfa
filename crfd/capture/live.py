# SPDX-License-Identifier: MIT
"""A look at one process, without an image on disk."""

from __future__ import annotations

import io

from crfd._core.scan import count as _count
from crfd.capture.dumper import dump
from crfd.image.model import Task
from crfd.image.reader import Image


def scan(pid: int, *, backend: str = "auto", holds: str = "fd") -> Task:
    """The open descriptors of one process or thread, now.

    backend is "auto", "bpf" or "proc"; holds "all" fills Task.held too. Raises ProcessLookupError when there is no such
    process, PermissionError when the kernel does not let us look, BackendError when "bpf" cannot run here.
    """
    image = io.BytesIO()
    dump(pid, image, backend=backend, holds=holds)
    return Image(image.getbuffer()).tasks[pid]


def count(pid: int) -> int:
    """How many descriptors a process has open.

    One system call where the kernel has it: st_size of /proc/PID/fd (Linux 6.2, fs/proc/fd.c), which needs no privilege;
    the directory is listed elsewhere. Raises ProcessLookupError or PermissionError.
    """
    return _count(pid)
