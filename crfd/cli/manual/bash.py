# SPDX-License-Identifier: MIT
"""Completion for bash, which needs no other package."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.manual.book import SIGNED, Command, Option, lists

_HEAD = r"""# bash completion for crfd

# Several words with commas between; $2: what may stand before each.
_crfd_list()
{
	local last=${word##*,} sign=
	[[ -n $2 && $last == $2* ]] && sign=${last:0:1}
	mapfile -t COMPREPLY < <(compgen -P "${word%"$last"}$sign" -W "$1" -- "${last#"$sign"}")
	compopt -o nospace
}

_crfd_files()
{
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
}

_crfd()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} value= flags= operand= choices=
	COMPREPLY=()
	# --option=value comes in three words, as does an address with its port.
	if [[ $word == = ]]; then
		word=
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if [[ $before == [\<\>]* ]]; then
		_crfd_files -f
		return
	fi
	[[ $word == :* || $before == : ]] && return
"""
_TAIL = r"""	if [[ -z $value && $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
		return
	fi
	case ${value:-$operand} in
	choices) mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word") ;;
	pid) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	user) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
	service) mapfile -t COMPREPLY < <(compgen -A service -- "$word") ;;
	file) _crfd_files -f ;;
	directory) _crfd_files -d ;;
"""


def lines(commands: tuple[Command, ...]) -> Iterator[str]:
    yield _HEAD[:-1]
    yield "\tlocal command=${COMP_WORDS[1]}"
    yield "\t((COMP_CWORD == 1)) && command="
    yield "\tcase $command in"
    for command in commands:
        yield f"\t'{command.name}')"
        yield from _command(command)
        yield "\t\t;;"
    yield "\tesac"
    yield _TAIL[:-1]
    for name, words in lists().items():
        sign = " '[+-]'" if name in SIGNED else ""
        yield f"\t{name}) _crfd_list '{' '.join(words)}'{sign} ;;"
    yield "\tesac"
    yield "}"
    yield "complete -F _crfd crfd"


def _command(command: Command) -> Iterator[str]:
    flags = " ".join(flag for option in command.options for flag in option.flags)
    yield f"\t\tflags='{flags}'"
    for operand in command.operands:
        yield f"\t\toperand={operand.value}{_choices(operand)}"
    valued = [option for option in command.options if option.value]
    if not valued:
        return
    yield "\t\tcase $before in"
    for option in valued:
        yield f"\t\t{' | '.join(option.flags)}) value={option.value}{_choices(option)} ;;"
    yield "\t\tesac"


def _choices(option: Option) -> str:
    return f" choices='{' '.join(option.choices)}'" if option.choices else ""
