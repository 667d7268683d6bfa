# SPDX-License-Identifier: MIT
"""The arguments of all commands, by argparse: for help, manuals, mistakes, and whatever plain.py does not read."""

from __future__ import annotations

import argparse
import os
import sys

from crfd import __version__
from crfd.cli import output
from crfd.cli.commands import COMMANDS, EPILOG, command
from crfd.cli.exit_status import USAGE

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from typing import Any, NoReturn


class _Formatter(argparse.HelpFormatter):
    """argparse's own, which makes one for each argument and imports shutil to learn the width of the terminal."""

    def __init__(self, prog: str) -> None:
        told = os.environ.get("COLUMNS", "")[:5]  # digits
        super().__init__(prog, width=max(40, int(told) if told.isdecimal() else 120) - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Fill paragraphs, and leave lines that begin with blanks as they stand."""
        fill = super()._fill_text
        parts = text.split("\n\n")
        return "\n\n".join(part if part.startswith("  ") else fill(part, width, indent) for part in parts)


class _Parser(argparse.ArgumentParser):
    """Says what it has to say through our own output, and takes no abbreviation: one would choose among options to come."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, formatter_class=_Formatter)

    def _print_message(self, message: str, file: object = None) -> None:
        (output.err if file is sys.stderr else output.out).write(message)

    def error(self, message: str) -> NoReturn:
        output.err.write(self.format_usage())
        output.err.line(f"{self.prog}: error: {message}")
        raise SystemExit(USAGE)


def parser(subcommand: str | None = None) -> argparse.ArgumentParser:
    """Make a parser of the arguments of one subcommand and the names of the others; without one, of all arguments."""
    top = _Parser(prog="crfd", description="Snapshots of the open file descriptors of Linux processes.", epilog=EPILOG)
    top.add_argument("-V", "--version", action="version", version=f"crfd {__version__}")
    commands = top.add_subparsers(dest="subcommand", metavar="COMMAND", required=True, prog="crfd")
    for name, about in COMMANDS.items():
        one = commands.add_parser(name, help=about, description=f"{about}.", epilog=EPILOG)
        if subcommand is None or name == subcommand:
            module = command(name)
            module.add(one)
            one.epilog = f"examples:\n\n{module.EXAMPLES}\n\n{EPILOG}"
            one.set_defaults(run=module.run)
    commands.add_parser("help", help="say how a command is used: crfd help ls")
    return top
