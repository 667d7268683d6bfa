# SPDX-License-Identifier: MIT
"""Ends of connections, bound names and terminals are made here, and found as made."""

from __future__ import annotations

import fcntl
import io
import os
import socket
import struct
import termios
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import crfd
from crfd.kinds.device import Tty, Tun
from crfd.kinds.socket import Socket, SocketFile
from tests import mkfds, procs
from tests.facts import known, of, scan
from tests.procs import Need, opened
from tests.shown import objects

Halves = tuple[bool | None, bool | None]
_FIN_WAIT1 = 4  # include/net/tcp_states.h
R, W, BOTH = socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR


def halves(fd: int, backend: str) -> Halves:
    found = of(scan(os.getpid(), backend)[fd], Socket)
    return found.can_read, found.can_write


@contextmanager
def connected(family: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    with ExitStack() as stack:
        if family == socket.AF_UNIX:
            one, other = socket.socketpair()
        else:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            one = socket.create_connection(listener.getsockname())
            other, _ = listener.accept()
        yield stack.enter_context(one), stack.enter_context(other)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
@pytest.mark.parametrize(
    ("shut", "expected"),
    [
        ((None, None), (True, True)),
        ((R, None), (False, True)),
        ((W, None), (True, False)),
        ((BOTH, None), (False, False)),
        ((None, W), (False, True)),
        ((W, W), (False, False)),
    ],
)
def test_halves_of_a_connection(
    backend: str, need: Need, family: int, shut: tuple[int | None, int | None], expected: Halves
) -> None:
    need("pidfd_getfd")
    if family == socket.AF_UNIX:
        pytest.importorskip("pyroute2")
    with connected(family) as (one, other):
        for end, how in zip((one, other), shut, strict=True):
            if how is not None:
                end.shutdown(how)
        if family == socket.AF_INET:
            procs.until(
                lambda: one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _FIN_WAIT1, "its end was heard"
            )
            if shut == (W, W) and backend == "proc":
                expected = (False, None)  # closed: nobody says of a closed one whether it was ever opened
        assert halves(one.fileno(), backend) == expected


def test_halves_without_a_connection(backend: str, need: Need) -> None:
    need("pidfd_getfd")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket() as fresh,
    ):
        datagrams.connect(("127.0.0.1", 9))
        assert halves(listener.fileno(), backend) == (True, True)
        unsure = None if backend == "proc" else True  # poll(2) tells of a half that writes only beside the other
        assert halves(datagrams.fileno(), backend) == (True, unsure)
        assert halves(fresh.fileno(), backend) == (True, unsure)
        datagrams.shutdown(R)
        assert halves(datagrams.fileno(), backend) == (False, True)
        datagrams.shutdown(W)
        assert halves(datagrams.fileno(), backend) == (False, False)


def test_a_full_connection_is_not_polled(backend: str, need: Need) -> None:
    need("pidfd_getfd")
    with connected(socket.AF_INET) as (one, _):
        one.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                one.send(bytes(65536))
        assert halves(one.fileno(), backend) == (None if backend == "proc" else True, True)


def test_the_column_of_halves(backend: str, need: Need) -> None:
    need("pidfd_getfd")
    with connected(socket.AF_INET) as (one, other):
        one.shutdown(W)
        image = io.BytesIO()
        crfd.dump(os.getpid(), image, backend=backend)
        rows = {row["fd"]: row["socket.shutdown"] for row in objects(image.getvalue(), "fd", "socket.shutdown")}
        assert (rows[one.fileno()], rows[other.fileno()]) == ("r-", "-w")


def test_the_file_of_a_bound_socket(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    need("pidfd_getfd")
    path = tmp_path / "bound"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o640)
        os.chown(path, 12, 34)
        made = path.stat()
        expected = SocketFile(made.st_mode, 12, 34, 1, made.st_dev, made.st_ino)
        client.connect(str(path))
        accepted, _ = listener.accept()
        with accepted:
            files = scan(os.getpid(), backend)
            assert of(files[listener.fileno()], Socket).file == expected
            assert of(files[accepted.fileno()], Socket).file == expected  # it bears the listener's name
            assert of(files[client.fileno()], Socket).file is None
        path.unlink()
        gone = SocketFile(made.st_mode, 12, 34, 0, made.st_dev, made.st_ino)
        assert of(scan(os.getpid(), backend)[listener.fileno()], Socket).file == gone


def test_the_interface_of_a_packet_socket(everything: mkfds.Holder, backend: str) -> None:
    files = scan(everything.pid, backend)
    for one in known(everything, "socket", "ethertype"):
        assert of(files[one["fd"]], Socket).interface == one.get("interface"), one


def test_the_namespace_of_a_tun_device(everything: mkfds.Holder, backend: str, need: Need) -> None:
    need("root")
    files = scan(everything.pid, backend)
    namespace = Path(f"/proc/{everything.pid}/ns/net").stat().st_ino
    for one in known(everything, "chr", "interface"):
        assert of(files[one["fd"]], Tun) == Tun(one["interface"], namespace)


def test_what_a_terminal_is_set_to(backend: str, need: Need) -> None:
    need("pidfd_getfd")
    with opened(*os.openpty()) as (master, slave):
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        settings[6][termios.VINTR] = b"\x07"
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 33, 101, 7, 9))
        files = scan(os.getpid(), backend)
        one, other = of(files[master], Tty), of(files[slave], Tty)
    assert one.index is not None
    assert other.index is None
    assert one.settings == other.settings
    assert other.settings is not None
    found = other.settings
    assert [found.iflag, found.oflag, found.cflag, found.lflag] == settings[:4]
    assert (found.rows, found.columns, found.xpixel, found.ypixel) == (33, 101, 7, 9)
    assert found.cc[termios.VINTR] == 7
    assert (found.ispeed, found.ospeed) == (38400, 38400)  # B38400, what a new one has
    assert found.line == 0  # N_TTY
