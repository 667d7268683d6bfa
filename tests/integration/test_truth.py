# SPDX-License-Identifier: MIT
"""What an image says was so: nothing of another process, nothing missing without a word, no stillness that was none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.procs import CRFD

Need = Callable[[str], None]
ROOT = Path(__file__).resolve().parents[2]
WAIT = "import time; print('ready', flush=True); time.sleep(600)"
SECONDS = 15 if os.environ.get("CRFD_STRESS") == "1" else 6


def inside(*before: str, code: str, args: tuple[str, ...] = (), timeout: float = 120) -> Any:
    """What code prints as JSON, run by the command `before`."""
    command = [*before, sys.executable, "-c", code, *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, cwd=ROOT)
    if done.returncode and before[0] == "unshare" and "unshare:" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run(*args: str | int | Path, before: tuple[str, ...] = (), timeout: float = 60) -> subprocess.CompletedProcess[str]:
    command = [*before, *CRFD, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, cwd=ROOT)


# ---- numbers that are another process's by now ----

# Children that bear the name of the file that they open, end soon, and lie about as zombies for a while; the next ones get
# their numbers.
REUSED = """
import ctypes, io, json, os, random, signal, sys, time, crfd
prctl = ctypes.CDLL(None).prctl
def child(name):
    prctl(15, name)  # PR_SET_NAME
    os.memfd_create(name)
    time.sleep(random.uniform(0, 0.01))
    os._exit(0)
def nursery():
    living, n = [], 0
    while True:
        while len(living) < 60:
            n += 1
            pid = os.fork()
            if pid == 0:
                child(b"n%d" % n)
            living.append(pid)
        time.sleep(0.003)
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write("300")
        for pid in random.sample(living, 30):
            os.waitpid(pid, 0)
            living.remove(pid)
for _ in range(3):
    if os.fork() == 0:
        nursery()
wrong, checked = [], 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    out = io.BytesIO()
    crfd.dump(crfd.Selection(), out, backend=sys.argv[1])
    for task in crfd.open(io.BytesIO(out.getvalue())).tasks.values():
        names = [entry.file.path for entry in task.fds.values() if entry.file and entry.file.path]
        names = [name for name in names if name.startswith(b"/memfd:n")]
        if task.comm.startswith(b"n"):
            checked += len(names)
            wrong += [(task.pid, task.comm.decode(), name.decode()) for name in names if name != b"/memfd:" + task.comm]
os.kill(-1, signal.SIGKILL)
print(json.dumps({"wrong": wrong[:10], "checked": checked}))
"""


def test_nobody_has_the_files_of_who_had_its_number(need: Need, backend: str) -> None:
    need("root")
    need("unshare")
    unshare = ("unshare", "-pf", "--mount-proc", "--kill-child")
    found = inside(*unshare, code=REUSED, args=(backend, str(SECONDS)))
    assert found["wrong"] == []
    assert found["checked"] > 100
