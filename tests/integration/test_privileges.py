# SPDX-License-Identifier: MIT
"""The privileges that SECURITY.md says are enough are, and none of them is too many; what it says of files and units holds."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import crfd
from tests import mkfds
from tests.faults.commands import Facts, facts
from tests.procs import LIMIT, ROOT, Need, run, running

TEXT = (ROOT / "SECURITY.md").read_text()
TABLE = [
    (shlex.split(command), names.split())
    for command, names in re.findall(r"^\| `(dump [^`]*)` \| (CAP_[A-Z_ ]+) \|$", TEXT, re.M)
]
UNIT = re.findall(r"```ini\n(.*?)```", TEXT, re.S)[0]
SCRIPT = re.findall(r"```sh\n(.*?)```", TEXT, re.S)[0]
HOLDS = ("regular", "dups", "pipe", "unix_stream", "tcp4", "memfd", "locks", "inotify", "pidfd", "fork_share:n=1")
# A row may need a capability for what few have: what is asked of a copy, and mapped files.
MOVING = {"detail", "name", "age", "idle", "blocks", "bytes", "deleted_bytes", "threads"}


@pytest.fixture(scope="module")
def other() -> Iterator[mkfds.Holder]:
    """Another user's: root's, who is nobody to the one who asks."""
    with mkfds.spawn(*HOLDS) as holder:
        yield holder


def having(names: list[str]) -> tuple[str, ...]:
    """Return the command that runs another as a user who has just these privileges."""
    words = ["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in names)]
    sets = [f"--{which}={','.join(words)}" for which in ("inh-caps", "ambient-caps", "bounding-set")]
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *sets)


def dumped(options: list[str], pids: list[int], before: tuple[str, ...] = ()) -> tuple[int, Facts, str]:
    """Return the status, what the image says, and what stderr says."""
    done = run(*options, *pids, before=before, text=False)
    found = facts(done.stdout) if done.returncode in {0, 3} else {}
    return done.returncode, {key: value for key, value in found.items() if key[-1] not in MOVING}, done.stderr.decode()


def pids_of(holder: mkfds.Holder) -> list[int]:
    return [holder.pid, *(task["pid"] for task in holder.tasks)]


@pytest.mark.parametrize(("options", "names"), TABLE, ids=[" ".join(options) for options, _ in TABLE])
@pytest.mark.usefixtures("nobody")
def test_the_capabilities_of_a_command_are_enough_and_each_is_needed(
    options: list[str], names: list[str], other: mkfds.Holder, need: Need
) -> None:
    for name in ("CAP_SYS_PTRACE", f"backend {options[2]}"):
        need(name)
    pids = pids_of(other)
    status, wanted, said = dumped(options, pids)
    assert (status, bool(wanted)) == (0, True), said
    status, found, said = dumped(options, pids, having(names))
    assert (status, [key for key in wanted | found if found.get(key) != wanted.get(key)]) == (0, []), said
    for name in names:
        status, found, said = dumped(options, pids, having([one for one in names if one != name]))
        assert (status, found) != (0, wanted), f"{name} is not needed"
        assert status in {1, 3} or found.items() < wanted.items() or _unknown(found, wanted), f"without {name}: {said}"


def _unknown(found: Facts, wanted: Facts) -> bool:
    """Whether every fact that is told otherwise is told as not known."""
    return all(found.get(key) in (None, value) or key[-1] == "deleted" for key, value in wanted.items())


def test_the_table_has_every_backend_with_every_option() -> None:
    assert len(TABLE) == 8
    assert {names[0] for _, names in TABLE} == {"CAP_BPF", "CAP_DAC_READ_SEARCH"}


@pytest.mark.parametrize("command", ["show", "verify", "info"])
def test_reading_takes_none(command: str, other: mkfds.Holder, nobody: tuple[str, ...], tmp_path: Path) -> None:
    image = tmp_path / "image"
    crfd.dump(other.pid, image)
    before = (*nobody, "--bounding-set=-all", "--inh-caps=-all")
    with open(image, "rb") as stdin:
        done = run(command, "-", before=before, stdin=stdin)
    assert done.returncode == 0, done.stderr


def test_one_s_own_processes_take_none(nobody: tuple[str, ...]) -> None:
    code = "import os; fds = [os.eventfd(7), *os.pipe()]; import time; print('ready', flush=True); time.sleep(600)"
    before = (*nobody, "--bounding-set=-all", "--inh-caps=-all")
    with running(code, before=before) as process:
        status, found, said = dumped(["dump", "--backend", "proc", "--freeze"], [process.pid], before)
    assert status == 0, said
    assert len({key[1] for key in found if isinstance(key[1], int)}) == 3


# ---- file capabilities ----


@pytest.mark.usefixtures("_unsanitized")
def test_an_interpreter_with_file_capabilities(
    other: mkfds.Holder, nobody: tuple[str, ...], tmp_path: Path, need: Need
) -> None:
    """The interpreter is made as SECURITY.md makes it, without pip: the package is the one under test."""
    for name in ("setcap", "backend bpf"):
        need(name)
    at = tmp_path / "crfd"
    subprocess.run([sys.executable, "-m", "venv", "--copies", "--without-pip", at], check=True, timeout=LIMIT)
    (site,) = at.glob("lib/python*/site-packages")
    (site / "under_test.pth").write_text(f"{Path(crfd.__file__).parents[1]}\n{sysconfig.get_path('purelib')}\n")
    for folder in (at, *at.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    command = [*nobody, str(at / "bin/python3"), "-m", "crfd", "dump", "--backend", "bpf", str(other.pid)]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60, cwd="/").returncode == 1
    (line,) = re.findall(r"^setcap (\S+) .*bin/python3.*$", SCRIPT, re.M)
    subprocess.run(["setcap", line, (at / "bin/python3").resolve()], check=True)
    if os.listxattr((at / "bin/python3").resolve()) == [] or _is_nosuid(at):
        pytest.skip(f"{at}: file capabilities have no effect here")
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd="/")
    assert done.returncode == 0, done.stderr
    assert facts(done.stdout)


def _is_nosuid(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_NOSUID)


# ---- the unit ----


def unit(key: str) -> str:
    (value,) = re.findall(rf"^{key}=(.*)$", UNIT, re.M)
    return str(value)


def test_the_unit_is_correct(tmp_path: Path, need: Need) -> None:
    need("systemd-analyze")
    path = tmp_path / "crfd-snapshot.service"
    path.write_text(UNIT.replace(unit("ExecStart").split()[0], str(shutil.which("true"))))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("nobody")
def test_the_unit_s_command_works_with_the_unit_s_capabilities(tmp_path: Path, need: Need) -> None:
    need("CAP_SYS_PTRACE")
    need("backend bpf")
    names = unit("AmbientCapabilities").split()
    assert names == unit("CapabilityBoundingSet").split()
    assert names in [row for options, row in TABLE if options == ["dump", "--backend", "bpf"]]
    words = unit("ExecStart").split()
    assert words[-2:] == ["-o", "/var/lib/crfd/host.crfd"]
    before = (*having(names), "--no-new-privs")
    done = run(*words[1:-2], before=before, text=False, timeout=120)
    for pid in re.findall(rb"pid (\d+)", done.stderr):  # what is refused to root here as well
        with pytest.raises(crfd.UnreadError):
            crfd.dump(int(pid), io.BytesIO(), backend="bpf")
    assert done.returncode == (3 if done.stderr else 0), done.stderr
    with crfd.open(io.BytesIO(done.stdout)) as image:
        assert os.getpid() in image.tasks
