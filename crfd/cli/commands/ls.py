# SPDX-License-Identifier: MIT
"""crfd ls: a live table, no file."""

from __future__ import annotations

import argparse
import io

from crfd.capture.dumper import dump
from crfd.cli import arguments
from crfd.cli.exit_status import DONE, PARTLY


def add(parser: argparse.ArgumentParser) -> None:
    arguments.add(parser)
    parser.add_argument("--json", action="store_true", help="JSON Lines, one object a descriptor")


def run(args: argparse.Namespace) -> int:
    from crfd.cli.tables import descriptors
    from crfd.image.reader import Image

    image = io.BytesIO()
    result = dump(arguments.chosen(args), image, backend=args.backend, holds=args.holds)
    with Image(image.getbuffer()) as live:
        descriptors.show(live.tasks.values(), as_json=args.json)
    arguments.report(result.unread)
    return PARTLY if result.unread else DONE
