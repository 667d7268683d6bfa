# SPDX-License-Identifier: MIT
"""Tasks and their descriptors as aligned tables or JSON Lines."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring_ascii as quote
from types import ModuleType

from crfd.cli.tables import text
from crfd.format.enums import Identity, Kind
from crfd.image.model import Descriptor, OpenFile, Task
from crfd.image.reader import Image

TYPE_CHECKING = False  # see _core.py
if TYPE_CHECKING:
    from crfd.kinds.values import Lock

HEADER = ("FD", "OBJREF", "SHARED", "KIND", "FLAGS", "POS", "DEV", "INODE", "NAME")
RIGHT = frozenset({0, 1, 2, 5, 6, 7})
WORDS = 60  # characters of a command line


def show(image: Image, tasks: Iterable[Task], *, as_json: bool) -> None:
    write = sys.stdout.write
    if as_json:
        for task in tasks:
            write("".join(json_lines(task)))
        return
    chosen = list(tasks)
    uses = Counter(entry.objref for task in chosen for entry in task.fds.values())
    for number, task in enumerate(chosen):
        write("\n" if number else "")
        write(f"pid {task.pid} ({text.escape(task.comm)}): {text.count(len(task.fds), 'fd')}{_remarks(task)}\n")
        if task.fds:
            locks = task.locks
            rows = [_row(entry, uses[entry.objref], locks.get(entry.fd, ())) for entry in task.fds.values()]
            write("".join(f"  {line}\n" for line in text.table(HEADER, rows, RIGHT)))


def _remarks(task: Task) -> str:
    thread = f", thread of {task.tgid}" if task.tgid not in {None, task.pid} else ""
    table = f", fd table {task.files_objref} shared" if task.files_objref else ""
    inferred = ", sharing inferred" if task.identity is Identity.INFERRED else ""
    changed = (
        f", {text.count(task.changed, 'number')} changed while it was read" if task.changed and not task.frozen else ""
    )
    uid = "" if task.uid is None else f", uid {task.uid}"
    return thread + table + inferred + changed + uid + _command(task)


def _command(task: Task) -> str:
    """What runs, in short: the command line, or the executable of one that has blanked it."""
    words = (task.cmdline or b"").rstrip(b"\0").replace(b"\0", b" ") or task.exe or b""
    shown = text.escape(words[: 4 * WORDS])
    return f", {shown if len(shown) <= WORDS else shown[: WORDS - 1] + '…'}" if shown else ""


def _row(entry: Descriptor, uses: int, locks: tuple[Lock, ...]) -> tuple[str, ...]:
    file = entry.file
    number = f"{entry.fd}{'*' if entry.close_on_exec else ''}"
    if file is None:
        return number, "-", "", "?", "", "", "", "", _failure(entry)
    return (
        number,
        str(entry.objref),
        f"x{uses}" if uses > 1 else "",
        file.kind_name,
        "?" if file.f_flags is None else text.flags(file.f_flags),
        _known(file.f_pos),
        _device(file.dev),
        _known(file.ino),
        _name(file, entry, locks),
    )


def _failure(entry: Descriptor) -> str:
    assert entry.error is not None
    return f"[{entry.error.step.name.lower()}: {os.strerror(entry.error.errno)}]"


def _name(file: OpenFile, entry: Descriptor, locks: tuple[Lock, ...]) -> str:
    name = _failure(entry) if file.path is None and entry.error else text.escape(file.path or b"")
    device = (
        file.rdev is not None and file.st_mode is not None and stat.S_IFMT(file.st_mode) in {stat.S_IFCHR, stat.S_IFBLK}
    )
    name += (f" [{_device(file.rdev)}]" if device else "") + (" [deleted]" if file.deleted else "")
    return name + _summary().words(file, locks) if locks or _is_special(file) else name


def _is_special(file: OpenFile) -> bool:
    """Whether there may be more to tell than of any file."""
    return file.kind > Kind.SYMLINK or bool(file.extensions)


def _summary() -> ModuleType:
    """Loaded when the first special file asks for it: its imports take longer than a small table."""
    from crfd.cli.tables import words as summary

    return summary


def _known(value: int | None) -> str:
    return "?" if value is None else str(value)


def _device(dev: int | None) -> str:
    return "?" if dev is None else f"{os.major(dev)}:{os.minor(dev)}"


# ---- JSON Lines: one object a descriptor; null is what is not known ----


def json_lines(task: Task) -> Iterator[str]:
    who = f'"tgid": {_null(task.tgid)}, "uid": {_null(task.uid)}'
    prefix = f'{{"pid": {task.pid}, "comm": {quote(os.fsdecode(task.comm))}, {who}, "fd": '
    files = {0: _UNREAD}
    locks = task.locks
    for entry in task.fds.values():
        objref = entry.objref
        if objref not in files:
            assert entry.file is not None
            files[objref] = _file_json(entry.file)
        file = files[objref]
        if entry.fd in locks and entry.file is not None:
            file = _file_json(entry.file, locks[entry.fd])
        error = entry.error
        tail = f', "error": {quote(os.strerror(error.errno))}, "step": "{error.step.name.lower()}"' if error else ""
        yield (
            f'{prefix}{entry.fd}, "objref": {objref}, "close_on_exec": {_JSON[entry.close_on_exec]}, {file}{tail}}}\n'
        )


def _null(value: int | None) -> str:
    return "null" if value is None else str(value)


_JSON = {None: "null", True: "true", False: "false"}
_WORDS = [(str(python), json) for python, json in _JSON.items()]
_KEYS = (
    "kind", "f_mode", "f_flags", "f_pos", "f_uid", "f_gid", "f_version", "path", "deleted", "dev", "ino", "mnt_id",
    "st_mode", "rdev", "nlink", "size",
)  # fmt: skip
_UNREAD = ", ".join(f'"{key}": null' for key in _KEYS)


_NUMBERS = (
    '"f_mode": %s, "f_flags": %s, "f_pos": %s, "f_uid": %s, "f_gid": %s, "f_version": %s, "deleted": %s, '
    '"dev": %s, "ino": %s, "mnt_id": %s, "st_mode": %s, "rdev": %s, "nlink": %s, "size": %s, "path": '
)


def _file_json(file: OpenFile, locks: tuple[Lock, ...] = ()) -> str:
    numbers = _NUMBERS % (
        file.f_mode, file.f_flags, file.f_pos, file.f_uid, file.f_gid, file.f_version, file.deleted,
        file.dev, file.ino, file.mnt_id, file.st_mode, file.rdev, file.nlink, file.size,
    )  # fmt: skip
    for python, json in _WORDS:
        numbers = numbers.replace(python, json)
    return (
        f'"kind": "{file.kind_name}", {numbers}{"null" if file.path is None else quote(os.fsdecode(file.path))}'
        f"{_summary().as_json(file, locks) if locks or _is_special(file) else ''}"
    )
