# SPDX-License-Identifier: MIT
"""One process with everything that this machine grants, for a whole module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import mkfds


@pytest.fixture(scope="module")
def everything() -> Iterator[mkfds.Holder]:
    with mkfds.spawn("all") as holder:
        yield holder
