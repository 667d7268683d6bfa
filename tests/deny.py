#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command to which some system calls are refused (EPERM), as containers do: deny.py kcmp,bpf COMMAND..."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

# seccomp(2), linux/filter.h, linux/audit.h
_NUMBERS = {
    "x86_64": (
        0xC000003E,
        {"kcmp": 312, "bpf": 321, "pidfd_getfd": 438, "ptrace": 101, "readlinkat": 267, "wait4": 61, "waitid": 247,
         "process_vm_readv": 310},
    ),
    "aarch64": (
        0xC00000B7,
        {"kcmp": 272, "bpf": 280, "pidfd_getfd": 438, "ptrace": 117, "readlinkat": 78, "wait4": 260, "waitid": 95,
         "process_vm_readv": 270},
    ),
}  # fmt: skip
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NR, _ARCH = 0, 4  # offsets in struct seccomp_data
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def deny(names: list[str]) -> None:
    arch, numbers = _NUMBERS[platform.machine()]
    rules = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, _NR)]
    for name in names:
        rules += [(_EQUAL, 0, 1, numbers[name]), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    rules.append((_RETURN, 0, 0, _ALLOW))
    code = b"".join(struct.pack("=HBBI", *rule) for rule in rules)
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(rules), code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "prctl")


def main() -> None:
    deny(sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
