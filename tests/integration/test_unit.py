# SPDX-License-Identifier: MIT
"""The unit of SECURITY.md, started by a systemd of its own: process 1 of new namespaces, with that unit and hardly another.

/opt, /run, /var and the units are there those of the test. The unit runs as a user of its own, with the capabilities of its
lines and nothing else.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import crfd
from tests.integration.test_privileges import UNIT, unit
from tests.procs import Need, cgroup, removed, until

SYSTEMD = "/usr/lib/systemd/systemd"
PATIENCE = 60.0  # seconds
TARGETS = ("sysinit", "basic", "shutdown")

INSIDE = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount --bind "$1/units" /etc/systemd/system
for at in /opt /run /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs $at; done
mkdir /opt/crfd /opt/src /opt/site /run/out
mount --bind "$1/crfd" /opt/crfd
mount --bind "$2" /opt/src
mount --bind "$3" /opt/site
mount --bind "$1/out" /run/out
while mountpoint -q /sys/fs/cgroup; do umount -l /sys/fs/cgroup; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/etc/systemd/system \\
	"$4" --system --unit=told.service --log-target=null --default-standard-output=null
"""

TOLD = """[Unit]
Wants=snapshot.service
After=snapshot.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'cd /run/out; systemctl show --value -p Result snapshot.service >result; \\
	stat -L -c "%%u %%a" /var/lib/crfd /var/lib/crfd/host.crfd >modes; cp /var/lib/crfd/host.crfd image; touch done'
"""


@pytest.fixture
def root(tmp_path: Path, need: Need) -> Iterator[Path]:
    """A folder with the interpreter of /opt/crfd, under which the package under test is found."""
    need("root")
    need("backend bpf")
    if not Path(SYSTEMD).exists():
        need("systemd")
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("not with a sanitizer preloaded")
    at = tmp_path / "root"
    for name in ("units", "out"):
        (at / name).mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", "--copies", "--without-pip", at / "crfd"], check=True)
    (site,) = (at / "crfd").glob("lib/python*/site-packages")
    (site / "under_test.pth").write_text("/opt/src\n/opt/site\n")
    command = at / "crfd" / "bin" / "crfd"
    command.write_text("#!/opt/crfd/bin/python3\nimport sys\nfrom crfd.cli.main import main\nsys.exit(main())\n")
    command.chmod(0o755)
    for target in TARGETS:
        (at / "units" / f"{target}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    (at / "units" / "told.service").write_text(TOLD)
    yield at
    shutil.rmtree(at)


def started(root: Path, service: str) -> tuple[str, list[str]]:
    """Return the result of the unit, and the owners and modes of what it made."""
    (root / "units" / "snapshot.service").write_text(service)
    package, site = Path(crfd.__file__).parents[1], sysconfig.get_path("purelib")
    with cgroup("v2") as own:
        enter = f"echo 0 >{own.folder / 'cgroup.procs'}"
        spaces = "unshare --pid --fork --kill-child --mount --cgroup --uts --ipc"
        script = f'{enter} && exec {spaces} sh -c "$0" sh "$@"'
        process = subprocess.Popen(
            ["sh", "-c", script, INSIDE, root, package, site, SYSTEMD],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + PATIENCE
            while not (root / "out" / "done").exists():
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < end, "the unit has not ended"
                time.sleep(0.1)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for at in sorted((at for at in own.folder.rglob("*") if at.is_dir()), reverse=True):
                until(partial(removed, at), "its cgroups are empty")
    return (root / "out" / "result").read_text().strip(), (root / "out" / "modes").read_text().splitlines()


def test_the_unit_writes_its_image(root: Path) -> None:
    result, modes = started(root, UNIT)
    assert result == "success"
    (owner, folder), (same, file) = (line.split() for line in modes)
    assert (folder, file) == ("700", "600")
    assert owner == same != "0"
    with crfd.open(root / "out" / "image") as image:
        assert image.tasks[1].comm == b"systemd"
        assert len(image.tasks[1].fds) > 10
        assert all(one.file for one in image.tasks[1].fds.values())


@pytest.mark.parametrize("less", unit("CapabilityBoundingSet").split())
def test_the_unit_needs_each_of_its_capabilities(root: Path, less: str) -> None:
    result, _ = started(root, UNIT.replace(f"{less} ", "").replace(f" {less}", ""))
    assert result == "exit-code"
