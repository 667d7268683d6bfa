# SPDX-License-Identifier: MIT
"""The sizes of one run of compare.py, and how its cases call crfd."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Candidate, command
from crfd._core.library import lib
from crfd._core.probe import bpf_unusable

# The command as it was installed with this Python, which is what a user starts; python -m takes two milliseconds more.
_INSTALLED = shutil.which("crfd", path=os.path.dirname(sys.executable))
CRFD = (_INSTALLED,) if _INSTALLED else (sys.executable, "-m", "crfd")
PROC, BPF = int(lib.CRFD_BACKEND_PROC), int(lib.CRFD_BACKEND_BPF)


@dataclass(frozen=True, slots=True)
class Setting:
    """Sizes of this run."""

    directory: Path
    rounds: int
    n: int  # descriptors of one full process
    processes: int  # of the big host
    many: int  # processes of a host with few descriptors each
    sockets: int  # connections of a host of servers, two sockets each

    def image(self, name: str) -> str:
        return str(self.directory / name)


def crfd_command(*words: str, to: str | None = None) -> Candidate:
    """to: a file for what it writes; processes that come and go meanwhile are no failure."""
    return command(*CRFD, *words, status=(0, 3), to=to)


def crfd_dump(backend: str, *choice: str, to: str = "-") -> Candidate | None:
    if backend == "bpf" and bpf_unusable():
        return None
    return crfd_command("dump", "--quiet", "--backend", backend, "-o", to, *choice)
