# SPDX-License-Identifier: MIT
"""The subcommands, a module each: add() declares its arguments, run() does its work."""

from __future__ import annotations

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from types import ModuleType

COMMANDS = {
    "dump": "write an image of the open descriptors of processes",
    "ls": "show the open descriptors of processes now, without a file",
    "who": "say who holds a file, a directory's contents, a port, a socket or a pipe",
    "top": "show which processes have the most descriptors, how full their tables are, and with what",
    "show": "show an image",
    "verify": "check every rule and checksum of an image",
    "info": "show an image's head, counts, sharing and sizes",
    "check": "say which backends and capabilities can be used here, and why not",
}
EPILOG = "exit status: 0 done, 1 failed, 2 usage, 3 done but some processes could not be read"


def command(name: str) -> ModuleType:
    # To import importlib takes longer than the command.
    return __import__(f"crfd.cli.commands.{name}", fromlist=["run"])
