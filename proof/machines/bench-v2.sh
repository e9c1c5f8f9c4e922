#!/bin/sh
# Measures the memory of an instance under cgroups v2 on a machine that has v1: in QEMU, on Debian's kernel, with this
# machine's files. Only memory is measured, because times in an emulated machine mean nothing. Options: --quick;
# --save, which keeps the samples and writes the tables, if all bars are reached.
set -eu
cd "$(dirname "$0")/../.."
case $* in
    '' | --quick) quick=$* ;;
    --save) quick= ;;
    *) echo "usage: $0 [--quick | --save]" >&2; exit 2 ;;
esac
project=$PWD
[ ! -e /sys/fs/cgroup/cgroup.controllers ] ||
    { echo "nothing to do: this machine has cgroups v2, so make bench measures them"; exit 0; }
# shellcheck source=proof/kit/skip.sh
. proof/kit/skip.sh
[ "$(uname -m)" = x86_64 ] || skipped "$0 runs only on amd64"

proof/packages/apt.sh bench-v2
package=linux-image-amd64 modules='netfs 9pnet 9pnet_virtio 9p overlay'
echo "amd64 $package $modules" | proof/packages/kernel.sh
[ -e "target/kernels/$package/fetched" ] || skipped "kernel.sh could not fetch the kernel $package"
rm -rf target/v2
mkdir -p target/v2/root/bin target/v2/out
cd target/v2
cp "../kernels/$package/kernel" .
cp "../kernels/$package/busybox" root/bin/
cp "../kernels/$package/"*.ko root/
echo "$modules" >root/modules # in the order in which they must be loaded
cp "$project/proof/machines/bench-v2-init.sh" root/init
chmod 0755 root/init
# shellcheck disable=SC2016 # for the inner shell, whose export quotes the values
env -i PATH="$PATH" HOME="$HOME" ${CARGO_HOME+CARGO_HOME="$CARGO_HOME"} ${RUSTUP_HOME+RUSTUP_HOME="$RUSTUP_HOME"} \
    project="$project" quick="$quick" sh -c 'export -p' >out/environment
# -cx16: see proof/machines/kernels-machines
"$project/proof/machines/qemu.sh" 3600 ttyS0 qemu-system-x86_64 -M q35 -cpu qemu64,-cx16 -smp 2 -m 4096 \
    -virtfs local,path=/,mount_tag=machine,security_model=none,readonly=on,multidevs=remap \
    -virtfs local,path=out,mount_tag=out,security_model=none

[ -s out/benchmarks.json ] || { echo "$0: not all bars are reached, or the benchmark did not finish" >&2; exit 1; }
[ "${1-}" != --save ] || {
    mv out/benchmarks.json "$project/proof/figures/samples/bench-v2.json"
    cd "$project" && cargo figures
}
