# SPDX-License-Identifier: MIT
"""Questions to the kernel: the calls that this process may use, and the programs loaded ahead of the first scan."""

from __future__ import annotations

from crfd._core.library import check, ffi, lib


def bpf_unusable() -> str | None:
    """Say why the BPF backend cannot run here and what to do; None when it can."""
    why = ffi.new("char[512]")
    return None if lib.crfd_bpf_probe(why, 512) == 0 else ffi.string(why).decode()


def kcmp_refused() -> int:
    """Return the errno of kcmp(2) on ourselves, 0 when it is granted."""
    return -int(lib.crfd_probe_kcmp())


def pidfd_getfd_refused() -> int:
    """Return the errno of pidfd_getfd(2) on ourselves, 0 when it is granted."""
    return -int(lib.crfd_probe_pidfd_getfd())


def net_ns_of_socket(pid: int, fd: int) -> int:
    """Open the network namespace of a socket that a task has: a descriptor for the caller to close; OSError where refused."""
    return check(lib.crfd_getfd_net_ns(pid, fd))


def keep_privileges(capabilities: int) -> None:
    """Give up all capabilities of this thread, and of what it starts, but these bits."""
    check(lib.crfd_privileges_keep(capabilities))


def load_bpf_ahead(holds: bool) -> None:
    """Begin to load the BPF programs in the background; whoever needs them waits for the end of it."""
    lib.crfd_bpf_load_ahead(holds)
