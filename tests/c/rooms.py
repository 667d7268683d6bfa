# SPDX-License-Identifier: MIT
"""Holds csrc to the order of its rooms: `rooms.py [BUILD]`, with the directory of the objects also their symbols.

An include or a symbol that one room takes from a room behind it is an arrow up; files that need each other in turn are a
circle. Each is named, and the exit status is 1.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

CSRC = Path(__file__).resolve().parents[2] / "csrc"
Arrow = tuple[str, str, str]  # from a file, to a file, for which include or symbol


def rooms() -> tuple[str, ...]:
    """The order as build_ffi.py writes it."""
    for node in ast.parse((CSRC / "build_ffi.py").read_text(encoding="ascii")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "ROOMS":
            return tuple(ast.literal_eval(node.value))
    raise SystemExit("build_ffi.py: expected ROOMS")


def includes() -> Iterator[Arrow]:
    """Give the arrows from each file to the headers of ours that it includes. The kernel's side (*.bpf.*) is compiled apart."""
    for path in sorted(CSRC.glob("*/*.[ch]")):
        if ".bpf." not in path.name:
            for found in re.findall(r'^#include "(.+)"', path.read_text(encoding="utf-8"), re.M):
                yield path.relative_to(CSRC).as_posix(), found, "include"


def symbols(build: Path) -> Iterator[Arrow]:
    """Give the arrows from every object that needs a symbol to the one that defines it."""
    objects = sorted(path for path in build.glob("*/*.o") if path.parent.name in rooms())
    if not objects:
        raise SystemExit(f"{build}: expected objects, found none")
    home: dict[str, str] = {}
    wanted: list[tuple[str, str]] = []
    for path in objects:
        name = path.relative_to(build).with_suffix(".c").as_posix()
        for line in subprocess.check_output(["nm", path], text=True).splitlines():
            *_, kind, symbol = line.split()
            if kind == "U":
                wanted.append((name, symbol))
            elif kind in "TDBRVW":
                home[symbol] = name
    yield from ((name, home[symbol], symbol) for name, symbol in wanted if symbol in home)


def upward(arrows: list[Arrow], order: tuple[str, ...]) -> Iterator[str]:
    place = {room: number for number, room in enumerate(order)}
    for source, target, why in arrows:
        if "/" not in target or target.split("/")[0] not in place:
            yield f"{source} takes {target} ({why}), which is in no room"
        elif place[target.split("/")[0]] > place[source.split("/")[0]]:
            yield f"{source} takes {why} from {target}, a room behind its own"


def circle(arrows: list[Arrow]) -> list[str]:
    """The files of one circle, each before one that it needs; empty where there is none."""
    needs: dict[str, set[str]] = {}
    for source, target, _ in arrows:
        if source != target:
            needs.setdefault(source, set()).add(target)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as e:
        return list(reversed(e.args[1]))
    return []


def faults(arrows: list[Arrow], order: tuple[str, ...]) -> list[str]:
    found = list(upward(arrows, order))
    if files := circle(arrows):
        found.append(f"a circle: {' → '.join(files)}")
    return found


def main(argv: list[str]) -> int:
    order = rooms()
    found = faults(list(includes()), order)
    stray = [path.name for path in CSRC.iterdir() if path.is_file() and path.name != "build_ffi.py"]
    found += [f"csrc/{name}: it belongs into a room" for name in stray]
    found += [f"csrc/{path.name}: a room without a place in ROOMS" for path in CSRC.iterdir()
              if path.is_dir() and path.name not in {*order, "__pycache__"}]  # fmt: skip
    if argv:
        found += faults(list(symbols(Path(argv[0]))), order)
    print("\n".join(found) or f"{' < '.join(order)}: no arrow up, no circle")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
