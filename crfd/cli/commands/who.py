# SPDX-License-Identifier: MIT
"""crfd who: tell who holds a file, a directory's contents, a port, a socket, a pipe."""

from __future__ import annotations

from crfd.analysis.who import Question
from crfd.capture import backend as backends
from crfd.capture.dumper import HOLDS, dump
from crfd.capture.selection import Selection
from crfd.capture.spool import Spool
from crfd.cli import arguments, conditions, listing, output
from crfd.cli.commands import ls
from crfd.cli.exit_status import DONE, PARTLY, USAGE, UsageError
from crfd.cli.tables import text
from crfd.errors import QueryError

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse

    from crfd._core.batch import Unread
    from crfd.image.reader import Image

NONE = 1  # as grep's
COLUMNS = ("pid", "comm", "user", "num", "kind", "access", "name")
EXAMPLES = """\
  crfd who /var/log/syslog          by device and inode: hard links and other mounts too
  crfd who /srv/                    everything below a directory
  crfd who --mount /mnt             what keeps a file system busy
  crfd who :8080  tcp:443  10.0.0.5:443  [::1]:53
  crfd who /run/docker.sock  @/tmp/.X11-unix/X0  pipe:[4711]  pid:4711
  kill $(crfd who -t /mnt/file)

status: 0 found, 1 nobody holds it, 2 failed, 3 not found, but some processes could not be read"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="*",
        help="PATH, DIR/, :PORT, tcp:PORT, ADDRESS:PORT, @ABSTRACT, pipe:[N], socket:[N], ino:N, pid:N",
    )
    parser.add_argument("--mount", metavar="PATH", action="append", default=[], help="all on the file system of a path")
    parser.add_argument("--holds", choices=HOLDS, default="all", help="fd: descriptors alone, which is faster")
    parser.add_argument("--backend", choices=backends.NAMES, default="auto", help="how to scan (default: %(default)s)")
    arguments.add_more(parser)
    arguments.add_debug(parser)
    conditions.add(parser)
    listing.add(parser)


def run(args: argparse.Namespace) -> int:
    if args.list_columns:
        return listing.list_columns()
    arguments.trace(args)
    if not args.what and not args.mount:
        raise UsageError("expected what to look for, found nothing")
    try:
        question = Question(args.what, args.mount)
    except QueryError as e:
        raise UsageError(f"expected {e.expected}, found {e.found}") from None
    rows, unread = _ask(args, question)
    output.out.flush()
    by_kernel = question.held_by_the_kernel()
    for path, by, _ in by_kernel:
        output.err.line(f"crfd: {text.escape(path)}: held by the kernel, for {by}")
    if rows or by_kernel:
        return DONE
    arguments.report(unread)
    for doubt in question.doubts:
        why = "no answer from its file system" if isinstance(doubt, TimeoutError) else doubt.strerror
        output.err.line(f"crfd: {doubt.filename}: {why}: looked for by name")
    return USAGE if question.doubts else PARTLY if unread else NONE


def _ask(args: argparse.Namespace, question: Question) -> tuple[int, list[Unread]]:
    """List the holders; return how many lines that were, and the processes that could not be read."""
    if not question.needs_links:
        told = _listing(args, question)
        unread = ls.show(
            told, Selection.everything(), args.backend, args.holds, polls=args.polls, sockopts=args.sockopts
        )
        return told.rows, unread
    from crfd.image.reader import Image

    with Spool() as spool:
        result = dump(
            Selection.everything(),
            spool,
            backend=args.backend,
            holds=args.holds,
            polls=args.polls,
            sockopts=args.sockopts,
        )
        with Image(spool.view()) as image:
            told = _listing(args, question, image)
            told.image(image.view, None)
    return told.rows, list(result.unread)


def _listing(args: argparse.Namespace, question: Question, image: Image | None = None) -> listing.Listing:
    condition = question.condition(image)
    more = conditions.chosen(args)
    return listing.Listing(args, condition if more is None else condition & more, COLUMNS, only_found=True)
