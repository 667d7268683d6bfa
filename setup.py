# SPDX-License-Identifier: MIT
"""Builds the C core, then the man page and the completion of shells; everything else stands in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from setuptools import Command, setup
from setuptools.command.build import build

MANUAL = Path("build", "manual")
PLACES = {
    "share/man/man1": "crfd.1",
    "share/bash-completion/completions": "crfd",
    "share/zsh/site-functions": "_crfd",
    "share/fish/vendor_completions.d": "crfd.fish",
}


class BuildManual(Command):
    """Has the package that was just built say what its parser knows, in a process of its own."""

    description = "write the man page and the completion of shells"
    user_options: ClassVar[list[tuple[str, str, str]]] = []
    editable_mode = False

    def initialize_options(self) -> None:
        self.package: str | None = None

    def finalize_options(self) -> None:
        self.set_undefined_options("build", ("build_lib", "package"))

    def run(self) -> None:
        package = "." if self.editable_mode else str(self.package)
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); from crfd.cli.manual.write import write; write(sys.argv[2])"
        )
        words = [sys.executable, "-B", "-c", code, str(Path(package).resolve()), str(MANUAL.resolve())]
        subprocess.run(words, check=True, cwd="/")


build.sub_commands.append(("build_manual", None))

setup(
    cffi_modules=["csrc/build_ffi.py:ffi"],
    cmdclass={"build_manual": BuildManual},
    data_files=[(place, [str(MANUAL / name)]) for place, name in PLACES.items()],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
