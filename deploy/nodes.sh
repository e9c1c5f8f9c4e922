#!/bin/sh
{
# Installs the pause image on the nodes of an existing cluster, over ssh, from an operator's machine. Only what the
# installer installs stays on a node: no agent, and no DaemonSet, whose pods would need a pause image themselves.
# The brace in line 2 is closed by the last byte, so nothing runs of a file that was cut off. Apache-2.0.
set -eu
export LC_ALL=C

usage() {
    cat <<'END'
Usage: sh nodes.sh [-p N] [-i INSTALLER] NODES [-- INSTALLER-OPTION...]
Copies the installer to each node, verifies the copy's checksum, and runs it there: --check, install, --check.

  NODES         a file with one ssh destination a line; # starts a comment. One way to make it:
                kubectl get nodes -o name | sed 's|node/||' >NODES
  -p N          N nodes at a time (4)
  -i INSTALLER  the installer (dist/pause-install.sh, which "make image" makes)
  -- OPTION...  for the installer (--as configured). With --check or --remove it runs once, with these options alone.

ssh asks no questions; users, ports, keys and jump hosts are those of your ssh_config. A user other than root needs sudo
without a password. After the first failure, or Ctrl-C, no further node is started, and those that run finish.
Exit status: 0 if all nodes are ok, 1 if not, 2 if none was tried.
END
}

main() {
    parallel=4 installer=$(dirname -- "$0")/../dist/pause-install.sh
    while getopts :p:i:h option; do
        case $option in
        p) parallel=$OPTARG ;;
        i) installer=$OPTARG ;;
        h) usage; exit ;;
        :) die "-$OPTARG needs a value; see -h" ;;
        *) die "unknown option -$OPTARG; see -h" ;;
        esac
    done
    shift $((OPTIND - 1))
    case $parallel in '' | 0* | *[!0-9]*) die "-p needs a number of nodes, not $parallel" ;; esac
    [ $# -gt 0 ] || die "name a file with one ssh destination a line; see -h"
    nodes=$1
    shift
    [ $# = 0 ] || [ "$1" = -- ] || die "write -- before the options of the installer: $1"
    [ $# = 0 ] || shift
    [ $# -gt 0 ] || set -- --as configured

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    read_nodes
    remote_script "$@" >"$work/script"
    trap 'touch "$work/stop"' HUP INT TERM
    tried=0
    while [ ! -e "$work/stop" ] && read -r node; do
        serve "$node" &
        tried=$((tried + 1))
        [ $((tried % parallel)) != 0 ] || finish
    done <"$work/nodes"
    finish
    summarize
}

# Writes the nodes to $work/nodes. Names are checked because ssh_config can hand them to a shell (ProxyCommand).
read_nodes() {
    [ -f "$installer" ] || die "there is no installer $installer; run \"make image\", or name one with -i"
    ! grep -qx @PAYLOAD@ "$installer" || die "$installer is without its image; name dist/pause-install.sh with -i"
    { awk '{ gsub(/^[ \t]+|[ \t\r]*(#.*)?$/, "") } $0 != ""' <"$nodes" >"$work/nodes"; } 2>/dev/null ||
        die "cannot read $nodes"
    [ -s "$work/nodes" ] || die "$nodes names no node"
    wrong=$(grep -Ev '^[A-Za-z0-9_:][][A-Za-z0-9._@:/%+-]*$' "$work/nodes" | sed q)
    [ -z "$wrong" ] || die "not an ssh destination in $nodes: $wrong"
    twice=$(sort "$work/nodes" | uniq -d | sed q)
    [ -z "$twice" ] || die "$nodes names a node twice: $twice"
}

# Serves node $1: prints its output, and adds its name to $work/ok or $work/failed.
serve() {
    said=$(ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o LogLevel=ERROR -T -- "$1" sh \
        <"$work/script" 2>"$work/error-$tried") && status=0 || status=$?
    case $status:$said in
    0:*ok:*) result=ok ;;
    *)
        result=failed
        touch "$work/stop"
        error=$(sed -n '$p' "$work/error-$tried" | tr -d '\r')
        printf '%s\n' "$said" | grep -q '^failed: ' || said="$said
failed: ${error:-its shell ran nothing}"
        ;;
    esac
    printf '%s\n' "$said" | tr -d '\000-\010\013-\037\177' | grep -E '^(before|ok|failed): ' | sed "s|^|$1: |"
    echo "$1" >>"$work/$result"
}

# Waits for the nodes that were started, even if a signal interrupts the waiting.
finish() { until wait; do :; done; }

summarize() {
    touch "$work/ok" "$work/failed"
    failed=$(tr '\n' ' ' <"$work/failed") left=$(awk "NR > $tried" "$work/nodes" | tr '\n' ' ')
    echo "ok $(($(wc -l <"$work/ok")))${failed:+, failed ${failed% }}${left:+, not tried ${left% }}"
    [ -z "$failed$left" ]
}

# Prints the script for a node's sh, whatever the user's login shell is.
remote_script() {
    # A here-document ends with a newline, and the installer does not.
    sum=$({ cat "$installer" && echo; } | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c 1-64)
    once='' all='' checked='' last=''
    for option; do
        quoted="'$(printf '%s\n' "$option" | sed "s/'/'\\\\''/g")'"
        all="$all $quoted"
        case $last:$option in
        *:--at-boot | *:--wait | --wait:*) ;; # --check does not take them
        *) checked="$checked $quoted" ;;
        esac
        case $option in --check | --remove) once=yes ;; esac
        last=$option
    done
    echo "{ installer() { cat <<'INSTALLER_ENDS'"
    cat "$installer"
    printf '\n%s\n' INSTALLER_ENDS '}' "sum=$sum once=$once" "install() { run$all; }" "check() { run --check$checked; }"
    cat <<'END'
main() {
    export LC_ALL=C
    folder=$(mktemp -d 2>&1) || failed "cannot make a temporary folder: $folder"
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 1' HUP INT PIPE TERM
    { installer >"$folder/pause-install.sh"; } 2>/dev/null || :
    [ "$(sha256sum <"$folder/pause-install.sh")" = "$sum  -" ] ||
        failed "the copy in $folder is not what was sent; is the disk full?"
    sudo=''
    [ "$(id -u)" = 0 ] || sudo='sudo -n'
    said=$($sudo true 2>&1) || failed "cannot become root: $said"
    if [ -z "$once" ]; then
        check || :
        echo "before: $said"
    fi
    install || failed "$said"
    installed=$said expected=$to_do
    # It is not a failure that the operator still has to configure something.
    [ "$once" ] || check || [ "$to_do" = "$expected" ] || failed "$said"
    echo "ok: $installed"
}

# Sets $said to the installer's output, joined into one line, and $to_do to what is left to do for each engine.
run() {
    said=$($sudo sh "$folder/pause-install.sh" "$@" 2>&1) && status=0 || status=$?
    to_do=$(printf '%s\n' "$said" | sed -e '/^at boot: /d' -e '/^pauses that run: /d' -e 's/.*; //')
    said=$(printf '%s\n' "$said" | sed -e :a -e '$!N' -e 's/\n/ | /' -e ta)
    return "$status"
}

failed() {
    echo "failed: $*"
    exit 1
}

main </dev/null
END
    printf '}' # closes the first byte: the shell runs nothing of a script of which it did not get all
}

die() {
    echo "nodes.sh: $*" >&2
    exit 2
}

main "$@"
}