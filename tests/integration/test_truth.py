# SPDX-License-Identifier: MIT
"""An image tells the truth: nothing of another process, nothing missing without a word, no stillness that was none."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import crfd
from tests import mkfds
from tests.procs import CRFD, ROOT, WAIT, Need, inside, run, running

SECONDS = 15 if os.environ.get("CRFD_STRESS") == "1" else 6


# ---- numbers that are another process's by now ----

# Children that bear the name of the file that they open, live no longer than a dump takes, and lie about as zombies for a
# while; the next ones get their numbers.
REUSED = """
import ctypes, io, json, mmap, os, random, signal, sys, time, crfd
prctl = ctypes.CDLL(None).prctl
took = memoryview(mmap.mmap(-1, 8)).cast("d")  # seconds of the last dump; the children share it
took[0] = 0.01
def child(name):
    prctl(15, name)  # PR_SET_NAME
    os.memfd_create(name)
    time.sleep(random.uniform(0, took[0]))
    os._exit(0)
def nursery():
    living, n = [], 0
    while True:
        while len(living) < 60:
            n += 1
            pid = os.fork()
            if pid == 0:
                child(b"n%d" % n)
            living.append(pid)
        time.sleep(0.003)
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write("300")
        for pid in random.sample(living, 30):
            os.waitpid(pid, 0)
            living.remove(pid)
for _ in range(3):
    if os.fork() == 0:
        nursery()
wrong, checked = [], 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end or (checked <= 100 and time.monotonic() < end + 60):
    out, began = io.BytesIO(), time.monotonic()
    crfd.dump(crfd.Selection.everything(), out, backend=sys.argv[1])
    took[0] = time.monotonic() - began
    for task in crfd.open(io.BytesIO(out.getvalue())).tasks.values():
        names = [entry.file.path for entry in task.fds.values() if entry.file and entry.file.path]
        names = [name for name in names if name.startswith(b"/memfd:n")]
        if task.comm.startswith(b"n"):
            checked += len(names)
            wrong += [(task.pid, task.comm.decode(), name.decode()) for name in names if name != b"/memfd:" + task.comm]
os.kill(-1, signal.SIGKILL)
print(json.dumps({"wrong": wrong[:10], "checked": checked}))
"""


def test_nobody_has_the_files_of_who_had_its_number(need: Need, backend: str) -> None:
    need("root")
    need("unshare")
    unshare = ("unshare", "-pf", "--mount-proc", "--kill-child")
    found = inside(*unshare, code=REUSED, args=(backend, str(SECONDS)))
    assert found["wrong"] == []
    assert found["checked"] > 100


# ---- what we could not do, and what we may not ----

# The dump needs descriptors for all of these: pipes and sockets are copied, a mark of a deleted file is looked up.
VARIOUS = """
import os, socket, sys, time
made = [os.pipe() for _ in range(30)], [socket.socketpair() for _ in range(5)], os.memfd_create("m")
odd = os.open(sys.argv[1] + "/odd (deleted)", os.O_CREAT | os.O_RDWR)
print("ready", flush=True)
time.sleep(600)
"""


def facts(path: Path, pid: int) -> dict[str, Any]:
    """Return what an image says of a process, but for what goes on meanwhile."""
    with crfd.open(path) as image:
        task = image.tasks[pid]
        files = {
            fd: (entry.error, entry.file and (entry.file.path, entry.file.detail)) for fd, entry in task.fds.items()
        }
        return {
            "files": files,
            "cmdline": task.cmdline,
            "cgroup": task.cgroup,
            "exe": task.exe,
            "limit": task.nofile_soft,
        }


def test_with_few_descriptors_everything_is_told_or_nothing(backend: str, tmp_path: Path, need: Need) -> None:
    need("prlimit")
    whole, image = tmp_path / "whole", tmp_path / "image"
    with running(VARIOUS, str(tmp_path)) as process:
        options = ("dump", "--tree", process.pid, "--backend", backend, "-o")
        assert run(*options, whole).returncode == 0
        wanted = facts(whole, process.pid)
        assert len(wanted["files"]) > 70
        seen = set()
        for limit in range(6, 24):
            image.unlink(missing_ok=True)
            done = run(*options, image, before=("prlimit", f"--nofile={limit}:{limit}"))
            seen.add(done.returncode)
            if done.returncode:
                assert "Too many open files" in done.stderr.splitlines()[-1], (limit, done.stderr)
                assert "Traceback" not in done.stderr
                assert not image.exists()
            else:
                assert facts(image, process.pid) == wanted, limit
        assert seen == {0, 1}


def test_refused_descriptors_are_a_matter_of_the_exit_status(tmp_path: Path, need: Need) -> None:
    """Without CAP_SYS_PTRACE the table of another's process can be listed by its owner, and no entry of it be read."""
    need("root")
    need("setpriv")
    bare = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    with running(WAIT) as process:
        done = run("dump", process.pid, "--backend", "proc", "-o", tmp_path / "image", before=bare)
    assert done.returncode == 3, done.stderr
    assert f"crfd: pid {process.pid}: Permission denied (its descriptors)" in done.stderr.splitlines()
    with crfd.open(tmp_path / "image") as image:
        assert {entry.file for entry in image.tasks[process.pid].fds.values()} == {None}


