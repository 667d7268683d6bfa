# SPDX-License-Identifier: MIT
"""The package's face: every name is there, none is hidden by a module, and little is imported to dump."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import crfd

PACKAGE = Path(crfd.__file__).parent


def test_every_exported_name_is_there_and_listed() -> None:
    assert {*crfd.__all__} == {name for names in crfd._HOME.values() for name in names}
    assert all(callable(getattr(crfd, name)) for name in crfd.__all__)
    assert {*crfd.__all__} <= {*dir(crfd)}


def test_no_module_hides_an_exported_name() -> None:
    assert not {path.stem for path in PACKAGE.iterdir()} & {*crfd.__all__}


def test_a_dump_does_not_import_what_it_does_not_need() -> None:
    code = "import sys; from crfd.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    command = [sys.executable, "-c", code, "dump", "1", "--backend", "proc", "-q", "-o", "/dev/null"]
    modules = set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split())
    assert "crfd.dumper" in modules
    assert not modules & {"dataclasses", "inspect", "psutil", "numpy", "rich", "json", "subprocess", "crfd.reader"}
