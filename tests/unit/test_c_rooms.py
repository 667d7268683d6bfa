# SPDX-License-Identifier: MIT
"""The rooms of csrc: what tests/c/rooms.py finds, and that it finds what is planted."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "c" / "rooms.py"
spec = spec_from_file_location("c_rooms", SCRIPT)
assert spec and spec.loader
c_rooms = module_from_spec(spec)
spec.loader.exec_module(c_rooms)


def test_includes_of_csrc_run_one_way() -> None:
    run = subprocess.run([sys.executable, SCRIPT], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout.count("\n")) == (0, 1), run.stdout


@pytest.mark.parametrize(
    ("arrows", "words"),
    [
        ([("a/x.c", "b/y.h", "include")], "a/x.c takes include from b/y.h, a room behind its own"),
        ([("b/x.c", "nowhere.h", "include")], "b/x.c takes nowhere.h (include), which is in no room"),
        (
            [("a/x.c", "a/y.c", "f"), ("a/y.c", "a/z.c", "g"), ("a/z.c", "a/x.c", "h")],
            "a circle: a/x.c → a/y.c → a/z.c → a/x.c",
        ),
    ],
)
def test_a_fault_is_named(arrows: list[tuple[str, str, str]], words: str) -> None:
    assert c_rooms.faults(arrows, ("a", "b")) == [words]


def test_arrows_down_are_none() -> None:
    assert c_rooms.faults([("b/x.c", "a/y.c", "f"), ("b/x.c", "b/z.c", "g"), ("b/z.c", "a/y.c", "f")], ("a", "b")) == []
