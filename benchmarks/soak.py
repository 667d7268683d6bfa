# SPDX-License-Identifier: MIT
"""Scans under churn for as long as it is let: what stays is in every image, nothing false is, and the scanner does not grow.

    python -m benchmarks.soak [SECONDS]    600 where none are named; as root

A pid namespace is filled with processes that live for a few milliseconds, fork, exec, have threads with tables of their own
and get each other's numbers. Beside them one holds 500 descriptors. All of them are dumped, by either backend, in turns held
still and not. Status 1 where an image lacks one of the 500, has a descriptor of another process or breaks a rule of the format,
or where memory, descriptors or BPF objects of the scanning process grow.
"""

from __future__ import annotations

import argparse
import io
import itertools
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import crfd
from crfd._core.probe import bpf_unusable

STEADY = 500
FIRST = 1000  # the number of the first of them
# A process named as its memory files are; now and then it has a thread with a table of its own, execs, or forks again.
NURSERY = """
import ctypes, os, random, sys, threading, time
libc = ctypes.CDLL(None)
def hold(name):
    return [os.memfd_create(name) for _ in range(random.randrange(1, 9))]
def apart(name):
    libc.unshare(0x400)  # CLONE_FILES
    for fd in hold(name)[::2]:
        os.close(fd)
    time.sleep(random.uniform(0, 0.01))
def live(name):
    libc.prctl(1, 9)  # PR_SET_PDEATHSIG
    libc.prctl(15, name.encode())  # PR_SET_NAME
    held = hold(name)
    what = random.random()
    if what < 0.3:
        threading.Thread(target=apart, args=(name,)).start()
    elif what < 0.4:
        os.execv("/bin/sleep", ["sleep", "0.01"])
    end = time.monotonic() + random.uniform(0, 0.02)
    while time.monotonic() < end:
        while held:
            os.close(held.pop())
        held += hold(name)
        time.sleep(0.001)
    os._exit(0)
where, living, n = sys.argv[1], [], 0
print("ready", flush=True)
while True:
    while len(living) < 12:
        n += 1
        pid = os.fork()
        if not pid:
            live(f"n{where}.{n}")
        living.append(pid)
    time.sleep(0.003)
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:  # their numbers come again
        last.write("300")
    for pid in random.sample(living, 6):
        os.waitpid(pid, 0)
        living.remove(pid)
"""
HOLDER = f"""
import os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, ({FIRST + STEADY},) * 2)
made = [lambda i: os.memfd_create(f"steady-{{i}}"), lambda i: os.eventfd(i), lambda i: os.open("/proc/version", 0),
        lambda i: os.pipe()[0], lambda i: os.dup({FIRST})]
for i in range({STEADY}):
    fd = made[i % 5](i)
    os.dup2(fd, {FIRST} + i, inheritable=False)
    os.closerange(3, 100)
print("ready", flush=True)
while True:  # beside those that stay, others come and go
    for fd in [os.eventfd(0) for _ in range(50)]:
        os.close(fd)
    time.sleep(0.001)
"""
KINDS = ("memfd", "eventfd", "file", "pipe", "memfd")
GROWTH = 1.05  # of the median of resident memory, from the second quarter to the last, and
SLACK = 2 << 20  # bytes beside


@dataclass
class Found:
    """The counts of what the images said until now."""

    dumps: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    checked: int = 0  # descriptors that could have been another process's
    gone: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Own:
    """The resources that the scanning process holds at one time."""

    resident: int
    descriptors: int
    bpf: frozenset[str]


def own() -> Own:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    found = set()
    fds = os.listdir("/proc/self/fd")
    for fd in fds:
        with suppress(OSError):
            found.update(
                re.findall(r"^((?:prog|map|link)_id:\s*\d+)$", Path(f"/proc/self/fdinfo/{fd}").read_text(), re.M)
            )
    return Own(pages * resource.getpagesize(), len(fds), frozenset(found))


@contextmanager
def started(code: str, *args: str) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", code, *args], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
        finally:
            process.kill()