def test_many_refused_processes_are_one_line_unless_asked_for(nobody: tuple[str, ...], tmp_path: Path) -> None:
    with ExitStack() as stack:
        own = stack.enter_context(running(WAIT, before=nobody)).pid
        others = [stack.enter_context(running(WAIT)).pid for _ in range(5)]
        command: tuple[str | int, ...] = ("dump", own, *others, "-o", os.devnull)
        done, named = (run(*command, *more, before=nobody) for more in ((), ("-v",)))
    assert (done.returncode, named.returncode) == (3, 3)
    assert "crfd: 5 processes: Permission denied; -v names them" in done.stderr.splitlines()
    assert not any(f"pid {pid}:" in done.stderr for pid in others)
    assert all(f"crfd: pid {pid}: Permission denied" in named.stderr.splitlines() for pid in others)


SHORT_LIVED = """
import os, time
print("ready", flush=True)
while True:
    if os.fork() == 0:
        time.sleep(0.005)
        os._exit(0)
    time.sleep(0.0005)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""
ENDED = """
import io, json, os, subprocess, sys, time, crfd
nursery = subprocess.Popen([sys.executable, "-c", sys.argv[2]], stdout=subprocess.PIPE)
nursery.stdout.readline()
answer = {"ended": 0, "unread": [], "status": [], "lines": []}
def told():
    return answer["ended"] and any(" ended meanwhile" in line for line in answer["lines"])
