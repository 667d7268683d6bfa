# SPDX-License-Identifier: MIT
"""Every system call of a command fails in turn, with each errno that its manual page lists: `python -m tests.faults --help`."""
