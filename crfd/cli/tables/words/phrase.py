# SPDX-License-Identifier: MIT
"""What the families' words are made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crfd.cli.tables import text
from crfd.image.model import OpenFile

Writers = dict[type, Callable[[OpenFile, Any], Iterator[str]]]  # by the classes of a family of crfd.kinds

_SHOWN = 3  # targets and marks that are named; of more, the number alone


def pairs(**values: Any) -> Iterator[str]:
    """name=value of what is known."""
    return (f"{name}={value}" for name, value in values.items() if value is not None)


def flags(**values: bool | None) -> Iterator[str]:
    return (name for name, value in values.items() if value)


def listed(items: Iterable[str], noun: str) -> str:
    found = list(items)
    return f"[{text.count(len(found), noun)}]" if len(found) > _SHOWN or not found else f"[{', '.join(found)}]"


def device(dev: int | None) -> str:
    return "?" if dev is None else f"{os.major(dev)}:{os.minor(dev)}"


def nth(names: str, number: int | None) -> str:
    """The number-th of the names."""
    known = names.split()
    if number is None:
        return "?"
    return known[number] if number < len(known) else str(number)
