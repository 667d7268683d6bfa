# SPDX-License-Identifier: MIT
"""The holders of something: a file, all below a directory, a port, a socket, a pipe, the other end of a process."""

from __future__ import annotations

import os
import stat

from crfd._core.columns import BatchReader, ImageReader, Reader, Render
from crfd._core.locate import Located, locate
from crfd.analysis.shorthand import port_number
from crfd.errors import QueryError
from crfd.light import NamedTuple
from crfd.query.condition import Condition

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crfd.analysis.kernel import KernelFile
    from crfd.image.reader import Image

PROTOCOLS = {"tcp": ("TCP", "TCP6"), "udp": ("UDP", "UDP6"), "sctp": ("SCTP",), "mptcp": ("MPTCP",)}


class Holder(NamedTuple):
    """A descriptor of a process, or what it holds without one: fd is then None, and held says how (cwd, exe, map …)."""

    pid: int
    comm: str
    user: str | None
    fd: int | None
    held: str | None
    kind: str | None
    access: str | None
    path: bytes | None
    name: str


class Question:
    """Words for what is held, turned into a condition on descriptors.

    A path means the object that it names, by device and inode: other names of it, and other mounts and mount namespaces,
    are found too. One that is gone is looked for by its name among deleted files, and so is, whether deleted or not, one
    whose file system does not answer. `DIR/` is all below a directory, `:80`, `tcp:80`, `10.0.0.5:80` and `[::1]:80` are
    sockets with that local or remote address, `@name` an abstract unix socket, `pipe:[N]`, `socket:[N]` and `ino:N` inodes,
    `pid:N` whoever has another end of a pipe or a socket of that process. mounts are paths whose whole file systems are
    meant, or block devices.
    """

    def __init__(self, what: Iterable[str], mounts: Iterable[str] = ()) -> None:
        self.peers_of: set[int] = set()
        self.doubts: list[OSError] = []  # paths that could not be looked at
        self._files: list[tuple[int, int]] = []  # dev and ino of the objects that are meant, 0: any of the device
        self._below: list[bytes] = []  # directories of which all is meant
        parts = [part for text in what for part in self._part(text)]
        parts += [self._mount(path) for path in mounts]
        self._condition = Condition.any_of(parts)

    @property
    def needs_links(self) -> bool:
        """Whether only an image of all processes can answer."""
        return bool(self.peers_of)

    def condition(self, image: Image | None = None) -> Condition:
        """Return the condition on descriptors of an image; without an image, on those of a scan, where it needs no links."""
        if not self.peers_of:
            return self._condition
        assert image is not None
        found = Condition.one_of("objref", sorted(_peers(image, self.peers_of)))
        mine = Condition.one_of("pid", sorted(self.peers_of))
        return self._condition | (found & ~mine)

    def held_by_the_kernel(self) -> list[KernelFile]:
        """Return the files asked for that no process holds, but a loop device or the swap."""
        if not self._files:
            return []
        from crfd.analysis.kernel import kernel_files

        return [one for one in kernel_files() if self._means(one)]

    def _means(self, one: KernelFile) -> bool:
        at = one.located
        return at is not None and (
            not {(at.dev, at.ino), (at.dev, 0)}.isdisjoint(self._files) or at.real.startswith(tuple(self._below))
        )

    def _part(self, text: str) -> Iterator[Condition]:
        word, colon, rest = text.partition(":")
        if not text:
            raise QueryError(None, "a path, an address or a number", "nothing")
        if text.startswith(("/", ".")):
            yield self._path(text)
        elif text.startswith("@"):
            yield _address([text])
        elif word in {"pipe", "socket"} and colon:
            yield _equal("kind", word) & _equal("ino", _number(rest, "[", "]"))
        elif word == "ino" and colon:
            yield _equal("ino", _number(rest))
        elif word == "pid" and colon:
            self.peers_of.add(_number(rest))
        elif word in PROTOCOLS and colon:
            yield Condition.one_of("proto", PROTOCOLS[word]) & _inet(rest if ":" in rest else f":{rest}")
        elif colon and (not word or text.startswith("[") or _is_ipv4(word)):
            yield _inet(text)
        else:
            yield self._path(text)

    def _path(self, text: str) -> Condition:
        found = self._locate(text)
        if found is None:
            by_name = _equal("path", os.path.abspath(text))
            gone = isinstance(self.doubts[-1], (FileNotFoundError, NotADirectoryError))
            return by_name & Condition.holds("deleted") if gone else by_name
        this = _equal("dev", found.dev) & _equal("ino", found.ino)
        self._files.append((found.dev, found.ino))
        if text.endswith("/") and stat.S_ISDIR(found.mode):
            self._below.append(found.real.rstrip(b"/") + b"/")
            return this | Condition.compare("path", "under", found.real)
        if stat.S_ISSOCK(found.mode):
            return this | _address({text, os.path.abspath(text), os.fsdecode(found.real)})
        if stat.S_ISCHR(found.mode) or stat.S_ISBLK(found.mode):
            kind = "chr" if stat.S_ISCHR(found.mode) else "blk"
            return this | (_equal("kind", kind) & _equal("rdev", found.rdev))
        return this

    def _mount(self, path: str) -> Condition:
        found = locate(_of_us(path))
        dev = found.rdev if stat.S_ISBLK(found.mode) else found.dev
        self._files.append((dev, 0))
        return _equal("dev", dev)

    def _locate(self, text: str) -> Located | None:
        try:
            return locate(_of_us(text))
        except (FileNotFoundError, NotADirectoryError, TimeoutError) as e:
            self.doubts.append(e)
            return None


