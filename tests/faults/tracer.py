# SPDX-License-Identifier: MIT
"""Runs a function in a child of ours, counts the system calls of it and of all that it starts, and has one of them fail.

The child is seized by ptrace(2) before a seccomp filter shows us the calls that are looked at (SECCOMP_RET_TRACE): the others
run as fast as ever. A call that is to fail is not made. What the child itself traces or holds it goes on tracing and holding.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import signal
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, NoReturn

# linux/ptrace.h, linux/elf.h, linux/seccomp.h, linux/filter.h, linux/prctl.h, asm/ptrace.h
_SEIZE, _CONT, _LISTEN, _EVENTMSG, _GETREGSET, _SETREGSET = 0x4206, 7, 0x4208, 0x4201, 0x4204, 0x4205
_FORK, _VFORK, _CLONE, _SECCOMP_STOP, _STOP = 1, 2, 3, 7, 128
_OPTIONS = 1 << _FORK | 1 << _VFORK | 1 << _CLONE | 1 << _SECCOMP_STOP | 1 << 20  # PTRACE_O_EXITKILL
_NT_PRSTATUS, _NT_ARM_SYSTEM_CALL = 1, 0x404
_LOAD, _EQUAL, _RETURN, _ALLOW, _TRACE = 0x20, 0x15, 0x06, 0x7FFF0000, 0x7FF00000
_PR_SET_SECCOMP, _FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38
_WALL = 0x40000000
_STOPPING = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}


class _Machine(NamedTuple):
    audit: int
    registers: int  # in struct user_regs_struct
    number: int | None  # the register of the call's number; None: a register set of its own
    result: int
    arguments: tuple[int, int, int]


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 27, 15, 10, (14, 13, 12)),
    "aarch64": _Machine(0xC00000B7, 34, None, 0, (0, 1, 2)),
}
# Calls that are many in one: which argument says what is asked for.
_ASKED = {"bpf": 0, "ptrace": 0, "ioctl": 1, "fcntl": 1, "prctl": 0}
SHORT = -1  # in place of an errno: the call is made, and told to read or write less
_COUNTED = {"read", "write", "pread64", "pwrite64"}  # of which the third argument is a number of bytes

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Call(NamedTuple):
    """A kind of system call; asked is the command of those that have one."""

    name: str
    asked: int | None = None

    def __str__(self) -> str:
        return self.name if self.asked is None else f"{self.name}:{self.asked:#x}"


class Fault(NamedTuple):
    """The nth call of a kind, from 1, or every one where nth is 0, fails with an errno, or is short."""

    call: Call
    nth: int
    code: int

    def __str__(self) -> str:
        what = "short" if self.code == SHORT else errno.errorcode[self.code]
        return f"{self.call} {f'no. {self.nth}' if self.nth else 'always'} {what}"


@dataclass
class Ended:
    """The end of a run. status is the child's own, negative a signal's that ended it; None where all were killed in the end."""

    status: int | None
    calls: Counter[Call] = field(default_factory=Counter)
    injected: int = 0
    survivors: int = 0  # that the child had started and that did not end in time after it


class _TooLateError(Exception):
    pass


@cache
def numbers() -> dict[str, int]:
    """The system calls of this machine by name, as its headers have them."""
    source = "#include <sys/syscall.h>"
    done = subprocess.run(["cc", "-E", "-dM", "-x", "c", "-"], input=source, capture_output=True, text=True, check=True)
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", done.stdout)}


@cache
def _names() -> dict[int, str]:
    return {number: name for name, number in numbers().items()}


def _filter(names: tuple[str, ...]) -> bytes:
    """A program that shows us the calls of these names, or all."""
    rules = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _MACHINES[platform.machine()].audit), (_RETURN, 0, 0, _ALLOW)]
    rules.append((_LOAD, 0, 0, 0))
    for name in names:
        rules += [(_EQUAL, 0, 1, numbers()[name]), (_RETURN, 0, 0, _TRACE)]
    rules.append((_RETURN, 0, 0, _ALLOW if names else _TRACE))
    return b"".join(struct.pack("=HBBI", *rule) for rule in rules)


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _install(code: bytes) -> None:
    program = _Program(len(code) // 8, code)
    if _libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program)):
        if (
            _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            == 0
            == _libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program))
        ):
            return
        raise OSError(ctypes.get_errno(), "seccomp")


def _ptrace(request: int, pid: int, address: int = 0, data: object = None) -> int:
    done = int(_libc.ptrace(request, pid, address, data))
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"ptrace {request:#x} {pid}")
    return done


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class _Registers:
    """The registers of a thread that stands before a system call."""

    def __init__(self, tid: int) -> None:
        self._tid = tid
        self._machine = _MACHINES[platform.machine()]
        self._v = (ctypes.c_ulong * self._machine.registers)()
        self._set(_GETREGSET, _NT_PRSTATUS, self._v)
        self._number = ctypes.c_int()
        if self._machine.number is None:
            self._set(_GETREGSET, _NT_ARM_SYSTEM_CALL, self._number)
        else:
            self._number.value = ctypes.c_int(self._v[self._machine.number]).value

    def _set(self, request: int, which: int, value: ctypes.Array[ctypes.c_ulong] | ctypes.c_int) -> None:
        vector = _Vector(ctypes.addressof(value), ctypes.sizeof(value))
        _ptrace(request, self._tid, which, ctypes.addressof(vector))

    @property
    def call(self) -> Call:
        name = _names().get(self._number.value, str(self._number.value))
        at = _ASKED.get(name)
        return Call(name, None if at is None else self._v[self._machine.arguments[at]] & 0xFFFFFFFF)

    def fail(self, code: int) -> None:
        # brk(2) itself has no errno: a heap that ends below what was asked for is the C library's ENOMEM.
        self._v[self._machine.result] = ctypes.c_ulong(0 if self.call.name == "brk" else -code).value
        if self._machine.number is None:
            self._number.value = -1
            self._set(_SETREGSET, _NT_ARM_SYSTEM_CALL, self._number)
        else:
            self._v[self._machine.number] = ctypes.c_ulong(-1).value
        self._set(_SETREGSET, _NT_PRSTATUS, self._v)

    def shorten(self) -> None:
        """Half of the bytes, and at most five, with which no line of /proc ends."""
        at = self._machine.arguments[2]
        self._v[at] = min(5, max(1, self._v[at] // 2))
        self._set(_SETREGSET, _NT_PRSTATUS, self._v)


def can_be_short(call: Call) -> bool:
    return call.name in _COUNTED


def run(prepare: Callable[[], None], function: Callable[[], int], fault: Fault | None, seconds: float) -> Ended:
    """Runs the functions in a child, the second one under the fault: its result is the exit status.

    Nobody whom it started is left in the end.
    """
    code = _filter((fault.call.name,) if fault else ())
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(writer)
        _be_the_child(prepare, function, reader, code)
    os.close(reader)
    _ptrace(_SEIZE, child, 0, _OPTIONS)
    os.close(writer)
    return _Trace(child, fault).follow(seconds)


def _be_the_child(prepare: Callable[[], None], function: Callable[[], int], go: int, code: bytes) -> NoReturn:
    status = 98
    try:
        os.setsid()
        os.read(go, 1)
        os.close(go)
        prepare()
        _install(code)
        status = function()
    finally:
        os._exit(status)


class _Trace:
    def __init__(self, child: int, fault: Fault | None) -> None:
        self._child = child
        self._fault = fault
        self._alive = {child}
        self._gone: set[int] = set()
        self._ended = Ended(None)

    def follow(self, seconds: float) -> Ended:
        try:
            with _deadline(seconds):
                while self._child in self._alive:
                    self._one()
            with _deadline(seconds):
                while self._alive:
                    self._one()
        except _TooLateError:
            self._ended.survivors = len(self._alive - {self._child})
            self._kill()
        return self._ended

    def _kill(self) -> None:
        for pid in self._alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while self._alive:
            self._one()
        if self._ended.status == -signal.SIGKILL:
            self._ended.status = None

    def _one(self) -> None:
        try:
            pid, status = os.waitpid(-1, _WALL)
        except ChildProcessError:
            self._alive.clear()
            return
        if not os.WIFSTOPPED(status):
            self._alive.discard(pid)
            self._gone.add(pid)
            if pid == self._child:
                self._ended.status = os.waitstatus_to_exitcode(status)
            return
        self._alive.add(pid)
        with suppress(ProcessLookupError):
            self._stopped(pid, os.WSTOPSIG(status), status >> 16)

    def _stopped(self, pid: int, number: int, event: int) -> None:
        if event == _SECCOMP_STOP:
            self._called(pid)
        elif event in {_FORK, _VFORK, _CLONE}:
            message = ctypes.c_ulong()
            _ptrace(_EVENTMSG, pid, 0, ctypes.addressof(message))
            if message.value not in self._gone:
                self._alive.add(message.value)
        elif event == _STOP and number in _STOPPING:
            _ptrace(_LISTEN, pid)
            return
        _ptrace(_CONT, pid, 0, 0 if event else number)

    def _called(self, pid: int) -> None:
        registers = _Registers(pid)
        call = registers.call
        self._ended.calls[call] += 1
        fault = self._fault
        if fault and call == fault.call and fault.nth in {0, self._ended.calls[call]}:
            self._ended.injected += 1
            if fault.code == SHORT:
                registers.shorten()
            else:
                registers.fail(fault.code)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    def late(_: int, __: object) -> None:
        raise _TooLateError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
