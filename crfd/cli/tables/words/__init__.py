# SPDX-License-Identifier: MIT
"""What is special about an open file, in a few words for the NAME column: a module a family, as in crfd.kinds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from crfd.cli.tables.words.phrase import Writers
from crfd.image.model import OpenFile
from crfd.kinds.table import family

if TYPE_CHECKING:
    from crfd.kinds.lock import Lock


def words(file: OpenFile, more_locks: tuple[Lock, ...] = ()) -> str:
    """The words " count=5 semaphore lock: POSIX write 0-99 pid 12": empty, or with a blank before each."""
    return "".join(f" {word}" for word in (*_of_its_kind(file), *_of_any_kind(file, more_locks)))


def _of_its_kind(file: OpenFile) -> Iterator[str]:
    found = file.detail
    return iter(()) if found is None else _writers(family(file.kind))[type(found)](file, found)


@cache
def _writers(name: str | None) -> Writers:
    writers: Writers = import_module(f"{__name__}.{name}").WRITERS
    return writers


def _of_any_kind(file: OpenFile, more_locks: tuple[Lock, ...]) -> Iterator[str]:
    if not file.extensions and not more_locks:
        return
    from crfd.cli.tables.words.lock import of_lock, of_owner

    yield from map(of_lock, file.locks + more_locks)
    if file.owner:
        yield of_owner(file.owner)
