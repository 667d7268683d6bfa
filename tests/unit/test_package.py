# SPDX-License-Identifier: MIT
"""The package's face: every name is there, none is hidden by a module, and little is imported to dump."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import crfd
from tests.procs import Need

PACKAGE = Path(crfd.__file__).parent


def test_every_exported_name_is_there_and_listed() -> None:
    assert {*crfd.__all__} == {name for names in crfd._HOME.values() for name in names}
    assert all(callable(getattr(crfd, name)) for name in crfd.__all__)
    assert {*crfd.__all__} <= {*dir(crfd)}


def test_no_module_hides_an_exported_name() -> None:
    assert not {path.stem for path in PACKAGE.iterdir()} & {*crfd.__all__}


@pytest.mark.parametrize("backend", ["proc", "bpf"])
def test_a_dump_does_not_import_what_it_does_not_need(backend: str, need: Need) -> None:
    need(f"backend {backend}")
    code = f"""if True:
        import os, sys
        before = {{*sys.modules}}
        if {backend == "bpf"}:  # whose pass tells the peers of unix sockets
            import _socket  # socket itself imports half of what is not needed
            pair = _socket.socketpair()
        from crfd.cli.main import main
        main(["dump", str(os.getpid()), "--backend", "{backend}", "-q", "-o", "/dev/null"])
        print(*{{*sys.modules}} - before)"""
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60
    )
    modules = set(done.stdout.split())
    assert "crfd.capture.dumper" in modules
    unneeded = {"dataclasses", "inspect", "psutil", "numpy", "rich", "json", "subprocess", "crfd.image.reader"}
    if backend == "bpf":  # the other has a thread that reads /proc/locks
        unneeded |= {"collections", "contextlib", "functools", "importlib", "types", "typing"}
    assert not modules & (unneeded | {"crfd.capture.sock_diag", "pyroute2"})
