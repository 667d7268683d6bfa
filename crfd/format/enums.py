# SPDX-License-Identifier: MIT
"""The numbers of an image that have names; the names and numbers are those of csrc/format/format.cdef.h."""

from __future__ import annotations

from enum import IntEnum

from crfd._core import declarations

TYPE_CHECKING = False  # see _core/library.py
if TYPE_CHECKING:
    from typing_extensions import Self

_KIND = declarations.enum("crfd_kind", "CRFD_KIND_")
_BACKEND = declarations.enum("crfd_backend", "CRFD_BACKEND_")
_IDENTITY = declarations.enum("crfd_identity_method", "CRFD_IDENTITY_")
_STEP = declarations.enum("crfd_step", "CRFD_STEP_")


class Numbered(IntEnum):
    """An enumeration that a later kernel or version may add to: a number without a name is a member named _n."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"_{value}"
        member._value_ = value
        return member


class Kind(Numbered):
    """The kinds of open file descriptions. A number of a later version is a member named KIND_n."""

    FILE = _KIND["FILE"]
    DIR = _KIND["DIR"]
    SYMLINK = _KIND["SYMLINK"]
    UNKNOWN = _KIND["UNKNOWN"]
    CHR = _KIND["CHR"]
    BLK = _KIND["BLK"]
    FIFO = _KIND["FIFO"]
    PIPE = _KIND["PIPE"]
    SOCKET = _KIND["SOCKET"]
    ANON = _KIND["ANON"]
    EVENTFD = _KIND["EVENTFD"]
    EPOLL = _KIND["EPOLL"]
    TIMERFD = _KIND["TIMERFD"]
    SIGNALFD = _KIND["SIGNALFD"]
    INOTIFY = _KIND["INOTIFY"]
    FANOTIFY = _KIND["FANOTIFY"]
    MEMFD = _KIND["MEMFD"]
    PIDFD = _KIND["PIDFD"]
    IO_URING = _KIND["IO_URING"]
    USERFAULTFD = _KIND["USERFAULTFD"]
    PERF_EVENT = _KIND["PERF_EVENT"]
    BPF_MAP = _KIND["BPF_MAP"]
    BPF_PROG = _KIND["BPF_PROG"]
    BPF_LINK = _KIND["BPF_LINK"]
    BTF = _KIND["BTF"]
    DMABUF = _KIND["DMABUF"]
    FSCONTEXT = _KIND["FSCONTEXT"]
    LANDLOCK = _KIND["LANDLOCK"]
    SECCOMP_NOTIFY = _KIND["SECCOMP_NOTIFY"]
    KVM = _KIND["KVM"]
    VFIO = _KIND["VFIO"]
    NAMESPACE = _KIND["NAMESPACE"]
    MQUEUE = _KIND["MQUEUE"]
    SECRETMEM = _KIND["SECRETMEM"]

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        member = super()._missing_(value)
        if member is not None:
            member._name_ = f"KIND_{value}"
        return member


class Backend(IntEnum):
    """The way in which an image was scanned; AUTO where its maker did not say."""

    AUTO = _BACKEND["AUTO"]
    PROC = _BACKEND["PROC"]
    BPF = _BACKEND["BPF"]


class Identity(IntEnum):
    """The way in which it was decided which descriptors of a task share one open file description.

    NONE: there was nothing to decide; EXACT: by the kernel's struct file; KCMP: by kcmp(2) wherever two looked alike;
    INFERRED: kcmp was refused, so by what can be seen from outside.
    """

    NONE = _IDENTITY["NONE"]
    EXACT = _IDENTITY["EXACT"]
    KCMP = _IDENTITY["KCMP"]
    INFERRED = _IDENTITY["INFERRED"]


class Step(IntEnum):
    """The step at which the reading of a descriptor or task failed."""

    NONE = _STEP["NONE"]
    LIST = _STEP["LIST"]
    LINK = _STEP["LINK"]
    STAT = _STEP["STAT"]
    FDINFO = _STEP["FDINFO"]
    PARSE = _STEP["PARSE"]
    TASK = _STEP["TASK"]
    FREEZE = _STEP["FREEZE"]
    CLOEXEC = _STEP["CLOEXEC"]
