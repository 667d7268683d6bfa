# SPDX-License-Identifier: MIT
"""The object that a path names."""

from __future__ import annotations

import os

from crfd._core.library import check, ffi, lib
from crfd.light import NamedTuple

DEADLINE = 2000  # milliseconds that a file system may take to answer


class Located(NamedTuple):
    """An object: dev, rdev, ino and mode are those of stat(2); real is its path from the root, empty where it is too long."""

    dev: int
    rdev: int
    ino: int
    mode: int
    real: bytes


def locate(path: str | bytes, deadline: int = DEADLINE) -> Located:
    """Find an object, asking its file system where the kernel's caches do not say.

    deadline: milliseconds until TimeoutError is raised. Raises OSError where there is no such object.
    """
    out = ffi.new("crfd_located *")
    check(lib.crfd_locate(os.fsencode(path), deadline, out), os.fsdecode(path))
    return Located(out.dev, out.rdev, out.ino, out.mode, ffi.string(out.real))
