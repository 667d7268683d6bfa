#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests under another kernel: boots a distribution's in QEMU, with this machine's files, and pytest in it.

    apt-get download linux-image-6.1.0-50-amd64
    python tests/kernel/boot.py linux-image-6.1.0-50-amd64_*.deb [-- PYTEST-ARGUMENTS]

KERNEL is a package, or several where a distribution has the modules in packages of their own, or a directory where they
were unpacked (boot/vmlinuz-*, lib/modules/*). The status is pytest's, 99 where the guest did not get so far. Without
PYTEST-ARGUMENTS it runs TESTS, below; README.md tells what came out, and how long each took.

    tests/kernel/arm64.sh DIRECTORY linux-image-6.1.0-50-arm64
    python tests/kernel/boot.py --arch arm64 DIRECTORY [-- PYTEST-ARGUMENTS]

Here the guest sees the files of DIRECTORY, and the checkout as it was when arm64.sh copied it.

Needs qemu-system-x86 or qemu-system-arm, busybox-static, kmod, x86-64 and root; the Python that runs this must have
crfd[test] installed from this checkout, which has to be left alone meanwhile. The guest sees this machine's files, and
what it writes is gone afterwards. The default accelerator emulates and works everywhere. Where KVM works: --accel kvm.
"""

from __future__ import annotations

import argparse
import gzip
import lzma
import os
import re
import resource
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
STATUS = "status of pytest: "  # guest.sh prints it
# The modules that it takes to see this machine's files: the guest loads the rest from there.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
# What kernels differ in: the rest of the suite asks little of them.
ABOUT = "backends descriptors details held inode_and_mount kernel_says locks peers dump who"
TESTS = tuple(f"tests/integration/test_{name}.py" for name in ABOUT.split())


class Arch(NamedTuple):
    """A machine of QEMU, and what its guest runs."""

    qemu: tuple[str, ...]
    console: str
    checkout: Path
    prefix: str
    python: str


ARCHES = {
    "amd64": Arch(("qemu-system-x86_64", "-cpu", "max"), "ttyS0", CHECKOUT, sys.prefix, sys.executable),
    "arm64": Arch(
        ("qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a76"),
        "ttyAMA0",
        Path("/srv/crfd"),  # arm64.sh puts it there
        "/usr/local",
        "/usr/bin/python3",
    ),
}

INIT = """#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t devtmpfs dev /dev
for m in $(cat /modules/order); do insmod /modules/$m; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host
mount -t tmpfs tmpfs /root
mkdir /root/run /root/proc /root/sys /root/dev /root/tmp
mount -t tmpfs tmpfs /root/run
cd /host
for name in *; do
	if [ -L $name ]; then
		cp -P $name /root/
	elif [ -d $name ] && mkdir /root/$name 2>/dev/null; then
		mkdir -p /root/run/upper/$name /root/run/spare/$name
		mount -t overlay -o lowerdir=/host/$name,upperdir=/root/run/upper/$name,workdir=/root/run/spare/$name host /root/$name
	fi
done
cd /
mkdir /root/run/host
mount --move /host /root/run/host
exec switch_root /root {guest}
"""


def unpack(packages: list[Path], scratch: Path) -> Path:
    """Unpack a kernel; return the folder that has its boot/ and lib/modules/."""
    if len(packages) == 1 and packages[0].is_dir():
        return packages[0].resolve()
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
    return scratch


def one(root: Path, *patterns: str) -> Path:
    found = {path.resolve() for pattern in patterns for path in root.glob(pattern)}
    if len(found) != 1:
        raise SystemExit(f"expected one of {' or '.join(patterns)} below {root}, found {len(found)}")
    return found.pop()


def in_order(folder: Path) -> Iterator[Path]:
    """The files of MODULES, what they depend on first; what is built in has none."""
    needs = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()[::-1]
    by_name = {Path(path).name.partition(".")[0]: path for path in needs}
    paths = [path for name in MODULES if name in by_name for path in (*needs[by_name[name]], by_name[name])]
    yield from (folder / path for path in dict.fromkeys(paths))


def module(path: Path) -> bytes:
    match path.suffix:
        case ".xz":
            return lzma.decompress(path.read_bytes())
        case ".gz":
            return gzip.decompress(path.read_bytes())
        case ".zst":
            return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
        case _:
            return path.read_bytes()


def cpio(files: dict[str, bytes | None]) -> bytes:
    """An archive as the kernel takes it (buffer-format.rst): executable files, and directories where there is None."""
    out = bytearray()
    for number, (name, content) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o755 | (stat.S_IFDIR if content is None else stat.S_IFREG)
        fields = (number, mode, 0, 0, 1, 0, len(content or b""), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + (content or b"")
        out += bytes(-len(out) % 4)
    return bytes(out)


def initramfs(modules: Path, busybox: Path, guest: list[str]) -> bytes:
    files: dict[str, bytes | None] = dict.fromkeys(("bin", "dev", "proc", "host", "root", "modules"))
    ordered = list(in_order(modules))
    files["bin/busybox"] = busybox.read_bytes()
    files["modules/order"] = " ".join(path.name for path in ordered).encode()
    files |= {f"modules/{path.name}": module(path) for path in ordered}
    files["init"] = INIT.format(guest=shlex.join(guest)).encode()
    return cpio(files)


def boot(options: argparse.Namespace, scratch: Path) -> int | None:
    """The status of pytest, None where the guest did not get so far."""
    arch = ARCHES[options.arch]
    root = unpack(options.kernel, scratch / "kernel")
    host = Path("/") if arch.checkout == CHECKOUT else root
    modules = one(root, "lib/modules/*/", "usr/lib/modules/*/")
    if not (modules / "modules.dep").exists():
        subprocess.run(["depmod", "-b", modules.parents[2], modules.name], check=True)
    guest = [f"/run/host{arch.checkout}/tests/kernel/guest.sh", f"/{modules.relative_to(host)}", str(arch.checkout)]
    guest += [arch.prefix, arch.python, *(options.pytest or TESTS)]
    (scratch / "initramfs").write_bytes(initramfs(modules, host / "bin/busybox", guest))
    command = [*arch.qemu, "-accel", options.accel, "-smp", str(options.cpus), "-m", str(options.memory)]
    command += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
    command += ["-kernel", str(one(root, "boot/vmlinuz-*")), "-initrd", str(scratch / "initramfs")]
    # The kernel gives arguments that it does not know to init.
    patience = 6 if options.accel.startswith("tcg") else 1
    environment = f"CRFD_CI={os.environ.get('CRFD_CI', '0')} CRFD_PATIENCE={patience}"
    command += ["-append", f"console={arch.console} quiet panic=-1 oops=panic secretmem.enable=1 {environment}"]
    command += ["-virtfs", f"local,path={host},mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
    return follow(["timeout", str(options.timeout), *command])


def follow(command: list[str]) -> int | None:
    """Shows what the guest says."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # what the guest has open of ours QEMU has open
    said = b""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while block := os.read(process.stdout.fileno(), 1 << 16):
            sys.stdout.buffer.write(block.replace(b"\r", b""))
            sys.stdout.flush()
            said = (said + block)[-10_000:]
    found = re.search(STATUS.encode() + rb"(\d+)", said)
    return int(found[1]) if found else None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kernel", nargs="+", type=Path, help="package, or directory where it is unpacked")
    parser.add_argument("--arch", choices=ARCHES, default="amd64")
    parser.add_argument("--accel", default="tcg,thread=multi", help="of qemu: kvm where there is one")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--memory", type=int, default=4096, help="MB")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds, of all of it")
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options = parser.parse_args(sys.argv[1:at], argparse.Namespace(pytest=sys.argv[at + 1 :]))
    with tempfile.TemporaryDirectory(prefix="crfd-boot-") as scratch:
        status = boot(options, Path(scratch))
    if status is None:
        print("the guest did not get to the end of pytest", file=sys.stderr)
    return 99 if status is None else status


if __name__ == "__main__":
    sys.exit(main())
