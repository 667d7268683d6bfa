# SPDX-License-Identifier: MIT
"""The choice of processes: every condition alone, together with others, with trees, and with processes that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd import Selection
from tests import procs
from tests.procs import WAIT, Need, run, running, tree, until

OURS = f"{os.getpid()}-"  # begins the names of processes here, which another run on this machine must not find
CHILDREN = (
    """
import ctypes, os, time
for _ in range(2):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, 9)
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(1, 9)
        time.sleep(600)
"""
    + WAIT
)


def named(name: str) -> str:
    """The code of a process that calls itself so, with ours in front: 15 bytes at most."""
    return f'import ctypes; ctypes.CDLL(None).prctl(15, b"{OURS}{name}"); {WAIT}'


@pytest.fixture
def gone() -> int:
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
    return process.pid


def test_pids_are_ascending_and_one_that_is_gone_stays(gone: int) -> None:
    with running(WAIT) as one, running(WAIT) as two:
        pids = {two.pid, one.pid, gone}
        assert Selection(frozenset(pids)).resolve() == sorted(pids)


def test_nothing_is_not_taken_for_everything() -> None:
    for empty in (Selection(), Selection(frozenset()), Selection(tree=True)):
        with pytest.raises(ValueError, match=r"expected pids, a condition or Selection.everything\(\)"):
            empty.resolve()
        with pytest.raises(ValueError, match="found none of them"):
            crfd.snapshot(empty)
    with pytest.raises(crfd.CrfdError, match="no process was chosen"):
        crfd.snapshot([])


@pytest.mark.parametrize("wrong", ["22", b"22", ["22"], [1.5], [None]])
def test_a_pid_is_a_number(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"pid: expected an int, found (b?'22'|1\.5|None)"):
        crfd.snapshot(wrong)
    with pytest.raises(TypeError, match="expected an int"):
        crfd.dump(wrong, "/dev/null")


def test_all_is_everyone_but_ourselves() -> None:
    with running(WAIT) as process:
        found = Selection.everything().resolve()
    assert process.pid in found
    assert os.getpid() not in found
    assert found == sorted(set(found))


def test_tree() -> None:
    with running(CHILDREN) as process, running(WAIT) as other:
        until(lambda: len(tree(process.pid)) == 5, "the tree is there")
        below = sorted(tree(process.pid))
        assert Selection(frozenset({process.pid}), tree=True).resolve() == below
        assert Selection(frozenset({process.pid, other.pid}), tree=True).resolve() == sorted([*below, other.pid])


def test_our_own_tree_is_without_ourselves() -> None:
    with running(WAIT) as process:
        found = Selection(frozenset({os.getpid()}), tree=True).resolve()
    assert process.pid in found
    assert os.getpid() not in found


def test_name_is_a_pattern() -> None:
    with running(named("sel-a")) as a, running(named("sel-b")) as b:
        assert Selection(name=f"{OURS}sel-a").resolve() == [a.pid]
        assert Selection(name=f"{OURS}sel-?").resolve() == sorted([a.pid, b.pid])
        assert Selection(name=f"{OURS}sel").resolve() == []
        assert Selection(name=f"{OURS}SEL-A").resolve() == []


def test_command_is_searched_in_the_whole_command_line() -> None:
    with running(WAIT, f"crfd {OURS}17") as a, running(WAIT, f"crfd {OURS}18") as b:
        assert Selection(command=f"{OURS}17$").resolve() == [a.pid]
        assert Selection(command=rf"crfd {OURS}1\d").resolve() == sorted([a.pid, b.pid])
        assert Selection(command=f"^{OURS}17").resolve() == []
    with pytest.raises(crfd.CrfdError, match="regular expression"):
        Selection(command="(").resolve()


def test_user_is_a_name_or_a_number(need: Need) -> None:
    need("root")
    need("setpriv")
    nobody = ("setpriv", "--reuid=65534", "--clear-groups")
    with running(WAIT, before=nobody) as theirs, running(WAIT) as ours:
        for user in ("nobody", "65534"):
            found = Selection(user=user).resolve()
            assert theirs.pid in found
            assert ours.pid not in found
        assert ours.pid in Selection(user="root").resolve()
    with pytest.raises(crfd.CrfdError, match="does not exist"):
        Selection(user="crfd-no-such-user").resolve()


def test_session() -> None:
    with running(WAIT, start_new_session=True) as leader, running(WAIT) as other:
        found = Selection(session=leader.pid).resolve()
        assert found == [leader.pid]
        assert other.pid in Selection(session=os.getsid(0)).resolve()


def test_cgroup_and_those_below_it(cgroup: procs.Cgroup) -> None:
    below = cgroup.folder / "below"
    below.mkdir()
    with running(WAIT) as inside, running(WAIT) as deeper, running(WAIT) as outside:
        cgroup.add(inside.pid)
        (below / "cgroup.procs").write_text(str(deeper.pid))
        assert Selection(cgroup=cgroup.name).resolve() == sorted([inside.pid, deeper.pid])
        assert Selection(cgroup=cgroup.name.strip("/") + "/").resolve() == sorted([inside.pid, deeper.pid])
        assert Selection(cgroup=f"{cgroup.name}/below").resolve() == [deeper.pid]
        with pytest.raises(crfd.CrfdError, match="does not exist"):
            Selection(cgroup=cgroup.name[:-1]).resolve()
        assert Selection(frozenset({outside.pid}), cgroup=f"/sys/fs/cgroup{cgroup.name}").resolve() == []
        assert outside.pid in Selection(cgroup="/").resolve()
    until(lambda: procs.removed(below), "the inner cgroup is empty")


@pytest.mark.parametrize("pattern", ["{}", "docker-{}.scope", "cri-containerd-{}.scope", "libpod-{}"])
def test_container_id_and_its_beginning(cgroup: procs.Cgroup, pattern: str) -> None:
    identity = f"{os.getpid():08x}" * 8
    folder = cgroup.folder / pattern.format(identity)
    folder.mkdir()
    with running(WAIT) as inside, running(WAIT):
        (folder / "cgroup.procs").write_text(str(inside.pid))
        for wanted in (identity, identity[:12]):
            assert Selection(container=wanted).resolve() == [inside.pid]
        assert Selection(container=identity[1:]).resolve() == []
    until(lambda: procs.removed(folder), "the container's cgroup is empty")


def test_pid_namespace_by_inode_and_by_a_pid_in_it(need: Need) -> None:
    need("root")
    need("unshare")
    with running(WAIT, before=("unshare", "--pid", "--fork", "--kill-child")) as outer:
        (inner,) = (pid for pid in tree(outer.pid) if pid != outer.pid)
        inode = os.stat(f"/proc/{inner}/ns/pid").st_ino
        assert Selection(pid_namespace=inode).resolve() == [inner]
        assert Selection(pid_namespace=inner).resolve() == [inner]
        assert inner not in Selection(pid_namespace=os.getpid()).resolve()
        assert outer.pid in Selection(pid_namespace=os.getpid()).resolve()


def test_conditions_must_all_hold() -> None:
    with ExitStack() as stack:
        a = stack.enter_context(running(named("both"), "first", start_new_session=True))
        b = stack.enter_context(running(named("both"), "second", start_new_session=True))
        c = stack.enter_context(running(named("other"), "first"))
        assert Selection(name=f"{OURS}both").resolve() == sorted([a.pid, b.pid])
        assert Selection(name=f"{OURS}both", command="first$").resolve() == [a.pid]
        assert Selection(name=f"{OURS}both", command="first$", session=b.pid).resolve() == []
        assert Selection(name=f"{OURS}*", command="first$", user=str(os.geteuid())).resolve() == sorted([a.pid, c.pid])


def test_conditions_narrow_the_pids_and_trees() -> None:
    with running(CHILDREN) as process, running(named("alone")) as alone:
        until(lambda: len(tree(process.pid)) == 5, "the tree is there")
        pids = frozenset({process.pid, alone.pid})
        assert Selection(pids, name=f"{OURS}alone").resolve() == [alone.pid]
        assert Selection(pids, name="python*").resolve() == [process.pid]
        assert Selection(pids, tree=True, name="python*").resolve() == sorted(tree(process.pid))


def test_a_condition_does_not_fit_one_that_is_gone(gone: int) -> None:
    with running(WAIT) as process:
        pids = frozenset({gone, process.pid})
        for condition in (
            {"name": "*"}, {"command": ""}, {"user": str(os.geteuid())}, {"cgroup": "/"}, {"session": os.getsid(0)},
        ):  # fmt: skip
            assert Selection(pids, **condition).resolve() == [process.pid]


def test_a_kernel_thread_has_a_name_and_no_command_line(need: Need) -> None:
    need("root")
    found = Selection(name="kthreadd").resolve()
    assert 2 in found or not Path("/proc/2/comm").exists() or Path("/proc/2/comm").read_text() != "kthreadd\n"
    assert 2 not in Selection(command=".").resolve() or Path("/proc/2/cmdline").read_bytes()


def test_the_result_names_who_was_chosen(tmp_path: Path) -> None:
    with running(named("chosen")) as a, running(named("chosen")) as b:
        result = crfd.dump(Selection(name=f"{OURS}chosen"), tmp_path / "image")
        assert result.pids == tuple(sorted([a.pid, b.pid]))
        with crfd.open(tmp_path / "image") as image:
            assert sorted(image.tasks) == list(result.pids)
            assert all(task.comm == f"{OURS}chosen".encode() for task in image.tasks.values())


def test_no_one_fits(tmp_path: Path) -> None:
    with pytest.raises(crfd.CrfdError, match="no process was chosen"):
        crfd.dump(Selection(name="crfd-nobody-is-called-so"), tmp_path / "image")
    assert os.listdir(tmp_path) == []


def test_on_the_command_line(tmp_path: Path) -> None:
    # A session of its own: ours may have its leader in another pid namespace, and so be number 0 here.
    with running(CHILDREN, "crfd-cli", start_new_session=True) as process:
        until(lambda: len(tree(process.pid)) == 5, "the tree is there")
        image = tmp_path / "image"
        for words, wanted in (
            (["--tree", str(process.pid)], sorted(tree(process.pid))),
            (["--command", "crfd-cli$", str(process.pid)], [process.pid]),
            (
                ["--command", " crfd-cli$", "--session", str(process.pid), "--name", "python*"],
                sorted(tree(process.pid)),
            ),
        ):
            done = run("dump", "-o", image, *words)
            assert done.returncode == 0, done.stderr
            with crfd.open(image) as found:
                assert sorted(found.tasks) == wanted


# ---- what an image says of its tasks ----


def test_who_a_task_is(need: Need) -> None:
    for backend in ("proc", "bpf"):
        need(f"backend {backend}")
        with running(WAIT, "an argument", start_new_session=True) as process:
            pid = process.pid
            proc = Path(f"/proc/{pid}")
            task = crfd.scan(pid, backend=backend)
            assert task.exe == os.fsencode(os.readlink(proc / "exe"))
            assert task.cmdline == (proc / "cmdline").read_bytes()
            assert task.cmdline.endswith(b"\0an argument\0")
            assert task.cgroup == (proc / "cgroup").read_bytes()
            assert (task.tgid, task.ppid, task.sid, task.uid) == (pid, os.getpid(), pid, os.getuid())
            assert task.namespaces is not None
            for name in ("mnt", "pid", "net", "user", "uts", "ipc", "cgroup", "time"):
                assert getattr(task.namespaces, name) == (proc / "ns" / name).stat().st_ino
            (limits,) = (
                line for line in (proc / "limits").read_text().splitlines() if line.startswith("Max open files")
            )
            soft, hard = (2**64 - 1 if word == "unlimited" else int(word) for word in limits.split()[3:5])
            assert (task.nofile_soft, task.nofile_hard) == (soft, hard)


def test_limits_of_another_user_are_read_without_prlimit(need: Need) -> None:
    need("root")
    need("setpriv")
    nobody = ("prlimit", "--nofile=123:456", "setpriv", "--reuid=65534", "--clear-groups")
    need("prlimit")
    with running(WAIT, before=nobody) as process:
        for backend in ("proc", "bpf"):
            need(f"backend {backend}")
            task = crfd.scan(process.pid, backend=backend)
            assert (task.nofile_soft, task.nofile_hard) == (123, 456)
            assert task.uid == 65534


def test_a_long_command_line_is_whole_and_shown_in_short() -> None:
    words = [f"{n:06}" * 20 for n in range(600)]  # 72,600 bytes: more than one record holds
    with running(WAIT, *words) as process:
        task = crfd.scan(process.pid)
        assert task.cmdline is not None
        assert task.cmdline.split(b"\0")[3:-1] == [os.fsencode(word) for word in words]
        shown = run("ls", "--group", process.pid, check=True).stdout
    head = shown.splitlines()[0]
    assert f"uid {os.getuid()}, {sys.executable[:20]}" in head
    assert len(head) < 160
