# SPDX-License-Identifier: MIT
"""Tables of an image for other programs, by Arrow's PyCapsule interface, which needs no Arrow library here."""

from __future__ import annotations

from collections.abc import Sequence

from crfd._core.arrow import ArrowTable, schema, stream, tables
from crfd.image.source import Bytes

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from crfd.query.condition import Condition


class View:
    """A table of an image: whoever takes Arrow streams takes it, such as polars.DataFrame(view) or DuckDB's `from view`.

    Rows are made when they are read, each time anew, at most 65,536 to a record batch. What was handed out lives on when
    the image is closed, and may be released by any thread. Numbers are int64, also those of 64 bits without a sign, as the
    same bits; what is not known is null. Text is UTF-8, a byte that is none as \\xNN; path_bytes has the bytes of a path
    where that is so. Text that many rows have in common is dictionary-encoded. requested_schema may ask for string views.
    """

    def __init__(
        self, image: Bytes, table: str, columns: Sequence[str] | None, condition: Condition | None = None
    ) -> None:
        self.table = table
        self.condition = condition
        self._image = image
        self._table = _find(table)
        self.names = self._table.given if columns is None else tuple(columns)
        for column in self.names:
            if column not in self._table.columns:
                raise ValueError(f"{table}: expected some of {', '.join(self._table.columns)}, found {column!r}")
        if len({*self.names}) < len(self.names):
            raise ValueError(f"{table}: expected each column once, found {', '.join(self.names)}")

    @property
    def choices(self) -> tuple[str, ...]:
        """The columns that the table can have."""
        return tuple(self._table.columns)

    def where(self, condition: Condition | str) -> View:
        """Return the rows of this view that fit: an expression as crfd.where() reads it, or what that gave.

        What is asked of a descriptor is never known of a row of "tasks". An open file description is in "files" where one
        of its descriptors fits, and an entry of a list where the descriptor does that has it.
        """
        from crfd.query.condition import Condition

        more = condition if isinstance(condition, Condition) else Condition.parse(condition)
        both = more if self.condition is None else self.condition & more
        return View(self._image, self.table, self.names, both)

    def __arrow_c_schema__(self) -> object:
        return schema(self._table, self.names)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        image = self._image
        return stream(
            self._table,
            self.names,
            image.all(),
            image.shared,
            path=image.name,
            filter=self.condition.filter if self.condition else None,
            requested=requested_schema,
        )

    def __repr__(self) -> str:
        where = self._image.name or "memory"
        fits = f" where {self.condition}" if self.condition else ""
        return f"<crfd.View {self.table!r} of {where}{fits}, {len(self.names)} columns; a row: {self._table.text}>"


def _find(name: str) -> ArrowTable:
    found = tables().get(name)
    if found is None:
        raise ValueError(f"table: expected one of {', '.join(tables())}, found {name!r}")
    return found
