#!/bin/sh
{
# Installs the pause image, which is at the end of this file, in every container engine that runs here. Apache-2.0.
# The brace in line 2 is closed by the last byte, so nothing runs of a file that was cut off.

# What the caller exported may be that of the user who became root: functions, which bash runs in place of programs (in
# POSIX mode not in place of unset), and variables, which make clients execute and load what they name.
POSIXLY_CORRECT=yes
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
unset -f env sed
for name in $(env | sed -n 's/^BASH_FUNC_\([^%()]*\).*/\1/p'); do unset -f "$name"; done
for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in PATH | TMPDIR) continue ;; esac
    (unset "$name") 2>/dev/null || continue # a shell cannot unset some of its own
    unset "$name"
done
tmpdir=${TMPDIR:-}
unset TMPDIR # until only root can replace files there: bash keeps here-documents in it
export PATH LC_ALL=C HOME=/root
umask 22
name=@NAME@ me=/etc/pause-install.sh service=pause-install.service id='' unseen='restart it, so that it sees the pin'
all='containerd k3s rke2 k0s microk8s crio docker podman'
# Where else the clients of engines are. Root's tools are not looked for there: others may write to some of them.
folders=/usr/local/sbin:/usr/local/bin:/snap/bin:/opt/bin:/var/lib/rancher/rke2/bin
# The digest of this file without this line, and those of the programs of earlier releases.
sum=@SUM@
older='@OLDER@'

usage() {
    cat <<END
Usage: sh pause-install.sh [OPTION]...
Imports $name into each container engine that runs here.

  --as NAME        store it under this name
  --as configured  store it under the name of each engine's configured sandbox image
  --check          change nothing; say "ok" or the one thing to do, and count the pauses that run
  --at-boot        do the same whenever containerd, CRI-O or Docker starts, by $me and $service
  --wait SECONDS   wait for an engine that starts; with --engine also for one that is not installed
  --remove         remove the image and the unit; put back the images that were there before
  --engine NAME    only one of $all
  --force          also replace what is not a pause image; also remove a configured one

Exit status: 0 if each engine is well, else 1.
END
}

main() {
    unit=/etc/systemd/system/$service as='' check='' boot='' wait='' remove='' only='' force=''
    while [ $# -gt 0 ]; do
        case $1 in
        --as | --engine | --wait)
            [ "${2:-}" ] || die "$1 needs a value; see --help"
            case $1 in --as) as=$2 ;; --engine) only=$2 ;; *) wait=$2 ;; esac
            shift
            ;;
        --check) check=yes ;;
        --at-boot) boot=yes ;;
        --remove) remove=yes ;;
        --force) force=yes ;;
        -h | --help) usage; exit ;;
        *) die "unknown option $1; see --help" ;;
        esac
        shift
    done
    case ${remove:+r}${check:+c}${as:+a}${boot:+b}${wait:+b} in r?* | c*b*) die "conflicting options; see --help" ;; esac
    case ${as:=$name} in
    configured) ;;
    *@*) die "leave out the digest, which no other image can have: $as" ;;
    *) normalise "$as" || die "not the name of an image: $as" ;;
    esac
    case $wait in *[!0-9]* | 0?* | ??????*) die "not a number of seconds: $wait" ;; esac
    case " $all  " in *" $only "*) ;; *) die "unknown engine $only; see --help" ;; esac
    [ "$(id -u)" = 0 ] || die "run this as root"
    for place in $(printf '%s\n' "$PATH" | tr : ' '); do
        is_roots "$place" || [ $? = 2 ] || die "root cannot trust $place: $why"
    done
    read -r ours _ our_capabilities _ <<END
$(identity $$)
END
    if [ "$boot" ]; then
        has systemctl || die "--at-boot needs systemd"
        is_me "$0" || die "--at-boot needs this script in a file"
    fi
    unpack
    [ -z "$wait" ] || end=$(($(now) + wait))
    # Does not wait for Podman, which is no daemon, and waits for an engine that is not installed only if it is named.
    while
        find_engines
        case $engines in *\ ${only:-[!p]}*) false ;; *) [ "$only$stopped" ] && in_time ;; esac
    do sleep 1; done
    printf %s "$doubts"
    for id in $stopped; do echo "$(title): is not running; skipped"; done

    # In a chroot, as when a machine image is built, no engine runs, and Podman may not work.
    offline=''
    [ -z "$boot" ] || [ "$(systemctl is-system-running 2>/dev/null)" != offline ] || offline=yes engines=${engines% podman:0}

    # Beside the rest: anybody's program can lie in a file system that never answers, and nothing ends such a reading.
    [ -z "$check" ] || count_pauses </dev/null >/dev/null 2>&1 &

    served='' failed='' skipped='' by_unit=''
    for engine in $engines; do
        id=${engine%:*} pid=${engine#*:}
        [ "${only:-$id}" = "$id" ] || continue
        set +e # a condition would turn off the -e inside
        (set -e; serve)
        status=$?
        set -e
        case $id$remove:$status in
        k[03]s:0 | rke2:0 | podman:0 | *yes:0) served=yes ;;
        *:0) served=yes by_unit=yes ;;
        *:3) skipped=yes ;;
        podman:*) [ "$served" ] || failed=yes ;;
        *) failed=yes ;;
        esac
    done
    if [ "$check" ]; then
        for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "$folder/count" ] || sleep 1; done
        cat "$folder/count" 2>/dev/null || echo "pauses that run: not counted within 10 s"
    fi
    [ -z "$failed" ] || exit 1
    if [ "$remove" ] && [ -e $unit ]; then remove_from_boot; fi
    if [ "$boot" ] && [ "$by_unit$offline" ]; then add_to_boot; fi
    [ -z "$skipped" ] || [ "$served" ] || die "no engine was served"
    [ "$served" ] || die "${only:-no container engine} is ${only:+not }running here"
}

