# SPDX-License-Identifier: MIT
"""The capabilities that this machine, kernel and user grant crfd, each tried."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from crfd._core.probe import bpf_unusable, kcmp_refused, pidfd_getfd_refused

# linux/capability.h
_CAPABILITIES = {"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}


@dataclass(frozen=True, slots=True)
class Capability:
    """A thing that crfd can use. usable is None for a mere fact; detail says why, and what to do where something is missing."""

    name: str
    usable: bool | None
    detail: str


def check() -> list[Capability]:
    """Try every backend and capability on this very process."""
    return [
        _proc(),
        _bpf(),
        _kcmp(),
        _pidfd_getfd(),
        _sock_diag(),
        _btf(),
        *_privileges(),
        _kernel(),
        _lockdown(),
        _seccomp(),
        _ptrace(),
        *_left_frozen(),
    ]


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _proc() -> Capability:
    try:
        os.listdir("/proc/self/fd")
    except OSError as e:
        return Capability("backend proc", False, f"/proc/self/fd: {e.strerror}; mount /proc")
    return Capability("backend proc", True, "reads /proc/PID/fd and fdinfo")


def _bpf() -> Capability:
    reason = bpf_unusable()
    return Capability("backend bpf", reason is None, reason or "the iterator program loads and runs")


def _syscall(name: str, code: int, use: str, fallback: str) -> Capability:
    if not code:
        return Capability(name, True, use)
    why = {
        errno.ENOSYS: "this kernel does not have it",
        errno.EPERM: "refused, as seccomp filters of containers do",
    }.get(code, os.strerror(code))
    return Capability(name, False, f"{errno.errorcode.get(code, code)}: {why}; {fallback}")


def _kcmp() -> Capability:
    return _syscall(
        "kcmp", kcmp_refused(), "proc tells shared open files apart exactly", "proc infers which files are shared"
    )


def _pidfd_getfd() -> Capability:
    return _syscall(
        "pidfd_getfd", pidfd_getfd_refused(), "f_owner can be read", "f_owner stays unknown with the proc backend"
    )


def _sock_diag() -> Capability:
    fallback = "the peers of unix sockets stay unknown with the proc backend"
    try:
        from crfd.capture.sock_diag import list_unix_sockets

        list_unix_sockets(os.stat("/proc/self/ns/net").st_ino, [])
    except ImportError:
        return Capability("sock_diag", False, f"pyroute2 is not installed; pip install 'crfd[net]'; {fallback}")
    except OSError as e:
        return _syscall("sock_diag", e.errno or errno.EIO, "", fallback)
    return Capability("sock_diag", True, "proc tells the peers of unix sockets")


def _btf() -> Capability:
    there = os.access("/sys/kernel/btf/vmlinux", os.R_OK)
    return Capability(
        "BTF", there, "/sys/kernel/btf/vmlinux" + ("" if there else ": absent; bpf needs CONFIG_DEBUG_INFO_BTF")
    )


def _privileges() -> list[Capability]:
    held = int(_status("CapEff") or "0", 16)
    return [
        Capability(
            name, bool(held >> bit & 1), "effective" if held >> bit & 1 else "not in this process's effective set"
        )
        for name, bit in _CAPABILITIES.items()
    ]


def _status(key: str) -> str | None:
    for line in (_read("/proc/self/status") or "").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return value.strip()
    return None


def _kernel() -> Capability:
    uname = os.uname()
    return Capability("kernel", None, f"{uname.sysname} {uname.release} {uname.machine}")


def _lockdown() -> Capability:
    """Look for confidentiality mode, which forbids bpf to read kernel memory (kernel_lockdown.7)."""
    mode = _read("/sys/kernel/security/lockdown")
    if mode is None:
        return Capability("lockdown", None, "not in this kernel, or securityfs is not mounted")
    return Capability("lockdown", "[confidentiality]" not in mode, mode)


def _seccomp() -> Capability:
    mode = _status("Seccomp")
    text = {"0": "no filter", "1": "strict", "2": "a filter is in force: it may refuse bpf or kcmp"}.get(
        mode or "", "unknown"
    )
    return Capability("seccomp", mode == "0", text)


def _ptrace() -> Capability:
    scope = _read("/proc/sys/kernel/yama/ptrace_scope")
    return Capability("ptrace_scope", None, f"Yama {scope}" if scope else "no Yama in this kernel")


def _left_frozen() -> list[Capability]:
    from crfd.capture.freeze import left_frozen

    why = "left frozen by a dump that was killed with its watchdogs; to thaw it: echo"
    return [Capability("freeze", False, f"{control}: {why} {thaw} > {control}") for control, thaw in left_frozen()]
