# SPDX-License-Identifier: MIT
"""The graph of who is connected with whom, across processes, against what was made."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import crfd
from crfd import Link
from crfd.kinds.watch import Epoll, Inotify
from tests import mkfds
from tests.procs import WAIT, Need, run, running, said, tree
from tests.shown import dump_image, parsed


@pytest.fixture
def backend(backend: str, need: Need) -> str:
    """Either backend, /proc only with kcmp: without, it is not certain which end is whose."""
    if backend == "proc":
        need("kcmp")
    return backend


def objref(image: crfd.Image, pid: int, fd: int) -> int:
    return image.tasks[pid].fds[fd].objref


# Both children get the pipe; the parent keeps no end.
PIPE = (
    """
import os, sys, time
r, w = os.pipe()
told, tell = os.pipe()
kept = {"r": r, "w": w}
for end in "rw":
    if os.fork() == 0:
        import ctypes
        ctypes.CDLL(None).prctl(1, 9)
        os.close(kept["w" if end == "r" else "r"])
        if end == "w":
            os.dup2(w, 50)
        os.close(told), os.close(tell)
        time.sleep(600)
os.close(r), os.close(w), os.close(tell)
os.read(told, 1)  # the end of it: both children have closed theirs
"""
    + WAIT
)


def test_a_pipe_between_processes(backend: str) -> None:
    with running(PIPE) as process:
        pids = tree(process.pid)
        with dump_image(pids, backend) as image:
            links = crfd.links(image)
            (pipe,) = (link for link in links if link.kind == "pipe" and len(links.holders(link.sources[0])) == 2)
            (source,), (target,) = pipe.sources, pipe.targets
            ((reader, _),) = links.holders(target)
            (writer,) = {pid for pid, _ in links.holders(source)}
            assert {reader, writer} == set(pids) - {process.pid}
            assert 50 in {fd for _, fd in links.holders(source)}
            assert links.of(source) == links.of(target) == (pipe,)
            assert image.file(source).ino == image.file(target).ino
            assert source in links.held_by(writer)
            assert links.count_holders(source) == 2


def test_a_pipe_whose_reader_is_elsewhere(backend: str) -> None:
    with running(WAIT) as process, dump_image([process.pid], backend) as image:
        stdout = objref(image, process.pid, 1)  # our pipe
        assert crfd.links(image).of(stdout) == (Link("pipe", (stdout,), ()),)


def test_more_than_a_thousand_pipes(backend: str) -> None:
    with mkfds.spawn("pipes:n=1500") as holder, dump_image([holder.pid], backend) as image:
        links = [link for link in crfd.links(image) if link.kind == "pipe" and link.targets]
        assert len(links) == 1500
        assert len({end for link in links for end in (*link.sources, *link.targets)}) == 3000
        for link in links:
            ends = tuple(image.file(end) for end in (*link.sources, *link.targets))
            assert ends[0].ino == ends[1].ino
            assert [file.detail.end for file in ends if file.detail] == ["write", "read"]  # type: ignore[union-attr]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair()
    with a, b:
        yield a, b


def holder_of(s: socket.socket) -> str:
    return f"import os; os.fstat({s.fileno()}); {WAIT}"


def test_unix_peers_across_processes(backend: str, need: Need, pair: tuple[socket.socket, socket.socket]) -> None:
    if backend == "proc":
        need("sock_diag")
    a, b = pair
    with running(holder_of(a), pass_fds=[a.fileno()]) as one, running(holder_of(b), pass_fds=[b.fileno()]) as two:
        with dump_image([one.pid, two.pid], backend) as image:
            ends = {objref(image, one.pid, a.fileno()), objref(image, two.pid, b.fileno())}
            links = [link for link in crfd.links(image) if link.kind == "unix" and ends & {*link.sources}]
            assert [{*link.sources, *link.targets} for link in links] == [ends]
        with dump_image([one.pid], backend) as image:
            end = objref(image, one.pid, a.fileno())
            assert crfd.links(image).of(end) == (Link("unix", (end,), ()),)


@pytest.mark.parametrize(
    ("family", "host", "kind"), [(socket.AF_INET, "127.0.0.1", "tcp"), (socket.AF_INET6, "::1", "tcp")]
)
def test_tcp_with_both_ends_in_the_image(backend: str, family: int, host: str, kind: str) -> None:
    with (
        socket.create_server((host, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2]) as a,
    ):
        b, _ = server.accept()
        with (
            b,
            running(holder_of(a), pass_fds=[a.fileno()]) as one,
            running(holder_of(b), pass_fds=[b.fileno()]) as two,
        ):
            with dump_image([one.pid, two.pid], backend) as image:
                ends = {objref(image, one.pid, a.fileno()), objref(image, two.pid, b.fileno())}
                found = image.file(min(ends)).detail
                if found is None or found.peer is None:  # type: ignore[union-attr]
                    pytest.skip("this backend does not tell the addresses of a socket")
                links = [link for link in crfd.links(image) if link.kind == kind]
                assert [{*link.sources, *link.targets} for link in links] == [ends]
            with dump_image([one.pid], backend) as image:
                (link,) = (link for link in crfd.links(image) if link.kind == kind)
                name, port, *_ = b.getsockname()
                where = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
                assert (link.targets, link.known, link.address) == ((), True, where)


# The watched: 20 stays, 21 is closed, 22 is another file by now, 23 is watched by its dup's number as well.
EPOLL = (
    """
