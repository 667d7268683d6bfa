# SPDX-License-Identifier: MIT
"""Fast, faithful snapshots of the open file descriptors of Linux processes."""

from __future__ import annotations

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from crfd._core.batch import Unread
    from crfd._core.encode import ObjrefTable, Totals
    from crfd._core.freeze import Still
    from crfd.analysis.deadlocks import deadlocks
    from crfd.analysis.links import Link, Links, links
    from crfd.analysis.who import Holder, who
    from crfd.capture.dumper import DumpResult, dump
    from crfd.capture.live import count, scan, snapshot
    from crfd.capture.selection import Selection
    from crfd.errors import (
        BackendError,
        CrfdError,
        FormatError,
        GoneError,
        MissingExtraError,
        QueryError,
        RefusedError,
        UnreadError,
        UnsupportedError,
    )
    from crfd.format.enums import Backend, Identity, Kind, Step
    from crfd.image.consistency import Consistency
    from crfd.image.held import Held, HeldBy
    from crfd.image.model import Descriptor, Head, ImageInfo, OpenFile, Task
    from crfd.image.polled import Poller, Polls
    from crfd.image.reader import Image, open
    from crfd.image.verifier import Verified, verify
    from crfd.image.view import View
    from crfd.image.writer import ImageWriter
    from crfd.kinds.lock import LockWait
    from crfd.query.condition import Condition, Pushdown, where

__version__ = "0.1.0"

__all__ = [
    "Backend",
    "BackendError",
    "Condition",
    "Consistency",
    "CrfdError",
    "Descriptor",
    "DumpResult",
    "FormatError",
    "GoneError",
    "Head",
    "Held",
    "HeldBy",
    "Holder",
    "Identity",
    "Image",
    "ImageInfo",
    "ImageWriter",
    "Kind",
    "Link",
    "Links",
    "LockWait",
    "MissingExtraError",
    "ObjrefTable",
    "OpenFile",
    "Poller",
    "Polls",
    "Pushdown",
    "QueryError",
    "RefusedError",
    "Selection",
    "Step",
    "Still",
    "Task",
    "Totals",
    "Unread",
    "UnreadError",
    "UnsupportedError",
    "Verified",
    "View",
    "count",
    "deadlocks",
    "dump",
    "links",
    "open",
    "scan",
    "snapshot",
    "verify",
    "where",
    "who",
]

# The modules that the names live in. They are imported when first asked for: a dump needs a third of them, and start-up is
# a large part of a small dump. No module may bear the name of something exported.
_HOME = {
    "query.condition": ("Condition", "Pushdown", "where"),
    "analysis.deadlocks": ("deadlocks",),
    "analysis.links": ("Link", "Links", "links"),
    "analysis.who": ("Holder", "who"),
    "_core.batch": ("Unread",),
    "_core.encode": ("ObjrefTable", "Totals"),
    "_core.freeze": ("Still",),
    "image.consistency": ("Consistency",),
    "image.held": ("Held", "HeldBy"),
    "capture.dumper": ("DumpResult", "dump"),
    "errors": (
        "BackendError",
        "CrfdError",
        "FormatError",
        "GoneError",
        "MissingExtraError",
        "QueryError",
        "RefusedError",
        "UnreadError",
        "UnsupportedError",
    ),
    "format.enums": ("Backend", "Identity", "Kind", "Step"),
    "image.model": ("Descriptor", "Head", "ImageInfo", "OpenFile", "Task"),
    "image.polled": ("Poller", "Polls"),
    "image.reader": ("Image", "open"),
    "capture.live": ("count", "scan", "snapshot"),
    "capture.selection": ("Selection",),
    "image.verifier": ("Verified", "verify"),
    "image.view": ("View",),
    "image.writer": ("ImageWriter",),
    "kinds.lock": ("LockWait",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(f"crfd.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'crfd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
