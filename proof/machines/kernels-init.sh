#!/bin/busybox sh
# The init of the machine that kernels-boot.sh starts: tests /pause as PID 1 of PID namespaces, then executes it as
# init. The machine contains only this file, /pause and Debian's /bin/busybox, perhaps other programs in /peers and,
# where instructions can be stepped, /instructions.
# shellcheck shell=dash disable=SC2016 # some of these scripts are for other shells

checks=0
check() {
    name=$1
    shift
    checks=$((checks + 1))
    wait_until "$@"
    echo "ok: $name"
}
# Tries "$@" for 20 s, because an emulated machine is slow. If it does not succeed, ends the machine.
wait_until() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || fail
        usleep 50000
    done
}
fail() {
    grep -E '^(Name|State|Sig)' "/proc/$pid/status"
    cat /out /err
    echo "FAILED: $name"
    reboot -f
}

# Starts "$@" as PID 1 of a PID namespace. $pid is its PID outside, and the process $holder waits for it.
start() {
    unshare -p -f "$@" >/out 2>/err &
    holder=$!
    until pid=$(cat "/proc/$holder/task/$holder/children") && [ -n "$pid" ]; do usleep 1000; done
    pid=${pid% }
}
# --: the nsenter of bullseye would interpret -c itself.
inside() { nsenter -t "$pid" -p -- sh -c "$1"; }

in_state() { grep -q "^State:.$1" "/proc/$pid/status"; }
is_pause() { [ "$(readlink "/proc/$pid/exe")" = /pause ]; }
# SIGINT and SIGTERM are handled; SIGCHLD is handled or ignored.
sleeps_with_handlers() { is_pause && in_state S && grep -Eq '^SigCgt:.*[04]002$' "/proc/$pid/status"; }

children() { cat "/proc/$pid/task/$pid/children"; }
has_children() { [ "$(children | wc -w)" -eq "$1" ]; }
has_zombies() {
    zombies=0
    for child in $(children); do ! grep -q '^State:.Z' "/proc/$child/status" || zombies=$((zombies + 1)); done
    [ $zombies -eq "$1" ]
}
# shellcheck disable=SC2046 # a list of numbers
kill_children() { kill -KILL $(children); }
orphans='for i in $(seq 50); do sleep 1000 & done'

ends_with() { # signal, name
    kill "-$1" "$pid"
    wait "$holder" && [ "$(cat /out /err)" = "Shutting down, got signal: $2" ]
}
all_signals_but_int_and_term='for n in $(seq 64); do case $n in 2 | 15) ;; *) kill -$n 1 ;; esac; done'

# BusyBox is called by its path until the shell can find the other programs, which may take /proc or a link to each.
/bin/busybox mkdir -p /dev /proc /sys
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
/bin/busybox --install -s /bin
mount -t sysfs none /sys
mount -t cgroup2 none /sys/fs/cgroup
mkfifo /gate
echo # ends the firmware's last line
echo "kernel: $(uname -r)"
echo "page size: $(awk '/KernelPageSize/ { print $2, $3; exit }' /proc/self/smaps)"

# Negative control: a program that does not reap leaves zombies, and this script sees them.
start sleep 1000
inside "$orphans"
check 'sleep as PID 1 has the orphans' has_children 50
kill_children
check 'sleep as PID 1 leaves them as zombies' has_zombies 50
kill -KILL "$pid"

/pause x -v >/out 2>/err
check 'it prints its version' grep -q '^pause [0-9]' /out

/pause >/out 2>/err &
pid=$!
holder=$pid
check 'with another PID it sleeps' sleeps_with_handlers
check 'it warns' [ "$(cat /out /err)" = 'Warning: pause should be the first process' ]
kill -TERM "$pid"
wait "$holder"
check 'exit 0' [ $? = 0 ]

