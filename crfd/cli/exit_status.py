# SPDX-License-Identifier: MIT
"""Exit statuses, and the exceptions that stand for one."""

from crfd.errors import CrfdError

DONE = 0
FAILED = 1
USAGE = 2  # argparse's own
PARTLY = 3  # done, but some processes could not be read
SIGNALLED = 128  # and the signal's number more, as a shell says of it
INTERRUPTED = SIGNALLED + 2


class Terminated(BaseException):
    """A signal that ends us when what we hold has been released."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class UsageError(CrfdError):
    """The arguments do not fit together."""
