# SPDX-License-Identifier: MIT
"""The output of a command comes out whole or the command fails, and nothing in it can move a cursor or forge a line."""

from __future__ import annotations

import errno
import os
import resource
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from crfd._core.columns import ImageReader, Render
from crfd.format.enums import Kind
from crfd.format.records import RecordType
from tests import mkfds, procs
from tests.images import HEAD, Fd, File, Rec, Task, assemble, image, plan, sample
from tests.procs import running

# An escape that clears the screen, a title, carriage return, a new line, bells, C1's CSI, a reversal of direction, no UTF-8.
NASTY = b"\x1b[2J\x1b]0;t\x07\r\ncrfd: forged\x08\x7f\xc2\x9b1m\xe2\x80\xae\xff"
HELP = [[*words, "--help"] for words in ([], ["dump"], ["ls"], ["show"], ["verify"], ["info"], ["check"])]


run = partial(procs.run, text=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "image"
    found.write_bytes(image(sample()))
    return found


# ---- whole, or status 1 ----


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_device_is_an_error_of_every_command(path: Path, unbuffered: str) -> None:
    commands: list[list[str | Path]] = [
        *HELP,  # type: ignore[list-item]
        ["--version"],
        ["check"],
        ["check", "--json"],
        ["ls", str(os.getpid())],
        ["ls", "--json", str(os.getpid())],
        ["show", path],
        ["show", "--json", path],
        ["show", "--links", path],
        ["verify", path],
        ["info", path],
    ]
    for command in commands:
        with open("/dev/full", "wb") as full:
            done = run(*command, stdout=full, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
        told = f"crfd: standard output: {os.strerror(errno.ENOSPC)}\n".encode()
        assert (done.returncode, done.stderr) == (1, told), command


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_is_cut_short_is_an_error(tmp_path: Path, unbuffered: str) -> None:
    """A write(2) that takes a part of what it gets, and the next that takes nothing."""
    out = tmp_path / "out"
    with mkfds.spawn("files:n=300") as target, out.open("wb") as stream:
        done = run(
            "ls", "--json", str(target.pid), stdout=stream, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        )  # fmt: skip
    assert out.stat().st_size == 10_000
    assert (done.returncode, done.stderr) == (1, f"crfd: standard output: {os.strerror(errno.EFBIG)}\n".encode())


@pytest.mark.parametrize("command", ["ls", "dump"])
def test_a_non_blocking_stdout_gets_everything(command: str) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    got: list[bytes] = []

    def drain() -> None:
        while piece := os.read(read, 4096):
            got.append(piece)
            time.sleep(0.0005)

    with mkfds.spawn("files:n=2000") as target:
        reader = threading.Thread(target=drain)
        reader.start()
        done = run(command, "-q" if command == "dump" else "--json", str(target.pid), stdout=write)
        os.close(write)
        reader.join()
        os.close(read)
        nfds = target.report["nfds"]
    assert (done.returncode, done.stderr) == (0, b"")
    data = b"".join(got)
    if command == "ls":
        assert len(data.splitlines()) == nfds
    else:
        verified = run("verify", "-", input=data)
        assert f"{nfds:,} fds".encode() in verified.stdout


@pytest.mark.parametrize("command", [["ls", "self"], ["check"], ["--help"], ["show", "self"], ["dump", "self"]])
def test_a_closed_stdout_is_an_error(command: list[str], path: Path) -> None:
    words = [str(path) if word == "self" and command[0] == "show" else word for word in command]
    words = [str(os.getpid()) if word == "self" else word for word in words]
    done = run(*words, before=("sh", "-c", 'exec "$@" >&-', "sh"))
    told = f"crfd: standard output: {os.strerror(errno.EBADF)}\n".encode()
    assert (done.returncode, done.stderr) == (1, told)


def test_a_closed_stdin_and_stderr_are_no_traceback(path: Path) -> None:
    done = run("show", "-", before=("sh", "-c", 'exec "$@" <&-', "sh"))
    assert (done.returncode, done.stderr) == (1, f"crfd: standard input: {os.strerror(errno.EBADF)}\n".encode())
    done = run("verify", path, before=("sh", "-c", 'exec "$@" 2>&-', "sh"))
    assert done.returncode == 0
    assert b"correct" in done.stdout


def test_an_ascii_stdout_gets_what_it_can_show(path: Path) -> None:
    with mkfds.spawn("oddname", "unix_connected") as target:
        for command in (["show", path], ["ls", str(target.pid)]):
            done = run(*command, env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
            assert (done.returncode, done.stderr) == (0, b"")
            assert done.stdout.isascii()


@pytest.mark.parametrize("columns", ["", "0", "1", "-5", "x", "9" * 10, "9" * 5000])
@pytest.mark.parametrize("command", [["show"], ["show", "--group"], ["show", "--help"]])
def test_a_terminal_of_any_width_gets_its_table(path: Path, command: list[str], columns: str) -> None:
    with procs.opened(*os.openpty()) as (master, slave):
        threading.Thread(target=_drain, args=(master,), daemon=True).start()
        words = [*procs.CRFD, *command, str(path)]
        env = {**os.environ, "COLUMNS": columns}
        done = subprocess.run(
            words, stdout=slave, stderr=subprocess.PIPE, env=env, cwd=procs.ROOT, check=False, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, b"")


def _drain(fd: int) -> None:
    with suppress(OSError):
        while os.read(fd, 4096):
            pass


# ---- nothing that a terminal would obey ----


def nasty_file(kind: int, *records: tuple[int, bytes], path: bytes = b"/" + NASTY) -> File:
    return File(path, kind=kind, more=records, st_mode=0o100644)


def strings(text: bytes) -> list[Rec]:
    """An image with the text in every field that is one."""
    name = text[:14].ljust(16, b"\0")
    unix = struct.pack("<H", 1)
    socket = struct.pack("<IHHIIIIIIQQ", 255, 1, 1, 0, 1, 0, 0, 0, 0, 0, 5)
    dmabuf = struct.pack("<QQ32s32s", 1, 1, text[:31], text[:31])
    bpf = struct.pack("<8I16s", 1, 1, 1, 1, 1, 1, 1, 0, name)
    files = [
        nasty_file(Kind.FILE),
        nasty_file(Kind.SOCKET, (RecordType.SOCKET, socket), (RecordType.SOCK_NAME, unix + b"/" + text)),
        nasty_file(Kind.SOCKET, (RecordType.SOCKET, socket), (RecordType.SOCK_PEER, unix + b"\0" + text)),
        nasty_file(Kind.SOCKET, (RecordType.SOCKET, socket), (RecordType.SOCK_PEER, b"\x99\x99" + text)),
        nasty_file(Kind.CHR, (RecordType.TUN, name)),
        nasty_file(Kind.DMABUF, (RecordType.DMABUF, dmabuf)),
        nasty_file(Kind.BPF_MAP, (RecordType.BPF, bpf)),
        nasty_file(Kind.MEMFD, (RecordType.MEMFD, struct.pack("<II", 1, 1)), path=b"/memfd:" + text),
        nasty_file(Kind.NAMESPACE, path=text + b":[4026531840]"),
        nasty_file(999, (RecordType.FDINFO, text)),
        nasty_file(Kind.PIPE),
    ]
    files[-1].f_mode = 2
    for file in files:
        file.path = file.path.replace(NASTY, text)
    more = [
        (RecordType.TASK_EXE, text),
        (RecordType.TASK_CMDLINE, text + b"\0" + text + b"\0"),
        (RecordType.TASK_CGROUP, b"0::/" + text + b"\n"),
    ]
    tasks = [
        Task(1, [Fd(fd, file) for fd, file in enumerate(files)], text[:14], more=more),
        Task(2, [Fd(fd, file) for fd, file in enumerate(files)], text[:14], more=more[:1]),
    ]
    records = plan(tasks)
    head = records[0]
    assert head.type == HEAD
    assert head.payload
    head.payload = head.payload[:32] + 3 * text[:40].ljust(64, b"\0")
    return records


def assert_tame(done: subprocess.CompletedProcess[bytes]) -> None:
    for stream in (done.stdout, done.stderr):
        shown = stream.decode()
        assert all(line.isprintable() for line in shown.split("\n")), shown
        assert not any(line.startswith("crfd: forged") for line in shown.split("\n")), shown
        assert "Traceback" not in shown


SHOWN: list[list[str]] = [
    ["show"], ["show", "--json"], ["show", "--links"], ["show", "--links", "--json"], ["show", "--pid", "1"],
    ["show", "--pid", "2", "--json"], ["info"], ["verify"],
]  # fmt: skip


@pytest.mark.parametrize("command", SHOWN, ids=" ".join)
def test_no_string_of_an_image_reaches_the_terminal_raw(command: list[str], tmp_path: Path) -> None:
    tame, nasty = tmp_path / "tame", Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + NASTY))
    tame.write_bytes(assemble(strings(b"x" * len(NASTY))))
    nasty.write_bytes(assemble(strings(NASTY)))
    one, other = run(*command, tame), run(*command, nasty)
    assert (one.returncode, other.returncode) == (0, 0), other.stderr
    assert_tame(other)
    assert len(one.stdout.splitlines()) == len(other.stdout.splitlines())
    assert one.stdout


def test_no_name_in_an_error_does(tmp_path: Path) -> None:
    name = os.fsdecode(NASTY)
    folder = tmp_path / name
    folder.mkdir()
    whole, broken = assemble(strings(NASTY)), folder / "broken"
    (folder / "image").write_bytes(whole)
    broken.write_bytes(whole[:-20])
    (folder / "changed").write_bytes(whole[:500] + b"\xff" + whole[501:])
    me = str(os.getpid())
    commands: list[tuple[int, list[str | Path]]] = [
        *[(1, [one, folder / "none"]) for one in ("show", "verify", "info")],
        *[(1, [one, broken]) for one in ("show", "verify", "info")],
        *[(1, [one, folder / "changed"]) for one in ("show", "verify")],
        *[(1, [one, folder]) for one in ("show", "verify", "info")],
        (1, ["show", folder / "image", "--pid", "7"]),
        (1, ["dump", me, "-o", folder / "none" / "image"]),
        (1, ["dump", me, "-o", folder]),
        (2, ["dump", "--backend", name, me]),
        (2, [name]),
    ]
    commands += [(2, [one, name]) for one in ("dump", "ls", "none", "check")]
    commands += [(2, [one, f"--{name.replace(' ', '')}"]) for one in ("dump", "ls", "show", "verify", "info", "check")]
    for status, command in commands:
        done = run(*command)
        assert_tame(done)
        assert (done.returncode, done.stdout) == (status, b""), (command, done.stderr)
    for option in ("--name", "--command", "--user", "--cgroup", "--container"):
        for word in (name, "(" + name):
            done = run("ls", option, word)
            assert_tame(done)
            assert done.returncode in {0, 1, 2}


NAMED = """
import ctypes, os, sys, time
name = os.fsencode(sys.argv[1])
ctypes.CDLL(None).prctl(15, name[:15])
fd = os.open(os.path.join(os.fsencode(sys.argv[2]), name), os.O_CREAT | os.O_RDWR)
print("ready", flush=True)
time.sleep(600)
"""


def test_no_name_of_a_process_or_its_files_does(backend: str, tmp_path: Path) -> None:
    with running(NAMED, os.fsdecode(NASTY), str(tmp_path)) as process:
        out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + NASTY + b".crfd"))
        for command in (["ls"], ["ls", "--json"], ["dump", "-o", out]):
            done = run(*command, "--backend", backend, str(process.pid))
            assert done.returncode == 0, done.stderr
            assert_tame(done)
        assert_tame(run("show", out))


