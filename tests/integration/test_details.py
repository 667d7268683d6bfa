# SPDX-License-Identifier: MIT
"""The values that one kind of descriptor has of its own are those that the process that made it knows, with either backend."""

from __future__ import annotations

import ctypes
import io
import mmap
import os
import platform
import re
import struct
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import crfd
from crfd.cli.main import main
from crfd.format.records import RecordType
from crfd.kinds.device import Tty, Tun
from crfd.kinds.event import Eventfd, Signalfd, Timerfd
from crfd.kinds.memory import DmaBuf, Memfd, Userfaultfd
from crfd.kinds.object import BpfObject, IoUring, Namespace, Pidfd
from crfd.kinds.pipe import MessageQueue, Pipe
from crfd.kinds.socket import Socket
from crfd.kinds.watch import Epoll, Fanotify, Inotify, MarkType
from tests import mkfds
from tests.facts import known, of, scan
from tests.fdkinds import syscalls
from tests.procs import WAIT, Need, opened, running, tree
from tests.shown import parsed

LARGEFILE = 0o400000 if platform.machine() == "aarch64" else 0o100000  # O_LARGEFILE is the kernel's own


Files = dict[int, crfd.OpenFile]


@pytest.fixture
def files(everything: mkfds.Holder, backend: str) -> Files:
    """The open files of a process with everything, by descriptor."""
    return scan(everything.pid, backend)


# ---- events ----


def test_eventfd(everything: mkfds.Holder, files: Files) -> None:
    ids = set()
    for one in known(everything, "eventfd", "count"):
        event = of(files[one["fd"]], Eventfd)
        assert event.count == one["count"], one
        if event.semaphore is not None:
            assert event.semaphore == one["semaphore"], one
        ids.add(event.id)
        assert files[one["fd"]].fdinfo == b""
    assert len(ids) == len({files[one["fd"]].objref for one in known(everything, "eventfd", "count")})


def test_timerfd(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "timerfd", "clock"):
        timer = of(files[one["fd"]], Timerfd)
        assert (timer.clock, timer.flags, timer.ticks) == (one["clock"], one["settime_flags"], one["ticks"]), one
        assert timer.interval == one["interval_ns"], one
        if one["ticks"] or not one["value_ns"]:
            assert timer.value == 0, one
        elif one["settime_flags"] & 1:  # absolute: what is left of a day
            assert 0 < timer.value <= 86_400 * 10**9, one
        else:
            assert one["value_ns"] // 2 < timer.value <= one["value_ns"], one


def test_signalfd(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "signalfd", "sigmask"):
        signals = of(files[one["fd"]], Signalfd)
        assert signals.mask == one["sigmask"]
        assert sum(1 << (number - 1) for number in signals.signals) == one["sigmask"]


# ---- watches ----


def test_epoll(everything: mkfds.Holder, files: Files) -> None:
    devices = {one["fd"]: one["stat"]["dev"] for one in everything.fds if one["stat"]}
    for one in known(everything, "epoll", "targets"):
        epoll = of(files[one["fd"]], Epoll)
        found = sorted((t.fd, t.events, t.data, t.ino) for t in epoll.targets)
        assert found == sorted((t["tfd"], t["events"], t["data"], t["ino"]) for t in one["targets"]), one
        for target in epoll.targets:
            if target.fd in devices:
                assert target.dev == devices[target.fd], one
            assert target.pos == 0, one


def test_epoll_with_more_targets_than_a_record_holds(backend: str) -> None:
    count = 2000
    with ExitStack() as stack:
        epfd = syscalls.libc("epoll_create1", os.O_CLOEXEC)
        stack.callback(os.close, epfd)
        expected = []
        for number in range(count):
            fd = os.eventfd(0)
            stack.callback(os.close, fd)
            syscalls.libc("epoll_ctl", epfd, 1, fd, struct.pack("<IQ" if _packed() else "@IQ", 1, number << 32))
            expected.append((fd, 0x19, number << 32))
        epoll = of(scan(os.getpid(), backend)[epfd], Epoll)
    assert sorted((t.fd, t.events, t.data) for t in epoll.targets) == sorted(expected)


