# SPDX-License-Identifier: MIT
"""README's table of questions: every row is run, and both answers are compared."""

from __future__ import annotations

import os
import pty
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CI
from tests.procs import ROOT, Need, cgroup, running

Answer = Callable[[str, "Scene"], Any]
PATIENCE = 60  # seconds; lsof goes through every process, whoever is asked about

# The process that is asked about opens all this, and becomes nobody when it has it.
HOLDER = """
import ctypes, fcntl, os, sys
folder, mount, tty, name, uid = sys.argv[1:]
ctypes.CDLL(None).prctl(15, name.encode())
file = os.open(f"{folder}/app.log", os.O_RDWR)
shared = os.dup(file)
os.set_inheritable(shared, True)
deleted = os.open(f"{folder}/gone", os.O_RDWR | os.O_CREAT)
os.write(deleted, bytes(1 << 20))
os.fsync(deleted)
os.unlink(f"{folder}/gone")
other = os.open(f"{folder}/other", os.O_RDWR | os.O_CREAT)
os.write(other, b"12345")
locked = os.open(f"{folder}/app.db", os.O_RDWR | os.O_CREAT)
fcntl.lockf(locked, fcntl.LOCK_EX)
device = os.open("/dev/full", os.O_RDWR)
terminal = os.open(tty, os.O_RDWR | os.O_NOCTTY)
busy = os.open(f"{mount}/busy", os.O_RDWR | os.O_CREAT) if mount else -1
os.setresuid(*[int(uid)] * 3)
print("ready", flush=True)
os.read(0, 1)
"""
FEWER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode())
os.setresuid(*[65534] * 3)
print("ready", flush=True)
os.read(0, 1)
"""


@dataclass(frozen=True)
class Row:
    question: str
    peer: str
    ours: str


def rows() -> list[Row]:
    """The table as it stands in the README, without the backticks."""
    section = (ROOT / "README.md").read_text().partition("\n## Questions\n")[2].partition("\n## ")[0]
    found = []
    for line in section.splitlines():
        if line.startswith("| ") and not line.startswith(("| what you ask", "| ---")):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            question, peer, ours = (cell.replace("\\|", "|") for cell in cells)
            found.append(Row(question, peer[1:-1] if peer.startswith("`") else "", ours.strip("`")))
    return found


ROWS = rows()


@dataclass(frozen=True)
class Scene:
    pid: int  # of the holder
    client: int  # who is connected with it, and has the other ends of its pipes
    places: dict[str, str]  # what stands in the README, and what it is here

    def told(self, command: str) -> str:
        """The command with the names of this scene in it."""
        names = sorted(self.places, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, names)), lambda found: self.places[found[0]], command)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("questions")
    (folder / "app.log").touch()
    name, container = f"q{os.getpid()}", secrets.token_hex(32)
    places = {"/srv": str(folder), "nginx": name, "alice": "nobody", "3f2a91c04b7d": container[:12]}
    with ExitStack() as stack:
        mount = _mounted(folder.with_name(f"{folder.name}-mnt"), stack)
        if mount:
            places["/mnt"] = mount
        master, slave = pty.openpty()
        stack.callback(os.close, master)
        stack.callback(os.close, slave)
        places["/dev/pts/3"] = os.ttyname(slave)
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listening.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listening.accept()
        reader, writer = os.pipe()
        other = stack.enter_context(running(FEWER, f"{name}b", pass_fds=(client.fileno(), writer)))
        inherited = (listening.fileno(), accepted.fileno(), reader)
        args = (str(folder), mount, os.ttyname(slave), name, "65534")
        holder = stack.enter_context(running(HOLDER, *args, pass_fds=inherited))
        places |= {":8080": f":{port}", "4711": str(holder.pid), "4242": str(os.fstat(reader).st_ino)}
        for end in (client, accepted):
            end.close()
        os.close(reader)
        os.close(writer)
        _placed(holder.pid, f"{name}.service/docker-{container}.scope", places, stack)
        yield Scene(holder.pid, other.pid, places)


def _mounted(folder: Path, stack: ExitStack) -> str:
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], check=False, capture_output=True).returncode:
        return ""
    stack.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
    return str(folder)


def _placed(pid: int, path: str, places: dict[str, str], stack: ExitStack) -> None:
    """Puts a process into a cgroup of that name, where there can be one."""
    try:
        ours = stack.enter_context(cgroup("v2"))
    except pytest.skip.Exception:
        return
    folder = ours.folder / path
    folder.mkdir(parents=True)
    stack.callback(folder.parent.rmdir)
    stack.callback(folder.rmdir)
    stack.callback(lambda: (ours.folder.parent / "cgroup.procs").write_text(str(pid)))
    (folder / "cgroup.procs").write_text(str(pid))
    places["/sys/fs/cgroup/web"] = str(folder)


# ---- what an answer says ----


def pids(text: str, scene: Scene) -> set[int]:
    """The processes of the scene that are named anywhere."""
    return {int(word) for word in re.findall(r"\d+", text)} & {scene.pid, scene.client}


def users(text: str, scene: Scene) -> set[int]:
    """The processes in the words of ss: users:(("python",pid=4711,fd=3))."""
    return {int(word) for word in re.findall(r"pid=(\d+)", text)} & {scene.pid, scene.client}


def first_pids(text: str, scene: Scene) -> set[int]:
    """A line a process or descriptor, which the pid begins."""
    return {int(line.split()[0]) for line in text.splitlines() if line.split()[0].isdecimal()} & {
        scene.pid,
        scene.client,
    }


def lsof_pids(text: str, scene: Scene) -> set[int]:
    return {int(line.split()[1]) for line in text.splitlines()} & {scene.pid, scene.client}


def lsof_fds(text: str, scene: Scene) -> set[int]:
    """COMMAND PID USER FD …: the descriptors of the holder."""
    fields = [line.split() for line in text.splitlines()]
    return {int(f[3].rstrip("rwuWR")) for f in fields if f[1] == str(scene.pid) and re.match(r"\d+[rwu-]", f[3])}


def our_fds(text: str, scene: Scene) -> set[int]:
    """PID COMMAND FD …, with a * where it is closed by execve(2)."""
    fields = [line.split() for line in text.splitlines()[1:]]
    return {int(f[2].rstrip("*")) for f in fields if f[0] == str(scene.pid)}


def deleted(text: str, scene: Scene) -> set[int]:
    """PID COMMAND FD SIZE PATH, the largest first."""
    sizes = [int(line.split()[3]) for line in text.splitlines()[1:]]
    assert sizes == sorted(sizes, reverse=True)
    return our_fds(text, scene)


def numbers(text: str, scene: Scene) -> list[int]:
    return [int(line.strip(" +*")) for line in text.splitlines()]


def lines(text: str, scene: Scene) -> list[str]:
    return sorted(line.removesuffix(" (deleted)") for line in text.splitlines())


def pipe_ends(text: str, scene: Scene) -> set[int]:
    """The processes that are named behind the inode, as 4711,python,3r."""
    own = "\n".join(line for line in text.splitlines() if line.split()[1] == str(scene.pid))
    return {int(pid) for pid in re.findall(r" (\d+),[^ ]+,\d+[rwu]", own)}


def peer_pids(text: str, scene: Scene) -> set[int]:
    found = [line.split() for line in text.splitlines()[1:]]
    assert {"pipe", "TCP"} <= {word for words in found for word in re.split(r"[:\s]", " ".join(words))}
    return {int(words[1]) for words in found if "pipe:[" in " ".join(words)}


KINDS = {"REG": "file", "DIR": "dir", "CHR": "chr", "FIFO": "pipe", "SOCK": "socket"}


def counts(text: str, scene: Scene) -> dict[str, int]:
    """COUNT KIND, of the kinds that both know."""
    found = [line.split() for line in text.splitlines()]
    return {KINDS.get(kind, kind): int(n) for n, kind in found if KINDS.get(kind, kind) in KINDS.values()}


def fullest(text: str, scene: Scene) -> tuple[int, int]:
    """The numbers that awk prints: COUNT PID."""
    n, pid = map(int, text.split())
    return n, pid


def our_fullest(text: str, scene: Scene) -> tuple[int, int]:
    header, line = text.splitlines()[:2]
    told = dict(zip(header.split(), line.split(), strict=False))
    return int(told["FDS"]), int(told["PID"])


def shared(text: str, scene: Scene) -> set[tuple[int, ...]]:
    """OBJREF FD: those with one objref."""
    groups: dict[str, list[int]] = {}
    for line in text.splitlines():
        objref, fd = line.split()
        groups.setdefault(objref, []).append(int(fd))
    return {tuple(group) for group in groups.values()}


def shared_by_scan(scene: Scene) -> set[tuple[int, ...]]:
    """Tell what no other program can: app.log was duplicated, and that alone."""
    fds = Path(f"/proc/{scene.pid}/fd")
    return {tuple(sorted(int(one.name) for one in fds.iterdir() if str(one.readlink()).endswith("/app.log")))}


ANSWERS: dict[str, tuple[Answer, Answer]] = {
    "who has a file open": (pids, pids),
    "the same, to end them: `kill $(…)`": (pids, pids),
    "who has anything open below a directory": (pids, pids),
    "what keeps a file system busy": (pids, pids),
    "who listens on a port": (users, first_pids),
    "who is connected with it": (users, first_pids),
    "who is at the ends of a pipe": (lsof_pids, first_pids),
    "with whom a process talks": (pipe_ends, peer_pids),
    "deleted files, the largest first": (lsof_fds, deleted),
    "what their last close would give back, of a process": (numbers, numbers),
    "all of a process": (lsof_fds, our_fds),
    "all of a user": (lsof_fds, our_fds),
    "all of a command": (lsof_fds, our_fds),
    "all of a unit": (lsof_fds, our_fds),
    "all of a container": (lsof_fds, our_fds),
    "which process has the most descriptors": (fullest, our_fullest),
    "how many there are of each kind": (counts, counts),
    "what a child would inherit": (numbers, numbers),
    "which descriptors share one open file description": (lambda _, scene: shared_by_scan(scene), shared),
    "who has a lock": (first_pids, first_pids),
    "who uses a terminal": (pids, pids),
    "who uses a device": (pids, pids),
    "one column, sorted": (numbers, numbers),
    "JSON into jq": (lines, lines),
    "into pandas": (numbers, numbers),
    "into polars": (numbers, numbers),
    "into DuckDB": (numbers, numbers),
}
NEEDS = {"pandas", "polars", "duckdb"}


def test_the_table_has_the_questions_that_are_asked_here() -> None:
    assert [row.question for row in ROWS] == list(ANSWERS)
    assert len({row.question for row in ROWS}) == len(ROWS) >= 20


def ask(command: str, need: Need) -> str:
    for program in {"lsof", "fuser", "ss", "lsfd", "lslocks", "jq"} & set(re.findall(r"\w+", command)):
        need(program)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            answer, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            if CI or command.startswith("crfd"):
                raise
            pytest.skip(f"{command}: no answer within {PATIENCE} s on this host")
    assert answer, command
    return answer


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.question)
def test_a_question_has_one_answer(row: Row, scene: Scene, need: Need) -> None:
    need("root")
    need("kcmp")
    for name in ("/mnt", "/sys/fs/cgroup/web"):
        if name in row.peer and name not in scene.places:
            pytest.skip(f"{name}: none can be made here")
    for module in NEEDS & set(re.findall(r"\w+", row.ours)):
        pytest.importorskip(module)
    theirs, ours = ANSWERS[row.question]
    expected = theirs(ask(scene.told(row.peer), need) if row.peer else "", scene)
    assert expected
    assert ours(ask(scene.told(row.ours), need), scene) == expected


def test_crfd_of_this_installation_is_asked() -> None:
    assert shutil.which("crfd", path=str(Path(sys.executable).parent))
