# SPDX-License-Identifier: MIT
"""The short way to read arguments: what it reads is what argparse reads."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crfd.cli import plain
from crfd.cli.commands import COMMANDS, command
from crfd.cli.parser import parser

PARSERS = {name: parser(name) for name in COMMANDS}
VALUES = [
    "1",
    "1,2",
    "self",
    "x",
    "",
    "auto",
    "proc",
    "pid,fd",
    "0",
    "3",
    "2.5",
    "user",
    "always",
    "fd",
    "a b",
    "/",
    "-1",
]


def by_argparse(name: str, words: Sequence[str]) -> dict[str, Any] | None:
    try:
        return vars(PARSERS[name].parse_args([name, *words]))
    except SystemExit:
        return None


def options(name: str) -> list[argparse.Action]:
    (sub,) = (action for action in PARSERS[name]._actions if isinstance(action, argparse._SubParsersAction))
    return [action for action in sub.choices[name]._actions if action.option_strings and action.dest != "help"]


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Options with and without values, in the forms that argparse knows, among words and things that are none."""
    name = draw(st.sampled_from(list(COMMANDS)))
    one = st.sampled_from([spelling for action in options(name) for spelling in action.option_strings] or ["--none"])
    value = st.sampled_from(VALUES)
    word = st.one_of(
        one, value, st.builds("{}={}".format, one, value), one.map(lambda spelling: spelling[:-1]),
        st.builds("{}{}".format, one, value), st.sampled_from(["--", "-h", "--help", "--no-such"]),
    )  # fmt: skip
    pair = st.tuples(one, value).map(list)
    parts = draw(st.lists(st.one_of(pair, word.map(lambda word: [word])), max_size=5))
    return name, [word for part in parts for word in part]


@given(lines())
@example(("dump", ["--holds", "1", "--holds", "fd"]))
def test_what_is_read_is_what_argparse_reads(line: tuple[str, list[str]]) -> None:
    name, words = line
    found = plain.read(name, words)
    if found is not None:
        assert vars(found) == by_argparse(name, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_read(name: str) -> None:
    loose = [] if name in {"check", "dump", "ls", "top", "who"} else ["image"]
    for action in options(name):
        value = [] if action.nargs == 0 else [next(iter(action.choices or ["1"]))]
        for spelling in action.option_strings:
            words = [*loose, spelling, *value]
            found = plain.read(name, words)
            assert found is not None, words
            assert vars(found) == by_argparse(name, words)


@pytest.mark.parametrize("line", [line for name in COMMANDS for line in command(name).EXAMPLES.splitlines()])
def test_examples_are_read(line: str) -> None:
    said = line.partition("   ")[0] if not line.startswith("  ") else line[2:].partition("    ")[0]
    if not said.startswith("crfd ") or " -size" in said:  # a value that begins with a dash
        return
    name, *words = shlex.split(said.partition(" | ")[0].partition("  ")[0])[1:]
    assert plain.read(name, words) is not None, (name, words)


@pytest.mark.parametrize(
    "words",
    [
        ["-h"], ["--"], ["--backen", "proc"], ["--backend"], ["--backend", "no"], ["--backend="], ["--tree=1"], ["-qv", "1"],
        ["1", "-q", "2"], ["x"], ["-"], ["--name", "-x"], ["--session", "-5"],
    ],
)  # fmt: skip
def test_the_rest_is_left_to_argparse(words: list[str]) -> None:
    assert plain.read("dump", words) is None


def test_those_that_exclude_each_other_are_left_to_argparse() -> None:
    assert plain.read("ls", ["--json", "--csv"]) is None
    assert plain.read("ls", ["--json", "--json"]) is not None