def _packed() -> bool:
    return os.uname().machine == "x86_64"


def test_inotify(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "inotify", "marks"):
        marks = of(files[one["fd"]], Inotify).marks
        found = sorted((m.wd, m.mask, m.dev, m.ino) for m in marks)
        assert found == sorted((m["wd"], m["mask"], m["dev"], m["ino"]) for m in one["marks"]), one


def test_watch_descriptors_of_two_digits(backend: str, tmp_path: Path) -> None:
    with opened(syscalls.libc("inotify_init1", os.O_CLOEXEC)) as (fd,):
        made = []
        for number in range(40):
            path = tmp_path / str(number)
            path.touch()
            made.append((syscalls.libc("inotify_add_watch", fd, os.fsencode(path), 2), path.stat().st_ino))
        marks = of(scan(os.getpid(), backend)[fd], Inotify).marks
    assert sorted((m.wd, m.ino) for m in marks) == sorted(made)
    assert max(made)[0] == 40


def test_fanotify(everything: mkfds.Holder, files: Files) -> None:
    names = {MarkType.INODE: "inode", MarkType.MOUNT: "mount", MarkType.SB: "filesystem"}
    for one in known(everything, "fanotify", "marks"):
        group = of(files[one["fd"]], Fanotify)
        assert group.flags == one["init_flags"], one
        assert group.event_flags & ~LARGEFILE == one["event_f_flags"], one
        marks = {names[mark.type]: mark for mark in group.marks}
        assert len(marks) == len(group.marks) == len(one["marks"])
        for expected in one["marks"]:
            mark = marks[expected["type"]]
            assert (mark.mask, mark.ignored_mask, mark.flags) == (expected["mask"], 0, 0), one
            if mark.type == MarkType.INODE:
                assert (mark.dev, mark.ino) == (expected["dev"], expected["ino"])
            elif mark.type == MarkType.SB:
                assert mark.dev == expected["dev"]
            else:
                assert mark.mnt_id == _mount_id(expected["path"])


def _mount_id(path: str) -> int:
    with opened(os.open(path, os.O_PATH)) as (fd,):
        lines = Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("mnt_id:"))


# ---- the kernel's objects ----


def test_pidfd(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "pidfd", "alive"):
        pidfd = of(files[one["fd"]], Pidfd)
        assert pidfd.reaped is not one["alive"], one
        assert pidfd.pid == pidfd.ns_pid == (one["pid"] if one["alive"] else None), one
        assert pidfd.thread is (one["role"] == "pidfd.thread"), one
        comm = Path(f"/proc/{one['pid']}/comm").read_text().removesuffix("\n") if one["alive"] else None
        assert pidfd.comm == comm, one


def test_pidfd_of_another_pid_namespace(backend: str, need: Need) -> None:
    need("CAP_SYS_ADMIN")
    need("unshare")
    with running(WAIT, before=("unshare", "--pid", "--fork", "--kill-child")) as process:
        _, pid = tree(process.pid)
        comm = Path(f"/proc/{pid}/comm").read_text().removesuffix("\n")
        with opened(os.pidfd_open(pid)) as (fd,):
            found = of(scan(os.getpid(), backend)[fd], Pidfd)
    assert found == Pidfd(pid, 1, reaped=False, thread=False, ns_pids=(pid, 1), comm=comm)


_REPORT_MNT, _MARK_MNTNS, _MNT_ATTACH = 0x4000, 0x110, 0x1000000  # include/uapi/linux/fanotify.h, 6.15


def test_fanotify_of_a_mount_namespace(backend: str, need: Need) -> None:
    need("CAP_SYS_ADMIN")
    try:
        fd = syscalls.libc("fanotify_init", _REPORT_MNT, os.O_RDONLY)
    except OSError as error:
        pytest.skip(f"FAN_REPORT_MNT: {error.strerror}")
    with opened(fd, os.open("/proc/self/ns/mnt", os.O_RDONLY)) as (_, namespace):
        syscalls.libc("fanotify_mark", fd, 1 | _MARK_MNTNS, ctypes.c_uint64(_MNT_ATTACH), namespace, None)
        (mark,) = of(scan(os.getpid(), backend)[fd], Fanotify).marks
        assert (mark.type, mark.ino, mark.mask) == (MarkType.MNTNS, os.fstat(namespace).st_ino, _MNT_ATTACH)


