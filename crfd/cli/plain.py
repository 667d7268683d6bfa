# SPDX-License-Identifier: MIT
"""Reads the arguments of a command that is called as it should be, without argparse: to import that and to make its parsers
takes a quarter of a small dump.

The commands say their arguments once, and argparse and this read the same. Whatever is not plain is left to argparse: help,
mistakes, abbreviations that are none, values that begin with a dash.
"""

from __future__ import annotations

from crfd.cli.commands import command

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any


class _Argument:
    """An argument as add_argument() was told of it, as far as that says how words are read."""

    def __init__(self, names: Sequence[str], group: int, action: str, of: dict[str, Any]) -> None:
        self.names = names
        self.group = group  # of those that exclude each other, 0: it excludes none
        self.action = action
        self.type: Callable[[str], Any] | None = of.get("type")
        self.choices: Sequence[Any] | None = of.get("choices")
        self.nargs: str | None = of.get("nargs")
        long = next((name for name in names if name.startswith("--")), names[0])
        self.dest: str = of.get("dest") or long.lstrip("-").replace("-", "_")
        self.default: Any = of.get("default", False if action == "store_true" else None)

    def value(self, word: str) -> Any:
        """Return the value of a word; ValueError where it is none of the choices, or what the type raises."""
        found = self.type(word) if self.type else word
        if self.choices is not None and found not in self.choices:
            raise ValueError
        return found

    def values(self, words: list[str]) -> Any:
        if self.action == "store_true":
            return True
        values = [self.value(word) for word in words]  # of those that do not count, too: one may be none of the choices
        return [*self.default, *values] if self.action == "append" else values[-1]


class Plain:
    """A stand-in for the parser of argparse to which a command's add() tells its arguments."""

    _ACTIONS = frozenset({"store", "store_true", "append"})
    _SAID = frozenset({"type", "choices", "nargs", "dest", "default", "metavar", "help"})

    def __init__(self) -> None:
        self._options: dict[str, _Argument] = {}
        self._loose: _Argument | None = None
        self._groups = 0

    def add_argument(self, *names: str, action: str = "store", group: int = 0, **of: Any) -> None:
        assert action in self._ACTIONS
        assert self._SAID.issuperset(of)
        argument = _Argument(names, group, action, of)
        if names[0].startswith("-"):
            self._options.update(dict.fromkeys(names, argument))
        else:
            assert argument.nargs in {None, "*"}
            assert self._loose is None, "one at most, for argparse shares words out among several"
            self._loose = argument

    def add_argument_group(self, *_: str) -> Plain:
        return self

    def add_mutually_exclusive_group(self) -> _Exclusive:
        self._groups += 1
        return _Exclusive(self, self._groups)

    def read(self, words: Sequence[str]) -> dict[str, Any] | None:
        """Return the values by their names; None: the words are not plain."""
        given: dict[_Argument, list[str]] = {}
        loose: list[str] = []
        rest, ended = iter(words), False
        for word in rest:
            if not word.startswith("-"):
                if ended:  # not next to each other: argparse has its own mind about these
                    return None
                loose.append(word)
                continue
            ended = bool(loose)
            option, value = self._option(word, rest)
            if option is None or value is None:
                return None
            given.setdefault(option, []).append(value)
        groups = [option.group for option in given if option.group]
        if len({*groups}) < len(groups):
            return None
        return self._values(given, loose)

    def _option(self, word: str, rest: Iterator[str]) -> tuple[_Argument | None, str | None]:
        """Return the option and its word; None where that is missing, or begins with a dash, or there must be none."""
        name, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = self._options.get(name)
        if option is None:
            return None, None
        if option.action == "store_true":
            return option, "" if name == word else None
        if name == word:
            value = next(rest, "-")
        return option, None if not value or (name == word and value.startswith("-")) else value

    def _values(self, given: dict[_Argument, list[str]], loose: list[str]) -> dict[str, Any] | None:
        found = {option.dest: option.default for option in self._options.values()}
        one = self._loose
        if len(loose) != 1 if one and not one.nargs else loose and not one:
            return None
        try:
            found.update((option.dest, option.values(words)) for option, words in given.items())
            if one:
                values = [one.value(word) for word in loose]
                found[one.dest] = values if one.nargs else values[0]
        except Exception:
            return None
        return found


class _Exclusive:
    """Arguments that exclude each other."""

    def __init__(self, of: Plain, number: int) -> None:
        self._of = of
        self._number = number

    def add_argument(self, *names: str, **of: Any) -> None:
        self._of.add_argument(*names, group=self._number, **of)


class _Arguments:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def read(name: str, words: Sequence[str]) -> _Arguments | None:
    """Return the arguments of the command, as argparse would give them; None: ask argparse."""
    module, plain = command(name), Plain()
    module.add(plain)
    values = plain.read(words)
    return None if values is None else _Arguments(subcommand=name, run=module.run, **values)
