# SPDX-License-Identifier: MIT
"""The families that kinds belong to. A family is a module of this room, loaded when the first of its kinds is asked for:
to make the classes of all of them takes a tenth of a small listing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from crfd.format.enums import Kind
from crfd.kinds.described import Described

if TYPE_CHECKING:
    from crfd.kinds import device, event, memory, object, pipe, socket, watch

    Detail: TypeAlias = (
        event.Value | watch.Value | socket.Value | pipe.Value | memory.Value | object.Value | device.Value
    )

FAMILIES = {
    "event": (Kind.EVENTFD, Kind.TIMERFD, Kind.SIGNALFD),
    "watch": (Kind.EPOLL, Kind.INOTIFY, Kind.FANOTIFY),
    "socket": (Kind.SOCKET,),
    "pipe": (Kind.PIPE, Kind.FIFO, Kind.MQUEUE),
    "memory": (Kind.MEMFD, Kind.SECRETMEM, Kind.DMABUF, Kind.USERFAULTFD),
    "object": (
        Kind.PIDFD, Kind.IO_URING, Kind.BPF_MAP, Kind.BPF_PROG, Kind.BPF_LINK, Kind.BTF, Kind.NAMESPACE,
    ),
    "device": (Kind.CHR,),
}  # fmt: skip
_FAMILY: dict[int, str] = {kind: family for family, kinds in FAMILIES.items() for kind in kinds}


def family(kind: int) -> str | None:
    """Return the module of this room that knows a kind; None for a kind that has nothing of its own."""
    return _FAMILY.get(kind)


def detail(file: Described) -> Detail | None:
    """Decode what an open file's kind has of its own; None for a kind without, and where it could not be read."""
    name = family(file.kind)
    return None if name is None else _decoders(name)[file.kind](file)


@cache
def _decoders(name: str) -> dict[int, Callable[[Described], Detail | None]]:
    decoders: dict[int, Callable[[Described], Detail | None]] = import_module(f"crfd.kinds.{name}").DECODERS
    return decoders