def test_io_uring(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "io_uring", "sq_entries"):
        ring = of(files[one["fd"]], IoUring)
        if ring.sq_entries is not None:
            assert (ring.sq_entries, ring.cq_entries) == (one["sq_entries"], one["cq_entries"]), one
        assert (ring.files, ring.buffers) == (len(one["files"]), len(one["buffers"])), one
        for path in one["files"]:  # names are in the text alone, of older kernels without their directories
            assert os.fsencode(os.path.basename(path)) in files[one["fd"]].fdinfo


_SETUP_SQPOLL, _SETUP_SQ_AFF = 2, 4  # include/uapi/linux/io_uring.h
_SQ_OFF = 40  # of sq_off in struct io_uring_params, which begins with head and tail


def test_io_uring_queues_and_thread(everything: mkfds.Holder, backend: str) -> None:
    del everything  # it says where there is no io_uring
    params = syscalls.buffer(bytes(120))
    polled = syscalls.buffer(struct.pack("IIII104x", 0, 0, _SETUP_SQPOLL | _SETUP_SQ_AFF, 0))
    try:
        ring, other = (syscalls.syscall("io_uring_setup", 4, one) for one in (params, polled))
    except OSError as error:
        pytest.skip(f"io_uring_setup: {error.strerror}")
    tail = struct.unpack_from("I", params.raw, _SQ_OFF + 4)[0]
    with opened(ring, other):
        with mmap.mmap(ring, 4096) as queue:
            queue[tail : tail + 4] = struct.pack("I", 3)  # three times the first entry, all zeros: IORING_OP_NOP
            assert syscalls.syscall("io_uring_enter", ring, 2, 0, 0, None, 0) == 2
        files = scan(os.getpid(), backend)
        one, two = of(files[ring], IoUring), of(files[other], IoUring)
    if one.sq_head is None:
        pytest.skip("the kernel tells no heads and tails before Linux 5.19")
    assert (one.sq_head, one.sq_tail, one.cq_head, one.cq_tail) == (2, 3, 0, 2)
    assert (one.sq_thread, one.sq_cpu) == (-1, -1)
    assert two.sq_cpu == 0
    assert two.sq_thread is not None
    assert two.sq_thread > 0


def test_drivers_of_devices(backend: str) -> None:
    fives = re.findall(r"^ *5 (\S+)$", Path("/proc/devices").read_text(), re.M)  # with CONFIG_TTY_PRINTK one more
    assert fives[:3] == ["/dev/tty", "/dev/console", "/dev/ptmx"]
    with opened(*os.openpty(), os.open("/dev/null", os.O_RDONLY)) as (master, slave, null):
        files = scan(os.getpid(), backend)
        assert (files[null].driver, files[null].misc_device) == (b"mem", None)
        assert files[slave].driver == b"pts"
        assert files[master].driver == ",".join(fives).encode()


def test_a_misc_device_and_a_block_device(backend: str, need: Need) -> None:
    need("root")
    misc = next(
        line.split() for line in Path("/proc/misc").read_text().splitlines() if Path("/dev", line.split()[1]).exists()
    )
    fds = [os.open(f"/dev/{misc[1]}", os.O_PATH)]
    fds += [os.open(path, os.O_PATH) for path in Path("/dev").iterdir() if path.name == "loop0"]
    with opened(*fds):
        files = scan(os.getpid(), backend)
        assert (files[fds[0]].driver, files[fds[0]].misc_device) == (b"misc", misc[1].encode())
        assert [files[fd].driver for fd in fds[1:]] == [b"loop"] * len(fds[1:])


def test_bpf_map(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "bpf_map", "map_id"):
        found = of(files[one["fd"]], BpfObject)
        assert (found.id, found.type, found.name) == (one["map_id"], one["map_type"], one["name"]), one
        assert (found.key_size, found.value_size) == (one["key_size"], one["value_size"]), one
        assert (found.max_entries, found.map_flags, found.prog_id) == (one["max_entries"], 0, None), one
        assert b"frozen:\t%d\n" % one["frozen"] in files[one["fd"]].fdinfo


