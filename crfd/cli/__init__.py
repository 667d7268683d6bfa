# SPDX-License-Identifier: MIT
"""The crfd command: main.py, and one module a subcommand."""
