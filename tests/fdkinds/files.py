# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""Regular files, directories, O_PATH and anonymous files."""

from __future__ import annotations

import ctypes
import os
import socket
from functools import partial

from . import syscalls
from .registry import Maker, SkipError, kind

_BEYOND_2G = 3 << 30
_MFD_HUGETLB = 4  # memfd_create(2)
# fcntl(2): names of the bits of F_GET_SEALS
_SEALS = {"seal": 1, "shrink": 2, "grow": 4, "write": 8, "future_write": 0x10, "exec": 0x20}
_F_ADD_SEALS = 1033


@kind("regular")
def _regular(m: Maker) -> None:
    """one file per access mode, each at a position of its own; one beyond 2 GiB"""
    content = b"0123456789" * 10
    modes = {"rdonly": os.O_RDONLY, "wronly": os.O_WRONLY, "rdwr": os.O_RDWR, "append": os.O_WRONLY | os.O_APPEND}
    for pos, (part, flags) in enumerate(modes.items(), start=10):
        path = m.file(part, content)
        fd = m.add(os.open(path, flags), "file", part, path=path)
        os.lseek(fd, pos, os.SEEK_SET)
    path = m.file("sparse", b"")
    fd = m.add(os.open(path, os.O_RDWR), "file", "sparse", path=path)
    os.ftruncate(fd, _BEYOND_2G + 4096)
    os.lseek(fd, _BEYOND_2G + 1, os.SEEK_SET)


@kind("openflags")
def _openflags(m: Maker) -> None:
    """open flags that stay in f_flags"""
    for name in ("SYNC", "DSYNC", "DIRECT", "NOATIME", "NONBLOCK", "NOFOLLOW"):
        path = m.file(name)
        try:
            m.add(os.open(path, os.O_RDWR | getattr(os, f"O_{name}")), "file", name.lower(), path=path)
        except OSError as error:  # O_DIRECT on tmpfs before Linux 6.6
            m.skip(name.lower(), error)


@kind("dups")
def _dups(m: Maker) -> None:
    """three descriptors of one description, and one of another of the same file"""
    path = m.file("shared")
    first = m.add(os.open(path, os.O_RDWR), "file", "first", path=path)
    os.lseek(first, 3, os.SEEK_SET)
    m.dup(first, "second")
    m.dup(first, "third")
    m.add(os.open(path, os.O_RDWR), "file", "separate", path=path)


@kind("directory")
def _directory(m: Maker) -> None:
    """a directory read from the start, and one that was removed"""
    path = m.path("dir")
    os.mkdir(path)
    m.add(os.open(path, os.O_RDONLY | os.O_DIRECTORY), "dir", path=path)
    gone = m.path("gone")
    os.mkdir(gone)
    m.add(os.open(gone, os.O_RDONLY), "dir", "deleted", path=gone, deleted=True)
    os.rmdir(gone)


@kind("opath")
def _opath(m: Maker) -> None:
    """O_PATH of a file, directory, symbolic link, fifo, socket and device"""
    paths = {name: m.path(name) for name in ("dir", "symlink", "fifo", "socket")}
    paths["file"] = m.file("file")
    os.mkdir(paths["dir"])
    os.symlink("target of the link", paths["symlink"])
    os.mkfifo(paths["fifo"])
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(paths["socket"])
    for name, path in paths.items():
        m.add(os.open(path, os.O_PATH | os.O_NOFOLLOW), name, name, path=path)
    m.add(os.open("/dev/null", os.O_PATH), "chr", "chr", path="/dev/null")


@kind("tmpfile", needs="O_TMPFILE")
def _tmpfile(m: Maker) -> None:
    """a file that never had a name, and one that got its name later"""
    where = m.directory()
    fd = m.add(os.open(where, os.O_TMPFILE | os.O_RDWR), "file", directory=where, deleted=True)
    os.write(fd, b"tmpfile")
    late = m.add(os.open(where, os.O_TMPFILE | os.O_RDWR), "file", "linked", deleted=True, other_path=m.path("linked"))
    os.link(f"/proc/self/fd/{late}", m.path("linked"), src_dir_fd=fd, follow_symlinks=True)


