# SPDX-License-Identifier: MIT
# Names may be odd, too long or relative to a descriptor: os takes them as they are.
"""Device files, and what only a device can open."""

from __future__ import annotations

import array
import fcntl
import os
import struct
from collections.abc import Callable
from typing import Any

from . import syscalls
from .registry import Maker, SkipError, kind, reason

# Not among them: those whose opening does something, like watchdog (starts it) or cpu_dma_latency.
_CHR = (
    *("null", "zero", "full", "random", "urandom", "tty0", "vcs", "hwrng", "kmsg", "vga_arbiter", "rtc0"),
    *("fuse", "autofs", "cuse", "loop-control", "btrfs-control", "mapper/control", "net/tun", "ppp", "ntsync"),
    *("kvm", "userfaultfd", "vsock", "vhost-net", "vhost-vsock", "vfio/vfio", "iommu", "input/event0", "uinput"),
    *("dri/card0", "snd/timer"),
)
_BLK = ("loop0", "loop7", "vda", "sda", "zram0", "nvme0n1")


@kind("chr")
def _chr(m: Maker) -> None:
    """every well known character device that opens"""
    for name in _CHR:
        path = f"/dev/{name}"
        try:
            m.add(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "chr", name, path=path)
        except OSError as error:
            m.skip(name, error)


@kind("blk", needs="a block device that opens")
def _blk(m: Maker) -> None:
    """the first block device that opens, read only, and O_PATH of it"""
    errors = []
    for name in _BLK:
        path = f"/dev/{name}"
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError as error:
            errors.append(reason(error))
            continue
        m.add(fd, "blk", path=path)
        m.add(os.open(path, os.O_PATH), "blk", "path", path=path)
        return
    raise SkipError("; ".join(errors))


_TIOCGPTN = 0x80045430  # ioctl_tty(2)


@kind("pty")
def _pty(m: Maker) -> None:
    """a pseudo terminal: master and slave"""
    master, slave = os.openpty()
    (index,) = struct.unpack("I", fcntl.ioctl(master, _TIOCGPTN, bytes(4)))
    path = os.ttyname(slave)
    m.add(master, "chr", "master", tty_index=index)
    m.add(slave, "chr", "slave", path=path, tty_index=index)


# include/uapi/linux/if_tun.h
_TUNSETIFF, _IFF_TUN, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 1, 2, 0x1000


@kind("tun", needs="/dev/net/tun, CAP_NET_ADMIN")
def _tun(m: Maker) -> None:
    """a tun and a tap interface of the kernel's choice of number"""
    for part, mode in (("tun", _IFF_TUN), ("tap", _IFF_TAP)):
        fd = m.add(os.open("/dev/net/tun", os.O_RDWR), "chr", part, path="/dev/net/tun")
        ifreq = fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", b"mkfds%d", mode | _IFF_NO_PI))
        m.know(fd, interface=ifreq[:16].rstrip(b"\0").decode())


# include/uapi/linux/kvm.h
_KVM_CREATE_VM, _KVM_CREATE_VCPU, _KVM_GET_STATS_FD = 0xAE01, 0xAE41, 0xAECE
_KVM_CREATE_DEVICE, _KVM_CREATE_GUEST_MEMFD = 0xC00CAEE0, 0xC040AED4
_KVM_DEV_TYPE_VFIO = 4


@kind("kvm", needs="/dev/kvm")
def _kvm(m: Maker, size: int = 1 << 20) -> None:
    """a virtual machine: vm, vcpu, their statistics, a device and guest memory of size bytes"""
    dev = m.add(os.open("/dev/kvm", os.O_RDWR), "chr", "dev", path="/dev/kvm")
    vm = m.add(syscalls.libc("ioctl", dev, _KVM_CREATE_VM, 0), "kvm", "vm")
    memory = struct.pack("QQ48x", size, 0)
    rows: dict[str, tuple[Callable[[], int], dict[str, Any]]] = {
        "vm_stats": (lambda: syscalls.libc("ioctl", vm, _KVM_GET_STATS_FD, 0), {}),
        "vcpu": (lambda: syscalls.libc("ioctl", vm, _KVM_CREATE_VCPU, 3), {"vcpu": 3}),
        "device": (lambda: _kvm_device(vm, _KVM_DEV_TYPE_VFIO), {"device": "kvm-vfio"}),
        "gmem": (lambda: syscalls.libc("ioctl", vm, _KVM_CREATE_GUEST_MEMFD, memory), {"size": size}),
    }
    for part, (open_it, known) in rows.items():
        try:
            m.add(open_it(), "kvm", part, **known)
        except OSError as error:
            m.skip(part, error)


def _kvm_device(vm: int, type_: int) -> int:
    answer = array.array("I", [type_, 0, 0])
    fcntl.ioctl(vm, _KVM_CREATE_DEVICE, answer)
    return answer[1]


_UDMABUF_CREATE = 0x40187542  # include/uapi/linux/udmabuf.h
_DMA_HEAP_ALLOC = 0xC0184800  # include/uapi/linux/dma-heap.h
_F_ADD_SEALS, _F_SEAL_SHRINK = 1033, 2


@kind("dmabuf", needs="/dev/udmabuf or /dev/dma_heap/system")
def _dmabuf(m: Maker, size: int = 8192) -> None:
    """dma-bufs of that many bytes: of a memfd, and of the system's heap"""
    errors = []
    for part, path, allocate in (
        ("udmabuf", "/dev/udmabuf", _from_memory),
        ("system", "/dev/dma_heap/system", _from_heap),
    ):
        try:
            device = os.open(path, os.O_RDWR)
        except OSError as error:
            m.skip(part, error)
            errors.append(reason(error))
            continue
        m.add(allocate(device, size), "dmabuf", part, size=size, exporter=part)
        os.close(device)
    if len(errors) == 2:
        raise SkipError("; ".join(errors))


def _from_memory(device: int, size: int) -> int:
    memory = os.memfd_create("udmabuf", os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, size)
    fcntl.fcntl(memory, _F_ADD_SEALS, _F_SEAL_SHRINK)
    fd = syscalls.libc("ioctl", device, _UDMABUF_CREATE, struct.pack("IIQQ", memory, 0, 0, size))
    os.close(memory)
    return fd


def _from_heap(device: int, size: int) -> int:
    answer = fcntl.ioctl(device, _DMA_HEAP_ALLOC, struct.pack("QIIQ", size, 0, os.O_RDWR, 0))
    return int(struct.unpack("QIIQ", answer)[1])
