# SPDX-License-Identifier: MIT
"""Both backends on one quiet process: the same of every descriptor, but for what FORMAT.md says /proc cannot give."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd.format.records import RecordType
from tests import mkfds
from tests.procs import Need

FORMAT = Path(__file__).parents[2] / "csrc" / "format" / "FORMAT.md"
_ACCESS = 0x4003  # FMODE_READ, FMODE_WRITE, FMODE_PATH
_UNKNOWN_ID = (None, 0xFFFFFFFF)

# Fields that one backend alone tells, mostly BPF: the value of the other one must say that it does not know.
ONLY_BPF: dict[str, Callable[[Any, Any], bool]] = {
    "f_mode": lambda proc, bpf: proc & _ACCESS == bpf & _ACCESS,
    "f_uid": lambda proc, _: proc in _UNKNOWN_ID,
    "f_gid": lambda proc, _: proc in _UNKNOWN_ID,
    "st_uid": lambda proc, _: proc is None,
    "st_gid": lambda proc, _: proc is None,
    "Socket.listener_ino": lambda _, bpf: bpf is None,
    "blocks": lambda proc, bpf: None in (proc, bpf),  # BPF: unknown while pages wait to be written
    **dict.fromkeys(
        (
            "f_version",
            "deleted",
            "nlink",
            "size",
            "owner",
            "Pipe.readers",
            "Pipe.writers",
            "Eventfd.semaphore",
            "Socket.can_read",
            "Socket.can_write",
        ),
        lambda proc, _: proc is None,
    ),
}
# A counter that goes on between two looks, whoever looks.
RUNNING = {"Timerfd.value"}


def facts(file: crfd.OpenFile) -> Iterator[tuple[str, Any]]:
    for name in file._fields:
        if name not in {"objref", "known", "extensions"}:
            yield name, getattr(file, name)
    yield "fdinfo", file.fdinfo
    yield "locks", file.locks
    yield "owner", file.owner
    yield "st_uid", file.st_uid
    yield "st_gid", file.st_gid
    yield "driver", (file.driver, file.misc_device)
    addresses = {RecordType.SOCK_NAME, RecordType.SOCK_PEER}
    yield "raw addresses", [(kind, bytes(raw)) for kind, raw in file.extensions if kind in addresses]
    detail = file.detail
    yield "detail", type(detail)
    if detail is not None:
        for field in dataclasses.fields(detail):
            yield f"{type(detail).__name__}.{field.name}", getattr(detail, field.name)


def differences(proc: crfd.OpenFile, bpf: crfd.OpenFile) -> Iterator[tuple[str, Any, Any]]:
    theirs = dict(facts(proc))
    for name, value in facts(bpf):
        if name not in RUNNING and theirs.get(name) != value:
            yield name, theirs.get(name), value


@pytest.fixture(scope="module")
def both(everything: mkfds.Holder, need: Need) -> tuple[mkfds.Holder, crfd.Task, crfd.Task]:
    """A process with everything that this machine grants, as /proc and as BPF see it."""
    need("backend bpf")
    return everything, crfd.scan(everything.pid, backend="proc"), crfd.scan(everything.pid, backend="bpf")


@pytest.fixture(autouse=True)
def _bpf(need: Need) -> None:
    need("backend bpf")
    need("kcmp")
    need("pidfd_getfd")
    need("sock_diag")


def test_the_same_descriptors_and_sharing(both: tuple[mkfds.Holder, crfd.Task, crfd.Task]) -> None:
    holder, proc, bpf = both
    assert len(proc.fds) == holder.report["nfds"]
    for number, entry in proc.fds.items():
        other = bpf.fds[number]
        assert (entry.objref, entry.close_on_exec, entry.error) == (other.objref, other.close_on_exec, other.error)
    assert proc.fds.keys() == bpf.fds.keys()


def test_the_same_of_each(both: tuple[mkfds.Holder, crfd.Task, crfd.Task]) -> None:
    holder, proc, bpf = both
    roles = {one["fd"]: one["role"] for one in holder.fds}
    wrong = []
    for number, entry in proc.fds.items():
        file, other = entry.file, bpf.fds[number].file
        assert file is not None and other is not None, number
        for name, theirs, ours in differences(file, other):
            if name not in ONLY_BPF or not ONLY_BPF[name](theirs, ours):
                wrong.append((roles.get(number, number), name, theirs, ours))
    assert not wrong


def test_the_same_of_the_task(both: tuple[mkfds.Holder, crfd.Task, crfd.Task]) -> None:
    _, proc, bpf = both
    assert (proc.identity, bpf.identity) == (crfd.Identity.KCMP, crfd.Identity.EXACT)
    for field in dataclasses.fields(proc):
        if field.name not in {"fds", "identity"}:
            assert getattr(proc, field.name) == getattr(bpf, field.name), field.name


def test_every_exception_is_stated_and_occurs(both: tuple[mkfds.Holder, crfd.Task, crfd.Task]) -> None:
    section = FORMAT.read_text().partition("## What each backend gives")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == set(ONLY_BPF)
    _, proc, bpf = both
    pairs = [(entry.file, bpf.fds[number].file) for number, entry in proc.fds.items()]
    occur = {name for a, b in pairs if a and b for name, _, _ in differences(a, b)}
    # Since 6.12 no struct file has an f_version, and nobody knows it; since 6.5 fdinfo tells semaphores too, since 6.10
    # a socket its listener.
    assert occur | {"f_version", "Eventfd.semaphore", "Socket.listener_ino"} == set(ONLY_BPF)


_UNLOAD = """
import os
import crfd
from crfd._core.library import lib

def held():
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink("/proc/self/fd/" + number))
        except FileNotFoundError:
            pass  # the listing's own
    return sorted(link for link in links if "bpf" in link)

for _ in range(2):
    assert held() == [], held()
    assert crfd.scan(os.getpid(), backend="bpf").fds
    assert held() == ["anon_inode:bpf-map"] + ["anon_inode:bpf-prog"] * 2, held()
    lib.crfd_bpf_unload()
    lib.crfd_bpf_unload()  # nothing to be done
"""


def test_unloading_leaves_nothing_open() -> None:
    subprocess.run([sys.executable, "-c", _UNLOAD], check=True, timeout=60)
