# SPDX-License-Identifier: MIT
"""The options of sockets: a child sets them, and says what getsockopt(2) tells of each; both backends tell the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import crfd
from crfd.kinds.socket import Socket
from tests import procs
from tests.facts import of
from tests.procs import Need
from tests.shown import parsed

_CHILD = """
import json, socket, struct, sys
S, T, I, I6 = socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6
NAMES = {
    "reuseaddr": (S, socket.SO_REUSEADDR), "reuseport": (S, socket.SO_REUSEPORT), "keepalive": (S, socket.SO_KEEPALIVE),
    "broadcast": (S, socket.SO_BROADCAST), "oobinline": (S, socket.SO_OOBINLINE), "dontroute": (S, socket.SO_DONTROUTE),
    "no_check": (S, 11), "passcred": (S, socket.SO_PASSCRED), "passsec": (S, socket.SO_PASSSEC), "timestamp": (S, 29),
    "zerocopy": (S, 60), "buf_lock": (S, 72), "nodelay": (T, socket.TCP_NODELAY), "cork": (T, socket.TCP_CORK),
}
OF_4 = {"freebind": (I, 15), "transparent": (I, socket.IP_TRANSPARENT), "hdrincl": (I, socket.IP_HDRINCL), "pktinfo": (I, 8),
        "recverr": (I, 11)}
OF_6 = {"freebind": (I6, 78), "transparent": (I6, 75), "hdrincl": (I6, 36), "pktinfo": (I6, 49), "recverr": (I6, 25),
        "v6only": (I6, 26)}

def made(family, type, *options):
    one = socket.socket(family, type)
    for level, option, value in options:
        one.setsockopt(level, option, value)
    return one

def number(one, level, option):
    try:
        return one.getsockopt(level, option)
    except OSError:
        return None

def told(one):
    names = {**NAMES, **({socket.AF_INET: OF_4, socket.AF_INET6: OF_6}.get(one.family, {}))}
    is_tcp = one.type == socket.SOCK_STREAM and one.family != socket.AF_UNIX
    if not is_tcp:
        del names["nodelay"], names["cork"]
    values = {name: number(one, *where) for name, where in names.items()}
    on, seconds = struct.unpack("ii", one.getsockopt(S, socket.SO_LINGER, 8))
    values["linger"] = on

    def time(option):
        s, us = struct.unpack("qq", one.getsockopt(S, option, 16))
        return (s * 10**6 + us) * 1000 or None

    def of_tcp(option):
        return one.getsockopt(T, option) if is_tcp else None

    return {
        "on": sorted(name for name, value in values.items() if value),
        "off": sorted(name for name, value in values.items() if value == 0),
        "recv_buffer": one.getsockopt(S, socket.SO_RCVBUF), "send_buffer": one.getsockopt(S, socket.SO_SNDBUF),
        "recv_low": one.getsockopt(S, socket.SO_RCVLOWAT), "priority": one.getsockopt(S, socket.SO_PRIORITY),
        "mark": one.getsockopt(S, socket.SO_MARK), "linger": seconds if on else None,
        "recv_timeout": time(socket.SO_RCVTIMEO), "send_timeout": time(socket.SO_SNDTIMEO),
        "keep_idle": of_tcp(socket.TCP_KEEPIDLE), "keep_interval": of_tcp(socket.TCP_KEEPINTVL),
        "keep_count": of_tcp(socket.TCP_KEEPCNT), "user_timeout": of_tcp(socket.TCP_USER_TIMEOUT),
        "device": one.getsockopt(S, socket.SO_BINDTODEVICE, 16).rstrip(b"\\0").decode() or None,
        "congestion": one.getsockopt(T, socket.TCP_CONGESTION, 16).rstrip(b"\\0").decode() if is_tcp else None,
    }

