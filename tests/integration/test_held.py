# SPDX-License-Identifier: MIT
"""Files that a process holds without a descriptor are made by a child, which tells them, and found by both backends."""

from __future__ import annotations

import ctypes
import io
import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd import HeldBy
from tests import procs
from tests.procs import Need

_CHILD = """
import ctypes, ctypes.util, json, mmap, os, select, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.shmat.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
R, W, X, SHARED, PRIVATE = 1, 2, 4, 1, 2
where = os.fsencode(sys.argv[1])
made = {}

def stat_of(st, **more):
    return {"dev": st.st_dev, "ino": st.st_ino, "st_mode": st.st_mode, "nlink": st.st_nlink, "size": st.st_size, **more}

def mapped(fd, *mappings, keep=False):
    for length, offset, prot, how in mappings:
        got = libc.mmap(None, length, prot, how, fd, offset)
        assert got not in (None, ctypes.c_void_p(-1).value), os.strerror(ctypes.get_errno())
    st = os.fstat(fd)
    if not keep:
        os.close(fd)
    return st

def file(name, pages=4):
    path = where + b"/" + name
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
    os.ftruncate(fd, pages * 4096)
    return path, fd

path, fd = file(b"plain")
st = mapped(fd, (8192, 0, R, SHARED), (4096, 4096, R | W, SHARED), (4096, 0, R | X, PRIVATE))
made["plain"] = stat_of(st, path=os.fsdecode(path), prot="rwxs", mappings=3, bytes=16384, deleted=False)

path, fd = file(b"gone.so")
os.unlink(path)
st = mapped(fd, (4096, 0, R | X, PRIVATE), (4096, 8192, R, PRIVATE))
made["deleted"] = stat_of(st, path=os.fsdecode(path), prot="r-xp", mappings=2, bytes=8192, deleted=True)

path, fd = file(b"named (deleted)")
st = mapped(fd, (4096, 0, R, PRIVATE))
made["marked name"] = stat_of(st, path=os.fsdecode(path), prot="r--p", mappings=1, bytes=4096, deleted=False)

path, fd = file(b"linked")
os.link(path, where + b"/other")
os.unlink(path)
st = mapped(fd, (4096, 0, R, PRIVATE))
made["unlinked with another link"] = stat_of(st, path=os.fsdecode(path), prot="r--p", mappings=1, bytes=4096, deleted=True)

path, fd = file(b"two\\nlines \\\\012 \\xff")
st = mapped(fd, (4096, 0, R, PRIVATE))
made["odd name"] = stat_of(st, path=os.fsdecode(path), prot="r--p", mappings=1, bytes=4096, deleted=False)

fd = os.memfd_create("some memory")
os.ftruncate(fd, 4096)
st = mapped(fd, (4096, 0, R | W, SHARED))
made["memfd"] = stat_of(st, path="/memfd:some memory", prot="rw-s", mappings=1, bytes=4096, deleted=True, kind="memfd")

shm = libc.shmget(0, 8192, 0o1600)  # IPC_PRIVATE, IPC_CREAT
assert shm >= 0 and libc.shmat(shm, None, 0) != ctypes.c_void_p(-1).value
libc.shmctl(shm, 0, None)  # IPC_RMID: it goes with us
made["System V"] = {"path": "/SYSV00000000", "ino": shm, "prot": "rw-s", "mappings": 1, "bytes": 8192, "deleted": True}

path = f"/dev/shm/crfd-held-{os.getpid()}"
fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
os.unlink(path)
os.ftruncate(fd, 4096)
st = mapped(fd, (4096, 0, R | W, SHARED))
made["POSIX"] = stat_of(st, path=path, prot="rw-s", mappings=1, bytes=4096, deleted=True)

shared = mmap.mmap(-1, 12288)
made["/dev/zero"] = {"path": "/dev/zero", "prot": "rw-s", "mappings": 1, "bytes": 12288, "deleted": True, "kind": "file"}

packet = None
try:
    packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    packet.setsockopt(263, 5, struct.pack("4I", 4096, 4, 2048, 8))  # SOL_PACKET, PACKET_RX_RING
    st = mapped(packet.fileno(), (16384, 0, R | W, SHARED), keep=True)
    made["packet ring"] = {"path": f"socket:[{st.st_ino}]", "ino": st.st_ino, "dev": st.st_dev, "prot": "rw-s",
                           "mappings": 1, "bytes": 16384, "kind": "socket", "deleted": False, "nlink": None}
except PermissionError:
    pass

import contextlib
with contextlib.suppress(OSError, AssertionError):
    for name in ("hpet", "nvram", "mem", "fb0", "loop0", "ram0", "vda"):
        if os.path.exists(f"/dev/{name}"):
            fd = os.open(f"/dev/{name}", os.O_RDONLY)
            try:
                st = mapped(fd, (4096, 0, R, SHARED))
            except AssertionError:
                continue
            made["device"] = {"path": f"/dev/{name}", "ino": st.st_ino, "rdev": st.st_rdev, "prot": "r--s", "deleted": False}
            break

os.chdir(sys.argv[2])
st = os.stat(".")
made["cwd"] = stat_of(st, path=sys.argv[2], deleted=False)
if len(sys.argv) > 3:
    os.rmdir(sys.argv[2])
    made["cwd"]["deleted"] = True
    made["cwd"]["nlink"] = os.stat(".").st_nlink
    made["cwd"]["size"] = os.stat(".").st_size
print("ready", flush=True)
print(json.dumps(made), flush=True)
sys.stdin.read()
"""

