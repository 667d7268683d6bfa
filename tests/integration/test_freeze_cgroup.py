# SPDX-License-Identifier: MIT
"""Cgroups held still by their freezer: each is thawed, whoever is killed, and one that is left frozen is named."""

from __future__ import annotations

import io
import itertools
import os
import random
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

import crfd
from crfd.capture.freeze import MARK, WATCHDOG, WATCHDOGS, frozen, left_frozen
from tests import mkfds, procs
from tests.procs import CRFD, LIMIT, WAIT, Need, running, state, until
from tests.shown import dumped

pytestmark = pytest.mark.usefixtures("_may_trace")


def test_a_cgroup_is_frozen_by_its_freezer(cgroup: procs.Cgroup, backend: str) -> None:
    with mkfds.spawn("regular", "clone_files") as holder:
        for pid in (holder.pid, *(task["pid"] for task in holder.tasks)):
            cgroup.add(pid)
        selection = crfd.Selection(cgroup=cgroup.name)
        with frozen(selection) as held:
            assert held.pids == sorted([holder.pid, *(task["pid"] for task in holder.tasks)])
            assert cgroup.frozen()
        assert not cgroup.frozen()
        result, image = dumped(selection, backend=backend, freeze=True)
        with image:
            assert image.info is not None
            assert image.info.frozen
            assert {one.how for one in image.still} == {2}
            assert [one.pid for one in image.still] == held.pids
        assert not cgroup.frozen()
        assert not result.unread
        cgroup.empty()


def test_a_cgroup_that_was_frozen_stays_frozen(cgroup: procs.Cgroup, backend: str) -> None:
    with mkfds.spawn("regular") as holder:
        cgroup.add(holder.pid)
        cgroup.freeze()
        try:
            result, image = dumped(crfd.Selection(cgroup=cgroup.name), backend=backend, freeze=True)
            with image:
                assert image.info is not None
                assert image.info.frozen
                assert image.tasks[holder.pid].consistency is crfd.Consistency.FROZEN
            assert not result.unread
            assert cgroup.frozen()
        finally:
            cgroup.thaw()
        cgroup.empty()


def test_sigkill_of_the_dump_thaws_the_cgroup(cgroup: procs.Cgroup) -> None:
    code = f"""
import sys, time, crfd
from crfd.capture.freeze import frozen
with frozen(crfd.Selection(cgroup=sys.argv[1])):
    print("ready", flush=True)
    time.sleep({LIMIT})
"""
    with mkfds.spawn("regular") as holder:
        cgroup.add(holder.pid)
        with running(code, cgroup.name) as freezer:
            assert cgroup.frozen()
            freezer.kill()
            freezer.wait()
        until(lambda: not cgroup.frozen(), "the watchdog thaws it")
        cgroup.empty()


HELD_BY_CGROUP = """
import sys, crfd
from crfd.capture.freeze import frozen
with frozen(crfd.Selection(cgroup=sys.argv[1])):
""" + "".join(f"    {line}\n" for line in WAIT.split("; "))


def left(cgroup: procs.Cgroup) -> list[str]:
    """Return the words that thaw the cgroup, if it was left frozen."""
    return [thaw for control, thaw in left_frozen() if control == str(cgroup.folder / cgroup.control)]


def test_what_is_left_frozen_by_a_kill_of_all_is_told_and_thawed_by_the_next(
    cgroup: procs.Cgroup, tmp_path: Path
) -> None:
    with mkfds.spawn("regular") as holder, cgroup.thawed_at_the_end():
        cgroup.add(holder.pid)
        with running(HELD_BY_CGROUP, cgroup.name) as freezer:
            watchdogs = watchdogs_of(freezer.pid)
            assert len(watchdogs) == WATCHDOGS
            assert left(cgroup) == []
            for watchdog in watchdogs:
                os.kill(watchdog, signal.SIGKILL)
            freezer.kill()
            freezer.wait()
        assert cgroup.frozen()
        until(lambda: left(cgroup) == [cgroup.words[0]], "the watchdogs, which are no children of ours, have ended")
        told = procs.run("check").stdout
        assert f"echo {cgroup.words[0]} > {cgroup.folder / cgroup.control}" in told
        done = procs.run("dump", "--freeze", "--cgroup", cgroup.name, "-o", tmp_path / "image")
        assert done.returncode == 0, done.stderr
        assert not cgroup.asked_to_freeze()
        assert left(cgroup) == []
        cgroup.empty()


