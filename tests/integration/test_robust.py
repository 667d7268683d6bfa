# SPDX-License-Identifier: MIT
"""Processes and files that move, do not answer or do not let us look: the dump ends in time, and says what it could not do."""

from __future__ import annotations

import io
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import crfd
from crfd._core.batch import Batch
from crfd._core.scan import Scanner
from tests import leaks, mkfds
from tests.procs import CRFD, LIMIT, ROOT, WAIT, Need, inside, run, running, state, tree, until
from tests.shown import dumped

STRESS = os.environ.get("CRFD_STRESS") == "1"


# ---- file systems that do not answer ----


@contextmanager
def dead_bindfs(tmp_path: Path, code: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with files of a FUSE mount open, whose server has stopped answering."""
    source, mount = tmp_path / "source", tmp_path / "mount"
    (source / "below").mkdir(parents=True)
    mount.mkdir()
    for name in ("file", "gone", "odd (deleted)"):
        (source / name).write_text(name)
    server = subprocess.Popen(["bindfs", "-f", source, mount], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: os.path.ismount(mount) or server.poll() is not None, "bindfs mounts")
        if server.poll() is not None:
            pytest.skip("bindfs cannot mount here")
        with running(code, str(mount)) as process:
            server.send_signal(signal.SIGSTOP)
            until(lambda: state(server.pid) == "T", "the server stops")
            try:
                yield process
            finally:
                server.send_signal(signal.SIGCONT)
    finally:
        subprocess.run(["umount", "-l", mount], check=False, stderr=subprocess.DEVNULL, timeout=20)
        server.send_signal(signal.SIGCONT)
        server.kill()
        server.wait()


OPEN_FILES = """
import mmap, os, sys, time
top = sys.argv[1]
fds = [os.open(f"{top}/{name}", os.O_RDWR) for name in ("file", "gone", "odd (deleted)")]
fds += [os.open(top, os.O_RDONLY), os.open(f"{top}/below", os.O_RDONLY), os.open(f"{top}/file", os.O_PATH)]
os.unlink(f"{top}/gone")
os.chdir(top)
held = mmap.mmap(fds[0], 4)  # with a duplicate of its own
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("freeze", [False, True], ids=["running", "frozen"])
def test_a_dead_fuse_mount(tmp_path: Path, backend: str, freeze: bool, need: Need) -> None:
    need("root")
    need("bindfs")
    with dead_bindfs(tmp_path, OPEN_FILES) as process:
        start = time.monotonic()
        options = ["--freeze"] if freeze else []
        image = tmp_path / "image"
        done = run("dump", "--backend", backend, *options, process.pid, "-o", image, timeout=30)
        assert time.monotonic() - start < LIMIT
        assert done.returncode == 0, done.stderr
    with crfd.open(image) as found:
        files = [entry.file for entry in found.tasks[process.pid].fds.values()]
        paths = {file.path: file for file in files if file and file.path and b"/mount" in file.path}
        top = os.fsencode(tmp_path / "mount")
        assert {path.removeprefix(top) for path in paths} >= {b"/file", b"", b"/below"}
        assert sum(bool(file) and b"/mount" in (file.path or b"") for file in files) == 7  # type: ignore[union-attr]


def test_a_fuse_server_that_never_answered(backend: str, tmp_path: Path) -> None:
    with mkfds.spawn("regular", "fuse_hung") as holder:
        if holder.skipped:
            pytest.skip(str(holder.skipped))
        start = time.monotonic()
        done = run("dump", "--backend", backend, holder.pid, "-o", tmp_path / "image", timeout=30)
        assert time.monotonic() - start < LIMIT
        assert done.returncode == 0, done.stderr
    with crfd.open(tmp_path / "image") as image:
        assert len(image.tasks[holder.pid].fds) == holder.report["nfds"]


# ---- what we are not allowed ----


def test_unprivileged_one_s_own_are_whole_and_others_named(nobody: tuple[str, ...], tmp_path: Path) -> None:
    code = "import os; fds = [os.open('/usr', 0), os.eventfd(7), *os.pipe()]; " + WAIT
    with running(code, before=nobody) as own, running(WAIT) as other:
        command = [*nobody, *CRFD, "dump", str(own.pid), str(other.pid)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd=ROOT)
        assert done.returncode == 3, done.stderr
        assert f"pid {other.pid}: Permission denied".encode() in done.stderr
        wanted = crfd.scan(own.pid)
    crfd.verify(io.BytesIO(done.stdout))
    with crfd.open(io.BytesIO(done.stdout)) as image:
        assert set(image.tasks) == {own.pid}
        task = image.tasks[own.pid]
        assert task.fds.keys() == wanted.fds.keys()
        assert task.exe == wanted.exe
        assert task.consistency is crfd.Consistency.QUIET
        for fd, entry in task.fds.items():
            file = wanted.fds[fd].file
            assert entry.file is not None
            assert file is not None
            assert (entry.file.path, entry.file.ino, entry.file.kind) == (file.path, file.ino, file.kind)
            assert entry.error is None


IN_CONTAINER = """
import io, json, crfd
from tests import mkfds
with mkfds.spawn("regular", "dups", "eventfd", "pipe", "fork_share:n=1") as holder:
    pids = [holder.pid, holder.tasks[0]["pid"]]
    out = io.BytesIO()
    result = crfd.dump(pids, out)
    crfd.verify(io.BytesIO(out.getvalue()))
    image = crfd.open(io.BytesIO(out.getvalue()))
    answer = {
        "backend": result.backend,
        "unread": len(result.unread),
        "identity": [image.tasks[pid].identity.name for pid in pids],
        "nfds": len(image.tasks[pids[0]].fds), "made": holder.report["nfds"],
        "pids": pids, "ns_pids": [image.tasks[pid].ns_pid for pid in pids],
        "kcmp": [c.detail for c in crfd.capture.capability.check() if c.name == "kcmp"],
        "refs": {fd: entry.objref for fd, entry in image.tasks[pids[0]].fds.items()},
        "fds": [{key: one.get(key) for key in ("fd", "role", "kind")} for one in holder.fds],
    }
print(json.dumps(answer))
"""


def test_a_container_without_kcmp_and_bpf(need: Need) -> None:
    need("unshare")
    unshare = ("unshare", "-Urpfn", "--mount-proc", "--kill-child")
    deny = (sys.executable, str(ROOT / "tests/deny.py"), "kcmp,bpf")
    found = inside(*unshare, *deny, code="import crfd.capture.capability\n" + IN_CONTAINER)
    assert found["backend"] == "proc"
    assert found["identity"] == ["INFERRED", "INFERRED"]
    assert found["nfds"] == found["made"]
    assert found["unread"] == 0
    assert found["ns_pids"] == found["pids"]
    assert "EPERM" in found["kcmp"][0]
    shown = subprocess.run(
        [*deny, *CRFD, "ls", "--group", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    assert "sharing inferred" in shown.stdout.splitlines()[0]


def test_bpf_that_is_denied_is_an_error_when_asked_for(need: Need) -> None:
    deny = (sys.executable, str(ROOT / "tests/deny.py"), "bpf")
    done = run("dump", "--backend", "bpf", os.getpid(), "-o", os.devnull, before=deny)
    assert done.returncode == 1
    assert "bpf" in done.stderr.lower()
    assert len(done.stderr.splitlines()) == 1


IN_PID_NAMESPACE = """
import io, json, os, crfd
from tests import mkfds
answer = {}
with mkfds.spawn("regular", "eventfd") as a, mkfds.spawn("pipe", "thread_unshare") as b:
    for backend in ("proc", "bpf"):
        out = io.BytesIO()
        result = crfd.dump(crfd.Selection.everything(), out, backend=backend)
        image = crfd.open(io.BytesIO(out.getvalue()))
        answer[backend] = {
            "pids": result.pids,
            "tasks": {
                pid: {
                    "tgid": t.tgid, "ppid": t.ppid, "sid": t.sid, "ns_pid": t.ns_pid, "start": t.start_time,
                    "fds": {fd: (e.file.kind_name, e.file.ino, e.objref) for fd, e in t.fds.items()},
                    "cmdline": t.cmdline.decode(), "quiet": t.consistency.name,
                }
                for pid, t in image.tasks.items()
            },
            "unread": len(result.unread),
        }
    answer["own"] = [a.pid, b.pid, os.getpid()]
print(json.dumps(answer))
"""


def test_in_a_pid_namespace_both_backends_see_its_own_pids_alone(need: Need) -> None:
    need("root")
    for name in ("unshare", "backend bpf", "kcmp"):
        need(name)
    found = inside("unshare", "-pf", "--mount-proc", "--kill-child", code=IN_PID_NAMESPACE)
    a, b, driver = found["own"]
    assert found["proc"]["pids"] == sorted({a, b} | ({1} - {driver}))
    assert found["proc"] == found["bpf"]
    assert found["proc"]["unread"] == 0
    assert {int(pid) for pid in found["proc"]["tasks"]} > {a, b}


# ---- what moves while it is read ----

# Children that open, close and die all the time, `width` at once; no one is left when it ends.
NURSERY = """
import ctypes, os, random, sys, time
def child():
    ctypes.CDLL(None).prctl(1, 9)
    held = []
    end = time.monotonic() + random.uniform(0.001, 0.02)
    while time.monotonic() < end:
        held += random.choice([lambda: os.pipe(), lambda: (os.eventfd(1),), lambda: (os.open("/usr", 0),), lambda: (os.dup(1),),
                               lambda: (os.memfd_create("m"),)])()
        while len(held) > 20:
            os.close(held.pop(random.randrange(len(held))))
    os._exit(0)
print("ready", flush=True)
width = int(sys.argv[1])
living = 0
while True:
    if living == width:
        os.wait()
        living -= 1
    if os.fork() == 0:
        child()
    living += 1
"""


def test_processes_that_open_close_and_die(backend: str) -> None:
    """Every image is whole, whatever went away under it; who went is named as gone and nothing else."""
    wanted, dumps, gone, changed = (3000 if STRESS else 160), 0, 0, 0
    deadline = time.monotonic() + (600 if STRESS else 200)
    with running(NURSERY, "8") as process, mkfds.spawn("churn:width=100") as churn:
        while dumps < wanted or not gone or not changed:
            assert time.monotonic() < deadline, f"{dumps} dumps, {gone} gone, {changed} changed until now"
            pids = {churn.pid, *tree(process.pid)}
            out = io.BytesIO()
            result = crfd.dump(pids, out, backend=backend)
            data = out.getvalue()
            assert crfd.verify(io.BytesIO(data)).tasks == result.tasks
            assert {(one.errno, one.pid in pids) for one in result.unread} <= {(3, True)}
            with crfd.open(io.BytesIO(data)) as image:
                assert set(image.tasks) | {one.pid for one in result.unread} == pids
                task = image.tasks[churn.pid]
                assert all(entry.file or entry.error for entry in task.fds.values())
                changed += task.consistency is crfd.Consistency.CHANGED
            gone += len(result.unread)
            dumps += 1


ALL_UNDER_CHURN = """
import io, json, subprocess, sys, crfd
nursery = subprocess.Popen([sys.executable, "-c", sys.argv[1] if len(sys.argv) > 1 else NURSERY, "8"],
                           stdout=subprocess.PIPE)
assert nursery.stdout.readline() == b"ready\\n"
answer = {"tasks": 0, "gone": 0, "errors": []}
for n in range(40):
    for backend in BACKENDS:
        out = io.BytesIO()
        result = crfd.dump(crfd.Selection.everything(), out, backend=backend)
        crfd.verify(io.BytesIO(out.getvalue()))
        answer["tasks"] += result.tasks
        answer["gone"] += len(result.unread)
        answer["errors"] += [one.errno for one in result.unread if one.errno != 3]
        assert nursery.pid in result.pids
nursery.kill()
nursery.wait()
print(json.dumps(answer))
"""


def test_all_of_a_host_under_churn(need: Need) -> None:
    """The host is a pid namespace of ours: --all means everyone in it."""
    need("root")
    need("unshare")
    need("backend bpf")
    code = f"NURSERY = {NURSERY!r}\nBACKENDS = ('proc', 'bpf')\n{ALL_UNDER_CHURN}"
    found = inside("unshare", "-pf", "--mount-proc", "--kill-child", code=code)
    assert found["errors"] == []
    assert found["tasks"] >= 80


def test_a_process_that_ends_while_it_is_read(backend: str) -> None:
    """It is in the image as far as it was there, or named as gone; the image is right either way."""
    code = "import os; fds = [os.open('/usr', 0) for _ in range(5000)]; " + WAIT
    rng = random.Random(1)
    whole = gone = part = 0
    for _ in range(40 if STRESS else 12):
        with running(code) as process, running(WAIT) as other:
            killer = threading.Timer(rng.uniform(0.0, 0.03), process.kill)
            killer.start()
            result, image = dumped([process.pid, other.pid], backend=backend)
            killer.join()
            with image:
                assert other.pid in image.tasks
                if process.pid not in image.tasks:
                    assert [(one.pid, one.errno) for one in result.unread] == [(process.pid, 3)]
                    gone += 1
                else:
                    n = len(image.tasks[process.pid].fds)
                    whole += n >= 5000
                    part += n < 5000
    assert whole + gone + part == (40 if STRESS else 12)


REUSE = """
import io, json, os, signal, sys, time, crfd
from crfd._core.scan import Scanner
from crfd._core.batch import Batch
from crfd.image.writer import ImageWriter
def child(name):
    pid = os.fork()
    if pid == 0:
        os.memfd_create(name)
        signal.pause()
        os._exit(0)
    while not any(name in os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")):
        time.sleep(0.001)
    return pid
def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
answer = []
for number in (1, 2):
    first = child("first")
    scanner = Scanner(number, [first], 1)
    end(first)
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(first - 1))
    second = child("second")
    out = io.BytesIO()
    unread = []
    batch = Batch()
    with ImageWriter(out, backend=number) as writer:
        while scanner.next(batch):
            unread += [one.errno for one in batch.unread()]
            writer.write(batch)
    scanner.close()
    image = crfd.open(io.BytesIO(out.getvalue()))
    start = int(open(f"/proc/{second}/stat").read().rpartition(")")[2].split()[19])
    answer.append({"reused": first == second, "unread": unread, "start": start, "tasks": [
        {"start": task.start_time, "names": [e.file.path.decode() for e in task.fds.values()]}
        for task in image.tasks.values()]})
    end(second)
print(json.dumps(answer))
"""


def test_a_pid_that_is_another_process_by_now_is_not_mistaken(need: Need) -> None:
    """Either the first process, gone, or the second, wholly: never what one was and the other has."""
    need("root")
    need("unshare")
    need("backend bpf")
    for found in inside("unshare", "-pf", "--mount-proc", "--kill-child", code=REUSE):
        if not found["reused"]:
            pytest.skip("ns_last_pid did not bring the number back")
        for task in found["tasks"]:
            assert task["start"] == found["start"]
            assert any("memfd:second" in name for name in task["names"])
            assert not any("memfd:first" in name for name in task["names"])
        assert found["tasks"] or found["unread"] == [3]


# ---- what must not come out ----


# A vsock's port that looks, before the cid of any, like an address to who takes bytes for numbers. Half of it is our own, or
# two runs on one machine would want the same.
PORT = 0xCAA3_0000 | os.getpid() & 0xFFFF


def test_no_kernel_address_ever_comes_out(need: Need, tmp_path: Path) -> None:
    need("backend bpf")
    kinds = ("all", f"vsock:port={PORT}", "pipes:n=200", "eventfds:n=200", "fork_share:n=1", "clone_files")
    with mkfds.spawn(*kinds) as holder:
        pids = [holder.pid, *(task["pid"] for task in holder.tasks)]
        image = tmp_path / "image"
        result = crfd.dump(pids, image, backend="bpf", holds="all")
        assert result.fds > 600
        outputs = [
            run("show", image, "--json").stdout,
            run("show", image, "--links", "--json").stdout,
            run("show", image).stdout,
            run("info", image).stdout,
            run("ls", "--backend", "bpf", *map(str, pids)).stdout,
            run("check").stdout,
            run("check", "--json").stdout,
        ]
    if "vsock" not in holder.skipped:
        assert struct.pack("<II", PORT, socket.VMADDR_CID_ANY) in image.read_bytes()
    assert leaks.in_image(image.read_bytes()) == []
    assert [list(leaks.in_text(text)) for text in outputs] == [[]] * len(outputs)


def test_a_batch_does_not_show_them_either(need: Need) -> None:
    """The addresses of such files differ in their lower 40 bits alone; keys that were made of them differ in all."""
    need("backend bpf")
    fds = [os.eventfd(0) for _ in range(64)]
    scanner, batch = Scanner(2, [os.getpid()], 1), Batch()
    try:
        assert scanner.next(batch)
        keys = set(batch.keys)
    finally:
        scanner.close()
        for fd in fds:
            os.close(fd)
    assert len(keys) >= len(fds)
    assert min(len({key >> shift & 0xFF for key in keys}) for shift in range(0, 64, 8)) > 16


_LEFT = 10  # descriptors for all of a dump
# As many as make a batch of their own.
_FULL = "import os; [os.dup(0) for _ in range(17000)]; " + WAIT


def test_threads_do_not_take_the_last_descriptors_from_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    out = tmp_path / "image"
    with ExitStack() as stack:
        pids = [stack.enter_context(running(_FULL)).pid for _ in range(4)]
        kept = [os.dup(0) for _ in range(100)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(kept) + 1, hard))
        for fd in kept[-_LEFT:]:
            os.close(fd)
        try:
            result = crfd.dump(pids, out, backend="proc")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for fd in kept[:-_LEFT]:
                os.close(fd)
    assert not result.unread
    assert result.fds >= 4 * 17000
    with crfd.open(out) as image:
        assert not [entry for task in image.tasks.values() for entry in task.fds.values() if entry.error]
