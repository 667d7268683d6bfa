# SPDX-License-Identifier: MIT
"""Which object a path names."""

from __future__ import annotations

import os
from collections import namedtuple

from crfd._core.library import check, ffi, lib

DEADLINE = 2000  # milliseconds that a file system may take to answer


class Located(namedtuple("Located", ("dev", "rdev", "ino", "mode", "real"))):
    """dev, rdev, ino and mode as of stat(2); real is the path from the root, empty where it is too long."""

    __slots__ = ()
    dev: int
    rdev: int
    ino: int
    mode: int
    real: bytes


def locate(path: str | bytes, deadline: int = DEADLINE) -> Located:
    """Asks the file system where the kernel's caches do not say; TimeoutError when it does not answer, or OSError."""
    out = ffi.new("crfd_located *")
    check(lib.crfd_locate(os.fsencode(path), deadline, out), os.fsdecode(path))
    return Located(out.dev, out.rdev, out.ino, out.mode, ffi.string(out.real))
