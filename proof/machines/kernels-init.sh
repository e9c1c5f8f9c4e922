#!/bin/busybox sh
# Init of the machine that boot.sh starts: tests /pause as PID 1 of PID namespaces, then becomes it.
# Nothing but this file, /pause, Debian's /bin/busybox, perhaps other programs in /peers and, where the processor can step,
# /instructions is here.
# shellcheck shell=dash disable=SC2016 # some of these scripts are for other shells

checks=0
check() {
    name=$1
    shift
    checks=$((checks + 1))
    wait_until "$@"
    echo "ok: $name"
}
# Tries "$@" for 20 s, because an emulated machine is slow; without success it ends the machine.
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

# Starts "$@" as PID 1 of a PID namespace; its number here is $pid, and $holder waits for it.
start() {
    unshare -p -f "$@" >/out 2>/err &
    holder=$!
    until pid=$(cat "/proc/$holder/task/$holder/children") && [ -n "$pid" ]; do usleep 1000; done
    pid=${pid% }
}
# --: the nsenter of bullseye would take -c for its own.
inside() { nsenter -t "$pid" -p -- sh -c "$1"; }

in_state() { grep -q "^State:.$1" "/proc/$pid/status"; }
is_pause() { [ "$(readlink "/proc/$pid/exe")" = /pause ]; }
# SIGINT and SIGTERM are caught, SIGCHLD is caught or ignored.
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

# By its path until a shell has what it may need to find the other programs: /proc, or a link to each in PATH.
/bin/busybox mkdir -p /dev /proc
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
/bin/busybox --install -s /bin
mkfifo /gate
echo # ends what the firmware wrote
echo "kernel: $(uname -r)"
echo "page size: $(awk '/KernelPageSize/ { print $2, $3; exit }' /proc/self/smaps)"

# Negative control: what does not reap leaves zombies, and we see them.
start sleep 1000
inside "$orphans"
check 'sleep as PID 1 has the orphans' has_children 50
kill_children
check 'sleep as PID 1 leaves them zombies' has_zombies 50
kill -KILL "$pid"

/pause x -v >/out 2>/err
check 'it says its version' grep -q '^pause [0-9]' /out

/pause >/out 2>/err &
pid=$!
holder=$pid
check 'as another PID it sleeps' sleeps_with_handlers
check 'it warns' [ "$(cat /out /err)" = 'Warning: pause should be the first process' ]
kill -TERM "$pid"
wait "$holder"
check 'exit 0' [ $? = 0 ]

start /pause
check 'as PID 1 it sleeps' sleeps_with_handlers
check 'one range of the file' [ "$(grep -c ' r-xp .* /pause$' "/proc/$pid/maps")" = 1 ]
check 'nothing but the stack is writable' [ "$(awk '$2 ~ /w/ { print $6 }' "/proc/$pid/maps")" = '[stack]' ]
inside "$orphans"
check 'it has the orphans' has_children 50
kill_children
check 'it reaps them' has_children 0
check 'SIGTERM' ends_with TERM Terminated

start /pause
check 'another sleeps' sleeps_with_handlers
inside "$orphans"
check 'it has the orphans' has_children 50
kill -STOP "$pid"
check 'it is stopped' in_state T
kill_children
check 'orphans go while it is stopped' has_children 0
check 'it is still stopped' in_state T
kill -CONT "$pid"
check 'it sleeps again' sleeps_with_handlers
check 'SIGINT' ends_with INT Interrupt

# It opens the file before it executes pause, and does not reap, which a shell does.
start sh -c "$orphans; exec start-stop-daemon -S -p /gate -x /pause"
check 'something else has children' has_children 50
kill_children
check 'it leaves them zombies' has_zombies 50
echo >/gate
check 'what it executes is pause' sleeps_with_handlers
check 'which reaps them' has_children 0
inside "$all_signals_but_int_and_term"
inside "$orphans"
check 'no other signal from inside does a thing' has_children 50
kill_children
check 'and it reaps' has_children 0
check 'SIGTERM' ends_with TERM Terminated

# What goes wrong is in /out, and takes no second try.
if [ -e /instructions ]; then
    mkdir -p /sys
    mount -t sysfs none /sys
    mount -t cgroup2 none /sys/fs/cgroup
    /instructions --together /pause >/out 2>/err
    passed=$?
    check 'each event at each instruction' [ $passed = 0 ]
    echo "instructions: $(awk 'NR == 1 { print $1 }' /out)"
fi

# What an instance of each takes, in KiB: the median of five, because it is a page more or less, by where the kernel lets the
# stack start. With one alone, what all share would be counted as private.
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

# Not before each has become sleep, or killall misses it.
has_orphans() { has_children 51 && [ "$(pidof sleep | wc -w)" = 50 ]; }
machine() {
    pid=1
    check 'as init of the machine it sleeps' sleeps_with_handlers
    sh -c "$orphans"
    check 'it has the orphans' has_orphans
    killall -KILL sleep
    check 'it reaps them' has_children 1
    sh -c "$all_signals_but_int_and_term"
    check 'no other signal does a thing' sleeps_with_handlers
    echo "checks: $checks"
    kill -TERM 1
}
machine &
exec /pause
