#!/bin/sh
# Runs "$@" as if on a separate machine: engines find their directories and the network empty, and everything that they
# start, mount and create disappears at the end, even after an interrupt. If anything is left, this script fails.
# shellcheck disable=SC2044,SC2086 # lists of words
set -eu
# shellcheck source=proof/kit/skip.sh
. "$(dirname "$0")/../../kit/skip.sh"
project=$(cd "$(dirname "$0")/../../.." && pwd)
[ "$(id -u)" = 0 ] || skipped "the tests in engines run as root"
cgroup=pause-e2e-$$
hierarchies=$(findmnt -nr -t cgroup,cgroup2 -o TARGET)
cgroups=$(printf "%s/$cgroup\n" $hierarchies)

traces() {
    findmnt -nr -o TARGET
    ip -oneline link | cut -d: -f2
    ip netns list
    iptables-save | sed -n '/^-A/p'
    ls -d $cgroups || :
} 2>/dev/null
before=$(traces)

(
    for hierarchy in $hierarchies; do
        mkdir "$hierarchy/$cgroup"
        for file in cpuset.cpus cpuset.mems; do # in v1 they are empty, and no process can enter the group
            [ ! -f "$hierarchy/cpuset.mems" ] || cat "$hierarchy/$file" >"$hierarchy/$cgroup/$file"
        done
        echo 0 >"$hierarchy/$cgroup/cgroup.procs"
    done
    # shellcheck disable=SC2016 # for the inner shells
    exec unshare --cgroup sh -euc '
        # In v2, engines need controllers, which only a cgroup without processes can enable.
        for hierarchy in $2; do
            [ ! -f "$hierarchy/cgroup.controllers" ] || {
                mkdir "$hierarchy/$1/tests"
                echo 0 >"$hierarchy/$1/tests/cgroup.procs"
                sed "s/[^ ]*/+&/g" "$hierarchy/$1/cgroup.controllers" >"$hierarchy/$1/cgroup.subtree_control"
            }
        done
        exec unshare --ipc --mount --net --pid --uts --fork --kill-child --mount-proc sh -euc "$0" sh "$@"' '
        cgroup=$1 hierarchies=$2 project=$3
        shift 3
        for hierarchy in $hierarchies; do
            mount --bind "$hierarchy/$cgroup" /mnt && umount "$hierarchy" && mount --move /mnt "$hierarchy"
        done
        cd "$project" # stays in reach, even in one of these directories
        folders=$(cat proof/e2e/shared/engine-folders)
        for folder in /run $folders; do
            mkdir -p "$folder"
            mount -t tmpfs -o mode=0755 tmpfs "$folder"
        done
        mkdir -p "$project"
        mount --no-canonicalize --rbind . "$project"
        cd "$project/proof/e2e"
        ip link set lo up
        "$@" && status=0 || status=$?
        if [ $status != 0 ] && ls /run/*.log >/dev/null 2>&1; then
            rm -rf "$project/target/logs"
            mkdir -p "$project/target/logs"
            cp /run/*.log "$project/target/logs/"
            echo "what the daemons said is in $project/target/logs" >&2
        fi
        for frozen in $(find $hierarchies -name freezer.state); do echo THAWED >"$frozen"; done # or they cannot die
        exit $status' "$cgroup" "$hierarchies" "$project" "$@"
) &
trap 'kill -KILL $!' INT TERM # unshare ignores INT and TERM while it waits
wait $! && status=0 || status=$?

tries=100 # until the last process is gone
while left=$(find $cgroups -depth -type d 2>/dev/null || :) && [ -n "$left" ] && [ $tries -gt 0 ]; do
    for frozen in $(find $left -name freezer.state 2>/dev/null); do echo THAWED >"$frozen"; done
    rmdir $left 2>/dev/null || sleep 0.1
    tries=$((tries - 1))
done
[ "$(traces)" = "$before" ] || { printf "was:\n%s\nis now:\n%s\n" "$before" "$(traces)" >&2 && status=1; }
exit "$status"
