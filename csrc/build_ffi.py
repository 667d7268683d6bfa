# SPDX-License-Identifier: MIT
"""cffi's view of the core: the declaration files as they stand, and every C file of this folder."""

import os
from glob import glob
from os.path import dirname, join, relpath

from cffi import FFI

HERE = dirname(os.path.abspath(__file__))


def _relative(pattern: str) -> list[str]:
    return sorted(relpath(path, dirname(HERE)) for path in glob(join(HERE, pattern)))


ffi = FFI()
for name in ("format.cdef.h", "crfd.cdef.h"):
    with open(join(HERE, name), encoding="ascii") as f:
        ffi.cdef(f.read())

ffi.set_source(
    "crfd._crfd",
    '#include "crfd.h"',
    sources=_relative("*.c"),
    depends=_relative("*.h") + _relative("bpf/*.h"),
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
