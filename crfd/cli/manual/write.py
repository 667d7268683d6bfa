# SPDX-License-Identifier: MIT
"""Writes the man page and the completion of each shell."""

from __future__ import annotations

from pathlib import Path

from crfd.cli.manual import bash, book, fish, man, zsh

FILES = {"crfd.1": man.page, "crfd": bash.script, "_crfd": zsh.script, "crfd.fish": fish.script}


def write(folder: str) -> None:
    commands = book.read()
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        Path(folder, name).write_text(make(commands), encoding="utf-8")
