# SPDX-License-Identifier: MIT
"""Conditions on rows, compiled."""

from __future__ import annotations

import errno

from crfd._core.library import check, ffi, lib, owned
from crfd.light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

DEPTH_MAX = int(lib.CRFD_FILTER_DEPTH_MAX)


class What:
    """The numbers of the ops (csrc/filter/filter.cdef.h). No enum, for to make one takes longer than a small question."""

    AND = lib.CRFD_FILTER_AND
    OR = lib.CRFD_FILTER_OR
    NOT = lib.CRFD_FILTER_NOT
    CONST = lib.CRFD_FILTER_CONST
    VALUE = lib.CRFD_FILTER_VALUE
    HOLDS = lib.CRFD_FILTER_HOLDS
    KNOWN = lib.CRFD_FILTER_KNOWN
    EQ = lib.CRFD_FILTER_EQ
    NE = lib.CRFD_FILTER_NE
    LT = lib.CRFD_FILTER_LT
    LE = lib.CRFD_FILTER_LE
    GT = lib.CRFD_FILTER_GT
    GE = lib.CRFD_FILTER_GE
    IN = lib.CRFD_FILTER_IN
    REGEX = lib.CRFD_FILTER_REGEX
    GLOB = lib.CRFD_FILTER_GLOB
    UNDER = lib.CRFD_FILTER_UNDER


class Op(NamedTuple):
    """One op of a program: it joins so many parts before it; value is an int, bytes, a bool of a CONST, an Other, or None."""

    what: int
    column: int
    parts: int
    value: object = None


class Other(NamedTuple):
    """A column on the right side."""

    column: int


class RefusedOpError(ValueError):
    """A program that is none: number is that of the op at fault."""

    def __init__(self, number: int, why: str) -> None:
        self.number = number
        self.why = why
        super().__init__(f"op {number}: {why}")


class Filter:
    """A compiled condition."""

    def __init__(self, program: Sequence[Op]) -> None:
        ops, text = ffi.new("crfd_filter_op[]", len(program)), bytearray()
        for c, op in zip(ops, program, strict=True):
            _fill(c, op, text)
        out, fault = ffi.new("crfd_filter **"), ffi.new("crfd_filter_fault *")
        with ffi.from_buffer("uint8_t[]", bytes(text)) as buf:
            rc = lib.crfd_filter_new(ops, len(program), buf, len(text), out, fault)
        if rc == -errno.EINVAL:
            raise RefusedOpError(fault.op, ffi.string(fault.why).decode("utf-8", "replace"))
        check(rc)
        self._c = owned(out[0], lib.crfd_filter_free)


def _fill(c: Any, op: Op, text: bytearray) -> None:
    c.what, c.column, c.count = op.what, op.column, op.parts
    value = op.value
    if isinstance(value, bytes):
        c.flags |= lib.CRFD_FILTER_TEXT
        c.text_off, c.text_len = len(text), len(value)
        text += value
    elif isinstance(value, Other):
        c.flags |= lib.CRFD_FILTER_OTHER
        c.other = value.column
    elif isinstance(value, int):
        c.flags |= lib.CRFD_FILTER_NEGATIVE if value < 0 else 0
        c.number = value & (2**64 - 1)
