# SPDX-License-Identifier: MIT
"""README's table of who knows what a process holds beside its descriptors: every cell is asked of the program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import procs
from tests.integration.test_held import child
from tests.integration.test_locks import _HOLDER, _WAITER, _waits
from tests.procs import CRFD, Need
from tests.shown import parsed

Row = dict[str, Any]

README = Path(__file__).parents[2] / "README.md"
TOOLS = ("crfd", "lsof", "lsfd", "fuser", "ss")


def table() -> dict[str, dict[str, bool]]:
    """Read README's table: by row and tool, whether it is said to know."""
    rows = re.findall(
        r"^\| ([^|]+) \| (yes|no) \| (yes|no) \| (yes|no) \| (yes|no) \| (yes|no) \|$", README.read_text(), re.M
    )
    return {what: dict(zip(TOOLS, (cell == "yes" for cell in cells), strict=True)) for what, *cells in rows}


def output(*command: object) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.stdout.decode(errors="replace")


_ENDS = """
import os, pty, select, socket, sys, termios, threading
master, slave = pty.openpty()
settings = termios.tcgetattr(slave)
settings[3] &= ~termios.ECHO
termios.tcsetattr(slave, termios.TCSANOW, settings)
one, other = socket.socketpair()
one.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
one.shutdown(socket.SHUT_WR)
sender, receiver = socket.socketpair()
with open(sys.argv[2], "w") as file:
    socket.send_fds(sender, [b"x"], [file.fileno()])
os.chown(sys.argv[1], 4321, 4321)
owned = os.open(sys.argv[1], os.O_RDONLY)
null = os.open("/dev/null", os.O_RDONLY)
pidfd = os.pidfd_open(os.posix_spawnp("sleep", ["sleep", "600"], os.environ))
idle, _ = os.pipe()
threading.Thread(target=select.select, args=([idle], [], []), daemon=True).start()
print("ready", flush=True)
print(slave, one.fileno(), owned, null, pidfd, settings[3], receiver.fileno(), idle, flush=True)
sys.stdin.read()
"""


class Ends:
    """The words of each program about descriptors, line by line."""

    def __init__(self, pid: int, told: list[int], flying: Path) -> None:
        self.slave, self.half, self.owned, self.null, self.pidfd, self.lflag, self.receiver, self.idle = told
        self.pid, self.flying = pid, flying
        columns = "tty.lflag,socket.shutdown,st_uid,driver,pidfd.comm,source,fs_type,socket.peer_ino,polled,sockopts"
        self.crfd = {row["fd"]: row for row in parsed(output(*CRFD, "ls", pid, "-c", f"fd,{columns}", "--json"))}
        self.lsof = {line.split()[3].rstrip("urw"): line for line in output("lsof", "-nP", "-p", pid).splitlines()[1:]}
        every = next(iter(re.findall(r"(?s)Available output columns:\n(.*?)\n\n", output("lsfd", "--help"))), "")
        names = ["FD", *(name for name in re.findall(r"^ +(\S+)", every, re.M) if name not in {"FD", "NAME"})]
        shown = output("lsfd", "-J", "-p", pid, "-o", ",".join(names), "-Q", "FD >= 0")
        self.lsfd = {row["fd"]: json.dumps(row) for row in json.loads(shown)["lsfd"]}
        self.ss = {
            int(fd): line
            for line in output("ss", "-aenpO").splitlines()
            for fd in re.findall(rf"pid={pid},fd=(\d+)", line)
        }

    def said(self, fd: int, column: str, expected: object, pattern: str) -> tuple[bool, ...]:
        """Whether crfd says exactly that, and the others anything that looks like it; fuser names files alone."""
        others = (self.lsof[str(fd)], self.lsfd[fd], "", self.ss.get(fd, ""))
        return self.crfd[fd].get(column) == expected, *(bool(re.search(pattern, text)) for text in others)

    def flies(self) -> tuple[bool, ...]:
        """Whether each says that the file is in flight."""
        rows = parsed(output(*CRFD, "ls", self.pid, "--holds", "all", "--json"))
        others = (
            output("lsof", "-nP", "-p", self.pid),
            json.dumps(self.lsfd),
            output("fuser", "-v", self.flying),
            json.dumps(self.ss),
        )
        found = any(row.get("held") == "flight" and row["path"] == str(self.flying) for row in rows)
        return found, *(
            bool(re.search(rf"{self.flying.name}\b.*{self.pid}|{self.pid}\b.*{self.flying.name}", text))
            for text in others
        )

    def options(self) -> tuple[bool, ...]:
        """Whether each says which options a socket has."""
        found = "passcred" in self.crfd[self.half]["sockopts"]["on"]
        return found, *self.said(self.half, "sockopts", None, r"(?i)passcred")[1:]

    def peer(self) -> tuple[bool, ...]:
        """Whether each says which socket is the other end."""
        inode = re.sub(r"\D", "", str(Path(f"/proc/{self.pid}/fd/{self.half + 1}").readlink()))
        self.lsof.update(
            {
                line.split()[3].rstrip("urw"): line
                for line in output("lsof", "-nP", "+E", "-p", self.pid).splitlines()[1:]
            }
        )
        return self.said(self.half, "socket.peer_ino", int(inode), rf"\b{inode}\b")


