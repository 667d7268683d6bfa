# SPDX-License-Identifier: MIT
"""Conditions on descriptors.

A column whose value is not known makes its test neither true nor false, and what depends on that alone matches nothing,
under not neither.
"""

from __future__ import annotations

from crfd._core.filter import Filter, Op, RefusedOpError, What
from crfd._core.scan import Push
from crfd.errors import QueryError
from crfd.light import NamedTuple
from crfd.query.tree import (
    BY_SIGN,
    Node,
    as_text,
    asked_for,
    bounds,
    compare,
    find,
    holds,
    join,
    known,
    literal,
    negate,
    one_of,
    ops,
)

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from crfd.query.tree import Value


class Pushdown(NamedTuple):
    """Sets of values: a descriptor with a value outside one of them surely fails a condition. None: any value may match.

    kinds are numbers, devs as st_dev; deleted and close_on_exec sets of bools; a socket has one of the ports as its
    local or its remote one. Who drops by it must evaluate the whole condition again.
    """

    pids: frozenset[int] | None = None
    uids: frozenset[int] | None = None
    kinds: frozenset[int] | None = None
    devs: frozenset[int] | None = None
    inos: frozenset[int] | None = None
    deleted: frozenset[bool] | None = None
    close_on_exec: frozenset[bool] | None = None
    ports: frozenset[int] | None = None

    def push(self, *, whole: bool) -> Push | None:
        """Return the part that a scan can test; whole: only by what is alike for all descriptors of an open file description.

        None: it can test nothing.
        """
        only: dict[str, Any] = {key: _only(getattr(self, name), bits) for key, (name, bits) in _PUSHED.items()}
        if whole:
            only.update(uid=None, close_on_exec=None)
        kinds = self.kinds or ()
        push = Push(**only, kinds=() if any(kind > _KIND_MAX for kind in kinds) else tuple(sorted(kinds)))
        return None if push == Push() else push


_KIND_MAX = 63
_PUSHED = {  # the name in a Push, the one in a Pushdown, and the bits that a Push has for it
    "uid": ("uids", 32), "dev": ("devs", 64), "ino": ("inos", 64), "deleted": ("deleted", 1),
    "close_on_exec": ("close_on_exec", 1), "port": ("ports", 16),
}  # fmt: skip
_OF_ALL = frozenset({"fds", "changed", "identity", "peer_pid", "peer_comm"})  # columns that need other rows


def _only(values: frozenset[int] | None, bits: int) -> int | None:
    """Return the one value that a scan can be asked for; more than one are not told to it."""
    if values is None or len(values) != 1:
        return None
    (value,) = values
    return value if 0 <= value < 2**bits else None


class Condition:
    """A test that a descriptor passes or fails. Immutable; &, | and ~ join conditions."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._filter: Filter | None = None

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read an expression (crfd.where says how); QueryError where it is none."""
        from crfd.query.expression import parse

        found = cls(parse(text))
        _ = found.filter  # a regular expression that is none is known to the core alone
        return found

    @classmethod
    def compare(cls, column: str, sign: str, value: Value) -> Condition:
        """Compare a column by a sign: ==, !=, <, <=, >, >=, or =~, glob, under, with a pattern or directory as the value."""
        return cls(compare(find(column), BY_SIGN[sign], value))

    @classmethod
    def one_of(cls, column: str, values: Iterable[Value]) -> Condition:
        return cls(one_of(find(column), list(values)))

    @classmethod
    def holds(cls, column: str) -> Condition:
        """Ask for a column to be true, not 0, not empty."""
        return cls(holds(find(column)))

    @classmethod
    def known(cls, column: str) -> Condition:
        return cls(known(find(column)))

    @classmethod
    def all_of(cls, conditions: Iterable[Condition]) -> Condition:
        """Join conditions by and; without any, the result matches everything."""
        return cls(join(What.AND, [one._root for one in conditions]))

    @classmethod
    def any_of(cls, conditions: Iterable[Condition]) -> Condition:
        """Join conditions by or; without any, the result matches nothing."""
        return cls(join(What.OR, [one._root for one in conditions]))

    def __and__(self, other: Condition) -> Condition:
        return Condition.all_of((self, other))

    def __or__(self, other: Condition) -> Condition:
        return Condition.any_of((self, other))

    def __invert__(self) -> Condition:
        return Condition(negate(self._root))

    @property
    def root(self) -> Node:
        return self._root

    @property
    def filter(self) -> Filter:
        """The condition, compiled by the core."""
        if self._filter is None:
            self._filter = self._compiled()
        return self._filter

    def _compiled(self) -> Filter:
        program: list[Op] = []
        places: list[int | None] = []
        for op, at in ops(self._root):
            program.append(op)
            places.append(at)
        try:
            return Filter(program)
        except RefusedOpError as e:
            if e.number == len(program):
                raise QueryError(None, "another condition", e.why) from None
            op = program[e.number]
            expected = "a POSIX extended regular expression" if op.what == What.REGEX else "a test that can be made"
            raise QueryError(places[e.number], expected, f"{literal(op.value)}: {e.why}") from None

    def pushdown(self) -> Pushdown:
        """Return what surely fails, so that a scan may leave it out."""
        found: dict[str, Any] = {name: frozenset(values) for name, values in bounds(self._root).items()}
        return Pushdown(**found)

    def push(self, shown: Iterable[str]) -> Push | None:
        """Return what a scan may leave out where these columns of the rows that match are shown; None: nothing."""
        own = self.columns()
        asked = own | {*shown}
        if "objref" in own or not asked.isdisjoint(_OF_ALL):
            return None
        return self.pushdown().push(whole="shared" in asked)

    def columns(self) -> frozenset[str]:
        """Return the names of the columns that the condition asks for."""
        return frozenset(asked_for(self._root))

    def __str__(self) -> str:
        """Return the condition as an expression that parse() reads."""
        return as_text(self._root)

    def __repr__(self) -> str:
        return f"<Condition {self}>"


def where(text: str) -> Condition:
    """Make a condition of an expression: 'deleted and size > 1M and path =~ "^/var/"'.

    The grammar is that of scols-filter(5), with `kind in ("pipe", "socket")`, `locks is known`, `path glob "*.log"` and
    `path under "/srv"` beside it; `crfd ls --list-columns` lists the columns.

    Raises QueryError, which names the place and what was expected there.
    """
    return Condition.parse(text)
