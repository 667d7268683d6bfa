# SPDX-License-Identifier: MIT
"""The parser's arguments as plain values: commands, their groups of options, and what can stand where a value is expected."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

from crfd._core.columns import columns
from crfd._core.kinds import kind_name
from crfd.cli.parser import parser
from crfd.format.enums import Kind
from crfd.kinds.socket import STATES, TCP_STATES


class Option(NamedTuple):
    """An option, or an operand, which has no flags."""

    flags: tuple[str, ...]
    metavar: str  # empty where it takes no value
    about: str
    many: bool  # may be given more than once
    is_required: bool
    choices: tuple[str, ...]

    @property
    def value(self) -> str:
        """The sort of its value: "choices", the name of a list or of something outside, "any", or empty where it has none."""
        if not self.metavar:
            return ""
        return "choices" if self.choices else VALUES.get(self.metavar, "any")


class Group(NamedTuple):
    title: str
    about: str
    options: tuple[Option, ...]


class Command(NamedTuple):
    name: str
    about: str
    operands: tuple[Option, ...]
    groups: tuple[Group, ...]
    epilog: str

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(option for group in self.groups for option in group.options)


# The sort of a value by its metavar: a list of ours, of which several may be named with commas between, or a thing outside.
VALUES = {
    "KIND": "kinds", "STATE": "states", "NAMES": "columns",
    "PID": "pid", "USER": "user", "PORT": "service", "DIR": "directory",
    "FILE": "file", "IMAGE": "file", "PATH": "file", "GLOB": "file", "WHAT": "file",
}  # fmt: skip
SIGNED = {"columns"}  # lists whose words may have + or - before them


def lists() -> dict[str, tuple[str, ...]]:
    """Return the lists that VALUES names."""
    states = (state for state in dict.fromkeys((*TCP_STATES.split(), *STATES.split())) if state != "?")
    return {
        "kinds": tuple(kind_name(kind) for kind in Kind if kind),
        "states": tuple(states),
        "columns": (*columns(), "all"),
    }


def read() -> tuple[Command, ...]:
    """Read every command as it stands in the parser; the first is the one without a name, whose operands are the others."""
    top = parser()
    (sub,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    abouts = {choice.dest: choice.help or "" for choice in sub._choices_actions}
    found = [_command("", top, top.description or "")]
    found += [_command(name, command, abouts[name]) for name, command in sub.choices.items()]
    names = tuple(command.name for command in found[1:])
    one = Option((), "COMMAND", "", many=False, is_required=False, choices=names)
    return tuple(c._replace(operands=(one,)) if c.name in {"", "help"} else c for c in found)


def _command(name: str, command: argparse.ArgumentParser, about: str) -> Command:
    operands = tuple(_option(command, action) for action in command._positionals._group_actions)
    groups = [group for group in command._action_groups if group is not command._positionals]
    return Command(name, about, operands, tuple(_groups(command, groups)), command.epilog or "")


def _groups(command: argparse.ArgumentParser, groups: list[Any]) -> Iterator[Group]:
    for group in groups:
        options = tuple(_option(command, action) for action in group._group_actions)
        if options:
            yield Group(group.title or "", group.description or "", options)


def _option(command: argparse.ArgumentParser, action: argparse.Action) -> Option:
    choices = tuple(str(choice) for choice in action.choices or ())
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper() if choices else ""
    takes_one = action.nargs != 0 and not isinstance(action, (argparse._HelpAction, argparse._VersionAction))
    return Option(
        tuple(action.option_strings),
        metavar if takes_one else "",
        command._get_formatter()._expand_help(action) if action.help else "",
        isinstance(action, argparse._AppendAction) or action.nargs == "*",
        action.nargs not in {"*", "?"},
        choices,
    )
