# SPDX-License-Identifier: MIT
"""Conditions that are often wanted, each by a word and a text, as the options of the commands give them."""

from __future__ import annotations

import os

from crfd.errors import QueryError
from crfd.query.condition import Condition
from crfd.query.tree import nearest

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Callable


def _words(text: str) -> list[str]:
    words = text.split(",")
    if not all(words):
        raise QueryError(None, "values with commas between", repr(text))
    return words


def _kind(text: str) -> Condition:
    return Condition.one_of("kind", _words(text))


def _fd(text: str) -> Condition:
    def one(word: str) -> Condition:
        first, dash, last = word.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise QueryError(None, "descriptor numbers, 0,1,2 or 3-9", repr(text))
        if not dash:
            return Condition.compare("fd", "==", int(first))
        return Condition.compare("fd", ">=", int(first)) & Condition.compare("fd", "<=", int(last))

    return Condition.any_of([one(word) for word in _words(text)])


def _path(text: str) -> Condition:
    return Condition.compare("path", "glob", text)


def _under(text: str) -> Condition:
    """Make a path absolute as seen from here, for the kernel gives paths from the root."""
    return Condition.compare("path", "under", os.path.abspath(text))


def _size(text: str) -> Condition:
    from crfd.query.expression import number

    return Condition.compare("size", ">=", number(text))


def _port(text: str) -> Condition:
    ports = [port_number(word) for word in _words(text)]
    return Condition.one_of("port", ports) | Condition.one_of("remote_port", ports)


def port_number(text: str) -> int:
    """Return a port's number, or that of a service by its name (services(5))."""
    if text.isdecimal() and len(text) < 6 and int(text) < 65536:
        return int(text)
    import socket

    for protocol in ("tcp", "udp"):
        try:
            return socket.getservbyname(text, protocol)
        except (OSError, ValueError):  # no service, or no text that one can be called by
            continue
    raise QueryError(None, "a port, 0 to 65535, or the name of a service", repr(text))


def _state(text: str) -> Condition:
    from crfd.kinds.socket import STATES, TCP_STATES

    known = {name.lower(): name for name in (*TCP_STATES.split(), *STATES.split()) if name != "?"}
    for word in _words(text):
        if word.lower() not in known:
            raise QueryError(None, "a state of a socket", f"{word!r}{nearest(word.upper(), known.values())}")
    return Condition.one_of("state", [known[word.lower()] for word in _words(text)])


BY_TEXT: dict[str, Callable[[str], Condition]] = {
    "kind": _kind,
    "fd": _fd,
    "path": _path,
    "under": _under,
    "min_size": _size,
    "port": _port,
    "state": _state,
    "where": Condition.parse,
}
ALONE: dict[str, Callable[[], Condition]] = {
    "deleted": lambda: Condition.holds("deleted"),
    "inheritable": lambda: ~Condition.holds("close_on_exec"),
    "shared": lambda: Condition.compare("shared", ">", 1),
    "locked": lambda: Condition.holds("locks"),
    "writable": lambda: Condition.one_of("access", ["w", "rw"]),
}
