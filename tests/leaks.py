# SPDX-License-Identifier: MIT
"""Looks for addresses of the kernel in an image, and knows what it looks at.

A struct is searched field by field, a text byte by byte and for numbers that are written out. A socket's address is
neither: its port and its cid stand side by side and may together look like anything.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from crfd._core import declarations

_FORMAT = Path(__file__).parents[1] / "csrc" / "format" / "FORMAT.md"

# The kernel's half of 64 bits: with five levels of tables from ff00… on; the top is negative numbers, not memory
# (Documentation/arch/x86/x86_64/mm.rst, Documentation/arch/arm64/memory.rst).
_KERNEL = range(0xFF00_0000_0000_0000, 0xFFFF_FFFF_FF00_0000)
# The same where eight bytes need not be one number: with four levels, without the text, which -1 and any number make.
_HEAP = range(0xFFFF_0000_0000_0000, 0xFFFF_FF00_0000_0000)

# The bytes of a struct sockaddr that the headers give a meaning; the rest is searched. linux/in.h, in6.h,
# can.h, netlink.h, if_packet.h, tipc.h, vm_sockets.h, qrtr.h, if_xdp.h: the bytes of `family` for all others.
_SOCKADDR = {2: 8, 10: 28, 16: 12, 17: 20, 29: 8, 30: 16, 40: 12, 42: 12, 44: 16}

# Bytes in hexadecimal that are no number: of a file handle (fs/notify/fdinfo.c), of a program's hash (kernel/bpf/syscall.c).
_WRITTEN_BYTES = re.compile(r"(?:f_handle:|prog_tag:\s*)[0-9a-f]+")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x)?(?P<hex>[0-9a-fA-F]{16})|(?P<decimal>[0-9]{19,20}))(?![0-9A-Za-z])")


class Leak(NamedTuple):
    record: str
    offset: int  # in the payload
    value: int


class RecordType(NamedTuple):
    name: str
    payload: str  # in words
    struct: str  # that it is or begins with; empty for a text

    @property
    def goes_on(self) -> bool:
        """Whether a text follows the struct, and not another struct of its kind."""
        return ", and " in self.payload


class _Record(NamedTuple):
    type: int
    parent: int
    payload: bytes


def is_address(number: int) -> bool:
    return number in _KERNEL


def in_text(text: str) -> Iterator[tuple[int, int]]:
    """Give (where, value) of each number in a text, hexadecimal or decimal, that may be an address."""
    for found in _NUMBER.finditer(_WRITTEN_BYTES.sub(lambda match: "_" * len(match[0]), text)):
        value = int(found["hex"], 16) if found["hex"] else int(found["decimal"])
        if is_address(value):
            yield found.start(), value


def in_image(image: bytes) -> list[Leak]:
    """Find what may be an address, anywhere in an image. A text that goes on in the next record is searched as one."""
    leaks = []
    for (number, _), group in groupby(_records(image), attrgetter("type", "parent")):
        kind = record_types().get(number, RecordType(f"type {number:#x}", "", ""))
        payloads = [record.payload for record in group]
        if kind.struct:
            found = [leak for payload in payloads for leak in _in_structs(kind, payload)]
        elif "sockaddr" in kind.payload:
            found = [leak for payload in payloads for leak in _in_sockaddr(payload)]
        else:
            found = list(_in_bytes(b"".join(payloads)))
        leaks += [Leak(kind.name, *leak) for leak in found]
    return leaks


@cache
def record_types() -> dict[int, RecordType]:
    """Read the record types from the table of FORMAT.md."""
    section = _FORMAT.read_text().partition("## Record types")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (0x\w+|\d+) \| (\w+) \| \S+ \| (.*) \|$", section, re.M)
    types: dict[int, RecordType] = {}
    before = ""
    for number, name, words in rows:
        payload = before if words == "the same" else words
        struct_name = re.match(r"crfd_\w+", payload)
        types[int(number, 0)] = RecordType(name, payload, struct_name[0] if struct_name else "")
        before = payload
    return types


@cache
def words(name: str) -> tuple[tuple[int, range], ...]:
    """The 8 bytes at every eighth of a struct that may hold an address: offset and which numbers are one.

    Two numbers of 32 bits are looked at as well, for memory that nobody has filled; but not the sums, which are random.
    """
    fields = declarations.layout(name)
    found = []
    for offset in range(0, declarations.sizeof(name), 8):
        here = [field for field in fields if offset <= field.offset < offset + 8]
        if any(field.code in {"Q", "q"} for field in here):
            found.append((offset, _KERNEL))
        elif here and not any(field.code.endswith("s") or "crc" in field.name for field in here):
            found.append((offset, _HEAP))
    return tuple(found)


def _in_structs(kind: RecordType, payload: bytes) -> Iterator[tuple[int, int]]:
    size = declarations.sizeof(kind.struct)
    texts = [(f.offset, int(f.code[:-1])) for f in declarations.layout(kind.struct) if f.code.endswith("s")]
    end = min(size, len(payload)) if kind.goes_on else len(payload) // size * size
    for start in range(0, end, size):
        for offset, addresses in words(kind.struct):
            (value,) = struct.unpack_from("<Q", payload, start + offset)
            if value in addresses:
                yield start + offset, value
        for offset, length in texts:
            at = start + offset
            yield from ((at + where, value) for where, value in _in_bytes(payload[at : at + length]))
    yield from ((end + where, value) for where, value in _in_bytes(payload[end:]))


def _in_sockaddr(payload: bytes) -> Iterator[tuple[int, int]]:
    known = _SOCKADDR.get(int.from_bytes(payload[:2], "little"), 2)
    yield from ((known + where, value) for where, value in _in_bytes(payload[known:]))


def _in_bytes(data: bytes) -> Iterator[tuple[int, int]]:
    """Find addresses at any offset, and those that are written out as text."""
    at = data.find(b"\xff\xff", 6)
    while at >= 0:
        (value,) = struct.unpack_from("<Q", data, at - 6)
        if value in _HEAP:
            yield at - 6, value
        at = data.find(b"\xff\xff", at + 1)
    yield from in_text(data.decode("latin-1"))


def _records(image: bytes) -> Iterator[_Record]:
    pos = 0
    while pos < len(image):
        number, length, parent = struct.unpack_from("<hhI", image, pos)
        pos += 8
        assert 0 <= length <= len(image) - pos, f"byte {pos - 6}: expected a length, found {length}"
        yield _Record(number, parent, image[pos : pos + length])
        pos += length
