# SPDX-License-Identifier: MIT
"""The base of every family's decoders: the part of an open file or task that they read, and the search for its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from crfd._core import declarations
from crfd.format.records import Layout, RecordType


class Extended(Protocol):
    """Carries extension records: (record type, payload) raw."""

    @property
    def extensions(self) -> tuple[tuple[int, bytes], ...]: ...


class Described(Extended, Protocol):
    """An open file description, as crfd.OpenFile is."""

    @property
    def kind(self) -> int: ...
    @property
    def f_mode(self) -> int: ...
    @property
    def f_flags(self) -> int | None: ...
    @property
    def path(self) -> bytes | None: ...
    @property
    def ino(self) -> int | None: ...


Decoders = dict[int, Callable[[Described], object]]  # by Kind


class Records:
    """Finds the records of a type, each of which holds structs of one kind, as dictionaries by field names.

    told: the fields, with blanks between, of which a bit of the struct's `known` says whether they are; else they are None.
    """

    def __init__(self, kind: RecordType, struct: str, bits: str = "", **told: str) -> None:
        self._kind = int(kind)
        self._layout = Layout(struct)
        self._told = [(declarations.flags(bits)[bit], fields.split()) for bit, fields in told.items()]

    def all(self, of: Extended) -> Iterator[dict[str, Any]]:
        for number, payload in of.extensions:
            if number == self._kind:
                for values in self._layout.struct.iter_unpack(payload):
                    row = dict(zip(self._layout.names, values, strict=True))
                    known = row.pop("known") if self._told else 0
                    for bit, fields in self._told:
                        if not known & bit:
                            row.update(dict.fromkeys(fields))
                    yield row

    def some(self, of: Extended) -> dict[str, Any]:
        """Return the first, or what is known without one: nothing."""
        return self.first(of) or dict.fromkeys(name for name in self._layout.names if name != "known")

    def first(self, of: Extended) -> dict[str, Any] | None:
        return next(self.all(of), None)

    def there(self, of: Extended) -> bool:
        """Whether there is a record of the type, which may hold no struct at all."""
        return payload(of, self._kind) is not None


def payload(of: Extended, kind: int) -> bytes | None:
    return next((payload for number, payload in of.extensions if number == kind), None)


def text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "backslashreplace")
