# SPDX-License-Identifier: MIT
"""JSON Lines: one object a descriptor, a file held without one, or a link; null stands for what is not known."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from enum import IntEnum
from json.encoder import encode_basestring_ascii as quote

from crfd.image.model import OpenFile, Task, is_special

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from typing import Any

    from crfd.analysis.links import Link, Links
    from crfd.kinds.lock import Lock


def write_tasks(tasks: Iterable[Task], write: Callable[[str], object]) -> None:
    for task in tasks:
        write("".join((*held_lines(task), *task_lines(task))))


def task_lines(task: Task) -> Iterator[str]:
    """One object a descriptor of the task."""
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


def held_lines(task: Task) -> Iterator[str]:
    """One object a file that the task holds without a descriptor: fd is null, held says by what."""
    who = {"pid": task.pid, "comm": os.fsdecode(task.comm), "tgid": task.tgid, "uid": task.uid, "fd": None}
    for one in task.held:
        found: dict[str, Any] = {**who, "held": one.by.name.lower(), "objref": None, "kind": one.kind_name}
        found |= {key: getattr(one, key) for key in _HELD}
        found["path"] = None if one.path is None else os.fsdecode(one.path)
        if one.mappings is not None:
            found["map"] = {"prot": one.prot, "mappings": one.mappings, "bytes": one.bytes}
        if one.fd is not None:
            found |= {"in_fd": one.fd, "slot": one.slot, "f_mode": one.f_mode}
        if one.errno is not None:
            found["error"] = one.reason
        yield f"{json.dumps(found)}\n"


_HELD = ("deleted", "dev", "ino", "mnt_id", "st_mode", "rdev", "nlink", "size")


def _null(value: int | None) -> str:
    return "null" if value is None else str(value)


_JSON = {None: "null", True: "true", False: "false"}
_WORDS = [(str(python), word) for python, word in _JSON.items()]
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
    for python, word in _WORDS:
        numbers = numbers.replace(python, word)
    return (
        f'"kind": "{file.kind_name}", {numbers}{"null" if file.path is None else quote(os.fsdecode(file.path))}'
        f"{members(file, locks) if locks or is_special(file) else ''}"
    )


def members(file: OpenFile, more_locks: tuple[Lock, ...] = ()) -> str:
    """The members ", "detail": {...}, "locks": [...], "owner": {...}" of what there is."""
    told = {"detail": file.detail, "locks": file.locks + more_locks or None, "owner": file.owner}
    return "".join(f', "{key}": {json.dumps(_plain(value))}' for key, value in told.items() if value is not None)


def _plain(value: Any) -> Any:
    if isinstance(value, IntEnum):
        return value.name.lower()
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return os.fsdecode(value) if isinstance(value, bytes) else value


def link_line(links: Links, link: Link) -> str:
    def held(objref: int | None) -> list[dict[str, int]] | None:
        return None if objref is None else [{"pid": pid, "fd": fd} for pid, fd in links.holders(objref)]

    found = {
        "link": link.kind,
        "source": link.source,
        "target": link.target,
        "known": link.known,
        "fd": link.fd,
        "source_held": held(link.source),
        "target_held": held(link.target),
    }
    return f"{json.dumps(found)}\n"
