# SPDX-License-Identifier: MIT
"""What a table says of character devices that stand for something else."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.tables import text
from crfd.cli.tables.words.phrase import Writers
from crfd.image.model import OpenFile
from crfd.kinds.device import Fuse, Tty, Tun


def _tty(_: OpenFile, tty: Tty) -> Iterator[str]:
    yield f"master of /dev/pts/{tty.index}"


def _tun(_: OpenFile, tun: Tun) -> Iterator[str]:
    yield f"interface {text.escape(tun.interface.encode())}"


def _fuse(_: OpenFile, fuse: Fuse) -> Iterator[str]:
    yield f"connection {fuse.connection}"


WRITERS: Writers = {Tty: _tty, Tun: _tun, Fuse: _fuse}
