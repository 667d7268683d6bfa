# SPDX-License-Identifier: MIT
"""The entry point. Each subcommand is a module of commands/, with add() for its arguments and run() for its work."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

from crfd import __version__
from crfd.cli import output
from crfd.cli.exit_status import FAILED, INTERRUPTED, SIGNALLED, USAGE, Terminated, UsageError
from crfd.errors import CrfdError, UnreadError

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from typing import Any, NoReturn

COMMANDS = {
    "dump": "write an image of the open descriptors of processes",
    "ls": "show the open descriptors of processes now, without a file",
    "who": "say who holds a file, a directory's contents, a port, a socket or a pipe",
    "top": "show which processes have the most descriptors, how full their tables are, and with what",
    "show": "show an image",
    "verify": "check every rule and checksum of an image",
    "info": "show an image's head, counts, sharing and sizes",
    "check": "say which backends and capabilities can be used here, and why not",
}
GREP = {"who"}  # whose status 1 says that nothing was found
SIGNED = {"--sort"}  # whose value may begin with a dash
EPILOG = "exit status: 0 done, 1 failed, 2 usage, 3 done but some processes could not be read"


class _Formatter(argparse.HelpFormatter):
    """argparse's own, which makes one for each argument and imports shutil to learn the width of the terminal."""

    def __init__(self, prog: str) -> None:
        told = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=max(40, int(told) if told.isdecimal() else 120) - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Paragraphs filled, lines that begin with blanks as they stand."""
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
    """Knows the arguments of one subcommand and the names of the others; without one, all of them."""
    top = _Parser(prog="crfd", description="Snapshots of the open file descriptors of Linux processes.", epilog=EPILOG)
    top.add_argument("-V", "--version", action="version", version=f"crfd {__version__}")
    commands = top.add_subparsers(dest="subcommand", metavar="COMMAND", required=True, prog="crfd")
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=f"{about}.", epilog=EPILOG)
        if subcommand is None or name == subcommand:
            module = import_module(f"crfd.cli.commands.{name}")
            module.add(command)
            command.epilog = f"examples:\n\n{module.EXAMPLES}\n\n{EPILOG}"
            command.set_defaults(run=module.run)
    commands.add_parser("help", help="say how a command is used: crfd help ls")
    return top


def _joined(words: Sequence[str]) -> list[str]:
    """--sort -size as --sort=-size: argparse would take the value for an option."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in SIGNED and re.match("-[^-]", word):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    words = _joined(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    subcommand = words[0] if words else ""
    verbose = False
    try:
        try:
            args = parser(subcommand).parse_args(words)
            verbose = getattr(args, "verbose", False)
            status = int(args.run(args))
        finally:  # also what was found before an error, and --help, which exits
            output.out.flush()
        return status
    except SystemExit:
        raise
    except BaseException as e:
        status = _explain(e, subcommand, verbose=verbose)
        return USAGE if status == FAILED and subcommand in GREP else status


def _explain(error: BaseException, subcommand: str, *, verbose: bool) -> int:
    """Says what went wrong, one line a reason, and gives the exit status; re-raises what should never happen."""
    if isinstance(error, UsageError):
        return _say(f"{error} (see crfd {subcommand} --help)", USAGE)
    if isinstance(error, UnreadError):
        from crfd.cli.arguments import report

        report(error.unread, verbose=verbose)
        return FAILED
    if isinstance(error, BrokenPipeError) and not error.filename:
        return FAILED  # whoever read our table has seen enough
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, Terminated):
        return SIGNALLED + error.number
    if isinstance(error, (CrfdError, OSError, MemoryError)):
        return _say(_reason(error), FAILED)
    raise error


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or "out of memory"


def _say(words: str, status: int) -> int:
    output.err.line(f"crfd: {words}")
    return status
