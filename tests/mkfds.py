#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A process whose file descriptors are known: as a command that makes them, as a library that runs the command.

    python tests/mkfds.py [--fd N] [--dir DIR] KIND[:key=value,...]...

prints one JSON line and waits for the end of its stdin. The kinds are in fdkinds/, one module per family. A line on
stdin is a command ("make KIND...", "close FD...", "seek FD POS") and is answered by one JSON line;
"quit" ends the process as well.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

_HERE = Path(__file__).resolve().parent


class Holder:
    """A running process and what it says it made."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, timeout: float) -> None:
        self._process = process
        self._timeout = timeout
        self._pending = b""
        self.directory = directory
        self.report: dict[str, Any] = self._reply()
        self.pid: int = self.report["pid"]

    @property
    def fds(self) -> list[dict[str, Any]]:
        """Every descriptor made by name, ascending; bulk ones are only counted, in bulk."""
        return list(self.report["fds"])

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """Children and threads: role, pid or tid, and what is special about them."""
        return list(self.report["tasks"])

    @property
    def bulk(self) -> dict[str, dict[str, Any]]:
        return dict(self.report["bulk"])

    @property
    def skipped(self) -> dict[str, str]:
        """Kind (or role) to the reason why this machine does not offer it."""
        return dict(self.report["skipped"])

    def by_role(self, role: str) -> dict[str, Any]:
        """The one descriptor or task of that role."""
        found = [e for e in (*self.report["fds"], *self.report["tasks"]) if e["role"] == role]
        if len(found) != 1:
            roles = sorted({e["role"] for e in self.report["fds"]})
            raise KeyError(f"expected one {role!r}, found {len(found)}; roles {roles}, skipped {self.skipped}")
        return dict(found[0])

    def tell(self, line: str) -> dict[str, Any]:
        """Sends one command, returns its answer; "make" and "close" also bring the report up to date."""
        self._stdin().write(line.encode() + b"\n")
        self._stdin().flush()
        answer = self._reply()
        if "error" in answer:
            raise RuntimeError(f"{line!r}: {answer['error']}")
        if "fds" in answer:
            self.report = answer
        return answer

    def wait(self, timeout: float | None = None) -> int:
        """Waits for a holder that ends by itself (exit_after); its return code."""
        return self._process.wait(self._timeout if timeout is None else timeout)

    def close(self) -> None:
        """Ends the process, also when a child of the caller still holds its stdin; kills it when it does not obey."""
        with suppress(BrokenPipeError):
            self._stdin().write(b"quit\n")
            self._stdin().flush()
        with suppress(BrokenPipeError):
            self._stdin().close()
        try:
            self._process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._stdout().close()

    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _reply(self) -> dict[str, Any]:
        deadline = time.monotonic() + self._timeout
        fd = self._stdout().fileno()
        while b"\n" not in self._pending:
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"mkfds {self._process.args!r} did not answer in {self._timeout} s")
            block = os.read(fd, 1 << 20)
            if not block:
                raise RuntimeError(f"mkfds {self._process.args!r} ended with {self._process.wait()} before it answered")
            self._pending += block
        line, _, self._pending = self._pending.partition(b"\n")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer


@contextmanager
def spawn(
    *kinds: str, first_fd: int = 100, timeout: float = 60.0, directory: str | os.PathLike[str] | None = None
) -> Iterator[Holder]:
    """Runs a holder with these kinds ("pipe", "pipe:capacity=65536", "all") for the time of the with block.

    Its files are in directory, or in a temporary one that is removed afterwards even if the holder was killed.
    """
    with tempfile.TemporaryDirectory(prefix="mkfds-") as scratch:
        where = Path(scratch if directory is None else directory)
        command = [sys.executable, str(_HERE / "mkfds.py"), "--fd", str(first_fd), "--dir", str(where), *kinds]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            holder = Holder(process, where, timeout)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        try:
            yield holder
        finally:
            holder.close()


def main(argv: list[str] | None = None) -> int:
    sys.path.insert(0, str(_HERE))
    cli = importlib.import_module("fdkinds.cli")
    return int(cli.main(argv))


if __name__ == "__main__":
    sys.exit(main())
