# SPDX-License-Identifier: MIT
"""crfd dump: write processes to an image."""

from __future__ import annotations

from crfd.capture.dumper import dump
from crfd.cli import arguments, output
from crfd.cli.exit_status import DONE, PARTLY, Terminated
from crfd.cli.progress import Progress
from crfd.cli.tables import text

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
  crfd dump 4711 -o service.crfd            one process
  crfd dump --all -o host.crfd              the whole host
  crfd dump --tree 4711 --freeze -o s.crfd  with its descendants, held still meanwhile"""


def add(parser: argparse.ArgumentParser) -> None:
    arguments.add(parser)
    parser.add_argument("-o", "--output", metavar="FILE", default="-", help="the image; - is standard output (default)")
    parser.add_argument("--format", choices=("crfd", "rfc"), default="crfd", help="rfc: the records of 2008 alone")
    parser.add_argument("--lossy", action="store_true", help="with rfc: leave out and count what it cannot hold")
    parser.add_argument("--freeze", action="store_true", help="hold the processes still while they are read")
    parser.add_argument("-q", "--quiet", action="store_true", help="no summary")


def run(args: argparse.Namespace) -> int:
    arguments.trace(args)
    if args.freeze:
        _release_when_ended()
    progress = Progress()
    result = dump(
        arguments.chosen(args),
        args.output,
        backend=args.backend,
        format=args.format,
        lossy=args.lossy,
        freeze=args.freeze,
        holds=args.holds,
        polls=args.polls,
        sockopts=args.sockopts,
        progress=lambda s: progress(f"{text.count(s.tasks, 'task')}, {text.count(s.fds, 'fd')}, {text.size(s.bytes)}"),
    )
    progress.done()
    if not args.quiet:
        ended = f", {result.ended:,} ended meanwhile" if result.ended else ""
        left_out = f", {text.count(result.left_out, 'descriptor')} left out" if result.left_out else ""
        own = f", {text.count(result.own, 'descriptor')} of this scan left out" if result.own else ""
        output.err.line(
            f"crfd: {text.count(result.tasks, 'task')}, {text.count(result.fds, 'fd')}, "
            f"{text.count(result.objrefs, 'open file')}, {text.size(result.bytes)} ({result.backend}){left_out}{own}{ended}"
        )
    arguments.report(result.unread, verbose=args.verbose)
    return PARTLY if result.unread else DONE


def _release_when_ended() -> None:
    """Let SIGTERM and SIGHUP end us as SIGINT does, by way of whatever has to be undone. A second one ends us at once."""
    import signal

    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]

    def end(number: int, _: object) -> None:
        for n in numbers:
            signal.signal(n, signal.SIG_DFL)
        raise Terminated(number)

    for n in numbers:
        signal.signal(n, end)
