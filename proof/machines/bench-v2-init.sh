#!/bin/busybox sh
# The init of the machine that bench-v2.sh starts: runs the benchmark on the outer machine's files. It can only read
# them; what it writes stays in memory.
# shellcheck shell=dash
trap '/bin/busybox poweroff -f' EXIT
/bin/busybox mkdir /proc /machine /memory /all
/bin/busybox mount -t proc none /proc # the shell may need it, or a link to each program, to find the other programs
/bin/busybox --install -s /bin
for module in $(cat /modules); do
    insmod "/$module.ko" || exit
done
mount -t 9p -o trans=virtio,ro,msize=524288,cache=loose machine /machine || exit
mount -t tmpfs none /memory && mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/machine,upperdir=/memory/upper,workdir=/memory/work none /all || exit
mount -t proc none /all/proc
mount -t sysfs none /all/sys
mount -t cgroup2 none /all/sys/fs/cgroup
mount -t devtmpfs none /all/dev
mkdir /all/v2.out
mount -t 9p -o trans=virtio out /all/v2.out || exit
# shellcheck disable=SC2016 # for the other shell
chroot /all /bin/sh -c '. /v2.out/environment && cd "$project" &&
    cargo bench --offline --quiet --package bench -- --memory $quick &&
    cp target/benchmarks.json /v2.out/part && mv /v2.out/part /v2.out/benchmarks.json'
