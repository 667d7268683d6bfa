# SPDX-License-Identifier: MIT
"""Values made fit for a terminal: escaped, aligned, counted."""

from __future__ import annotations

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def escape(raw: bytes) -> str:
    """Return bytes as text that cannot move the cursor: control characters, backslashes and what is not UTF-8 as \\xNN."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(c if c.isprintable() and c != "\\" else _escaped(c) for c in text)


def visible(text: str, kept: str = "") -> str:
    """Return text with every character that is not printable as \\xNN, but for those of kept."""
    if (text.replace(kept, "") if kept else text).isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int]) -> Iterator[str]:
    """Give the lines of an aligned table; columns in `right` are aligned right, the last one is not padded."""
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
    """Return a number of bytes with a binary unit."""
    value = float(n)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
