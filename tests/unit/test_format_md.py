# SPDX-License-Identifier: MIT
"""csrc/format/FORMAT.md states what the headers declare: hold the two together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from crfd._core.kinds import kind_name
from crfd._core.library import ffi

ROOM = Path(__file__).parents[2] / "csrc" / "format"
HEADER = (ROOM / "format.cdef.h").read_text()
TEXT = (ROOM / "FORMAT.md").read_text()
SECTION = TEXT.partition("## Record types")[2].partition("##")[0]


def test_generated_tables_are_fresh() -> None:
    assert subprocess.run([sys.executable, ROOM / "layouts.py", "--check"], check=False).returncode == 0


def test_stated_offsets_are_the_compilers() -> None:
    for name, body in re.findall(r"^### (crfd_\w+)\n.*?\| offset \|.*?\n\| --- .*?\n(.*?)\n\n", TEXT, re.S | re.M):
        members = dict(ffi.typeof(name).fields)
        stated = {row.split("|")[3].strip(): int(row.split("|")[1]) for row in body.splitlines()}
        assert stated == {field: info.offset for field, info in members.items()}, name


def test_record_types_are_those_of_the_header() -> None:
    enum = re.search(r"enum crfd_rec_type \{(.*?)\};", HEADER, re.S)
    assert enum
    declared = {name: int(value, 0) for name, value in re.findall(r"CRFD_REC_(\w+) = (\w+)", enum[1])}
    stated = {name: int(value, 0) for value, name in re.findall(r"^\| (0x\w+|\d+) \| ([A-Z_]+) \|", SECTION, re.M)}
    assert stated == {name: value for name, value in declared.items() if not name.endswith("_FIRST")}


def test_every_kind_has_a_name() -> None:
    enum = re.search(r"enum crfd_kind \{(.*?)\};", HEADER, re.S)
    assert enum
    names = [kind_name(int(value)) for value in re.findall(r"= (\d+)", enum[1])]
    assert len(set(names)) == len(names)
    assert not [name for name in names if name.startswith("kind-")]