# Writes $folder/count, how many pauses run, by the digests of their programs, which it reads and does not execute.
count_pauses() {
    new=0 old=0 other=0 known=" $(tr '\n' ' ' <"$folder/ours")/ $older "
    for process in /proc/[0-9]*; do
        { read -r comm <"$process/comm" && [ "$comm" = pause ]; } 2>/dev/null || continue
        # Ours are smaller than a page, and what anybody else executes may have no end.
        head -c 4097 "$process/exe" >"$folder/program" || continue
        digest=$(digest <"$folder/program")
        case $known in
        *" $digest "*/*) new=$((new + 1)) ;;
        *" $digest "*) old=$((old + 1)) ;;
        *) other=$((other + 1)) ;;
        esac
    done
    echo "pauses that run: $new of this release, $old of earlier ones, $other others" >"$folder/part"
    mv "$folder/part" "$folder/count"
}

# Makes systemd run this file after each start of an engine, at boot and later. No unit requires this one, so its
# failure keeps nothing from starting; the kubelet waits until it has ended.
add_to_boot() {
    if ! on write_unit || ! on systemctl enable $service; then
        rm -f $me.new $unit.new
        die "cannot enable $service: $said"
    fi
    echo "at boot: $service is enabled; ok"
    served=yes
}

# Succeeds if the file $1 is this script. In a pipe, $0 is the name of the shell, and anybody's file can have that.
is_me() {
    [ -f "$1" ] && grep -qx "sum=$sum" -- "$1" &&
        [ "$(sed "s/^sum=$sum\$/sum=/" -- "$1" | grep '' | digest)" = "$sum" ]
}

write_unit() {
    cp -- "$0" $me.new && { is_me $me.new || ! echo "$0 has changed"; } &&
        mv $me.new $me && cat >$unit.new <<END && mv $unit.new $unit
[Unit]
Description=Import the pause image
After=containerd.service crio.service docker.service cri-docker.service snap.microk8s.daemon-containerd.service
Before=kubelet.service

[Service]
Type=oneshot
Environment=TMPDIR=/run
ExecStart=/bin/sh $me --wait 20 --as $as${only:+ --engine $only}
TimeoutSec=30

[Install]
WantedBy=containerd.service crio.service docker.service snap.microk8s.daemon-containerd.service
END
}

remove_from_boot() {
    if ! on systemctl disable $service || ! on rm $unit $me; then die "cannot remove $service: $said"; fi
    echo "at boot: $service is removed; ok"
    served=yes
}

unpack() {
    payload | base64 -d 2>/dev/null | gzip -t 2>/dev/null || die "this file is damaged: get it again"
    case $tmpdir in '' | /*) ;; *) die "TMPDIR is not an absolute path: $tmpdir" ;; esac
    folder=$(TMPDIR=$tmpdir mktemp -d 2>&1) || die "set TMPDIR to a writable folder: $folder"
    is_roots "$folder" || { rmdir "$folder"; die "set TMPDIR to a folder in which only root can replace files: $why"; }
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 1' HUP INT TERM
    export TMPDIR="$folder"
    on decode || die "cannot unpack; set TMPDIR to a folder with room: $(echo "$said" | sed q)"
    index=$(sed -n '$s|.*/\(.*\)/|\1|p' "$folder/rules")
}

# Makes the OCI image layout. Where a blob has digests, its part has the numbers of earlier parts instead: @03.gz@ for
# the digest of a layer, @03@ for that of its uncompressed contents, or of another part.
decode() {
    cd "$folder" && payload | base64 -d | gzip -dc | tar -xf - && mkdir -p blobs/sha256 || return
    for part in parts/*; do
        number=${part#*/}
        case $part in
        *.gz)
            echo "s/@${number%.gz}@/$(gzip -dc "$part" | digest)/" >>rules
            [ -z "$check" ] || gzip -dc "$part" | tar -xOf - pause | digest >>ours # for count_pauses
            ;;
        *) sed -f rules "$part" >blob && mv blob "$part" ;;
        esac &&
            digest=$(digest <"$part") && echo "s/@$number@/$digest/" >>rules && mv "$part" "blobs/sha256/$digest" || return
    done
}

digest() { sha256sum | cut -c -64; }