end = time.monotonic() + 60
while len(answer["status"]) < 40 or (not told() and time.monotonic() < end):
    result = crfd.dump(crfd.Selection.everything(), io.BytesIO(), backend=sys.argv[1])
    answer["ended"] += result.ended
    answer["unread"] += result.unread
    command = [sys.executable, "-m", "crfd", "dump", "--all", "--backend", sys.argv[1], "-o", "/dev/null"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    answer["status"].append(done.returncode)
    answer["lines"] += done.stderr.splitlines()
    command = [sys.executable, "-m", "crfd", "ls", "--all", "--backend", sys.argv[1]]
    answer["status"].append(subprocess.run(command, stdout=subprocess.DEVNULL).returncode)
nursery.kill()
nursery.wait()
print(json.dumps(answer))
"""


def test_one_that_ended_meanwhile_is_counted_and_no_failure(backend: str, need: Need) -> None:
    need("root")
    need("unshare")
    unshare = ("unshare", "-pf", "--mount-proc", "--kill-child")
    found = inside(*unshare, code=ENDED, args=(backend, SHORT_LIVED))
    assert found["ended"]
    assert found["unread"] == []
    assert set(found["status"]) == {0}
    assert any(" ended meanwhile" in line for line in found["lines"])
    assert not [line for line in found["lines"] if "No such process" in line]


# ---- where we are started ----


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_standard_stream_that_is_closed_is_not_made_one_of_ours(closed: str, backend: str, tmp_path: Path) -> None:
    image, crfd_ = tmp_path / "image", " ".join(CRFD)
    with running(WAIT) as process:
        shell = f"{crfd_} dump {process.pid} --backend {backend} -o {image} {closed}"
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert ("crfd: 1 task" in done.stderr) is ("2>" not in closed)
        crfd.verify(image)
        if ">&- " not in f" {closed} ".replace("2>&-", ""):
            return
        for what in (
            f"dump {process.pid} --backend {backend}",
            f"ls {process.pid} --backend {backend}",
            f"info {image}",
        ):
            shell = f"{crfd_} {what} {closed}"
            done = subprocess.run(
                ["sh", "-c", shell], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT
            )
            assert (done.returncode, done.stdout) == (1, ""), what
            assert done.stderr.splitlines() in (
                [],
                ["crfd: Bad file descriptor"],
                ["crfd: standard output: Bad file descriptor"],
            )


def test_print_does_not_reach_an_image_where_a_stream_is_closed(tmp_path: Path) -> None:
    image = tmp_path / "image"
    code = f"import os, crfd; crfd.dump({os.getpid()}, {str(image)!r}, backend='proc', progress=lambda _: os.write(1, b'x'))"
    shell = f'{sys.executable} -c "{code}" >&-'
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert "Bad file descriptor" in done.stderr
    assert os.listdir(tmp_path) == []


def test_python_itself_cannot_read_our_modules(tmp_path: Path, need: Need) -> None:
    need("prlimit")
    site = next(p for p in sys.path if p.endswith("site-packages"))
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{site}"}
    for words in ("dump 1", "ls 1", "info x"):
        command = ["prlimit", "--nofile=4:4", sys.executable, "-S", "-m", "crfd", *words.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path, env=env)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_an_image_gets_its_name_without_proc(need: Need, tmp_path: Path) -> None:
    need("root")
    need("unshare")
    need("backend bpf")
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("the sanitizers' own code reads /proc when it starts")
    with running(WAIT) as process:
        shell = f"umount -l /proc && exec {' '.join(CRFD)} dump --backend bpf {process.pid} -o {tmp_path}/np.crfd"
        command = ["unshare", "-m", "sh", "-c", shell]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["np.crfd"]
    crfd.verify(tmp_path / "np.crfd")


@pytest.mark.parametrize("tmpfile", [True, False])
def test_the_longest_name_in_any_script(tmp_path: Path, tmpfile: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not tmpfile:
        monkeypatch.setattr(os, "O_TMPFILE", 0)
    name = "\N{HIRAGANA LETTER A}" * 85
    crfd.dump(os.getpid(), tmp_path / name)
    assert os.listdir(tmp_path) == [name]


# ---- the trace ----


def test_debug_tells_phases_and_descriptors_and_no_address(backend: str, tmp_path: Path) -> None:
    with mkfds.spawn("regular", "dups", "pipe") as target:
        done = run("dump", target.pid, "--backend", backend, "--debug", "-o", tmp_path / "image")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"crfd: backend {backend}: asked for [")
    for phase in ("chosen: 1 processes", "read: a batch", "written: 1 tasks", "finished: 1 tasks"):
        assert [line for line in lines if line.startswith(f"crfd: {phase}") and line.endswith(" ms]")], phase
    with crfd.open(tmp_path / "image") as image:
        task = image.tasks[target.pid]
    seen: set[int] = set()
    for fd, entry in sorted(task.fds.items()):
        new = entry.objref not in seen
        seen.add(entry.objref)
        wanted = f"objref {entry.objref}, close-on-exec {entry.close_on_exec:d}, new {new:d}, errno 0"
        assert f"crfd: pid {target.pid} fd {fd}: {wanted}" in lines
    assert f"crfd: pid {target.pid}: nfds {len(task.fds)}, 0 with an error" in lines
    assert max(map(int, re.findall(r"\d+", done.stderr))) < 1 << 40


def test_without_a_listener_logging_is_not_even_loaded(tmp_path: Path) -> None:
    code = f"""
import sys
from crfd.__main__ import _run
assert _run(["dump", "-q", "--backend", "bpf", "{os.getpid()}", "-o", "{tmp_path / "image"}"]) == 0
assert "logging" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT)


def test_the_library_tells_the_logger_crfd(caplog: pytest.LogCaptureFixture) -> None:
    crfd.dump(os.getpid(), io.BytesIO())
    assert not caplog.records
    caplog.set_level("DEBUG", "crfd")
    crfd.dump(os.getpid(), io.BytesIO())
    assert any(record.getMessage().startswith("backend ") for record in caplog.records)


# ---- who is read ----


def test_a_process_that_ends_while_the_tree_is_read_does_not_end_the_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of the process is given away at once, so that its directory is there and its file was not."""
    opened = open

    def gone(path: Any, *args: Any, **options: Any) -> Any:
        if path == f"/proc/{other.pid}/stat":
            raise FileNotFoundError(2, "No such file or directory", path)
        return opened(path, *args, **options)

    with running(WAIT) as process, running(WAIT) as other:
        monkeypatch.setattr("builtins.open", gone)
        assert crfd.Selection(frozenset({process.pid}), tree=True).resolve() == [process.pid]
