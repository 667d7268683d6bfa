# SPDX-License-Identifier: MIT
"""crfd show: list what is in an image."""

from __future__ import annotations

from crfd.cli import conditions, images, listing
from crfd.errors import CrfdError

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
  crfd show host.crfd --pid 4711
  crfd show host.crfd --csv -c pid,fd,kind,path
  crfd show host.crfd --links
  crfd show --salvage torn.crfd"""


def add(parser: argparse.ArgumentParser) -> None:
    images.add(parser)
    parser.add_argument("--pid", type=int, metavar="N", help="this task alone")
    parser.add_argument("--links", action="store_true", help="who is connected with whom, instead of the descriptors")
    conditions.add(parser)
    listing.add(parser)


def run(args: argparse.Namespace) -> int:
    if args.list_columns:
        return listing.list_columns()
    condition = conditions.chosen(args)
    if args.links:
        conditions.require_none(condition)
    with images.opened(args) as image:
        status = images.report(image)
        if args.pid is not None and args.pid not in image.tasks:
            raise CrfdError(f"{args.image}: no task {args.pid} in this image")
        if args.links:
            from crfd.cli.tables import links

            links.show(image, args.pid, as_json=args.json)
            return status
        number = None if args.pid is None else image.tasks.number(args.pid)
        listing.Listing(args, condition).image(image.view, image.name, number)
    return status
