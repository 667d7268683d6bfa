# SPDX-License-Identifier: MIT
"""What is special about an open file, in a few words for the NAME column."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crfd.cli.tables import text
from crfd.format.enums import Kind
from crfd.image.model import OpenFile
from crfd.kinds import values as d
from crfd.kinds.address import Address, InetAddress, NetlinkAddress, PacketAddress, UnixAddress, VsockAddress

_SHOWN = 3  # targets and marks that are named; of more, the number alone


def words(file: OpenFile, more_locks: tuple[d.Lock, ...] = ()) -> str:
    """The words " count=5 semaphore lock: POSIX write 0-99 pid 12": empty, or with a blank before each."""
    found = file.detail
    told = list(_WRITERS[type(found)](file, found)) if found else []
    told += map(_lock, file.locks + more_locks)
    if file.owner:
        told.append(_owner(file.owner))
    return "".join(f" {word}" for word in told)


def _lock(lock: d.Lock) -> str:
    ranged = lock.kind in {d.LockKind.POSIX, d.LockKind.OFD}
    span = f" {lock.start}-{'EOF' if lock.end is None else lock.end}" if ranged else ""
    pid = "" if lock.pid is None else f" pid {lock.pid}"
    more = " mandatory" * lock.mandatory + " breaking" * lock.breaking
    return f"lock: {lock.kind.name} {lock.type.name.lower()}{span}{pid}{more}"


def _owner(owner: d.Owner) -> str:
    pid = "?" if owner.pid is None else owner.pid
    return f"owner: {owner.type.name.lower()} {pid}" + (f" signal {owner.signal}" if owner.signal else "")


def _pairs(**values: Any) -> Iterator[str]:
    """name=value of what is known."""
    return (f"{name}={value}" for name, value in values.items() if value is not None)


def _flag(**values: bool | None) -> Iterator[str]:
    return (name for name, value in values.items() if value)


def _listed(items: Iterable[str], noun: str) -> str:
    found = list(items)
    return f"[{text.count(len(found), noun)}]" if len(found) > _SHOWN or not found else f"[{', '.join(found)}]"


def _seconds(ns: int) -> str:
    whole, rest = divmod(ns, 10**9)
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".") + "s"


def _device(dev: int | None) -> str:
    return "?" if dev is None else f"{os.major(dev)}:{os.minor(dev)}"


def _table(names: str, number: int | None) -> str:
    """The number-th of the names."""
    known = names.split()
    if number is None:
        return "?"
    return known[number] if number < len(known) else str(number)


# ---- a writer for each class of values.py ----

_CLOCKS = (
    "realtime monotonic process_cputime thread_cputime monotonic_raw realtime_coarse monotonic_coarse boottime "
    "realtime_alarm boottime_alarm"
)
_SEALS = ((1, "seal"), (2, "shrink"), (4, "grow"), (8, "write"), (16, "future_write"), (32, "exec"))  # F_SEAL_*


def _memfd(file: OpenFile, memfd: d.Memfd) -> Iterator[str]:
    if memfd.seals:
        yield f"seals={'|'.join(name for bit, name in _SEALS if memfd.seals & bit)}"
    if file.size is not None:
        yield f"{file.size}B"


def _pipe(_: OpenFile, pipe: d.Pipe) -> Iterator[str]:
    yield pipe.end
    yield from _flag(packet=pipe.packet)
    if pipe.waiting is not None:
        yield f"{pipe.waiting}B waiting"
    if pipe.capacity is not None:
        yield f"of {pipe.capacity}B"
    yield from _pairs(readers=pipe.readers, writers=pipe.writers)


def _eventfd(_: OpenFile, event: d.Eventfd) -> Iterator[str]:
    yield from _pairs(count=event.count)
    yield from _flag(semaphore=event.semaphore)


def _timerfd(_: OpenFile, timer: d.Timerfd) -> Iterator[str]:
    yield _table(_CLOCKS, timer.clock)
    yield f"in {_seconds(timer.value)}" if timer.value else "disarmed"
    if timer.interval:
        yield f"every {_seconds(timer.interval)}"
    if timer.ticks:
        yield f"ticks={timer.ticks}"


def _signalfd(_: OpenFile, signals: d.Signalfd) -> Iterator[str]:
    yield f"signals={','.join(map(str, signals.signals))}"


def _epoll(_: OpenFile, epoll: d.Epoll) -> Iterator[str]:
    yield _listed((f"fd {target.fd}" for target in epoll.targets), "target")


def _inotify(_: OpenFile, inotify: d.Inotify) -> Iterator[str]:
    yield _listed((f"inode {mark.ino}" for mark in inotify.marks), "mark")


def _fanotify(_: OpenFile, fanotify: d.Fanotify) -> Iterator[str]:
    yield _listed((_mark(mark) for mark in fanotify.marks), "mark")


def _mark(mark: d.FanotifyMark) -> str:
    if mark.type == d.MarkType.SB:
        return f"device {_device(mark.dev)}"
    known = {d.MarkType.INODE: ("inode", mark.ino), d.MarkType.MOUNT: ("mount", mark.mnt_id)}
    name, number = known.get(mark.type, (mark.type.name.lower(), mark.ino))
    return f"{name} {number}"


def _pidfd(_: OpenFile, pidfd: d.Pidfd) -> Iterator[str]:
    if pidfd.reaped:
        yield "reaped"
    else:
        yield f"{'tid' if pidfd.thread else 'pid'} {'?' if pidfd.pid is None else pidfd.pid}"


def _io_uring(_: OpenFile, ring: d.IoUring) -> Iterator[str]:
    yield from _pairs(sq=ring.sq_entries, cq=ring.cq_entries, files=ring.files, buffers=ring.buffers)


# linux/bpf.h, from 0 on
_MAPS = (
    "unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array lru_hash "
    "lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash cgroup_storage "
    "reuseport_sockarray percpu_cgroup_storage queue stack sk_storage devmap_hash struct_ops ringbuf inode_storage "
    "task_storage bloom_filter user_ringbuf cgrp_storage arena"
)
_PROGS = (
    "unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event cgroup_skb cgroup_sock lwt_in lwt_out "
    "lwt_xmit sock_ops sk_skb cgroup_device sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local lirc_mode2 "
    "sk_reuseport flow_dissector cgroup_sysctl raw_tracepoint_writable cgroup_sockopt tracing struct_ops ext lsm "
    "sk_lookup syscall netfilter"
)
_LINKS = (
    "unspec raw_tracepoint tracing cgroup iter netns xdp perf_event kprobe_multi struct_ops netfilter tcx uprobe_multi "
    "netkit sockmap"
)
_TYPES = {Kind.BPF_MAP: _MAPS, Kind.BPF_PROG: _PROGS, Kind.BPF_LINK: _LINKS}


def _bpf(file: OpenFile, bpf: d.BpfObject) -> Iterator[str]:
    if file.kind in _TYPES:
        yield _table(_TYPES[file.kind], bpf.type)
    yield from _pairs(id=bpf.id, name=bpf.name and text.escape(bpf.name.encode()))
    yield from _pairs(key=bpf.key_size, value=bpf.value_size, max=bpf.max_entries, prog=bpf.prog_id)


def _userfaultfd(_: OpenFile, faults: d.Userfaultfd) -> Iterator[str]:
    yield from _pairs(pending=faults.pending, total=faults.total)
    yield "not set up" if faults.features is None else f"features={faults.features:#x}"


def _tty(_: OpenFile, tty: d.Tty) -> Iterator[str]:
    yield f"master of /dev/pts/{tty.index}"


def _tun(_: OpenFile, tun: d.Tun) -> Iterator[str]:
    yield f"interface {text.escape(tun.interface.encode())}"


def _fuse(_: OpenFile, fuse: d.Fuse) -> Iterator[str]:
    yield f"connection {fuse.connection}"


def _dmabuf(_: OpenFile, buffer: d.DmaBuf) -> Iterator[str]:
    yield f"{buffer.size}B"
    yield from _pairs(by=text.escape(buffer.exporter.encode()), name=text.escape(buffer.name.encode()) or None)


def _nothing(_: OpenFile, __: object) -> Iterator[str]:
    return iter(())  # its path says it


# ---- sockets ----

# include/net/tcp_states.h, from 1 on
_TCP_STATES = (
    "? ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING "
    "NEW_SYN_RECV BOUND_INACTIVE"
)
_SOCKET_STATES = "free unconnected connecting connected disconnecting"  # enum socket_state of linux/net.h
_STREAMS = {6, 132, 262}  # TCP, SCTP, MPTCP
_INET, _INET6 = 2, 10
_PROTOCOLS = {
    1: "ICMP", 6: "TCP", 17: "UDP", 33: "DCCP", 58: "ICMPv6", 132: "SCTP", 136: "UDPLITE", 255: "RAW", 262: "MPTCP",
}  # fmt: skip
_FAMILIES = {1: "unix", 16: "netlink", 17: "packet", 38: "alg", 40: "vsock", 44: "xdp"}
_SOCKET_TYPES = "? stream dgram raw rdm seqpacket dccp ? ? ? packet"


def _socket(_: OpenFile, socket: d.Socket) -> Iterator[str]:
    inet = socket.family in {_INET, _INET6}
    if socket.family is not None:
        yield _protocol(socket)
    if socket.name or socket.peer:
        yield _address(socket.name)
    if socket.peer:
        yield f"→ {_address(socket.peer)}"
    if socket.state is not None:
        yield _state(socket, inet)
    if socket.listening:
        yield from _pairs(waiting=socket.recv_queue, backlog=socket.backlog)
    else:
        yield from _pairs(recv=socket.recv_queue or None, send=socket.send_queue or None)
    yield from _pairs(in_flight=socket.in_flight or None)


def _protocol(socket: d.Socket) -> str:
    kind = _table(_SOCKET_TYPES, socket.type)
    if socket.family in {_INET, _INET6}:
        name = "RAW" if kind == "raw" else _PROTOCOLS.get(socket.protocol or 0, f"protocol {socket.protocol}")
        return name + ("6" if socket.family == _INET6 and name in {"TCP", "UDP", "RAW", "UDPLITE"} else "")
    return f"{_FAMILIES.get(socket.family or 0, f'family {socket.family}')} {kind}"


def _state(socket: d.Socket, inet: bool) -> str:
    if socket.listening:
        return "LISTEN"
    tcp = inet and socket.protocol in _STREAMS
    return _table(_TCP_STATES if tcp else _SOCKET_STATES, socket.state)


def _address(found: Address | None) -> str:
    if isinstance(found, InetAddress):
        return f"[{found.host}]:{found.port}" if ":" in found.host else f"{found.host}:{found.port}"
    if isinstance(found, UnixAddress):
        name = text.escape(found.path[1:])
        return f"@{name}" if found.path[:1] == b"\0" else text.escape(found.path) or "unnamed"
    if isinstance(found, NetlinkAddress):
        return f"port {found.port_id}" + (f" groups {found.groups:#x}" if found.groups else "")
    if isinstance(found, PacketAddress):
        return f"protocol {found.protocol:#06x} interface {found.ifindex}"
    if isinstance(found, VsockAddress):
        return f"{found.cid}:{found.port}"
    return "?" if found is None else found.data.hex()


_WRITERS: dict[type, Callable[[OpenFile, Any], Iterator[str]]] = {
    d.Memfd: _memfd,
    d.Namespace: _nothing,
    d.Pipe: _pipe,
    d.Tty: _tty,
    d.Tun: _tun,
    d.Fuse: _fuse,
    d.DmaBuf: _dmabuf,
    d.Socket: _socket,
    d.Eventfd: _eventfd,
    d.Timerfd: _timerfd,
    d.Signalfd: _signalfd,
    d.Epoll: _epoll,
    d.Inotify: _inotify,
    d.Fanotify: _fanotify,
    d.Pidfd: _pidfd,
    d.IoUring: _io_uring,
    d.BpfObject: _bpf,
    d.Userfaultfd: _userfaultfd,
}
