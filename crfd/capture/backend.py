# SPDX-License-Identifier: MIT
"""The choice of the backend that scans: the BPF iterator where the real program runs here, /proc everywhere."""

from __future__ import annotations

from crfd._core.library import lib
from crfd._core.probe import bpf_unusable
from crfd.errors import BackendError

NAMES = ("auto", "bpf", "proc")
PROC = int(lib.CRFD_BACKEND_PROC)
BPF = int(lib.CRFD_BACKEND_BPF)


def choose(name: str) -> int:
    """Return the number (enum crfd_backend) of the backend that "auto", "bpf" or "proc" means here.

    "auto" falls back to /proc silently; "bpf" raises BackendError with the reason when it cannot run.
    """
    if name not in NAMES:
        raise ValueError(f"backend: expected one of {', '.join(NAMES)}, found {name!r}")
    if name == "proc":
        return PROC
    reason = bpf_unusable()
    if reason is None:
        return BPF
    if name == "bpf":
        raise BackendError(f"the bpf backend cannot run here: {reason}")
    return PROC


def why(asked: str, number: int) -> str:
    """Return the reason for what choose() gave."""
    if asked != "auto":
        return "asked for"
    return "its programs load and run" if number == BPF else f"not bpf: {bpf_unusable()}"


def name(number: int) -> str:
    return {PROC: "proc", BPF: "bpf"}.get(number, f"backend-{number}")
