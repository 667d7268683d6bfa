# SPDX-License-Identifier: MIT
"""crfd verify: check every invariant and checksum of an image."""

from __future__ import annotations

from crfd.cli import output
from crfd.cli.exit_status import DONE
from crfd.cli.progress import Progress
from crfd.cli.tables import text

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
  crfd verify host.crfd"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="a file, or - for standard input")


def run(args: argparse.Namespace) -> int:
    from crfd.image.verifier import verify

    progress = Progress()
    found = verify(args.image, progress=lambda done: progress(f"{text.size(done)} checked"))
    progress.done()
    output.out.line(
        f"{args.image}: correct: {text.count(found.tasks, 'task')}, {text.count(found.fds, 'fd')}, "
        f"{text.count(found.objrefs, 'open file')}, {text.size(found.bytes)}"
    )
    return DONE
