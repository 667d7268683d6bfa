# SPDX-License-Identifier: MIT
"""crfd ls: a live table, no file."""

from __future__ import annotations

import argparse
import io

from crfd.cli import choose
from crfd.cli.status import DONE, PARTLY
from crfd.dumper import dump


def add(parser: argparse.ArgumentParser) -> None:
    choose.add(parser)
    parser.add_argument("--json", action="store_true", help="JSON Lines, one object a descriptor")


def run(args: argparse.Namespace) -> int:
    from crfd.cli import render
    from crfd.reader import Image

    image = io.BytesIO()
    result = dump(choose.chosen(args), image, backend=args.backend)
    with Image(image.getbuffer()) as live:
        render.show(live, live.tasks.values(), as_json=args.json)
    choose.report(result.unread)
    return PARTLY if result.unread else DONE
