# SPDX-License-Identifier: MIT
"""What typing, contextlib, functools and collections have as well: to import these four takes a fifth of a small dump.

A type checker takes them for their own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # this is not typing's own either: a type checker takes it for true all the same
if TYPE_CHECKING:
    from contextlib import suppress
    from functools import cache
    from typing import NamedTuple
else:
    from _operator import itemgetter

    def cache(made):
        """Keep what the function gave for its arguments, which come by position."""
        kept = {}

        def get(*args):
            if args not in kept:
                kept[args] = made(*args)
            return kept[args]

        return get

    class suppress:  # noqa: N801
        def __init__(self, *errors):
            self._errors = errors

        def __enter__(self):
            pass

        def __exit__(self, kind, error, traceback):
            return kind is not None and issubclass(kind, self._errors)

    class _Named(tuple):
        """A tuple whose fields have names; what is common to all of them."""

        __slots__ = ()

        def __new__(cls, *values, **named):
            rest = cls._fields[len(values) :]
            lack = [field for field in rest if field not in named and field not in cls._field_defaults]
            if lack or len(values) > len(cls._fields) or not named.keys() <= set(rest):
                raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}")
            return tuple.__new__(cls, (*values, *[named[f] if f in named else cls._field_defaults[f] for f in rest]))

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **named):
            return type(self)(**{**self._asdict(), **named})

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            return f"{type(self).__name__}({', '.join([f'{k}={v!r}' for k, v in self._asdict().items()])})"

    class _Maker(type):
        """Makes a class with NamedTuple as its base a tuple of the fields that its body annotates."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = tuple(body["__annotations__"])
            defaults = {field: body[field] for field in fields if field in body}
            items = {field: property(itemgetter(i)) for i, field in enumerate(fields)}
            made = {"__slots__": (), "__match_args__": fields, "_fields": fields, "_field_defaults": defaults}
            return type(name, (_Named,), {**body, **items, **made})

    class NamedTuple(metaclass=_Maker):
        pass


__all__ = ["NamedTuple", "cache", "suppress"]
