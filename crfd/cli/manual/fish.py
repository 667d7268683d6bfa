# SPDX-License-Identifier: MIT
"""Completion for fish, from 3.0 on."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.manual.book import SIGNED, Command, Option, lists

_VALUES = {
    "pid": "-x -a '(__fish_complete_pids)'",
    "user": "-x -a '(__fish_complete_users)'",
    "service": "-x",
    "any": "-x",
    "file": "-r -F",
    "directory": "-x -a '(__fish_complete_directories)'",
}


def lines(commands: tuple[Command, ...]) -> Iterator[str]:
    first, *others = commands
    yield "# fish completion for crfd"
    for name, words in lists().items():
        sign = "[+-]?" if name in SIGNED else ""
        yield from ("", f"function __crfd_{name}")
        yield "    set -l word (string replace -r -- '^--[a-z-]+=' '' (commandline -ct))"
        yield f"    set -l before (string match -r -- '^(?:.*,)?{sign}' $word)"
        yield from (f"    for one in {' '.join(words)}", "        echo $before$one", "    end", "end")
    yield from ("", "complete -c crfd -f")
    for option in first.options:
        yield _option("__fish_use_subcommand", option)
    for command in others:
        yield f"complete -c crfd -n __fish_use_subcommand -a {command.name} -d {_quoted(command.about)}"
    for command in others:
        when = f"__fish_seen_subcommand_from {command.name}"
        for operand in command.operands:
            yield f"complete -c crfd -n '{when}' {_value(operand).replace('-x ', '').replace('-r ', '')}"
        for option in command.options:
            yield _option(f"'{when}'", option)


def _option(when: str, option: Option) -> str:
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    words = [f"complete -c crfd -n {when} {flags}", _value(option), f"-d {_quoted(option.about)}"]
    return " ".join(word for word in words if word)


def _value(option: Option) -> str:
    if not option.value:
        return ""
    if option.value == "choices":
        return f"-x -a '{' '.join(option.choices)}'"
    return _VALUES.get(option.value, f"-x -a '(__crfd_{option.value})'")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