@pytest.mark.parametrize("killed", [False, True], ids=["done", "killed"])
def test_nothing_is_left_to_say_that_we_froze(cgroup: procs.Cgroup, killed: bool) -> None:
    """Else who freezes it later by other means would find it thawed by the next dump."""
    control = cgroup.folder / cgroup.control
    with mkfds.spawn("regular") as holder, cgroup.thawed_at_the_end():
        cgroup.add(holder.pid)
        with running(HELD_BY_CGROUP, cgroup.name) as freezer:
            assert MARK in os.listxattr(control)
            freezer.send_signal(signal.SIGKILL if killed else signal.SIGINT)
            freezer.wait()
        until(lambda: not cgroup.asked_to_freeze(), "it is thawed")
        until(lambda: MARK not in os.listxattr(control), "nothing says that we froze it")
        cgroup.freeze()
        assert left(cgroup) == []
        crfd.dump(crfd.Selection(cgroup=cgroup.name), io.BytesIO(), freeze=True)
        assert cgroup.frozen()
        cgroup.thaw()
        cgroup.empty()


def test_the_watchdog_is_out_of_reach_of_what_kills_all_of_a_cgroup(need: Need) -> None:
    """systemd does, of a service that does not stop (systemd.kill(5)), and so does cgroup.kill."""
    need("root")
    with (
        procs.cgroup("v2") as ours,
        procs.cgroup("v2") as theirs,
        mkfds.spawn("regular") as holder,
        theirs.thawed_at_the_end(),
    ):
        if not (ours.folder / "cgroup.kill").exists():
            pytest.skip("no cgroup.kill before Linux 5.14")
        theirs.add(holder.pid)
        code = f"open({str(ours.folder / 'cgroup.procs')!r}, 'w').write('0')\n{HELD_BY_CGROUP}"
        with running(code, theirs.name) as freezer:
            assert theirs.frozen()
            (ours.folder / "cgroup.kill").write_text("1")
            freezer.wait()
        until(lambda: not theirs.asked_to_freeze(), "the watchdog thaws it")
        theirs.empty()


def test_the_watchdog_is_none_of_those_that_have_our_name(cgroup: procs.Cgroup) -> None:
    """A kill of all of those by SIGKILL (pkill -9 -f crfd) leaves it to thaw the cgroup."""
    with mkfds.spawn("regular") as holder:
        cgroup.add(holder.pid)
        with running(HELD_BY_CGROUP, cgroup.name) as freezer:
            watchdogs = watchdogs_of(freezer.pid)
            assert b"crfd" in Path(f"/proc/{freezer.pid}/cmdline").read_bytes()
            assert len(watchdogs) == WATCHDOGS
            for watchdog, name in itertools.product(watchdogs, ("cmdline", "comm")):
                assert b"crfd" not in Path(f"/proc/{watchdog}/{name}").read_bytes().lower()
        cgroup.empty()


@pytest.mark.parametrize("then", ["thawed", "frozen again"])
def test_a_stillness_that_another_ended_is_not_claimed(cgroup: procs.Cgroup, then: str) -> None:
    """Two at a time: whoever came second relied on the first, who thaws when it is done."""
    if then == "frozen again" and cgroup.control != "cgroup.freeze":
        return  # v1 does not tell that it was thawed in between
    with mkfds.spawn("regular") as target:
        cgroup.add(target.pid)
        with ExitStack() as first:
            first.enter_context(frozen(crfd.Selection(cgroup=cgroup.name)))
            with frozen(crfd.Selection(cgroup=cgroup.name)) as second:
                assert second.refused == {}
                first.close()
                if then == "frozen again":
                    cgroup.freeze()
            assert second.refused == {target.pid: 16}
            assert [(one.pid, one.how) for one in second.still] == [(target.pid, 0)]
        cgroup.thaw()
        cgroup.empty()


def test_both_of_two_that_freeze_at_a_time_say_what_was_true(cgroup: procs.Cgroup, tmp_path: Path) -> None:
    with mkfds.spawn("files:n=3000") as target:
        cgroup.add(target.pid)
        for _ in range(5):
            images = [tmp_path / name for name in ("a", "b")]
            command = [*CRFD, "dump", "--freeze", "--cgroup", cgroup.name, "-o"]
            both = [subprocess.Popen([*command, image], stderr=subprocess.PIPE, text=True) for image in images]
            for image, process in zip(images, both, strict=True):
                said = process.communicate(timeout=LIMIT)[1]
                with crfd.open(image) as found:
                    assert found.info is not None
                    assert (process.returncode, found.info.frozen) in {(0, True), (3, False)}, said
                    assert ("not held still" in said) is not found.info.frozen
            assert not cgroup.frozen()
        cgroup.empty()


ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KILLS = 250 if os.environ.get("CRFD_STRESS") == "1" else 12 if procs.PATIENCE == 1 else 4


