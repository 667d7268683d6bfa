# SPDX-License-Identifier: MIT
"""Every way to name something is asked of a process that holds it and of one that holds what looks like it."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import crfd
from crfd._core.locate import locate
from crfd.analysis import kernel
from crfd.analysis.who import Question
from tests import mkfds
from tests.integration.test_robust import OPEN_FILES, dead_bindfs
from tests.procs import LIMIT, WAIT, Need, run, running

HOLD = """if True:
    import ctypes, os, socket, sys, time
    kept = []
    for word in sys.argv[1:]:
        how, _, name = word.partition("=")
        if how == "file":
            kept.append(os.open(name, os.O_RDWR))
        elif how == "gone":
            kept.append(os.open(name, os.O_RDWR))
            os.unlink(name)
        elif how == "cwd":
            os.chdir(name)
        elif how == "map":
            fd = os.open(name, os.O_RDWR)
            libc = ctypes.CDLL(None)  # Python's mmap keeps a descriptor of its own
            libc.mmap(None, ctypes.c_size_t(4096), 1, 1, fd, ctypes.c_long(0))
            os.close(fd)
        elif how == "listen":
            family = socket.AF_UNIX if name[0] in "/@" else socket.AF_INET6 if ":" in name else socket.AF_INET
            server = socket.socket(family)
            where = "\\0" + name[1:] if name[0] == "@" else name
            server.bind(where if family == socket.AF_UNIX else (name, 0))
            server.listen()
            kept.append(server)
            if family != socket.AF_UNIX:
                os.write(2, f"{server.getsockname()[1]}\\n".encode())
        elif how == "connect":
            host, _, port = name.rpartition(":")
            kept.append(socket.create_connection((host, int(port))))
        elif how == "pipe":
            kept.append(os.pipe())
            os.write(2, f"{os.fstat(kept[-1][0]).st_ino}\\n".encode())
        elif how == "pty":
            kept.append(os.openpty())
            os.write(2, f"{os.ttyname(kept[-1][1])}\\n".encode())
    print("ready", flush=True)
    time.sleep(600)