def look(found: Found, holder: int, backend: str, *, freeze: bool) -> None:
    out = io.BytesIO()
    result = crfd.dump(crfd.Selection.everything(), out, backend=backend, freeze=freeze)
    found.dumps[f"{backend}{', frozen' if freeze else ''}"] += 1
    found.gone += result.ended
    found.wrong += [f"{backend}: {one}" for one in result.unread if one.step != crfd.Step.FREEZE and one.errno != 3]
    data = io.BytesIO(out.getvalue())
    crfd.verify(data)
    data.seek(0)
    with crfd.open(data) as image:
        found.tasks += len(image.tasks)
        found.wrong += [f"{backend}, frozen={freeze}: {word}" for word in lacking(image.tasks[holder])]
        for task in image.tasks.values():
            if task.comm.startswith(b"n") and b"." in task.comm:
                found.wrong += [f"{backend}, frozen={freeze}: {word}" for word in false(task, found)]


def lacking(task: crfd.Task) -> Iterator[str]:
    there = {fd: entry for fd, entry in task.fds.items() if fd >= FIRST}
    if len(there) != STEADY:
        yield f"expected {STEADY} descriptors that stay, found {len(there)}"
    for i, (fd, entry) in enumerate(sorted(there.items())):
        file = entry.file
        if (
            file is None
            or file.kind_name != KINDS[i % 5]
            or (i % 5 == 0 and f"steady-{i}".encode() not in (file.path or b""))
        ):
            yield f"fd {fd}: expected {KINDS[i % 5]}, found {entry}"
        if i % 5 == 4 and entry.objref != there[FIRST].objref:
            yield f"fd {fd}: expected the description of fd {FIRST}, found another"


def false(task: crfd.Task, found: Found) -> Iterator[str]:
    for fd, entry in task.fds.items():
        path = (entry.file.path if entry.file else None) or b""
        if path.startswith(b"/memfd:n"):
            found.checked += 1
            if path.removeprefix(b"/memfd:") != task.comm:
                yield f"pid {task.pid} {task.comm!r} has {path!r} as fd {fd}"


def soak(seconds: float) -> int:
    backends = ["proc"] if bpf_unusable() else ["proc", "bpf"]
    found, held = Found(), []
    with ExitStack() as stack:
        holder = stack.enter_context(started(HOLDER))
        for where in range(3):
            stack.enter_context(started(NURSERY, str(where)))
        end = time.monotonic() + seconds
        for backend, freeze in itertools.cycle(itertools.product(backends, (False, True))):
            look(found, holder, backend, freeze=freeze)
            held.append(own())
            if len(found.wrong) > 20 or (time.monotonic() > end and len(found.dumps) == 2 * len(backends)):
                break
    found.wrong += grown(held)
    dumps = ", ".join(f"{n} {how}" for how, n in found.dumps.items())
    print(
        f"{found.dumps.total()} dumps ({dumps}), {found.tasks} tasks, "
        f"{found.checked} descriptors checked, {found.gone} processes ended before they were read"
    )
    for line in found.wrong:
        print(f"WRONG {line}")
    return bool(found.wrong)


def grown(held: list[Own]) -> Iterator[str]:
    """Say what grew from the second quarter to the last; of a few dumps nothing can be said."""
    n = len(held) // 4
    if n < 5:
        return
    early, late = held[n : 2 * n], held[-n:]
    before, after = (statistics.median(one.resident for one in some) for some in (early, late))
    fds = [max(one.descriptors for one in some) for some in (early, late)]
    bpf = [frozenset().union(*(one.bpf for one in some)) for some in (early, late)]
    print(
        f"resident {before / 2**20:.1f} MiB, then {after / 2**20:.1f}; descriptors {fds[0]}, then {fds[1]}; "
        f"BPF objects {len(bpf[0])}, then {len(bpf[1])}"
    )
    if after > before * GROWTH + SLACK:
        yield f"resident memory grew from {before:.0f} to {after:.0f} bytes"
    if fds[1] > fds[0]:
        yield f"descriptors grew from {fds[0]} to {fds[1]}"
    if bpf[1] != bpf[0]:
        yield f"BPF objects changed from {sorted(bpf[0])} to {sorted(bpf[1])}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", metavar="SECONDS", type=float, nargs="?", default=600.0)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        return soak(args.seconds)
    unshare = shutil.which("unshare")
    if os.geteuid() or not unshare:
        print("not here: it takes root and unshare(1)")
        return 0
    command = [unshare, "-pf", "--mount-proc", "--kill-child", sys.executable, "-m", "benchmarks.soak"]
    return subprocess.run([*command, "--inside", str(args.seconds)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
