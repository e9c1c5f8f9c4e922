#!/bin/sh
# Runs the tests in the machine that node.sh starts, started by node.service: as root, with the project's files, which
# they can only read, at the same path as outside. What they write goes to memory.
set -eu
# shellcheck source=/dev/null # node.sh writes it
. /run/out/environment
trap finish EXIT

finish() {
    status=$?
    # shellcheck disable=SC2154 # from the environment
    cp /run/*.log "$project/target/compatibility.json" "$project/target/cost.json" /run/out/ 2>/dev/null || :
    journalctl --boot >/run/out/journal.txt 2>/dev/null || :
    echo $status >/run/out/status
    sync
}

mkdir -p /run/project /run/memory "$project"
mount -t 9p -o trans=virtio,ro,msize=524288,cache=loose project /run/project
mount -t tmpfs none /run/memory
mkdir /run/memory/upper /run/memory/work
mount -t overlay -o lowerdir=/run/project,upperdir=/run/memory/upper,workdir=/run/memory/work none "$project"
rm -f "$project/target/compatibility.json" "$project/target/cost.json"
cp /run/out/*.json "$project/target/" 2>/dev/null || : # the rows of the last run

mount -o remount,size=50% /run # for the disks of hosts that tests boot
uname -sr
findmnt -no FSTYPE /sys/fs/cgroup
cd "$project/proof/e2e"
xargs mkdir -p <shared/engine-folders # which the tests fill, or hide behind empty ones
export CI=true PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin CARGO_MANIFEST_DIR="$project/proof/e2e"
failed=0
# Failures are printed when they happen.
# shellcheck disable=SC2154,SC2086 # from the environment: lists of words
for test in $tests; do
    # Beside another test, the API server answered no TLS handshake within half an hour.
    case $names in *cluster::*) "$test" --nocapture cluster::reboot || failed=1 ;; esac
    "$test" --test-threads=2 --nocapture --skip cluster:: $names || failed=1
done
[ $failed = 0 ]
