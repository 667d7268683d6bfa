# SPDX-License-Identifier: MIT
"""What a table says of memory behind a descriptor."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.tables import text
from crfd.cli.tables.words.phrase import Writers, pairs
from crfd.image.model import OpenFile
from crfd.kinds.memory import DmaBuf, Memfd, Userfaultfd

_SEALS = ((1, "seal"), (2, "shrink"), (4, "grow"), (8, "write"), (16, "future_write"), (32, "exec"))  # F_SEAL_*


def _memfd(file: OpenFile, memfd: Memfd) -> Iterator[str]:
    if memfd.seals:
        yield f"seals={'|'.join(name for bit, name in _SEALS if memfd.seals & bit)}"
    if file.size is not None:
        yield f"{file.size}B"


def _dmabuf(_: OpenFile, buffer: DmaBuf) -> Iterator[str]:
    yield f"{buffer.size}B"
    yield from pairs(by=text.escape(buffer.exporter.encode()), name=text.escape(buffer.name.encode()) or None)


def _userfaultfd(_: OpenFile, faults: Userfaultfd) -> Iterator[str]:
    yield from pairs(pending=faults.pending, total=faults.total)
    yield "not set up" if faults.features is None else f"features={faults.features:#x}"


WRITERS: Writers = {Memfd: _memfd, DmaBuf: _dmabuf, Userfaultfd: _userfaultfd}
