# SPDX-License-Identifier: MIT
"""What this process may ask the kernel, and what is asked ahead of the first scan."""

from __future__ import annotations

from crfd._core.library import check, ffi, lib


def bpf_unusable() -> str | None:
    """Why the BPF backend cannot run here and what to do, or None when it can."""
    why = ffi.new("char[512]")
    return None if lib.crfd_bpf_probe(why, 512) == 0 else ffi.string(why).decode()


def kcmp_refused() -> int:
    """errno of kcmp(2) on ourselves, 0 when it is granted."""
    return -int(lib.crfd_probe_kcmp())


def pidfd_getfd_refused() -> int:
    """errno of pidfd_getfd(2) on ourselves, 0 when it is granted."""
    return -int(lib.crfd_probe_pidfd_getfd())


def net_ns_of_socket(pid: int, fd: int) -> int:
    """A descriptor, for the caller to close, of the network namespace of a socket that a task has; OSError where refused."""
    return check(lib.crfd_getfd_net_ns(pid, fd))


def load_bpf_ahead() -> None:
    """Has the BPF programs loaded in the background; whoever needs them waits for what is left of it."""
    lib.crfd_bpf_load_ahead()