# Sets $engines to a list of NAME:PID, and $stopped to the names of those that are installed and do not run.
find_engines() {
    find_processes
    engines='' stopped=''
    for process in $processes; do
        pid=${process#*:}
        case $process in
        crio:*) id=crio ;;
        dockerd:*) id=docker ;;
        containerd:*)
            if ! believe containerd "$pid" || ! read_words; then continue; fi
            # Skips the event publisher of a shim, and Docker's own containerd.
            case " $(printf %s "$words" | tr '\n' ' ')" in
            *' publish '* | *docker/containerd/containerd.toml*) continue ;;
            esac
            parent=$(sed -n 's/^PPid:.//p' "/proc/$pid/status") || continue
            case "$program $(flag 'c|config') $(believe '' "$parent" && echo "$program")" in
            *rke2*) id=rke2 ;; *k3s*) id=k3s ;; *k0s*) id=k0s ;; *microk8s*) id=microk8s ;; *) id=containerd ;;
            esac
            ;;
        *) continue ;;
        esac
        engines="$engines $id:$pid"
    done
    for id in ${all% *}; do
        program=$id
        [ "$id" != docker ] || program=dockerd
        case "${only:-$id} $engines" in *" $id:"*) continue ;; "$id "*) ;; *) continue ;; esac
        found=$(find_program "$program") || continue
        # k3s with --docker has no containerd.
        case $id${engines:+:}$processes in k3s:*k3s-*) continue ;; esac
        # k3s and RKE2 link many names, containerd among them, to one program.
        case $id:$(readlink -f "$found") in containerd:*/k3s | containerd:*/rke2/*) continue ;; esac
        stopped="$stopped $id"
    done
    # On a CRI-O node, Podman fills CRI-O's storage, and so is served only with --engine.
    case $only:$engines in :*' crio:'*) ;; *) ! find_program podman >/dev/null || engines="$engines podman:0" ;; esac
}

# Prints the path of program $1.
find_program() (
    IFS=:
    for place in $PATH $folders; do
        [ ! -x "$place/$1" ] || { echo "$place/$1" && exit; }
    done
    exit 1
)

# Sets $processes to a list of NAME:PID: those that call themselves engines, if root can believe them. $doubts gets a
# line for each other one of root's in our namespaces. The rest, such as the engines of kind, k3d, docker-in-docker and
# rootless users, do not belong to this node.
find_processes() {
    processes='' doubts='' id=''
    for pid in $(printf '%s\n' /proc/[0-9]* | sed 's/.*\///' | sort -n); do
        { read -r comm <"/proc/$pid/comm"; } 2>/dev/null || continue # processes come and go
        case $comm in containerd | cri-dockerd | crio | dockerd | k3s-agent | k3s-server) ;; *) continue ;; esac
        is_by_root "$pid" || continue # starts no program, because anybody can start thousands of processes
        if believe "$comm" "$pid"; then
            processes="$processes $comm:$pid"
        elif [ "$why" ] && [ "$(identity "$pid")" = "$seen" ]; then
            doubts="${doubts}PID $pid calls itself $comm, and root cannot trust it: $why; skipped
"
        fi
    done
}

# Succeeds if the real user of process $1 is root.
is_by_root() {
    while read -r key user _; do
        [ "$key" != Uid: ] || { [ "$user" = 0 ]; return; }
    done <"/proc/$1/status"
    return 1
} 2>/dev/null

# Succeeds if root can believe process $2, which calls itself $1, because of what it may do and what its program is: its
# name and its arguments are its own words, and are data before this. Sets $program to the program, by which it can
# be executed again, and $stale if the file is no longer that of the process. Otherwise sets $why; to nothing if the
# process is another user's, is in other namespaces, or has ended.
believe() {
    why='' stale=''
    seen=$(identity "$2")
    read -r whose ids capabilities _ exe <<END
$seen
END
    [ "$exe" ] && [ "$whose" = "$ours" ] || return
    why='not all of its user and group IDs are 0'
    [ "$ids" = 0,0,0,0,0,0,0 ] || return
    why='it lacks capabilities that this script has'
    includes "$capabilities" "$our_capabilities" || return
    # Not before this: the root folder of anybody else's process can be in a file system that never answers.
    why=''
    same_file "/proc/$2/root/" /proc/self/root/ || return
    program=${exe% (deleted)}
    if [ "$program" != "$exe" ]; then
        stale=yes
        is_roots "${program%/*}" || return
        why='its program, which was replaced, has a set-user-ID or set-group-ID bit'
        [ ! -u "/proc/$2/exe" ] && [ ! -g "/proc/$2/exe" ]
        return
    fi
    is_roots "$program" || return
    why="its program is $program"
    beside=${program%/*}/$1
    if same_file "$beside" "$program"; then
        program=$beside
        is_roots "$program" || return
    else
        case ${program##*/} in "$1"*) ;; *) return 1 ;; esac
    fi
    why="$program is not the program that it runs"
    same_file "$program" "/proc/$2/exe" || return
    why="$program has a set-user-ID or set-group-ID bit"
    [ ! -u "$program" ] && [ ! -g "$program" ]
}

