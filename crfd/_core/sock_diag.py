# SPDX-License-Identifier: MIT
"""The unix sockets that the kernel lists."""

from __future__ import annotations

from crfd._core.library import check, ffi, lib


class UnixSockets:
    """The unix sockets of a network namespace as sock_diag(7) lists them."""

    def __init__(self) -> None:
        self._c = ffi.gc(ffi.new("crfd_unix_socks *"), lib.crfd_unix_socks_release)

    def add(self, answer: bytes) -> bool:
        """Add a netlink datagram; return whether it was the last of the dump."""
        return check(lib.crfd_unix_socks_add(self._c, ffi.from_buffer("uint8_t[]", answer), len(answer))) == 1
