# SPDX-License-Identifier: MIT
"""Every way to read an image, each to its end.

As a program it reads mutants by all of them: what `verify` takes each must show, what it refuses each must refuse.

    python -m tests.readers --seconds 3 [--first 1000000]    until then, from the mutant of that number on
    python -m tests.readers --only 1000017                   one mutant, again
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import crfd
from crfd._core.arrow import tables
from crfd._core.columns import ImageReader, Render, columns
from crfd._core.tally import tally
from crfd.analysis.top import by_column, by_process
from crfd.cli import main as cli
from tests import arrow
from tests.mutate import mutant

HANGS = 60  # seconds after which one mutant counts as endless
CLI = 3  # commands that one mutant is shown by, of all

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("show",),
    ("show", "--json"),
    ("show", "--csv", "-c", "all"),
    ("show", "-c", "all", "--sort=-size,path"),
    ("show", "--links"),
    ("show", "--links", "--json"),
    ("show", "--group", "--color", "always"),
    ("show", "--null", "-c", "pid,fd,path,detail"),
    ("show", "--count-by", "kind,owner"),
    ("show", "--where", "deleted or size > 1 or path =~ 'e'"),
    ("show", "-t"),
    ("info",),
)


class BrokenError(AssertionError):
    """A reader did what it must not."""


# ---- the library ----


def visit(value: object, seen: dict[int, object]) -> None:
    """Ask a value and all that it leads to for every property that it has."""
    if value is None or isinstance(value, (bool, int, float, bytes, str, memoryview)) or id(value) in seen:
        return
    seen[id(value)] = value
    repr(value)
    for name in dir(type(value)):
        if isinstance(getattr(type(value), name), property) and type(value).__module__.startswith("crfd"):
            visit(getattr(value, name), seen)
    if isinstance(value, Mapping):
        for item in value.values():
            visit(item, seen)
    elif isinstance(value, Iterable):
        for item in value:
            visit(item, seen)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            visit(getattr(value, field.name), seen)


def _tasks(image: crfd.Image) -> None:
    visit(image.tasks, {})
    for name in ("head", "info", "still", "lock_waits", "size", "view"):
        visit(getattr(image, name), {})
    repr(image)


def _columns(image: crfd.Image) -> None:
    whole = image.columns()
    verified = crfd.verify(io.BytesIO(image.view))
    counts = (len(image.tasks), len(whole.tasks), len(whole.fds), len(whole.files) - 1)
    assert counts == (verified.tasks, verified.tasks, verified.fds, verified.objrefs), (counts, verified)
    for table in (whole.tasks, whole.fds, whole.files):
        assert len(list(table.rows())) == len(table)
        for field in table.layout.fields:
            if not field.code.endswith("s"):
                table[field.name].tolist()
    for objref in range(1, len(whole.files)):
        whole.path(objref)
        visit(image.file(objref), {})


def _links(image: crfd.Image) -> None:
    found = crfd.links(image)
    for link in found:
        for end in (*link.sources, *link.targets):
            assert link in found.of(end)
            assert len(found.holders(end)) == found.count_holders(end)
    for pid in image.tasks:
        found.held_by(pid)
    crfd.deadlocks(image)


def _fields(image: crfd.Image) -> None:
    """Fields that NULs end, as many in each row as there are columns."""
    render = Render([*columns()], "nul")
    found = b"".join(map(bytes, render.rows(ImageReader(image.view, None)))).count(b"\0")
    if found != render.count * len(columns()):
        raise ValueError(f"expected {render.count} rows of {len(columns())} fields, found {found} fields")


def _arrow(image: crfd.Image) -> None:
    for name in tables():
        arrow.rows(image.table(name, columns=image.table(name).choices))


def _filtered(image: crfd.Image) -> None:
    for name in tables():
        arrow.rows(image.table(name).where("deleted or fd > 1 or path =~ 'e' or detail =~ '1'"))


def _top(image: crfd.Image) -> None:
    for one in by_process(image.view):
        assert one.full is None or one.full >= 0
    by_column(image.view, "path")


LIBRARY: dict[str, Callable[[crfd.Image], object]] = {
    "tasks": _tasks,
    "columns": _columns,
    "records": lambda image: [bytes(record.payload) for record in image.records()],
    "links": _links,
    "consistency": lambda image: image.consistency(),
    "arrow": _arrow,
    "arrow, filtered": _filtered,
    "top": _top,
    "fields": _fields,
    "tally": lambda image: tally(ImageReader(image.view, None), ("kind", "comm")),
}


def _read(name: str, opened: Callable[[], crfd.Image]) -> crfd.FormatError | None:
    """Read an image; return None, or why it was refused. Whatever else is raised is broken."""
    try:
        with opened() as image:
            LIBRARY[name](image)
    except crfd.FormatError as e:
        return e
    except Exception as e:
        raise BrokenError(f"{name}: expected a value or a FormatError, found {e!r}") from e
    return None


def _salvage(data: bytes, refused: crfd.FormatError | None) -> None:
    """Salvage an image, which gives a correct one, with all of it where it is correct."""
    try:
        found = crfd.open(io.BytesIO(data), salvage=True)
    except crfd.FormatError:
        if refused is None:
            raise BrokenError("salvage: refused, though verify says: correct") from None
        return
    with found:
        crfd.verify(io.BytesIO(found.view))
        _tasks(found)
        if (found.damage is None) != (refused is None):
            raise BrokenError(f"salvage: {found.damage}, though verify says: {refused}")


# ---- the command line ----


def run(words: Iterable[str]) -> tuple[int, str, str]:
    """Run a command: status, standard output, standard error."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = cli.main(list(words))
        except (Exception, SystemExit) as e:
            raise BrokenError(f"crfd {' '.join(words)}: expected a status, found {e!r}") from e
    out.seek(0)
    err.seek(0)
    return status, out.read(), err.read()