def who(*what: str, mounts: Iterable[str] = (), backend: str = "auto", holds: str = "all") -> list[Holder]:
    """Return who holds any of what is named (Question says how), in the order of the pids.

    With holds "fd" descriptors alone are looked at; "all" are also directories, executables, mapped files and terminals.
    Raises QueryError for what cannot be understood, OSError for a path that cannot be looked at.
    """
    from crfd.capture.dumper import choose, dump, require_holds, scan_running
    from crfd.capture.selection import Selection

    require_holds(holds)
    question = Question(what, mounts)
    if not question.needs_links:
        condition = question.condition()
        push = condition.push(Holder._fields)
        with scan_running(choose(backend), Selection.everything().resolve(), holds == "all", push) as batches:
            return list(_holders(map(BatchReader, batches), condition))
    from crfd.capture.spool import Spool
    from crfd.image.reader import Image

    with Spool() as spool:
        dump(Selection.everything(), spool, backend=backend, holds=holds)
        with Image(spool.view()) as image:
            return list(_holders((ImageReader(image.view, None),), question.condition(image)))


def _holders(readers: Iterable[Reader], condition: Condition) -> Iterator[Holder]:
    render = Render(Holder._fields, "nul", filter=condition.filter)
    text = b"".join(bytes(piece) for reader in readers for piece in render.rows(reader))
    text += b"".join(bytes(piece) for piece in render.end())
    values = text.split(b"\0")[:-1]
    for at in range(0, len(values), len(Holder._fields)):
        pid, comm, user, fd, held, kind, access, path, name = values[at : at + len(Holder._fields)]
        yield Holder(
            pid=int(pid),
            comm=os.fsdecode(comm),
            user=os.fsdecode(user) or None,
            fd=int(fd) if fd and int(fd) >= 0 else None,
            held=os.fsdecode(held) or None,
            kind=os.fsdecode(kind) or None,
            access=os.fsdecode(access) or None,
            path=path or None,
            name=os.fsdecode(name),
        )


def _peers(image: Image, pids: set[int]) -> set[int]:
    """Return the open file descriptions at the other ends of those of the processes."""
    from crfd.analysis.links import links

    found = links(image)
    theirs: set[int] = set()
    for objref in {objref for pid in pids for objref in found.held_by(pid)}:
        for link in found.of(objref):
            if link.kind != "epoll":
                theirs.update(link.targets if objref in link.sources else ())
                theirs.update(link.sources if objref in link.targets else ())
    return theirs


def _equal(column: str, value: int | str) -> Condition:
    return Condition.compare(column, "==", value)


def _address(names: Iterable[str]) -> Condition:
    return Condition.one_of("local", names) | Condition.one_of("remote", names)


def _of_us(path: str) -> str:
    """Replace /proc/self, which would be another process where one of its own looks a path up."""
    return f"/proc/{os.getpid()}{path[10:]}" if path.startswith("/proc/self/") else path


def _number(text: str, before: str = "", after: str = "") -> int:
    digits = text.removeprefix(before).removesuffix(after)
    if not digits.isdecimal() or not digits.isascii() or text != f"{before}{digits}{after}" or int(digits) >= 2**64:
        raise QueryError(None, f"{before}a number{after}", repr(text))
    return int(digits)


def _is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(part.isdecimal() and int(part) < 256 for part in parts)


def _inet(text: str) -> Condition:
    """Return the condition for a port, with or without an address before it."""
    import socket

    host, _, port = text.rpartition(":")
    number = port_number(port)
    if not host:
        return _equal("port", number) | _equal("remote_port", number)
    if _is_ipv4(host):
        # An IPv6 socket that speaks IPv4 has a mapped address, ipv6(7).
        return _address([f"{host}:{number}", f"[::ffff:{host}]:{number}"])
    try:
        packed = socket.inet_pton(socket.AF_INET6, host.removeprefix("[").removesuffix("]"))
    except OSError:
        raise QueryError(None, "an address such as 10.0.0.5:443 or [::1]:53", repr(text)) from None
    return _address([f"[{socket.inet_ntop(socket.AF_INET6, packed)}]:{number}"])
