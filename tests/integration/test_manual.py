# SPDX-License-Identifier: MIT
"""The man page, and completion in the shells themselves: they say what the parser does."""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from crfd._core.columns import columns
from crfd.cli.commands import COMMANDS
from crfd.cli.manual.write import FILES, write
from crfd.cli.parser import parser
from tests.procs import Need

Shell = Callable[[str], list[str]]
STATES = ["LAST_ACK", "LISTEN"]
# Shells and formatters are not ours to look into, and not all of them start where sanitizers are loaded before them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manual")
    write(str(folder))
    assert {path.name for path in folder.iterdir()} == {*FILES}
    return folder


def parser_of(command: str) -> argparse.ArgumentParser:
    (sub,) = (action for action in parser(command)._actions if isinstance(action, argparse._SubParsersAction))
    found: argparse.ArgumentParser = sub.choices[command]
    return found


def actions(command: str) -> list[argparse.Action]:
    """Return everything that a command takes."""
    return list(parser_of(command)._actions)


def flags(command: str) -> list[str]:
    return sorted(flag for action in actions(command) for flag in action.option_strings)


# ---- the man page ----


@pytest.mark.parametrize("command", [["groff", "-man", "-ww", "-z"], ["mandoc", "-T", "lint", "-W", "warning"]])
def test_nobody_warns_of_the_page(manual: Path, command: list[str], need: Need) -> None:
    need(command[0])
    done = subprocess.run(
        [*command, str(manual / "crfd.1")], capture_output=True, text=True, check=False, timeout=60, env=ENVIRONMENT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def page(manual: Path, need: Need) -> dict[str, str]:
    """The page as a reader sees it, by its headings."""
    need("mandoc")
    command = ["mandoc", "-T", "ascii", "-O", "width=200", str(manual / "crfd.1")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=ENVIRONMENT).stdout
    parts = re.split(r"^ {0,3}(\S.*)\n", re.sub(".\b", "", shown), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_tells_what_each_command_takes(page: dict[str, str], command: str) -> None:
    told = page[f"crfd {command}"]
    for shared in re.findall(r"\b[A-Z]{4,}\b", told.partition("And the options below")[2].partition("\n")[0]):
        told += page[shared]
    words = " ".join(told.split())
    for action in actions(command):
        if action.dest == "help":
            continue
        assert action.help
        assert " ".join((action.help % vars(action)).replace("…", "...").split()) in words
        for flag in action.option_strings:
            value = "|".join(map(str, action.choices)) if action.choices else action.metavar
            assert f"{flag} {value}" if value and action.nargs != 0 else flag in told


def test_the_page_has_every_example_and_column(page: dict[str, str]) -> None:
    for command in COMMANDS:
        epilog = str(parser_of(command).epilog)
        assert "examples:" in epilog
        for line in epilog.partition("examples:\n\n")[2].partition("\n\nexit status")[0].splitlines():
            assert line.strip() in page[f"crfd {command}"]
    for column in columns():
        assert re.search(rf"^ +{re.escape(column)}( |$)", page["COLUMNS"], re.MULTILINE), column


# ---- completion ----


@pytest.fixture
def bash(manual: Path, need: Need) -> Shell:
    """Ask bash what it offers for the last word of a line, by the function that `complete` has for the command."""
    need("bash")

    def ask(line: str) -> list[str]:
        words = re.split(r"(=)|\s+", line)  # as readline's COMP_WORDBREAKS
        quoted = " ".join(shlex.quote(word) for word in words if word is not None)
        code = f"""source {manual}/crfd
            [[ $(complete -p crfd) == 'complete -F _crfd crfd' ]] || exit 1
            COMP_WORDS=({quoted}) COMP_CWORD={len([w for w in words if w is not None]) - 1}
            compopt() {{ :; }}  # which is for a completion under way
            _crfd && printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = subprocess.run(
            ["bash", "-c", code], capture_output=True, text=True, check=True, timeout=60, env=ENVIRONMENT
        )
        assert not done.stderr
        return sorted(done.stdout.split("\n")[:-1]) if done.stdout != "\n" else []

    return ask


@pytest.fixture
def fish(manual: Path, need: Need) -> Shell:
    need("fish")

    def ask(line: str) -> list[str]:
        code = f"source {manual}/crfd.fish; complete -C {shlex.quote(line)}"
        done = subprocess.run(
            ["fish", "-N", "-c", code], capture_output=True, text=True, check=True, timeout=60, env=ENVIRONMENT
        )
        assert not done.stderr
        return sorted(found.partition("\t")[0] for found in done.stdout.splitlines())

    return ask


@pytest.fixture(params=["bash", "fish"])
def shell(request: pytest.FixtureRequest) -> Shell:
    found: Shell = request.getfixturevalue(request.param)
    return found


def test_commands_are_offered(shell: Shell) -> None:
    assert {*COMMANDS, "help"} <= {*shell("crfd ")}
    assert shell("crfd help to") == ["top"]
    assert {"-V", "--version", "-h", "--help"} == {*shell("crfd -")}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_each_command_are_offered(shell: Shell, command: str) -> None:
    assert shell(f"crfd {command} -") == flags(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_choices_are_offered(shell: Shell, command: str) -> None:
    for action in actions(command):
        if action.choices:
            assert shell(f"crfd {command} {action.option_strings[-1]} ") == sorted(map(str, action.choices))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("crfd ls --kind so", ["socket"]),
        ("crfd ls --kind pipe,even", ["pipe,eventfd"]),
        ("crfd ls -c +fd_s", ["+fd_size"]),
        ("crfd ls --columns pid,fd_t", ["pid,fd_table"]),
        ("crfd show --count-by fd_t", ["fd_table"]),
        ("crfd who --state L", STATES),
        ("crfd top --user roo", ["root"]),
        ("crfd ls --where de", []),
        ("crfd verify /proc/self/statu", ["/proc/self/status"]),
        ("crfd ls --under /pro", ["/proc"]),
    ],
)
def test_known_values_are_offered(shell: Shell, line: str, offered: list[str]) -> None:
    assert [found.rstrip("/") for found in shell(line)] == offered


def test_what_bash_alone_can(bash: Shell, tmp_path: Path) -> None:
    assert bash("crfd ls --backend=b") == ["bpf"]
    assert bash("crfd ls --sort pid,-fd_t") == ["pid,-fd_table"]
    assert str(os.getpid()) in bash("crfd ls ")
    assert "https" in bash("crfd ls --port htt")
    (tmp_path / "with blank").touch()
    assert bash(f"crfd dump 1 > {tmp_path}/with") == [f"{tmp_path}/with blank"]


class Zsh:
    """A zsh at a terminal, with completion as its own set-up has it."""

    def __init__(self, manual: Path) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execvpe(
                "zsh", ["zsh", "-f", "-i"], {**ENVIRONMENT, "TERM": "dumb", "PS1": "", "COLUMNS": "500", "LINES": "500"}
            )
        self._write(
            f"PS1=; unsetopt zle_bracketed_paste; fpath=({manual} $fpath); autoload -Uz compinit; compinit -D -u\n"
        )
        self._write("stty -echo cols 500 rows 500; LISTMAX=0; print rea''dy\n")
        self._read("ready\r\n")

    def _write(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def _read(self, until: str) -> str:
        found = b""
        while until.encode() not in found:
            assert select.select([self._fd], [], [], 30)[0], f"expected {until!r}, found {found!r}"
            found += os.read(self._fd, 65536)
        return found.decode()

    def line(self, typed: str) -> str:
        """Return the line after a tab, without what may follow: zsh takes that away again."""
        self._write(f"{typed}\t\x01print -r -- '<\x05>'\n")
        return self._read(">\r\n").rpartition("\n<")[2].rpartition(">")[0].rstrip(" =,")

    def close(self) -> None:
        self._write("\x03exit\n")
        os.close(self._fd)
        os.waitpid(self._pid, 0)


def test_zsh_completes_the_same(manual: Path, need: Need) -> None:
    need("zsh")
    subprocess.run(["zsh", "-n", str(manual / "_crfd")], check=True, timeout=60, env=ENVIRONMENT)
    zsh = Zsh(manual)
    try:
        for typed, line in {
            "crfd du": "crfd dump",
            "crfd help to": "crfd help top",
            "crfd ls --back": "crfd ls --backend",
            "crfd ls --backend=b": "crfd ls --backend=bpf",
            "crfd ls --backend b": "crfd ls --backend bpf",
            "crfd ls --kind so": "crfd ls --kind socket",
            "crfd ls --kind pipe,even": "crfd ls --kind pipe,eventfd",
            "crfd ls -c +fd_s": "crfd ls -c +fd_size",
            "crfd who --state LIS": "crfd who --state LISTEN",
            "crfd top --user roo": "crfd top --user root",
            "crfd verify /proc/self/statu": "crfd verify /proc/self/status",
        }.items():
            assert zsh.line(typed) == line
    finally:
        zsh.close()


def test_zsh_has_every_option(manual: Path) -> None:
    script = (manual / "_crfd").read_text()
    for command in COMMANDS:
        block = script.partition(f"\n    {command})\n")[2].partition("\n      ;;\n")[0]
        found = re.findall(r"(?<![\w(-])(--?[A-Za-z0-9][a-z-]*)(?=[=+]?[\[,}'])", block)
        assert sorted({*found}) == flags(command)
