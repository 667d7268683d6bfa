#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has every system call of crfd's commands fail in turn, and prints what came of it.

    python -m tests.faults [--only NAME]... [--call NAME]... [--every] [--sample N] [--seed N]

One line a command and a kind of system call: how many it makes, how many faults were tried, and what became of the
command. Each is tried at its first two, two middle and last two occurrences, and always, with each errno;
--every at more of them. --sample tries some, at random. Status 1 where anything is as it must not be.
"""

from __future__ import annotations

import argparse
import errno
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.commands import NAMES, Outcome, Scene, scene
from tests.faults.errnos import listed
from tests.faults.tracer import SHORT, Call, Fault

WORDS = ("whole", "less", "partly", "failed")


def faults(calls: Counter[Call], *, every: bool) -> Iterator[Fault]:
    for call, made in sorted(calls.items(), key=str):
        places = (
            {1, 2, made // 3, 2 * made // 3, made - 1, made}
            if not every
            else {*range(1, 9), *range(1, made, max(1, made // 8)), made}
        )
        for nth in sorted(place for place in places if 0 < place <= made):
            yield from (Fault(call, nth, code) for code in listed(call))
        yield from (Fault(call, 0, code) for code in listed(call) if may_go_on(call, code))


def may_go_on(call: Call, code: int) -> bool:
    """EINTR and EAGAIN, which mean "once more", cannot be had for ever. A file of one record in /proc is never cut at a line's
    end, as one of many reads of some bytes would be (fs/seq_file.c, seq_read_iter())."""
    return code not in {errno.EINTR, errno.EAGAIN} and (call.name, code) != ("read", SHORT)


def attempts(at: Scene, name: str, chosen: list[Fault]) -> Iterator[tuple[Fault, Outcome]]:
    for fault in chosen:
        outcome = at.attempt(name, fault)
        if outcome:
            yield fault, outcome


def _one(name: str, args: argparse.Namespace) -> int:
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="crfd-faults-") as directory, scene(name, Path(directory)) as at:
        calls = at.count(name)
        chosen = [one for one in faults(calls, every=args.every) if not args.call or one.call.name in args.call]
        if args.sample:
            chosen = random.Random(args.seed).sample(chosen, min(args.sample, len(chosen)))
        table: dict[Call, Counter[str]] = {}
        for fault, outcome in attempts(at, name, chosen):
            table.setdefault(fault.call, Counter())[outcome.word] += 1
            if outcome.wrong:
                wrong += 1
                print(f"WRONG {name}: {fault}: {outcome.word}: {outcome.wrong}", flush=True)
        for call, words in table.items():
            told = "  ".join(f"{words[word]:4} {word}" for word in WORDS)
            print(f"{name:24} {call!s:20} {calls[call]:5} calls {words.total():5} faults  {told}", flush=True)
        left_out = sorted({call.name for call in calls if not listed(call)})
        print(f"{name:24} left out: {', '.join(left_out)}", flush=True)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=NAMES, help="this command")
    parser.add_argument("--call", action="append", help="this system call")
    parser.add_argument("--every", action="store_true", help="at more occurrences")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of each command, at random")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    wrong = 0
    for name in args.only or NAMES:
        try:
            wrong += _one(name, args)
        except pytest.skip.Exception as e:
            print(f"{name:24} not here: {e}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
