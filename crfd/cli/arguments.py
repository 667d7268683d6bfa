# SPDX-License-Identifier: MIT
"""The arguments that choose processes and a backend, shared by dump and ls."""

from __future__ import annotations

import os
import sys

from crfd._core.batch import STEP_FDINFO, STEP_LINK, STEP_PARSE, STEP_POLLS
from crfd._core.freeze import STEP_FREEZE
from crfd.capture import backend
from crfd.capture.dumper import HOLDS
from crfd.capture.selection import Selection
from crfd.cli import output
from crfd.cli.exit_status import UsageError

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

CONDITIONS = ("name", "command", "user", "cgroup", "unit", "container", "pid_namespace", "session")


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pids", metavar="PID", type=_pids, nargs="*", help="process or thread ids: 1,2,3, self, or - for standard input"
    )
    parser.add_argument("--pid", metavar="PID", type=_pids, action="append", default=[], help="the same as an option")
    parser.add_argument("--tree", action="store_true", help="their descendants too")
    parser.add_argument("--all", action="store_true", help="every process but this one")
    fit = parser.add_argument_group("conditions", "narrow the processes named, or all; every one given must hold")
    fit.add_argument("--name", metavar="PATTERN", help="command name, a shell pattern")
    fit.add_argument("--command", metavar="REGEX", dest="command", help="searched in the command line")
    fit.add_argument("--user", metavar="USER", help="effective user, name or number")
    fit.add_argument("--cgroup", metavar="PATH", help="in this cgroup or below it; /sys/fs/cgroup may stand before it")
    fit.add_argument("--unit", metavar="NAME", help="a unit of systemd: NAME.service, or as it is named")
    fit.add_argument("--container", metavar="ID", help="container id or its beginning")
    fit.add_argument("--pid-namespace", metavar="N", type=int, help="inode of a pid namespace, or a pid that is in it")
    fit.add_argument("--session", metavar="SID", type=_pid, help="session id")
    parser.add_argument(
        "--holds", choices=HOLDS, default="fd", help="all: also directories, executable, mapped files, terminal"
    )
    add_more(parser)
    add_debug(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="name every process that could not be read")
    parser.add_argument("--backend", choices=backend.NAMES, default="auto", help="how to scan (default: %(default)s)")


def add_more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--polls", action="store_true", help="also which threads wait for it in poll, select or epoll_wait"
    )
    parser.add_argument("--sockopts", action="store_true", help="also the options of sockets (socket(7))")


def add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--debug", action="store_true", help="trace on stderr: each phase, what the scan leaves out, dumped descriptors"
    )


def trace(args: argparse.Namespace) -> None:
    """Write what the logger "crfd" says to stderr, where that is asked for."""
    if not args.debug:
        return
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("crfd: %(message)s"))
    logger = logging.getLogger("crfd")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def refused(why: str) -> Exception:
    """Make the exception that a type of argparse raises of a word that is no value of it."""
    from argparse import ArgumentTypeError

    return ArgumentTypeError(why)


def _pid(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise refused(f"expected a process id, found {text!r}")
    return int(text)


def _pids(text: str) -> list[int]:
    """Read ids with commas between; self is whoever started us, and - the ids on standard input."""
    if text == "self":
        return [os.getppid()]
    if text == "-":
        return [_pid(word) for word in sys.stdin.read().replace(",", " ").split()]
    return [_pid(word) for word in text.split(",")]


def chosen(args: argparse.Namespace, *, everything: bool = False) -> Selection:
    """Return the selection that the arguments name. everything: where they name no process, all are meant."""
    conditions = {key: getattr(args, key) for key in CONDITIONS}
    pids = frozenset(pid for named in (*args.pids, *args.pid) for pid in named)
    if args.all and (args.pids or args.pid):
        raise UsageError("--all and pids exclude each other")
    if not pids and (args.pids or args.pid):
        raise UsageError("expected process ids on standard input, found none")
    every = not pids and all(value is None for value in conditions.values())
    if every and not args.all and not everything:
        raise UsageError("no process was named: give pids, a condition or --all")
    return Selection(pids, args.tree, **conditions, every=every)


_FEW = 3  # processes with one reason that are named one by one
_WHAT = {
    STEP_FREEZE: " (not held still)",
    STEP_POLLS: " (what it waits for)",
    **dict.fromkeys((STEP_FDINFO, STEP_LINK, STEP_PARSE), " (its descriptors)"),
}


def report(unread: Iterable[tuple[int, int, int]], *, verbose: bool = False) -> None:
    """Say on stderr which processes could not be read, and why; many with one reason are a number, unless verbose."""
    reasons: dict[str, list[int]] = {}
    for pid, code, step in unread:
        reasons.setdefault(f"{os.strerror(code)}{_WHAT.get(step, '')}", []).append(pid)
    for reason, pids in reasons.items():
        if len(pids) > _FEW and not verbose:
            output.err.line(f"crfd: {len(pids):,} processes: {reason}; -v names them")
            continue
        for pid in pids:
            output.err.line(f"crfd: pid {pid}: {reason}")
