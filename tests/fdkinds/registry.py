# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""The table of kinds, and the maker that numbers and describes what they open."""

from __future__ import annotations

import errno
import fcntl
import inspect
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import syscalls

Entry = dict[str, Any]
_T = TypeVar("_T")
_Factory = TypeVar("_Factory", bound=Callable[..., None])


class SkipError(Exception):
    """This kernel or this user cannot make the kind; the text says why."""


@dataclass(frozen=True)
class Kind:
    name: str
    make: Callable[..., None]  # (Maker, **options)
    needs: str  # privilege, device or kernel feature
    plain: bool  # safe beside any other and part of "all"

    @property
    def family(self) -> str:
        return self.make.__module__.rpartition(".")[2]

    @property
    def options(self) -> dict[str, Any]:
        """Name to default value."""
        parameters = list(inspect.signature(self.make).parameters.values())[1:]
        return {p.name: p.default for p in parameters}

    def parse(self, text: str) -> dict[str, Any]:
        """ "key=value,key=value" as keyword arguments, of the type of their defaults."""
        known, given = self.options, {}
        for item in filter(None, text.split(",")):
            key, _, value = item.partition("=")
            if key not in known:
                raise ValueError(f"{self.name}: expected an option of {sorted(known)}, found {key!r}")
            given[key] = int(value, 0) if isinstance(known[key], int) else value
        return given


KINDS: dict[str, Kind] = {}


def kind(name: str, *, needs: str = "", plain: bool = True) -> Callable[[_Factory], _Factory]:
    """Registers a factory; its keyword parameters are the options of the kind."""

    def register(make: _Factory) -> _Factory:
        assert name not in KINDS, name
        KINDS[name] = Kind(name, make, needs, plain)
        return make

    return register


def reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        name = errno.errorcode.get(error.errno, str(error.errno))
        where = f" ({error.filename})" if error.filename else ""
        return f"{name}: {error.strerror}{where}"
    return str(error)