# Prints, in one line, to whom process $1 belongs (namespaces, user), its other user and group IDs and its capabilities
# (all of one moment), its start time and its program.
identity() {
    ids=$(sed -n -e 's/^Uid:.//p' -e 's/^Gid:.//p' -e 's/^CapEff:.//p' "/proc/$1/status" | tr '\t\n' ,,) ids=${ids%,}
    whose=$(readlink "/proc/$1/ns/user"),$(readlink "/proc/$1/ns/pid"),${ids%%,*} ids=${ids#*,}
    printf '%s\n' "$whose ${ids%,*} ${ids##*,}\
 $(sed -n '$s/.*) //p' "/proc/$1/stat" | cut -d ' ' -f 20) $(readlink "/proc/$1/exe")"
} 2>/dev/null

# Succeeds if capabilities $1 include all of $2, each of 16 hexadecimal digits; 4 at a time: a shell may calculate
# with 32 bits.
includes() {
    [ -z "$2" ] || { [ $((0x${2%"${2#????}"} & ~0x${1%"${1#????}"})) = 0 ] && includes "${1#????}" "${2#????}"; }
}

same_file() {
    one=$(stat -L -c %d:%i "$1") && other=$(stat -L -c %d:%i "$2") && [ "$one" = "$other" ]
} 2>/dev/null

# Succeeds if only root can change what the absolute path $1 leads to: the file, each folder above it, and each link on
# the way. A sticky folder on the way is fine, because what is root's in it stays root's. Otherwise sets $why, and
# returns 2 if the path leads nowhere, which only root can change.
is_roots() {
    at='' left=$1/ links=0 shared=''
    while
        # Each return has its status: in the condition of a loop, dash makes a plain one 0.
        case $at$left in *[!A-Za-z0-9@%_+=:,./~-]*) why='a path has unusual characters' && return 1 ;; esac
        read -r mode _ owner group _ <<END
$(ls -ldn "${at:-/}" 2>/dev/null)
END
        why="${at:-/} does not exist"
        [ "$mode" ] || return "${shared:-2}"
        shared=''
        why="${at:-/} belongs to user $owner"
        [ "$owner" = 0 ] || return 1
        case $mode${left:+ above} in
        l*)
            why="$1 has too many links" links=$((links + 1))
            [ $links -le 40 ] || return 1
            link=$(readlink "$at") && left=$link/$left
            case $link in /*) at='' ;; *) at=${at%/*} ;; esac
            ;;
        d????????[tT]*' above') shared=1 ;;
        ????????w*) why="everybody may write to ${at:-/}" && return 1 ;;
        ?????w????+*) why="others may write to ${at:-/}, as its ACL says" && return 1 ;;
        ?????w*) why="group $group may write to ${at:-/}" && is_group_of_root "$group" || return 1 ;;
        esac
        [ "$left" ]
    do
        next=${left%%/*} left=${left#*/}
        case $next in '' | .) ;; ..) at=${at%/*} ;; *) at=$at/$next ;; esac
    done
}

# Succeeds if what group $1 may write only root can: for group 0, and for the group that administers MicroK8s. The ls of
# busybox does not show whether an ACL says that more than the group may write.
is_group_of_root() {
    case $(ls --help 2>&1) in *BusyBox*) return 1 ;; esac
    [ "$1" = 0 ] || { [ "$id" = microk8s ] && grep -q "^microk8s:[^:]*:$1:" /etc/group; }
}

# Sets $words to the arguments of process $pid, one per line, and $cwd to its working folder, if it is still the one
# that was believed.
read_words() {
    { words=$(tr '\0' '\n' <"/proc/$pid/cmdline" | sed 1d) && cwd=$(readlink "/proc/$pid/cwd"); } 2>/dev/null &&
        [ "$(identity "$pid")" = "$seen" ]
}

# Serves the engine $id, process $pid. Status: 0 if it has the image (--remove: no longer), 3 if it is skipped, otherwise 1.
serve() {
    title=$(title) configured='' crictl='' cri='' pin='' restart='' dump='' copy='' program='' working=/
    if [ "$pid" != 0 ]; then
        comm=$(cat "/proc/$pid/comm" 2>/dev/null) || :
        if ! believe "$comm" "$pid" || ! read_words; then fail "its process has changed or ended: run this again"; fi
        [ -z "$stale" ] || fail "its program $program was replaced after it started; restart it"
        binary=$program
    fi
    case $id in
    crio | docker | podman) "of_$id" ;;
    *) of_containerd ;;
    esac
    arch=$(architecture "$binary")
    config=$(cd "$folder/blobs/sha256" && grep -l "^{\"architecture\":\"$arch\"" ./*) ||
        fail "this installer has no pause for its architecture, $arch"
    config=${config#./}
    [ -z "$remove" ] || { take_back; return; }
    literal=$as
    [ "$as" != configured ] || literal=$configured
    case $literal in
    '') skip "no sandbox image is configured" ;;
    *@*) fail "the configured name has a digest, which no other image can have; configure a tag alone: $literal" ;;
    esac
    normalise "$literal" || fail "not the name of an image: $literal"
    # containerd without a transfer service (1.6) has an older rule for names.
    case $dump in '' | *transfer.v1*) ;; *)
        case $domain in
        [!\[]*[.:]*) ;;
        \[* | *[A-Z]*) fail "containerd 1.6 refuses this name, configure another: $literal" ;;
        esac
    esac
    # CRI looks up the normalised name, but in containerd 2.3.0 and 2.3.1 the literal one.
    ref=$normal records=$normal
    [ "$tool" != ctr ] || [ "$literal" = "$ref" ] || records="$ref $literal"
    advice=$(advice)
    if normalise "$configured" && [ "$normal" = "$ref" ]; then advice=''; fi
    facts="configured: ${configured:-none}; "
    [ "$check" ] || import
    verdict
    echo "$title: $facts; $verdict"
    [ "$verdict" = ok ] || [ -z "$check" ]
}

import() {
    before=nothing same="the same"
    for record in $records; do
        old=$(find_image "$record")
        if ours "$old"; then continue; fi
        same=''
        if [ -z "$old" ]; then continue; fi
        is_pause "$record" "$old" || [ "$force" ] ||
            fail "$record is not a pause image (entrypoint /pause); --force replaces it"
        keep_as "$record"
        # A kept image is the one that was there before another version of ours.
        case $about$(find_image "$kept") in *'image.title":"pause"'*[0-9a-f]) before="another version"; continue ;; esac
        try "keep $record as $kept" tag_image "$record" "$kept"
        before="another, kept as $kept"
    done
    # Importing it again would remove the pin until the next restart.
    before=${same:-$before}
    if [ "$same" ] && is_pinned && in_copy; then return; fi
    try "unpack; set TMPDIR to a folder with room" pack
    load
    [ -z "$copy" ] || on put_copy || { rm -f "$part"; fail "cannot write $copy: $said"; }
}

# Sets $kept to the name under which the image $1 is kept while ours has its name.
keep_as() { kept=localhost/pause-before:$(echo "$1" | tr -c 'A-Za-z0-9.\n-' _ | cut -c 1-127); }

in_copy() { [ -z "$copy" ] || grep -qs "\"$ref\".*$index" "$copy"; }

# Creates $copy atomically, because the engine may watch the folder.
put_copy() {
    part=${copy%/*/*}/pause.tar
    mkdir -p "${copy%/*}" && cp "$folder/tar" "$part" && mv "$part" "$copy"
}

