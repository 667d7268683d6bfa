# SPDX-License-Identifier: MIT
"""Conditions as text, in the grammar of scols-filter(5), which lsfd's users know, with in, is, glob and under beside it.

    or      and { ("||" | OR) and }
    and     not { ("&&" | AND) not }
    not     ("!" | NOT) not | "(" or ")" | test
    test    side [ ("==" | "!=" | "<" | "<=" | ">" | ">=") side | ("=~" | "!~" | GLOB | UNDER) string
                 | [NOT] IN "(" value { "," value } ")" | IS (KNOWN | UNKNOWN) ]
    side    column | value
    value   number | string | TRUE | FALSE

Words may be written in any case, EQ NE LT LE GT GE stand for the signs. A number may have a suffix: 10K and 10KiB are
10240. A string is in double or single quotes and has no escapes; strings next to each other are one, so that any text can be
written. A column alone is true where it is true, not 0, not empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crfd._core.columns import Column
from crfd._core.filter import What
from crfd.errors import QueryError
from crfd.light import NamedTuple
from crfd.query.tree import (
    Node,
    always,
    compare,
    compare_columns,
    find,
    holds,
    join,
    known,
    negate,
    one_of,
)

LENGTH_MAX = 65536  # characters
DEPTH_MAX = 40  # of parentheses and nots

_TOKEN = re.compile(
    r"""(?P<number>-?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[KMGTPEZY](?:iB)?)?)(?![\w.]))
    |(?P<string>(?:"[^"]*"|'[^']*')(?:\s*(?:"[^"]*"|'[^']*'))*)
    |(?P<word>[A-Za-z][A-Za-z0-9_.]*)
    |(?P<sign>&&|\|\||[=!<>]=|[=!]~|[<>!(),])""",
    re.VERBOSE | re.ASCII,
)
_PIECE = re.compile(r"\"[^\"]*\"|'[^']*'")
_BLANKS = re.compile(r"\s*")
_WORDS = {
    "and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "in": "in", "is": "is", "glob": "glob", "under": "under", "true": "true", "false": "false",
}  # fmt: skip
_COMPARISONS = {"==": What.EQ, "!=": What.NE, "<": What.LT, "<=": What.LE, ">": What.GT, ">=": What.GE}
_PATTERNS = {"=~": What.REGEX, "!~": What.REGEX, "glob": What.GLOB, "under": What.UNDER}
_MIRRORED = {What.LT: What.GT, What.GT: What.LT, What.LE: What.GE, What.GE: What.LE}
_SUFFIXES = "KMGTPEZY"
_DIGITS = 100  # more are more than any column has

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from fractions import Fraction

    from crfd.query.tree import Value


class Token(NamedTuple):
    """A token: kind is "number", "string", "column", "end", or the sign or word itself."""

    kind: str
    value: Value
    text: str
    at: int


class Side(NamedTuple):
    """One side of a comparison: a column, or a value."""

    column: Column | None
    value: Value
    at: int


def parse(text: str) -> Node:
    if len(text) > LENGTH_MAX:
        raise QueryError(None, f"at most {LENGTH_MAX} characters", str(len(text)))
    parser = _Parser(text)
    node = parser.alternatives()
    parser.take("end", "an operator or the end")
    return node


def number(text: str) -> int | Fraction:
    """Read a number with or without a suffix, as in an expression."""
    found = _TOKEN.fullmatch(text)
    if not found or found.lastgroup != "number":
        raise QueryError(None, "a number such as 10, 10K or 1.5GiB", repr(text[:40]))
    return _number(text)


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while True:
        at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
        if at == len(text):
            yield Token("end", "", "the end", at)
            return
        found = _TOKEN.match(text, at)
        if not found:
            raise QueryError(at, "a column, a value or an operator", _shown(text[at:]))
        yield _token(found.lastgroup or "", found.group(), at)
        at = found.end()


def _shown(text: str) -> str:
    word = re.match(r"[\w.]+|.", text, re.DOTALL)
    return repr(word.group()[:40]) if word else "the end"


def _token(group: str, text: str, at: int) -> Token:
    if group == "number":
        return Token("number", _number(text), text, at)
    if group == "string":
        return Token("string", "".join(piece[1:-1] for piece in _PIECE.findall(text)), text, at)
    if group == "word":
        word = _WORDS.get(text.lower())
        return Token(word, word == "true", text, at) if word else Token("column", text, text, at)
    return Token(text, "", text, at)


def _number(text: str) -> int | Fraction:
    digits = text.removesuffix("iB")
    if digits.lower().lstrip("-").startswith("0x"):
        return int(digits, 16)
    scale: int = 1024 ** (_SUFFIXES.index(digits[-1]) + 1) if digits[-1] in _SUFFIXES else 1
    whole, _, part = digits.rstrip(_SUFFIXES).partition(".")
    if len(whole) + len(part) > _DIGITS:
        return int(10**_DIGITS)
    below: int = 10 ** len(part)
    value = int(whole + part) * scale
    if value % below == 0:
        return value // below
    from fractions import Fraction

    return Fraction(value, below)


class _Parser:
    """A parser that looks one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._depth = 0
        self._next = next(self._tokens)

    def take(self, kind: str, expected: str) -> Token:
        token = self._next
        if token.kind != kind:
            raise QueryError(token.at, expected, _quoted(token))
        if kind != "end":
            self._next = next(self._tokens)
        return token

    def _takes(self, kind: str) -> bool:
        if self._next.kind != kind:
            return False
        self._next = next(self._tokens)
        return True

    def alternatives(self) -> Node:
        parts = [self._conjunction()]
        while self._takes("||"):
            parts.append(self._conjunction())
        return join(What.OR, parts)

    def _conjunction(self) -> Node:
        parts = [self._negation()]
        while self._takes("&&"):
            parts.append(self._negation())
        return join(What.AND, parts)

    def _negation(self) -> Node:
        at = self._next.at
        if self._next.kind not in {"!", "("}:
            return self._test()
        if self._depth == DEPTH_MAX:
            raise QueryError(at, f"at most {DEPTH_MAX} parentheses and nots in one another", "one more")
        self._depth += 1
        if self._takes("!"):
            node = negate(self._negation())
        else:
            self.take("(", "a parenthesis")
            node = self.alternatives()
            self.take(")", "an operator or a closing parenthesis")
        self._depth -= 1
        return node

    def _side(self, expected: str) -> Side:
        token = self._next
        if token.kind not in {"column", "number", "string", "true", "false"}:
            raise QueryError(token.at, expected, _quoted(token))
        self._next = next(self._tokens)
        if token.kind == "column":
            return Side(find(token.text, token.at), "", token.at)
        return Side(None, token.value, token.at)

    def _test(self) -> Node:
        left = self._side("a column or a value")
        kind = self._next.kind
        if kind in _COMPARISONS:
            self.take(kind, "")
            return _compare(left, _COMPARISONS[kind], self._side("a column or a value"))
        if kind in {*_PATTERNS, "in", "is", "!"} and left.column is None:
            raise QueryError(left.at, f"a column before {self._next.text}", "a value")
        if kind in _PATTERNS:
            return self._pattern(left, self.take(kind, "").kind)
        if kind in {"in", "!"}:
            return self._membership(left)
        if self._takes("is"):
            return self._knowledge(left)
        if left.column is not None:
            return holds(left.column, left.at)
        if isinstance(left.value, bool):
            return always(left.value, left.at)
        raise QueryError(self._next.at, "a comparison with the value before", _quoted(self._next))

    def _pattern(self, left: Side, sign: str) -> Node:
        pattern = self.take("string", "text in quotes")
        node = compare(left.column, _PATTERNS[sign], pattern.value, pattern.at)  # type: ignore[arg-type]
        return negate(node) if sign == "!~" else node

    def _membership(self, left: Side) -> Node:
        is_negated = self._takes("!")
        self.take("in", "an operator")
        self.take("(", "a parenthesis and values")
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self.take(")", "a comma or a closing parenthesis")
        node = one_of(left.column, values, left.at)  # type: ignore[arg-type]
        return negate(node) if is_negated else node

    def _value(self) -> Value:
        side = self._side("a value")
        if side.column is not None:
            raise QueryError(side.at, "a value", f"the column {side.column.name}")
        return side.value

    def _knowledge(self, left: Side) -> Node:
        is_negated = self._takes("!")
        token = self.take("column", "known or unknown")
        if token.text.lower() not in {"known", "unknown"}:
            raise QueryError(token.at, "known or unknown", _quoted(token))
        node = known(left.column, left.at)  # type: ignore[arg-type]
        return negate(node) if is_negated != (token.text.lower() == "unknown") else node


def _quoted(token: Token) -> str:
    return token.text if token.kind in {"end", "string"} else repr(token.text[:40])


def _compare(left: Side, what: int, right: Side) -> Node:
    if left.column is not None and right.column is not None:
        return compare_columns(left.column, what, right.column, left.at)
    if left.column is None and right.column is None:
        raise QueryError(left.at, "a column on one side", "two values")
    if left.column is None:
        left, right, what = right, left, _MIRRORED.get(what, what)
    return compare(left.column, what, right.value, right.at)  # type: ignore[arg-type]
