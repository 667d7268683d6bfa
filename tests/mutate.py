# SPDX-License-Identifier: MIT
"""Images that are changed record by record and then mended, so that what is wrong with them is no sum and no length.

A mutant is a few descriptors of a seed, some changes, and mends: numbers of objrefs, counts, parents, the index and the
sums fit the records again. Some of the mends are left out at times. One number gives one mutant, always the same.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import crfd
from crfd.format.records import Layout, RecordType
from tests import images
from tests.images import EXTENDED, RFC, Fd, File, Rec, Task, assemble, held, image, plan

DATA = Path(__file__).parent / "data"
GOLDEN = ("kinds-bpf.crfd", "kinds-proc.crfd", "held-bpf.crfd", "plain.rfc")
SUMS = frozenset({images.SECTION_SUM, images.INDEX, images.IMAGE_SUM})
FRAME = frozenset(
    {images.HEAD, images.IMAGE_INFO, images.STILL, images.LOCK_WAIT, images.INDEX, images.IMAGE_SUM, images.TAIL}
)
MOST = 32767  # bytes of a payload
FEW = 6  # descriptors that are kept of a task

# The struct, and a kind of description, of what the golden images have none of.
_MORE = {
    RecordType.FANOTIFY: ("crfd_fanotify", crfd.Kind.FANOTIFY),
    RecordType.FANOTIFY_MARK: ("crfd_fanotify_mark", crfd.Kind.FANOTIFY),
    RecordType.IO_URING: ("crfd_io_uring", crfd.Kind.IO_URING),
    RecordType.BPF: ("crfd_bpf_object", crfd.Kind.BPF_MAP),
    RecordType.USERFAULTFD: ("crfd_userfaultfd", crfd.Kind.USERFAULTFD),
    RecordType.DMABUF: ("crfd_dmabuf", crfd.Kind.DMABUF),
    RecordType.TTY: ("crfd_tty", crfd.Kind.CHR),
    RecordType.TUN: ("crfd_tun", crfd.Kind.CHR),
    RecordType.FUSE: ("crfd_fuse", crfd.Kind.CHR),
    RecordType.MQUEUE: ("crfd_mqueue", crfd.Kind.MQUEUE),
    RecordType.PIDFD_NS: ("crfd_pidfd_ns", crfd.Kind.PIDFD),
    RecordType.SOCK_OPTIONS: ("crfd_sock_options", crfd.Kind.SOCKET),
    RecordType.OWNER: ("crfd_owner", crfd.Kind.FILE),
    RecordType.LOCK: ("crfd_lock", crfd.Kind.FILE),
}


def _filled(struct_name: str, value: int = 1) -> bytes:
    """A struct whose numbers are all the same and whose texts are one letter."""
    layout = Layout(struct_name)
    return layout.struct.pack(*(b"x" if field.code.endswith("s") else value for field in layout.fields))


def _rich() -> bytes:
    """Make an image of what no golden one has: frozen processes, waits, locks of another task, and the rarer kinds."""
    files = [File(b"anon", int(kind), more=[(number, _filled(name))]) for number, (name, kind) in _MORE.items()]
    locks = [(RecordType.TASK_QUIET, _filled("crfd_task_quiet")), (RecordType.FD_LOCK, _filled("crfd_fd_lock"))]
    polls = [(RecordType.TASK_POLLS, _filled("crfd_task_polls")), (RecordType.POLLED, _filled("crfd_polled"))]
    pidfd = File(b"anon", int(crfd.Kind.PIDFD), more=[(RecordType.PIDFD, _filled("crfd_pidfd"))])
    first = Task(
        7,
        [Fd(fd, file) for fd, file in enumerate([*files, pidfd])],
        more=[(images.HELD, held(known=images.HAS_ALL)), *polls],
    )
    second = Task(8, [Fd(1, files[0]), Fd(2, files[0], True)], more=locks)
    records = plan([first, second])
    end = next(i for i, record in enumerate(records) if record.type == images.INDEX)
    records[end:end] = [Rec(images.STILL, _filled("crfd_still")), Rec(images.LOCK_WAIT, _filled("crfd_lock_wait", 2))]
    return assemble(records)


def parse(data: bytes) -> list[Rec]:
    """The records of a whole image; the sums are left to be made anew."""
    records: list[Rec] = []
    at = 0
    while at < len(data):
        number, length, parent = struct.unpack_from("<hhI", data, at)
        if number == images.IMAGE_SUM and records[-1].type != images.INDEX:
            records.append(Rec(images.INDEX))
        if number != images.INDEX or records[-1].type != images.INDEX:
            records.append(Rec(number, None if number in SUMS else data[at + 8 : at + 8 + length], parent))
        at += 8 + length
    return records


@cache
def seeds() -> tuple[bytes, ...]:
    return (EXTENDED, RFC, _rich(), image([]), *((DATA / name).read_bytes() for name in GOLDEN))


# ---- what stands together in a list of records ----


def _sections(records: list[Rec]) -> Iterator[tuple[int, int]]:
    """Give the begin and the end of each section."""
    start: int | None = None
    for i, record in enumerate(records):
        if start is not None and (record.type == images.TASK or record.type in FRAME):
            yield start, i
            start = None
        if record.type == images.TASK:
            start = i
    if start is not None:
        yield start, len(records)


def _groups(section: list[Rec]) -> list[list[Rec]]:
    """The task's own records up to FILES, each descriptor with its description, and the sum."""
    groups: list[list[Rec]] = [[]]
    for record in section:
        if record.type in {images.FD_ENT, images.SECTION_SUM}:
            groups.append([])
        groups[-1].append(record)
    return groups


