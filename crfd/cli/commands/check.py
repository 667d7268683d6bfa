# SPDX-License-Identifier: MIT
"""crfd check: say what can be used here."""

from __future__ import annotations

from crfd.cli import output
from crfd.cli.exit_status import DONE
from crfd.cli.tables import text

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
  crfd check
  crfd check --json"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a capability")


def run(args: argparse.Namespace) -> int:
    import json
    from dataclasses import asdict

    from crfd.capture.capability import check

    found = check()
    if args.json:
        for one in found:
            output.out.line(json.dumps(asdict(one)))
        return DONE
    usable = {True: "yes", False: "no", None: "-"}
    rows = [(one.name, usable[one.usable], one.detail) for one in found]
    for line in text.table(("CAPABILITY", "USABLE", "DETAIL"), rows, frozenset()):
        output.out.line(line)
    return DONE