def test_a_name_can_be_read_back() -> None:
    """An escaped name differs from one that looks so."""
    from crfd.cli.tables.text import escape, visible

    assert escape(b"a\x1b\\x1b\xff") == "a\\x1b\\x5cx1b\\xff"
    assert visible("a\tb\n", "\n") == "a\\x09b\n"
    assert visible("a\tb\n") == "a\\x09b\\x0a"
    assert visible("über … →") == "über … →"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/srv/short", "/srv/short"),
        ("/srv/a/very/long/way/to/go/until/the/file.log", "/srv/a/very…o/go/until/the/file.log"),
        ("socket:[12345678] TCP 10.0.0.1:80 LISTEN", "TCP 10.0.0.1:80 LISTEN"),
        ("socket:[1] TCP 127.0.0.1:45919 LISTEN waiting=0 backlog=128", "TCP 127.0.0.1:45919 LISTEN…"),
        ("socket:[1] TCP 127.0.0.1:80 LISTEN waiting=0 backlog=128", "TCP 127.0.0.1:80 LISTEN waiting=0…"),
        ("socket:[1] TCP 127.0.0.1:48842 → 127.0.0.1:45919 ESTABLISHED", "TCP 127.0.0.1:48842 → 127.0.0.1:45…"),
        ("socket:[1] unix stream /run/some-service/control.sock LISTEN backlog=9", "unix stream…ice/control.sock LISTEN"),
        ("socket:[1234567890123456789012345678901234567890]", "socket:[12345678901234567890123456…"),
        ("pipe:[12345678] read 0B waiting of 65536B readers=1", "pipe:[12345678] read 0B waiting of…"),
        ("pipe:[12345678] read 0B of 9B readers=1 writers=1", "pipe:[12345678] read 0B of 9B…"),
    ],
)  # fmt: skip
def test_a_cut_name_keeps_what_tells_it_from_others(name: str, shown: str) -> None:
    """The name of a file, the addresses of a socket, the number of a pipe."""
    data = image([Task(7, [Fd(0, File(name.encode()))])])
    render = Render(("name",), "table", width=35)
    lines = b"".join([*map(bytes, render.rows(ImageReader(memoryview(data), None))), *map(bytes, render.end())])
    assert lines.decode() == f"{shown}\n"
    assert len(shown) <= 35


def test_whoever_replaced_stdout_gets_the_text(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    from crfd.cli.main import main

    assert main(["verify", str(path)]) == 0
    assert "correct" in capsys.readouterr().out
    assert sys.stdout is not sys.__stdout__