def _objref(record: Rec) -> int:
    return int.from_bytes((record.payload or b"")[:4], "little")


def _copy(record: Rec) -> Rec:
    return Rec(record.type, record.payload, record.parent, record.length)


def cut(rng: random.Random, records: list[Rec]) -> list[Rec]:
    """An image of some tasks and some of their descriptors."""
    spans = list(_sections(records))
    chosen = set(rng.sample(range(len(spans)), min(len(spans), rng.randint(1, 3))))
    found, last = [], 0
    for number, (start, end) in enumerate(spans):
        found += records[last:start]
        last = end
        if number in chosen:
            found += _fewer(rng, _groups(records[start:end]))
    return [_copy(record) for record in found + records[last:]]


def _fewer(rng: random.Random, groups: list[list[Rec]]) -> Iterator[Rec]:
    entries = [group for group in groups[1:] if group[0].type == images.FD_ENT]
    kept = {id(group) for group in rng.sample(entries, min(len(entries), rng.randint(1, FEW)))}
    for group in groups:
        if group[:1] and group[0].type == images.FD_ENT and id(group) not in kept:
            continue
        yield from group


# ---- mends ----


def mend(records: list[Rec], what: frozenset[str]) -> None:
    """Makes objrefs, counts and parents fit the records, those of `what`."""
    numbers: dict[int, int] = {}
    gone: set[int] = set()
    for start, end in _sections(records):
        groups = _groups(records[start:end])
        if "objrefs" in what:
            groups = [group for group in groups if _renumber(group, numbers)]
            kept = {id(record) for group in groups for record in group}
            gone.update(id(record) for record in records[start:end] if id(record) not in kept)
        _mend_task(groups, what)
    records[:] = [record for record in records if id(record) not in gone]


def _renumber(group: list[Rec], numbers: dict[int, int]) -> bool:
    """Gives the objref of a descriptor its place in the new order; False where its description is gone."""
    if not group or group[0].type != images.FD_ENT or len(group[0].payload or b"") < 4:
        return True
    old = _objref(group[0])
    defines = any(record.type == images.FD_DATA for record in group)
    if not defines and old and old not in numbers:
        return False
    if defines:
        numbers[old] = len(set(numbers.values())) + 1
    new = numbers.get(old, 0)
    group[0].poke(0, "I", new)
    for record in group[1:]:
        if record.type not in {images.FNAME, images.SECTION_SUM}:
            record.parent = new
    return True


def _mend_task(groups: list[list[Rec]], what: frozenset[str]) -> None:
    head = groups[0] if groups else []
    told = next(
        (record for record in head if record.type == images.TASK_INFO and len(record.payload or b"") >= 4), None
    )
    if told and "parents" in what:
        for record in head:
            if record.type not in {images.TASK, images.STRING}:
                record.parent = _objref(told)
    nfds = sum(1 for group in groups for record in group if record.type == images.FD_ENT)
    for record in head:
        if record.type == images.FILES and "counts" in what and len(record.payload or b"") == 8:
            record.poke(4, "I", nfds)


# ---- changes ----

NUMBERS = (*range(4), *(1 << n for n in (7, 15, 31, 63)), *((1 << n) - 1 for n in (7, 8, 15, 16, 31, 32, 63, 64)))
BYTES = (b"\0", b"\x1b[2J", b"\n", b"\xff", b"\xe2\x80\xae", b"/", b" (deleted)", b"'", b'"', b"%s", b"\x7f", b"\t")
CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def _some(rng: random.Random, records: list[Rec], least: int = 1) -> Rec:
    """Choose a record, of each type as often, so that the rare ones are not rare."""
    fit = [record for record in records if record.payload is not None and len(record.payload) >= least]
    if not fit:
        return Rec(0, bytes(8))
    number = rng.choice(sorted({record.type for record in fit}))
    return rng.choice([record for record in fit if record.type == number])


def _field(rng: random.Random, records: list[Rec]) -> None:
    size = rng.choice((1, 2, 4, 4, 8))
    record = _some(rng, records, size)
    assert record.payload is not None
    at = rng.randrange(len(record.payload) - size + 1) // size * size
    old = int.from_bytes(record.payload[at : at + size], "little")
    new = rng.choice((rng.choice(NUMBERS), old + 1, old - 1, old ^ 1 << rng.randrange(8 * size), rng.getrandbits(64)))
    record.poke(at, CODES[size], new % (1 << 8 * size))


