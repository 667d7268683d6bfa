# SPDX-License-Identifier: MIT
"""The commands whose system calls fail, what they look at, and what has to be true afterwards."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import crfd
from crfd.__main__ import main
from crfd._core.columns import columns
from tests import mkfds, procs, shown
from tests.faults.errnos import OURS, is_an_answer
from tests.faults.tracer import Call, Ended, Fault, run

SECONDS = 20.0  # that a command may take

# Nothing of it moves by itself, so that two images of it say the same.
KINDS = (
    "regular",
    "dups",
    "deleted",
    "pipe",
    "eventfd",
    "epoll",
    "unix_stream",
    "tcp4",
    "memfd",
    "locks",
    "fork_share:n=1",
)
DUMPS = {
    "dump, proc": ("--backend", "proc"),
    "dump, bpf": ("--backend", "bpf"),
    "dump --holds all, proc": ("--backend", "proc", "--holds", "all"),
    "dump --holds all, bpf": ("--backend", "bpf", "--holds", "all"),
    "dump --freeze, proc": ("--backend", "proc", "--freeze"),
    "dump --freeze, bpf": ("--backend", "bpf", "--freeze"),
}
READS = {"show": ("show", "--json"), "show --links": ("show", "--links"), "verify": ("verify",), "info": ("info",)}
STREAM = "dump to a pipe"
CGROUPS = {"dump --freeze, cgroup v1": "v1", "dump --freeze, cgroup v2": "v2"}
NAMES = (*DUMPS, STREAM, *CGROUPS, *READS)


class Outcome(NamedTuple):
    """word: whole (status 0, nothing lacks), less (status 0, some facts are marked as not known), partly (status 3, each
    process that was not read whole is named), failed (status 1, one line); wrong: what must not be, or None."""

    word: str
    wrong: str | None


# Columns that say how much is known, are put together of others, or are known when the disk knows them.
_ABOUT_KNOWLEDGE = {"changed", "identity", "error", "step", "errno", "detail", "name", "socket.names_known"}
_ABOUT_DISK = {"blocks", "bytes", "deleted_bytes"}
_OF_ALL = {
    "objref",
    "shared",
    "fd_table",
    "fds",
    "fd_size",
    "peer_pid",
    "peer_comm",
}  # which are others where one descriptor lacks
_BY_KCMP = _OF_ALL | {"locks"}  # inferred where kcmp(2) is refused, as the image says then


_NOBODY = 0xFFFFFFFF
# The words of Python itself when a thread has no memory for its first frame.
_PYTHONS = ("Exception ignored in thread started by: ", "MemoryError: ")

Facts = dict[tuple[Any, ...], Any]


def facts(image: bytes) -> Facts:
    """Return what an image says, by what it is said of; without what is different each time."""
    found: Facts = {}
    for row in shown.objects(image, *columns()):
        if row["fd"] is not None and row["fd"] > 2:  # those are ours, and what goes there moves them
            found.update({(row["pid"], row["fd"], key): value for key, value in row.items()})
    with crfd.open(io.BytesIO(image)) as opened:
        for task in opened.tasks.values():
            for key in (
                "comm",
                "tgid",
                "ppid",
                "uid",
                "exe",
                "cmdline",
                "cgroup",
                "nofile_hard",
                "threads",
            ):
                found[task.pid, key] = getattr(task, key)
            for held in task.held:
                said = held._asdict() | {"kind": None if held.kind == crfd.Kind.UNKNOWN else held.kind}
                found.update({(task.pid, f"held {held.by.name} {held.ino}", key): value for key, value in said.items()})
    return found


def _compare_images(wanted: Facts, found: Facts, word: str, fault: Fault) -> tuple[str, list[str]]:
    """Return the word, which may be another one by now, and what is wrong."""
    unread = {key[:2] for key, value in found.items() if key[-1] == "error" and value is not None}
    answered = is_an_answer(fault.call, fault.code)
    described = {value for key, value in found.items() if key[-1] == "objref" and key[:2] in unread}
    alike = {key[:2] for key, value in found.items() if key[-1] == "objref" and value in described}
    inferred = any(key[-1] == "identity" and value == "inferred" for key, value in found.items())
    passed = (_BY_KCMP if inferred else set()) | (_OF_ALL if word == "partly" or answered or unread else set())
    problems = []
    others = {
        key: (wanted.get(key), value)
        for key, value in found.items()
        if value not in (None, wanted.get(key), _marked(wanted.get(key), found, key))
        and key[:2] not in alike
        and (key in wanted or not str(key[1]).startswith("held"))  # which go by an inode that may not be known
        and key[-1] not in _ABOUT_KNOWLEDGE | _ABOUT_DISK | passed
    }
    if others and not answered:
        problems.append(f"said otherwise: {dict(list(others.items())[:3])}")
    if word == "partly":
        return word, problems
    lacks = {key for key, value in wanted.items() if found.get(key) is None and value is not None}
    gone = {key for key in lacks if key[-1] == "num"}
    if gone and not answered:
        problems.append(f"status 0 without {len(gone)} descriptors")
    if unread and fault.code != errno.ENAMETOOLONG and fault.call.name != "statx":
        problems.append(f"status 0 although {sorted(map(str, unread))[:3]} could not be read")
    if lacks and fault.code in OURS:
        problems.append(f"status 0 without {sorted(map(str, lacks))[:3]}")
    return "less" if lacks else word, problems


def _marked(value: Any, found: Facts, key: tuple[Any, ...]) -> Any:
    """Return the value as told where a part is not known: whether a name's " (deleted)" is the kernel's, who set an owner."""
    if isinstance(value, str) and found.get((*key[:-1], "deleted"), 0) is None:
        return f"{value} (deleted)"
    if key[-1] == "owner" and value:
        return {**value, "uid": _NOBODY, "euid": _NOBODY}
    if key[-1] == "socket.shutdown" and "?" in str(found.get(key)):
        return found.get(key)
    return 0 if str(key[-1]).endswith("_ns") else None  # csrc/format/FORMAT.md, crfd_task_ns: 0 unknown


class Scene:
    """Processes that are looked at, a directory for what comes out, and one command after another."""

    def __init__(self, holder: mkfds.Holder, cgroup: procs.Cgroup | None, directory: Path) -> None:
        self._pids = sorted({holder.pid, *(task["pid"] for task in holder.tasks if "pid" in task)})
        self._cgroup = cgroup
        self._out = directory / "out"
        self._out.mkdir()
        self._said = {name: directory / name for name in ("stdout", "stderr")}
        self._image = self._out / "image"
        self._source = directory / "source.crfd"
        crfd.dump(self._pids, self._source, backend="proc")
        self._wanted: dict[str, Any] = {}

    def _words(self, name: str) -> list[str]:
        if name in READS:
            return [*READS[name], str(self._source)]
        pids = [str(pid) for pid in self._pids]
        if name == STREAM:
            return ["dump", "--backend", "proc", *pids]
        if name in CGROUPS:
            assert self._cgroup
            return ["dump", "--freeze", "--backend", "proc", "--cgroup", self._cgroup.name, "-o", str(self._image)]
        return ["dump", *DUMPS[name], *pids, "-o", str(self._image)]

    def count(self, name: str) -> Counter[Call]:
        """The calls of a clean run, which makes the measure of the others."""
        self._load(name)
        ended = self._run(name, None)
        assert ended.status == 0, (name, ended, self._stderr())
        self._wanted[name] = self._result(name)
        self._image.unlink(missing_ok=True)
        return ended.calls

    def _load(self, name: str) -> None:
        """Import the modules that a command takes, for Python's calls are not ours."""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                self._prepare()
                self._command(self._words(name))
                os.write(writer, "\n".join(sys.modules).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader) as modules:
            for module in modules.read().split("\n"):
                if module not in sys.modules and module != "__main__":
                    import_module(module)
        os.waitpid(child, 0)
        self._image.unlink(missing_ok=True)

    def _prepare(self) -> None:
        """Set the child up as a shell does that starts a command."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for fd, name in ((1, "stdout"), (2, "stderr")):
            opened = os.open(self._said[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            os.dup2(opened, fd)
            os.close(opened)

    def _command(self, words: Sequence[str]) -> int:
        sys.argv = ["crfd", *words]
        try:
            return main()
        except SystemExit as e:
            return int(e.code or 0)
        except BaseException:
            traceback.print_exc()
            return 97

    def _run(self, name: str, fault: Fault | None) -> Ended:
        words = self._words(name)
        return run(self._prepare, lambda: self._command(words), fault, SECONDS)

    def _stderr(self) -> str:
        return self._said["stderr"].read_text(errors="backslashreplace")

    def _result(self, name: str) -> Any:
        if name in READS:
            return self._said["stdout"].read_bytes()
        return facts((self._said["stdout"] if name == STREAM else self._image).read_bytes())

    def attempt(self, name: str, fault: Fault) -> Outcome | None:
        """Return what came of a command with a fault; None where it did not get so far."""
        ended = self._run(name, fault)
        try:
            if not ended.injected and ended.status == 0:
                return None
            word = {0: "whole", 1: "failed", 3: "partly"}.get(-1 if ended.status is None else ended.status, "wrong")
            problems = [*self._about_end(ended), *self._about_words(word, fault), *self._about_files(name, word, fault)]
            if word in {"whole", "partly"} and not problems:
                word, lacks = self._compare(name, word, fault)
                problems += lacks
            problems += self._about_others()
            return Outcome(word, "; ".join(problems) if problems else None)
        finally:
            self._tidy()

    def _about_end(self, ended: Ended) -> Iterator[str]:
        if ended.status is None:
            yield f"not done within {SECONDS} s"
        elif ended.status not in {0, 1, 3}:
            yield f"status {ended.status}"
        if ended.survivors:
            yield f"{ended.survivors} of its processes stay"

    def _about_words(self, word: str, fault: Fault) -> Iterator[str]:
        lines = [line for line in self._stderr().splitlines() if not line.startswith(_PYTHONS)]
        for line in lines:
            if not line.startswith("crfd: "):
                yield f"stderr: {' | '.join(lines[-6:])}"
                break
        # Nobody hears where nothing can be written, nor has to where whoever reads has seen enough.
        unsaid = fault.call.name == "write" and (not fault.nth or fault.code == errno.EPIPE)
        if word in {"failed", "partly"} and not lines and not unsaid:
            yield "not a word"

    def _about_files(self, name: str, word: str, fault: Fault) -> Iterator[str]:
        wanted = {"image"} if word in {"whole", "partly"} and name not in READS and name != STREAM else set()
        found = set(os.listdir(self._out))
        if found != wanted:
            yield f"files: expected {wanted or 'none'}, found {found or 'none'}"
        closed = fault.call.name == "close"  # the image is whole, and the file may be where a close tells of a loss
        if name == STREAM and word == "failed" and not closed and self._said["stdout"].stat().st_size:
            yield "part of an image on standard output"

    def _compare(self, name: str, word: str, fault: Fault) -> tuple[str, list[str]]:
        if name in READS:
            return word, [] if self._result(name) == self._wanted[name] else ["another output"]
        try:
            crfd.verify(self._said["stdout"] if name == STREAM else self._image)
        except crfd.FormatError as e:
            return word, [str(e)]
        return _compare_images(self._wanted[name], self._result(name), word, fault)

    def _about_others(self) -> Iterator[str]:
        for pid in self._pids:
            if not _soon(lambda pid=pid: procs.state(pid) in "SR"):
                yield f"pid {pid} is in state {procs.state(pid)}"
        if self._cgroup and not _soon(lambda: not self._cgroup or not self._cgroup.asked_to_freeze()):
            yield "the cgroup stays frozen"

    def _tidy(self) -> None:
        for left in self._out.iterdir():
            left.unlink()
        if self._cgroup:
            self._cgroup.thaw()


def _soon(condition: Any) -> bool:
    try:
        procs.until(condition, "")
    except AssertionError:
        return False
    return True


@contextmanager
def scene(name: str, directory: Path) -> Iterator[Scene]:
    """Make the scene of a command; skip where its cgroups are not to be had."""
    with ExitStack() as stack:
        cgroup = stack.enter_context(procs.cgroup(CGROUPS[name])) if name in CGROUPS else None
        holder = stack.enter_context(mkfds.spawn(*KINDS))
        if cgroup:
            for pid in (holder.pid, *(task["pid"] for task in holder.tasks if "pid" in task)):
                cgroup.add(pid)
        yield Scene(holder, cgroup, directory)
