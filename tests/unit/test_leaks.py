# SPDX-License-Identifier: MIT
"""The search for the kernel's addresses: it finds one wherever it is planted, and takes nothing else for one."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from crfd._core import declarations
from tests import images, leaks
from tests.images import Rec
from tests.leaks import Leak

HEAP = 0xFFFF_8A12_3456_7890
TEXT = 0xFFFF_FFFF_8123_4560  # of the kernel's own text, which only a whole number shows
RAW = HEAP.to_bytes(8, "little")
FDINFO, SOCK_NAME = 0x4202, 0x4207
NUMBERS = {kind.name: number for number, kind in leaks.record_types().items()}
STRUCTS = {kind.name: kind for kind in leaks.record_types().values() if kind.struct}
TEXTS = sorted(NUMBERS.keys() - STRUCTS.keys() - {"SOCK_NAME", "SOCK_PEER"})
VSOCK = bytes.fromhex("28000000 5ba5a3ca ffffffff 00000000")  # port 0xcaa3a55b, of any cid


def with_record(record: Rec) -> bytes:
    """An image with one record more, before its end."""
    records = images.plan(images.sample())
    return images.assemble([*records[:-1], record, records[-1]])


def places() -> Iterator[tuple[str, int]]:
    """Wherever eight bytes of a struct may be an address."""
    for name, kind in STRUCTS.items():
        for offset, _ in leaks.words(kind.struct):
            yield name, offset
        for field in declarations.layout(kind.struct):
            if field.code.endswith("s"):
                yield name, field.offset
                yield name, field.offset + int(field.code[:-1]) - 8


def test_every_type_of_record_is_searched() -> None:
    assert len(leaks.record_types()) == len(declarations.enum("crfd_rec_type", "CRFD_REC_")) - 2  # two are limits
    assert {name for name, _ in places()} == STRUCTS.keys()
    names = {"STRING", "FNAME", "TASK_EXE", "TASK_CMDLINE", "TASK_CGROUP", "FDINFO", "DRIVER", "MISC_DEVICE"}
    assert names == set(TEXTS)


@pytest.mark.parametrize(("name", "offset"), list(places()))
def test_an_address_in_a_struct_is_found(name: str, offset: int) -> None:
    size = declarations.sizeof(STRUCTS[name].struct)
    payload = bytearray(size if STRUCTS[name].goes_on else 2 * size)
    at = len(payload) - size + offset  # in the last
    assert leaks.in_image(with_record(Rec(NUMBERS[name], bytes(payload)))) == []
    payload[at : at + 8] = RAW
    assert leaks.in_image(with_record(Rec(NUMBERS[name], bytes(payload)))) == [Leak(name, at, HEAP)]


@pytest.mark.parametrize(
    "name", [name for name, kind in STRUCTS.items() if kind.goes_on or declarations.sizeof(kind.struct) > len(RAW)]
)
def test_an_address_behind_a_struct_is_found(name: str) -> None:
    payload = bytes(declarations.sizeof(STRUCTS[name].struct)) + b"/a" * STRUCTS[name].goes_on + RAW
    assert leaks.in_image(with_record(Rec(NUMBERS[name], payload))) == [Leak(name, len(payload) - len(RAW), HEAP)]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("offset", range(9))
def test_an_address_in_a_text_is_found_at_any_byte(name: str, offset: int) -> None:
    payload = b"/" * offset + RAW + b"text\0"
    assert leaks.in_image(with_record(Rec(NUMBERS[name], payload))) == [Leak(name, offset, HEAP)]


WRITTEN = {
    "hexadecimal": b"list: ffff8a1234567890\n",
    "with 0x": b"list: 0xffff8a1234567890,\n",
    "capital letters": b"list: FFFF8A1234567890\n",
    "decimal": f"list: {HEAP}\n".encode(),
    "the kernel's text": b"call: ffffffff81234560\n",
    "five levels": b"list: ff11000123456789\n",
    "at the end": b"list: ffff8a1234567890",
    "in JSON": b'{"pos": 18446613949386193040}',
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_an_address_that_is_written_out_is_found(text: bytes) -> None:
    (found,) = leaks.in_image(with_record(Rec(FDINFO, text)))
    assert (found.record, leaks.is_address(found.value)) == ("FDINFO", True)
    assert len(list(leaks.in_text(text.decode()))) == 1


@pytest.mark.parametrize("cut", [3, 14])
def test_an_address_that_two_records_share_is_found(cut: int) -> None:
    """A text longer than a record holds goes on in the next."""
    text = b"abcdef" + RAW + b" ffff8a1234567890"
    records = images.plan(images.sample())
    pair = [Rec(FDINFO, text[:cut], 7), Rec(FDINFO, text[cut:], 7)]
    found = leaks.in_image(images.assemble([*records[:-1], *pair, records[-1]]))
    assert found == [Leak("FDINFO", 6, HEAP), Leak("FDINFO", 15, HEAP)]


@pytest.mark.parametrize("value", [HEAP, TEXT, 0xFF11_0001_2345_6789, 0xFFFF_FFFF_FEFF_FFFF])
def test_every_kind_of_address_is_found_in_a_whole_number(value: int) -> None:
    payload = struct.pack("<QQQ", value, 0, 0)
    assert leaks.in_image(with_record(Rec(NUMBERS["EVENTFD"], payload))) == [Leak("EVENTFD", 0, value)]


def test_an_address_in_a_record_of_the_future_is_found() -> None:
    assert leaks.in_image(with_record(Rec(0x5FFF, b"abc" + RAW))) == [Leak("type 0x5fff", 3, HEAP)]


SOCKADDRS = {  # family, and how many bytes of it have a meaning
    "unix": (1, 2), "inet": (2, 8), "inet6": (10, 28), "netlink": (16, 12), "packet": (17, 20), "vsock": (40, 12),
    "unheard of": (99, 2),
}  # fmt: skip


@pytest.mark.parametrize(("family", "known"), SOCKADDRS.values(), ids=SOCKADDRS)
def test_an_address_behind_a_sockaddr_is_found(family: int, known: int) -> None:
    payload = struct.pack("<H", family).ljust(known, b"\xff") + RAW
    assert leaks.in_image(with_record(Rec(SOCK_NAME, payload))) == [Leak("SOCK_NAME", known, HEAP)]


INNOCENT = {
    "a vsock's port and cid": (SOCK_NAME, VSOCK),
    "a netlink port": (SOCK_NAME, struct.pack("<HHII", 16, 0, 0xFFFF8A12, 0xFFFFFFFF)),
    "IPv6 multicast": (SOCK_NAME, struct.pack("<HHI16sI", 10, 0xFFFF, 0xFFFF8A12, b"\xff\xff\x8a\xff" * 4, 0)),
    "a broadcast address": (SOCK_NAME, struct.pack("<HHIHBB8s", 17, 0xFFFF, 1, 1, 0, 6, b"\x12\x8a\xff\xff\xff\xff")),
    "no limit": (NUMBERS["TASK_INFO"], b"\xff" * declarations.sizeof("crfd_task_info")),
    "a counter at its end": (NUMBERS["EVENTFD"], struct.pack("<QQQ", 2**64 - 2, 0, 0)),
    "a negative position": (NUMBERS["EVENTFD"], struct.pack("<qQQ", -4096, 0, 0)),
    "nobody": (NUMBERS["OWNER"], struct.pack("<iIIIII", 1, 1, 1000, 0xFFFFFFFF, 0, 0)),
    "a sum": (NUMBERS["SECTION_SUM"], struct.pack("<QII", 8, 0x12345678, 0xFFFF8A12)),
    "a name in Latin-1": (NUMBERS["FNAME"], b"/caf\xe9 \xff\xfe\xff and on\0"),
    "a user's address": (FDINFO, b"0: 0x55cee2b64790/4096\ntfd: 1 data: 00007ffd12345678\n"),
    "a file handle": (FDINFO, b"inotify wd:1 f_handle:ffff8a1234567890\n"),
    "a program's hash": (FDINFO, b"prog_tag:\tffff8a1234567890\n"),
    "a container": (NUMBERS["TASK_CGROUP"], b"0::/docker/" + b"ffff8a1234567890" * 4 + b"\n"),
    "a mask of all": (FDINFO, b"sigmask:\tffffffffffffffff\n"),
}


@pytest.mark.parametrize(("number", "payload"), INNOCENT.values(), ids=INNOCENT)
def test_what_is_no_address_is_left_alone(number: int, payload: bytes) -> None:
    assert leaks.in_image(with_record(Rec(number, payload))) == []


def test_the_port_would_deceive_who_looks_at_bytes_alone() -> None:
    (window,) = struct.unpack_from("<Q", VSOCK, 2)
    assert leaks.is_address(window)
    assert leaks.in_image(with_record(Rec(0x5FFF, VSOCK))) != []
