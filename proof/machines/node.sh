#!/bin/sh
# Runs the tests of `make e2e` on a modern node: in QEMU, with systemd, only cgroups v2, and Debian's newest kernel.
# Afterwards target/node/out contains what the engines said, what was run (compatibility.json) and what a sandbox costs
# (cost.json).
# Arguments: the names of tests, whose results are added to those of the last run. Without them: all in engines, and
# those of the installer for which systemd, cgroups v2 or the newest Docker and Podman matter; emulated, the others would
# take another hour.
set -eu
cd "$(dirname "$0")/../.."
names=${*:-cluster::reboot engines:: kubernetes:: installer::boot_unit installer::crio installer::podman installer::which_engines}
# shellcheck source=proof/kit/skip.sh
. proof/kit/skip.sh
[ "$(uname -m)" = x86_64 ] || skipped "$0 is written for amd64 alone"
proof/packages/apt.sh node
proof/packages/node-disk.sh
node=$PWD/target/node
[ -e "$node/disk" ] || exit 0 # node-disk.sh has said why

# The tests, built here: cargo is not in the machine.
tests=$(cargo test --quiet --package e2e --no-run --message-format json 2>/dev/null |
    sed -n 's/.*"kind":\["test"\].*"name":"e2e".*"executable":"\([^"]*\)".*/\1/p')
[ -n "$tests" ] || { echo "$0: the tests could not be built: cargo test --package e2e --no-run" >&2; exit 1; }

cargo run --quiet --package kit --bin floors amd64 # cost is compared with it
mkdir -p "$node/out"
[ $# -gt 0 ] || rm -f "$node/out"/*.json
find "$node/out" -type f ! -name '*.json' -delete
cp proof/machines/node-init.sh "$node/out/"
# shellcheck disable=SC2016 # for the other shell, which quotes it all
env -i project="$PWD" tests="$tests" names="$names" sh -c 'export -p' >"$node/out/environment"
start=$(date +%s)
cd "$node"
# -cx16: see proof/machines/kernels-machines. The disk stays as it is: what is written goes to a temporary file.
append='root=/dev/vda rw systemd.show_status=true'
append="$append systemd.mask=serial-getty@ttyS0 SYSTEMD_COLORS=0 TERM=dumb"
append=$append ../../proof/machines/qemu.sh 5400 ttyS0 \
    qemu-system-x86_64 -M q35 -cpu max,-cx16 -smp 2 -m 6144 \
    -drive file=disk,format=raw,if=virtio,snapshot=on \
    -virtfs local,path=../..,mount_tag=project,security_model=none,readonly=on,multidevs=remap \
    -virtfs local,path=out,mount_tag=out,security_model=none
echo "the machine ran for $(($(date +%s) - start)) s"
[ "$(cat out/status 2>/dev/null)" = 0 ] ||
    { echo "$0: a test failed, or the run did not finish; see $node/console.txt and $node/out" >&2; exit 1; }
