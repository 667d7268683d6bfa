# SPDX-License-Identifier: MIT
"""The choice of processes: named by pid, with their descendants, or those of all that fit every condition."""

from __future__ import annotations

import os

from crfd.errors import CrfdError
from crfd.light import NamedTuple, suppress

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator

    import psutil


CGROUP_ROOT = "/sys/fs/cgroup"


class Selection(NamedTuple):
    """The processes to look at. Conditions that are given must all hold.

    pids are the candidates, with tree their descendants too; without pids every process but this one is, which without
    a condition has to be said: Selection.everything(). name is a shell
    pattern of the command name, command a regular expression searched in the command line, user a name or number
    (effective), cgroup a path whose processes and whose children's are meant, container the beginning of a container
    id as it stands in the cgroup path, pid_namespace the inode of a pid namespace or a pid whose namespace is meant,
    session a session id, unit the name of a unit of systemd, whose ending may be left out where it is .service.
    """

    pids: frozenset[int] = frozenset()
    tree: bool = False
    name: str | None = None
    command: str | None = None
    user: str | None = None
    cgroup: str | None = None
    container: str | None = None
    pid_namespace: int | None = None
    session: int | None = None
    unit: str | None = None
    every: bool = False

    @classmethod
    def everything(cls) -> Selection:
        """Choose every process but this one."""
        return cls(every=True)

    def resolve(self) -> list[int]:
        """Return the pids chosen, ascending. One that was named and is gone stays, so that the dump can report it."""
        conditions = list(self._conditions())
        if not self.pids and not conditions and not self.every:
            raise ValueError("selection: expected pids, a condition or Selection.everything(), found none of them")
        candidates = self._candidates()
        if not conditions:
            return candidates
        chosen = [pid for pid in candidates if _fits(pid, conditions)]
        if not chosen:
            self._refuse_what_is_not()
        return chosen

    def _refuse_what_is_not(self) -> None:
        """Raise where the cgroup is not there, which is not the same as one without processes."""
        roots = [one.at for one in hierarchies()]
        if self.cgroup is None or not roots:
            return
        inner = self.cgroup.removeprefix(CGROUP_ROOT).strip("/")
        if not any(os.path.isdir(os.path.join(root, inner)) for root in roots):
            raise CrfdError(f"cgroup: {self.cgroup!r} does not exist")

    def _candidates(self) -> list[int]:
        if not self.pids:
            return everything()
        return descendants(self.pids) if self.tree else sorted(self.pids)

    def _conditions(self) -> Iterator[Callable[[psutil.Process], bool]]:
        if (name := self.name) is not None:
            from fnmatch import fnmatchcase

            yield lambda p: fnmatchcase(p.name(), name)
        if self.command is not None:
            command = _pattern(self.command)
            yield lambda p: command.search(" ".join(p.cmdline())) is not None
        if self.user is not None:
            uid = _uid(self.user)
            yield lambda p: p.uids().effective == uid
        if self.cgroup is not None:
            cgroup = self.cgroup.removeprefix(CGROUP_ROOT)
            yield lambda p: any(within(path, cgroup) for path in cgroups(p.pid))
        if self.unit is not None:
            unit = self.unit if "." in self.unit else f"{self.unit}.service"
            yield lambda p: any(unit in path.split("/") for path in cgroups(p.pid))
        if (container := self.container) is not None:
            yield lambda p: any(_names_container(path, container) for path in cgroups(p.pid))
        if self.pid_namespace is not None:
            inode = _pid_namespace(self.pid_namespace)
            yield lambda p: os.stat(f"/proc/{p.pid}/ns/pid").st_ino == inode
        if (session := self.session) is not None:
            yield lambda p: os.getsid(p.pid) == session


def everything() -> list[int]:
    """Return every process of our pid namespace but this one, ascending (proc(5))."""
    own = os.getpid()
    return sorted(pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if pid != own)


def descendants(pids: Iterable[int]) -> list[int]:
    """Return the pids and all that descend from them, without this process, ascending."""
    children: dict[int, list[int]] = {}
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            children.setdefault(_parent(pid), []).append(pid)
    found: set[int] = set()
    todo = list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo.extend(children.get(pid, ()))
    found.discard(os.getpid())
    return sorted(found)


def _parent(pid: int) -> int:
    """Return the second field behind the command name, which may hold anything (proc_pid_stat(5))."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split(None, 2)[1])


def cgroups(pid: int) -> list[str]:
    """Return the cgroup paths of a process, one a hierarchy (cgroups(7))."""
    with open(f"/proc/{pid}/cgroup", errors="surrogateescape") as lines:
        return [line.rstrip("\n").split(":", 2)[2] for line in lines]


class Hierarchy(NamedTuple):
    """Where a hierarchy of cgroups is mounted, its version, and its options, among which version 1 has its controllers."""

    at: str
    version: int
    options: list[str]


def hierarchies() -> list[Hierarchy]:
    """Return the hierarchies that are mounted: one in version 2, one a controller in version 1 (cgroups(7))."""
    with open("/proc/self/mounts", errors="surrogateescape") as lines:
        fields = [line.split(" ") for line in lines]
    versions = {"cgroup": 1, "cgroup2": 2}
    return [Hierarchy(at, versions[kind], more.split(",")) for _, at, kind, more, *_ in fields if kind in versions]


def within(path: str, cgroup: str) -> bool:
    """Whether a cgroup path is the given one or below it."""
    return (path.rstrip("/") + "/").startswith(f"/{cgroup.strip('/')}/".replace("//", "/"))


def _fits(pid: int, conditions: list[Callable[[psutil.Process], bool]]) -> bool:
    """Whether a process fits; one that is gone or hides what a condition asks for does not."""
    import psutil

    try:
        process = psutil.Process(pid)
        return all(condition(process) for condition in conditions)
    except psutil.Error:
        return False
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def _pattern(text: str) -> re.Pattern[str]:
    import re

    try:
        return re.compile(text)
    except re.error as e:
        raise CrfdError(f"command: {text!r} is not a regular expression: {e}") from None


def _uid(user: str) -> int:
    import pwd

    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise CrfdError(f"user: {user!r} does not exist") from None


def _names_container(path: str, container: str) -> bool:
    """Look for an id where container engines put it: /docker/ID, /…/docker-ID.scope, /…/cri-containerd-ID.scope."""
    return any(part.rpartition("-")[2].startswith(container) for part in path.split("/") if part)


def _pid_namespace(number: int) -> int:
    """Return the inode; those of namespaces are from 0xf0000000 on (include/linux/proc_ns.h), above every pid."""
    if number >= 0xF0000000:
        return number
    try:
        return os.stat(f"/proc/{number}/ns/pid").st_ino
    except OSError as e:
        raise CrfdError(f"pid namespace of pid {number}: {e.strerror}") from None
