# SPDX-License-Identifier: MIT
"""The command as a user runs it: what it prints, where, and how it exits."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

import crfd
from tests import mkfds
from tests.procs import CRFD, GONE, ROOT, Need, opened, run, until
from tests.shown import parsed

FIELDS = {
    "pid", "comm", "fd", "objref", "close_on_exec", "kind", "f_mode", "f_flags", "f_pos", "f_uid", "f_gid",
    "f_version", "path", "deleted", "dev", "ino", "mnt_id",
}  # fmt: skip


@pytest.fixture
def image(tmp_path: Path) -> tuple[Path, mkfds.Holder]:
    path = tmp_path / "image"
    with mkfds.spawn("regular", "dups", "pipe", "oddname", "deleted") as holder:
        done = run("dump", str(holder.pid), "-o", path)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
    return path, holder


def test_dump_verify_info_show(image: tuple[Path, mkfds.Holder]) -> None:
    path, holder = image
    assert run("verify", path).stdout.startswith(f"{path}: correct: 1 task")
    info = run("info", path)
    assert info.returncode == 0
    assert f"{holder.report['nfds']} fds" in info.stdout
    shown = run("show", path)
    assert shown.returncode == 0
    assert all(line.split()[0] == str(holder.pid) for line in shown.stdout.splitlines()[1:])
    assert "O_RDWR" in shown.stdout
    assert all(line.isprintable() for line in shown.stdout.splitlines())


def test_json_lines_hold_every_field_and_every_byte_of_a_path(image: tuple[Path, mkfds.Holder]) -> None:
    path, holder = image
    rows = {row["fd"]: row for row in parsed(run("show", path, "--json").stdout)}
    assert len(rows) == holder.report["nfds"]
    assert all(row.keys() >= FIELDS for row in rows.values())
    for one in holder.fds:
        row = rows[one["fd"]]
        assert row["pid"] == holder.pid
        assert row["close_on_exec"] is one["close_on_exec"]
        suffix = " (deleted)" if row["deleted"] else ""
        assert os.fsencode(row["path"] + suffix) == os.fsencode(one["link"])


def test_show_one_task_and_none(image: tuple[Path, mkfds.Holder]) -> None:
    path, holder = image
    assert run("show", path, "--pid", str(holder.pid)).returncode == 0
    other = run("show", path, "--pid", "1")
    assert (other.returncode, other.stdout) == (1, "")
    assert "no task 1" in other.stderr


def test_ls_is_live_and_needs_no_file() -> None:
    with mkfds.spawn("eventfd") as holder:
        table = run("ls", str(holder.pid))
        rows = parsed(run("ls", str(holder.pid), "--json").stdout)
    assert table.returncode == 0
    assert "eventfd" in table.stdout
    assert {row["kind"] for row in rows} >= {"eventfd", "pipe"}


def test_exit_status_1_when_none_can_be_read(tmp_path: Path) -> None:
    done = run("dump", GONE, "-o", tmp_path / "image")
    assert done.returncode == 1
    assert done.stderr == f"crfd: pid {GONE}: No such process\n"
    assert os.listdir(tmp_path) == []


def test_exit_status_3_when_some_cannot(tmp_path: Path) -> None:
    with mkfds.spawn("regular") as holder:
        done = run("dump", str(holder.pid), GONE, "-o", tmp_path / "image")
    assert done.returncode == 3
    assert f"pid {GONE}: No such process" in done.stderr
    assert run("verify", tmp_path / "image").returncode == 0


NINES = "9" * 5000  # more digits than Python takes for a number by itself


@pytest.mark.parametrize(
    "words",
    [
        *("", "dump", "dump x", "dump 0", "dump --all 1", "ls --backend x 1", "show", "nonsense"),
        *(f"ls 1 --fd {NINES}", f"ls 1 --port {NINES}", f"dump {NINES}", f"who pid:{NINES}", "ls 1 --port \udcff"),
    ],
)
def test_exit_status_2_for_usage(words: str) -> None:
    done = run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_a_refused_process_is_told_from_a_vanished_one(nobody: tuple[str, ...]) -> None:
    with mkfds.spawn("regular") as holder:
        done = run("dump", holder.pid, "-o", "/dev/null", before=nobody)
    assert done.returncode == 1
    assert f"pid {holder.pid}: Permission denied" in done.stderr


def test_a_terminal_is_refused() -> None:
    with opened(*pty.openpty()) as (_, slave):
        done = run("dump", os.getpid(), stdout=slave)
    assert done.returncode == 1
    assert "is a terminal" in done.stderr


def test_a_full_disk_is_an_error() -> None:
    done = run("dump", str(os.getpid()), "-o", "/dev/full")
    assert (done.returncode, done.stderr) == (1, "crfd: /dev/full: No space left on device\n")


def test_a_full_file_system_leaves_the_old_image(tmp_path: Path, need: Need) -> None:
    need("CAP_SYS_ADMIN")
    need("unshare")
    small = tmp_path / "small"
    small.mkdir()
    script = (
        'mount -t tmpfs -o size=64k none "$1" && echo old > "$1/image" && shift && "$@"; status=$?; '
        'cat "$0/image"; ls -A "$0"; exit $status'
    )
    with mkfds.spawn("files:n=2000") as holder:
        before = ("unshare", "-m", "sh", "-c", script, str(small), str(small))
        done = run("dump", holder.pid, "-o", small / "image", before=before)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert done.stdout == "old\nimage\n"


def test_a_closed_pipe_is_an_error() -> None:
    with mkfds.spawn("files:n=2000") as holder:
        command = [*CRFD, "dump", str(holder.pid)]
        dump = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert dump.stdout
        assert dump.stderr
        dump.stdout.close()
        error = dump.stderr.read()
        dump.stderr.close()
        assert dump.wait(60) == 1
    assert error == "crfd: standard output: Broken pipe\n"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    done = run("dump", str(os.getpid()), "-o", tmp_path / "no" / "image")
    assert (done.returncode, done.stderr) == (1, f"crfd: {tmp_path}/no/image: No such file or directory\n")


def has_begun(image: Path, pid: int) -> bool:
    """Whether a dump has a file open beside the image to be, or is done."""
    with suppress(FileNotFoundError):
        if any(fd.readlink().is_relative_to(image.parent) for fd in Path(f"/proc/{pid}/fd").iterdir()):
            return True
    return image.exists()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_dump_that_is_ended_leaves_no_file(tmp_path: Path, signum: int) -> None:
    """It may be done before the signal comes, and then another one has to be ended."""
    path = tmp_path / "image"
    with mkfds.spawn("files:n=19900", "churn:seconds=60") as holder:
        for _ in range(20):
            dump = subprocess.Popen([*CRFD, "dump", "--backend", "proc", str(holder.pid), "-o", str(path)])
            try:
                until(partial(has_begun, path, dump.pid), "it writes")
                dump.send_signal(signum)
            finally:
                status = dump.wait(60)
            if not path.exists():
                break
            crfd.verify(path)
            path.unlink()
    assert status == (130 if signum == signal.SIGINT else -signum)
    assert os.listdir(tmp_path) == []


INTERRUPTED_IMPORT = """
import builtins, sys
from crfd.__main__ import main
def stop(name, *rest, imported=builtins.__import__, **more):
    if name == "crfd.cli.main":
        raise KeyboardInterrupt
    return imported(name, *rest, **more)
