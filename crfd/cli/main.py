# SPDX-License-Identifier: MIT
"""The entry point. Each subcommand is a module of commands/, with add() for its arguments and run() for its work."""

from __future__ import annotations

import sys

from crfd.cli import output, plain
from crfd.cli.commands import COMMANDS
from crfd.cli.exit_status import FAILED, INTERRUPTED, SIGNALLED, USAGE, Terminated, UsageError
from crfd.errors import CrfdError, UnreadError

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

GREP = {"who"}  # whose status 1 says that nothing was found
SIGNED = {"--sort"}  # whose value may begin with a dash


def _joined(words: Sequence[str]) -> list[str]:
    """--sort -size as --sort=-size: argparse would take the value for an option."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in SIGNED and word.startswith("-") and word[1:2] not in {"", "-"}:
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    if hasattr(sys, "set_int_max_str_digits"):  # since 3.10.7; a number of thousands of digits is refused for its value
        sys.set_int_max_str_digits(0)
    words = _joined(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    subcommand = words[0] if words else ""
    verbose = False
    args: Any
    try:
        try:
            args = plain.read(subcommand, words[1:]) if subcommand in COMMANDS else None
            if args is None:
                from crfd.cli.parser import parser

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
    """Say what went wrong, one line a reason, and return the exit status; re-raise what should never happen."""
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