class Asked:
    """The words of each program about the child, the holder of a lock and who waits for it."""

    def __init__(self, pid: int, made: dict[str, Row], where: Path, holder: int, waiter: int) -> None:
        self.pid, self.made, self.where, self.holder, self.waiter = pid, made, where, holder, waiter
        self.rows = parsed(output(*CRFD, "ls", pid, "--holds", "all", "--json"))
        self.lsof = output("lsof", "-nP", "-p", pid)
        self.lsfd = output("lsfd", "-p", pid, "-o", "ASSOC,TYPE,NAME")
        self.ss = "\n".join(line for line in output("ss", "-aenpO").splitlines() if f"pid={pid}," in line)

    def held(self, by: str, **known: Any) -> bool:
        return any(row.get("held") == by and known.items() <= row.items() for row in self.rows)

    def lsof_has(self, fd: str, name: str) -> bool:
        return any(line.split()[3] == fd and line.endswith(name) for line in self.lsof.splitlines()[1:])

    def lsfd_has(self, assoc: str, name: str) -> bool:
        return any(line.split()[:1] == [assoc] and line.endswith(name) for line in self.lsfd.splitlines()[1:])

    def fuser_has(self, letter: str, path: object) -> bool:
        """fuser(1): c current directory, e executable being run, r root directory, m mmap'ed file or shared library."""
        return any(
            str(self.pid) in line.split()
            and any(re.fullmatch(r"[.Fcefrm]{4,}", word) and letter in word for word in line.split())
            for line in output("fuser", "-v", path).splitlines()
        )

    def lock_lines(self, *command: object) -> bool:
        """Whether an output has one line with who waits and for whom."""
        return any(
            re.search(rf"\b{self.waiter}\b", line) and re.search(rf"\b{self.holder}\b", line)
            for line in output(*command).splitlines()
        )

    def waits(self) -> bool:
        image = self.where / "image"
        output(*CRFD, "dump", "-q", "-o", image, self.holder, self.waiter)
        return self.lock_lines(*CRFD, "show", "--links", image)


