# SPDX-License-Identifier: MIT
"""Descriptors as lines: which columns, in which order, in which form. Shared by every command that lists some."""

from __future__ import annotations

import os
import sys

from crfd._core.columns import BatchReader, Column, ImageReader, Reader, Render, columns
from crfd.cli import output
from crfd.cli.exit_status import DONE, UsageError

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from crfd._core.batch import Batch
    from crfd._core.scan import Push
    from crfd.query.condition import Condition

DEFAULT = ("pid", "comm", "num", "objref", "shared", "kind", "flags", "f_pos", "dev", "ino", "name")
NARROW = ("pid", "comm", "num", "shared", "kind", "access", "name")  # of a terminal of few columns
GROUPED = ("num", "objref", "shared", "kind", "flags", "f_pos", "dev", "ino", "name")
FEW = 120
LABELS = {"comm": "COMMAND", "num": "FD", "f_pos": "POS", "ino": "INODE"}
POLLS, SOCKOPTS = frozenset({"polled", "pollers"}), frozenset({"sockopts"})  # known where a scan is asked for them
WHOLE = frozenset({"objref", "shared", "peer_pid", "peer_comm"})  # known when the last descriptor has been seen
DROPPED_EVERY = 64  # pieces of text after which what was read may leave memory


def add(parser: argparse.ArgumentParser) -> None:
    show = parser.add_argument_group("output")
    show.add_argument("-c", "--columns", metavar="NAMES", help="columns with commas between; +NAME adds one; all")
    show.add_argument("--list-columns", action="store_true", help="say what columns there are and what they mean")
    show.add_argument("--sort", metavar="NAMES", help="sort by columns; -NAME the largest first")
    show.add_argument("--no-header", action="store_true", help="no line of names")
    show.add_argument("--group", action="store_true", help="a heading and a table for each task")
    form = show.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON Lines, one object a descriptor")
    form.add_argument("--csv", action="store_true", help="comma-separated values")
    form.add_argument("-0", "--null", action="store_true", help="each value as it is, ended by a NUL: for xargs -0")
    form.add_argument("-t", "--pids", dest="only_pids", action="store_true", help="process ids alone, each once")
    form.add_argument("--count", action="store_true", help="how many descriptors there are")
    form.add_argument("--count-by", metavar="NAMES", help="how many there are of each value of columns")
    show.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="of what is deleted, listens or was not read",
    )


def list_columns() -> int:
    """Print a line for each column, with its meaning."""
    known = columns().values()
    width = max(len(c.name) for c in known)
    for c in known:
        of = f" ({c.unit})" if c.unit in {"bytes", "ns", "ticks"} else ""
        output.out.line(f"{c.name:<{width}}  {c.text}{of}{'; with the BPF backend alone' if c.bpf else ''}")
    return DONE


def _column(name: str) -> Column:
    known = columns()
    found = known.get(name.lower())
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), known, 1)
        raise UsageError(
            f"no column {name!r}{f': do you mean {near[0]!r}?' if near else ''} (--list-columns names all)"
        )
    return found


def _names(text: str, usual: Iterable[str]) -> list[str]:
    """Return the columns that the words name; with +NAME the usual ones before them."""
    words = [word for word in text.replace(" ", "").split(",") if word]
    if words == ["all"]:
        return list(columns())
    named = [_column(word.lstrip("+")).name for word in words]
    if any(word.startswith("+") for word in words):
        return [*_with_name_last(usual, named)]
    if not named:
        raise UsageError("expected names of columns, found none")
    return named


def _with_name_last(usual: Iterable[str], more: list[str]) -> Iterator[str]:
    """Add names before the last of the usual ones, which may hold blanks."""
    first = [name for name in usual if name not in more]
    yield from first[:-1]
    yield from more
    yield first[-1]


def _width() -> int:
    """Return the columns of the terminal, 0 where standard output is none."""
    if not output.out.is_terminal:
        return 0
    told = os.environ.get("COLUMNS", "")[:5]  # digits
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        return 0


