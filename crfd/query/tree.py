# SPDX-License-Identifier: MIT
"""The tree of a condition: tests of one column each, joined by and, or and not."""

from __future__ import annotations

import os

from crfd._core.columns import Column, columns
from crfd._core.filter import DEPTH_MAX, Op, Other, What
from crfd._core.kinds import kind_names
from crfd.errors import QueryError
from crfd.light import NamedTuple

_SIGNS = {
    What.EQ: "==", What.NE: "!=", What.LT: "<", What.LE: "<=", What.GT: ">", What.GE: ">=", What.REGEX: "=~",
    What.GLOB: "glob", What.UNDER: "under",
}  # fmt: skip
BY_SIGN = {sign: what for what, sign in _SIGNS.items()}
_NAMED_BY = {  # the pushdown's names for the values of the columns that the kernel's walk knows
    "pid": "pids", "uid": "uids", "kind": "kinds", "dev": "devs", "ino": "inos", "deleted": "deleted",
    "close_on_exec": "close_on_exec", "port": "ports", "remote_port": "ports",
}  # fmt: skip
_OF_SOCKETS = frozenset({"proto", "state", "local", "remote", "port", "remote_port"})  # columns known of sockets alone

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from fractions import Fraction

    Value = int | float | Fraction | str | bytes | bool
    Operand = int | bytes | Other | tuple[int | bytes, ...] | None


class Node(NamedTuple):
    """A test of a column, or what joins others; at is where it stands in the text that it was read from."""

    what: int
    column: Column | None
    value: Operand
    parts: tuple[Node, ...]
    depth: int
    at: int | None


def find(name: str, at: int | None = None) -> Column:
    """Find a column by its name, in any case."""
    column = columns().get(name.lower())
    if column is None:
        raise QueryError(at, "a column", f"{name!r}{nearest(name.lower(), columns())}")
    if column.type == "list":
        raise QueryError(at, "a column with one value", f"{name!r}, a list")
    return column


def nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name[:64], [*names], n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _test(what: int, column: Column, value: Operand = None, at: int | None = None) -> Node:
    return Node(what, column, value, (), 1, at)


def always(truth: bool, at: int | None = None) -> Node:
    return Node(What.CONST, None, int(truth), (), 1, at)


def holds(column: Column, at: int | None = None) -> Node:
    return _test(What.HOLDS, column, None, at)


def known(column: Column, at: int | None = None) -> Node:
    return _test(What.KNOWN, column, None, at)


def negate(node: Node) -> Node:
    if node.what == What.NOT:
        return node.parts[0]
    return _bounded(Node(What.NOT, None, None, (node,), node.depth + 1, node.at))


def join(what: int, nodes: Sequence[Node]) -> Node:
    """Make AND or OR of all; parts that are joined the same way become its own."""
    parts = [part for node in nodes for part in (node.parts if node.what == what else (node,))]
    if not parts:
        return always(what == What.AND)
    if len(parts) == 1:
        return parts[0]
    return _bounded(Node(what, None, None, tuple(parts), 1 + max(part.depth for part in parts), parts[0].at))


def _bounded(node: Node) -> Node:
    if (
        node.depth > DEPTH_MAX - 2
    ):  # members of IN are one deeper, and so may the condition be that this becomes a part of
        raise QueryError(node.at, f"a depth of {DEPTH_MAX - 2} at most", "one more")
    return node


def _fits(column: Column, what: int, pattern: Value, at: int | None) -> Node:
    if column.type != "text":
        raise QueryError(at, "a column of text", column.name)
    if not isinstance(pattern, (str, bytes)):
        raise QueryError(at, "text in quotes", str(pattern))
    return _test(what, column, os.fsencode(pattern), at)


def compare_columns(left: Column, what: int, right: Column, at: int | None = None) -> Node:
    for one in (left, right):
        if one.type == "text":
            raise QueryError(at, "a column of numbers on both sides", f"{one.name}, of text")
    return _test(what, left, Other(right.number), at)


def compare(column: Column, what: int, value: Value, at: int | None = None) -> Node:
    """Make a test of a column against a value, which must be of its type."""
    if what in {What.REGEX, What.GLOB, What.UNDER}:
        return _fits(column, what, value, at)
    if column.type == "bool":
        if not isinstance(value, bool) or what not in {What.EQ, What.NE}:
            raise QueryError(at, f"== or != with true or false for {column.name}", f"{_SIGNS[what]} {value!r}")
        test = holds(column, at)
        return test if value == (what == What.EQ) else negate(test)
    if not isinstance(value, (int, str, bytes)):
        what, value = _whole(what, value, at)
    return _test(what, column, _value(column, value, at, exact=what in {What.EQ, What.NE}), at)


def _whole(what: int, value: float | Fraction, at: int | None) -> tuple[int, int]:
    """Return the comparison of whole numbers that says the same."""
    from math import ceil, floor

    if not -(2**64) < value < 2**64:
        raise QueryError(at, "a number of 64 bits", str(value))
    if value != floor(value) and what in {What.EQ, What.NE}:
        raise QueryError(at, "a whole number", str(float(value)))
    return what, floor(value) if what in {What.LE, What.GT} else ceil(value)


