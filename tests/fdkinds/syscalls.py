# SPDX-License-Identifier: MIT
"""System calls that Python has no function for, with OSError for failures."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
# PyDLL keeps the GIL: a clone()d child must not find it in the hands of a thread that it does not have.
_WITH_GIL = ctypes.PyDLL(None)
_WITH_GIL.syscall.restype = ctypes.c_long

# arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (aarch64, riscv64 …).
_X86_64 = {
    "bpf": 321,
    "clone": 56,
    "mq_notify": 244,
    "mq_open": 240,
    "mq_timedsend": 242,
    "mq_unlink": 241,
    "perf_event_open": 298,
    "seccomp": 317,
    "userfaultfd": 323,
}
_GENERIC = {
    "bpf": 280,
    "clone": 220,
    "mq_notify": 184,
    "mq_open": 180,
    "mq_timedsend": 182,
    "mq_unlink": 181,
    "perf_event_open": 241,
    "seccomp": 277,
    "userfaultfd": 282,
}
_COMMON = {
    "fsconfig": 431,
    "fsmount": 432,
    "fsopen": 430,
    "fspick": 433,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "io_uring_setup": 425,
    "landlock_create_ruleset": 444,
    "memfd_secret": 447,
    "open_tree": 428,
}
_NUMBERS = {**(_X86_64 if platform.machine() == "x86_64" else _GENERIC), **_COMMON}

CLONE_FILES = 0x400  # clone(2)
AT_FDCWD = -100  # openat(2)
_PR_SET_PDEATHSIG = 1  # prctl(2)


def _word(argument: Any) -> Any:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _checked(result: int, name: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)
    return result


def libc(name: str, *args: Any) -> int:
    """A C library function that returns an int and sets errno."""
    return _checked(int(getattr(_LIBC, name)(*map(_word, args))), name)


def syscall(name: str, *args: Any) -> int:
    return _checked(int(_LIBC.syscall(_word(_NUMBERS[name]), *map(_word, args))), name)


def die_with_parent() -> None:
    libc("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL))


def clone_sharing_files() -> int:
    """fork(), but with one descriptor table for both; the child may only wait and die."""
    return int(_WITH_GIL.syscall(_word(_NUMBERS["clone"]), _word(CLONE_FILES | signal.SIGCHLD), *[_word(0)] * 4))


def address(buffer: Any) -> int:
    return ctypes.addressof(buffer)


def buffer(content: bytes) -> ctypes.Array[ctypes.c_char]:
    """Return bytes that the kernel may write to or that a struct points to; the caller keeps them alive."""
    return ctypes.create_string_buffer(content, len(content))
