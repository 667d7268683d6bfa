# SPDX-License-Identifier: MIT
"""Records of descriptions to values: what this machine cannot make, older kernels, later versions, wrong lengths."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import pytest

import crfd
from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.event import Eventfd
from crfd.kinds.lock import Owner, OwnerType
from crfd.kinds.memory import Memfd
from crfd.kinds.object import BpfObject, IoUring, Pidfd
from crfd.kinds.pipe import MessageQueue, Pipe
from crfd.kinds.socket import (
    Address,
    InetAddress,
    NetlinkAddress,
    PacketAddress,
    RawAddress,
    Socket,
    UnixAddress,
    VsockAddress,
    address,
)
from crfd.kinds.watch import Epoll, EpollTarget, Fanotify, FanotifyMark, Inotify, InotifyMark, MarkType
from tests import images
from tests.shown import image_of, objects, words

R = RecordType


def file(kind: Kind, *extensions: tuple[int, bytes], path: bytes = b"x", **more: Any) -> crfd.OpenFile:
    fields: dict[str, Any] = dict.fromkeys(crfd.OpenFile._fields)
    fields.update(objref=1, kind=kind, f_mode=3, f_flags=2, path=path, known=0, extensions=extensions)
    return crfd.OpenFile(**{**fields, **more})


# ---- sockets ----


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (struct.pack("<H", 1), UnixAddress(b"")),
        (struct.pack("<H", 1) + b"/run/a b\0", UnixAddress(b"/run/a b")),
        (struct.pack("<H", 1) + b"/run/no-nul", UnixAddress(b"/run/no-nul")),
        (struct.pack("<H", 1) + b"\0abstract\0name", UnixAddress(b"\0abstract\0name")),
        (struct.pack("<H", 2) + struct.pack(">H4B8x", 8080, 127, 0, 0, 1), InetAddress("127.0.0.1", 8080)),
        (
            struct.pack("<H", 10)
            + struct.pack(">HI", 443, 7)
            + bytes.fromhex("fe80" + "0" * 26 + "01")
            + struct.pack("<I", 3),
            InetAddress("fe80::1", 443, 7, 3),
        ),
        (struct.pack("<HHII", 16, 0, 1234, 0x80000001), NetlinkAddress(1234, 0x80000001)),
        (
            struct.pack("<H", 17) + struct.pack(">H", 0x0800) + struct.pack("<iHBB8s", 2, 772, 0, 6, b"\1\2\3\4\5\6"),
            PacketAddress(0x0800, 2, 772, 0, b"\1\2\3\4\5\6"),
        ),
        (struct.pack("<HHIII", 40, 0, 1024, 2, 0), VsockAddress(2, 1024)),
        (struct.pack("<HH", 44, 9), RawAddress(44, b"\t\0")),
        (struct.pack("<HH", 2, 9), RawAddress(2, b"\t\0")),  # too short for its family
    ],
)
def test_addresses(raw: bytes, expected: Address) -> None:
    assert address(raw) == expected


def _socket(known: int, **values: int) -> tuple[int, bytes]:
    names = ("family", "type", "protocol", "state", "recv", "send", "backlog", "in_flight", "peer", "net_ns")
    return R.SOCKET, struct.pack("<IHHIIIIIIQQ", known, *(values.get(name, 0) for name in names))


V4 = struct.pack("<H", 2) + struct.pack(">H4B8x", 80, 127, 0, 0, 1)


def test_a_listening_socket() -> None:
    one = file(
        Kind.SOCKET, _socket(0xFF, family=2, type=1, protocol=6, state=10, recv=3, backlog=128), (R.SOCK_NAME, V4)
    )
    found = one.detail
    assert isinstance(found, Socket)
    assert (found.listening, found.backlog, found.recv_queue, found.peer_ino) == (True, 128, 3, 0)
    assert (found.name, found.peer, found.names_known) == (InetAddress("127.0.0.1", 80), None, True)
    assert words(one) == " TCP 127.0.0.1:80 LISTEN waiting=3 backlog=128"


def test_several_socket_records_complete_each_other() -> None:
    one = file(Kind.SOCKET, _socket(1, family=1, type=2), _socket(64, in_flight=4, family=9))
    found = one.detail
    assert isinstance(found, Socket)
    assert (found.family, found.type, found.in_flight, found.state, found.names_known) == (1, 2, 4, None, False)
    assert words(one) == " unix dgram in_flight=4"


def test_a_connection_and_an_unknown_family() -> None:
    one = file(
        Kind.SOCKET, _socket(0xFF, family=2, type=1, protocol=6, state=1, send=5), (R.SOCK_NAME, V4), (R.SOCK_PEER, V4)
    )
    assert words(one) == " TCP 127.0.0.1:80 → 127.0.0.1:80 ESTABLISHED send=5"
    one = file(Kind.SOCKET, _socket(1, family=99, type=77, protocol=5))
    assert words(one) == " family 99 77"
    assert file(Kind.SOCKET).detail is None


# ---- the rest ----


def test_owner() -> None:
    one = file(Kind.FILE, (R.OWNER, struct.pack("<iIIIII", 77, 2, 1000, 1001, 37, 0)))
    assert one.owner == Owner(77, OwnerType.PGRP, 1000, 1001, 37)
    assert words(one) == " owner: pgrp 77 signal RTMIN+3"
    assert objects(image_of(one), "owner")[0] == {
        "owner": {"pid": 77, "type": "pgrp", "uid": 1000, "euid": 1001, "signal": 37}
    }
    assert file(Kind.FILE, (R.OWNER, struct.pack("<iIIIII", 0, 1, 0, 0, 0, 0))).owner == Owner(
        None, OwnerType.PID, 0, 0, 0
    )


def test_pipe_and_memfd() -> None:
    pipe = file(Kind.PIPE, (R.PIPE, struct.pack("<IIQII", 7, 65536, 10, 1, 0)), path=b"pipe:[1]", f_mode=1)
    assert pipe.detail == Pipe("read", False, 65536, 10, 1, 0)
    assert words(pipe) == " read 10B waiting of 65536B readers=1 writers=0"
    assert file(Kind.MQUEUE, (R.MQUEUE, struct.pack("<QQQ", 5, 64, 2))).detail == MessageQueue(5, 64, 2)
    assert file(Kind.MQUEUE).detail is None
    assert file(Kind.PIPE, (R.PIPE, struct.pack("<IIQII", 0, 9, 9, 9, 9)), f_mode=2).detail == Pipe(
        "write", False, None, None, None, None
    )
    memory = file(Kind.MEMFD, (R.MEMFD, struct.pack("<II", 0xF, 1)), path=b"/memfd:a (deleted)", size=5)
    assert memory.detail == Memfd(b"a (deleted)", 15, False)
    assert words(memory) == " seals=seal|shrink|grow|write 5B"
    assert file(Kind.MEMFD, (R.MEMFD, struct.pack("<II", 9, 0)), path=b"/memfd:").detail == Memfd(b"", None, False)


def test_what_an_older_kernel_does_not_say_is_none() -> None:
    assert file(Kind.EVENTFD, (R.EVENTFD, struct.pack("<QIIII", 3, 9, 0, 9, 0))).detail == Eventfd(3, None, None)
    target = struct.pack("<iIQQQQ", 5, 1, 2, 0, 0, 0)
    assert file(Kind.EPOLL, (R.EPOLL, target)).detail == Epoll((EpollTarget(5, 1, 2, None, None, None),))
    assert file(Kind.PIDFD, (R.PIDFD, struct.pack("<ii", 9, 0))).detail == Pidfd(9, None, False, False)
    found = file(Kind.IO_URING, (R.IO_URING, struct.pack("<6I", 0, 0, 3, 4, 2, 0))).detail
    assert found == IoUring(None, None, 3, 4)
    body = struct.pack("<8I16s", 0, 0xFFFFFFFF, 0, 0, 0, 0, 7, 0, b"name")
    assert file(Kind.BPF_LINK, (R.BPF, body)).detail == BpfObject(None, None, "name", None, None, None, None, 7)


def test_arrays_over_several_records() -> None:
    marks = [struct.pack("<iIQQ", i, 2, i + 10, 5) for i in range(5)]
    one = file(Kind.INOTIFY, (R.INOTIFY, b"".join(marks[:3])), (R.INOTIFY, b"".join(marks[3:])))
    assert one.detail == Inotify(tuple(InotifyMark(i, 2, 5, i + 10) for i in range(5)))
    assert file(Kind.INOTIFY, (R.INOTIFY, b"")).detail == Inotify(())
    assert file(Kind.INOTIFY, (R.FDINFO, b"inotify of a later kernel\n")).detail is None
    assert words(one) == " [5 marks]"


def test_numbers_of_a_later_kernel_have_no_name_and_do_no_harm() -> None:
    one = file(Kind.FILE, (R.LOCK, struct.pack("<IIiIQQ", 9, 7, 5, 0, 1, 2)))
    (lock,) = one.locks
    assert (lock.kind, lock.type, lock.pid) == (9, 7, 5)
    assert words(one) == " lock: 9 7 pid 5"
    group = struct.pack("<II", 0, 0)
    mark = struct.pack("<IIQQQQiI", 8, 0, 1, 2, 3, 4, 5, 0)
    found = file(Kind.FANOTIFY, (R.FANOTIFY, group), (R.FANOTIFY_MARK, mark)).detail
    assert isinstance(found, Fanotify)
    assert found.marks == (FanotifyMark(MarkType(8), 0, 1, 2, None, None, None),)
    assert file(Kind(99), (0x5000, b"later")).detail is None


def test_names_from_outside_do_not_reach_the_terminal_raw() -> None:
    buffer = struct.pack("<QQ32s32s", 1, 1, b"exp", b"\x1b[31mred")
    assert "\x1b" not in words(file(Kind.DMABUF, (R.DMABUF, buffer)))
    raw = struct.pack("<H", 1) + b"/run/\x1b[2J"
    one = file(Kind.SOCKET, _socket(0xFF, family=1, type=1), (R.SOCK_NAME, raw))
    assert "\x1b" not in words(one)
    assert "\\u001b" in json.dumps(objects(image_of(one), "detail"))


# ---- the parser ----

_SIZES = {
    R.OWNER: 24, R.PIPE: 24, R.SOCKET: 48, R.EVENTFD: 24, R.TIMERFD: 32, R.SIGNALFD: 8, R.FANOTIFY: 8, R.MEMFD: 8,
    R.PIDFD: 8, R.IO_URING: 24, R.BPF: 48, R.USERFAULTFD: 32, R.DMABUF: 80, R.TTY: 8, R.TUN: 16, R.FUSE: 8,
}  # fmt: skip
_ARRAYS = {R.LOCK: (32, 1), R.EPOLL: (40, 0), R.INOTIFY: (24, 0), R.FANOTIFY_MARK: (48, 1)}


def _verify(kind: RecordType, length: int) -> None:
    plan = images.plan([images.Task(5, [images.Fd(0)])])
    at = images.at(plan, images.FD_STAT)
    plan.insert(at + 1, images.Rec(kind, bytes(length), plan[at].parent))
    crfd.verify(io.BytesIO(images.assemble(plan)))


@pytest.mark.parametrize("kind", _SIZES)
def test_a_record_of_one_size(kind: RecordType) -> None:
    size = _SIZES[kind]
    _verify(kind, size)
    for wrong in (0, size - 1, size + 1, 2 * size):
        with pytest.raises(crfd.FormatError, match=f"{kind.name}"):
            _verify(kind, wrong)


@pytest.mark.parametrize("kind", _ARRAYS)
def test_a_record_of_entries(kind: RecordType) -> None:
    size, least = _ARRAYS[kind]
    for right in {least, 1, 2, 32767 // size}:
        _verify(kind, right * size)
    for wrong in (size - 1, size + 1, *([0] if least else [])):
        with pytest.raises(crfd.FormatError, match=f"{kind.name}"):
            _verify(kind, wrong)


def test_words_for_numbers() -> None:
    mask = 1 << 1 | 1 << 14 | 1 << 31 | 1 << 33 | 1 << 36  # INT TERM 32 RTMIN RTMIN+3
    assert words(file(Kind.SIGNALFD, (R.SIGNALFD, struct.pack("<Q", mask)))) == " signals=INT,TERM,32,RTMIN,RTMIN+3"
    event = struct.pack("<QIIII", 3, 9, 1, 0, 0)
    assert words(file(Kind.EVENTFD, (R.EVENTFD, event))) == " count=3 id=9"
    rows = {
        (16, 3, 16): (struct.pack("<HHII", 16, 0, 7, 0), " netlink generic port 7"),
        (16, 3, 17): (struct.pack("<HHII", 16, 0, 7, 1), " netlink 17 port 7 groups 0x1"),
        (17, 3, 3): (
            struct.pack("<H", 17) + struct.pack(">H", 0x806) + bytes(16),
            " packet raw protocol arp interface 0",
        ),
        (17, 2, 3): (
            struct.pack("<H", 17) + struct.pack(">H", 0x1234) + bytes(16),
            " packet dgram protocol 0x1234 interface 0",
        ),
        (40, 1, 0): (struct.pack("<HHII", 40, 0, 0xFFFFFFFF, 0xFFFFFFFF), " vsock stream *:*"),
        (40, 5, 0): (struct.pack("<HHII", 40, 0, 9, 2), " vsock seqpacket 2:9"),
    }
    for (family, type_, protocol), (name, expected) in rows.items():
        socket = struct.pack("<IHHIIIIIIQQ", 1, family, type_, protocol, 0, 0, 0, 0, 0, 0, 0)
        assert words(file(Kind.SOCKET, (R.SOCKET, socket), (R.SOCK_NAME, name))) == expected
    lo = (R.SOCK_INTERFACE, b"lo".ljust(16, b"\0"))
    socket = struct.pack("<IHHIIIIIIQQ", 1, 17, 3, 3, 0, 0, 0, 0, 0, 0, 0)
    assert words(file(Kind.SOCKET, (R.SOCKET, socket), lo)) == " packet raw lo"


def test_epoll_targets_are_in_no_order() -> None:
    one, two = EpollTarget(5, 1, 2, None, None, None), EpollTarget(6, 1, 2, 3, 4, 0)
    assert Epoll((one, two)) == Epoll((two, one))
    assert hash(Epoll((one, two))) == hash(Epoll((two, one)))
    assert Epoll((one, two)) != Epoll((one,))
    assert Epoll((one, one)) != Epoll((one,))
    assert Epoll(()) != Inotify(())
