# SPDX-License-Identifier: MIT
"""The kinds of descriptor that mkfds.py makes; importing a family fills the table."""

from . import anon, bpf, bulk, devices, files, locks, mounts, names, pipes, sockets, special, tasks
from .registry import KINDS, Kind, Maker, SkipError, kind

__all__ = [
    "KINDS",
    "Kind",
    "Maker",
    "SkipError",
    "anon",
    "bpf",
    "bulk",
    "devices",
    "files",
    "kind",
    "locks",
    "mounts",
    "names",
    "pipes",
    "sockets",
    "special",
    "tasks",
]
