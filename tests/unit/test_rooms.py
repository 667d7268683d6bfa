# SPDX-License-Identifier: MIT
"""The order of the rooms: a module imports from its own room and from those before it, and no modules go in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import crfd

PACKAGE = Path(crfd.__file__).parent
ORDER = (
    "light",
    "errors",
    "trace",
    "worker",
    "_crfd",
    "_core",
    "format",
    "kinds",
    "query",
    "image",
    "capture",
    "analysis",
    "export",
    "cli",
)
FACES = {"crfd", "crfd.__main__"}  # what the world imports and starts: they name all rooms, and no room needs them
HOME = {name: f"crfd.{module}" for module, names in crfd._HOME.items() for name in names}

Modules = dict[str, ast.Module]
Arrows = dict[str, set[str]]


def package() -> Modules:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text())
    return found


def made_of(**sources: str) -> Modules:
    """Modules by their names in the package, with __ for a dot."""
    return {f"crfd.{name.replace('__', '.')}": ast.parse(source) for name, source in sources.items()}


def imported(tree: ast.Module) -> Iterator[str]:
    """The names imported anywhere in a module: also in a function, also for the type checker alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: expected an absolute import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(modules: Modules) -> Arrows:
    """Return the modules that each uses, a name of the package's face by the module where it lives."""

    def module(name: str) -> str | None:
        if not name.startswith("crfd.") or name == "crfd.__version__":
            return None
        name = HOME.get(name.split(".")[1], name)
        while name not in modules and name.count(".") > 1:
            name = name.rpartition(".")[0]
        return name

    found = {one: {module(name) for name in imported(tree)} for one, tree in modules.items() if one not in FACES}
    return {one: {other for other in others if other and other != one} for one, others in found.items()}


def room(module: str) -> str:
    return module.split(".")[1]


def run_up(found: Arrows) -> list[str]:
    return sorted(
        f"{one} -> {other}"
        for one, others in found.items()
        for other in others
        if ORDER.index(room(other)) > ORDER.index(room(one))
    )


def circle(found: Arrows) -> list[str]:
    try:
        TopologicalSorter(found).prepare()
    except CycleError as e:
        return list(e.args[1])
    return []


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(module) for module in package() if module not in FACES} <= {*ORDER}


def test_no_import_runs_up() -> None:
    found = run_up(arrows(package()))
    assert not found, f"expected none, found {', '.join(found)}"


def test_one_module_imports_the_compiled_one() -> None:
    assert [one for one, others in arrows(package()).items() if "crfd._crfd" in others] == ["crfd._core.library"]


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circle(arrows(package()))
    assert not found, f"expected none, found {' -> '.join(found)}"


@pytest.mark.parametrize(
    "source",
    [
        "from crfd.cli.main import main",
        "from crfd.cli import main",
        "import crfd.cli.main",
        "import os, crfd.cli.main as entry",
        "def late():\n from crfd.cli.main import main",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n from crfd.cli.main import main",
    ],
)
def test_an_import_that_runs_up_is_named(source: str) -> None:
    found = arrows(made_of(image__reader=source, cli__main="", cli=""))
    assert run_up(found) == ["crfd.image.reader -> crfd.cli.main"]


def test_an_import_of_the_face_is_one_of_the_module_behind_it() -> None:
    found = arrows(made_of(kinds__event="from crfd import Image, __version__", image__reader=""))
    assert run_up(found) == ["crfd.kinds.event -> crfd.image.reader"]


def test_a_circle_is_named() -> None:
    found = arrows(made_of(kinds__one="from crfd.kinds.two import x", kinds__two="from crfd.kinds import one"))
    assert {*circle(found)} == {"crfd.kinds.one", "crfd.kinds.two"}
