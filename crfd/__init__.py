# SPDX-License-Identifier: MIT
"""Fast, faithful snapshots of the open file descriptors of Linux processes."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # see _core.py
if TYPE_CHECKING:
    from crfd._core import EncodeStats, Still, Unread
    from crfd.consistency import Consistency
    from crfd.dumper import DumpResult, dump
    from crfd.enums import Backend, Identity, Kind, Step
    from crfd.errors import (
        BackendError,
        CrfdError,
        FormatError,
        GoneError,
        MissingExtraError,
        RefusedError,
        UnreadError,
        UnsupportedError,
    )
    from crfd.live import count, scan
    from crfd.model import Descriptor, Head, ImageInfo, OpenFile, Task
    from crfd.objref import ObjrefTable
    from crfd.reader import Image, open
    from crfd.selection import Selection
    from crfd.verifier import Verified, verify
    from crfd.writer import ImageWriter

__version__ = "0.1.0"

__all__ = [
    "Backend",
    "BackendError",
    "Consistency",
    "CrfdError",
    "Descriptor",
    "DumpResult",
    "EncodeStats",
    "FormatError",
    "GoneError",
    "Head",
    "Identity",
    "Image",
    "ImageInfo",
    "ImageWriter",
    "Kind",
    "MissingExtraError",
    "ObjrefTable",
    "OpenFile",
    "RefusedError",
    "Selection",
    "Step",
    "Still",
    "Task",
    "Unread",
    "UnreadError",
    "UnsupportedError",
    "Verified",
    "count",
    "dump",
    "open",
    "scan",
    "verify",
]

# Which module each name lives in. They are imported when first asked for: a dump needs a third of them, and start-up is
# a large part of a small dump. No module may bear the name of something exported.
_HOME = {
    "_core": ("EncodeStats", "Still", "Unread"),
    "consistency": ("Consistency",),
    "dumper": ("DumpResult", "dump"),
    "errors": (
        "BackendError",
        "CrfdError",
        "FormatError",
        "GoneError",
        "MissingExtraError",
        "RefusedError",
        "UnreadError",
        "UnsupportedError",
    ),
    "enums": ("Backend", "Identity", "Kind", "Step"),
    "model": ("Descriptor", "Head", "ImageInfo", "OpenFile", "Task"),
    "objref": ("ObjrefTable",),
    "reader": ("Image", "open"),
    "live": ("count", "scan"),
    "selection": ("Selection",),
    "verifier": ("Verified", "verify"),
    "writer": ("ImageWriter",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            value: object = getattr(import_module(f"crfd.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'crfd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