def watchdogs_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in children.read_text().split():
            if WATCHDOG.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def killed(dump: subprocess.Popen[bytes], rng: random.Random) -> str:
    """Send one of us, several or our group what a user, a service manager or the kernel may send; return whom and what."""
    watchdogs = watchdogs_of(dump.pid)
    ending = rng.choice(ENDING)
    whom = rng.choice(["dump", "group", *["watchdog", "both", "both at once", "all at once"] * bool(watchdogs)])
    with suppress(ProcessLookupError):
        match whom:
            case "both at once" | "all at once":
                ended = watchdogs if whom == "all at once" else [rng.choice(watchdogs)]
                for pid in rng.sample([dump.pid, *ended], 1 + len(ended)):
                    os.kill(pid, signal.SIGKILL)
                until(lambda: all(state(pid) in "ZX" for pid in ended), "the watchdogs are gone")
            case "dump":
                dump.send_signal(rng.choice([*ENDING, signal.SIGKILL]))
            case "watchdog":
                os.kill(rng.choice(watchdogs), rng.choice([*ENDING, signal.SIGKILL]))
            case "both":
                # All processes of a service get SIGTERM, and the rest SIGKILL: the dump alone could be left.
                for pid in rng.sample([dump.pid, *watchdogs], 1 + len(watchdogs)):
                    os.kill(pid, ending)
                if rng.random() < 0.5:
                    os.kill(dump.pid, signal.SIGKILL)
            case "group":
                os.killpg(dump.pid, rng.choice([*ENDING, signal.SIGKILL]))
    return f"{whom} (watchdogs {watchdogs}), {ending.name}"


def thawed_by_the_next(cgroup: procs.Cgroup) -> bool:
    """Whether the cgroup was left frozen, which is told then, and which the next dump ends."""
    until(lambda: bool(left(cgroup)) or not cgroup.asked_to_freeze(), "it is thawed, or told")
    told = left(cgroup)
    if told:
        assert told == [cgroup.words[0]]
        done = procs.run("dump", "--freeze", "--cgroup", cgroup.name, "-o", os.devnull)
        assert done.returncode == 0, done.stderr
    return bool(told)


@pytest.mark.parametrize("by", ["cgroup", "ptrace"])
def test_whoever_is_killed_nothing_stays_frozen_or_stopped(cgroup: procs.Cgroup, by: str) -> None:
    rng = random.Random(7)
    frozen_when_killed = thawed_later = 0
    with mkfds.spawn("files:n=8000") as target, cgroup.thawed_at_the_end():
        cgroup.add(target.pid)
        what = ("--cgroup", cgroup.name) if by == "cgroup" else (str(target.pid),)
        command = [*CRFD, "dump", "--freeze", "--backend", "proc", *what, "-o", os.devnull]
        for n in range(KILLS):
            quiet = subprocess.DEVNULL
            with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as dump:
                end = time.monotonic() + LIMIT
                while dump.poll() is None and time.monotonic() < end:
                    if cgroup.asked_to_freeze() or state(target.pid) == "t":
                        time.sleep(rng.uniform(0, 0.02))
                        break
                frozen_when_killed += cgroup.asked_to_freeze() or state(target.pid) == "t"
                sent = killed(dump, rng)
                assert dump.wait(LIMIT) is not None
            if sent.startswith("all at once"):
                thawed_later += thawed_by_the_next(cgroup)
            until(lambda: not cgroup.asked_to_freeze(), f"round {n}: thawed after {sent}")
            until(lambda: state(target.pid) in "SR", f"round {n}: it goes on after {sent}")
        cgroup.empty()
    assert frozen_when_killed > KILLS // 3
    print(f"{KILLS} kills, {frozen_when_killed} while frozen, {thawed_later} left for the next dump")


def test_part_of_a_cgroup_is_not_frozen_with_it(cgroup: procs.Cgroup) -> None:
    with mkfds.spawn("regular") as holder, mkfds.spawn("regular") as other:
        cgroup.add(holder.pid)
        cgroup.add(other.pid)
        with frozen(crfd.Selection(frozenset({holder.pid}), cgroup=cgroup.name)):
            assert not cgroup.frozen()
            assert state(holder.pid) == "t"
            assert state(other.pid) in "SR"
        cgroup.empty()
