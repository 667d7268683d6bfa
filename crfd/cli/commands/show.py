# SPDX-License-Identifier: MIT
"""crfd show: an image as a table or JSON Lines."""

from __future__ import annotations

import argparse

from crfd.cli.exit_status import DONE
from crfd.errors import CrfdError


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="a file, or - for standard input")
    parser.add_argument("--pid", type=int, metavar="N", help="this task alone; the rest is not read")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one object a descriptor")
    parser.add_argument("--links", action="store_true", help="who is connected with whom, instead of the descriptors")


def run(args: argparse.Namespace) -> int:
    from crfd.cli.tables import descriptors
    from crfd.image.reader import open as open_image

    with open_image(args.image) as image:
        if args.pid is not None and args.pid not in image.tasks:
            raise CrfdError(f"{args.image}: no task {args.pid} in this image")
        if args.links:
            from crfd.cli.tables import links

            links.show(image, args.pid, as_json=args.json)
            return DONE
        tasks = image.tasks.values() if args.pid is None else [image.tasks[args.pid]]
        descriptors.show(tasks, as_json=args.json)
    return DONE