def test_bpf_program_link_and_btf(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "bpf_prog", "prog_id"):
        program = of(files[one["fd"]], BpfObject)
        assert (program.id, program.type, program.name) == (one["prog_id"], one["prog_type"], one["name"])
        assert program.tag == one["tag"], one
    types = {"raw_tracepoint": 1, "netns": 5}  # enum bpf_link_type of linux/bpf.h
    for one in known(everything, "bpf_link", "link_id"):
        link = of(files[one["fd"]], BpfObject)
        assert (link.id, link.prog_id, link.type) == (one["link_id"], one["prog_id"], types[one["link_type"]])
        assert link.name is None
        assert link.tag == one["tag"], one
    for one in known(everything, "btf", "btf_id"):
        btf = of(files[one["fd"]], BpfObject)
        assert (btf.id, btf.type, btf.name, files[one["fd"]].fdinfo) == (one["btf_id"], None, None, b"")


def test_userfaultfd(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "userfaultfd", "role"):
        faults = of(files[one["fd"]], Userfaultfd)
        assert (faults.pending, faults.total) == (0, 0)
        assert faults.features == one.get("requested"), one


# ---- devices, namespaces, memory ----


def test_terminals_and_interfaces(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "chr", "tty_index"):
        if one["role"] == "pty.master":
            assert of(files[one["fd"]], Tty).index == one["tty_index"]
    for one in known(everything, "chr", "interface"):
        assert of(files[one["fd"]], Tun).interface == one["interface"]
    assert files[everything.by_role("chr.null")["fd"]].detail is None


def test_dmabuf(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "dmabuf", "exporter"):
        buffer = of(files[one["fd"]], DmaBuf)
        assert (buffer.size, buffer.exporter) == (one["size"], one["exporter"])


def test_namespaces(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "namespace", "stat"):
        namespace = of(files[one["fd"]], Namespace)
        assert f"{namespace.type}:[{namespace.ino}]" == one["link"]


def test_memory_files_have_their_names(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "memfd", "link"):
        memfd = of(files[one["fd"]], Memfd)
        assert b"/memfd:%s (deleted)" % (memfd.name or b"") == os.fsencode(one["link"])
        assert not memfd.secret
    for one in known(everything, "secretmem", "link"):
        assert of(files[one["fd"]], Memfd).secret


# ---- pipes and sockets: what the flags and fdinfo alone tell ----


def test_pipe_ends(everything: mkfds.Holder, files: Files) -> None:
    for one in known(everything, "pipe", "end"):
        pipe = of(files[one["fd"]], Pipe)
        assert pipe.end == one["end"], one
        assert pipe.packet is bool(one["f_flags"] & os.O_DIRECT), one
    assert of(files[everything.by_role("fifo.rdwr")["fd"]], Pipe).end == "both"
    assert files[everything.by_role("opath.fifo")["fd"]].detail is None


def test_message_queues(everything: mkfds.Holder, files: Files) -> None:
    queues = known(everything, "mqueue", "maxmsg")
    for one in queues:
        assert of(files[one["fd"]], MessageQueue) == MessageQueue(one["maxmsg"], one["msgsize"], one["messages"])


def test_to_be_read_by_ourselves_ends_no_notification_of_ours(backend: str) -> None:
    name = f"crfd-{os.getpid()}".encode()
    attr, none = (ctypes.c_long * 8)(0, 1, 1), (ctypes.c_int * 16)(0, 0, 0, 1)  # SIGEV_NONE
    fd = syscalls.syscall("mq_open", name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600, attr)
    syscalls.syscall("mq_unlink", name)
    with opened(fd):
        syscalls.syscall("mq_notify", fd, none)
        assert of(scan(os.getpid(), backend)[fd], MessageQueue) == MessageQueue(1, 1, 0)
        with pytest.raises(OSError, match="busy"):  # it still stands
            syscalls.syscall("mq_notify", fd, none)


