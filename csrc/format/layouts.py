# SPDX-License-Identifier: MIT
"""Rewrites the tables of FORMAT.md that format.cdef.h declares: `python csrc/format/layouts.py`, or --check to compare."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
BEGIN = "<!-- from format.cdef.h: rewrite with csrc/format/layouts.py -->\n"
TYPES = {
    "uint64_t": ("u64", 8), "uint32_t": ("u32", 4), "uint16_t": ("u16", 2), "uint8_t": ("u8", 1),
    "int64_t": ("s64", 8), "int32_t": ("s32", 4), "int16_t": ("s16", 2), "char": ("char", 1),
    "crfd_fd_stat": ("crfd_fd_stat", 64),
}  # fmt: skip
HEADER = "| offset | type | name | meaning |\n| --- | --- | --- | --- |"


def _members(body: str) -> Iterator[tuple[int, str, str, str]]:
    """(offset, type, name, comment) of each member, and a last row that only carries the size."""
    offset = 0
    for kind, names, comment in re.findall(r"^\t(\w+) ([^;]+);(?:[ \t]*/\* (.*?) \*/)?", body, re.M):
        short, size = TYPES[kind]
        for member in names.split(","):
            name, _, count = member.strip().rstrip("]").partition("[")
            yield offset, f"{short}[{count}]" if count else short, name, comment or ("zero" if name == "pad" else "")
            offset += size * int(count or 1)
    yield offset, "", "", ""


def _structs(header: str) -> Iterator[str]:
    for about, body, name in re.findall(
        r"(?:/\* ([^*]*?) \*/\n)?typedef struct \{(.*?)^\} (\w+);", header, re.S | re.M
    ):
        *rows, (size, *_) = _members(body)
        prose = f"{' '.join(about.split())}\n\n" if about else ""
        table = "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
        yield f"### {name}\n\n{prose}{size} bytes.\n\n{HEADER}\n{table}\n"


def _bits(header: str) -> str:
    rows = re.findall(
        r"^#define (CRFD_(?:(?:\w+_)?HAS|STAT|IMAGE|LOCK|MAP)_\w+) (\d+)(?: /\* (.*?) \*/)?", header, re.M
    )
    table = "\n".join(f"| {value} | {name} | {about} |" for name, value, about in rows)
    return f"### Bits\n\n| value | name | meaning |\n| --- | --- | --- |\n{table}\n"


def _enums(header: str) -> Iterator[str]:
    for about, name, body in re.findall(r"(?:/\* ([^*]*?) \*/\n)?^enum (crfd_\w+) \{(.*?)\};", header, re.S | re.M):
        if name == "crfd_rec_type":
            continue
        rows = re.findall(r"(CRFD_\w+) = (\w+),?(?:[ \t]*/\* (.*?) \*/)?", body)
        prose = f"{' '.join(about.split())}\n\n" if about else ""
        table = "\n".join(f"| {value} | {key} | {note} |" for key, value, note in rows)
        yield f"### {name}\n\n{prose}| value | name | meaning |\n| --- | --- | --- |\n{table}\n"


def tables() -> str:
    header = (HERE / "format.cdef.h").read_text(encoding="ascii")
    return "\n".join([*_structs(header), _bits(header), *_enums(header)])


def main() -> int:
    path = HERE / "FORMAT.md"
    prose, _, found = path.read_text(encoding="utf-8").partition(BEGIN)
    if "--check" in sys.argv:
        return int(found != tables())
    path.write_text(prose + BEGIN + tables(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
