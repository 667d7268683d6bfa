# SPDX-License-Identifier: MIT
"""The same descriptors as psutil and lsfd see, where they can see."""

from __future__ import annotations

import io
import json
import os
import subprocess
from typing import Any

import psutil

import crfd
from tests import mkfds
from tests.procs import Need
from tests.shown import objects

KINDS = ("regular", "directory", "dups", "pipe", "eventfd", "epoll", "unix_connected", "tcp4", "chr", "renamed")


def test_psutil_sees_the_same_regular_files(backend: str) -> None:
    with mkfds.spawn(*KINDS) as holder:
        task = crfd.scan(holder.pid, backend=backend)
        theirs = {one.fd: one for one in psutil.Process(holder.pid).open_files()}
    assert theirs
    for fd, one in theirs.items():
        file = task.fds[fd].file
        assert file is not None
        assert file.kind is crfd.Kind.FILE
        assert (file.path, file.f_pos) == (one.path.encode(), one.position)
        assert file.f_flags == one.flags & ~0o2000000  # psutil keeps O_CLOEXEC among the flags


def test_lsfd_sees_the_same_descriptors(backend: str, need: Need) -> None:
    need("lsfd")
    columns = "FD,TYPE,POS,INODE,MNTID,MAJ:MIN,FLAGS,DELETED"
    with mkfds.spawn(*KINDS) as holder:
        task = crfd.scan(holder.pid, backend=backend)
        command = ["lsfd", "-n", "-J", "-p", str(holder.pid), "-o", columns, "-Q", "FD >= 0"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    theirs = {row["fd"]: row for row in json.loads(done.stdout)["lsfd"]}
    assert theirs.keys() == task.fds.keys()
    for fd, row in theirs.items():
        entry = task.fds[fd]
        assert entry.file is not None
        assert (entry.file.f_pos, entry.file.ino, entry.file.mnt_id) == (row["pos"], row["inode"], row["mntid"]), row
        assert entry.file.deleted == row["deleted"], row
        assert ("cloexec" in (row["flags"] or "").split(",")) == entry.close_on_exec, row


# Columns that lsfd of util-linux 2.38 tells in other words, or wrongly, and when a pair (theirs, ours) is right.
_RESOLVED = {
    "CHRDRV": lambda theirs, ours: theirs == ours.split(",")[0],  # the first of several names
    "SOURCE": lambda theirs, ours: theirs == ours.rpartition("/")[2],  # a partition without its directory
}


# Columns that it tells of another file in places: it looks at the path of some, where by now another file may be, or a mount.
_OF_STAT = {"INODE": "ino", "DEV": "dev", "MAJ:MIN": "dev", "NLINK": "nlink", "SIZE": "size"}


def _is_known_better(made: dict[str, Any], name: str, value: object) -> bool:
    """Whether fstat(2) of whoever made the descriptor says what we do."""
    member = _OF_STAT.get(name)
    if not member or not made.get("stat"):
        return False
    own = made["stat"][member]
    return value == (_device(own) if member == "dev" else own)


def _device(number: int | None) -> str | None:
    return None if number is None else f"{os.major(number)}:{os.minor(number)}"


def _in_words_of_lsfd(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of ours by the names of theirs."""
    device = row["kind"] in {"chr", "blk"}
    access = row["access"] or ""
    driver = row.get("driver") or None
    return {
        "POS": row["f_pos"],
        "INODE": row["ino"],
        "MNTID": row["mnt_id"],
        "DEV": _device(row["dev"]),
        "MAJ:MIN": _device(row["rdev"] if device else row["dev"]),
        "RDEV": _device(row["rdev"]),
        "NLINK": row["nlink"],
        "SIZE": row["size"],
        "FUID": row["st_uid"],
        "CHRDRV": driver if row["kind"] == "chr" else None,
        "BLKDRV": driver if row["kind"] == "blk" else None,
        "MISCDEV": row.get("misc_device"),
        "KTHREAD": row["kthread"],
        "UID": row["uid"],
        "USER": row["user"],
        "COMMAND": row["comm"],
        "MODE": ("r" if "r" in access else "-") + ("w" if "w" in access else "-"),
        "SOURCE": None if device else row["source"],  # of devices it says driver and minor number there
    }


_OURS = (
    "pid", "fd", "kind", "f_pos", "ino", "mnt_id", "dev", "rdev", "nlink", "size", "st_uid", "driver", "misc_device", "kthread",
    "uid", "user", "comm", "access", "source", "path",
)  # fmt: skip


def test_every_column_of_lsfd_agrees_over_all_kinds(everything: mkfds.Holder, backend: str, need: Need) -> None:
    need("lsfd")
    need("root")
    image = io.BytesIO()
    crfd.dump(everything.pid, image, backend=backend)
    names = [*_in_words_of_lsfd(dict.fromkeys(_OURS))]
    command = ["lsfd", "-n", "-J", "-p", str(everything.pid), "-o", ",".join(["FD", *names]), "-Q", "FD >= 0"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    made = {one["fd"]: one for one in everything.fds}
    theirs = {row["fd"]: row for row in json.loads(done.stdout.decode(errors="replace"))["lsfd"]}
    ours = {row["fd"]: row for row in objects(image.getvalue(), *_OURS) if row["pid"] == everything.pid}
    deep = {fd for fd, row in ours.items() if row["path"] is None}  # too long to be read: it leaves some out
    assert theirs.keys() | deep == ours.keys()
    wrong = []
    for fd, row in theirs.items():
        for name, value in _in_words_of_lsfd(ours[fd]).items():
            said = row[name.lower()]
            said = said[:2] if name == "MODE" else said
            if value is None or said == value:  # not known, or of the kernel's own mounts
                continue
            if name in _RESOLVED and said and _RESOLVED[name](said, value):
                continue
            if not _is_known_better(made.get(fd, {}), name, value):
                wrong.append((made.get(fd, {}).get("role", fd), name, said, value))
    assert not wrong


def test_lsof_agrees_over_all_kinds(everything: mkfds.Holder, backend: str, need: Need) -> None:
    need("lsof")
    need("root")
    image = io.BytesIO()
    crfd.dump(everything.pid, image, backend=backend)
    done = subprocess.run(
        ["lsof", "-nP", "-p", str(everything.pid), "-F", "faDiskrt"], capture_output=True, check=False, timeout=60
    )
    roles = {one["fd"]: one["role"] for one in everything.fds}
    theirs: dict[int, dict[str, str]] = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith("f"):
            current = theirs.setdefault(int(line[1:]), {}) if line[1:].isdigit() else {}
        elif line[:1] in "aDiskrt":
            current[line[0]] = line[1:]
    ours = {row["fd"]: row for row in objects(image.getvalue(), *_OURS) if row["pid"] == everything.pid}
    assert theirs.keys() == ours.keys()
    wrong = []
    for fd, said in theirs.items():
        row = ours[fd]
        if row["path"] is None:  # too long to be read: it has nothing of them
            continue
        pairs: list[tuple[str, Any, Any]] = []
        if row["access"]:  # of O_PATH, which is for neither, it says u
            pairs.append(("a", said.get("a"), {"r": "r", "w": "w", "rw": "u"}[row["access"]]))
        if row["kind"] in {"file", "dir", "fifo"}:
            pairs.append(("D", int(said.get("D", "0"), 16), row["dev"]))
            pairs.append(("i", said.get("i"), str(row["ino"])))
            pairs.append(("k", said.get("k"), str(row["nlink"])))
        if row["kind"] == "file":
            pairs.append(("s", said.get("s"), str(row["size"])))
        wrong += [(roles.get(fd, fd), name, one, other) for name, one, other in pairs if one != other]
    assert not wrong
