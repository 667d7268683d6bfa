# SPDX-License-Identifier: MIT
"""The border to the C core: the one module that imports it. No cdata leaves; bulk data leaves as memoryviews."""

from __future__ import annotations

import errno
import os
from array import array
from collections import namedtuple
from collections.abc import Iterator, Sequence
from functools import cache

from crfd import _crfd
from crfd.errors import FormatError, UnsupportedError

# Not typing's own: a type checker takes it for true all the same, and importing typing is a tenth of a small dump.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

ffi = _crfd.ffi
lib = _crfd.lib

PIECE = 1 << 20  # bytes handed to a sink at a time
_LACKS = 1024  # tasks times network namespaces of a batch, which has at most 64 tasks

_RFC_WHY = {
    lib.CRFD_RFC_KIND: "its kind ({kind}) is not file, directory or symbolic link",
    lib.CRFD_RFC_DELETED: "its name was deleted",
    lib.CRFD_RFC_UNREAD: "it could not be read",
    lib.CRFD_RFC_PATH: "its path could not be read",
}


def _check(rc: int, path: str | None = None) -> int:
    """The only map from the core's codes to exceptions; a count passes through."""
    if rc >= 0:
        return rc
    if rc == -errno.ENOMEM:
        raise MemoryError
    if rc <= -4096:
        raise FormatError(path, 0, "image", "a correct image", f"code {rc}")
    raise OSError(-rc, os.strerror(-rc), path)


def _owned(pointer: Any, free: Any) -> Any:
    if pointer == ffi.NULL:
        raise MemoryError
    return ffi.gc(pointer, free)


def _view(pointer: Any, count: int, code: Literal["B", "I", "Q"]) -> memoryview:
    """count items of a C array as a typed memoryview; valid as long as the array is."""
    if not count:
        return memoryview(array(code))
    return memoryview(ffi.buffer(pointer, count * ffi.sizeof(ffi.typeof(pointer).item))).cast(code)


# ---- scan ----


class Unread(namedtuple("Unread", ("pid", "errno", "step"))):
    """A process that could not be read: errno and the step (crfd.Step) that failed."""

    __slots__ = ()
    pid: int
    errno: int
    step: int


class Batch:
    """Some tasks as the scanner found them, in C memory."""

    def __init__(self) -> None:
        self._c = _owned(lib.crfd_batch_new(), lib.crfd_batch_free)

    @property
    def keys(self) -> memoryview:
        """One identity key a descriptor, format Q. They may hold kernel addresses: never show or store them."""
        return _view(self._c.ident, self._c.nfds, "Q")

    def unread(self) -> list[Unread]:
        tasks = (self._c.task[i] for i in range(self._c.ntasks))
        return [Unread(t.info.pid, t.err, t.step) for t in tasks if t.err]

    def lack_peers(self) -> list[tuple[int, int]]:
        """(network namespace, pid) of each task with unix sockets whose peer is not known."""
        if not self._c.nfds:
            return []
        lacks = ffi.new("crfd_peer_lack[]", _LACKS)
        n = lib.crfd_batch_lack_peers(self._c, lacks, _LACKS)
        return [(lacks[i].net_ns, lacks[i].pid) for i in range(n)]

    def fill_peers(self, net_ns: int, sockets: UnixSockets) -> int:
        """Gives the unix sockets of a namespace the peers and queues listed; returns how many are newer than the list."""
        return int(lib.crfd_batch_fill_peers(self._c, net_ns, sockets._c))

    def keep_rfc(self, lossy: bool) -> int:
        """Drops what the fixed records cannot hold and returns how many; UnsupportedError unless lossy."""
        first = ffi.new("crfd_rfc_refusal *")
        rc = lib.crfd_batch_keep_rfc(self._c, lossy, first)
        if rc == lib.CRFD_E_RFC:
            why = _RFC_WHY[first.why].format(kind=kind_name(first.kind))
            raise UnsupportedError(f"pid {first.pid} fd {first.fd}: the rfc format cannot hold it: {why}")
        return _check(rc)


class UnixSockets:
    """The unix sockets of a network namespace as sock_diag(7) lists them."""

    def __init__(self) -> None:
        self._c = ffi.gc(ffi.new("crfd_unix_socks *"), lib.crfd_unix_socks_release)

    def add(self, answer: bytes) -> bool:
        """Adds a netlink datagram; whether it was the last of the dump."""
        return _check(lib.crfd_unix_socks_add(self._c, ffi.from_buffer("uint8_t[]", answer), len(answer))) == 1