take_back() {
    names=$(our_names)
    if normalise "$configured" && echo "$names" | grep -Fqx "$normal"; then
        keep_as "$normal"
        [ "$(find_image "$kept")$force" ] ||
            fail "$normal is the configured sandbox image and nothing replaces it; --force removes it"
    fi
    back=''
    for record in $names; do
        keep_as "$record"
        if [ "$(find_image "$kept")" ]; then
            try "put back $record" tag_image "$kept" "$record"
            back="$back $record" record=$kept
        fi
        try "remove $record" remove_image "$record"
    done
    case $tool in docker | podman) on client rmi "$config" || : ;; esac # where nothing uses it
    [ -z "$(our_names)" ] || fail "has the image still as $(our_names)"
    try "remove $copy" rm -f "$copy"
    names=$(echo "$names" | sed '/^sha256:/d') # CRI's own
    # shellcheck disable=SC2086 # on one line
    echo "$title: removed:" ${names:-nothing}"${back:+; put back:$back}; ok"
}

# Prints all names of our image.
our_names() {
    case $tool in
    ctr) client images ls | sed -n "s/^\([^ ]*\) .* sha256:$index .*/\1/p" ;;
    skopeo)
        normalise "$configured" || normal=''
        for record in "$name" $normal; do ! ours "$(find_image "$record")" || echo "$record"; done
        ;;
    *)
        for digest in $index $config; do
            client image inspect -f '{{range .RepoTags}}{{println .}}{{end}}' "$digest" 2>/dev/null || :
        done | sort -u | while read -r record; do ! normalise "$record" || echo "$normal"; done
        ;;
    esac
}

remove_image() {
    case $tool in
    ctr) client images rm "$1" ;;
    skopeo) ! ours "$(find_image "$1")" || client delete "$store$1" ;; # it takes all names of the image away
    *) client rmi "$1" ;;
    esac
}

verdict() {
    for record in $records; do
        found=$(find_image "$record")
        ours "$found" || break
    done
    verdict="run this without --check"
    if ! ours "$found"; then
        [ "$check" ] || fail "$record was imported, but is not there"
        facts="$facts$record is not there"
        [ "$found" ] || return 0
        facts="${facts%not*}another image"
        is_pause "$record" "$found" || facts="$facts, not a pause image" verdict="choose another name, or --force"
    elif ! resolves; then
        [ "$check" ] || fail "$ref was imported, but $checked does not find it"
        facts="$facts$ref is there, but $checked does not find it" verdict="restart $title"
    else
        if [ "$check" ]; then facts="$facts$ref is pause @VERSION@"; else facts="$ref is installed (before: $before)"; fi
        facts="$facts${pin:+, $pin}, checked by $checked"
        if [ "$pin" != 'not pinned' ] && in_copy; then verdict=${advice:-${restart:-ok}}; else copy=''; fi
        facts="$facts${copy:+, kept in $copy}"
    fi
}

ours() { [ "$1" = "$index" ] || [ "$1" = "$config" ]; }

# Succeeds if the engine finds our image. Sets $checked to the client that was asked.
resolves() {
    checked=$tool
    if [ "$tool" = ctr ]; then
        pin=pinned
        is_pinned || pin='not pinned'
        # containerd before 1.6.22 and 1.7.3 ignores the label.
        grep -q cri-containerd.pinned "$binary" || pin='too old to pin' restart=''
    fi
    [ "$cri" ] && [ "$crictl" ] || return 0
    for seconds in 1 1 1 0; do # CRI hears of an import a moment later
        on "$crictl" -r "unix://$cri" -i "unix://$cri" inspecti -o json "${records#* }" || case $said in
        *'not found'* | *'no such image'*) ;;
        *) return 0 ;; # it does not speak this engine's CRI
        esac
        checked=crictl
        case $said in *'"pinned": true'*) pin=pinned restart='' ;; *'"pinned": false'*) [ "$pin" != pinned ] || restart=$unseen ;; esac
        case $said in *"$config"* | *"$index"*) return 0 ;; esac
        sleep $seconds
    done
    return 1
}