def _field_of_another(rng: random.Random, records: list[Rec]) -> None:
    """A number that stands elsewhere in the image: an inode, an objref, a pid."""
    one, other = _some(rng, records, 8), _some(rng, records, 8)
    assert one.payload is not None and other.payload is not None
    size = rng.choice((4, 8))
    at = rng.randrange(len(one.payload) // size) * size
    start = rng.randrange(len(other.payload) // size) * size
    one.payload = one.payload[:at] + other.payload[start : start + size] + one.payload[at + size :]


def _text(rng: random.Random, records: list[Rec]) -> None:
    record = _some(rng, records)
    assert record.payload is not None
    word = rng.choice(BYTES)
    at = rng.randrange(len(record.payload))
    record.payload = record.payload[:at] + word + record.payload[at + rng.choice((0, len(word))) :]


def _size(rng: random.Random, records: list[Rec]) -> None:
    """A payload that is shorter, longer, or there twice."""
    record = _some(rng, records)
    assert record.payload is not None
    n = len(record.payload)
    cut_at = rng.randrange(n)
    longer = record.payload + bytes(rng.choice((1, 4, 8, 100)))
    record.payload = rng.choice((record.payload[:cut_at], longer, record.payload * rng.choice((2, 3, 40)), b""))[:MOST]


def _length(rng: random.Random, records: list[Rec]) -> None:
    """A header that lies."""
    record = rng.choice(records)
    record.length = rng.choice((-32768, -8, -1, 0, 1, 7, 8, 32767, len(record.payload or b"") + 8))


def _number(rng: random.Random, records: list[Rec]) -> None:
    record = rng.choice(records)
    if record.payload is not None:
        record.type = rng.choice(
            (rng.choice(list(RecordType)), record.type + 1, 0x4FFF, 0x6001, rng.randrange(-9, 32768))
        )


def _parent(rng: random.Random, records: list[Rec]) -> None:
    rng.choice(records).parent = rng.choice((0, 1, 2, 7, 100, 2**31, 2**32 - 1))


def _drop(rng: random.Random, records: list[Rec]) -> None:
    start = rng.randrange(len(records))
    del records[start : start + rng.choice((1, 1, 1, 2, 5))]


def _twice(rng: random.Random, records: list[Rec]) -> None:
    start = rng.randrange(len(records))
    span = records[start : start + rng.choice((1, 1, 2, 5))]
    where = rng.choice((start, rng.randrange(len(records) + 1)))
    records[where:where] = [_copy(record) for record in span * rng.choice((1, 1, 3))]


def _swap(rng: random.Random, records: list[Rec]) -> None:
    one, other = rng.randrange(len(records)), rng.randrange(len(records))
    records[one], records[other] = records[other], records[one]


def _stranger(rng: random.Random, records: list[Rec]) -> None:
    """A record of another image, or a payload of it in a record of that type."""
    other = rng.choice(parse(rng.choice(seeds())))
    records.insert(rng.randrange(len(records) + 1), other)


def _section(rng: random.Random, records: list[Rec]) -> None:
    """A whole section is moved, dropped or there twice, as another process or as the same."""
    spans = list(_sections(records))
    if not spans:
        return
    start, end = rng.choice(spans)
    section = [_copy(record) for record in records[start:end]]
    if rng.random() < 0.5:
        del records[start:end]
    for record in section:
        if record.type == images.TASK_INFO and len(record.payload or b"") >= 4 and rng.random() < 0.7:
            record.poke(0, "I", rng.randrange(1, 1000))
    where, _ = rng.choice([*_sections(records), (start, end)])
    records[where:where] = section


def _table(rng: random.Random, records: list[Rec]) -> None:
    """Tasks that share a table, rightly or not."""
    tables = [record for record in records if record.type == images.FILES and len(record.payload or b"") == 8]
    for number, record in enumerate(tables):
        record.poke(0, "I", rng.choice((0, 1, 1, number, number + 1)))


def _unread(rng: random.Random, records: list[Rec]) -> None:
    """A descriptor that could not be read."""
    where = [i for i, record in enumerate(records) if record.type == images.TASK_INFO]
    entries = [record for record in records if record.type == images.FD_ENT and len(record.payload or b"") == 16]
    if not where or not entries:
        return
    entry = rng.choice(entries)
    (fd,) = struct.unpack_from("<i", entry.payload or b"", 4)
    if rng.random() < 0.7:
        entry.poke(0, "I", 0)
    at = rng.choice(where)
    records.insert(
        at + 1, Rec(images.FD_ERROR, struct.pack("<iiII", fd, rng.choice((1, 13, 4000)), 4, 0), records[at].parent)
    )


CHANGES: tuple[Callable[[random.Random, list[Rec]], None], ...] = (
    _field, _field, _field, _field, _field_of_another, _field_of_another, _text, _size, _length, _number, _parent, _drop,
    _twice, _swap, _stranger, _section, _table, _unread,
)  # fmt: skip
MENDS = ("objrefs", "counts", "parents")


def mutant(number: int) -> bytes:
    rng = random.Random(number)
    records = cut(rng, parse(rng.choice(seeds())))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        if records:
            rng.choice(CHANGES)(rng, records)
    left_out = rng.choice((None, None, None, *MENDS))
    mend(records, frozenset(MENDS) - {left_out})
    return assemble(records)
