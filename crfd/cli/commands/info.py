# SPDX-License-Identifier: MIT
"""crfd info: what is in an image, without listing it."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator

from crfd.cli.exit_status import DONE
from crfd.cli.tables import text

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from typing import Any


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="a file, or - for standard input")


def run(args: argparse.Namespace) -> int:
    from crfd.image.reader import open as open_image

    with open_image(args.image) as image:
        for key, value in facts(image):
            print(f"{key + ':':<13} {value}")
    return DONE


def facts(image: Any) -> Iterator[tuple[str, str]]:
    head, info, columns = image.head, image.info, image.columns()
    yield "taken", time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(head.time))
    yield "kernel", f"{head.release} {head.machine}"
    if info is None:
        yield "format", "rfc (fixed records only, no checksums)"
    else:
        yield "format", f"crfd, revision {info.revision}"
        yield "backend", info.backend.name.lower()
        yield "frozen", _frozen(image)
        yield "consistency", _consistency(image)
    yield "size", text.size(image.size)
    yield "tasks", f"{len(columns.tasks):,}"
    uses = Counter(columns.fds["objref"])
    unread = uses.pop(0, 0)
    yield "fds", text.count(len(columns.fds), "fd") + (f", {unread:,} of them unreadable" if unread else "")
    shared = sum(1 for n in uses.values() if n > 1)
    yield "open files", f"{len(uses):,}, {shared:,} of them shared by several descriptors"
    yield "kinds", _kinds(columns)
    deleted = sum(columns.files["deleted"])
    yield "deleted", text.count(deleted, "open file")


def _frozen(image: Any) -> str:
    held = [one for one in image.still if one.how]
    if not held:
        return "no: the processes went on running"
    longest = max(held, key=lambda one: one.ns)
    which = "yes" if image.info.frozen else f"{len(held):,} of the processes"
    return f"{which}, held for {longest.ns / 1e6:,.1f} ms at the longest (pid {longest.pid})"


def _consistency(image: Any) -> str:
    """How many tables are how sure."""
    counts = Counter(image.consistency().values())
    return ", ".join(f"{n:,} {level.name.lower()}" for level, n in sorted(counts.items(), reverse=True))


def _kinds(columns: Any) -> str:
    from crfd._core.kinds import kind_name

    kinds = Counter(columns.files["kind"][1:])
    return ", ".join(f"{n:,} {kind_name(kind)}" for kind, n in kinds.most_common())
