# SPDX-License-Identifier: MIT
"""The objref table against a dict."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crfd import ObjrefTable

KEYS = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1))


@given(st.lists(st.lists(KEYS)))
def test_table_numbers_like_a_dict(rounds: list[list[int]]) -> None:
    table, model = ObjrefTable(), dict[int, int]()
    for keys in rounds:
        expected, new = [], []
        for key in keys:
            new.append(int(key != 0 and key not in model))
            expected.append(model.setdefault(key, len(model) + 1) if key else 0)
        objrefs, fresh = table.add(array("Q", keys))
        assert objrefs.tolist() == expected
        assert fresh.tolist() == new
    assert len(table) == len(model)
    for key, objref in model.items():
        assert table.get(key) == objref


def test_unknown_and_zero_keys_have_no_objref() -> None:
    table = ObjrefTable()
    assert table.add([5, 0, 5])[0].tolist() == [1, 0, 1]
    assert table.get(0) is None
    assert table.get(6) is None


def test_table_grows_past_every_resize() -> None:
    table = ObjrefTable()
    keys = array("Q", [(i * 0x9E3779B97F4A7C15 + 1) & (2**64 - 1) for i in range(200_000)])
    assert table.add(keys)[0].tolist() == list(range(1, 200_001))
    assert not any(table.add(keys)[1])
    assert len(table) == 200_000


def test_a_buffer_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="format 'Q'"):
        ObjrefTable().add(array("I", [1]))
    with pytest.raises(OverflowError):
        ObjrefTable().add([2**64])