def one_of(column: Column, values: Sequence[Value], at: int | None = None) -> Node:
    if column.type == "bool" or not values:
        return join(What.OR, [compare(column, What.EQ, value, at) for value in values])
    return _test(What.IN, column, tuple(_value(column, value, at) for value in values), at)


def _value(column: Column, value: Value, at: int | None, *, exact: bool = True) -> int | bytes:
    if column.type == "text":
        if not isinstance(value, (str, bytes)):
            raise QueryError(at, f"text in quotes for {column.name}", str(value))
        if column.name == "kind" and exact:
            _require_kind(os.fsdecode(value), at)
        return os.fsencode(value)
    if isinstance(value, (str, bytes)) and column.unit == "device":
        return _device(os.fsdecode(value), at)
    if isinstance(value, bool) or not isinstance(value, int):
        raise QueryError(at, f"a whole number for {column.name}", repr(value))
    if not -(2**63) <= value < 2**64:
        raise QueryError(at, "a number of 64 bits", str(value))
    return int(value)


def _require_kind(name: str, at: int | None) -> None:
    """Raise for a kind without a name; one of a later version is a number: kind-77."""
    if name not in kind_names() and not (name.startswith("kind-") and name[5:].isdecimal()):
        raise QueryError(at, "a kind of descriptor", f"{name!r}{nearest(name, kind_names())}")


def _device(text: str, at: int | None) -> int:
    major, _, minor = text.partition(":")
    if not (major.isdecimal() and minor.isdecimal()) or int(major) >= 2**32 or int(minor) >= 2**32:
        raise QueryError(at, "a device as MAJOR:MINOR", repr(text))
    return os.makedev(int(major), int(minor))


def ops(node: Node) -> Iterator[tuple[Op, int | None]]:
    number = node.column.number if node.column else 0
    if node.what == What.IN:
        assert isinstance(node.value, tuple)
        for value in node.value:
            yield Op(What.VALUE, 0, 0, value), node.at
        yield Op(node.what, number, len(node.value)), node.at
        return
    for part in node.parts:
        yield from ops(part)
    yield Op(node.what, number, len(node.parts), node.value), node.at


def asked_for(node: Node) -> Iterator[str]:
    if node.column:
        yield node.column.name
    if isinstance(node.value, Other):
        yield [*columns()][node.value.column]
    for part in node.parts:
        yield from asked_for(part)


_Bounds = dict[str, set[int]]


def bounds(node: Node) -> _Bounds:
    """Return the values, by the names of a Pushdown, without one of which the node is not true."""
    if node.what in {What.AND, What.OR}:
        first, *others = map(bounds, node.parts)
        for other in others:
            first = _all_bounds(first, other) if node.what == What.AND else _any_bounds(first, other)
        return first
    test = node.parts[0] if node.what == What.NOT else node
    if test.column is None:
        return {}
    found = _bounds(node, test, test.column)
    if test.column.name in _OF_SOCKETS and (test.what != What.KNOWN or test is node):
        found["kinds"] = {kind_names()["socket"]}
    return found


def _bounds(node: Node, test: Node, column: Column) -> _Bounds:
    """Return the bounds of a test, which is node, or which node negates."""
    name = _NAMED_BY.get(column.name)
    if name is None:
        return {}
    if test.what == What.HOLDS and column.type == "bool":
        return {name: {test is node}}
    if node.what not in {What.EQ, What.IN} or isinstance(node.value, Other):
        return {}
    values = node.value if isinstance(node.value, tuple) else (node.value,)
    return {name: {_number(value) for value in values}}


def _number(value: object) -> int:
    """Return a value as a number; a kind, which is told by its name, has one too."""
    if isinstance(value, bytes):
        name = value.decode()
        return kind_names()[name] if name in kind_names() else int(name.removeprefix("kind-"))
    assert isinstance(value, int)
    return value


def _all_bounds(one: _Bounds, two: _Bounds) -> _Bounds:
    both = {**one, **two}
    # Either port of a socket may be the one meant, so that two tests of ports bind no more than the first.
    both.update({name: one[name] if name == "ports" else one[name] & two[name] for name in one.keys() & two.keys()})
    return both


def _any_bounds(one: _Bounds, two: _Bounds) -> _Bounds:
    return {name: one[name] | two[name] for name in one.keys() & two.keys()}


def literal(value: object) -> str:
    if isinstance(value, Other):
        return [*columns()][value.column]
    if isinstance(value, bytes):
        text = os.fsdecode(value)
        if '"' not in text or "'" not in text:
            return f"'{text}'" if '"' in text else f'"{text}"'
        return " '\"' ".join(f'"{part}"' for part in text.split('"'))
    return str(value)


def as_text(node: Node) -> str:
    if node.what in {What.AND, What.OR}:
        word = " and " if node.what == What.AND else " or "
        return word.join(
            f"({as_text(part)})" if part.what in {What.AND, What.OR} else as_text(part) for part in node.parts
        )
    if node.what == What.NOT:
        return f"not ({as_text(node.parts[0])})"
    if node.column is None:
        return "true" if node.value else "false"
    name = node.column.name
    if node.what == What.HOLDS:
        return name
    if node.what == What.KNOWN:
        return f"{name} is known"
    if node.what == What.IN:
        assert isinstance(node.value, tuple)
        return f"{name} in ({', '.join(map(literal, node.value))})"
    return f"{name} {_SIGNS[node.what]} {literal(node.value)}"