advice() {
    case $id in
    k3s | rke2) key="pause-image in /etc/rancher/$id/config.yaml" ;;
    k0s) key="spec.images.pause in k0s.yaml" ;;
    microk8s) key="sandbox_image in args/containerd-template.toml" ;;
    crio) key="pause_image and pinned_images in [crio.image]" ;;
    docker) [ "$configured" ] || return 0; key="--pod-infra-container-image (k3s: --pause-image)" ;;
    podman) echo "set infra_image = \"$ref\" and infra_command = \"/pause\" in containers.conf"; return ;;
    esac
    echo "set $key to $ref and restart it"
}

# The functions of_ENGINE set $configured, $tool, $binary, and how to reach the engine.
of_containerd() {
    tool=ctr
    reads "$(flag 'c|config' | sed '$!d')" /etc/containerd/config.toml
    # containerd 1.6 prints no configuration if it has no file.
    verb=dump
    on as_started config dump || case $said in *'no such file'*) verb=default ;; esac
    try "print its configuration" as_started config $verb
    dump=$said
    cri=$(flag 'a|address' | sed '$!d')
    [ "$cri" ] || cri=$(echo "$dump" | sed -n "/grpc['\"]*\]/,/^ *\[/s/^ *address = [\"']\(.*\)[\"']/\1/p")
    : "${cri:=/run/containerd/containerd.sock}"
    case $id in
    k3s | rke2) copy=${file%/etc/containerd/*}/images/zz-pause.tar ;;
    k0s) copy=$(flag root) copy=${copy%/containerd}/images/zz-pause.tar ;;
    esac
    for place in ${copy:+"${copy%/*/*}" "${copy%/*}"}; do needs_roots "$place"; done
    case $id:$cri in containerd:/run/containerd/containerd.sock) ;; containerd:*) title="$title at $cri" ;; esac
    case $(echo "$dump" | sed -n '/^disabled_plugins/p') in
    *cri\"* | *cri\'*) skip "its CRI plugin is disabled" ;;
    esac
    case $dump in *sandbox_image*) key=sandbox_image ;; *) key=pinned_images.sandbox ;; esac # containerd 1 and 2
    configured=$(echo "$dump" | sed -n "s/^ *sandbox\(_image\)\{0,1\} *= *[\"']\(.*\)[\"'].*/\2/p" | sed q)
    find_client crictl
    crictl=$cli cli=ctr
    case $id in k[03]s | microk8s) [ -x "${program%/*}/ctr" ] || cli=$id ;; esac # another ctr is another's
    find_client "$cli"
    [ "$cli" ] || fail "ctr is not installed"
    case ${cli##*/} in ctr) ;; *) cli="$cli ctr" ;; esac
    answers
}

# Waits until the engine answers.
answers() {
    address=${cri:-${socket#unix://}}
    is_roots "${address%/*}" || fail "root cannot trust the folder of its socket: $why"
    until on client image ls -q; do
        in_time || fail "does not answer at ${cri:-$socket}: $said"
        sleep 1
    done
}

in_time() { [ "$wait" ] && [ "$(now)" -lt "$end" ]; }

# Prints a clock in seconds. Not the time of day, which may be set while a machine boots.
now() { cut -d . -f 1 /proc/uptime; }

of_crio() {
    reads "$(flag 'c|config' | sed '$!d')" /etc/crio/crio.conf
    reads "$(flag 'd|config-dir' | sed '$!d')" /etc/crio/crio.conf.d
    for drop_in in "$file"/*; do [ ! -e "$drop_in" ] || reads "$drop_in" ''; done
    try "print its configuration" as_started config
    settings=$said
    configured=$(setting pause_image) cri=$(setting listen)
    find_client crictl
    crictl=$cli
    driver=$(setting storage_driver) root=$(setting root) runroot=$(setting runroot)
    for place in ${cri:+"${cri%/*}"} ${root:+"$root"} ${runroot:+"$runroot"}; do needs_roots "$place"; done
    store=containers-storage:[${driver:+$driver@}$root+$runroot]
    case $(setting pause_command) in '' | /pause) ;; *) restart='set pause_command = "/pause" and restart it' ;; esac
    tool=podman
    find_client podman
    [ "$cli" ] || { tool=skopeo && find_client skopeo; }
    [ "$cli" ] || fail "neither podman nor skopeo is installed"
}

# Prints a setting of CRI-O, which prints defaults as comments.
setting() {
    for comment in '' '# *'; do
        echo "$settings" | sed -n "s/^ *$comment$1 = \"\(.*\)\"/\1/p"
    done | sed q
}

of_docker() {
    tool=docker
    socket=$({
        flag 'H|host'
        sed -n 's|.*"\(unix:///[^"]*\)".*|\1|p' /etc/docker/daemon.json 2>/dev/null || :
        echo unix:///var/run/docker.sock
    } | sed -n '/^unix:/{p;q;}')
    find_client docker
    [ "$cli" ] || fail "the client docker is not installed"
    docker=$cli
    answers
    # cri-dockerd, or k3s with --docker, creates pods in Docker and chooses the image.
    for process in $processes; do
        comm=${process%:*} pid=${process#*:}
        case $comm in cri-dockerd | k3s-*) ;; *) continue ;; esac
        if ! believe "$comm" "$pid" || ! read_words; then continue; fi
        [ -z "$stale" ] || fail "the program $program of $comm was replaced after it started; restart $comm"
        if [ "$comm" = cri-dockerd ]; then
            find_client crictl
            configured=$(flag pod-infra-container-image | sed '$!d') crictl=$cli cri=/run/cri-dockerd.sock
            [ "$configured" ] || configured=$("$program" --help 2>&1 | default_of pod-infra-container-image)
            continue
        fi
        case $engines in *k3s:*) continue ;; esac
        find_client k3s
        # k3s hides its flags from /proc.
        configured=$({
            [ -z "$cli" ] || "$cli" "${comm#k3s-}" --help 2>/dev/null | default_of pause-image
            cat /etc/rancher/k3s/config.yaml /etc/rancher/k3s/config.yaml.d/*.yaml 2>/dev/null |
                sed -n "s/^pause-image: *[\"']\{0,1\}\([^\"' ]*\).*/\1/p"
            cat /etc/systemd/system/k3s*.service 2>/dev/null | tr '\\\n\t' '   ' |
                sed -nE "s/.*--pause-image[= '\"]*([^'\" ]*).*/\1/p"
        } | sed '$!d')
    done
    cli=$docker
}

