# SPDX-License-Identifier: MIT
"""The numbers of an image that have names; the names and numbers are those of csrc/format/format.cdef.h."""

from __future__ import annotations

from enum import IntEnum

from crfd._core.library import lib

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from typing_extensions import Self


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

    FILE = lib.CRFD_KIND_FILE
    DIR = lib.CRFD_KIND_DIR
    SYMLINK = lib.CRFD_KIND_SYMLINK
    UNKNOWN = lib.CRFD_KIND_UNKNOWN
    CHR = lib.CRFD_KIND_CHR
    BLK = lib.CRFD_KIND_BLK
    FIFO = lib.CRFD_KIND_FIFO
    PIPE = lib.CRFD_KIND_PIPE
    SOCKET = lib.CRFD_KIND_SOCKET
    ANON = lib.CRFD_KIND_ANON
    EVENTFD = lib.CRFD_KIND_EVENTFD
    EPOLL = lib.CRFD_KIND_EPOLL
    TIMERFD = lib.CRFD_KIND_TIMERFD
    SIGNALFD = lib.CRFD_KIND_SIGNALFD
    INOTIFY = lib.CRFD_KIND_INOTIFY
    FANOTIFY = lib.CRFD_KIND_FANOTIFY
    MEMFD = lib.CRFD_KIND_MEMFD
    PIDFD = lib.CRFD_KIND_PIDFD
    IO_URING = lib.CRFD_KIND_IO_URING
    USERFAULTFD = lib.CRFD_KIND_USERFAULTFD
    PERF_EVENT = lib.CRFD_KIND_PERF_EVENT
    BPF_MAP = lib.CRFD_KIND_BPF_MAP
    BPF_PROG = lib.CRFD_KIND_BPF_PROG
    BPF_LINK = lib.CRFD_KIND_BPF_LINK
    BTF = lib.CRFD_KIND_BTF
    DMABUF = lib.CRFD_KIND_DMABUF
    FSCONTEXT = lib.CRFD_KIND_FSCONTEXT
    LANDLOCK = lib.CRFD_KIND_LANDLOCK
    SECCOMP_NOTIFY = lib.CRFD_KIND_SECCOMP_NOTIFY
    KVM = lib.CRFD_KIND_KVM
    VFIO = lib.CRFD_KIND_VFIO
    NAMESPACE = lib.CRFD_KIND_NAMESPACE
    MQUEUE = lib.CRFD_KIND_MQUEUE
    SECRETMEM = lib.CRFD_KIND_SECRETMEM

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        member = super()._missing_(value)
        if member is not None:
            member._name_ = f"KIND_{value}"
        return member


class Backend(IntEnum):
    """The way in which an image was scanned; AUTO where its maker did not say."""

    AUTO = lib.CRFD_BACKEND_AUTO
    PROC = lib.CRFD_BACKEND_PROC
    BPF = lib.CRFD_BACKEND_BPF


class Identity(IntEnum):
    """The way in which it was decided which descriptors of a task share one open file description.

    NONE: there was nothing to decide; EXACT: by the kernel's struct file; KCMP: by kcmp(2) wherever two looked alike;
    INFERRED: kcmp was refused, so by what can be seen from outside.
    """

    NONE = lib.CRFD_IDENTITY_NONE
    EXACT = lib.CRFD_IDENTITY_EXACT
    KCMP = lib.CRFD_IDENTITY_KCMP
    INFERRED = lib.CRFD_IDENTITY_INFERRED


class Step(IntEnum):
    """The step at which the reading of a descriptor or task failed."""

    NONE = lib.CRFD_STEP_NONE
    LIST = lib.CRFD_STEP_LIST
    LINK = lib.CRFD_STEP_LINK
    STAT = lib.CRFD_STEP_STAT
    FDINFO = lib.CRFD_STEP_FDINFO
    PARSE = lib.CRFD_STEP_PARSE
    TASK = lib.CRFD_STEP_TASK
    FREEZE = lib.CRFD_STEP_FREEZE
    CLOEXEC = lib.CRFD_STEP_CLOEXEC
    POLLS = lib.CRFD_STEP_POLLS
