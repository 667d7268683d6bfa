# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""Names of open files that were deleted, renamed, replaced, or are odd."""

from __future__ import annotations

import os

from .registry import Maker, kind

_ODD = {
    "newline": b"two\nlines",
    "latin1": b"caf\xe9 \xff\xfe",
    "utf8": "naïve 文件 🗎".encode(),
    "control": b"bell\x07 esc\x1b[31m tab\t cr\r del\x7f",
    "backslash": b"back\\slash \\012 \\n",
    "quotes": b"'single' \"double\" `back` $(dollar)",
    "spaces": b"  leading and trailing  ",
    "long": b"n" * 255,
    "colon": b"socket:[123]",
    "dash": b"--help",
}


@kind("deleted")
def _deleted(m: Maker) -> None:
    """a file without a name any more, and one that has another hard link"""
    path = m.file("gone")
    m.add(os.open(path, os.O_RDWR), "file", path=path, deleted=True)
    os.unlink(path)
    path, other = m.file("linked"), m.path("other")
    m.add(os.open(path, os.O_RDWR), "file", "linked", path=path, deleted=True, other_path=other)
    os.link(path, other)
    os.unlink(path)


@kind("renamed")
def _renamed(m: Maker) -> None:
    """a file that was opened by another name, and one in a directory that was"""
    old, new = m.file("old"), m.path("new")
    m.add(os.open(old, os.O_RDONLY), "file", path=new, opened_as=old)
    os.rename(old, new)
    old, new = m.path("olddir"), m.path("newdir")
    os.mkdir(old)
    m.add(os.open(f"{old}/file", os.O_CREAT | os.O_RDWR), "file", "dir", path=f"{new}/file", opened_as=f"{old}/file")
    os.rename(old, new)


@kind("replaced")
def _replaced(m: Maker) -> None:
    """a file whose name now belongs to another file, and that other file"""
    path, other = m.file("name", b"old"), m.file("other", b"newer")
    m.add(os.open(path, os.O_RDONLY), "file", path=path, deleted=True)
    os.rename(other, path)
    m.add(os.open(path, os.O_RDONLY), "file", "by", path=path)


@kind("deleted_name")
def _deleted_name(m: Maker) -> None:
    """names that end in " (deleted)": of a live file, a deleted file, and of both at once"""
    live = m.file("live (deleted)")
    m.add(os.open(live, os.O_RDONLY), "file", "live", path=live, deleted=False)
    gone = m.file("gone (deleted)")
    m.add(os.open(gone, os.O_RDONLY), "file", "gone", path=gone, deleted=True)
    os.unlink(gone)
    plain = m.file("both")
    m.add(os.open(plain, os.O_RDONLY), "file", "masked", path=plain, deleted=True)
    os.unlink(plain)
    mask = m.file("both (deleted)")  # /proc/PID/fd/N of both reads the same now
    m.add(os.open(mask, os.O_RDONLY), "file", "mask", path=mask, deleted=False)


@kind("oddname")
def _oddname(m: Maker) -> None:
    """names with bytes that text formats trip over"""
    for part, raw in _ODD.items():
        path = m.path(os.fsdecode(raw))
        m.add(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR), "file", part, path=path)


@kind("siblings")
def _siblings(m: Maker) -> None:
    """names of one directory right behind each other, and what is none of them in between"""
    here, there = m.path("here"), m.path("there")

    def make(part: str, path: str) -> None:
        m.add(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR), "file", part, path=path, deleted=False)

    for path in (here, there, f"{here}/sub"):
        os.mkdir(path)
    make("first", f"{here}/first")
    make("second", f"{here}/second")
    m.add(os.open(here, os.O_RDONLY), "dir", "itself", path=here)
    m.add(os.open("/", os.O_RDONLY), "dir", "root", path="/")
    make("third", f"{here}/third")
    make("elsewhere", f"{there}/first")
    make("longest", f"{here}/{'n' * 255}")
    path = f"{here}/gone"
    m.add(os.open(path, os.O_CREAT | os.O_RDWR), "file", "gone", path=path, deleted=True)
    os.unlink(path)
    make("after", f"{here}/after")
    m.add(os.open(f"{here}/sub", os.O_RDONLY), "dir", "sub", path=f"{here}/sub")
    make("below", f"{here}/sub/first")
    path = f"{here}/moved"
    m.add(os.open(path, os.O_CREAT | os.O_RDWR), "file", "moved", path=f"{there}/moved", opened_as=path)
    os.rename(path, f"{there}/moved")
    make("last", f"{here}/last")


def _descend(path: str, levels: int, name: str) -> tuple[int, str]:
    """Makes levels of directories below path, one openat(2) a time; the last, open, and its path."""
    here = os.open(path, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, path = below, f"{path}/{name}"
    return here, path


@kind("deep")
def _deep(m: Maker, levels: int = 24) -> None:
    """paths of 4095 bytes, the longest that /proc shows, behind a shorter one, and longer ones (ENAMETOOLONG)"""
    create = os.O_CREAT | os.O_EXCL | os.O_RDWR
    top = m.directory()
    parent, path = _descend(top, (4095 - len(os.fsencode(top)) - 2) // 201, "m" * 200)
    name = "f" * (4095 - len(os.fsencode(path)) - 1)
    for part, one in (("short", "s"), ("max", name), ("over", f"{name}f")):
        m.add(os.open(one, create, dir_fd=parent), "file", part, path=f"{path}/{one}")
    os.close(parent)
    parent, path = _descend(top, levels, "d" * 200)
    m.add(os.open("file", create, dir_fd=parent), "file", path=f"{path}/file")
    m.add(parent, "dir", "dir", path=path)
