# SPDX-License-Identifier: MIT
"""The arguments that choose descriptors, shared by every command that shows some: they become one condition.

Different ones must all hold; of one that is given several times, or of values with commas between, any.
"""

from __future__ import annotations

from crfd.cli.exit_status import UsageError

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from crfd.query.condition import Condition

BY_TEXT = {
    "kind": ("KIND", "file, dir, socket, pipe, eventfd …"),
    "fd": ("N", "descriptor numbers: 0,1,2 or 3-9"),
    "path": ("GLOB", "a shell pattern of the path; * fits slashes too"),
    "under": ("DIR", "this path and all below it"),
    "min_size": ("SIZE", "files of at least so many bytes: 1G"),
    "port": ("PORT", "sockets with this local or remote port: a number or a service"),
    "state": ("STATE", "sockets in this state: LISTEN, ESTABLISHED, connected …"),
    "where": ("EXPR", "an expression as of scols-filter(5): 'deleted and size > 1M'"),
}
ALONE = {
    "deleted": "those whose name is gone",
    "inheritable": "those that execve(2) leaves open",
    "shared": "those whose open file description others have too",
    "locked": "those with a lock or lease",
    "writable": "those open for writing",
}


def add(parser: argparse.ArgumentParser) -> None:
    fit = parser.add_argument_group(
        "descriptors", "show these alone: all of the different conditions must hold, any of one given several times"
    )
    for name, (metavar, about) in BY_TEXT.items():
        fit.add_argument(_option(name), metavar=metavar, dest=f"fit_{name}", action="append", default=[], help=about)
    for name, about in ALONE.items():
        fit.add_argument(_option(name), dest=f"fit_{name}", action="store_true", help=about)


def chosen(args: argparse.Namespace) -> Condition | None:
    """Return the condition that the arguments ask for; None: every descriptor."""
    given = {name: getattr(args, f"fit_{name}") for name in (*BY_TEXT, *ALONE)}
    if not any(given.values()):
        return None
    from crfd.query.condition import Condition

    return Condition.all_of(_parts(given))


def require_none(condition: Condition | None) -> None:
    if condition is not None:
        raise UsageError("--links and conditions on descriptors exclude each other")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _parts(given: dict[str, list[str]]) -> Iterator[Condition]:
    from crfd.analysis import shorthand
    from crfd.errors import QueryError
    from crfd.query.condition import Condition

    for name in (name for name in ALONE if given[name]):
        yield shorthand.ALONE[name]()
    for name in (name for name in BY_TEXT if given[name]):
        try:
            yield Condition.any_of([shorthand.BY_TEXT[name](text) for text in given[name]])
        except QueryError as e:
            where = "" if e.position is None else f"character {e.position + 1}: "
            raise UsageError(f"{_option(name)}: {where}expected {e.expected}, found {e.found}") from None
