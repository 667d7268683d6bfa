# SPDX-License-Identifier: MIT
"""The errors that the manual pages (man-pages 6.x, section 2) list for the system calls that crfd makes.

Left out are the calls whose failure glibc or Python answers by ending the program, or that cannot fail: futex, rt_sigreturn,
rt_sigprocmask, rt_sigaction, set_robust_list, rseq, sched_yield, getpid and its like, exit.
"""

from __future__ import annotations

import errno
import fcntl

from tests.faults.tracer import SHORT, Call, can_be_short

# Errors of proc(5) and cgroupfs beside those of read(2): the process ended, no memory, the file system's own.
_FILES = "ENOMEM ESRCH ENODEV"
_PATHS = "EACCES ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR"

_LISTED = {
    "access": f"{_PATHS} EINVAL EIO EROFS ETXTBSY",
    "bind": "EACCES EADDRINUSE EBADF EINVAL ENOTSOCK EADDRNOTAVAIL ENOMEM",
    "bpf": "E2BIG EACCES EAGAIN EBADF EFAULT EINVAL ENOENT ENOMEM EPERM ENOSPC EMFILE EOPNOTSUPP EINTR",
    "brk": "ENOMEM",
    "chdir": f"{_PATHS} EFAULT EIO",
    "clone": "EACCES EAGAIN EINVAL ENOMEM ENOSPC EPERM EUSERS",
    "clone3": "EACCES EAGAIN EINVAL ENOMEM ENOSPC EPERM EUSERS EEXIST EOPNOTSUPP ENOSYS",
    "clock_nanosleep": "EFAULT EINTR EINVAL ENOTSUP",
    "close": "EBADF EINTR EIO ENOSPC EDQUOT",
    "dup": "EBADF EMFILE ENOMEM",
    "dup2": "EBADF EBUSY EINTR EMFILE",
    "dup3": "EBADF EBUSY EINTR EMFILE EINVAL",
    "execve": "E2BIG EACCES EAGAIN EFAULT EINVAL EIO ELOOP EMFILE ENFILE ENOENT ENOEXEC ENOMEM ENOTDIR EPERM ETXTBSY",
    "faccessat": f"{_PATHS} EBADF EINVAL",
    "faccessat2": f"{_PATHS} EBADF EINVAL ENOSYS",
    "epoll_create1": "EINVAL EMFILE ENFILE ENOMEM",
    "epoll_ctl": "EBADF EEXIST EINVAL ELOOP ENOENT ENOMEM ENOSPC EPERM",
    "epoll_wait": "EBADF EFAULT EINTR EINVAL",
    "fcntl": "EACCES EAGAIN EBADF EINTR EINVAL EPERM",
    f"fcntl:{fcntl.F_DUPFD:#x}": "EBADF EINVAL EMFILE",
    f"fcntl:{fcntl.F_DUPFD_CLOEXEC:#x}": "EBADF EINVAL EMFILE",
    "fdatasync": "EBADF EINTR EIO EROFS EINVAL ENOSPC EDQUOT",
    "fgetxattr": "ERANGE ENODATA ENOTSUP",
    "flock": "EBADF EINTR EINVAL ENOLCK EWOULDBLOCK",
    "fremovexattr": "ENODATA ENOTSUP EPERM",
    "fsetxattr": "EDQUOT EEXIST ENODATA ENOSPC ENOTSUP EPERM ERANGE",
    "fstat": "EBADF EFAULT ENOMEM EOVERFLOW",
    "fstatfs": "EBADF EFAULT EINTR EIO ENOMEM ENOSYS EOVERFLOW",
    "fsync": "EBADF EINTR EIO EROFS EINVAL ENOSPC EDQUOT",
    "ftruncate": "EFBIG EINTR EINVAL EIO EPERM EROFS ETXTBSY EBADF",
    "getdents64": "EBADF EFAULT EINVAL ENOENT ENOTDIR ESRCH ENOMEM",
    "getpeername": "EBADF EFAULT EINVAL ENOBUFS ENOTCONN ENOTSOCK",
    "getrandom": "EAGAIN EFAULT EINTR EINVAL ENOSYS",
    "getsockname": "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK",
    "getsockopt": "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK",
    "ioctl": "EBADF EFAULT EINVAL ENOTTY",
    "kcmp": "EBADF EFAULT EINVAL ENOENT EPERM ESRCH ENOSYS",
    "kill": "EINVAL EPERM ESRCH",
    "linkat": f"{_PATHS} EDQUOT EEXIST EFAULT EIO EMLINK ENOSPC EPERM EROFS EXDEV EBADF EINVAL",
    "lseek": "EBADF EINVAL ENXIO EOVERFLOW ESPIPE",
    "madvise": "EACCES EAGAIN EBADF EINVAL EIO ENOMEM EPERM",
    "mmap": "EACCES EAGAIN EBADF EINVAL ENFILE ENODEV ENOMEM EOVERFLOW EPERM ETXTBSY",
    "mprotect": "EACCES EINVAL ENOMEM",
    "mremap": "EAGAIN EFAULT EINVAL ENOMEM",
    "munmap": "EINVAL ENOMEM",
    "nanosleep": "EFAULT EINTR EINVAL",
    "newfstatat": f"{_PATHS} EBADF EFAULT EINVAL EOVERFLOW",
    "openat": f"{_PATHS} EBUSY EDQUOT EEXIST EFAULT EFBIG EINTR EINVAL EISDIR EMFILE ENFILE ENODEV ENOSPC ENXIO EOPNOTSUPP "
    "EOVERFLOW EPERM EROFS ETXTBSY EWOULDBLOCK EBADF ESRCH EIO",
    "openat2": f"{_PATHS} E2BIG EAGAIN EINVAL EXDEV EMFILE ENFILE ENOSYS",
    "pidfd_getfd": "EBADF EINVAL EMFILE ENFILE EPERM ESRCH ENOSYS",
    "pidfd_open": "EINVAL EMFILE ENFILE ENODEV ENOMEM ESRCH ENOSYS",
    "pipe2": "EFAULT EINVAL EMFILE ENFILE ENOPKG",
    "poll": "EFAULT EINTR EINVAL",  # and ENOMEM, but not for the few of ours (fs/select.c, do_sys_poll())
    "ppoll": "EFAULT EINTR EINVAL ENOMEM",
    "prctl": "EACCES EBADF EBUSY EFAULT EINVAL ENODEV ENXIO EOPNOTSUPP EPERM",
    "pread64": f"EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR ENXIO EOVERFLOW ESPIPE {_FILES}",
    "prlimit64": "EFAULT EINVAL EPERM ESRCH",
    "process_vm_readv": "EFAULT EINVAL ENOMEM EPERM ESRCH",
    "ptrace": "EBUSY EFAULT EINVAL EIO EPERM ESRCH",
    "pwrite64": "EAGAIN EBADF EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE ENXIO EOVERFLOW ESPIPE",
    # EAGAIN is of what is non-blocking, which nothing is that we read.
    "read": f"EBADF EFAULT EINTR EINVAL EIO EISDIR {_FILES} EACCES EPERM",
    "readlink": f"{_PATHS} EFAULT EINVAL EIO",
    "readlinkat": f"{_PATHS} EFAULT EINVAL EIO EBADF",
    "recvfrom": "EAGAIN EBADF ECONNREFUSED EFAULT EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK ENOBUFS",
    "recvmsg": "EAGAIN EBADF ECONNREFUSED EFAULT EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK ENOBUFS",
    "renameat": f"{_PATHS} EBUSY EDQUOT EFAULT EINVAL EISDIR EMLINK ENOSPC ENOTEMPTY EPERM EROFS EXDEV EBADF EEXIST",
    "sched_getaffinity": "EFAULT EINVAL ESRCH",
    "sendto": "EACCES EAGAIN EBADF ECONNRESET EFAULT EINTR EINVAL EMSGSIZE ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPIPE",
    "setns": "EBADF EINVAL ENOMEM EPERM ESRCH EUSERS",
    "setsockopt": "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK",
    "socket": "EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT",
    "socketpair": "EAFNOSUPPORT EFAULT EMFILE ENFILE EOPNOTSUPP EPROTONOSUPPORT",
    "statfs": f"{_PATHS} EFAULT EINTR EIO ENOSYS EOVERFLOW",
    "statx": f"{_PATHS} EBADF EFAULT EINVAL ENOSYS",
    "sysinfo": "EFAULT",
    "uname": "EFAULT",
    "unlinkat": "EACCES EBUSY EFAULT EIO EISDIR ELOOP ENAMETOOLONG ENOENT ENOMEM ENOTDIR EPERM EROFS EBADF EINVAL",
    "unshare": "EINVAL ENOMEM ENOSPC EPERM EUSERS",
    "vfork": "EAGAIN ENOMEM ENOSYS",
    "wait4": "ECHILD EINTR EINVAL ESRCH EAGAIN",
    "waitid": "ECHILD EINTR EINVAL ESRCH EAGAIN",
    "write": "EAGAIN EBADF EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE EBUSY EACCES ENODEV",
    "writev": "EAGAIN EBADF EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM EPIPE",
}
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})  # that say that we lack something
_GONE = {errno.ENOENT, errno.ESRCH}  # that say that what is looked at is not there, which it may be indeed
_ANSWERS = {"getpeername": {errno.ENOTCONN}, "kcmp": {errno.EBADF}, "pidfd_getfd": {errno.EBADF}}


def listed(call: Call) -> list[int]:
    """Return the errors of a call, and SHORT where it can be short; none for those that are left out."""
    codes = [
        int(getattr(errno, name)) for name in dict.fromkeys(_LISTED.get(str(call), _LISTED.get(call.name, "")).split())
    ]
    return [*codes, SHORT] if can_be_short(call) else codes


def is_an_answer(call: Call, code: int) -> bool:
    """Whether the error may well be true, and the image then right."""
    return code in _GONE or code in _ANSWERS.get(call.name, ())
