# SPDX-License-Identifier: MIT
"""Every test may ask for what it needs, and after each nothing stays open and nobody alive."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

import crfd
from crfd.capture.capability import Capability, check
from tests.procs import Need

CI = os.environ.get("CRFD_CI") == "1"

# A login shell's 1024 descriptors are too few for some tests, and for what they start.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

# Whoever is started in the background by a shell has SIGINT ignored, and so would all that we start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The privileges for each that is not a program: with these, a capability that is missing is our failure.
_PRIVILEGES = {
    "backend bpf": ("CAP_BPF", "CAP_PERFMON"),
    "kcmp": ("CAP_SYS_PTRACE",),
    "pidfd_getfd": ("CAP_SYS_PTRACE",),
    "sock_diag": (),
}


@pytest.fixture(scope="session")
def capabilities() -> dict[str, Capability]:
    """`crfd check` by name. Asking also loads what is kept for the life of the process, before anyone counts fds."""
    return {capability.name: capability for capability in check()}


@pytest.fixture(scope="session")
def need(capabilities: dict[str, Capability]) -> Need:
    """need("backend bpf"), need("CAP_SYS_ADMIN"), need("root"), need("lsfd"): skips where it is missing.

    A name of `crfd check`, "root", or a program. With CRFD_CI=1 a missing program is a failure, and so is a missing
    capability whose privileges are there.
    """

    def ask(name: str) -> None:
        reason, ours = _missing(name, capabilities)
        if reason:
            _give_up(f"{name}: {reason}", CI and ours)

    return ask


@pytest.fixture
def _unsanitized() -> None:
    """Skips where a sanitizer's library is preloaded: it ends the program when a call of its own fails, and file capabilities
    forbid it to be loaded at all (ld.so(8), "Secure-execution mode")."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("not with a sanitizer preloaded")


@pytest.fixture
def nobody(need: Need) -> tuple[str, ...]:
    """The command that runs another without any privilege; skips where such a user cannot read crfd."""
    need("root")
    need("setpriv")
    command = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if subprocess.run(
        [*command, sys.executable, "-c", "import crfd.capture.dumper"], check=False, capture_output=True
    ).returncode:
        pytest.skip(f"uid 65534 cannot read the package under test, {Path(crfd.__file__).parent}")
    return command


@pytest.fixture(params=["proc", "bpf"])
def backend(request: pytest.FixtureRequest, need: Need) -> str:
    """Either backend in turn."""
    need(f"backend {request.param}")
    return str(request.param)


def _missing(name: str, capabilities: dict[str, Capability]) -> tuple[str | None, bool]:
    """Return why name is not to be had, and whether it should be."""
    if name == "root":
        return ("not root" if os.geteuid() else None), False
    if name not in capabilities:
        return (None if shutil.which(name) else "not installed"), True
    capability = capabilities[name]
    held = all(capabilities[p].usable for p in _PRIVILEGES.get(name, ()))
    return (None if capability.usable else capability.detail), name in _PRIVILEGES and held


def _give_up(reason: str, fail: bool) -> NoReturn:
    if fail:
        pytest.fail(f"{reason} (CRFD_CI=1: a skip is a failure)")
    pytest.skip(reason)


def _fds() -> dict[int, str]:
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            found[int(entry.name)] = str(entry.readlink())
    return found


def _children() -> set[int]:
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
            found.update(map(int, path.read_text().split()))
    return found


@pytest.fixture(autouse=True)
def _nothing_left(capabilities: dict[str, Capability]) -> Iterator[None]:
    """A test that leaves a descriptor open or a child running fails."""
    fds, children = _fds(), _children()
    yield
    if _fds().keys() - fds.keys():
        gc.collect()
    left = {fd: name for fd, name in _fds().items() if fd not in fds}
    loaded = [fd for fd, name in _fds().items() if name in {"anon_inode:bpf-prog", "anon_inode:bpf-map"}]
    if len(loaded) <= 12:  # both sets of a map and five programs, which stay when they were loaded once
        left = {fd: name for fd, name in left.items() if fd not in loaded}
    assert not left, f"descriptors left open: {left}"
    assert not _children() - children, f"children left running: {_children() - children}"