def _show(words: tuple[str, ...], path: Path, refused: crfd.FormatError | None) -> None:
    status, out, err = run((*words, str(path)))
    command = f"crfd {' '.join(words)}"
    if refused is None and (status or err):
        raise BrokenError(f"{command}: expected status 0, found {status}: {err}")
    if refused is not None and (status != 1 or "offset " not in err):
        raise BrokenError(f"{command}: expected status 1 and the offset of a fault, found {status}: {err}")
    if "\x1b" in out and not {"--color", "--null"} & {*words}:
        raise BrokenError(f"{command}: an escape sequence came out")
    if "--json" in words:
        for line in out.splitlines():
            json.loads(line)


# ---- mutants ----


def read_by_all(number: int, folder: Path) -> bool:
    """Whether a mutant is an image; BrokenError where readers disagree about it."""
    data = mutant(number)
    path = folder / "mutant.crfd"
    path.write_bytes(data)
    try:
        crfd.verify(path)
        refused = None
    except crfd.FormatError as e:
        refused = e
    _salvage(data, refused)
    choose = random.Random(number)
    for name in LIBRARY:
        opened = choose.choice((lambda: crfd.open(path), lambda: crfd.Image(data), lambda: crfd.open(path, map=True)))
        found = _read(name, opened)
        if (found is None) != (refused is None):
            raise BrokenError(f"{name}: {found or 'read'}, though verify says: {refused or 'correct'}")
    for words in choose.sample(COMMANDS, CLI):
        _show(words, path, refused)
    return refused is None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    return parser.parse_args()


def main() -> int:
    args = _arguments()
    end = time.monotonic() + args.seconds
    number = args.first if args.only is None else args.only
    taken = [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        while not any(taken) or (args.only is None and time.monotonic() < end):
            sys.stdout.write(f"{number}\n")  # so that a crash or a hang says whose it was
            sys.stdout.flush()
            faulthandler.dump_traceback_later(HANGS, exit=True)
            try:
                taken[read_by_all(number, Path(folder))] += 1
            except BrokenError as e:
                faulthandler.cancel_dump_traceback_later()
                sys.stderr.write(f"mutant {number}: {e}\n")
                if args.only is not None:
                    raise
                return 1
            number += 1
    faulthandler.cancel_dump_traceback_later()
    print(f"refused {taken[0]} taken {taken[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
