# SPDX-License-Identifier: MIT
"""BPF objects, by bpf(2) alone."""

from __future__ import annotations

import ctypes
import os
import struct

from . import syscalls
from .registry import Maker, kind

# enum bpf_cmd, bpf_map_type, bpf_prog_type, bpf_attach_type of include/uapi/linux/bpf.h
_MAP_CREATE, _MAP_UPDATE, _PROG_LOAD, _INFO_BY_FD = 0, 2, 5, 15
_RAW_TRACEPOINT_OPEN, _BTF_LOAD, _MAP_FREEZE, _LINK_CREATE, _ENABLE_STATS = 17, 18, 22, 28, 32
_MAP_TYPES = {"hash": 1, "array": 2, "percpu_array": 6, "lru_hash": 9, "ringbuf": 27}
_SOCKET_FILTER, _RAW_TRACEPOINT, _SK_LOOKUP = 1, 17, 30
_ATTACH_SK_LOOKUP = 36


def _bpf(command: int, attr: bytes) -> int:
    return syscalls.syscall("bpf", command, syscalls.buffer(attr), len(attr))


def _object_id(fd: int, offset: int) -> int:
    """The id in struct bpf_{map,prog,link,btf}_info."""
    info = syscalls.buffer(bytes(256))
    _bpf(_INFO_BY_FD, struct.pack("IIQ", fd, 256, syscalls.address(info)))
    return int(struct.unpack_from("I", info.raw, offset)[0])


def _tag(fd: int) -> str:
    """struct bpf_prog_info, behind type and id."""
    info = syscalls.buffer(bytes(256))
    _bpf(_INFO_BY_FD, struct.pack("IIQ", fd, 256, syscalls.address(info)))
    return info.raw[8:16].hex()


def _map(m: Maker, part: str, key: int, value: int, entries: int) -> int:
    type_ = _MAP_TYPES[part]
    name = f"mk_{part}"
    raw = _bpf(_MAP_CREATE, struct.pack("7I16s", type_, key, value, entries, 0, 0, 0, name.encode()))
    known = {"map_type": type_, "key_size": key, "value_size": value, "max_entries": entries, "name": name}
    return m.add(raw, "bpf_map", part, **known, map_id=_object_id(raw, 4), frozen=0)


@kind("bpf_map", needs="CAP_BPF")
def _maps(m: Maker) -> None:
    """maps of several types; the array is frozen and has a value"""
    array = _map(m, "array", 4, 8, 3)
    key, value = syscalls.buffer(struct.pack("I", 1)), syscalls.buffer(struct.pack("Q", 99))
    where = struct.pack("IIQQQ", array, 0, syscalls.address(key), syscalls.address(value), 0)
    _bpf(_MAP_UPDATE, where)
    _bpf(_MAP_FREEZE, struct.pack("I", array))
    m.know(array, frozen=1)
    for part, sizes in {"hash": (16, 32), "lru_hash": (4, 4), "percpu_array": (4, 8), "ringbuf": (0, 0)}.items():
        try:
            _map(m, part, *sizes, 4096)
        except OSError as error:
            m.skip(part, error)


def _load(type_: int, result: int, attach: int = 0) -> int:
    """A program that returns a constant: mov64 r0, result; exit."""
    code = struct.pack("BBhi", 0xB7, 0, 0, result) + struct.pack("BBhi", 0x95, 0, 0, 0)
    text, licence = syscalls.buffer(code), syscalls.buffer(b"Dual MIT/GPL\0")
    head = struct.pack("IIQQ", type_, 2, syscalls.address(text), syscalls.address(licence))
    return _bpf(_PROG_LOAD, head + struct.pack("IIQII16sII", 0, 0, 0, 0, 0, b"mkfds", 0, attach))


@kind("bpf_prog", needs="CAP_BPF")
def _prog(m: Maker) -> None:
    """a socket filter of two instructions"""
    raw = _load(_SOCKET_FILTER, 0)
    m.add(raw, "bpf_prog", prog_type=_SOCKET_FILTER, prog_id=_object_id(raw, 4), name="mkfds", tag=_tag(raw))


@kind("bpf_link", needs="CAP_BPF, CAP_NET_ADMIN")
def _link(m: Maker) -> None:
    """links: sk_lookup of the network namespace, and a raw tracepoint that is seldom hit"""
    prog = _load(_SK_LOOKUP, 1, _ATTACH_SK_LOOKUP)  # 1: SK_PASS
    netns = os.open("/proc/self/ns/net", os.O_RDONLY)
    raw = _bpf(_LINK_CREATE, struct.pack("IIII", prog, netns, _ATTACH_SK_LOOKUP, 0))
    known = {"link_id": _object_id(raw, 4), "prog_id": _object_id(prog, 4), "tag": _tag(prog)}
    m.add(raw, "bpf_link", "netns", link_type="netns", **known)
    os.close(netns)
    os.close(prog)
    prog = _load(_RAW_TRACEPOINT, 0)
    try:
        name = syscalls.buffer(b"xdp_exception\0")
        raw = _bpf(_RAW_TRACEPOINT_OPEN, struct.pack("QII", syscalls.address(name), prog, 0))
        known = {"link_id": _object_id(raw, 4), "prog_id": _object_id(prog, 4), "link_type": "raw_tracepoint"}
        m.add(raw, "bpf_link", "raw_tracepoint", tag=_tag(prog), **known)
    except OSError as error:
        m.skip("raw_tracepoint", error)
    os.close(prog)


@kind("btf", needs="CAP_BPF")
def _btf(m: Maker) -> None:
    """type information that knows "int" alone"""
    types = struct.pack("IIII", 1, 1 << 24, 4, 1 << 24 | 32)  # BTF_KIND_INT, BTF_INT_SIGNED, 32 bits
    strings = b"\0int\0"
    blob = struct.pack("HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings
    text = syscalls.buffer(blob)
    raw = _bpf(_BTF_LOAD, struct.pack("QQIII4x", syscalls.address(text), 0, len(blob), 0, 0))
    m.add(raw, "btf", btf_id=_object_id(raw, 12))


@kind("bpf_stats", needs="CAP_SYS_ADMIN")
def _stats(m: Maker) -> None:
    """an anonymous inode whose name has no kind of its own"""
    m.add(_bpf(_ENABLE_STATS, struct.pack("I", 0)), "anon", name="bpf-stats")


assert ctypes.sizeof(ctypes.c_void_p) == 8, "addresses are packed as 64 bits"
