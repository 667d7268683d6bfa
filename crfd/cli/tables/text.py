# SPDX-License-Identifier: MIT
"""How values look on a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

# open(2); the numbers differ between architectures, so they are the host's own.
_FLAGS = [
    (getattr(os, name), name)
    for name in (
        "O_APPEND", "O_NONBLOCK", "O_SYNC", "O_DSYNC", "O_ASYNC", "O_DIRECT", "O_LARGEFILE", "O_TMPFILE",
        "O_DIRECTORY", "O_NOFOLLOW", "O_NOATIME", "O_PATH",
    )
    if getattr(os, name, 0)
]  # fmt: skip
_KERNEL_LARGEFILE = (
    0o100000  # glibc's O_LARGEFILE is 0 on 64 bits, the kernel's is not (include/uapi/asm-generic/fcntl.h)
)
_ACCESS = {os.O_RDONLY: "O_RDONLY", os.O_WRONLY: "O_WRONLY", os.O_RDWR: "O_RDWR"}


def flags(value: int) -> str:
    """f_flags as O_ names joined by |, what has no name in octal."""
    access = value & os.O_ACCMODE
    names = [] if value & getattr(os, "O_PATH", 0) else [_ACCESS.get(access, f"{access:o}")]
    rest = value & ~os.O_ACCMODE & ~_KERNEL_LARGEFILE
    for bits, name in _FLAGS:
        if rest & bits == bits:
            names.append(name)
            rest &= ~bits
    if value & _KERNEL_LARGEFILE:
        names.append("O_LARGEFILE")
    if rest:
        names.append(f"0{rest:o}")
    return "|".join(names)


def escape(raw: bytes) -> str:
    """Bytes as text that cannot move the cursor: control characters, backslashes and what is not UTF-8 as \\xNN."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(c if c.isprintable() and c != "\\" else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int]) -> Iterator[str]:
    """Lines of an aligned table; columns in `right` are aligned right, the last one is not padded."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(header) - 1
    for line in lines:
        cells = (
            cell.rjust(width) if i in right else cell if i == last else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def size(n: int) -> str:
    """Bytes with a binary unit."""
    value = float(n)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
