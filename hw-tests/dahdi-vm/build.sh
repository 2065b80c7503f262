#!/usr/bin/env bash
# Makes the virtual machine with the real DAHDI driver: a Debian kernel, three modules built from Debian's source, busybox.
#
#   build.sh [DIRECTORY]     about 45 MB of packages once; nothing is installed. Prints the directory.
#
# What is made stays in DIRECTORY/out (about 20 MB), by default under the user's cache, until the kernel's package changes.
# Needs: apt-get (Debian 12, whose kernel is the newest this source compiles for), gcc-12, make, bzip2, xz-utils.
set -euo pipefail
where=${1:-${TRUNKCAST_DAHDI_VM:-${XDG_CACHE_HOME:-$HOME/.cache}/trunkcast/dahdi-vm}}
modules=(dahdi.o dahdi_dynamic.o dahdi_dynamic_loc.o)

# The package of a meta package is named by the kernel's interface, such as 6.1.0-38.
interface=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/ *Depends: linux-image-\(6\.1\..*\)-cloud-amd64/\1/p' | head -1)
if [ -z "$interface" ]; then
    echo "build.sh: no Debian 12 kernel (linux-image-cloud-amd64 6.1) among this machine's packages" >&2
    exit 1
fi
kernel=$interface-cloud-amd64
if [ "$(cat "$where/out/kernel" 2>/dev/null)" = "$kernel" ]; then
    echo "$where"
    exit 0
fi

rm -rf "$where/making" "$where/out"
mkdir -p "$where/making/packages" "$where/making/root" "$where/making/dahdi"
making=$(realpath "$where/making")
cd "$making/packages"
apt-get -qq download "linux-image-$kernel" "linux-headers-$kernel" "linux-headers-$interface-common" \
    linux-kbuild-6.1 dahdi-source busybox-static >&2 2>"$making/download.log" || { cat "$making/download.log" >&2; exit 1; }
for package in *.deb; do dpkg -x "$package" "$making/root"; done

headers=$making/root/usr/src/linux-headers-$kernel
# The headers name their common part by its place on an installed system.
sed -i "s#include /usr/src/#include $making/root/usr/src/#" "$headers/Makefile"
tar -C "$making/dahdi" -xjf "$making/root/usr/src/dahdi.tar.bz2"
source=$(dirname "$(find "$making/dahdi" -path '*drivers/dahdi/dahdi-base.c' | head -1)")
include=$(realpath "$source/../../include")
if ! make -s -C "$headers" M="$source" DAHDI_INCLUDE="$include" DAHDI_MODULES_EXTRA="${modules[*]}" \
    HOTPLUG_FIRMWARE=no modules >"$making/build.log" 2>&1; then
    tail -20 "$making/build.log" >&2
    exit 1
fi

mkdir -p "$where/out"
for module in "${modules[@]%.o}"; do
    strip -g -o "$where/out/$module.ko" "$source/$module.ko"
done
cp "$making/root/boot/vmlinuz-$kernel" "$where/out/vmlinuz"
cp "$making/root/bin/busybox" "$where/out/busybox"
mkdir -p "$where/out/include/dahdi"
cp "$include"/dahdi/*.h "$where/out/include/dahdi/"
if [ -z "${TRUNKCAST_DAHDI_VM_KEEP:-}" ]; then rm -rf "$making"; fi
# Last: what is there in part is made anew.
echo "$kernel" >"$where/out/kernel"
echo "$where"
