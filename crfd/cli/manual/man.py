# SPDX-License-Identifier: MIT
"""The man page, by the macros of man(7)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

from crfd import __version__
from crfd._core.columns import columns
from crfd.cli.commands import EPILOG
from crfd.cli.manual.book import Command, Group, Option, lists

_EXPRESSION = """\
An expression of --where is made of comparisons, joined by and, or, not (also &&, ||, !) and brackets, in the grammar of \
scols-filter(5). A comparison is a column alone, which holds where it is true, not 0 and not empty, or a column, an operator \
and a number or a "text": ==, !=, <, <=, >, >= (also eq, ne, lt, le, gt, ge), =~ and !~ (a POSIX extended regular \
expression), glob (a shell pattern), under (a path and all below it), in (…) and is known. Numbers may have a unit: 10K, \
10MiB. A column that is not known of a descriptor never fits, nor does its opposite."""
_ENVIRONMENT = (
    ("COLUMNS", "How wide a table on a terminal may be, where the terminal itself is not to be asked."),
    ("NO_COLOR", "Set and not empty: no colour, where --color does not ask for it."),
)
_SEE_ALSO = "lsof(8), fuser(1), ss(8), lsfd(1), scols-filter(5), proc(5), kcmp(2), fcntl(2)"
_HELP = ("-h", "--help")
_OWN = {"options"}  # groups that are told with their command, whoever has one like it


def lines(commands: tuple[Command, ...]) -> Iterator[str]:
    first, *others = commands
    day = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    yield f'.TH CRFD 1 "{time.strftime("%Y-%m-%d", day)}" "crfd {__version__}" "User Commands"'
    yield from (".SH NAME", f"crfd \\- {_text(first.about[0].lower() + first.about[1:].rstrip('.'))}", ".SH SYNOPSIS")
    for command in others:
        yield from (".br", _synopsis(command)) if command is not others[0] else (_synopsis(command),)
    for option in first.options:
        yield from (".br", f".B crfd {_text(option.flags[-1])}")
    seen = Counter(group for command in others for group in command.groups)
    shared = [group for group, times in seen.items() if times > 1 and group.title not in _OWN]
    yield ".SH COMMANDS"
    for command in others:
        yield from _command(command, shared)
    for group in shared:
        yield f".SH {group.title.upper()}"
        yield from _group(group)
    yield from (".SH EXPRESSIONS", _text(_EXPRESSION), ".SH COLUMNS")
    for column in columns().values():
        yield from (".TP", f".B {_text(column.name)}", _text(column.text))
    yield from (".SH KINDS", _text(", ".join(lists()["kinds"])))
    yield from (
        ".SH ENVIRONMENT",
        *(line for name, about in _ENVIRONMENT for line in (".TP", f".B {name}", _text(about))),
    )
    yield from (".SH EXIT STATUS", _text(EPILOG.removeprefix("exit status: ")), ".SH SEE ALSO", _text(_SEE_ALSO))


def _synopsis(command: Command) -> str:
    words = f"\\fBcrfd {_text(command.name)}\\fR"
    if len(command.options) > 1:
        words += " [\\fIoption\\fR ...]"
    for operand in command.operands:
        word = f"\\fI{operand.metavar}\\fR{' ...' if operand.many else ''}"
        words += f" {word}" if operand.is_required else f" [{word}]"
    return words


def _command(command: Command, shared: list[Group]) -> Iterator[str]:
    yield from (f'.SS "crfd {command.name}"', f"{_text(command.about[0].upper() + command.about[1:])}.")
    for operand in command.operands:
        if operand.about:
            yield from _option(operand)
    also = []
    for group in command.groups:
        if group in shared:
            also.append(f"\\fB{group.title.upper()}\\fR")
        else:
            yield from _group(group)
    if also:
        yield from (".PP", f"And the options below {' and '.join(also) if len(also) < 3 else ', '.join(also)}.")
    examples, _, _ = command.epilog.removeprefix("examples:\n\n").rpartition(f"\n\n{EPILOG}")
    if examples:
        yield from (".PP", "Examples:", ".PP", ".nf", *(_text(line) for line in examples.splitlines()), ".fi")


def _group(group: Group) -> Iterator[str]:
    if group.about:
        yield _text(f"{group.about[0].upper()}{group.about[1:]}.")
    for option in group.options:
        if option.flags != _HELP:
            yield from _option(option)


def _option(option: Option) -> Iterator[str]:
    value = _text("|".join(option.choices)) if option.choices else f"\\fI{_text(option.metavar)}\\fR"
    value = f" {value}" if option.metavar else ""
    yield ".TP"
    yield ", ".join(f"\\fB{_text(flag)}\\fR{value}" for flag in option.flags) or f"\\fI{option.metavar}\\fR"
    yield _text(option.about)


def _text(words: str) -> str:
    """Escape for roff: backslashes, a point at the beginning of a line, and what is not ASCII."""
    words = words.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    words = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in words)
    return f"\\&{words}" if words[:1] in {".", "'"} else words
