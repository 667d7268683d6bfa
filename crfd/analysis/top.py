# SPDX-License-Identifier: MIT
"""The processes with the most descriptors: how full their tables are, and with what."""

from __future__ import annotations

import errno
import os

from crfd._core.batch import STEP_TASK, Unread
from crfd._core.columns import ImageReader
from crfd._core.scan import count
from crfd._core.tally import Group, tally
from crfd.errors import is_ours
from crfd.light import NamedTuple

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Iterable

    from crfd.query.condition import Condition

BY = ("process", "user", "container", "cgroup", "kind", "path")
_PROCESS = ("pid", "comm", "user", "nofile_soft", "start_time")


class Usage(NamedTuple):
    """A process: its descriptors, its soft RLIMIT_NOFILE (None: none, or not known), and what they are."""

    pid: int
    comm: str
    user: str
    fds: int
    limit: int | None
    shared: int
    deleted_bytes: int
    kinds: dict[str, int]
    start_time: int | None

    @property
    def full(self) -> float | None:
        """The used part of the limit, 1 when it is reached; None without a limit."""
        return self.fds / self.limit if self.limit else None


def fullest(usages: Iterable[Usage]) -> list[Usage]:
    """Sort the fullest first; those without a limit come behind, by their number of descriptors."""
    return sorted(usages, key=lambda one: (-(one.full or 0), -one.fds, one.pid))


def by_process(image: memoryview, condition: Condition | None = None) -> list[Usage]:
    """Return every task of an image that has descriptors which fit."""
    filter = condition.filter if condition else None
    return fullest(_usage(group) for group in tally(ImageReader(image, None), _PROCESS, filter=filter)[1])


def _usage(group: Group) -> Usage:
    pid, comm, user, limit, start = group.key
    return Usage(
        int(pid),
        os.fsdecode(comm),
        os.fsdecode(user),
        group.fds,
        int(limit) if limit else None,
        group.shared,
        group.deleted_bytes,
        group.kinds,
        int(start) if start else None,
    )


def by_column(
    image: memoryview, name: str, condition: Condition | None = None, most: int | None = None
) -> tuple[int, list[Group]]:
    """Group descriptors by a column: (number of its values, the groups with the most frequent ones)."""
    filter = condition.filter if condition else None
    return tally(ImageReader(image, None), (name,), filter=filter, kinds=name not in {"kind", "path"}, most=most)


def counts(pids: Iterable[int], most: int | None = None) -> tuple[list[Usage], list[Unread]]:
    """Return the number of descriptors and the limit of each process, and those that could not be counted.

    No table is read. The names of all but the first `most` are left empty.
    """
    found, unread = [], []
    for pid in pids:
        try:
            if fds := count(pid):  # a kernel thread has none
                found.append(Usage(pid, "", "", fds, _limit(pid), 0, 0, {}, None))
        except OSError as e:
            unread.append(_unread(pid, e))
    found = fullest(found)
    users: dict[int, str] = {}
    for i, one in enumerate(found[:most]):
        try:
            found[i] = _named(one, users)
        except OSError as e:
            unread.append(_unread(one.pid, e))
    return [one for i, one in enumerate(found) if one.user or (most is not None and i >= most)], unread


def _unread(pid: int, e: OSError) -> Unread:
    if is_ours(e):
        raise e
    return Unread(pid, errno.ESRCH if e.errno == errno.ENOENT else e.errno or 0, STEP_TASK)


def _limit(pid: int) -> int | None:
    from resource import RLIM_INFINITY, RLIMIT_NOFILE, prlimit

    try:
        limit = prlimit(pid, RLIMIT_NOFILE)[0]
    except PermissionError:  # another user's, without CAP_SYS_RESOURCE (prlimit(2)): the text is for everybody
        return _told_limit(pid)
    return None if limit == RLIM_INFINITY else limit


def _told_limit(pid: int) -> int | None:
    """Read the soft limit in /proc/PID/limits (proc_pid_limits(5))."""
    with open(f"/proc/{pid}/limits", "rb", buffering=0) as file:
        soft = file.read(4096).partition(b"\nMax open files")[2].split()[0]
    return int(soft) if soft.isdigit() else None


def _named(one: Usage, users: dict[int, str]) -> Usage:
    uid = os.stat(f"/proc/{one.pid}").st_uid
    with open(f"/proc/{one.pid}/comm", "rb", buffering=0) as file:
        comm = file.read(64).rstrip(b"\n")
    if uid not in users:
        users[uid] = _name_of(uid)
    return one._replace(comm=os.fsdecode(comm), user=users[uid])


def _name_of(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