@pytest.fixture(scope="module")
def asked(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    for name in ("root", "lsof", "lsfd", "fuser", "ss"):
        need(name)
    where = tmp_path_factory.mktemp("held")
    lock = where / "lock"
    lock.touch()
    with (
        child(where) as (pid, made),
        procs.running(_HOLDER, "flock", str(lock)) as holder,
        procs.running(_WAITER, "flock", str(lock)) as waiter,
    ):
        procs.until(lambda: _waits(waiter.pid), "it waits")
        yield Asked(pid, made, where, holder.pid, waiter.pid)


_OF_ENDS = {
    "owner of the inode": lambda e: e.said(e.owned, "st_uid", 4321, "4321"),
    "driver of a device": lambda e: e.said(e.null, "driver", "mem", r"\bmem\b"),
    "type of the file system": lambda e: e.said(e.null, "fs_type", "devtmpfs", "devtmpfs"),
    "which half of a socket is shut down": lambda e: e.said(
        e.half, "socket.shutdown", "r-", r'\br-[" ]|(?i:shut)| <--(?= |$)'
    ),
    "command of a pidfd's process": lambda e: e.said(e.pidfd, "pidfd.comm", "sleep", r"\bsleep\b"),
    "peer of a unix socket": lambda e: e.peer(),
    "which files are in flight in a unix socket": lambda e: e.flies(),
    "who waits for a descriptor in poll or select": lambda e: e.said(e.idle, "polled", 1, r'"xmode": "\S*m'),
    "options of a socket": lambda e: e.options(),
    "settings of a terminal": lambda e: e.said(e.slave, "tty.lflag", e.lflag, r"(?i)lflag|echo"),
}


@pytest.fixture(scope="module")
def ends(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    for name in ("root", "lsof", "lsfd", "ss", "pidfd_getfd", "sock_diag"):
        need(name)
    owned = tmp_path_factory.mktemp("ends") / "owned"
    owned.touch()
    flying = owned.with_name("flying")
    with procs.running(_ENDS, str(owned), str(flying)) as process:
        yield Ends(process.pid, list(map(int, procs.said(process).split())), flying)


def answers(a: Asked, what: str) -> dict[str, bool]:
    cwd, plain, gone, shm = (a.made[key] for key in ("cwd", "plain", "deleted", "System V"))
    exe = Path(sys.executable).resolve()
    nothing = (a.lsof_has("no", "no"), a.lsfd_has("no", "no"), a.fuser_has("T", plain["path"]))
    lines = (*(f"{a.lsof}{a.lsfd}{output('fuser', '-v', plain['path'])}".splitlines()),)
    each = {
        "working directory": (
            a.held("cwd", path=cwd["path"]), a.lsof_has("cwd", cwd["path"]),
            a.lsfd_has("cwd", cwd["path"]), a.fuser_has("c", cwd["path"]),
        ),
        "root directory": (a.held("root", path="/"), a.lsof_has("rtd", "/"), a.lsfd_has("rtd", "/"), a.fuser_has("r", "/")),
        "executable": (a.held("exe", path=str(exe)), a.lsof_has("txt", str(exe)), a.lsfd_has("exe", str(exe)),
            a.fuser_has("e", exe)),
        "mapped file": (
            a.held("map", path=plain["path"]), a.lsof_has("mem", plain["path"]), plain["path"] in a.lsfd,
            a.fuser_has("m", plain["path"]),
        ),
        "deleted library": (
            a.held("map", path=gone["path"], deleted=True), a.lsof_has("DEL", gone["path"]), gone["path"] in a.lsfd,
            a.fuser_has("m", gone["path"]),
        ),
        "System V shared memory": (
            a.held("map", path=shm["path"], ino=shm["ino"]), a.lsof_has("DEL", shm["path"]), shm["path"] in a.lsfd,
            a.fuser_has("m", shm["path"]),
        ),
        "link count of a deleted library": (a.held("map", path=gone["path"], nlink=0), *nothing),
        "permissions, number and bytes of the mappings": (
            a.held("map", path=plain["path"], map={"prot": "rwxs", "mappings": 3, "bytes": 16384}),
            *(any(plain["path"] in line and "rwxs" in line for line in lines) for _ in range(3)),
        ),
        "who waits for a lock, and for whom": (
            a.waits(), a.lock_lines("lsof", "-nP", "-p", f"{a.holder},{a.waiter}"),
            a.lock_lines("lsfd", "-p", f"{a.holder},{a.waiter}"),
            a.lock_lines("fuser", "-v", a.where / "lock"),
        ),
    }  # fmt: skip
    paths = {"working directory": cwd, "deleted library": gone, "System V shared memory": shm}
    return dict(zip(TOOLS, (*each[what], paths.get(what, plain)["path"] in a.ss), strict=True))


def test_the_table_is_there() -> None:
    assert len(table()) == 19
    assert _OF_ENDS.keys() <= table().keys()
    assert all(row["crfd"] for row in table().values())


@pytest.mark.parametrize("what", _OF_ENDS)
def test_each_cell_of_descriptors(what: str, ends: Ends) -> None:
    assert dict(zip(TOOLS, _OF_ENDS[what](ends), strict=True)) == table()[what]


@pytest.mark.parametrize("what", [what for what in table() if what not in _OF_ENDS])
def test_each_cell(what: str, asked: Asked) -> None:
    assert answers(asked, what) == table()[what]
