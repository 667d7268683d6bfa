# SPDX-License-Identifier: MIT
"""Images of earlier days, read as they were then. tests/data/ is made once and never again: a difference is a defect.

kinds-proc.crfd and kinds-bpf.crfd are one holder of tests/mkfds.py and a forked child, by either backend; plain.rfc is the
holder's files in the fixed records alone; held-proc.crfd and held-bpf.crfd are the child of tests/integration/test_held.py,
and one process that waits for another's lock. The .jsonl beside each is what `crfd show --json` said on that day.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import crfd
from crfd._core.columns import columns
from tests.shown import objects, parsed

DATA = Path(__file__).parents[1] / "data"
IMAGES = sorted(DATA.glob("*.crfd")) + sorted(DATA.glob("*.rfc"))
SUMS = dict(line.split()[::-1] for line in (DATA / "SHA256SUMS").read_text().splitlines())


def test_every_file_is_the_one_that_was_made() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in DATA.iterdir() if path.name != "SHA256SUMS"
    }
    assert found == SUMS
    assert len(IMAGES) == 5


def _as_of_old(row: Any, old: Any) -> Any:
    """Return a row with the keys of the old one alone, also within it."""
    if isinstance(row, dict) and isinstance(old, dict):
        return {key: _as_of_old(row.get(key), value) for key, value in old.items()}
    return row


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_an_old_image_verifies_and_says_the_same(path: Path) -> None:
    found = crfd.verify(path)
    expected = parsed(path.with_suffix(".jsonl").read_text())
    shown = objects(path.read_bytes(), *(c.name for c in columns().values() if c.plain))
    assert len([row for row in shown if row["fd"] is not None]) == found.fds
    # Later versions may say more of a descriptor, never other things.
    assert [_as_of_old(row, old) for row, old in zip(shown, expected, strict=True)] == expected


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_a_row_has_values_of_its_own_family_alone(path: Path) -> None:
    names = [name for name in columns() if "." in name and columns()[name].type != "list"]
    for row in objects(path.read_bytes(), "kind", "detail", *names):
        found = {name.partition(".")[2] for name in names if row[name] is not None}
        assert found <= set(row.get("detail") or {}), row["kind"]


@pytest.mark.parametrize("name", ["held-bpf.crfd", "held-proc.crfd"])
def test_an_old_image_says_what_is_held_and_who_waits(name: str) -> None:
    with crfd.open(DATA / name) as image:
        task, *_ = image.tasks.values()
        mapped = {one.path: one for one in task.held if one.by is crfd.HeldBy.MAP}
        assert len(mapped) == len([one for one in task.held if one.by is crfd.HeldBy.MAP]) > 10
        gone = mapped[b"/srv/held/gone.so"]
        assert (gone.deleted, gone.nlink, gone.prot, gone.mappings, gone.bytes) == (True, 0, "r-xp", 2, 8192)
        (wait,) = image.lock_waits
        assert [wait.holder, wait.pid] == list(image.tasks)[1:]
