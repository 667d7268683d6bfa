# SPDX-License-Identifier: MIT
"""cffi's view of the core: the declaration files of its rooms as they stand, and every C file in them."""

import os
from glob import glob
from os.path import dirname, join, relpath

from cffi import FFI

HERE = dirname(os.path.abspath(__file__))

# The rooms, ground first: each uses only those before it (tests/unit/test_c_rooms.py holds the tree to that).
ROOMS = (
    "base", "format", "batch", "kinds", "image", "columns", "filter", "tally", "render", "arrow", "locate", "identity",
    "getfd", "sock_diag", "procfs", "freeze", "bpf", "scan_proc", "scan_bpf", "scan",
)  # fmt: skip


def _relative(pattern: str) -> list[str]:
    """The files of all rooms that fit, without those of the BPF programs, relative to the top of the project."""
    paths = [path for room in ROOMS for path in sorted(glob(join(HERE, room, pattern))) if ".bpf." not in path]
    return [relpath(path, dirname(HERE)) for path in paths]


ffi = FFI()
declarations = _relative("*.cdef.h")
for name in declarations:
    with open(join(dirname(HERE), name), encoding="ascii") as f:
        ffi.cdef(f.read())

ffi.set_source(
    "crfd._crfd",
    # NAME.h brings NAME.cdef.h and what that needs.
    "\n".join(f'#include "{relpath(name, "csrc").replace(".cdef", "")}"' for name in declarations),
    sources=_relative("*.c"),
    depends=_relative("*.h"),
    include_dirs=[relpath(HERE, dirname(HERE))],
    extra_compile_args=[
        "-std=gnu11",
        "-O2",
        "-fvisibility=hidden",
        "-pthread",
        *os.environ.get("CRFD_CFLAGS", "").split(),
    ],
    extra_link_args=["-pthread", *os.environ.get("CRFD_LDFLAGS", "").split()],
    py_limited_api=True,
)