# Prints the default of flag $1 in a program's help.
default_of() { sed -n "s/.*--$1 .*(default:\{0,1\} \"\(.*\)\").*/\1/p"; }

of_podman() {
    tool=podman
    find_client podman
    binary=$cli configured=$(of_conf infra_image)
    case $(of_conf infra_command) in '' | /pause) ;; *) restart='set infra_command = "/pause"' ;; esac
}

# Prints the last value of a key in root's containers.conf.
of_conf() {
    for d in /usr/share/containers /etc/containers; do
        cat $d/containers.conf $d/containers.conf.d/*.conf $d/containers.rootful.conf.d/*.conf 2>/dev/null || :
    done | sed -n "s/^ *$1 *= *[\"']\([^\"']*\).*/\1/p" | sed '$!d'
}

# shellcheck disable=SC2086 # $cli can be two words: k3s ctr
client() {
    case $tool:$id in
    ctr:*) $cli -a "$cri" -n k8s.io "$@" ;;
    docker:*) "$cli" -H "$socket" "$@" ;;
    podman:crio)
        "$cli" ${root:+--root "$root"} ${runroot:+--runroot "$runroot"} ${driver:+--storage-driver "$driver"} "$@"
        ;;
    *) "$cli" "$@" ;;
    esac
}

# Prints the digest of image $1: in containerd that of its index, elsewhere that of its configuration.
find_image() {
    case $tool in
    ctr) client images ls "name==\"$1\"" 2>/dev/null | sed -n '2s/^[^ ]* *[^ ]* *sha256:\([0-9a-f]*\).*/\1/p' ;;
    skopeo) client inspect --raw "$store$1" 2>/dev/null | config_in ;;
    *) client image inspect -f '{{.Id}}' "$1" 2>/dev/null | sed 's/^sha256://' ;;
    esac
}

# Succeeds if the entrypoint of image $1, of digest $2, is /pause. Sets $about to its configuration.
is_pause() {
    case $tool in
    ctr) about=$(configuration "$2") ;;
    skopeo) about=$(client inspect --config "$store$1" 2>/dev/null) ;;
    *) about=$(client image inspect -f '{{json .Config}}' "$1" 2>/dev/null) ;;
    esac
    about=$(echo "$about" | tr -d ' \n\t')
    case $about in *'"Entrypoint":["/pause"]'*) ;; *) return 1 ;; esac
}

# Prints the configurations in a blob, which is an index, a manifest or a configuration.
configuration() {
    blob=$(client content get "sha256:$1" 2>/dev/null | tr -d ' \n\t')
    case $blob in
    *'"manifests":['*) next=$(echo "$blob" | grep -o '"digest":"sha256:[0-9a-f]*"' | sed 's/.*:\(.*\)"/\1/') ;;
    *'"layers":['*) next=$(echo "$blob" | config_in) ;;
    *) next=''; echo "$blob" ;;
    esac
    for next in $next; do configuration "$next"; done
}

# Prints the digest of a manifest's configuration.
config_in() { tr -d ' \n\t' | sed -n 's/.*"config":{[^}]*"digest":"sha256:\([0-9a-f]*\)".*/\1/p'; }

tag_image() {
    case $tool in
    ctr) client images tag --force "$1" "$2" && pin_image "$2" ;;
    skopeo) client copy "$store$1" "$store$2" ;;
    *) client tag "$1" "$2" ;;
    esac
}

is_pinned() { client images ls "name==\"$ref\"" 2>/dev/null | grep -q pinned=pinned; }

pin_image() { client images label "$1" io.cri-containerd.image=managed io.cri-containerd.pinned=pinned; }

