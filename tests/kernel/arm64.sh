#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes what `boot.py --arch arm64` boots: arm64.sh DIRECTORY KERNEL-PACKAGE, say linux-image-6.1.0-50-arm64
# DIRECTORY becomes the root of an arm64 Debian, with the kernel, and with this checkout and its extension compiled for it. Nothing
# of it runs here. Needs Debian 12 (apt lists of its own, no foreign architecture is added), gcc-aarch64-linux-gnu,
# libc6-dev-arm64-cross, and a `python` that has crfd[test] installed from this checkout.
set -eu
root=$(mkdir -p "$1" && realpath "$1") kernel=$2
cd "$(dirname "$0")/../.."
site=$root/usr/local/lib/python3.11/dist-packages
apt=$(mktemp -d)
trap 'rm -r "$apt"' EXIT

mkdir -p "$apt/lists/partial" "$apt/archives/partial"
: >"$apt/status"
for suite in debian:bookworm debian-security:bookworm-security; do
	echo "deb http://deb.debian.org/${suite%:*} ${suite#*:} main"
done >"$apt/sources"
cat >"$apt/conf" <<EOF
APT { Architecture "arm64"; Architectures { "arm64"; }; Install-Recommends "false"; Sandbox::User "root"; };
Dir::Etc { sourcelist "$apt/sources"; sourceparts "-"; };
Dir::State { lists "$apt/lists"; status "$apt/status"; };
Dir::Cache { archives "$apt/archives"; pkgcache ""; srcpkgcache ""; };
Debug::NoLocking "true";
EOF
export APT_CONFIG="$apt/conf"
apt-get -q update
apt-get -qy --download-only install bindfs btrfs-progs busybox-static coreutils dash e2fsprogs findutils hostname iproute2 kmod \
	lsof mount passwd procps psmisc python3-dev util-linux util-linux-extra
(cd "$apt/archives" && apt-get -q download "$kernel")

mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/local/bin" "$root/etc" "$site"
for name in bin sbin lib; do
	ln -sfn usr/$name "$root/$name"
done
for package in "$apt"/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root"
done
ln -sf dash "$root/usr/bin/sh"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
mkdir -p "$root/tmp" "$root/proc" "$root/sys" "$root/dev" "$root/run"

python -m pip install -q --target "$site" --upgrade --python-version 3.11 --only-binary=:all: \
	--platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 \
	cffi psutil pyroute2 pytest pytest-benchmark pytest-timeout hypothesis numpy
echo /srv/crfd >"$site/crfd.pth"
rm -rf "$root/srv/crfd"
mkdir -p "$root/srv/crfd"
git ls-files -z | tar -c --null -T - | tar -x -C "$root/srv/crfd"
python setup.py -q egg_info --egg-base "$root/srv/crfd"
python - "$apt/_crfd.c" <<'EOF'
import sys
sys.path.insert(0, "csrc")
from build_ffi import ffi
ffi.emit_c_code(sys.argv[1])
EOF
aarch64-linux-gnu-gcc -std=gnu11 -O2 -fvisibility=hidden -pthread -fPIC -shared -Icsrc -idirafter "$root/usr/include" \
	-I"$root/usr/include/python3.11" "$apt/_crfd.c" $(printf '%s\n' csrc/*/*.c | grep -v '\.bpf\.c$') \
	-o "$root/srv/crfd/crfd/_crfd.abi3.so"
printf '#!/usr/bin/python3\nimport sys\nfrom crfd.__main__ import main\nsys.exit(main())\n' >"$root/usr/local/bin/crfd"
chmod 755 "$root/usr/local/bin/crfd"
