# SPDX-License-Identifier: MIT
"""The argument that names an image, and what is said of one that is damaged. Shared by the commands that show images."""

from __future__ import annotations

from crfd.cli import output
from crfd.cli.exit_status import DONE, PARTLY

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse

    from crfd.image.reader import Image


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="a file, or - for standard input")
    parser.add_argument("--salvage", action="store_true", help="of a damaged image show the tasks that are whole")


def opened(args: argparse.Namespace) -> Image:
    from crfd.image.reader import open as open_image

    return open_image(args.image, salvage=args.salvage)


def report(image: Image) -> int:
    """Say on standard error what a damaged image has lost; return the exit status."""
    if image.damage is None:
        return DONE
    output.out.flush()
    output.err.line(f"crfd: {image.damage}")
    for one in image.lost:
        whose = "" if one.pid is None else f", where pid {one.pid} begins"
        output.err.line(f"crfd: {image.name}: lost: offsets {one.offset} to {one.end}{whose}")
    if image.lost_files:
        output.err.line(f"crfd: {image.name}: {image.lost_files:,} descriptors whose description was there")
    return PARTLY
