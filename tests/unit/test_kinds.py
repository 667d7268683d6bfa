# SPDX-License-Identifier: MIT
"""The families of kinds: the table and the modules fit together."""

from __future__ import annotations

from importlib import import_module

import pytest

from crfd.kinds.table import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_decodes_the_kinds_that_the_table_sends_to_it(family: str) -> None:
    assert {*import_module(f"crfd.kinds.{family}").DECODERS} == {*FAMILIES[family]}


def test_no_kind_is_in_two_families() -> None:
    kinds = [kind for family in FAMILIES.values() for kind in family]
    assert len(kinds) == len({*kinds})
