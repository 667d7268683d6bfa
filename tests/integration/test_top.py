# SPDX-License-Identifier: MIT
"""crfd top: counts against a process whose descriptors are known, and against the rows themselves."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

import crfd
from crfd._core.columns import ImageReader, Render
from crfd._core.tally import tally
from crfd.analysis import top
from tests import mkfds
from tests.procs import CRFD, GONE, WAIT, Need, run, running, said
from tests.shown import parsed

DATA = Path(__file__).parents[1] / "data"
HOLD = """if True:
    import os, resource, sys, time
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 4096))
    for _ in range(40):
        os.dup(0)
    gone = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    os.write(gone, bytes(1 << 16))
    os.fsync(gone)
    again = os.open(sys.argv[1], os.O_RDWR)
    os.unlink(sys.argv[1])
    print("ready", flush=True)
    while sys.stdin.readline():
        os.dup(0)
        print("done", flush=True)
"""


@pytest.mark.parametrize("name", ["kinds-bpf.crfd", "kinds-proc.crfd", "plain.rfc"])
@pytest.mark.parametrize("by", [("pid",), ("kind",), ("path",), ("user", "kind"), ("ino", "dev")])
def test_groups_are_those_of_the_rows(name: str, by: tuple[str, ...]) -> None:
    image = memoryview((DATA / name).read_bytes())
    render = Render([*by, "fd"], "nul")
    fields = b"".join(bytes(piece) for piece in render.rows(ImageReader(image, None))).split(b"\0")[:-1]
    width = len(by) + 1
    keys = [
        tuple(fields[at : at + width - 1]) for at in range(0, len(fields), width) if fields[at + width - 1] != b"-1"
    ]
    expected = Counter(keys)
    n, groups = tally(ImageReader(image, None), by)
    assert {group.key: group.fds for group in groups} == expected
    assert n == len(expected)
    assert [group.fds for group in groups] == sorted(expected.values(), reverse=True)
    assert all(sum(group.kinds.values()) + group.unread == group.fds for group in groups)
    n, first = tally(ImageReader(image, None), by, most=2)
    assert (n, first) == (len(expected), groups[:2])


def test_shared_and_kinds_of_an_image_are_those_of_its_objects() -> None:
    path = DATA / "kinds-bpf.crfd"
    with crfd.open(path) as image:
        uses = Counter(entry.file.objref for task in image.tasks.values() for entry in task.fds.values() if entry.file)
        for usage in top.by_process(image.view):
            files = [entry.file for entry in image.tasks[usage.pid].fds.values()]
            assert usage.fds == len(files)
            assert usage.shared == sum(uses[file.objref] > 1 for file in files if file)
            assert usage.kinds == Counter(file.kind.name.lower() for file in files if file)


def table(text: str) -> list[dict[str, str]]:
    lines = [line.split() for line in text.splitlines() if not line.startswith("(")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def test_a_process_with_its_limit_and_deleted_bytes(tmp_path: Path, backend: str) -> None:
    with running(HOLD, str(tmp_path / "gone"), stderr=subprocess.DEVNULL) as process:
        done = run("top", "--kinds", process.pid, "--backend", backend)
        (row,) = table(done.stdout)
        n = crfd.count(process.pid)
    assert done.returncode == 0, done.stderr
    assert (row["PID"], row["FDS"], row["LIMIT"], row["FULL"]) == (str(process.pid), str(n), "200", f"{n / 2:.1f}%")
    assert row["DELETED"] == "64.0KiB"  # of two descriptions of one file
    assert int(row["SHARED"]) >= 41
    assert "file=2" in row["KINDS"].split(",")


def test_the_change_since_the_last_time(tmp_path: Path) -> None:
    with running(HOLD, str(tmp_path / "gone")) as process:
        stdin = process.stdin
        assert stdin
        later = threading.Timer(1.0, lambda: (stdin.write(b"x\n"), stdin.flush()))
        later.start()
        done = run("top", "--every", 2, "--times", 2, "-n", 0, process.pid)
        later.join()
        assert said(process) == b"done\n"
    first, second = done.stdout.split("\n\n")
    (before,), (after,) = table(first), table(second)
    assert (int(after["FDS"]), after["CHANGE"]) == (int(before["FDS"]) + 1, "+1")


@pytest.mark.parametrize("by", ["user", "container", "cgroup", "kind", "path"])
def test_a_line_for_each(by: str) -> None:
    with mkfds.spawn("regular", "pipe", "dups") as holder:
        done = run("top", holder.pid, "--by", by, "-n", "0")
        rows = parsed(run("ls", holder.pid, "--json", "-c", by).stdout)
    assert done.returncode == 0, done.stderr
    assert [int(row["FDS"]) for row in table(done.stdout)] == sorted(
        Counter(row[by] for row in rows).values(), reverse=True
    )


def test_counts_read_no_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from crfd.cli.commands import top as command
    from crfd.cli.main import main

    monkeypatch.setattr(command, "dump", None)
    with mkfds.spawn("regular") as holder:
        assert main(["top", "-n", "0"]) == 0
        rows = {row["PID"]: row for row in table(capsys.readouterr().out)}
        assert int(rows[str(holder.pid)]["FDS"]) == crfd.count(holder.pid)
        assert str(os.getpid()) not in rows


def test_the_limit_of_another_user_is_known(need: Need) -> None:
    need("root")
    code = f"import os; os.setresuid(*[65534] * 3); {WAIT}"
    with running(code, preexec_fn=partial(resource.setrlimit, resource.RLIMIT_NOFILE, (321, 654))) as process:
        (found,), _ = top.counts([process.pid])
    assert (found.limit, found.user) == (321, "nobody")


def test_conditions_narrow_what_is_counted() -> None:
    with mkfds.spawn("regular", "pipe") as holder:
        (row,) = table(run("top", holder.pid, "--kind", "pipe").stdout)
    assert set(row["KINDS"].split(",")) == {f"pipe={row['FDS']}"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--every", "0"], "expected seconds, found '0'"),
        (["--every", "nan"], "expected seconds, found 'nan'"),
        (["-n", "x"], "expected a number, found 'x'"),
        (["--by", "colour"], "invalid choice"),
    ],
)
def test_what_does_not_fit_is_a_usage_error(words: list[str], says: str) -> None:
    done = run("top", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_only_those_that_are_shown_are_named() -> None:
    with mkfds.spawn("regular") as holder, mkfds.spawn("regular", "pipe") as fuller:
        pids = [holder.pid, fuller.pid]
        all_of_them, _ = top.counts(pids)
        first, _ = top.counts(pids, 1)
    assert [one.pid for one in all_of_them] == [one.pid for one in first] == [fuller.pid, holder.pid]
    assert [bool(one.comm and one.user) for one in all_of_them] == [True, True]
    assert [bool(one.comm or one.user) for one in first] == [True, False]
    assert [(one.fds, one.limit) for one in all_of_them] == [(one.fds, one.limit) for one in first]


@pytest.mark.parametrize("words", [[], ["--kinds"]])
def test_nobody_is_named(words: list[str]) -> None:
    done = run("top", *words, GONE)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"crfd: pid {GONE}: No such process\n")


@pytest.mark.parametrize("words", [[], ["--kinds"]])
def test_one_of_two_that_are_named_is_gone(words: list[str]) -> None:
    with mkfds.spawn("regular") as holder:
        done = run("top", *words, GONE, holder.pid)
    assert (done.returncode, done.stderr) == (3, f"crfd: pid {GONE}: No such process\n")
    assert [row["PID"] for row in table(done.stdout)] == [str(holder.pid)]


@pytest.mark.parametrize("words", [[], ["--kinds"]])
def test_the_fullest_comes_first(tmp_path: Path, words: list[str]) -> None:
    with running(HOLD, str(tmp_path / "gone")) as process, mkfds.spawn("regular") as holder:
        rows = table(run("top", *words, process.pid, holder.pid).stdout)
    assert [row["PID"] for row in rows] == [str(process.pid), str(holder.pid)]


@pytest.mark.parametrize(("how", "cells"), [(("--by", "kind", "--backend", "bpf"), (0, -1)), ((), (0, 2))])
def test_looks_after_the_first_have_few_privileges(
    how: tuple[str, ...], cells: tuple[int, int], nobody: tuple[str, ...], need: Need
) -> None:
    """And see as much: another user's process takes CAP_SYS_PTRACE."""
    need("CAP_SYS_PTRACE")
    need("backend bpf")
    looks: list[list[tuple[str, ...]]] = [[]]
    with running(f"import os, sys, time; [os.dup(0) for _ in range(40)]; {WAIT}", before=nobody) as target:
        words = [*CRFD, "top", "--every", "0.05", "--times", "99", "--no-header", *how, str(target.pid)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as repeated:
            assert repeated.stdout
            while len(looks) < 4:
                row = repeated.stdout.readline().split()
                if row:
                    looks[-1].append(tuple(row[at] for at in cells))
                else:
                    looks.append([])
            status = Path(f"/proc/{repeated.pid}/status").read_text()
            repeated.kill()
    assert len(looks[0]) >= 1
    assert looks[0] == looks[1] == looks[2]
    kept = 1 << 2 | 1 << 19  # CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE
    for key in ("CapEff", "CapPrm"):
        (held,) = re.findall(rf"^{key}:\t(\w+)$", status, re.M)
        assert int(held, 16) == kept
    assert "NoNewPrivs:\t1\n" in status