builtins.__import__ = stop
sys.exit(main())
"""


def test_an_interrupt_while_our_modules_are_read_is_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT], capture_output=True, check=False, cwd=ROOT, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, b"")


def test_all_leaves_itself_out() -> None:
    dump = run("dump", "--all", "-q", text=False)
    assert dump.returncode in {0, 3}
    with crfd.open(io.BytesIO(dump.stdout)) as image:
        assert os.getpid() in image.tasks
        children = [task.comm for task in image.tasks.values() if task.ppid == os.getpid()]
    assert children == []


@pytest.mark.parametrize("data", [b"", b"x", b"\x00" * 300, os.urandom(300)])
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "image"
    path.write_bytes(data)
    for command in ("verify", "show", "info"):
        done = run(command, path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"crfd: {path}: offset ")
        assert "expected" in done.stderr
        assert "Traceback" not in done.stderr


def test_rfc_refuses_or_leaves_out_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with mkfds.spawn("regular", "eventfd", "deleted") as holder:
        refused = run("dump", str(holder.pid), "--format", "rfc", "-o", path)
        assert refused.returncode == 1
        assert f"pid {holder.pid} fd " in refused.stderr
        assert not path.exists()
        done = run("dump", str(holder.pid), "--format", "rfc", "--lossy", "-o", path)
    assert done.returncode == 0
    assert "left out" in done.stderr
    assert run("verify", path).returncode == 0
    assert {row["kind"] for row in parsed(run("show", path, "--json").stdout)} <= {"file", "dir", "symlink"}


def test_check_names_every_capability() -> None:
    rows = {row["name"]: row for row in parsed(run("check", "--json").stdout)}
    names = {"backend proc", "backend bpf", "kcmp", "pidfd_getfd", "sock_diag", "BTF", "lockdown", "seccomp", "kernel"}
    assert names <= rows.keys()
    assert rows["backend proc"]["usable"] is True
    assert all(row["detail"] for row in rows.values())
    assert run("check").returncode == 0


def test_check_says_why_bpf_cannot_run(nobody: tuple[str, ...]) -> None:
    check = run("check", "--json", before=nobody)
    row = next(row for row in parsed(check.stdout) if row["name"] == "backend bpf")
    assert row["usable"] is False
    assert "CAP_BPF" in row["detail"]
    asked = run("ls", "--backend", "bpf", "1", before=nobody)
    assert asked.returncode == 1
    assert row["detail"] in asked.stderr


def test_a_column_to_sort_by_may_begin_with_a_dash() -> None:
    for words in (["--sort", "-fd"], ["--sort=-fd"], ["--sort", "-fd,pid"]):
        done = run("ls", os.getpid(), "--no-header", "-c", "fd", *words)
        assert done.returncode == 0, done.stderr
        fds = [int(word) for word in done.stdout.split()]
        assert len(fds) > 2
        assert fds == sorted(fds, reverse=True)
    assert run("ls", "--sort", "--json").returncode == 2