load() {
    case $tool in
    ctr)
        # containerd 2 takes the pin with the image; in older ones, CRI may not see the pin until a restart.
        labels='--label io.cri-containerd.image=managed --label io.cri-containerd.pinned=pinned'
        on client images import --help || :
        case $said in *--label*) ;; *) labels='' restart=$unseen ;; esac
        # shellcheck disable=SC2086 # words
        try "import the image" client images import --no-unpack $labels "$folder/tar"
        [ "$labels" ] || try "pin the image" pin_image "$ref"
        [ "$records" = "$ref" ] || try "store it as $literal too" tag_image "$ref" "$literal"
        ;;
    skopeo) try "copy the image" client copy "docker-archive:$folder/tar" "$store$ref" ;;
    *) try "load the image" client load -i "$folder/tar" ;;
    esac
}

# Makes the archive with the name $ref. Its manifest.json, for docker, describes the image for $arch.
pack() (
    cd "$folder" &&
        layer=$(sed -n "s|.*$config.*\"layers\":\[{\"digest\":\"sha256:\([0-9a-f]*\).*|\1|p" blobs/sha256/*) &&
        sed -f rules -e "s|$name|$ref|" names.json >index.json &&
        b=blobs/sha256 &&
        echo "[{\"Config\":\"$b/$config\",\"Layers\":[\"$b/$layer\"],\"RepoTags\":[\"$ref\"]}]" >manifest.json &&
        tar -cf tar blobs index.json manifest.json oci-layout
)

# Sets $normal to the full form of the name $1, by the rules of github.com/distribution/reference; fails if there is
# none.
normalise() {
    case $1 in *[!][A-Za-z0-9._:/-]*) return 1 ;; esac
    domain=${1%%/*} rest=${1#*/}
    case $1 in */*) ;; *) domain='' ;; esac
    case $domain in
    *[.:A-Z]* | localhost) ;;
    *) domain=docker.io rest=$1 ;;
    esac
    [ "$domain" != index.docker.io ] || domain=docker.io
    case $domain/$rest in docker.io/*/*) ;; docker.io/*) rest=library/$rest ;; esac
    case ${rest##*/} in *:*) ;; *) rest=$rest:latest ;; esac
    normal=$domain/$rest
    label='[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?' part='[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*'
    echo "$normal" | grep -Eqx "($label(\.$label)*|\[[0-9A-Fa-f:]+\])(:[0-9]+)?(/$part)+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
}

# Prints the architecture of program $1, as images name it. A 64-bit kernel can run a 32-bit engine.
architecture() {
    case $(od -An -tx1 -N20 "$1" | tr -d ' \n') in
    7f454c46*3e00) echo amd64 ;;
    7f454c46*b700) echo arm64 ;;
    7f454c46*2800) echo arm ;;
    7f454c46*f300) echo riscv64 ;;
    7f454c46*1500) echo ppc64le ;;
    7f454c46*0016) echo s390x ;;
    7f454c46*0201) echo loong64 ;;
    7f454c46*0300) echo i386 ;;
    7f454c46*) uname -m ;;
    *) architecture /proc/self/exe ;; # a script
    esac
}

# Prints the values of the flags $1 (a|b) in $words, one per line.
flag() { printf '%s\n' "$words" | sed -nE -e "/^--?($1)\$/{n;p;}" -e "s/^--?($1)=//p"; }

# Sets $file to the path of a configuration that the engine reads: $1, or $2 if that is empty. Only root may be able to
# change it, or to create it if it does not exist.
reads() {
    file=${1:-$2}
    case $file in /*) ;; *) file=$cwd/$file working=$cwd ;; esac
    needs_roots "$file" 'its configuration '
}

# Fails unless only root can change what path $1 leads to, or create it. $2 says what that is.
needs_roots() { is_roots "$1" || [ $? = 2 ] || fail "root cannot trust ${2-}$1: $why"; }

# Sets $cli to the path of client $1, which is beside the engine's program (not so the commands of vendors) or where
# programs are; to nothing if there is none.
find_client() {
    case $1 in k[03]s | microk8s) cli='' ;; *) cli=${program:+${program%/*}/$1} ;; esac
    [ -x "$cli" ] || cli=$(find_program "$1") || return 0
    is_roots "$cli" && return
    [ "$1" = crictl ] || fail "root cannot trust $cli: $why"
    echo "$title: root cannot trust $cli: $why; not used" >&2
    cli=''
}

# Runs the engine's program with the flags that it was started with, and the subcommand "$@".
as_started() (
    verb=$*
    set -f
    IFS='
'
    # shellcheck disable=SC2086
    set -- $words
    unset IFS
    # shellcheck disable=SC2086
    cd "$working" && "$program" "$@" $verb
)

title() {
    case $id in
    rke2) echo RKE2 ;;
    microk8s) echo MicroK8s ;;
    crio) echo CRI-O ;;
    docker) echo Docker ;;
    podman) echo Podman ;;
    *) echo "$id" ;;
    esac
}

# Runs "$@" and sets $said to its output.
on() { said=$("$@" 2>&1 </dev/null); }
# The same, with the command after $1; if it fails, so does this, with a message that $1 could not be done.
try() { cannot=$1; shift; on "$@" || fail "cannot $cannot: $said"; }
has() { command -v "$1" >/dev/null; }
skip() {
    [ -z "$only" ] || fail "$1"
    echo "$title: $1; skipped"
    exit 3
}
fail() { echo "$title: $1" >&2; exit 1; }
die() { echo "pause-install: $*" >&2; exit 1; }

payload() {
    cat <<'END'
@PAYLOAD@
END
}

main "$@"
}
