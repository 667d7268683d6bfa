# SPDX-License-Identifier: MIT
"""One module a subcommand: add() declares its arguments, run() does its work."""
