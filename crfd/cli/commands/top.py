# SPDX-License-Identifier: MIT
"""crfd top: tell which processes are the fullest, and of what."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from crfd._core.probe import keep_privileges
from crfd.analysis import top
from crfd.capture.dumper import dump, has_ended, none_read
from crfd.capture.spool import Spool
from crfd.cli import arguments, conditions, output
from crfd.cli.exit_status import DONE, PARTLY
from crfd.cli.tables import text

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse

    from crfd._core.batch import Unread
    from crfd._core.tally import Group
    from crfd.capture.selection import Selection

LINES = 20
# CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE (linux/capability.h): what a look takes for which the BPF programs are loaded already.
# With /proc it may take CAP_SYS_ADMIN as well, to enter the network namespace of a socket.
KEPT = 1 << 2 | 1 << 19
EXAMPLES = """\
  crfd top                          the fullest processes: numbers alone, and so at once
  crfd top --kinds                  and what they have open: every descriptor is looked at
  crfd top --by user
  crfd top --by path --deleted      the files without a name that most descriptors are of
  crfd top --every 10               again every 10 s, with what has changed"""

Row = tuple[str, ...]
Found = tuple[Row, frozenset[int], list[tuple[object, int, Row]], int]  # header, right, (identity, fds, cells), groups


def add(parser: argparse.ArgumentParser) -> None:
    arguments.add(parser)
    conditions.add(parser)
    show = parser.add_argument_group("output")
    show.add_argument("--by", choices=top.BY, default="process", help="a line for each (default: %(default)s)")
    show.add_argument(
        "--kinds",
        action="store_true",
        help="of each process also the kinds, deleted bytes and shared descriptors, for which all tables are read",
    )
    show.add_argument(
        "-n", "--lines", metavar="N", type=_lines, default=LINES, help="at most; 0: all (default: %(default)s)"
    )
    show.add_argument(
        "--every", metavar="SECONDS", type=_seconds, help="again and again, with the change since the last"
    )
    show.add_argument("--times", metavar="N", type=_lines, default=0, help="so often, with --every (default: no end)")
    show.add_argument("--no-header", action="store_true", help="no line of names")


def _lines(word: str) -> int:
    if not word.isdecimal():
        raise arguments.refused(f"expected a number, found {word!r}")
    return int(word)


def _seconds(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = 0
    if not 0 < value < 1e9:
        raise arguments.refused(f"expected seconds, found {word!r}")
    return value


def run(args: argparse.Namespace) -> int:
    arguments.trace(args)
    chosen = arguments.chosen(args, everything=True)
    before: dict[object, int] | None = None
    shown = 0
    while True:
        found, unread, backend = _look(args, chosen)
        _print(args, found, before, again=shown > 0)
        before = {identity: fds for identity, fds, _ in found[2]}
        shown += 1
        if not args.every or shown == args.times:
            break
        if shown == 1 and backend != "proc":
            keep_privileges(KEPT)
        time.sleep(args.every)
    arguments.report(unread)
    return PARTLY if unread else DONE


def _look(args: argparse.Namespace, chosen: Selection) -> tuple[Found, list[Unread], str]:
    """Return what is shown, who could not be read, and the backend that read the tables, "" where numbers were enough."""
    condition = conditions.chosen(args)
    if args.by == "process" and condition is None and not args.kinds:
        usages, unread = top.counts(chosen.resolve(), args.lines or None)
        if unread and not usages:
            raise none_read(unread)
        return _processes(usages, counts=True), [one for one in unread if not has_ended(one, chosen)], ""
    with Spool() as spool:
        push = condition.push(("shared",)) if condition else None
        result = dump(chosen, spool, backend=args.backend, push=push)
        if args.by == "process":
            found = _processes(top.by_process(spool.view(), condition))
        else:
            most = None if args.every or not args.lines else args.lines
            n, groups = top.by_column(spool.view(), args.by, condition, most)
            found = _groups(args.by, groups, n)
        return found, list(result.unread), result.backend


def _processes(usages: Sequence[top.Usage], *, counts: bool = False) -> Found:
    header: Row = ("PID", "USER", "FDS", "LIMIT", "FULL", "COMMAND")
    if not counts:
        header = (*header[:-1], "DELETED", "SHARED", "COMMAND", "KINDS")
    rows: list[tuple[object, int, Row]] = []
    for one in usages:
        limit = "-" if one.limit is None else str(one.limit)
        full = "-" if one.full is None else f"{100 * one.full:.1f}%"
        comm = text.escape(os.fsencode(one.comm)) or "-"
        rest: Row = (comm,) if counts else (_bytes(one.deleted_bytes), str(one.shared), comm, _kinds(one.kinds))
        rows.append(((one.pid, one.start_time), one.fds, (str(one.pid), one.user, str(one.fds), limit, full, *rest)))
    return header, frozenset({0, *range(2, header.index("COMMAND"))}), rows, len(rows)


def _groups(by: str, groups: Sequence[Group], n: int) -> Found:
    header: Row = ("FDS", "DELETED", "SHARED", by.upper())
    if by not in {"kind", "path"}:
        header = (*header, "KINDS")
    rows: list[tuple[object, int, Row]] = []
    for group in groups:
        cells: Row = (str(group.fds), _bytes(group.deleted_bytes), str(group.shared), text.escape(group.key[0]) or "-")
        rows.append((group.key, group.fds, (*cells, _kinds(group.kinds))[: len(header)]))
    return header, frozenset({0, 1, 2}), rows, n


def _bytes(n: int) -> str:
    return text.size(n).replace(" ", "") if n else "-"


def _kinds(kinds: dict[str, int]) -> str:
    return ",".join(f"{kind}={n}" for kind, n in kinds.items()) or "-"


def _print(args: argparse.Namespace, found: Found, before: dict[object, int] | None, *, again: bool) -> None:
    header, right, rows, n = found
    shown = rows[: args.lines] if args.lines else rows
    lines = [cells for _, _, cells in shown]
    if before is not None:
        at = header.index("FDS") + 1
        header = (*header[:at], "CHANGE", *header[at:])
        right = frozenset({*(i if i < at else i + 1 for i in right), at})
        changes = [f"{fds - before.get(identity, 0):+d}" for identity, fds, _ in shown]
        lines = [(*cells[:at], change, *cells[at:]) for cells, change in zip(lines, changes, strict=True)]
    if again:
        output.out.line("")
    table = list(text.table(header, lines, right))
    for line in table[1 if args.no_header else 0 :]:
        output.out.line(line)
    if len(lines) < n:
        output.out.line(f"({n - len(lines)} more)")
    output.out.flush()
