# SPDX-License-Identifier: MIT
# The compiled module: what cffi makes of csrc/*.cdef.h. Only _core/library.py imports it, so that Any stays there.
from typing import Any

ffi: Any
lib: Any
