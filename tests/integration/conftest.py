# SPDX-License-Identifier: MIT
"""Fixtures of this folder: a process with everything that this machine grants, and cgroups of our own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import mkfds, procs
from tests.procs import Need


@pytest.fixture(scope="module")
def everything() -> Iterator[mkfds.Holder]:
    """A process with a descriptor of every kind, for a whole module."""
    with mkfds.spawn("all") as holder:
        procs.until(lambda: procs.state(holder.pid) == "S", "the holder waits for its end")
        yield holder


@pytest.fixture(params=["v1", "v2"])
def cgroup(request: pytest.FixtureRequest, need: Need) -> Iterator[procs.Cgroup]:
    need("root")
    with procs.cgroup(str(request.param)) as made:
        yield made


@pytest.fixture
def _may_trace(need: Need) -> None:
    need("CAP_SYS_PTRACE")
