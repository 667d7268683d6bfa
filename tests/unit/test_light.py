# SPDX-License-Identifier: MIT
"""The stand-ins for typing, contextlib and functools behave as these do."""

from __future__ import annotations

import pickle
import typing
from typing import Any

import pytest

from crfd.light import NamedTuple, cache, suppress


class Ours(NamedTuple):
    """Its text."""

    first: int
    second: str = "two"

    def both(self) -> str:
        return f"{self.first} {self.second}"


class Theirs(typing.NamedTuple):
    """Its text."""

    first: int
    second: str = "two"

    def both(self) -> str:
        return f"{self.first} {self.second}"


def outcome(call: Any, kind: Any) -> Any:
    """What the call gives for the kind, without its name, or the kind of error that it raises."""
    try:
        return str(call(kind)).replace(kind.__name__, "")
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "call",
    [
        lambda kind: kind(1),
        lambda kind: kind(1, "b"),
        lambda kind: kind(second="b", first=1),
        lambda kind: kind(),
        lambda kind: kind(1, 2, 3),
        lambda kind: kind(1, third=3),
        lambda kind: kind(1, first=1),
        lambda kind: kind(1) == (1, "two"),
        lambda kind: hash(kind(1)),
        lambda kind: kind(1)._replace(second="b"),
        lambda kind: kind(1)._asdict(),
        lambda kind: kind._make([1, "b"]),
        lambda kind: kind._make([1, 2, 3]),
        lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__, kind.__doc__),
        lambda kind: kind(1).both(),
        lambda kind: setattr(kind(1), "first", 2),
        lambda kind: setattr(kind(1), "third", 2),
        lambda kind: pickle.loads(pickle.dumps(kind(1, "b"))),
    ],
)
def test_a_named_tuple_is_as_that_of_typing(call: Any) -> None:
    assert outcome(call, Ours) == outcome(call, Theirs)


def test_cache_calls_once_for_the_same_arguments() -> None:
    calls = []

    @cache
    def squared(n: int) -> int:
        calls.append(n)
        return n * n

    assert [squared(2), squared(3), squared(2)] == [4, 9, 4]
    assert calls == [2, 3]


def test_suppress_lets_other_errors_pass() -> None:
    with suppress(KeyError, OSError):
        raise FileNotFoundError
    with pytest.raises(ValueError), suppress(KeyError):
        raise ValueError
    with suppress(KeyError):
        pass
