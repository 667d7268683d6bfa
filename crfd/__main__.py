# SPDX-License-Identifier: MIT
"""The command: `crfd`, and python -m crfd."""

import gc
import io
import os
import sys

_SCANNING = (["dump"], ["ls"], ["who"])
_BY_PROC = {"proc", "--backend=proc"}
_HOLDS_ALL = {"all", "--holds=all"}
_HOLDS_FD = {"fd", "--holds=fd"}


def main() -> int:
    """Run the command."""
    _stand_in()
    try:
        return _run(sys.argv[1:])
    except (OSError, ImportError) as e:  # while Python reads our modules; what the command does, it explains itself
        print(f"crfd: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # exit_status.INTERRUPTED


def _stand_in() -> None:
    """Give each standard stream that is closed a descriptor, or one that we open would become that stream.

    To read the first and to write the second is refused (EBADF), as if they were still closed.
    """
    for fd, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, flags)  # the lowest that is free
    if sys.stdout is None:  # nothing is kept that could not be written
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)  # type: ignore[misc]
    if sys.stderr is None:
        sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)  # type: ignore[misc]


def _run(words: list[str]) -> int:
    """Load the BPF programs, where the command will scan, while Python is still busy with its imports; then run it."""
    gc.set_threshold(20000)  # imports make many objects and no garbage: a fiftieth of a small dump
    if words[:1] in _SCANNING and not _BY_PROC.intersection(words):
        from crfd._core.probe import load_bpf_ahead

        load_bpf_ahead(_HOLDS_FD.isdisjoint(words) if words[0] == "who" else not _HOLDS_ALL.isdisjoint(words))
    from crfd.cli.main import main as run

    status = run(words)
    gc.freeze()  # Python ends with a last search for garbage in all that is there: a twentieth of a small dump
    return status


if __name__ == "__main__":
    sys.exit(main())
