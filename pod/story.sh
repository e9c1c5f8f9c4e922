#!/bin/sh
# The demonstration of `make run`: two containers in a pod that pause holds. `server` serves on localhost; `client`
# inspects the pod from inside, proves one claim per line, and ends the pod. It runs only in the pod runner, needs only
# what every Debian includes (dash, coreutils, grep, sed, mount, perl-base), and serves with nginx or BusyBox if one of
# them is installed.
set -eu

client() {
    [ "$(tr -d '\0' </proc/1/cmdline)" = /pause ] || fail "PID 1 is not /pause"
    ok "PID 1 is /pause; it uses $(sed -n 's/^Rss: *//p' /proc/1/smaps_rollup) of memory (RSS)"

    answer=$(within_5_s get) || fail "nothing answers on localhost"
    ok "the server answers on the client's localhost: $answer"
    [ "$(uname -n)" = pod ] && [ "${answer#* on }" = pod ] || fail "the host names differ"
    ok "both containers have the host name $(uname -n)"
    server=$(within_5_s receive) || fail "no message arrived"
    ok "a System V message arrived from the server: its PID is $server"

    orphans=$(make_orphans 100)
    [ "$orphans" = 100 ] || fail "$orphans of 100 orphans became children of pause"
    within_5_s no_zombies || fail "$(zombies | wc -l) zombies are left"
    ok "100 orphans became children of pause and died; zombies left: 0"

    before=$(namespaces)
    kill -s KILL -- "-$server"
    within_5_s ended "$server" || fail "the server is still running"
    get >/dev/null 2>&1 && fail "something still answers on localhost"
    [ "$before" = "$(namespaces)" ] && [ "$(uname -n)" = pod ] && queue 0 || fail "the namespaces have changed"
    ok "the server was killed; the client, pause and the namespaces with their message queue live on"

    ok "now SIGTERM to pause: everything ends, and the pod's exit status is 0"
    kill -s TERM 1
    sleep 5
    fail "pause has not ended"
}

server() {
    perl -e "$ipc"'my $queue = msgget(KEY, 0600 | IPC_CREAT) // die $!;
        msgsnd($queue, pack("l! a*", 1, $ARGV[0]), 0) || die $!' $$
    # Only this container sees the tmpfs, which vanishes when the container ends.
    mount -t tmpfs -o mode=0755 tmpfs /tmp ||
        stop "cannot mount a tmpfs on /tmp: install mount, and create the directory /tmp"
    cd /tmp
    if command -v nginx >/dev/null; then
        cat >conf <<-END
		daemon off; master_process off; user root; pid pid; error_log stderr;
		events {}
		http {
		    access_log off;
		    client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
		    server { listen 127.0.0.1:80; return 200 "nginx on \$hostname\n"; }
		}
		END
        exec nginx -p /tmp -e stderr -c conf
    elif command -v busybox >/dev/null && busybox --list | grep -qx httpd; then
        echo "busybox on $(uname -n)" >index.html
        exec busybox httpd -f -p 127.0.0.1:80
    else
        exec perl -MIO::Socket::INET -e '
            my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1:80", Listen => 5, ReuseAddr => 1) // die $@;
            while (my $peer = $server->accept) {
                while (<$peer>) { last if /^\r$/ }
                print $peer "HTTP/1.0 200 OK\r\n\r\nperl on $ARGV[0]\n";
            }' "$(uname -n)"
    fi
}

ok() { echo "ok: $*"; }

fail() { stop "FAILED: $*"; }

# Kills everything in the pod except pause, so that the runner ends it.
stop() {
    echo "$*"
    kill -s KILL -- -1 2>/dev/null || true
    exit 1
}

# Prints the command's output as soon as it succeeds.
within_5_s() {
    deadline=$(($(date +%s) + 5))
    until "$@" 2>/dev/null; do
        [ "$(date +%s)" -le "$deadline" ] || return 1
        sleep 0.02
    done
}

get() {
    perl -MIO::Socket::INET -e '
        my $server = IO::Socket::INET->new(PeerAddr => "127.0.0.1:80") // die $@;
        print $server "GET / HTTP/1.0\r\n\r\n";
        undef $/;
        my ($head, $body) = split /\r\n\r\n/, <$server>;
        print $body'
}

# System V IPC in Perl: the calls are built in, but the constants are only in modules.
ipc='use constant { KEY => 0x706f64, IPC_CREAT => 01000, IPC_NOWAIT => 04000 };'

receive() {
    perl -e "$ipc"'my $queue = msgget(KEY, 0) // die $!;
        msgrcv($queue, my $message, 64, 0, IPC_NOWAIT) || die $!;
        print((unpack "l! a*", $message)[1])'
}

# Succeeds if the queue exists and contains $1 messages.
queue() {
    grep -Eq "^ *7368548 +[0-9]+ +[0-9]+ +[0-9]+ +$1 " /proc/sysvipc/msg
}

# Makes $1 orphans: each waits until pause is its parent, reports it and ends. Prints how many have reported.
make_orphans() {
    perl -e '
        pipe my $read, my $write;
        for (1 .. $ARGV[0]) {
            if (my $child = fork // die $!) { waitpid $child, 0; next }
            exit if fork // die $!;
            select undef, undef, undef, 0.001 while getppid != 1;
            syswrite $write, ".";
            exit;
        }
        close $write;
        print length join "", <$read>' "$1"
}

zombies() {
    for process in /proc/[0-9]*; do
        grep ') Z ' "$process/stat" 2>/dev/null || true
    done
}

no_zombies() { [ -z "$(zombies)" ]; }

ended() { ! grep -qv ') Z ' "/proc/$1/stat"; }

namespaces() { readlink /proc/1/ns/pid /proc/1/ns/net /proc/1/ns/ipc /proc/1/ns/uts; }

perl -MIO::Socket::INET -e 1 2>/dev/null ||
    stop "perl or its module IO::Socket::INET is missing: install the package perl"
"$1"
