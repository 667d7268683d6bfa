# SPDX-License-Identifier: MIT
"""What a table says of the kernel's own objects."""

from __future__ import annotations

from collections.abc import Iterator

from crfd.cli.tables import text
from crfd.cli.tables.words.phrase import Writers, nth, pairs
from crfd.format.enums import Kind
from crfd.image.model import OpenFile
from crfd.kinds.object import BpfObject, IoUring, Namespace, Pidfd

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


def _pidfd(_: OpenFile, pidfd: Pidfd) -> Iterator[str]:
    if pidfd.reaped:
        yield "reaped"
    else:
        yield f"{'tid' if pidfd.thread else 'pid'} {'?' if pidfd.pid is None else pidfd.pid}"


def _io_uring(_: OpenFile, ring: IoUring) -> Iterator[str]:
    yield from pairs(sq=ring.sq_entries, cq=ring.cq_entries, files=ring.files, buffers=ring.buffers)


def _bpf(file: OpenFile, bpf: BpfObject) -> Iterator[str]:
    if file.kind in _TYPES:
        yield nth(_TYPES[file.kind], bpf.type)
    yield from pairs(id=bpf.id, name=bpf.name and text.escape(bpf.name.encode()))
    yield from pairs(key=bpf.key_size, value=bpf.value_size, max=bpf.max_entries, prog=bpf.prog_id)


def _namespace(_: OpenFile, __: Namespace) -> Iterator[str]:
    return iter(())  # its path says it


WRITERS: Writers = {Namespace: _namespace, Pidfd: _pidfd, IoUring: _io_uring, BpfObject: _bpf}
