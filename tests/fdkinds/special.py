# SPDX-License-Identifier: MIT
"""io_uring, userfaultfd, perf, landlock, seccomp."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct

from . import syscalls
from .registry import Maker, kind

_REGISTER_BUFFERS, _REGISTER_FILES = 0, 2  # io_uring_register(2)
_SETUP_CQSIZE = 8
_REGISTERED = syscalls.buffer(bytes(4096))  # lives as long as any ring


@kind("io_uring", needs="kernel.io_uring_disabled = 0")
def _io_uring(m: Maker, entries: int = 8) -> None:
    """a ring with a registered file and buffer; one with a completion queue of another size"""
    path = m.file("registered")
    file = os.open(path, os.O_RDONLY)
    rows = {"": (entries, 0, 0), "cqsize": (4, _SETUP_CQSIZE, 64)}
    for part, (sq, flags, cq) in rows.items():
        params = syscalls.buffer(struct.pack("III108x", sq, cq, flags))
        fd = m.add(syscalls.syscall("io_uring_setup", sq, params), "io_uring", part)
        sq_entries, cq_entries = struct.unpack_from("II", params.raw)
        m.know(fd, sq_entries=sq_entries, cq_entries=cq_entries, setup_flags=flags, files=[], buffers=[])
        if not part:
            syscalls.syscall("io_uring_register", fd, _REGISTER_FILES, struct.pack("i", file), 1)
            iovec = struct.pack("QQ", address := syscalls.address(_REGISTERED), 4096)
            syscalls.syscall("io_uring_register", fd, _REGISTER_BUFFERS, iovec, 1)
            m.know(fd, files=[path], buffers=[{"address": address, "length": 4096}])
    os.close(file)


_UFFDIO_API = 0xC018AA3F  # include/uapi/linux/userfaultfd.h
_UFFD_API = 0xAA
_UFFD_FEATURE_THREAD_ID = 1 << 8


@kind("userfaultfd", needs="CAP_SYS_PTRACE or vm.unprivileged_userfaultfd")
def _userfaultfd(m: Maker) -> None:
    """after and before the API handshake"""
    fd = m.add(syscalls.syscall("userfaultfd", os.O_CLOEXEC | os.O_NONBLOCK), "userfaultfd")
    request = struct.pack("QQQ", _UFFD_API, _UFFD_FEATURE_THREAD_ID, 0)
    _, offered, _ = struct.unpack("QQQ", fcntl.ioctl(fd, _UFFDIO_API, request))
    m.know(fd, api=_UFFD_API, requested=_UFFD_FEATURE_THREAD_ID, offered=offered, pending=0, total=0)
    m.add(syscalls.syscall("userfaultfd", os.O_CLOEXEC), "userfaultfd", "raw")


_PERF_TYPE_SOFTWARE, _SW_CPU_CLOCK, _SW_DUMMY = 1, 0, 9  # perf_event_open(2)
_PERF_DISABLED = 1


@kind("perf_event", needs="CAP_PERFMON or kernel.perf_event_paranoid < 3")
def _perf_event(m: Maker) -> None:
    """software events of this process, disabled"""
    for part, config in (("dummy", _SW_DUMMY), ("cpu_clock", _SW_CPU_CLOCK)):
        attr = struct.pack("IIQQQQQ16x", _PERF_TYPE_SOFTWARE, 64, config, 0, 0, 0, _PERF_DISABLED)
        raw = syscalls.syscall("perf_event_open", attr, 0, -1, -1, 8)
        m.add(raw, "perf_event", part, type=_PERF_TYPE_SOFTWARE, config=config)


_LANDLOCK_ACCESS_FS = 0x1FFF  # the thirteen rights of ABI 1, include/uapi/linux/landlock.h


@kind("landlock", needs="landlock in /sys/kernel/security/lsm")
def _landlock(m: Maker) -> None:
    attr = struct.pack("Q", _LANDLOCK_ACCESS_FS)
    m.add(syscalls.syscall("landlock_create_ruleset", attr, len(attr), 0), "landlock", handled=_LANDLOCK_ACCESS_FS)


_SECCOMP_SET_MODE_FILTER, _NEW_LISTENER = 1, 8  # seccomp(2)
_RET_ALLOW = struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)  # BPF_RET | BPF_K, SECCOMP_RET_ALLOW


@kind("seccomp_notify", needs="CAP_SYS_ADMIN")
def _seccomp_notify(m: Maker) -> None:
    """the listener of a filter that allows everything, on a thread of its own"""
    code = syscalls.buffer(_RET_ALLOW)
    program = struct.pack("H6xQ", 1, syscalls.address(code))
    tid, raw = m.in_thread(
        lambda: syscalls.syscall("seccomp", _SECCOMP_SET_MODE_FILTER, _NEW_LISTENER, ctypes.c_char_p(program))
    )
    m.add(raw, "seccomp_notify", tid=tid)
