# SPDX-License-Identifier: MIT
"""Completion for zsh."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.manual.book import SIGNED, Command, Option, lists

_ACTIONS = {
    "pid": "_pids", "user": "_users", "service": "_ports", "file": "_files", "directory": "_files -/", "any": " ",
}  # fmt: skip


def lines(commands: tuple[Command, ...]) -> Iterator[str]:
    first, *others = commands
    yield "#compdef crfd"
    for name, words in lists().items():
        yield from ("", f"_crfd_{name}() {{", "  compset -P '*,'")
        if name in SIGNED:
            yield "  compset -P '[+-]'"
        yield from (f"  compadd -q -S , -- {' '.join(words)}", "}")
    yield from ("", "_crfd() {", '  local curcontext="$curcontext" state line', "  typeset -A opt_args")
    yield f"  _arguments -C -S {' '.join(map(_option, first.options))} '1:command:->command' '*::argument:->argument'"
    yield from ("  case $state in", "  command)", "    local -a commands=(")
    for command in others:
        yield f"      {_quoted(f'{command.name}:{command.about}')}"
    yield from ("    )", "    _describe command commands", "    ;;", "  argument)", "    case $line[1] in")
    for command in others:
        yield f"    {command.name})"
        yield "      _arguments -s -S \\"
        specs = [*map(_option, command.options), *(f"'*:{_plain(o.metavar)}:{_action(o)}'" for o in command.operands)]
        yield " \\\n".join(f"        {spec}" for spec in specs)
        yield "      ;;"
    yield from ("    esac", "    ;;", "  esac", "}", "", '_crfd "$@"')


def _option(option: Option) -> str:
    """Make a spec of _arguments: which exclude it, its flags, what it means, and its value."""
    ends = option.flags in {("-h", "--help"), ("-V", "--version")}
    before = "*" if option.many else "(- *)" if ends else f"({' '.join(option.flags)})"
    flags = [flag + ("" if not option.value else "=" if flag.startswith("--") else "+") for flag in option.flags]
    value = f":{_plain(option.metavar)}:{_action(option)}" if option.value else ""
    about = _quoted(f"[{_plain(option.about)}]{value}")
    if len(flags) == 1:
        return f"'{before}{flags[0]}'{about}"
    return f"'{before}'{{{','.join(flags)}}}{about}"


def _action(option: Option) -> str:
    if option.value == "choices":
        return f"({' '.join(option.choices)})"
    return _ACTIONS.get(option.value, f"_crfd_{option.value}")


def _plain(text: str) -> str:
    for special in "\\[]:":
        text = text.replace(special, f"\\{special}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
