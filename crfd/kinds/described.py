# SPDX-License-Identifier: MIT
"""What a decoder reads: of an image's open files and tasks these members alone, so kinds need not know images."""

from __future__ import annotations

from typing import Protocol


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
