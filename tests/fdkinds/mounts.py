# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""Filesystem contexts and mounts that hang in no tree."""

from __future__ import annotations

import os
import tempfile

from . import syscalls
from .registry import Maker, kind

# mount_setattr(2) family: include/uapi/linux/mount.h
_FSOPEN_CLOEXEC, _FSMOUNT_CLOEXEC, _OPEN_TREE_CLONE = 1, 1, 1
_SET_FLAG, _SET_STRING, _CMD_CREATE = 0, 1, 6
_MNT_DETACH = 2
_NO_SUID = 2  # MOUNT_ATTR_NOSUID


def _context(filesystem: str, **options: str) -> int:
    fd = syscalls.syscall("fsopen", filesystem.encode(), _FSOPEN_CLOEXEC)
    for key, value in options.items():
        syscalls.syscall("fsconfig", fd, _SET_STRING, key.encode(), value.encode(), 0)
    return fd


def _mounted(context: int) -> int:
    """The root of a new mount, O_PATH; the mount goes with its last descriptor."""
    try:
        syscalls.syscall("fsconfig", context, _CMD_CREATE, None, None, 0)
        return syscalls.syscall("fsmount", context, _FSMOUNT_CLOEXEC, _NO_SUID)
    finally:
        os.close(context)


@kind("fscontext", needs="CAP_SYS_ADMIN")
def _fscontext(m: Maker) -> None:
    """fsopen() of a new filesystem and fspick() of a mounted one"""
    m.add(_context("tmpfs", size="1m"), "fscontext", "new", filesystem="tmpfs")
    m.add(syscalls.syscall("fspick", syscalls.AT_FDCWD, b"/proc", 1), "fscontext", "picked", filesystem="proc")


@kind("mount", needs="CAP_SYS_ADMIN")
def _mount(m: Maker) -> None:
    """detached mounts: a tree cloned by open_tree(), a new tmpfs and files in it"""
    path = m.path("tree")
    os.mkdir(path)
    clone = syscalls.syscall("open_tree", syscalls.AT_FDCWD, path.encode(), _OPEN_TREE_CLONE | os.O_CLOEXEC)
    m.add(clone, "dir", "tree", cloned=path, detached=True)
    root = m.add(_mounted(_context("tmpfs")), "dir", "tmpfs", detached=True)
    m.add(os.open("file", os.O_CREAT | os.O_RDWR, dir_fd=root), "file", "file", detached=True, path_in_mount="/file")


@kind("escaped", needs="CAP_SYS_ADMIN")
def _escaped(m: Maker) -> None:
    """a file that left a mount of a directory by a rename, beside that directory then, and the mount's root"""
    path = m.path("tree")
    os.mkdir(path)
    clone = syscalls.syscall("open_tree", syscalls.AT_FDCWD, path.encode(), _OPEN_TREE_CLONE | os.O_CLOEXEC)
    file = os.open("file", os.O_CREAT | os.O_RDWR, dir_fd=clone)
    os.rename(f"{path}/file", m.path("file"))
    m.add(file, "file", detached=True)
    m.add(clone, "dir", "root", cloned=path, detached=True)


@kind("overlay", needs="CAP_SYS_ADMIN, overlayfs")
def _overlay(m: Maker) -> None:
    """files of a detached overlay: st_dev and inode number are not those of the kernel's inode"""
    lower, upper, work = (m.path(name) for name in ("lower", "upper", "work"))
    for path in (lower, upper, work):
        os.mkdir(path)
    for path in (f"{lower}/low", f"{lower}/both", f"{upper}/both"):
        with open(path, "x") as stream:
            stream.write(path)
    root = m.add(_mounted(_context("overlay", lowerdir=lower, upperdir=upper, workdir=work)), "dir", detached=True)
    for part in ("low", "both"):
        m.add(os.open(part, os.O_RDONLY, dir_fd=root), "file", part, detached=True, path_in_mount=f"/{part}")


@kind("lazy_umount", needs="CAP_SYS_ADMIN")
def _lazy_umount(m: Maker) -> None:
    """a file of a filesystem that is no longer mounted anywhere"""
    with tempfile.TemporaryDirectory(prefix="mkfds-mount-") as path:
        syscalls.libc("mount", b"mkfds", path.encode(), b"tmpfs", 0, None)
        try:
            m.add(os.open(f"{path}/file", os.O_CREAT | os.O_RDWR), "file", opened_as=f"{path}/file", detached=True)
        finally:
            syscalls.libc("umount2", path.encode(), _MNT_DETACH)


@kind("fuse_hung", needs="/dev/fuse, CAP_SYS_ADMIN", plain=False)
def _fuse_hung(m: Maker) -> None:
    """the root of a FUSE mount whose server never answers: stat() of it blocks, also here, so it has no "stat" """
    server = m.add(os.open("/dev/fuse", os.O_RDWR), "chr", "server", path="/dev/fuse")
    options = {"fd": str(server), "rootmode": "40000", "user_id": str(os.getuid()), "group_id": str(os.getgid())}
    m.add(_mounted(_context("fuse", **options)), "dir", detached=True, stat=None, blocks=True)
