# SPDX-License-Identifier: MIT
"""Exit statuses."""

from crfd.errors import CrfdError

DONE = 0
FAILED = 1
USAGE = 2  # argparse's own
PARTLY = 3  # done, but some processes could not be read
INTERRUPTED = 130  # as a shell says of SIGINT


class UsageError(CrfdError):
    """The arguments do not fit together."""