class Scanner:
    """Reads tasks batch by batch."""

    def __init__(self, backend: int, pids: Sequence[int], threads: int, *, still: bool = False) -> None:
        """still: the tasks stand still, so there is no second look at their tables."""
        out = ffi.new("crfd_scanner **")
        _check(lib.crfd_scanner_new(backend, pids, len(pids), threads, still, out))
        self._c = _owned(out[0], lib.crfd_scanner_free)

    def next(self, batch: Batch) -> bool:
        return _check(lib.crfd_scanner_next(self._c, batch._c)) == 1

    def close(self) -> None:
        ffi.release(self._c)


def load_bpf_ahead() -> None:
    """Has the BPF programs loaded in the background; whoever needs them waits for what is left of it."""
    lib.crfd_bpf_load_ahead()


def bpf_unusable() -> str | None:
    """Why the BPF backend cannot run here and what to do, or None when it can."""
    why = ffi.new("char[512]")
    return None if lib.crfd_bpf_probe(why, 512) == 0 else ffi.string(why).decode()


def kcmp_refused() -> int:
    """errno of kcmp(2) on ourselves, 0 when it is granted."""
    return -int(lib.crfd_probe_kcmp())


def pidfd_getfd_refused() -> int:
    """errno of pidfd_getfd(2) on ourselves, 0 when it is granted."""
    return -int(lib.crfd_probe_pidfd_getfd())


def count(pid: int) -> int:
    return _check(lib.crfd_count(pid), f"/proc/{pid}/fd")


@cache
def kind_name(kind: int) -> str:
    name = lib.crfd_kind_name(kind)
    return f"kind-{kind}" if name == ffi.NULL else ffi.string(name).decode()


# ---- freeze ----

STILL_CGROUP = int(lib.CRFD_STILL_CGROUP)
STEP_FREEZE = int(lib.CRFD_STEP_FREEZE)
IMAGE_FROZEN = int(lib.CRFD_IMAGE_FROZEN)


class Still(namedtuple("Still", ("pid", "how", "ns"))):
    """How long a process was held: how is 0 when it was not, 1 by ptrace, 2 by its cgroup; ns nanoseconds."""

    __slots__ = ()
    pid: int
    how: int
    ns: int


class Freeze:
    """Holds processes by ptrace. Every call must come from one thread, which must end after the thaw."""

    def __init__(self) -> None:
        self._c = _owned(lib.crfd_freeze_new(), lib.crfd_freeze_free)

    def add(self, pid: int) -> int:
        """Stops a process; 0, or the errno that says why it, or a thread of it, goes on running."""
        rc = int(lib.crfd_freeze_add(self._c, pid))
        if rc == -errno.ENOMEM:
            raise MemoryError
        return -rc

    def thaw(self) -> list[Still]:
        still = ffi.new("const crfd_still **")
        n = lib.crfd_freeze_thaw(self._c, still)
        return [Still(one.pid, one.how, one.ns) for one in (still[0][i] for i in range(n))]


# ---- objrefs ----


class Objrefs:
    def __init__(self) -> None:
        self._c = _owned(lib.crfd_objrefs_new(), lib.crfd_objrefs_free)

    def __len__(self) -> int:
        return int(lib.crfd_objrefs_len(self._c))

    def add(self, keys: memoryview) -> tuple[array[int], array[int]]:
        n = len(keys)
        objrefs = array("I", bytes(4 * n))
        fresh = array("B", bytes(n))
        _check(
            lib.crfd_objrefs_add(
                self._c,
                ffi.from_buffer("uint64_t[]", keys),
                n,
                ffi.from_buffer("uint32_t[]", objrefs, require_writable=True),
                ffi.from_buffer("uint8_t[]", fresh, require_writable=True),
            )
        )
        return objrefs, fresh

    def get(self, key: int) -> int:
        return int(lib.crfd_objrefs_get(self._c, key))


# ---- encode ----


class EncodeStats(namedtuple("EncodeStats", ("bytes", "tasks", "fds", "objrefs"))):
    """Totals of what has been encoded; bytes is the image's size so far."""

    __slots__ = ()
    bytes: int
    tasks: int
    fds: int
    objrefs: int


