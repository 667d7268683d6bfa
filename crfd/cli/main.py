# SPDX-License-Identifier: MIT
"""The entry point. Each subcommand is a module of commands/, with add() for its arguments and run() for its work."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from crfd import __version__
from crfd.cli.exit_status import FAILED, INTERRUPTED, USAGE, UsageError
from crfd.errors import CrfdError, UnreadError

COMMANDS = {
    "dump": "write an image of the open descriptors of processes",
    "ls": "show the open descriptors of processes now, without a file",
    "show": "show an image",
    "verify": "check every rule and checksum of an image",
    "info": "show an image's head, counts, sharing and sizes",
    "check": "say which backends and capabilities can be used here, and why not",
}
EPILOG = "exit status: 0 done, 1 failed, 2 usage, 3 done but some processes could not be read"


class _Formatter(argparse.HelpFormatter):
    """argparse's own, which makes one for each argument and imports shutil to learn the width of the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=int(os.environ.get("COLUMNS") or 120) - 2)


def parser(subcommand: str) -> argparse.ArgumentParser:
    """Knows the arguments of one subcommand, and the names of the others."""
    top = argparse.ArgumentParser(
        prog="crfd",
        description="Snapshots of the open file descriptors of Linux processes.",
        epilog=EPILOG,
        formatter_class=_Formatter,
    )
    top.add_argument("--version", action="version", version=f"crfd {__version__}")
    commands = top.add_subparsers(dest="subcommand", metavar="COMMAND", required=True, prog="crfd")
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about, epilog=EPILOG, formatter_class=_Formatter)
        if name == subcommand:
            module = import_module(f"crfd.cli.commands.{name}")
            module.add(command)
            command.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser(words[0] if words else "").parse_args(words)
    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except BaseException as e:
        return _explain(e, args.subcommand)


def _explain(error: BaseException, subcommand: str) -> int:
    """Says what went wrong, one line a reason, and gives the exit status; re-raises what should never happen."""
    if isinstance(error, UsageError):
        return _say(f"{error} (see crfd {subcommand} --help)", USAGE)
    if isinstance(error, UnreadError):
        from crfd.cli.arguments import report

        report(error.unread)
        return FAILED
    if isinstance(error, BrokenPipeError) and not error.filename:
        # Whoever read our table has seen enough; Python must not complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, (CrfdError, OSError, MemoryError)):
        return _say(_reason(error), FAILED)
    raise error


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or "out of memory"


def _say(text: str, status: int) -> int:
    print(f"crfd: {text}", file=sys.stderr)
    return status