def test_descriptors_in_flight(everything: mkfds.Holder, files: Files) -> None:
    receiver, sender = (files[everything.by_role(f"scm.{role}")["fd"]] for role in ("receiver", "sender"))
    assert of(receiver, Socket).in_flight == len(everything.by_role("scm.receiver")["in_flight"]) == 1
    assert of(sender, Socket).in_flight == 0


# ---- the rest ----


def test_what_is_not_decoded_keeps_its_text(everything: mkfds.Holder, files: Files) -> None:
    for kind in ("anon", "landlock", "perf_event", "fscontext"):
        for one in (one for one in everything.fds if one["kind"] == kind):
            assert files[one["fd"]].detail is None
            assert files[one["fd"]].fdinfo.startswith(b"pos:\t0\nflags:\t"), one


# timerfd is none of them: time goes on; nor eventfd: before Linux 6.5 fdinfo does not tell a semaphore
_BY_FDINFO = {
    "signalfd", "epoll", "inotify", "fanotify", "pidfd", "io_uring", "userfaultfd", "btf", "chr", "namespace",
}  # fmt: skip


def test_both_backends_tell_the_same(everything: mkfds.Holder, need: Need) -> None:
    need("backend bpf")
    one, other = scan(everything.pid, "proc"), scan(everything.pid, "bpf")
    assert set(one) == set(other)
    for fd, file in one.items():
        assert file.locks == other[fd].locks, file
        if file.kind_name in _BY_FDINFO:
            assert (file.detail, file.fdinfo) == (other[fd].detail, other[fd].fdinfo), file


def test_a_plain_file_has_its_owner_alone(everything: mkfds.Holder, backend: str) -> None:
    file = scan(everything.pid, backend)[everything.by_role("regular.rdwr")["fd"]]
    assert [kind for kind, _ in file.extensions] == [RecordType.INODE]
    assert (file.detail, file.locks, file.owner) == (None, (), None)


def test_the_commands_show_it(
    everything: mkfds.Holder, backend: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["crfd"])
    assert main(["ls", str(everything.pid), "--backend", backend]) == 0
    table = {line.split()[2].rstrip("*"): line for line in capsys.readouterr().out.splitlines() if line.strip()}
    semaphore = of(scan(everything.pid, backend)[everything.by_role("eventfd.semaphore")["fd"]], Eventfd).semaphore
    expected = {
        "eventfd.semaphore": f"anon_inode:[eventfd] count=7{' semaphore' if semaphore else ''}",
        "timerfd.disarmed": "anon_inode:[timerfd] monotonic disarmed",
        "epoll.nested": f"[fd {everything.by_role('epoll')['fd']}]",
        "locks.posix": f"lock: POSIX write 10-19 pid {everything.pid} lock: POSIX read 500-EOF pid {everything.pid}",
        "locks.ofd": "lock: OFD write 100-149",
        "locks.flock": f"lock: FLOCK write pid {everything.pid}",
        "pidfd.gone": "anon_inode:[pidfd] reaped",
        "pipe_packet.write": "write packet",
        "mqueue.live": "2 of 5 messages of 64B",
    }
    for role, end in expected.items():
        line = table[str(everything.by_role(role)["fd"])]
        assert end in line, (role, line)
    assert main(["ls", str(everything.pid), "--backend", backend, "--json"]) == 0
    rows = {row["fd"]: row for row in parsed(capsys.readouterr().out)}
    event = rows[everything.by_role("eventfd")["fd"]]["detail"]
    assert event["count"] == everything.by_role("eventfd")["count"]
    assert rows[everything.by_role("locks.lease")["fd"]]["locks"] == [
        {
            "kind": "lease",
            "type": "read",
            "pid": everything.pid,
            "start": 0,
            "end": None,
            "mandatory": False,
            "breaking": False,
        }
    ]
    assert not {"detail", "locks", "owner"} & set(rows[everything.by_role("regular.rdwr")["fd"]])


def test_an_image_with_every_record_is_right(everything: mkfds.Holder, backend: str) -> None:
    out = io.BytesIO()
    crfd.dump(everything.pid, out, backend=backend)
    crfd.verify(io.BytesIO(out.getvalue()))