class Encoder:
    """Turns batches into the bytes of one image. Each piece is valid until the next is asked for."""

    def __init__(self, *, rfc: bool) -> None:
        self._c = _owned(lib.crfd_encoder_new(rfc), lib.crfd_encoder_free)
        self._out = ffi.gc(ffi.new("crfd_buf *"), lib.crfd_buf_release)

    def _piece(self) -> memoryview:
        n, self._out.nr = self._out.nr, 0
        return _view(self._out.v, n, "B")

    def head(self, backend: int, flags: int) -> memoryview:
        _check(lib.crfd_encode_head(self._c, backend, flags, self._out))
        return self._piece()

    def batch(self, batch: Batch, objrefs: array[int], fresh: array[int]) -> Iterator[memoryview]:
        refs = ffi.from_buffer("uint32_t[]", objrefs)
        new = ffi.from_buffer("uint8_t[]", fresh)
        more = True
        while more:
            more = _check(lib.crfd_encode_batch(self._c, batch._c, refs, new, PIECE, self._out)) == 1
            yield self._piece()

    def still(self, still: Sequence[Still]) -> memoryview:
        _check(
            lib.crfd_encode_still(self._c, ffi.new("crfd_still[]", [tuple(s) for s in still]), len(still), self._out)
        )
        return self._piece()

    def tail(self) -> memoryview:
        _check(lib.crfd_encode_tail(self._c, self._out))
        return self._piece()

    def stats(self) -> EncodeStats:
        s = ffi.new("crfd_encode_stats *")
        lib.crfd_encoder_stats(self._c, s)
        return EncodeStats(s.bytes, s.ntasks, s.nfds, s.nobjrefs)


# ---- decode ----

_CODES = {
    "uint64_t": "Q", "int64_t": "q", "uint32_t": "I", "int32_t": "i", "uint16_t": "H", "int16_t": "h",
    "uint8_t": "B", "int8_t": "b",
}  # fmt: skip


class Field(namedtuple("Field", ("name", "code", "offset"))):
    """A member of a C struct: its code of module struct ("16s" for 16 bytes) and its offset in bytes."""

    __slots__ = ()
    name: str
    code: str
    offset: int


def layout(name: str) -> tuple[Field, ...]:
    """The members of a C struct of the core by offset: nested structs flattened, padding left out."""
    return tuple(_fields(ffi.typeof(name), 0))


def _fields(ctype: Any, base: int) -> Iterator[Field]:
    for name, member in ctype.fields:
        if name == "pad":
            continue
        if member.type.kind == "struct":
            yield from _fields(member.type, base + member.offset)
        elif member.type.kind == "array":
            yield Field(name, f"{member.type.length}s", base + member.offset)
        else:
            yield Field(name, _CODES[member.type.cname], base + member.offset)


def sizeof(name: str) -> int:
    return int(ffi.sizeof(name))


def enum(name: str, prefix: str) -> dict[str, int]:
    """The members of a C enum by their names, without the prefix."""
    return {member.removeprefix(prefix): value for value, member in ffi.typeof(f"enum {name}").elements.items()}


