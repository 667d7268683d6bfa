# SPDX-License-Identifier: MIT
"""The facts that a process knows of its descriptors, and those that a scan finds."""

from __future__ import annotations

import platform
from typing import Any, TypeVar

import pytest

import crfd
from tests import mkfds

T = TypeVar("T")
LINUX = tuple(map(int, platform.release().split(".")[:2]))
# Where the BPF backend goes over the tables of tasks by itself.
WALKED = platform.machine() == "x86_64" and LINUX >= (6, 2)


def known(holder: mkfds.Holder, kind: str, fact: str) -> list[dict[str, Any]]:
    """Return the descriptors of a kind of which the process knows a fact; skip where this machine has none."""
    found = [one for one in holder.fds if one["kind"] == kind and fact in one]
    if not found:
        pytest.skip(f"{kind}: {holder.skipped.get(kind, 'none here')}")
    return found


def scan(pid: int, backend: str) -> dict[int, crfd.OpenFile]:
    files = {fd: entry.file for fd, entry in crfd.scan(pid, backend=backend).fds.items()}
    return {fd: file for fd, file in files.items() if file is not None}


def of(file: crfd.OpenFile, what: type[T]) -> T:
    detail = file.detail
    assert isinstance(detail, what), (file, detail)
    return detail
