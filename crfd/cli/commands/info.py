# SPDX-License-Identifier: MIT
"""crfd info: describe an image without listing it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from crfd.cli import images, output
from crfd.cli.tables import text

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse
    from typing import Any

EXAMPLES = """\
  crfd info host.crfd"""


def add(parser: argparse.ArgumentParser) -> None:
    images.add(parser)


def run(args: argparse.Namespace) -> int:
    with images.opened(args) as image:
        status = images.report(image)
        for key, value in facts(image):
            output.out.line(f"{key + ':':<13} {value}")
    return status


def facts(image: Any) -> Iterator[tuple[str, str]]:
    head, info = image.head, image.info
    totals = image.survey().totals()
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
    yield "tasks", f"{totals.tasks:,}"
    yield "fds", text.count(totals.fds, "fd") + (f", {totals.unread:,} of them unreadable" if totals.unread else "")
    yield "open files", f"{totals.files:,}, {totals.shared:,} of them shared by several descriptors"
    yield "kinds", ", ".join(f"{n:,} {kind}" for kind, n in totals.kinds.items())
    yield "deleted", text.count(totals.deleted, "open file")


def _frozen(image: Any) -> str:
    held = [one for one in image.still if one.how]
    if not held:
        return "no: the processes went on running"
    longest = max(held, key=lambda one: one.ns)
    which = "yes" if image.info.frozen else f"{len(held):,} of the processes"
    return f"{which}, held for {longest.ns / 1e6:,.1f} ms at the longest (pid {longest.pid})"


def _consistency(image: Any) -> str:
    """Return how many tables there are of each level of consistency."""
    counts = Counter(image.consistency().values())
    return ", ".join(f"{n:,} {level.name.lower()}" for level, n in sorted(counts.items(), reverse=True))