def flags(prefix: str) -> dict[str, int]:
    """The #defines whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): int(getattr(lib, name)) for name in dir(lib) if name.startswith(prefix)}


@cache
def _record_names() -> dict[int, str]:
    return {value: name for name, value in enum("crfd_rec_type", "CRFD_REC_").items() if "_FIRST" not in name}


def _type_name(number: int) -> str:
    name = _record_names().get(number)
    return f"{name} ({number:#x})" if name else f"type {number:#x}"


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _told(fault: Any, as_hex: bool) -> tuple[str, str]:
    """What was expected and what was found, in words where the numbers alone do not say it."""
    expected, found = _signed(fault.expected), _signed(fault.found)
    if fault.code == lib.CRFD_E_TYPE:
        return _type_name(expected), _type_name(found)
    if fault.code == lib.CRFD_E_CRITICAL:
        return "a known type", _type_name(found)
    if fault.code == lib.CRFD_E_TRAILING:
        return "the end", f"byte {found:#04x}"
    if fault.code in {lib.CRFD_E_TRUNCATED, lib.CRFD_E_LEN}:
        return f"{expected} bytes", f"{found} bytes"
    if fault.code == lib.CRFD_E_NAME:
        return f"its NUL at byte {expected}", f"at byte {found}"
    return (f"{expected:#x}", f"{found:#x}") if as_hex else (str(expected), str(found))


def _checked(rc: int, fault: Any, path: str | None) -> int:
    if rc > -4096:
        return _check(rc, path)
    as_hex = ffi.new("int *")
    rule = ffi.string(lib.crfd_fault_rule(rc, as_hex)).decode()
    if name := _record_names().get(fault.type):
        rule = f"{name}: {rule}"
    raise FormatError(path, fault.offset, rule, *_told(fault, bool(as_hex[0])))


class Parser:
    """Checks an image that comes in pieces. After a FormatError it refuses everything."""

    def __init__(self, path: str | None, keep: int = 0) -> None:
        """keep: how many records at most one feed() lists; with 0 it lists none and stops for none."""
        self._c = _owned(lib.crfd_parser_new(), lib.crfd_parser_free)
        self._path = path
        self._keep = keep
        self._out = ffi.new("crfd_record[]", keep) if keep else ffi.NULL
        self._used = ffi.new("size_t *")
        self._fault = ffi.new("crfd_fault *")

    def feed(self, data: memoryview, last: bool) -> tuple[int, int]:
        """(bytes consumed, records found)."""
        with ffi.from_buffer("uint8_t[]", data) as buf:
            n = lib.crfd_parser_feed(self._c, buf, len(data), last, self._out, self._keep, self._used, self._fault)
        return self._used[0], _checked(n, self._fault, self._path)

    def stats(self) -> EncodeStats:
        """Totals of what has been checked so far."""
        s = ffi.new("crfd_encode_stats *")
        lib.crfd_parser_stats(self._c, s)
        return EncodeStats(s.bytes, s.ntasks, s.nfds, s.nobjrefs)

    def records(self, n: int) -> memoryview:
        """The n records of the last feed() as an array of crfd_record, valid until the next."""
        return memoryview(ffi.buffer(self._out, n * sizeof("crfd_record")))


class Rows:
    """The rows of an image or of one section: arrays of crfd_task_row, crfd_fd_row and crfd_file_row, in C memory."""

    def __init__(self, image: memoryview, entry: memoryview | None, path: str | None) -> None:
        """entry: the crfd_index_entry of the one section to decode."""
        self._c = ffi.gc(ffi.new("crfd_rows *"), lib.crfd_rows_release)
        fault = ffi.new("crfd_fault *")
        at = ffi.NULL
        if entry is not None:
            at = ffi.new("crfd_index_entry *")
            ffi.memmove(at, entry, ffi.sizeof("crfd_index_entry"))
        with ffi.from_buffer("uint8_t[]", image) as buf:
            _checked(lib.crfd_rows_decode(self._c, buf, len(image), at, fault), fault, path)
        self.file_base = int(self._c.file_base)
        self.task = self._array(self._c.task, self._c.ntasks, "crfd_task_row")
        self.fd = self._array(self._c.fd, self._c.nfds, "crfd_fd_row")
        self.file = self._array(self._c.file, self._c.nfiles, "crfd_file_row")

    def _array(self, pointer: Any, n: int, struct: str) -> memoryview:
        """A view that keeps the rows alive for as long as anyone looks through it."""
        if not n:
            return memoryview(b"")
        owner = self._c
        kept = ffi.gc(pointer, lambda _: owner)
        return memoryview(ffi.buffer(kept, n * sizeof(struct))).toreadonly()


REC_SIZE_MAX = int(ffi.sizeof("crfd_rec")) + int(lib.CRFD_REC_MAX)  # bytes of the longest record


class IndexSummary(namedtuple("IndexSummary", ("entries", "index_offset", "tasks", "fds", "objrefs"))):
    """What IMAGE_SUM says, and the index: an array of crfd_index_entry."""

    __slots__ = ()
    entries: memoryview
    index_offset: int
    tasks: int
    fds: int
    objrefs: int


def read_index(image: memoryview, path: str | None) -> IndexSummary | None:
    """The index from the end of an image whose HEAD is right; None when it has no extensions."""
    total, fault = ffi.new("crfd_image_sum *"), ffi.new("crfd_fault *")
    with ffi.from_buffer("uint8_t[]", image) as buf:
        if not _checked(lib.crfd_index_find(buf, len(image), total, fault), fault, path):
            return None
        entries = ffi.new("crfd_index_entry[]", total.ntasks)
        _checked(lib.crfd_index_read(buf, len(image), total, entries, fault), fault, path)
    return IndexSummary(memoryview(ffi.buffer(entries)), total.index_offset, total.ntasks, total.nfds, total.nobjrefs)
