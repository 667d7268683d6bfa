# SPDX-License-Identifier: MIT
"""A whole image as columns: three tables of rows in contiguous memory, shared and never copied."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from crfd._core.parse import Rows
from crfd.errors import MissingExtraError
from crfd.format.records import Layout

if TYPE_CHECKING:
    import numpy as np


@cache
def layout_of(struct: str) -> Layout:
    return Layout(struct)


class Table:
    """Rows of one C struct. The memory lives as long as any view of it."""

    def __init__(self, buffer: memoryview, struct: str) -> None:
        self.buffer = buffer
        self.layout = layout_of(struct)

    def __len__(self) -> int:
        return len(self.buffer) // self.layout.size

    @property
    def names(self) -> tuple[str, ...]:
        return self.layout.names

    @property
    def dtype(self) -> dict[str, Any]:
        """The row as numpy.dtype() takes it: names, formats, offsets and itemsize."""
        fields = self.layout.fields
        formats = [f"S{field.code[:-1]}" if field.code.endswith("s") else f"<{_NUMPY[field.code]}" for field in fields]
        return {
            "names": list(self.names),
            "formats": formats,
            "offsets": [field.offset for field in fields],
            "itemsize": self.layout.size,
        }

    def __getitem__(self, name: str) -> memoryview:
        """Return one column, a typed view with a stride; KeyError for a name that is not in `names`.

        A text column (comm) has no such view, and is a TypeError: take array() or rows().
        """
        for field in self.layout.fields:
            if field.name == name:
                break
        else:
            raise KeyError(name)
        if field.code.endswith("s"):
            raise TypeError(f"{name} is text: take it from array() or rows()")
        items: memoryview = self.buffer.cast(field.code)  # type: ignore[call-overload]
        return items[field.offset // items.itemsize :: self.layout.size // items.itemsize]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Give each row as a tuple in the order of `names`."""
        return self.layout.struct.iter_unpack(self.buffer)

    def array(self) -> np.ndarray[Any, Any]:
        """Return the rows as a NumPy structured array over the same memory, read-only."""
        try:
            import numpy as np
        except ImportError:
            raise MissingExtraError("NumPy is not installed: pip install crfd[numpy]") from None
        return np.frombuffer(self.buffer, dtype=np.dtype(self.dtype))  # type: ignore[call-overload]


_NUMPY = {"Q": "u8", "q": "i8", "I": "u4", "i": "i4", "H": "u2", "h": "i2", "B": "u1", "b": "i1"}


class Columns:
    """The three tables of an image.

    tasks: a row a task, with first_fd and nfds, its run of rows in fds; times and ids as in csrc/format/FORMAT.md, TASK_INFO.
    fds: a row a descriptor: pid, fd, objref, close_on_exec. files: row i is objref i, row 0 is all zero; a field whose
    CRFD_HAS_ bit in `known` is clear is 0 and means nothing.
    """

    def __init__(self, image: memoryview, path: str | None) -> None:
        rows = Rows(image, None, path)
        self._image = image
        self.tasks = Table(rows.task, "crfd_task_row")
        self.fds = Table(rows.fd, "crfd_fd_row")
        self.files = Table(rows.file, "crfd_file_row")
        self._name_off = self.files["name_off"]
        self._name_len = self.files["name_len"]

    def path(self, objref: int) -> bytes:
        """Return the path of an open file description; IndexError for an objref that the image does not define."""
        if objref < 1:
            raise IndexError(f"objref: expected 1 to {len(self.files) - 1}, found {objref}")
        start = self._name_off[objref]
        return bytes(self._image[start : start + self._name_len[objref]])
