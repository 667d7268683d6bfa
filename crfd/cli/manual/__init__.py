# SPDX-License-Identifier: MIT
"""The man page and the completion of shells, made from the parser when the package is built (setup.py)."""
