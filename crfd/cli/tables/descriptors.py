# SPDX-License-Identifier: MIT
"""Tasks and their descriptors as aligned tables, or handed on as JSON Lines."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable
from types import ModuleType

from crfd.cli.tables import text
from crfd.format.enums import Identity
from crfd.image.model import Descriptor, OpenFile, Task, is_special

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from crfd.image.held import Held
    from crfd.kinds.lock import Lock

HEADER = ("FD", "OBJREF", "SHARED", "KIND", "FLAGS", "POS", "DEV", "INODE", "NAME")
RIGHT = frozenset({0, 1, 2, 5, 6, 7})
WORDS = 60  # characters of a command line


def show(tasks: Iterable[Task], *, as_json: bool) -> None:
    write = sys.stdout.write
    if as_json:
        from crfd.export.jsonl import write_tasks

        write_tasks(tasks, write)
        return
    chosen = list(tasks)
    uses = Counter(entry.objref for task in chosen for entry in task.fds.values())
    for number, task in enumerate(chosen):
        write("\n" if number else "")
        write(f"pid {task.pid} ({text.escape(task.comm)}): {text.count(len(task.fds), 'fd')}{_remarks(task)}\n")
        locks = task.locks
        rows = [_held_row(one) for one in task.held]
        rows += [_row(entry, uses[entry.objref], locks.get(entry.fd, ())) for entry in task.fds.values()]
        if rows:
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


def _held_row(one: Held) -> tuple[str, ...]:
    """A file that is held without a descriptor; in FD stands by what."""
    name = f"[{one.reason}]" if one.path is None and one.errno else text.escape(one.path or b"")
    name += _special(one.st_mode, one.rdev) + (" [deleted]" if one.deleted else "")
    if one.mappings is not None:
        name += f" ({text.count(one.mappings, 'mapping')}, {text.size(one.bytes or 0)})"
    if one.fd is not None:
        name += f" (of fd {one.fd}, {one.slot})"
    by = one.by.name.lower()
    return by, "-", "", one.kind_name, one.prot or "", "", _device(one.dev), _known(one.ino), name


def _special(st_mode: int | None, rdev: int | None) -> str:
    device = rdev is not None and st_mode is not None and stat.S_IFMT(st_mode) in {stat.S_IFCHR, stat.S_IFBLK}
    return f" [{_device(rdev)}]" if device else ""


def _failure(entry: Descriptor) -> str:
    assert entry.error is not None
    return f"[{entry.error.step.name.lower()}: {os.strerror(entry.error.errno)}]"


def _name(file: OpenFile, entry: Descriptor, locks: tuple[Lock, ...]) -> str:
    name = _failure(entry) if file.path is None and entry.error else text.escape(file.path or b"")
    name += _special(file.st_mode, file.rdev) + (" [deleted]" if file.deleted else "")
    return name + _words().words(file, locks) if locks or is_special(file) else name


def _words() -> ModuleType:
    """Loaded when the first special file asks for it: its imports take longer than a small table."""
    from crfd.cli.tables import words

    return words


def _known(value: int | None) -> str:
    return "?" if value is None else str(value)


def _device(dev: int | None) -> str:
    return "?" if dev is None else f"{os.major(dev)}:{os.minor(dev)}"
