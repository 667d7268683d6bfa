#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests under another kernel: boots a distribution's in QEMU, with this machine's files, and pytest in it.

    apt-get download linux-image-6.1.0-50-amd64
    python tests/kernel/boot.py linux-image-6.1.0-50-amd64_*.deb [-- PYTEST-ARGUMENTS]

KERNEL is a package, or several where a distribution has the modules in packages of their own, or a directory where they
were unpacked (boot/vmlinuz-*, lib/modules/*). The status is pytest's, 99 where the guest did not get so far.

Needs qemu-system-x86, busybox-static, kmod, x86-64 and root; the Python that runs this must have crfd[test] installed from
this checkout. The guest sees this machine's files, and what it writes is gone afterwards. The default accelerator emulates
and works everywhere: the whole suite takes about twenty minutes with it, test_backends.py, test_descriptors.py and
test_details.py together a minute and a half. Where KVM works: --accel kvm.
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

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
STATUS = "status of pytest: "  # guest.sh prints it
# What it takes to see this machine's files: the guest loads the rest from there.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")

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
    """Where boot/ and lib/modules/ are."""
    if len(packages) == 1 and packages[0].is_dir():
        return packages[0].resolve()
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
    return scratch


def one(root: Path, *patterns: str) -> Path:
    found = [path for pattern in patterns for path in root.glob(pattern)]
    if len(found) != 1:
        raise SystemExit(f"expected one of {' or '.join(patterns)} below {root}, found {len(found)}")
    return found[0]


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


def initramfs(modules: Path, guest: list[str]) -> bytes:
    files: dict[str, bytes | None] = dict.fromkeys(("bin", "dev", "proc", "host", "root", "modules"))
    ordered = list(in_order(modules))
    files["bin/busybox"] = Path("/bin/busybox").read_bytes()
    files["modules/order"] = " ".join(path.name for path in ordered).encode()
    files |= {f"modules/{path.name}": module(path) for path in ordered}
    files["init"] = INIT.format(guest=shlex.join(guest)).encode()
    return cpio(files)


def boot(options: argparse.Namespace, scratch: Path) -> int | None:
    """The status of pytest, None where the guest did not get so far."""
    root = unpack(options.kernel, scratch / "kernel")
    modules = one(root, "lib/modules/*/", "usr/lib/modules/*/")
    if not (modules / "modules.dep").exists():
        subprocess.run(["depmod", "-b", modules.parents[2], modules.name], check=True)
    guest = [f"/run/host{HERE}/guest.sh", str(modules), str(CHECKOUT), sys.prefix, sys.executable, *options.pytest]
    (scratch / "initramfs").write_bytes(initramfs(modules, guest))
    command = ["qemu-system-x86_64", "-accel", options.accel, "-cpu", "max", "-smp", "2", "-m", str(options.memory)]
    command += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
    command += ["-kernel", str(one(root, "boot/vmlinuz-*")), "-initrd", str(scratch / "initramfs")]
    environment = f"CRFD_CI={os.environ.get('CRFD_CI', '0')}"  # what the kernel does not know it gives to init
    command += ["-append", f"console=ttyS0 quiet panic=-1 oops=panic secretmem.enable=1 {environment}"]
    command += ["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
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
    parser.add_argument("--accel", default="tcg,thread=multi", help="of qemu: kvm where there is one")
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