"""


def pids(*what: str, **options: str) -> set[int]:
    return {holder.pid for holder in crfd.who(*what, **options)}


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().decode().strip()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a file"
    path.write_bytes(b"x" * 4096)
    return path


def test_a_path_is_the_file_that_it_names(file: Path, backend: str) -> None:
    other = file.with_name("hard link")
    other.hardlink_to(file)
    (link := file.with_name("symbolic link")).symlink_to(other)
    (same := file.with_name("same text")).write_bytes(file.read_bytes())
    with running(HOLD, f"file={other}") as process, running(HOLD, f"file={same}"):
        for path in (file, other, link):
            (holder,) = crfd.who(str(path), backend=backend)
            assert (holder.pid, holder.kind, holder.access, holder.held) == (process.pid, "file", "rw", "fd")
            assert holder.path == os.fsencode(other)
            assert holder.fd is not None
            assert holder.fd > 2


def test_another_mount_namespace_and_a_bind_mount(file: Path, backend: str, need: Need) -> None:
    need("root")
    (mount := file.with_name("mount")).mkdir()
    script = f'mount --bind "{file.parent}" "{mount}" && exec "$@"'
    with running(HOLD, f"file={mount}/{file.name}", before=("unshare", "-m", "sh", "-c", script, "sh")) as process:
        assert pids(str(file), backend=backend) == {process.pid}


@pytest.mark.parametrize("how", ["cwd", "map"])
def test_what_is_held_without_a_descriptor(how: str, file: Path, backend: str) -> None:
    what = str(file.parent if how == "cwd" else file)
    with running(HOLD, f"{how}={what}") as process:
        (holder,) = (one for one in crfd.who(what, backend=backend) if one.pid == process.pid)
        assert (holder.held, holder.fd) == (how, None)
        assert process.pid not in pids(what, backend=backend, holds="fd")


def test_all_below_a_directory(file: Path, backend: str) -> None:
    beside = Path(f"{file.parent}x")
    beside.mkdir()
    (beside / "file").touch()
    (below := file.parent / "b" / "c").mkdir(parents=True)
    (below / "d").touch()
    with running(HOLD, f"file={below}/d") as process, running(HOLD, f"file={beside}/file") as other:
        assert pids(f"{file.parent}/", backend=backend) == {process.pid}
        assert pids(str(file.parent), backend=backend) == set()
        assert {process.pid, other.pid} <= {one.pid for one in crfd.who(mounts=[str(file)], backend=backend)}


def test_a_file_that_is_gone_is_found_by_its_name(file: Path, backend: str) -> None:
    with running(HOLD, f"gone={file}") as process:
        assert pids(str(file), backend=backend) == {process.pid}
        done = run("who", file, "-t")
        assert (done.returncode, done.stdout.split()) == (0, [str(process.pid)])


@pytest.mark.parametrize("name", ["{dir}/s", "@crfd-{pid}"])
def test_a_unix_socket_by_its_path(name: str, backend: str) -> None:
    with tempfile.TemporaryDirectory(prefix="who-") as scratch:  # a path of at most 107 bytes
        what = name.format(dir=scratch, pid=os.getpid())
        with running(HOLD, f"listen={what}") as process:
            assert pids(what, backend=backend) == {process.pid}


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("::1", "[0:0::1]")])
def test_tcp_by_port_and_address(host: str, shown: str, backend: str) -> None:
    with running(HOLD, f"listen={host}", stderr=subprocess.PIPE) as server:
        port = said(server)
        with running(HOLD, f"connect={host}:{port}") as client:
            both = {server.pid, client.pid}
            for what in (f":{port}", f"tcp:{port}", f"{shown}:{port}", f"tcp:{shown}:{port}"):
                assert pids(what, backend=backend) == both, what
            for what in (f"udp:{port}", f"10.11.12.13:{port}", f"[::2]:{port}"):
                assert not pids(what, backend=backend), what
            assert pids(f"pid:{server.pid}", backend=backend) == set()  # nobody has accepted the client


def test_ipv4_through_an_ipv6_socket(backend: str) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        with running(HOLD, f"connect=127.0.0.1:{port}") as client:
            accepted, _ = server.accept()
            with accepted, running(WAIT, pass_fds=[accepted.fileno()]) as heir:
                assert pids(f"127.0.0.1:{port}", backend=backend) == {client.pid, heir.pid}
                assert pids(f"pid:{client.pid}", backend=backend) == {heir.pid}


def test_a_pipe_by_its_inode_and_by_who_is_at_its_other_end(backend: str) -> None:
    with running(HOLD, "pipe", stderr=subprocess.PIPE) as process:
        ino = said(process)
        assert pids(f"pipe:[{ino}]", backend=backend) == {process.pid}
        assert pids(f"ino:{ino}", backend=backend) >= {process.pid}
        assert not pids(f"socket:[{ino}]", backend=backend)
        read, write = os.pipe()
        with running(HOLD, stderr=write) as one, running(HOLD, pass_fds=[read]) as other:
            os.close(read)
            os.close(write)
            assert pids(f"pid:{one.pid}", backend=backend) == {other.pid}


def test_a_terminal(backend: str) -> None:
    with running(HOLD, "pty", stderr=subprocess.PIPE) as process:
        name = said(process)
        assert process.pid in pids(name, backend=backend)


def test_a_device_by_another_node(tmp_path: Path, backend: str, need: Need) -> None:
    need("root")
    node = tmp_path / "node"
    os.mknod(node, 0o600 | 0o020000, os.stat("/dev/full").st_rdev)
    with running(HOLD, "file=/dev/full") as process:
        assert process.pid in pids(str(node), backend=backend)


def test_a_mount_that_does_not_answer(tmp_path: Path, backend: str, need: Need) -> None:
    need("root")
    need("bindfs")
    with dead_bindfs(tmp_path, OPEN_FILES) as process:
        start = time.monotonic()
        # The one is in the kernel's caches, the other is asked for in vain: it is looked for by its name.
        done = run("who", "--backend", backend, f"{tmp_path}/mount/file", "-t", timeout=60)
        assert (done.returncode, done.stdout.split()) == (0, [str(process.pid)]), done.stderr
        done = run("who", "--backend", backend, f"{tmp_path}/mount/never seen", timeout=60)
        assert done.returncode == 2
        assert "no answer from its file system" in done.stderr
        assert time.monotonic() - start < 2 * LIMIT


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with mkfds.spawn("fuse_hung") as holder:
        if holder.skipped:
            pytest.skip(str(holder.skipped))
        fd = next(row["fd"] for row in holder.report["fds"] if row.get("blocks"))
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            locate(f"/proc/{holder.pid}/fd/{fd}/file", 200)
        assert crfd.who(f"/proc/{holder.pid}/fd/{fd}/file") == []
        assert time.monotonic() - start < LIMIT


def test_where_a_path_leads(file: Path) -> None:
    (link := file.with_name("link")).symlink_to(file)
    found, st = locate(str(link)), os.stat(file)
    assert (found.dev, found.ino, found.mode, found.rdev) == (st.st_dev, st.st_ino, st.st_mode, 0)
    assert found.real == os.fsencode(file)
    assert locate("/dev/null").rdev == os.stat("/dev/null").st_rdev
    for path, error in (("/nowhere", FileNotFoundError), (f"{file}/x", NotADirectoryError), ("x" * 300, OSError)):
        with pytest.raises(error):
            locate(path)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ([], 2, "expected what to look for, found nothing"),
        (["ino:x"], 2, "expected a number, found 'x'"),
        (["pipe:[x]"], 2, "expected [a number], found '[x]'"),
        (["tcp:70000"], 2, "expected a port, 0 to 65535, or the name of a service, found '70000'"),
        (["[::x]:5"], 2, "expected an address such as 10.0.0.5:443 or [::1]:53, found '[::x]:5'"),
        (["/nowhere/at/all"], 2, "/nowhere/at/all: No such file or directory"),
        (["--mount", "/nowhere"], 2, "/nowhere: No such file or directory"),
        (["/dev/null", "--where", "sizee > 1"], 2, "did you mean size?"),
    ],
)
def test_status_2_says_why(words: list[str], status: int, says: str) -> None:
    done = run("who", *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr


def test_nobody_is_status_1_and_silence(file: Path) -> None:
    done = run("who", file)
    refused = done.stderr.splitlines()
    assert all(line.endswith("Operation not permitted") for line in refused)
    assert (done.returncode, done.stdout) == (3 if refused else 1, "")


def test_conditions_narrow_the_holders(file: Path) -> None:
    with running(HOLD, f"file={file}") as process, running(HOLD, f"map={file}") as other:
        assert set(run("who", file, "-t").stdout.split()) == {str(process.pid), str(other.pid)}
        assert run("who", file, "-t", "--writable").stdout.split() == [str(process.pid)]
        assert run("who", file, "-t", "--where", f"pid == {other.pid}").stdout.split() == [str(other.pid)]


def test_a_swap_file_is_held_by_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swap, swaps = tmp_path / "a swap", tmp_path / "swaps"
    swap.touch()
    name = str(swap).replace(" ", "\\040")
    swaps.write_text(f"Filename Type Size Used Priority\n{name} file 1024 0 -2\n/dev/zram0 partition 1024 0 100\n")
    monkeypatch.setattr(kernel, "_SWAPS", str(swaps))
    (found,) = Question([str(swap)]).held_by_the_kernel()
    assert (found.path, found.by) == (os.fsencode(swap), "swap")
    assert not Question([str(swaps)]).held_by_the_kernel()


def test_a_file_that_the_kernel_holds_for_a_loop_device(need: Need, tmp_path: Path) -> None:
    need("root")
    need("losetup")
    disk = tmp_path / "a disk"
    disk.write_bytes(bytes(1 << 20))
    made = subprocess.run(["losetup", "--find", "--show", disk], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(made.stderr.strip())
    device = made.stdout.strip()
    try:
        for words in ((disk,), (f"{tmp_path}/",), ("--mount", tmp_path)):
            done = run("who", *words)
            assert f"crfd: {disk}: held by the kernel, for {Path(device).name}\n" in done.stderr
            assert done.returncode == 0
        other = tmp_path / "another"
        other.touch()
        assert "kernel" not in run("who", other).stderr
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    done = run("who", disk)
    assert "kernel" not in done.stderr
    assert done.returncode != 0