stream, datagrams = socket.SOCK_STREAM, socket.SOCK_DGRAM
sockets = [
    made(socket.AF_INET, stream),
    made(socket.AF_INET, stream, (S, socket.SO_REUSEADDR, 1), (S, socket.SO_KEEPALIVE, 1), (T, socket.TCP_NODELAY, 1),
         (T, socket.TCP_KEEPIDLE, 11), (T, socket.TCP_KEEPINTVL, 12), (T, socket.TCP_KEEPCNT, 3),
         (T, socket.TCP_USER_TIMEOUT, 99), (S, socket.SO_LINGER, struct.pack("ii", 1, 7)), (S, socket.SO_RCVBUF, 50000),
         (S, socket.SO_RCVLOWAT, 4)),
    made(socket.AF_INET6, stream, (S, socket.SO_REUSEPORT, 1), (I6, 26, 1), (T, socket.TCP_CORK, 1),
         (S, socket.SO_OOBINLINE, 1)),
    made(socket.AF_INET, datagrams, (S, socket.SO_BROADCAST, 1), (S, 11, 1), (I, 8, 1), (I, 15, 1), (S, socket.SO_PRIORITY, 3),
         (S, socket.SO_RCVTIMEO, struct.pack("qq", 2, 500000)), (S, socket.SO_SNDTIMEO, struct.pack("qq", 3, 0)),
         (S, socket.SO_DONTROUTE, 1), (S, 29, 1), (I, 11, 1)),
    made(socket.AF_INET6, datagrams, (I6, 49, 1), (I6, 25, 1), (S, socket.SO_SNDBUF, 30000)),
    made(socket.AF_UNIX, datagrams, (S, socket.SO_PASSCRED, 1)),
]
for one, option, value in ((sockets[1], socket.SO_MARK, 66), (sockets[3], socket.SO_BINDTODEVICE, b"lo")):
    try:
        one.setsockopt(S, option, value)
    except PermissionError:
        pass
print("ready", flush=True)
print(json.dumps({one.fileno(): told(one) for one in sockets}), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[int, dict[int, dict[str, Any]]]]:
    with procs.running(_CHILD) as process:
        yield process.pid, {int(fd): told for fd, told in json.loads(procs.said(process)).items()}


def found(pid: int, backend: str) -> dict[int, dict[str, Any]]:
    options = {}
    for fd, one in crfd.scan(pid, backend=backend, sockopts=True).fds.items():
        if one.file and one.file.kind is crfd.Kind.SOCKET and (told := of(one.file, Socket).options):
            options[fd] = {name: getattr(told, name) for name in told.__slots__}
            options[fd].update(on=sorted(told.on), off=sorted(told.off))
    return options


def test_each_socket_has_its_options(made: tuple[int, dict[int, dict[str, Any]]], backend: str, need: Need) -> None:
    need("pidfd_getfd")
    pid, told = made
    assert found(pid, backend) == told
    assert {name for one in told.values() for name in one["on"]} >= {
        "nodelay",
        "cork",
        "linger",
        "v6only",
        "pktinfo",
        "no_check",
    }


def test_the_column(made: tuple[int, dict[int, dict[str, Any]]], backend: str, need: Need) -> None:
    need("pidfd_getfd")
    pid, told = made
    by = ("--backend", backend)
    rows = {row["fd"]: row for row in parsed(procs.run("ls", pid, "--json", "-c", "fd,sockopts", *by).stdout)}
    asked = {row["fd"]: row for row in parsed(procs.run("ls", pid, "--json", "--sockopts", *by).stdout)}
    for fd, one in told.items():
        assert sorted(rows[fd]["sockopts"]["on"]) == one["on"]
        assert rows[fd]["sockopts"] == asked[fd]["sockopts"]
        assert rows[fd]["sockopts"]["recv_buffer"] == one["recv_buffer"]
    assert not any("sockopts" in rows[fd] for fd in rows.keys() - told.keys())
    assert not any("sockopts" in row for row in parsed(procs.run("ls", pid, "--json", *by).stdout))
    lines = procs.run("ls", pid, "--where", 'sockopts =~ "nodelay"', "-c", "fd,sockopts", "--no-header", *by).stdout
    assert {int(line.split()[0]) for line in lines.splitlines()} == {
        fd for fd, one in told.items() if "nodelay" in one["on"]
    }


def test_without_being_asked_or_without_a_copy_nothing_is_told(
    made: tuple[int, dict[int, dict[str, Any]]], backend: str
) -> None:
    pid, told = made
    for fd, one in crfd.scan(pid, backend=backend).fds.items():
        assert fd not in told or (one.file and of(one.file, Socket).options is None)
    deny = (sys.executable, str(procs.ROOT / "tests/deny.py"), "pidfd_getfd")
    done = procs.run("ls", pid, "--json", "-c", "fd,sockopts", "--backend", backend, before=deny)
    assert done.returncode == 0
    assert not any("sockopts" in row for row in parsed(done.stdout))