class Listing:
    """The rows that the arguments of add() ask for, of the descriptors that fit a condition."""

    def __init__(
        self,
        args: argparse.Namespace,
        condition: Condition | None = None,
        usual: Iterable[str] = (),
        *,
        only_found: bool = False,
    ) -> None:
        """usual: the columns of a table when none are named; only_found: no header where there is nothing below it."""
        self._args = args
        self._condition = condition
        self._only_found = only_found
        self._width = _width()
        self.rows = 0
        narrow = 0 < self._width < FEW
        if args.json:
            usual = [c.name for c in columns().values() if c.plain]
        elif not usual or args.group:
            usual = GROUPED if args.group else NARROW if narrow else DEFAULT
        self._columns = _names(args.columns, usual) if args.columns else list(usual)
        if args.only_pids:
            self._columns = ["pid"]
        if args.count_by:
            self._columns = _names(args.count_by, ())
        if args.count:
            self._columns = ["pid"]
        self._sort = [
            (_column(word.lstrip("-+")).name, word.startswith("-")) for word in (args.sort or "").split(",") if word
        ]
        self._format = (
            "json" if args.json else "csv" if args.csv or args.count_by or args.only_pids or args.count else "table"
        )
        if args.null:
            self._format = "nul"

    @property
    def needs_image(self) -> bool:
        """Whether a column is asked for that is known only when the whole is."""
        return self._args.group or not WHOLE.isdisjoint((*self._columns, *self._other_columns()))

    def names(self, columns: frozenset[str]) -> bool:
        """Whether one of the columns is asked for by its name: `all` and the usual ones have what is known without."""
        named = (word.strip(" +").lower() for word in f"{self._args.columns},{self._args.count_by}".split(","))
        return not columns.isdisjoint((*named, *self._other_columns()))

    def _other_columns(self) -> Iterator[str]:
        """Give the columns that are sorted by and those of the condition."""
        yield from (name for name, _ in self._sort)
        yield from self._condition.columns() if self._condition else ()

    @property
    def push(self) -> Push | None:
        """The descriptors that a scan may leave out; None: none."""
        if self._condition is None or self._args.group:
            return None
        return self._condition.push([*self._columns, *(name for name, _ in self._sort)])

    def _render(self) -> Render:
        names = self._columns
        told = self._args.only_pids or self._args.count or self._args.count_by
        labels = None if self._args.no_header or told else [LABELS.get(n, n.upper()) for n in names]
        if labels and self._format == "csv":
            labels = names
        color = self._args.color
        return Render(
            names,
            self._format,
            labels=labels,
            sort=self._sort,
            filter=self._condition.filter if self._condition else None,
            width=self._width,
            color=color == "always" or (color == "auto" and output.out.is_terminal and not os.environ.get("NO_COLOR")),
        )

    def batches(self, batches: Iterable[Batch]) -> None:
        """List what a scan gives, while it goes on."""
        self._put(BatchReader(batch) for batch in batches)

    def image(
        self, view: memoryview, name: str | None, number: int | None = None, let_go: Callable[[], object] | None = None
    ) -> None:
        """List an image, or the number-th task of it."""
        reader = ImageReader(view, name, let_go)
        if self._args.group and self._format == "table":
            self._group(reader, number)
            return
        if number is not None:
            reader.task(number)
        self._put((reader,), let_go)

    def _put(self, readers: Iterable[Reader], let_go: Callable[[], object] | None = None) -> None:
        render = self._render()
        pieces = self._pieces(render, readers)
        if self._args.count:
            for _ in pieces:
                pass
            _write(f"{render.count}\n".encode())
        elif self._args.count_by:
            _write_counts(pieces, self._columns, header=not self._args.no_header)
        elif self._args.only_pids:
            _write_once(pieces)
        else:
            for number, piece in enumerate(pieces):
                _write(piece)
                if let_go and number % DROPPED_EVERY == 0:
                    let_go()
        self.rows += render.count

    def _pieces(self, render: Render, readers: Iterable[Reader]) -> Iterator[memoryview]:
        for reader in readers:
            yield from render.rows(reader)
        if render.count or not self._only_found:
            yield from render.end()

    def _group(self, reader: ImageReader, number: int | None) -> None:
        heading = Heading()
        shown = False
        for task in range(len(reader)) if number is None else (number,):
            head = heading(reader, task)
            reader.task(task)
            render = self._render()
            lines = b"".join(map(bytes, self._pieces(render, (reader,))))
            if self._condition and not render.count:
                continue
            _write(f"{os.linesep if shown else ''}{head}\n".encode())
            shown = True
            if render.count:
                _write(b"".join(b"  %s" % line for line in lines.splitlines(keepends=True)))
            self.rows += render.count


class Heading:
    """The line above the descriptors of a task, which describes it."""

    NAMES = ("pid", "comm", "tgid", "uid", "fds", "fd_table", "identity", "changed", "cmdline", "exe")
    WORDS = 60  # characters of a command line

    def __init__(self) -> None:
        self._render = Render(self.NAMES, "nul")

    def __call__(self, reader: Reader, number: int) -> str:
        from crfd.cli.tables import text

        values = bytes(self._render.head(reader, number)).split(b"\0")[:-1]
        task = dict(zip(self.NAMES, values, strict=True))
        pid, fds = task["pid"].decode(), int(task["fds"])
        thread = f", thread of {task['tgid'].decode()}" if task["tgid"] not in {b"", task["pid"]} else ""
        table = f", fd table {task['fd_table'].decode()} shared" if task["fd_table"] != b"0" else ""
        inferred = ", sharing inferred" if task["identity"] == b"inferred" else ""
        changed = int(task["changed"] or 0)
        moved = f", {text.count(changed, 'number')} changed while it was read" if changed else ""
        uid = f", uid {task['uid'].decode()}" if task["uid"] else ""
        words = text.escape((task["cmdline"] or task["exe"])[: 4 * self.WORDS])
        command = f", {words if len(words) <= self.WORDS else words[: self.WORDS - 1] + '…'}" if words else ""
        name = text.escape(task["comm"])
        return f"pid {pid} ({name}): {text.count(fds, 'fd')}{thread}{table}{inferred}{moved}{uid}{command}"


def _write(data: bytes | memoryview) -> None:
    output.out.raw(data)


def _write_once(pieces: Iterable[memoryview]) -> None:
    """Write each line once, in the order in which they came first."""
    seen: dict[bytes, None] = {}
    for piece in pieces:
        seen.update(dict.fromkeys(bytes(piece).split(b"\r\n")))
    seen.pop(b"", None)
    _write(b"".join(b"%s\n" % line for line in seen))


def _write_counts(pieces: Iterable[memoryview], names: list[str], *, header: bool) -> None:
    """Write a line for each combination of values, the most frequent first."""
    import csv
    from collections import Counter

    from crfd.cli.tables import text

    counts: Counter[bytes] = Counter()
    for piece in pieces:
        counts.update(bytes(piece).split(b"\r\n")[:-1])
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    cells = csv.reader(line.decode() for line, _ in found)
    rows = [(str(n), *(cell or "-" for cell in values or [""])) for (_, n), values in zip(found, cells, strict=True)]
    lines = text.table(("COUNT", *(LABELS.get(name, name.upper()) for name in names)), rows, frozenset({0}))
    _write("".join(f"{line}\n" for line in list(lines)[0 if header else 1 :]).encode())
