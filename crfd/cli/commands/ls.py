# SPDX-License-Identifier: MIT
"""crfd ls: list what is open now, without a file."""

from __future__ import annotations

from crfd._core.batch import Batch, Unread
from crfd.capture.dumper import choose, dump, has_ended, scan_running
from crfd.capture.selection import Selection
from crfd.capture.spool import Spool
from crfd.cli import arguments, conditions, listing, output
from crfd.cli.exit_status import DONE, PARTLY

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

EXAMPLES = """\
  crfd ls 4711                      one process
  crfd ls                           every process
  crfd ls -c +size,user --sort -size
  crfd ls --count-by kind,user
  crfd ls --deleted --min-size 100M
  crfd ls --where 'kind in ("file", "dir") and path =~ "^/(var|srv)/"'
  crfd ls --json | jq -r 'select(.deleted) | .path'"""


def add(parser: argparse.ArgumentParser) -> None:
    arguments.add(parser)
    conditions.add(parser)
    listing.add(parser)
    parser.add_argument("--links", action="store_true", help="who is connected with whom, instead of the descriptors")


def run(args: argparse.Namespace) -> int:
    if args.list_columns:
        return listing.list_columns()
    arguments.trace(args)
    chosen = arguments.chosen(args, everything=True)
    condition = conditions.chosen(args)
    if args.links:
        conditions.require_none(condition)
        unread = _links(args, chosen)
    else:
        unread = show(
            listing.Listing(args, condition), chosen, args.backend, args.holds, polls=args.polls, sockopts=args.sockopts
        )
    output.out.flush()
    arguments.report(unread, verbose=args.verbose)
    return PARTLY if unread else DONE


def show(
    told: listing.Listing, chosen: Selection, backend: str, holds: str, *, polls: bool, sockopts: bool
) -> list[Unread]:
    """List the descriptors of processes, and return the processes that could not be read."""
    polls = polls or told.names(listing.POLLS)
    sockopts = sockopts or told.names(listing.SOCKOPTS)
    if told.needs_image:
        with Spool() as spool:
            result = dump(chosen, spool, backend=backend, holds=holds, polls=polls, sockopts=sockopts, push=told.push)
            told.image(spool.view(), None, let_go=spool.let_go)
        return list(result.unread)
    unread: list[Unread] = []

    def read(batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            unread.extend(batch.unread())
            yield batch

    with scan_running(
        choose(backend), chosen.resolve(), holds == "all", told.push, polls=polls, sockopts=sockopts
    ) as batches:
        told.batches(read(batches))
    return [one for one in unread if not has_ended(one, chosen)]


def _links(args: argparse.Namespace, chosen: Selection) -> list[Unread]:
    from crfd.cli.tables import links
    from crfd.image.reader import Image

    with Spool() as spool:
        result = dump(chosen, spool, backend=args.backend)
        with Image(spool.view()) as image:
            links.show(image, None, as_json=args.json)
    return list(result.unread)
