# SPDX-License-Identifier: MIT
"""Images of processes, and what columns say of an image, for tests that look at single values."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import crfd
from crfd._core.columns import ImageReader, Render
from tests import images


def values(image: bytes | memoryview, *names: str) -> list[tuple[bytes, ...]]:
    """Return the columns of each row, raw; empty where they are not known."""
    render, found = Render(names, "nul"), []
    text = b"".join(map(bytes, render.rows(ImageReader(memoryview(image), None))))
    cells = text.split(b"\0")[:-1]
    for at in range(0, len(cells), len(names)):
        found.append(tuple(cells[at : at + len(names)]))
    return found


def objects(image: bytes | memoryview, *names: str) -> list[dict[str, Any]]:
    """Return each row as the object that a line of JSON holds."""
    render = Render(names, "json")
    return parsed(b"".join(map(bytes, render.rows(ImageReader(memoryview(image), None)))))


def parsed(lines: str | bytes) -> list[dict[str, Any]]:
    """Return the objects of JSON Lines."""
    return [json.loads(line) for line in lines.splitlines()]


def dumped(what: Any, **options: Any) -> tuple[crfd.DumpResult, crfd.Image]:
    """Dump, and check the image."""
    out = io.BytesIO()
    result = crfd.dump(what, out, **options)
    crfd.verify(io.BytesIO(out.getvalue()))
    return result, crfd.open(io.BytesIO(out.getvalue()))


def dump_image(pids: Sequence[int], backend: str) -> crfd.Image:
    """Dump processes, all of which can be read."""
    result, image = dumped(pids, backend=backend)
    assert not result.unread
    return image


def image_of(file: crfd.OpenFile) -> bytes:
    """Make an image of one descriptor, whose description is the file with its extension records."""
    described = images.File(
        path=file.path or b"x",
        kind=file.kind,
        f_mode=file.f_mode,
        f_flags=file.f_flags or 0,
        size=file.size or 0,
        st_mode=0,
    )
    plan = images.plan([images.Task(5, [images.Fd(0, described)])])
    at = images.at(plan, images.FD_STAT)
    plan[at + 1 : at + 1] = [images.Rec(kind, payload, plan[at].parent) for kind, payload in file.extensions]
    return images.assemble(plan)


def words(file: crfd.OpenFile) -> str:
    """Return what the NAME column says behind the path, the blank between them included."""
    ((name,),) = values(image_of(file), "name")
    return name.decode().removeprefix((file.path or b"x").decode())
