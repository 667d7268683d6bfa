# SPDX-License-Identifier: MIT
"""The command: `crfd`, and python -m crfd."""

import gc
import sys

_SCANNING = (["dump"], ["ls"])
_BY_PROC = {"proc", "--backend=proc"}


def main() -> int:
    """Runs the command. Where it will scan, the BPF programs are loaded while Python is still busy with its imports."""
    words = sys.argv[1:]
    if words[:1] in _SCANNING and not _BY_PROC.intersection(words):
        from crfd._core.scan import load_bpf_ahead

        load_bpf_ahead()
    from crfd.cli.main import main as run

    status = run(words)
    gc.freeze()  # Python ends with a last search for garbage in all that is there: a twentieth of a small dump
    return status


if __name__ == "__main__":
    sys.exit(main())
