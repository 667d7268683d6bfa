# SPDX-License-Identifier: MIT
"""The files that the kernel itself holds, and no process: what a loop device is of, and swap files."""

from __future__ import annotations

import os

from crfd._core.locate import Located, locate
from crfd.light import NamedTuple

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = "/sys/block"
_SWAPS = "/proc/swaps"


class KernelFile(NamedTuple):
    """A file that the kernel holds: path as the kernel shows it, what it is held for ("loop0", "swap"), and the object.

    located is None where the path leads to no object that answers: it is deleted, or another mount namespace's.
    """

    path: bytes
    by: str
    located: Located | None


def kernel_files() -> Iterator[KernelFile]:
    """Give the files of loop(4) devices, then those of swapon(2)."""
    for path, by in (*_loops(), *_swaps()):
        try:
            yield KernelFile(path, by, locate(path))
        except OSError:
            yield KernelFile(path, by, None)


def _loops() -> Iterator[tuple[bytes, str]]:
    try:
        names = sorted(name for name in os.listdir(_BLOCK) if name.startswith("loop"))
    except OSError:
        return
    for name in names:
        try:
            with open(f"{_BLOCK}/{name}/loop/backing_file", "rb") as file:
                yield file.read().removesuffix(b"\n"), name
        except OSError:  # it is of no file now
            continue


def _swaps() -> Iterator[tuple[bytes, str]]:
    """Read proc_swaps(5)."""
    try:
        with open(_SWAPS, "rb") as file:
            lines = file.read().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        name, kind = line.split()[:2]
        if kind == b"file":
            yield _unescaped(name), "swap"


def _unescaped(name: bytes) -> bytes:
    """Blanks and backslashes are three octal digits behind a backslash (fs/seq_file.c, mangle_path())."""
    first, *others = name.split(b"\\")
    return first + b"".join(bytes([int(other[:3], 8)]) + other[3:] for other in others)