start /pause
check 'as PID 1 it sleeps' sleeps_with_handlers
check 'one range of the file is mapped' [ "$(grep -c ' r-xp .* /pause$' "/proc/$pid/maps")" = 1 ]
check 'only the stack is writable' [ "$(awk '$2 ~ /w/ { print $6 }' "/proc/$pid/maps")" = '[stack]' ]
inside "$orphans"
check 'it has the orphans' has_children 50
kill_children
check 'it reaps them' has_children 0
check 'SIGTERM' ends_with TERM Terminated

start /pause
check 'another instance sleeps' sleeps_with_handlers
inside "$orphans"
check 'it has the orphans' has_children 50
kill -STOP "$pid"
check 'it is stopped' in_state T
kill_children
check 'orphans are reaped while it is stopped' has_children 0
check 'it is still stopped' in_state T
kill -CONT "$pid"
check 'it sleeps again' sleeps_with_handlers
inside "$orphans"
check 'it has more orphans' has_children 50
frozen=/sys/fs/cgroup/frozen
mkdir $frozen
echo "$pid" >$frozen/cgroup.procs
echo 1 >$frozen/cgroup.freeze
check 'it is frozen' grep -qx 'frozen 1' $frozen/cgroup.events
kill_children
check 'orphans are reaped while it is frozen' has_children 0
echo 0 >$frozen/cgroup.freeze
check 'SIGINT' ends_with INT Interrupt

# start-stop-daemon waits at the FIFO, which it opens before it executes pause. Unlike a shell, it does not reap in the
# meantime.
start sh -c "$orphans; exec start-stop-daemon -S -p /gate -x /pause"
check 'another program has children' has_children 50
kill_children
check 'it leaves them as zombies' has_zombies 50
echo >/gate
check 'it executes pause' sleeps_with_handlers
check 'pause reaps them' has_children 0
inside "$all_signals_but_int_and_term"
inside "$orphans"
check 'no other signal from inside has an effect' has_children 50
kill_children
check 'it still reaps' has_children 0
check 'SIGTERM' ends_with TERM Terminated

# /out contains the failures. The check is not repeated.
if [ -e /instructions ]; then
    /instructions --together /pause >/out 2>/err
    passed=$?
    check 'each event at each instruction' [ $passed = 0 ]
    echo "instructions: $(awk 'NR == 1 { print $1 }' /out)"
fi

# The memory of an instance of each program, in KiB: the median of five, because it varies by a page with the start of
# the stack, which the kernel chooses. Shared memory of a single instance would be counted as private.
asleep() { [ "$(readlink "/proc/$pid/exe")" = "$program" ] && in_state S; }
rollup() { awk -v kind="^$1" '$1 ~ kind { sum += $2 } END { print sum }' "/proc/$pid/smaps_rollup"; }
for program in /pause /peers/*; do
    [ -x "$program" ] || continue # there are no peers
    name="$program sleeps" pids=
    for _ in 1 2 3 4 5; do
        start "$program"
        pids="$pids $pid"
        wait_until asleep
    done
    memory=$(for pid in $pids; do
        echo "$(rollup Rss) $(awk '/^VmPTE/ { print $2 }' "/proc/$pid/status") $(rollup Private_) $(rollup Shared_)"
    done | sort -n | sed -n 3p)
    echo "memory of ${program##*/}: $memory"
    # shellcheck disable=SC2086 # a list of numbers
    kill -KILL $pids
done

# Succeeds only once each has executed sleep, because killall would miss the others.
has_orphans() { has_children 51 && [ "$(pidof sleep | wc -w)" = 50 ]; }
machine() {
    pid=1
    check 'as init of the machine it sleeps' sleeps_with_handlers
    sh -c "$orphans"
    check 'it has the orphans' has_orphans
    killall -KILL sleep
    check 'it reaps them' has_children 1
    sh -c "$all_signals_but_int_and_term"
    check 'no other signal has an effect' sleeps_with_handlers
    echo "checks: $checks"
    kill -TERM 1
}
machine &
exec /pause
