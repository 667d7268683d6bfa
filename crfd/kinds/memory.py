# SPDX-License-Identifier: MIT
"""Memory behind a descriptor: memfd, secretmem, dmabuf, userfaultfd."""

from __future__ import annotations

from dataclasses import dataclass

from crfd.format.enums import Kind
from crfd.format.records import RecordType
from crfd.kinds.described import Decoders, Described, Records, text

_MEMFD = Records(RecordType.MEMFD, "crfd_memfd", "CRFD_MEMFD_HAS_", SEALS="seals")
_DMABUF = Records(RecordType.DMABUF, "crfd_dmabuf")
_USERFAULTFD = Records(RecordType.USERFAULTFD, "crfd_userfaultfd")
_UFFD_READY = 1 << 31


@dataclass(frozen=True, slots=True)
class Memfd:
    """Memory of memfd_create(2), or with secret of memfd_secret(2), which has no name. seals: F_SEAL_* of fcntl(2)."""

    name: bytes | None
    seals: int | None
    secret: bool


@dataclass(frozen=True, slots=True)
class DmaBuf:
    """A buffer that drivers share: size in bytes, count of references, the driver that made it, the name it got."""

    size: int
    count: int
    exporter: str
    name: str


@dataclass(frozen=True, slots=True)
class Userfaultfd:
    """userfaultfd(2): pending are faults that nobody has read, total the threads that wait.

    UFFD_FEATURE_* asked for and offered: features is None before the handshake (UFFDIO_API).
    """

    pending: int
    total: int
    features: int | None
    offered: int


def _memfd(file: Described) -> Memfd:
    secret = file.kind == Kind.SECRETMEM
    name = None if secret or file.path is None else file.path.removeprefix(b"/memfd:")
    return Memfd(name, **_MEMFD.some(file), secret=secret)


def _dmabuf(file: Described) -> DmaBuf | None:
    row = _DMABUF.first(file)
    return DmaBuf(row["size"], row["count"], text(row["exporter"]), text(row["name"])) if row else None


def _userfaultfd(file: Described) -> Userfaultfd | None:
    row = _USERFAULTFD.first(file)
    if row is None:
        return None
    features = row["features"] & ~_UFFD_READY if row["features"] & _UFFD_READY else None
    return Userfaultfd(row["pending"], row["total"], features, row["offered"])


Value = Memfd | DmaBuf | Userfaultfd
DECODERS: Decoders = {
    Kind.MEMFD: _memfd,
    Kind.SECRETMEM: _memfd,
    Kind.DMABUF: _dmabuf,
    Kind.USERFAULTFD: _userfaultfd,
}