@kind("memfd")
def _memfd(m: Maker, size: int = 12345, name: str = "crfd memfd") -> None:
    """memory files: plain, sealed, of huge pages"""
    fd = m.add(os.memfd_create(name), "memfd", name=name, seals=["seal"])
    os.ftruncate(fd, size)
    os.lseek(fd, 77, os.SEEK_SET)
    fd = m.add(os.memfd_create("sealed", os.MFD_ALLOW_SEALING), "memfd", "sealed", name="sealed")
    os.ftruncate(fd, 4096)
    seals = ["shrink", "grow", "write"]
    syscalls.libc("fcntl", fd, _F_ADD_SEALS, sum(_SEALS[s] for s in seals))
    m.know(fd, seals=seals)
    fd = m.add(os.memfd_create("sealable", os.MFD_ALLOW_SEALING), "memfd", "sealable", name="sealable", seals=[])
    try:
        m.add(os.memfd_create("huge", _MFD_HUGETLB), "memfd", "hugetlb", name="huge", seals=["seal"])
    except OSError as error:
        m.skip("hugetlb", error)


@kind("secretmem", needs="memfd_secret(2)")
def _secretmem(m: Maker) -> None:
    fd = m.add(syscalls.syscall("memfd_secret", 0), "secretmem")
    os.ftruncate(fd, 8192)


@kind("shm")
def _shm(m: Maker) -> None:
    """a file of /dev/shm, there and unlinked"""
    for part in ("live", "deleted"):
        path = f"/dev/shm/mkfds-{os.getpid()}-{len(m.entries)}-{part}"
        fd = m.add(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "file", part, path=path)
        os.ftruncate(fd, 1000)
        if part == "live":
            m.at_exit.append(partial(os.unlink, path))
        else:
            os.unlink(path)
            m.know(fd, deleted=True)


@kind("procfs")
def _procfs(m: Maker) -> None:
    """files of /proc; the last two belong to a process that is gone"""
    for path in ("/proc/version", "/proc/self/status", "/proc/self/mem"):
        m.add(os.open(path, os.O_RDONLY), "file", os.path.basename(path), path=path.replace("self", str(os.getpid())))
    m.add(os.open("/proc/self/fd", os.O_RDONLY), "dir", "fd", path=f"/proc/{os.getpid()}/fd")
    pid = m.child()
    m.add(os.open(f"/proc/{pid}", os.O_RDONLY), "dir", "gone_dir", path=f"/proc/{pid}", deleted=True)
    m.add(os.open(f"/proc/{pid}/stat", os.O_RDONLY), "file", "gone", path=f"/proc/{pid}/stat")
    os.kill(pid, 9)
    m.reap(pid)


@kind("sysfs")
def _sysfs(m: Maker) -> None:
    """files of /sys and of the cgroup tree"""
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    path = path if os.path.exists(path) else "/sys/kernel/uevent_seqnum"
    m.add(os.open(path, os.O_RDONLY), "file", path=path)
    cgroups = ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/pids/tasks")
    for path in cgroups:
        if os.path.exists(path):
            m.add(os.open(path, os.O_RDONLY), "file", "cgroup", path=path)
            m.add(os.open(os.path.dirname(path), os.O_RDONLY), "dir", "cgroup_dir", path=os.path.dirname(path))
            return
    m.skip("cgroup", f"none of {', '.join(cgroups)}")


@kind("mqueue", needs="CONFIG_POSIX_MQUEUE")
def _mqueue(m: Maker, maxmsg: int = 5, msgsize: int = 64) -> None:
    """POSIX message queues with two messages waiting: a live one and an unlinked one"""
    for part in ("live", "deleted"):
        name = f"mkfds-{os.getpid()}-{len(m.entries)}-{part}"  # the system call takes it without the slash
        attr = (ctypes.c_long * 8)(0, maxmsg, msgsize)
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NONBLOCK
        raw = syscalls.syscall("mq_open", name.encode(), flags, 0o600, attr)
        fd = m.add(raw, "mqueue", part, name=f"/{name}", maxmsg=maxmsg, msgsize=msgsize, messages=2, queued=7)
        for message in (b"one", b"four"):
            syscalls.syscall("mq_timedsend", fd, message, len(message), 1, None)
        if part == "live":
            m.at_exit.append(partial(_mq_unlink, name))
        else:
            _mq_unlink(name)
            m.know(fd, deleted=True)


def _mq_unlink(name: str) -> None:
    syscalls.syscall("mq_unlink", name.encode())


_NS_GET_NSTYPE = 0xB703  # ioctl_nsfs(2)


@kind("namespace")
def _namespace(m: Maker) -> None:
    """every namespace of the process"""
    names = sorted(os.listdir("/proc/self/ns"))
    if not names:
        raise SkipError("/proc/self/ns is empty")
    for name in names:
        fd = m.add(os.open(f"/proc/self/ns/{name}", os.O_RDONLY), "namespace", name)
        m.know(fd, type=os.readlink(f"/proc/self/ns/{name}").partition(":")[0])
        m.know(fd, nstype=syscalls.libc("ioctl", fd, _NS_GET_NSTYPE, 0))