import os, select
epoll = select.epoll()
os.dup2(epoll.fileno(), 60)
for fd in (20, 21, 22, 23):
    r, w = os.pipe()
    os.dup2(r, fd)
    os.dup2(w, fd + 10)
    os.close(r), os.close(w)
    if fd == 21:
        os.dup2(21, 41)
    if fd == 22:
        os.dup2(22, 42)
    epoll.register(fd, select.EPOLLIN)
os.dup2(23, 43)
epoll.register(43, select.EPOLLIN)
os.close(21)
os.dup2(20, 22)
"""
    + WAIT
)


def test_epoll_targets(backend: str) -> None:
    with running(EPOLL) as process, dump_image([process.pid], backend) as image:
        epoll = objref(image, process.pid, 60)
        found = {link.fd: link for link in crfd.links(image).of(epoll)}
        refs = {fd: objref(image, process.pid, fd) for fd in (20, 23)}
        assert found[20] == Link("epoll", (epoll,), (refs[20],), True, 20)
        assert found[23] == Link("epoll", (epoll,), (refs[23],), True, 23)
        assert found[43] == Link("epoll", (epoll,), (refs[23],), True, 43)
        assert found[21] == Link("epoll", (epoll,), (), False, 21)
        assert found[22] == Link("epoll", (epoll,), (), False, 22)
        assert set(found) == {20, 21, 22, 23, 43}


def test_holders_of_a_shared_table(backend: str) -> None:
    with mkfds.spawn("pipe", "clone_files") as holder:
        (child,) = (task["pid"] for task in holder.tasks)
        with dump_image([holder.pid, child], backend) as image:
            links = crfd.links(image)
            made = [one["fd"] for one in holder.fds if one["kind"] == "pipe"]
            for fd in made:
                held = links.holders(objref(image, holder.pid, fd))
                assert {(holder.pid, fd), (child, fd)} <= set(held)


def test_files_are_gone_through_only_when_they_are_asked_for(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are the most of a host, and nothing is linked with them."""
    monkeypatch.setattr(crfd.Image, "columns", None)
    with mkfds.spawn("regular", "pipe", "dups") as holder, dump_image([holder.pid], backend) as image:
        links = crfd.links(image)
        fds = image.tasks[holder.pid].fds
        kinds = {entry.file.objref: entry.file.kind for entry in fds.values() if entry.file}
        files = {objref for objref, kind in kinds.items() if kind in {crfd.Kind.FILE, crfd.Kind.DIR}}
        assert files.isdisjoint(links._holders.known())
        assert kinds.keys() - files == {*links._holders.known()}
        assert links.held_by(holder.pid) == kinds.keys()
        for objref in kinds:
            expected = {(holder.pid, fd) for fd, entry in fds.items() if entry.objref == objref}
            assert {*links.holders(objref)} == expected
            assert links.count_holders(objref) == len(expected)


def test_everything_at_once(backend: str, tmp_path: Path) -> None:
    with mkfds.spawn("all") as holder:
        path = tmp_path / "image"
        crfd.dump(holder.pid, path, backend=backend)
    with crfd.open(path) as image:
        links = crfd.links(image)
        for link in links:
            for end in (*link.sources, *link.targets):
                assert link in links.of(end)
                assert links.holders(end)
        with pytest.raises(IndexError):
            image.file(0)
        n = len(links)
    shown = run("show", "--links", path, check=True).stdout
    assert len(shown.splitlines()) == n + 1
    assert all(line.isprintable() for line in shown.splitlines())
    rows = parsed(run("show", "--links", "--json", "--pid", holder.pid, path, check=True).stdout)
    assert len(rows) == n
    assert {row["link"] for row in rows} >= {"pipe", "epoll"}
    assert os.path.getsize(path) > 0


_WATCHER = (
    """
import ctypes, os, select, sys
fifo = sys.argv[1] + "/fifo"
os.mkfifo(fifo)
os.dup2(os.open(fifo, os.O_RDWR), 70)
epoll = select.epoll()
os.dup2(epoll.fileno(), 71)
epoll.register(70, select.EPOLLIN)
libc = ctypes.CDLL(None)
os.dup2(libc.inotify_init(), 72)
libc.inotify_add_watch(72, fifo.encode(), 2)  # IN_MODIFY
"""
    + WAIT
)