MAPPED = ("plain", "deleted", "marked name", "unlinked with another link", "odd name", "memfd", "System V", "POSIX",
          "/dev/zero", "packet ring", "device")  # fmt: skip


@contextmanager
def child(where: Path, *args: str, **options: Any) -> Iterator[tuple[int, dict[str, dict[str, Any]]]]:
    (where / "cwd").mkdir(exist_ok=True)
    with procs.running(_CHILD, str(where), str(where / "cwd"), *args, **options) as process:
        assert process.stdout is not None
        yield process.pid, json.loads(process.stdout.readline())


def values(one: crfd.Held) -> dict[str, Any]:
    found = one._asdict()
    found["kind"] = one.kind_name
    found["path"] = None if one.path is None else os.fsdecode(one.path)
    return found


def by(held: tuple[crfd.Held, ...], what: HeldBy) -> list[dict[str, Any]]:
    return [values(one) for one in held if one.by is what]


def differing(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (found[key], value) for key, value in expected.items() if found[key] != value}


def test_each_is_found_exactly(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    with child(tmp_path) as (pid, made):
        held = crfd.scan(pid, backend=backend, holds="all").held
    paths: dict[str, list[dict[str, Any]]] = {}
    for one in by(held, HeldBy.MAP):
        paths.setdefault(one["path"], []).append(one)
    assert set(made) >= set(MAPPED) - {"device"}
    for what in set(MAPPED) & set(made):
        same = [one for one in paths[made[what]["path"]] if one["ino"] == made[what].get("ino", one["ino"])]
        assert len(same) == 1, (what, same)
        assert not differing(same[0], made[what]), what
    (cwd,) = by(held, HeldBy.CWD)
    assert not differing(cwd, {**made["cwd"], "kind": "dir", "errno": None})
    (root,) = by(held, HeldBy.ROOT)
    assert (root["path"], root["ino"]) == ("/", os.stat("/").st_ino)
    (exe,) = by(held, HeldBy.EXE)
    st = os.stat(sys.executable)
    assert differing(exe, {"path": os.path.realpath(sys.executable), "dev": st.st_dev, "ino": st.st_ino,
                           "nlink": st.st_nlink, "deleted": False, "kind": "file"}) == {}  # fmt: skip
    assert not by(held, HeldBy.TTY)


def test_the_mount_of_each_is_that_of_mountinfo(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    with child(tmp_path) as (pid, _):
        held = crfd.scan(pid, backend=backend, holds="all").held
        mounts = {int(line.split()[0]) for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()}
    for one in by(held, HeldBy.CWD) + by(held, HeldBy.EXE):
        assert one["mnt_id"] in mounts
    inside = [one for one in by(held, HeldBy.MAP) if one["path"].startswith(str(tmp_path))]
    assert {one["mnt_id"] for one in inside} == {one["mnt_id"] for one in by(held, HeldBy.CWD)}


def test_every_mapped_file_is_listed_once(backend: str, need: Need, tmp_path: Path) -> None:
    """The text of maps, summed up by other code."""
    need("root")
    with child(tmp_path) as (pid, _):
        held = crfd.scan(pid, backend=backend, holds="all").held
        lines = Path(f"/proc/{pid}/maps").read_bytes().splitlines()
    expected: dict[tuple[int, bytes], tuple[int, int]] = {}
    for line in lines:
        span, _, _, dev, ino, *path = line.split(None, 5)
        if dev == b"00:00":
            continue
        low, high = (int(end, 16) for end in span.split(b"-"))
        key = int(ino), (path or [b""])[0].removesuffix(b" (deleted)").replace(b"\\012", b"\n")
        count, size = expected.get(key, (0, 0))
        expected[key] = count + 1, size + high - low
    found = {
        (one.ino, (one.path or b"").removesuffix(b" (deleted)").replace(b"\\012", b"\n")): (one.mappings, one.bytes)
        for one in held
        if one.by is HeldBy.MAP
    }
    assert found == expected


def test_a_removed_working_directory_is_deleted(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    with child(tmp_path, "remove") as (pid, made):
        (cwd,) = by(crfd.scan(pid, backend=backend, holds="all").held, HeldBy.CWD)
    assert not differing(cwd, made["cwd"])


def test_a_root_of_its_own(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    code = "import os, sys\nos.chroot(sys.argv[1])\nprint('ready', flush=True)\nsys.stdin.read()"
    with procs.running(code, str(tmp_path)) as process:
        (root,) = by(crfd.scan(process.pid, backend=backend, holds="all").held, HeldBy.ROOT)
    st = tmp_path.stat()
    assert (root["path"], root["dev"], root["ino"]) == (str(tmp_path), st.st_dev, st.st_ino)


def test_an_executable_that_was_replaced(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    program = tmp_path / "program"
    shutil.copy(shutil.which("cat") or "cat", program)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        procs.until(lambda: Path(f"/proc/{process.pid}/syscall").read_text().startswith("0 "), "it reads")
        inode = program.stat().st_ino
        program.unlink()
        shutil.copy(shutil.which("cat") or "cat", program)
        held = crfd.scan(process.pid, backend=backend, holds="all").held
        process.communicate()
    for what in (HeldBy.EXE, HeldBy.MAP):
        ours = [one for one in by(held, what) if one["path"] == str(program)]
        assert [(one["ino"], one["deleted"], one["nlink"]) for one in ours] == [(inode, True, 0)], what


def test_the_controlling_terminal(backend: str) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.execvp("cat", ["cat"])
    try:
        procs.until(partial(waits, pid), "it waits")
        name = os.readlink(f"/proc/{pid}/fd/0")
        rdev = os.stat(name).st_rdev
        (tty,) = by(crfd.scan(pid, backend=backend, holds="all").held, HeldBy.TTY)
        assert (tty["path"], tty["rdev"], tty["kind"]) == (name, rdev, "chr")
    finally:
        os.close(master)
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def waits(pid: int) -> bool:
    return procs.state(pid) == "S"


def test_who_keeps_a_mount_busy(backend: str, need: Need, tmp_path: Path) -> None:
    """The case of every day: a mount with two working directories, an executable, a mapping and a descriptor in it."""
    need("root")
    where = tmp_path / "mount"
    where.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mount(b"crfd", bytes(where), b"tmpfs", 0, None) == 0
    program = where / "program"
    started = []
    try:
        shutil.copy(shutil.which("sleep") or "sleep", program)
        library = where / "library"
        library.write_bytes(bytes(4096))
        code = "import mmap, sys\nf = open(sys.argv[1], 'r+b')\nm = mmap.mmap(f.fileno(), 4096)\n" + procs.WAIT
        started = [
            subprocess.Popen(["sleep", "99"], cwd=where),
            subprocess.Popen(["sleep", "99"], cwd=where),
            subprocess.Popen(["sleep", "99"], executable=program),  # one program may be many, by their names
            subprocess.Popen(["sleep", "99"], stdin=library.open()),
        ]
        image = io.BytesIO()
        with procs.running(code, str(library)) as mapper:
            pids = [*(one.pid for one in started), mapper.pid]
            for pid in pids:
                procs.until(partial(waits, pid), "it waits")
            crfd.dump(pids, image, backend=backend, holds="all")
        dev = where.stat().st_dev
        with crfd.Image(image.getbuffer()) as read:
            found = {
                task.pid: {one.by.name for one in task.held if one.dev == dev}
                | {"FD" for one in task.fds.values() if one.file and one.file.dev == dev}
                for task in read.tasks.values()
            }
        assert [found[pid] for pid in pids] == [{"CWD"}, {"CWD"}, {"EXE", "MAP"}, {"FD"}, {"MAP", "FD"}]
    finally:
        for one in started:
            one.kill()
            one.wait()
        assert libc.umount2(bytes(where), 0) == 0


def test_without_being_asked_nothing_is_there(backend: str, tmp_path: Path) -> None:
    with child(tmp_path) as (pid, _):
        assert crfd.scan(pid, backend=backend).held == ()


def test_both_backends_say_the_same(need: Need, tmp_path: Path) -> None:
    need("backend bpf")
    with child(tmp_path) as (pid, _):
        proc, bpf = (crfd.scan(pid, backend=name, holds="all").held for name in ("proc", "bpf"))
    assert [values(one) for one in bpf] == [values(one) for one in proc]


_OVERLAY = """
import ctypes, mmap, os, sys
os.chdir(sys.argv[1])
for name in ("lower", "upper", "work", "merged"):
    os.mkdir(name)
for name in ("below", "changed"):
    with open(f"lower/{name}", "w") as f:
        f.write("x" * 5000)
options = b"lowerdir=lower,upperdir=upper,workdir=work"
if ctypes.CDLL(None).mount(b"overlay", b"merged", b"overlay", 0, options):
    os.write(1, b"none\\n")
    sys.exit()
with open("merged/changed", "a") as f:
    f.write("y")
maps = []
for name in ("below", "changed"):
    with open("merged/" + name) as f:
        maps.append(mmap.mmap(f.fileno(), 4096, prot=mmap.PROT_READ))
print("ready", flush=True)
sys.stdin.read()
"""


def test_what_is_mapped_on_overlay(backend: str, need: Need, tmp_path: Path) -> None:
    """The kernel maps the file under it; and shared is what may be written by nobody too."""
    need("root")
    libc = ctypes.CDLL(None)
    assert (
        libc.mount(b"crfd", bytes(tmp_path), b"tmpfs", 0, None) == 0
    )  # an overlay takes no upper directory of its own kind
    try:
        with procs.running(_OVERLAY, str(tmp_path)) as process:
            held = crfd.scan(process.pid, backend=backend, holds="all").held
            for name in ("below", "changed"):
                st = (tmp_path / "merged" / name).stat()
                (one,) = [one for one in by(held, HeldBy.MAP) if one["path"] == str(tmp_path / "merged" / name)]
                expected = {
                    "dev": st.st_dev,
                    "ino": st.st_ino,
                    "nlink": 1,
                    "prot": "r--s",
                    "mappings": 1,
                    "deleted": False,
                }
                assert not differing(one, expected)
    except AssertionError:
        if not (tmp_path / "merged").is_mount():
            pytest.skip("no overlay here")
        raise
    finally:
        libc.umount2(bytes(tmp_path / "merged"), 2)
        libc.umount2(bytes(tmp_path), 2)


_MANY_MAPS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
os.chdir(sys.argv[1])
fds = [os.open(name, os.O_RDWR | os.O_CREAT) for name in ("even", "odd")]
size = 4096
for fd in fds:
    os.truncate(fd, size)
many = int(sys.argv[2])
start = libc.mmap(None, many * size, 0, 0x22, -1, 0)  # PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS
turn = 0
while True:
    for i in range(many):
        # PROT_READ, or _WRITE too; MAP_SHARED | MAP_FIXED
        assert libc.mmap(start + i * size, size, 1 | 2 * (i % 4 < 2), 0x11, fds[i & 1], 0) == start + i * size
    if not turn:
        print("ready", flush=True)
    turn += 1
    if len(sys.argv) < 4:
        sys.stdin.read()
"""


def test_more_mappings_than_fit_one_read(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    with procs.running(_MANY_MAPS, str(tmp_path), "20001") as process:
        held = crfd.scan(process.pid, backend=backend, holds="all").held
    found = {Path(one["path"]).name: one for one in by(held, HeldBy.MAP) if one["path"].startswith(str(tmp_path))}
    assert {name: (one["mappings"], one["bytes"], one["prot"]) for name, one in found.items()} == {
        "even": (10001, 10001 * 4096, "rw-s"),
        "odd": (10000, 10000 * 4096, "rw-s"),
    }


def test_mappings_that_change_all_the_time(backend: str, need: Need, tmp_path: Path) -> None:
    need("root")
    with procs.running(_MANY_MAPS, str(tmp_path), "64", "on and on") as process:
        true = {one["path"]: one for one in by(crfd.scan(process.pid, backend="proc", holds="all").held, HeldBy.MAP)}
        for _ in range(200):
            for one in by(crfd.scan(process.pid, backend=backend, holds="all").held, HeldBy.MAP):
                other = true[one["path"]]
                assert not differing(
                    one, {key: other[key] for key in ("dev", "ino", "nlink", "kind", "deleted", "errno")}
                )
                assert one["mappings"] <= 64


def test_a_kernel_thread_holds_its_directories(backend: str, need: Need) -> None:
    need("root")
    assert "kthread" in Path("/proc/2/comm").read_text()
    held = crfd.scan(2, backend=backend, holds="all").held
    assert [(one.by, one.path) for one in held] == [(HeldBy.CWD, b"/"), (HeldBy.ROOT, b"/")]


def test_a_zombie_holds_nothing(backend: str) -> None:
    with subprocess.Popen(["true"]) as process:
        procs.until(lambda: procs.state(process.pid) == "Z", "it ended")
        assert crfd.scan(process.pid, backend=backend, holds="all").held == ()


_ASK = """
import json, os, sys, crfd
held = crfd.scan(int(sys.argv[1]), backend="proc", holds="all").held
print(json.dumps([[one.by.name, os.fsdecode(one.path) if one.path else None, one.dev, one.ino, one.deleted, one.nlink,
                   one.mnt_id, one.errno] for one in held]))
"""


def test_whoever_may_not_follow_links_learns_less_and_nothing_wrong(nobody: tuple[str, ...], tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for above in tmp_path.parents:
        if str(above).startswith("/tmp/") and above.stat().st_uid == os.getuid():
            above.chmod(above.stat().st_mode | 0o755)
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd").chmod(0o777)
    with child(tmp_path, before=nobody) as (pid, made):
        out = subprocess.run(
            [*nobody, sys.executable, "-c", _ASK, str(pid)], check=True, capture_output=True, text=True
        )
        full = {(one.by.name, one.ino): one for one in crfd.scan(pid, backend="proc", holds="all").held}
    rows = json.loads(out.stdout)
    assert {row[0] for row in rows} == {"CWD", "ROOT", "EXE", "MAP"}
    for name, path, dev, ino, deleted, nlink, mnt_id, errno in rows:
        true = full[name, ino]
        assert dev in {None, true.dev} and nlink in {None, true.nlink} and mnt_id in {None, true.mnt_id}
        assert deleted in {None, true.deleted} and errno is None
        assert path is not None and path.removesuffix(" (deleted)") == os.fsdecode(true.path or b"").removesuffix(
            " (deleted)"
        )
        assert deleted is not None or path.endswith(" (deleted)")
    ours = str(os.getpid())
    out = subprocess.run([*nobody, sys.executable, "-c", _ASK, ours], check=False, capture_output=True, text=True)
    assert out.returncode and "RefusedError" in out.stderr
    assert made


def test_json_and_table_rows(tmp_path: Path) -> None:
    with child(tmp_path) as (pid, made):
        run = [sys.executable, "-m", "crfd", "ls", str(pid), "--holds", "all"]
        lines = subprocess.run([*run, "--json"], check=True, capture_output=True, text=True).stdout.splitlines()
        table = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in lines]
    held = [row for row in rows if row["fd"] is None]
    assert [row["held"] for row in held][:3] == ["cwd", "root", "exe"]
    (plain,) = [row for row in held if row["path"] == made["plain"]["path"]]
    assert plain["map"] == {"prot": "rwxs", "mappings": 3, "bytes": 16384}
    assert [row for row in rows if row["fd"] is not None]
    (line,) = [line for line in table.splitlines() if made["plain"]["path"] in line]
    assert line.split()[2:] == ["map", "-", "-", "file", "?", "?", crfd_device(made["plain"]["dev"]), str(made["plain"]["ino"]),
                            made["plain"]["path"], "(rwxs", "3", "mappings,", "16384B)"]  # fmt: skip


def crfd_device(dev: int) -> str:
    return f"{os.major(dev)}:{os.minor(dev)}"


@pytest.mark.parametrize("name", ["lsof"])
def test_lsof_knows_no_more(name: str, backend: str, need: Need, tmp_path: Path) -> None:
    """Every file that lsof says a process has beside its descriptors."""
    need(name)
    need("root")
    with child(tmp_path) as (pid, _):
        text = subprocess.run([name, "-nP", "-Ffi", "-p", str(pid)], check=False, capture_output=True, text=True).stdout
        held = crfd.scan(pid, backend=backend, holds="all").held
    words = {"cwd": HeldBy.CWD, "rtd": HeldBy.ROOT, "txt": HeldBy.EXE, "mem": HeldBy.MAP, "DEL": HeldBy.MAP}
    theirs, what = set(), ""
    for line in text.splitlines():
        if line[0] == "f":
            what = line[1:]
        elif line[0] == "i" and what in words:
            theirs.add((words[what], int(line[1:])))
    assert len(theirs) > 5
    assert theirs <= {(one.by, one.ino) for one in held}


# ---- threads with a table of their own ----

_THREADS = """
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
threading.stack_size(1 << 16)
n, ends = int(sys.argv[1]), sys.argv[2] == "ends"
begun = threading.Barrier(n + 1)
def apart():
    assert libc.unshare(0x400) == 0  # CLONE_FILES
    begun.wait()
    time.sleep(600)
for _ in range(n):
    threading.Thread(target=apart).start()
begun.wait()
os.write(1, b"ready\\n")
if ends:
    libc.syscall(60 if os.uname().machine == "x86_64" else 93, 0)  # exit(2): of the first thread alone
time.sleep(600)
"""


def _threads(n: int, backend: str, ends: str = "stays") -> tuple[float, list[crfd.Task]]:
    """Seconds of a processor that a dump of a process with n threads takes, and its tasks."""
    with procs.running(_THREADS, str(n), ends) as process:
        if ends == "ends":
            procs.until(lambda: procs.state(process.pid) == "Z", "the first thread has ended")
        out, start = io.BytesIO(), time.process_time()
        crfd.dump(process.pid, out, backend=backend, holds="all")
        took = time.process_time() - start
    out.seek(0)
    with crfd.open(out) as image:
        return took, list(image)


@pytest.mark.parametrize("ends", ["stays", "ends"])
def test_threads_have_the_files_mapped_that_their_process_has(backend: str, ends: str, need: Need) -> None:
    need("unshare")
    _, tasks = _threads(4, backend, ends)
    assert len(tasks) == 5
    found = [set(task.held) for task in tasks]
    mapped = [{one for one in held if one.by is HeldBy.MAP} for held in found]
    assert len(mapped[-1]) > 5
    assert mapped[1:] == mapped[-1:] * 4
    assert mapped[0] == (set() if ends == "ends" else mapped[1])
    assert [{one.by for one in held} >= {HeldBy.CWD, HeldBy.ROOT, HeldBy.EXE} for held in found[1:]] == [True] * 4


def test_threads_and_their_stacks_are_not_multiplied(backend: str, need: Need) -> None:
    need("unshare")
    once, twice = (_threads(n, backend)[0] for n in (1000, 2000))
    assert twice < 2.5 * once + 0.2, (once, twice)
