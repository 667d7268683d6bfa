# SPDX-License-Identifier: MIT
"""The command: makes the kinds, prints the report, obeys stdin until it ends."""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .registry import KINDS, Maker


def _list_kinds() -> None:
    for row in sorted(KINDS.values(), key=lambda k: (k.family, k.name)):
        options = ",".join(f"{k}={v}" for k, v in row.options.items())
        doc = (row.make.__doc__ or "").partition("\n")[0]
        needs = f" [{row.needs}]" if row.needs else ""
        print(f"{row.family:8} {row.name + (':' + options if options else ''):44} {doc}{needs}".rstrip())


def expand(specs: list[str]) -> list[str]:
    """Replaces "all" by every plain kind; ValueError for a kind or an option that does not exist."""
    full = [name for s in specs for name in (_plain() if s == "all" else [s])]
    for spec in full:
        name, _, options = spec.partition(":")
        if name not in KINDS:
            raise ValueError(f"expected a kind of --list, found {name!r}")
        KINDS[name].parse(options)
    return full


def _plain() -> list[str]:
    return [row.name for row in KINDS.values() if row.plain]


def _say(answer: dict[str, Any]) -> None:
    data = json.dumps(answer).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


def _lines(maker: Maker) -> Iterator[str]:
    """Lines of stdin until it ends or the deadline passes."""
    poll, pending = select.poll(), b""
    poll.register(0, select.POLLIN | select.POLLHUP)
    while True:
        left = None if maker.deadline is None else max(0.0, maker.deadline - time.monotonic()) * 1000
        if not poll.poll(left):
            return
        block = os.read(0, 65536)
        if not block:
            return
        *lines, pending = (pending + block).split(b"\n")
        yield from (line.decode() for line in lines)


def _make(maker: Maker, specs: list[str]) -> dict[str, Any]:
    for spec in expand(specs):
        maker.make(spec)
    report = maker.report()
    while maker.after_report:
        maker.after_report.pop()()
    return report


def _obey(maker: Maker, line: str) -> dict[str, Any]:
    verb, *words = line.split()
    if verb == "make":
        return _make(maker, words)
    if verb == "close":
        for fd in map(int, words):
            os.close(fd)
            maker.entries.pop(fd, None)
        return maker.report()
    if verb == "seek":
        return {"pos": os.lseek(int(words[0]), int(words[1]), os.SEEK_SET)}
    raise ValueError(f"expected make, close or seek, found {verb!r}")


def _serve(maker: Maker, specs: list[str]) -> None:
    try:
        _say(_make(maker, specs))
        for line in _lines(maker):
            if line == "quit":
                return
            try:
                answer = _obey(maker, line)
            except (OSError, ValueError, IndexError) as error:
                answer = {"error": str(error)}
            _say(answer)
    finally:
        maker.close()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="mkfds", description="Makes descriptors with known values and waits.")
    parser.add_argument("--fd", type=int, default=100, help="first descriptor number (default: %(default)s)")
    parser.add_argument("--dir", type=Path, help="where files are made (default: a temporary directory)")
    parser.add_argument("--list", action="store_true", help="list the kinds and their options")
    parser.add_argument("kinds", nargs="*", metavar="KIND[:key=value,...]", help='a kind of --list, or "all"')
    args = parser.parse_args(argv)
    if args.list:
        _list_kinds()
        return 0
    try:
        expand(args.kinds)
    except ValueError as error:
        parser.error(str(error))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.closerange(3, hard)  # what was inherited is not ours to report
    if args.dir:
        _serve(Maker(args.dir.resolve(), args.fd), args.kinds)
    else:
        with tempfile.TemporaryDirectory(prefix="mkfds-") as scratch:
            _serve(Maker(Path(scratch).resolve(), args.fd), args.kinds)
    return 0
