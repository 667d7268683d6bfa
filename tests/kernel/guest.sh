#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process of boot.py's guest, on this machine's files: guest.sh MODULES CHECKOUT PREFIX PYTHON PYTEST-ARGUMENTS
modules=$1 checkout=$2 prefix=$3 python=$4
shift 4
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 COLUMNS=120
export PYTEST_ADDOPTS="--color=no --timeout=$((300 * CRFD_PATIENCE))"
ulimit -Hn 524288 # as systemd(1) has it

# $1 of the machine, writable, where something else was mounted over it
again() {
	[ -e "$1" ] && return
	mkdir -p "$1" "/run/upper$1" "/run/spare$1"
	mount -t overlay -o "lowerdir=/run/host$1,upperdir=/run/upper$1,workdir=/run/spare$1" again "$1"
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /dev/mqueue /run/freezer
mount -t devpts -o ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t securityfs security /sys/kernel/security
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t cgroup -o freezer freezer /run/freezer
ip link set lo up

release=$(uname -r)
mkdir -p "/lib/modules/$release"
mount --bind "/run/host$modules" "/lib/modules/$release"
for m in loop ext4 fuse tun af_packet sctp dccp_ipv4 algif_hash algif_skcipher vsock_loopback; do
	modprobe -q "$m" || echo "no module $m"
done
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range

# The tests' files on a file system of blocks, as they mostly are.
truncate -s 2G /run/disk
mkfs.ext4 -q -F /run/disk
mount -o loop /run/disk /tmp
chmod 1777 /tmp
again "$checkout"
again "$prefix"

echo "kernel $release"
# Kernel threads share the working directory of the first process (init/main.c, rest_init).
(cd "$checkout" && exec setsid --wait "$python" -m pytest "$@" </dev/null)
echo "status of pytest: $?"
sync
echo b >/proc/sysrq-trigger
sleep 60
