#!/usr/bin/env bash
# Boots the virtual machine of build.sh in software emulation and tells the scenarios inside, daemon and all.
#
#   run.sh [WORDS...]    only the scenarios with one of these in their name, such as 'patterns' or 'all channels, E1'
#
# Time inside is counted in instructions (-icount), so that a busy host makes the run longer but no tick late. The console is kept in
# target/dahdi-vm/console.log. Without QEMU the run is skipped, which under CI=true is a failure.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
cd "$root"

skip() {
    echo "SKIPPED dahdi-vm: $1" >&2
    if [ "${CI:-}" = true ]; then
        echo "and under CI=true nothing may be skipped" >&2
        exit 1
    fi
    exit 0
}
for program in qemu-system-x86_64:qemu-system-x86 gcc-12:gcc-12 cpio:cpio bzip2:bzip2 xz:xz-utils make:make; do
    command -v "${program%%:*}" >/dev/null || skip "needs Debian package ${program##*:}"
done
machine=$("$here/build.sh") || skip "the machine cannot be built"

cargo build --quiet --locked -p hw-tests --bin dahdi-scenarios
cargo build --quiet --locked -p trunkcast -p trunkctl
target=${CARGO_TARGET_DIR:-target}

disk=$(mktemp -d)
trap 'rm -rf "$disk"' EXIT
mkdir -p "$disk"/{bin,dev,proc,sys,tmp,modules}
cp "$machine/out/busybox" "$disk/bin/"
cp "$machine"/out/*.ko "$disk/modules/"
programs=("$target/debug/dahdi-scenarios" "$target/debug/trunkcastd" "$target/debug/trunkctl")
gcc -std=gnu11 -O1 -Wall -Wextra -o "$disk/bin/libpri_exchange" "$here/../peers/libpri_exchange.c" -lpri
for program in "${programs[@]}"; do
    strip -g -o "$disk/bin/$(basename "$program")" "$program"
done
for program in "$disk"/bin/*; do
    { ldd "$program" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do
        cp -n --parents -L "$library" "$disk/"
    done
done
cp "$here/init" "$disk/init"
printf '%s\0' "$@" >"$disk/scenarios"
mkdir -p "$target/dahdi-vm"
(cd "$disk" && find . | cpio -o -H newc 2>/dev/null) | gzip -1 >"$target/dahdi-vm/initrd.gz"

console=$target/dahdi-vm/console.log
nice timeout "${DAHDI_VM_TIMEOUT:-900}" qemu-system-x86_64 -accel tcg,thread=single -icount shift=2,sleep=off -cpu max -m 512 -smp 1 \
    -nodefaults -display none -serial stdio -no-reboot -kernel "$machine/out/vmlinuz" -initrd "$target/dahdi-vm/initrd.gz" \
    -append "console=ttyS0 quiet panic=-1 tsc=reliable" </dev/null | tee "$console"
grep -q '^the scenarios ended with 0' "$console"