class Maker:
    """Takes what the kinds open, moves it to the next number and keeps what is known about it."""

    def __init__(self, root: Path, first_fd: int) -> None:
        self._root = root
        self._next_fd = first_fd
        self._serial = 0
        self._dir = root
        self._name = ""
        self.entries: dict[int, Entry] = {}
        self.tasks: list[Entry] = []
        self.bulk: dict[str, Entry] = {}
        self.skipped: dict[str, str] = {}
        self.after_report: list[Callable[[], None]] = []
        self.at_exit: list[Callable[[], None]] = []
        self.deadline: float | None = None  # time.monotonic() at which the process ends by itself
        self.stop = threading.Event()
        self._children: list[int] = []
        self._threads: list[threading.Thread] = []

    # ---- for factories

    def directory(self) -> str:
        """A directory of this run of the factory alone."""
        self._dir.mkdir(exist_ok=True)
        return str(self._dir)

    def path(self, name: str) -> str:
        return f"{self.directory()}/{name}"

    def file(self, name: str, content: bytes = b"content\n") -> str:
        path = self.path(name)
        with open(path, "xb") as stream:
            stream.write(content)
        return path

    def add(self, fd: int, kind: str, part: str = "", **known: Any) -> int:
        """Moves fd to the next number, which it returns, and describes it there."""
        close_on_exec = self._serial % 2 == 0
        self._serial += 1
        number = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC if close_on_exec else fcntl.F_DUPFD, self._next_fd)
        os.close(fd)
        self._next_fd = number + 1
        role = f"{self._name}.{part}" if part else self._name
        self.entries[number] = {"fd": number, "kind": kind, "role": role, "close_on_exec": close_on_exec, **known}
        return number

    def know(self, fd: int, **known: Any) -> None:
        self.entries[fd].update(known)

    def dup(self, fd: int, part: str) -> int:
        """Add one more descriptor of the same description."""
        return self.add(os.dup(fd), self.entries[fd]["kind"], part, same_as=fd)

    def skip(self, part: str, error: BaseException | str) -> None:
        """Report that one part of a kind is not to be had; the others stand."""
        self.skipped[f"{self._name}.{part}"] = error if isinstance(error, str) else reason(error)

    def task(self, part: str = "", **known: Any) -> None:
        self.tasks.append({"role": f"{self._name}.{part}" if part else self._name, **known})

    def child(self, *, keep_fds: bool = False, code: int | None = None) -> int:
        """A child that waits, or one that exits at once with that code and is not reaped."""
        pid = os.fork()
        if pid == 0:
            try:
                syscalls.die_with_parent()
                if not keep_fds:
                    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
                while code is None:
                    signal.pause()
            finally:
                os._exit(code or 0)
        if code is not None:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return self.own_child(pid)

    def own_child(self, pid: int) -> int:
        self._children.append(pid)
        return pid

    def reap(self, pid: int) -> None:
        self._children.remove(pid)
        os.waitpid(pid, 0)

    def in_thread(self, body: Callable[[], _T]) -> tuple[int, _T]:
        """Runs body in a thread that then stays until the end; its tid and what body returned."""
        done, result, failed = threading.Event(), list[_T](), list[BaseException]()

        def run() -> None:
            try:
                result.append(body())
            except BaseException as error:
                failed.append(error)
            done.set()
            if not failed:
                self.stop.wait()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        done.wait()
        if failed:
            raise failed[0]
        assert thread.native_id is not None
        return thread.native_id, result[0]

    # ---- for the command

    def make(self, spec: str) -> None:
        """Runs one KIND[:options]; what it had opened before a failure is closed again."""
        name, _, options = spec.partition(":")
        row = KINDS[name]
        self._name, self._dir = name, self._root / f"{name}-{self._serial}"
        before, ntasks = set(self.entries), len(self.tasks)
        try:
            row.make(self, **row.parse(options))
        except (OSError, SkipError) as error:
            for fd in set(self.entries) - before:
                os.close(fd)
                del self.entries[fd]
            del self.tasks[ntasks:]
            self.skipped[name] = reason(error)

    def report(self) -> Entry:
        for entry in self.entries.values():
            describe(entry)
        present = open_fds()
        return {
            "pid": os.getpid(),
            "fds": [self.entries[fd] for fd in sorted(self.entries)],
            "tasks": self.tasks,
            "bulk": self.bulk,
            "skipped": self.skipped,
            "nfds": len(present),
            "others": [] if self.bulk else [fd for fd in present if fd not in self.entries],
        }

    def close(self) -> None:
        """Ends children and threads and undoes what outlives the process."""
        self.stop.set()
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for thread in self._threads:
            thread.join()
        for undo in reversed(self.at_exit):
            with suppress(OSError):
                undo()


def open_fds() -> list[int]:
    """The descriptors of the calling thread, ascending."""
    listed = sorted(map(int, os.listdir("/proc/thread-self/fd")))
    return [fd for fd in listed if _is_open(fd)]  # the one that read the directory is closed by now


def _is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def describe(entry: Entry) -> Entry:
    """Fills in what every descriptor has. A kind whose fstat() would block has put "stat": None there before."""
    fd = entry["fd"]
    if "stat" not in entry or entry["stat"] is not None:
        st = os.fstat(fd)
        names = ("dev", "ino", "mode", "nlink", "size", "rdev")
        entry["stat"] = {name: getattr(st, f"st_{name}") for name in names}
    entry["f_flags"] = fcntl.fcntl(fd, fcntl.F_GETFL)
    entry["close_on_exec"] = bool(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)
    try:
        entry["pos"] = os.lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        entry["pos"] = None
    try:
        entry["link"] = os.readlink(f"/proc/thread-self/fd/{fd}")
    except OSError as error:
        entry["link"], entry["link_errno"] = None, error.errno
    return entry
