# SPDX-License-Identifier: MIT
"""Conditions of any shape: the core's verdict on each row of the golden images against one worked out here from its JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import crfd
from crfd._core.columns import ImageReader, Render, columns
from crfd._core.filter import Filter, Other, What
from crfd._core.kinds import kind_names
from crfd.query.tree import Node

DATA = Path(__file__).parents[1] / "data"
IMAGES = ["kinds-bpf.crfd", "kinds-proc.crfd", "plain.rfc"]
NUMBERS = [
    "pid", "fd", "uid", "objref", "f_flags", "f_pos", "size", "dev", "ino", "mnt_id", "port", "shared", "start_time",
    "socket.state", "eventfd.count",
]  # fmt: skip
TEXTS = ["comm", "kind", "path", "state", "access", "exe", "error", "name", "local"]
BOOLS = ["deleted", "close_on_exec", "eventfd.semaphore"]

Truth = bool | None
Row = dict[str, Any]


@cache
def image(name: str) -> memoryview:
    return memoryview((DATA / name).read_bytes())


def matching(name: str, filter: Filter | None = None) -> list[Row]:
    render = Render([*NUMBERS, *TEXTS, *BOOLS], "json", filter=filter)
    pieces = [bytes(piece) for piece in render.rows(ImageReader(image(name), name))]
    everything = dict.fromkeys([*NUMBERS, *TEXTS, *BOOLS])
    return [everything | json.loads(line) for line in b"".join([*pieces, *map(bytes, render.end())]).splitlines()]


rows = cache(matching)


def values(column: str) -> st.SearchStrategy[Any]:
    """Values of a column in some image, and others."""
    found = sorted({row[column] for name in IMAGES for row in rows(name) if row[column] is not None})
    if column in NUMBERS:
        near = st.sampled_from([0, *found]).flatmap(lambda v: st.sampled_from([v, v - 1, v + 1]))
        return near.filter(lambda v: -(2**63) <= v < 2**64) | st.integers(-(2**63), 2**64 - 1)
    if column == "kind":
        return st.sampled_from([*found, "kind-77"])
    return st.sampled_from(["", "a", *found])


def patterns(sign: str) -> st.SearchStrategy[str]:
    words = ["a", "/", "e", "p", "i", "[", "x"] if sign == "glob" else ["a", "/", "e", "p", "i", "x"]
    marks = {"glob": ["*", "?", "[a-f]"], "=~": [".", ".*", "^", "$", "(a|p)", "e+"], "under": ["/", "/tmp", "/dev"]}
    return st.lists(st.sampled_from([*words[: 5 if sign == "glob" else 6], *marks[sign]]), max_size=5).map("".join)


def compared(column: str) -> st.SearchStrategy[crfd.Condition]:
    signs = ["==", "!="] if column == "kind" else ["==", "!=", "<", "<=", ">", ">="]
    return st.builds(crfd.Condition.compare, st.just(column), st.sampled_from(signs), values(column))


def fitted(column: str) -> st.SearchStrategy[crfd.Condition]:
    return st.sampled_from(["glob", "=~", "under"]).flatmap(
        lambda sign: st.builds(crfd.Condition.compare, st.just(column), st.just(sign), patterns(sign))
    )


tests = st.one_of(
    st.sampled_from([*NUMBERS, *TEXTS]).flatmap(compared),
    st.sampled_from(TEXTS).flatmap(fitted),
    st.sampled_from([*NUMBERS, *TEXTS]).flatmap(
        lambda column: st.builds(crfd.Condition.one_of, st.just(column), st.lists(values(column), max_size=5))
    ),
    st.builds(crfd.Condition.holds, st.sampled_from([*NUMBERS, *TEXTS, *BOOLS])),
    st.builds(crfd.Condition.known, st.sampled_from([*NUMBERS, *TEXTS, *BOOLS])),
    st.sampled_from(["true", "false", "f_pos > size", "pid != fd", "objref <= port"]).map(crfd.where),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(crfd.Condition.all_of, st.lists(inner, max_size=4)),
        st.builds(crfd.Condition.any_of, st.lists(inner, max_size=4)),
        st.builds(lambda one: ~one, inner),
    ),
    max_leaves=12,
)

COMPARISONS: dict[int, Callable[[Any, Any], bool]] = {
    What.EQ: lambda a, b: a == b,
    What.NE: lambda a, b: a != b,
    What.LT: lambda a, b: a < b,
    What.LE: lambda a, b: a <= b,
    What.GT: lambda a, b: a > b,
    What.GE: lambda a, b: a >= b,
    What.IN: lambda a, b: a in b,
    What.REGEX: lambda a, b: re.search(b, a, re.DOTALL) is not None,
    What.GLOB: lambda a, b: re.match(translate(b.decode()).encode(), a) is not None,
    What.UNDER: lambda a, b: a == b.rstrip(b"/") != b"" or a.startswith(b.rstrip(b"/") + b"/"),
}


def naive(node: Node, row: Row) -> Truth:
    if node.what in {What.AND, What.OR}:
        decides = node.what == What.OR
        truths = [naive(part, row) for part in node.parts]
        return decides if decides in truths else None if None in truths else not decides
    if node.what == What.NOT:
        truth = naive(node.parts[0], row)
        return None if truth is None else not truth
    if node.what == What.CONST:
        return bool(node.value)
    assert node.column is not None
    value = row[node.column.name]
    if node.what == What.KNOWN:
        return value is not None
    right = node.value
    if isinstance(right, Other):
        right = row[[*columns()][right.column]]
        if right is None:
            return None
    if value is None:
        return None
    if node.what == What.HOLDS:
        return bool(value)
    value = os.fsencode(value) if isinstance(value, str) else value
    return COMPARISONS[node.what](value, right)


@given(conditions, st.sampled_from(IMAGES))
def test_the_core_finds_what_is_found_naively(condition: crfd.Condition, name: str) -> None:
    assert matching(name, condition.filter) == [row for row in rows(name) if naive(condition.root, row) is True]


@given(conditions)
def test_a_condition_and_its_text_are_the_same(condition: crfd.Condition) -> None:
    assert str(crfd.where(str(condition))) == str(condition)


@given(conditions, st.sampled_from(IMAGES))
def test_whatever_matches_is_within_the_pushdown(condition: crfd.Condition, name: str) -> None:
    bounds = condition.pushdown()
    numbers = kind_names()
    for row in (row for row in rows(name) if naive(condition.root, row) is True):
        for key, allowed in (
            ("pid", bounds.pids), ("uid", bounds.uids), ("dev", bounds.devs), ("ino", bounds.inos),
            ("deleted", bounds.deleted), ("close_on_exec", bounds.close_on_exec),
        ):  # fmt: skip
            assert allowed is None or row[key] in allowed
        assert bounds.kinds is None or numbers[row["kind"]] in bounds.kinds


words = st.lists(st.sampled_from(["pid", "(", ")", "and", "not", "==", "3", "in", ",", "'a'", "=~"])).map(" ".join)


@given(st.text(max_size=200) | words)
def test_any_text_is_a_condition_or_an_error(text: str) -> None:
    try:
        condition = crfd.where(text)
    except crfd.QueryError as e:
        assert e.position is None or 0 <= e.position <= len(text)
    else:
        assert str(crfd.where(str(condition))) == str(condition)
