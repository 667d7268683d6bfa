# SPDX-License-Identifier: MIT
"""Writes the man page and the completion of each shell."""

from __future__ import annotations

from pathlib import Path

from crfd.cli.manual import bash, book, fish, man, zsh

FILES = {"crfd.1": man.lines, "crfd": bash.lines, "_crfd": zsh.lines, "crfd.fish": fish.lines}


def write(folder: str) -> None:
    commands = book.read()
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, lines in FILES.items():
        text = "".join(f"{line}\n" for line in lines(commands))
        Path(folder, name).write_text(text, encoding="utf-8")
