# SPDX-License-Identifier: MIT
"""Conditions as text and as options: what they mean, what is refused and where, and what a scan may leave out."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import pytest

import crfd
from crfd._core.columns import columns
from crfd.cli import conditions
from crfd.cli.exit_status import UsageError
from crfd.query.expression import DEPTH_MAX, LENGTH_MAX
from tests.procs import opened


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("deleted", "deleted"),
        ("DELETED", "deleted"),
        ("!deleted", "not (deleted)"),
        ("not NOT deleted", "deleted"),
        ("deleted == true", "deleted"),
        ("deleted != TRUE", "not (deleted)"),
        ("false eq deleted", "not (deleted)"),
        ("pid==5&&fd!=3||size<1K", "(pid == 5 and fd != 3) or size < 1024"),
        ("pid EQ 5 AND fd NE 3 OR size LT 1KiB", "(pid == 5 and fd != 3) or size < 1024"),
        ("deleted or shared > 1 and size >= 10MiB", "deleted or (shared > 1 and size >= 10485760)"),
        ("(deleted or pid <= 1) and fd gt 2", "(deleted or pid <= 1) and fd > 2"),
        ("not pid == 1 and fd == 2", "not (pid == 1) and fd == 2"),
        ("1G < size", "size > 1073741824"),
        ("3 >= fd", "fd <= 3"),
        ("size > 1.5K", "size > 1536"),
        ("size > 1.5", "size > 1"),
        ("size >= 1.5", "size >= 2"),
        ("size < 1.5", "size < 2"),
        ("size <= 1.5", "size <= 1"),
        ("size < 15.9999999999999999E", "size < 18446744073709551501"),
        ("ino == 0xff", "ino == 255"),
        ("f_pos == -1", "f_pos == -1"),
        ("f_pos > size", "f_pos > size"),
        ('path =~ "^/var/.*"', 'path =~ "^/var/.*"'),
        ("path !~ '\"'", "not (path =~ '\"')"),
        ("kind in (\"pipe\", 'socket')", 'kind in ("pipe", "socket")'),
        ("fd not in (1,2)", "not (fd in (1, 2))"),
        ("close_on_exec in (true)", "close_on_exec"),
        ("locks is known", "locks is known"),
        ("locks is not known", "not (locks is known)"),
        ("locks IS UNKNOWN", "not (locks is known)"),
        ("path under '/srv' or path glob \"*.log\"", 'path under "/srv" or path glob "*.log"'),
        ('dev == "8:1"', f"dev == {os.makedev(8, 1)}"),
        ("true", "true"),
        ("socket.state == 10 and eventfd.semaphore", "socket.state == 10 and eventfd.semaphore"),
    ],
)
def test_an_expression_is_read(text: str, means: str) -> None:
    condition = crfd.where(text)
    assert str(condition) == means
    assert str(crfd.where(means)) == means


def test_every_column_can_be_asked_for() -> None:
    for name, column in columns().items():
        if column.type != "list":
            assert crfd.where(f"{name} is known").columns() == {name}


@pytest.mark.parametrize(
    ("text", "position", "expected", "found"),
    [
        ("", 0, "a column or a value", "the end"),
        ("(", 1, "a column or a value", "the end"),
        ("pid ==", 6, "a column or a value", "the end"),
        ("pid == 1)", 8, "an operator or the end", "')'"),
        ("(pid == 1", 9, "an operator or a closing parenthesis", "the end"),
        ("pid == 1 fd", 9, "an operator or the end", "'fd'"),
        ("sizee > 3", 0, "a column", "'sizee' (did you mean size?)"),
        ("pid == 1 and delted", 13, "a column", "'delted' (did you mean deleted?)"),
        ("kind == 'sockett'", 8, "a kind of descriptor", "'sockett' (did you mean socket?)"),
        ("pid == 'x'", 7, "a whole number for pid", "'x'"),
        ("comm == 3", 8, "text in quotes for comm", "3"),
        ("size == 1.5", 8, "a whole number", "1.5"),
        ("size > 100000000000000000000", 7, "a number of 64 bits", "100000000000000000000"),
        ("deleted < true", 10, "== or != with true or false for deleted", "< True"),
        ("epoll.targets is known", 0, "a column with one value", "'epoll.targets', a list"),
        ("'a' == 3", 0, "a column on one side", "two values"),
        ("3 in (3)", 0, "a column before in", "a value"),
        ("fd in ()", 7, "a value", "')'"),
        ("fd in (1", 8, "a comma or a closing parenthesis", "the end"),
        ("fd in (1, pid)", 10, "a value", "the column pid"),
        ("comm > kind", 0, "a column of numbers on both sides", "comm, of text"),
        ("size =~ '5'", 8, "a column of text", "size"),
        ("path =~ 5", 8, "text in quotes", "'5'"),
        ("path =~ '('", 8, "a POSIX extended regular expression", '"(": Unmatched ( or \\('),
        ("path == 'a", 8, "a column, a value or an operator", '"\'"'),
        ("10x < size", 0, "a column, a value or an operator", "'10x'"),
        ("size > 10KB", 7, "a column, a value or an operator", "'10KB'"),
        ("locks is none", 9, "known or unknown", "'none'"),
        ("pid = 1", 4, "a column, a value or an operator", "'='"),
        ("dev == '8'", 7, "a device as MAJOR:MINOR", "'8'"),
        ("€", 0, "a column, a value or an operator", "'€'"),
    ],
)
def test_what_is_none_is_named_with_its_place(text: str, position: int, expected: str, found: str) -> None:
    with pytest.raises(crfd.QueryError) as e:
        crfd.where(text)
    assert (e.value.position, e.value.expected, e.value.found) == (position, expected, found)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1_000_000,
        "!" * 60_000,
        "not " * 16_000 + "deleted",
        "(" * (DEPTH_MAX + 1) + "deleted" + ")" * (DEPTH_MAX + 1),
        "deleted and " * 100_000 + "deleted",
        "a" * LENGTH_MAX,
        "9" * LENGTH_MAX + " < size",
        "path =~ '" + "(" * 60_000 + "'",
        "path =~ '((((a{99}){99}){99}){99})'",
        "path =~ '(a)\\1'",
        "path glob '" + "*a" * 30_000 + "'",
    ],
)
def test_hostile_text_is_refused_at_once(text: str) -> None:
    before = time.process_time()
    with pytest.raises(crfd.QueryError):
        crfd.where(text)
    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEPTH_MAX + "deleted" + ")" * DEPTH_MAX,
        "not (deleted or fd == 1 and " * (DEPTH_MAX // 2) + "deleted" + ")" * (DEPTH_MAX // 2),
        " or ".join(["fd == 1"] * 5900),
        "fd in (" + ",".join(map(str, range(9000))) + ")",
    ],
)
def test_a_long_or_deep_one_within_bounds_is_taken(text: str) -> None:
    assert str(crfd.where(text)).count("(") < len(text)


def test_conditions_that_are_joined_too_deep_are_refused() -> None:
    condition = crfd.Condition.holds("deleted")
    with pytest.raises(crfd.QueryError, match="depth"):
        for number in range(200):
            condition = ~(condition & crfd.Condition.compare("fd", "==", number))


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("pid == 5", {"pids": {5}}),
        ("pid in (5, 6) and pid == 6", {"pids": {6}}),
        ("pid == 5 or pid == 6", {"pids": {5, 6}}),
        ("pid == 5 or fd == 6", {}),
        ("pid == 5 or pid == 6 and uid == 0", {"pids": {5, 6}}),
        ("uid == 0 and kind == 'pipe'", {"uids": {0}, "kinds": {int(crfd.Kind.PIPE)}}),
        ("kind in ('kind-99', 'socket')", {"kinds": {99, int(crfd.Kind.SOCKET)}}),
        ("dev == 7 and ino == 8 and size > 3", {"devs": {7}, "inos": {8}}),
        ("(dev == 7 and ino == 8) or (dev == 9 and ino == 1)", {"devs": {7, 9}, "inos": {8, 1}}),
        ("deleted and not close_on_exec", {"deleted": {True}, "close_on_exec": {False}}),
        ("not (deleted and pid == 5)", {}),
        ("not pid == 5", {}),
        ("pid != 5 and pid < 3", {}),
        ("pid == fd", {}),
        ("port == 80 or remote_port == 443", {"ports": {80, 443}, "kinds": {int(crfd.Kind.SOCKET)}}),
        ("port == 80 and remote_port == 443", {"ports": {80}, "kinds": {int(crfd.Kind.SOCKET)}}),
        ("pid == 1 and pid == 2", {"pids": set()}),
        ("true", {}),
    ],
)
def test_a_scan_may_leave_out_what_surely_fails(text: str, bounds: dict[str, set[int]]) -> None:
    found = crfd.where(text).pushdown()._asdict()
    assert {name: values for name, values in found.items() if values is not None} == bounds


def test_constructors_say_what_text_says() -> None:
    where = crfd.Condition
    condition = (where.one_of("kind", ["file", "pipe"]) | where.known("locks")) & ~where.holds("deleted")
    assert str(condition) == '(kind in ("file", "pipe") or locks is known) and not (deleted)'
    assert str(where.compare("path", "under", b"/srv")) == 'path under "/srv"'
    assert str(where.all_of([])) == "true"
    assert str(where.any_of([])) == "false"
    with pytest.raises(crfd.QueryError):
        where.compare("size", ">", float("nan"))


def chosen(*words: str) -> crfd.Condition | None:
    parser = argparse.ArgumentParser()
    conditions.add(parser)
    return conditions.chosen(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "means"),
    [
        (["--kind", "file,dir", "--kind", "pipe"], 'kind in ("file", "dir") or kind in ("pipe")'),
        (["--fd", "0,3-9"], "fd == 0 or (fd >= 3 and fd <= 9)"),
        (["--path", "*.log", "--under", "/srv/"], 'path glob "*.log" and path under "/srv"'),
        (["--min-size", "1.5G"], "size >= 1610612736"),
        (["--port", "443,http"], "port in (443, 80) or remote_port in (443, 80)"),
        (["--state", "listen", "--state", "Connected"], 'state in ("LISTEN") or state in ("connected")'),
        (["--where", "fd == 1 or fd == 2", "--deleted"], "deleted and (fd == 1 or fd == 2)"),
        (["--where", "fd == 1", "--where", "fd == 2"], "fd == 1 or fd == 2"),
        (
            ["--inheritable", "--shared", "--locked", "--writable"],
            'not (close_on_exec) and shared > 1 and locks and access in ("w", "rw")',
        ),
    ],
)
def test_options_become_one_condition(words: list[str], means: str) -> None:
    assert str(chosen(*words)) == means


def test_no_option_is_no_condition() -> None:
    assert chosen() is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--kind", "fille"], "--kind: expected a kind of descriptor, found 'fille' (did you mean file?)"),
        (["--kind", "file,"], "--kind: expected values with commas between, found 'file,'"),
        (["--fd", "x"], "--fd: expected descriptor numbers, 0,1,2 or 3-9, found 'x'"),
        (["--fd", "3-"], "--fd: expected descriptor numbers, 0,1,2 or 3-9, found '3-'"),
        (["--min-size", "big"], "--min-size: expected a number such as 10, 10K or 1.5GiB, found 'big'"),
        (["--port", "70000"], "--port: expected a port, 0 to 65535, or the name of a service, found '70000'"),
        (["--state", "LISTN"], "--state: expected a state of a socket, found 'LISTN' (did you mean LISTEN?)"),
        (["--where", "fd =="], "--where: character 6: expected a column or a value, found the end"),
    ],
)
def test_a_wrong_value_is_a_usage_error(words: list[str], says: str) -> None:
    with pytest.raises(UsageError) as e:
        chosen(*words)
    assert str(e.value) == says


def test_where_narrows_ls_and_show(run: Callable[..., str]) -> None:
    image = os.path.join(os.path.dirname(__file__), "..", "data", "kinds-bpf.crfd")
    listed = ("show", image, "-c", "pid,fd,kind", "--no-header")
    every = [line.split() for line in run(*listed).splitlines()]
    some = [
        line.split()
        for line in run("show", image, "-c", "pid,fd,kind", "--no-header", "--kind", "pipe,epoll").splitlines()
    ]
    assert some == [row for row in every if row[2] in {"pipe", "epoll"}]
    assert 0 < len(some) < len(every)
    mine = run("ls", str(os.getpid()), "--where", f"fd == 0 and pid == {os.getpid()}", "--count")
    assert mine.strip() == "1"


def test_shared_is_counted_over_the_whole_before_it_is_filtered(run: Callable[..., str]) -> None:
    with opened(os.dup(1)):
        rows = run("ls", str(os.getpid()), "--where", "shared > 1 and fd == 1", "-c", "fd,kind", "--no-header")
    assert rows.split()[0] == "1"


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., str]:
    from crfd.cli.main import main

    def call(*words: str) -> str:
        capfdbinary.readouterr()
        assert main(words) == 0
        return capfdbinary.readouterr().out.decode()

    return call


@pytest.mark.parametrize(
    "text",
    [b"plain", b"a 'single'", b'a "double"', b"""'single' "double" `back` $(dollar)""", b"two\nlines", b'"', b"'\"'"],
)
def test_any_text_can_be_written(text: bytes) -> None:
    condition = crfd.Condition.compare("path", "==", text)
    assert crfd.where(str(condition)).root.value == text