@contextmanager
def mounted(kind: str, where: Path) -> Iterator[Path]:
    """A file system whose st_dev is not the number of its super block."""
    command: list[str | Path]
    folders = [where / name for name in ("lower", "upper", "work", "mount")]
    for folder in folders:
        folder.mkdir()
    lower, upper, work, mount = folders
    if kind == "btrfs":
        with (where / "image").open("wb") as image:
            image.truncate(128 << 20)
        subprocess.run(["mkfs.btrfs", "-q", where / "image"], check=True)
        command = ["mount", "-o", "loop", where / "image", mount]
    else:
        command = ["mount", "-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "o", mount]
    subprocess.run(command, check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


@pytest.mark.parametrize("kind", ["btrfs", "overlay"])
def test_what_is_watched_where_stat_shows_another_device(kind: str, backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    if kind == "btrfs":
        need("mkfs.btrfs")
    with (
        mounted(kind, tmp_path) as mount,
        running(_WATCHER, str(mount)) as process,
        dump_image([process.pid], backend) as image,
    ):
        watched, epoll, inotify = (image.tasks[process.pid].fds[fd] for fd in (70, 71, 72))
        assert crfd.links(image).of(epoll.objref) == (Link("epoll", (epoll.objref,), (watched.objref,), True, 70),)
        assert watched.file and epoll.file and isinstance(epoll.file.detail, Epoll)
        assert inotify.file and isinstance(inotify.file.detail, Inotify)
        (target,) = epoll.file.detail.targets
        (mark,) = inotify.file.detail.marks
        assert watched.file.dev == os.stat(mount / "fifo").st_dev
        mounts = Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()
        device = next(line.split()[2] for line in mounts if line.split()[4] == str(mount))
        assert f"{os.major(target.dev or 0)}:{os.minor(target.dev or 0)}" == device
        assert (mark.dev, mark.ino) == (target.dev, target.ino)
        assert kind == "overlay" or target.dev != watched.file.dev


_RAW_PAIR = (
    """
import os, socket
one, two = (socket.socket(socket.AF_INET, socket.SOCK_RAW, 6) for _ in "ab")
one.bind(("127.0.0.1", 0)), two.bind(("127.0.0.2", 0))
one.connect(("127.0.0.2", 0)), two.connect(("127.0.0.1", 0))
os.dup2(one.fileno(), 72), os.dup2(two.fileno(), 73)
"""
    + WAIT
)


def test_raw_sockets_are_no_connection(backend: str, need: Need) -> None:
    need("root")
    with running(_RAW_PAIR) as process, dump_image([process.pid], backend) as image:
        ends = {objref(image, process.pid, fd) for fd in (72, 73)}
        assert not [link for link in crfd.links(image) if ends.intersection(link.sources)]


def test_queues_terminals_and_counters(backend: str, need: Need) -> None:
    code = """
import ctypes, os, sys
master, slave = os.openpty()
libc = ctypes.CDLL(None, use_errno=True)
name = b"/crfd-links-%d" % os.getpid()
queue = libc.mq_open(name, 0o1 | os.O_CREAT, 0o600, None)
other = libc.mq_open(name, os.O_RDONLY)
libc.mq_unlink(name)
event = os.eventfd(0)
alone = os.eventfd(0)
told, tell = os.pipe()
if os.fork() == 0:
    ctypes.CDLL(None).prctl(1, 9)
    for fd in (master, slave, queue, other, alone):
        os.close(fd)
    os.close(tell), os.close(told)
    sys.stdin.read()
    os._exit(0)
os.close(tell)
os.read(told, 1)
print("ready", flush=True)
print(master, slave, queue, other, event, alone, flush=True)
sys.stdin.read()
"""
    with running(code) as process:
        master, slave, queue, other, event, alone = map(int, said(process).split())
        with dump_image(tree(process.pid), backend) as image:
            links = crfd.links(image)
            at = {fd: objref(image, process.pid, fd) for fd in (master, slave, queue, other, event, alone)}
            found = {link.kind: link for link in links if link.kind in {"pty", "mqueue", "eventfd"}}
    assert found["pty"] == Link("pty", (at[master],), (at[slave],))
    if queue >= 0:
        assert found["mqueue"] == Link("mqueue", (at[queue],), (at[other],))
    assert [link for link in links if link.kind == "eventfd"] == [Link("eventfd", (at[event],), (at[event],))]


def test_a_peer_outside_of_the_image_is_named(backend: str, need: Need, tmp_path: Path) -> None:
    need("pidfd_getfd")
    code = """
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
sys.stdin.read()
"""
    path = tmp_path / "image"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with running(code, address.rpartition(":")[2]) as process:
            crfd.dump(process.pid, path, backend=backend)
    with crfd.open(path) as image:
        (link,) = (link for link in crfd.links(image) if link.kind == "tcp")
    assert (link.targets, link.known, link.address) == ((), True, address)
    assert f"{address}, not in this image" in run("show", "--links", path, check=True).stdout
