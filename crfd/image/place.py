# SPDX-License-Identifier: MIT
"""The place that an output name leads to, found without following what another user may have planted on the way."""

from __future__ import annotations

import errno
import os
import stat

from crfd.light import NamedTuple

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_LINKS = 40  # path_resolution(7)


class Place(NamedTuple):
    """A name in a folder that is held open: folder is its descriptor, status what is there now (None: nothing).

    is_link: the name is a link of proc(5) to an open file, and status is that file's; only the kernel can follow it.
    """

    folder: int
    name: str
    status: os.stat_result | None
    is_link: bool

    def open(self) -> int:
        """Open what is there for writing; OSError when it is another thing by now."""
        flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY
        fd = os.open(self.name, flags if self.is_link else flags | os.O_NOFOLLOW, dir_fd=self.folder)
        assert self.status is not None
        if _who(os.fstat(fd)) != _who(self.status):
            os.close(fd)
            raise FileExistsError(errno.EEXIST, "it became another file while it was opened")
        return fd


def _who(status: os.stat_result) -> tuple[int, ...]:
    """Return what tells one file from another; the inode number of one that is gone may be another's by now."""
    return status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode), status.st_uid


def find(path: str) -> Place:
    """Go down a path as the kernel does, holding each folder while it looks at the next.

    In a folder that everyone may write to, a link, pipe or file of another user is refused, unless the folder is that
    user's as well: the rule of fs.protected_symlinks and fs.protected_fifos (proc_sys_fs(5)), whether the kernel has it
    switched on or not. Links that have no text of their own are followed by the kernel.
    """
    folder = os.open("/" if path.startswith("/") else ".", _FOLDER)
    rest = path.split("/")[::-1]
    links = 0
    try:
        while any(rest):
            name = rest.pop()
            if name in {"", "."}:
                continue
            status = _look(name, folder, may_lack=not rest)
            if status is None or (not rest and not stat.S_ISLNK(status.st_mode)):
                return Place(folder, name, status, False)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                target = os.readlink(name, dir_fd=folder)
                if status.st_size != len(os.fsencode(target)):  # of proc(5): its text need not be a path
                    if not rest:
                        return Place(folder, name, os.stat(name, dir_fd=folder), True)
                    folder = _enter(name, folder, _FOLDER)
                    continue
                rest += target.split("/")[::-1]
                if target.startswith("/"):
                    folder = _enter("/", folder, _FOLDER)
                continue
            folder = _enter(name, folder, _FOLDER | os.O_NOFOLLOW)
        code = errno.EISDIR if path else errno.ENOENT
        raise OSError(code, os.strerror(code))
    except BaseException:
        os.close(folder)
        raise


def _look(name: str, folder: int, *, may_lack: bool) -> os.stat_result | None:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        if may_lack:
            return None
        raise
    around = os.stat(folder)
    planted = around.st_mode & stat.S_IWOTH and status.st_uid not in {os.geteuid(), around.st_uid}
    if planted and not stat.S_ISDIR(status.st_mode):
        raise PermissionError(errno.EACCES, f"{name} is another user's, in a directory that everyone may write to")
    return status


def _enter(name: str, folder: int, flags: int) -> int:
    """Open another folder and close this one."""
    entered = os.open(name, flags, dir_fd=folder)
    os.close(folder)
    return entered
