#!/bin/sh
# Installs the pause image, which is at the end of this file, in every container engine that runs on this node.
# Nothing runs before the last line, so a file that was cut off does nothing. Apache-2.0.
set -eu
export LC_ALL=C
name=@NAME@
# sudo leaves some of these out.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin:/opt/bin:/var/lib/rancher/rke2/bin

usage() {
    cat <<END
Usage: sh pause-install.sh [OPTION]...
Imports $name into each container engine that runs here, and says what is left to do.

  --as NAME        store it under this name
  --as configured  store it under the name of each engine's configured sandbox image
  --check          change nothing; say "ok" or the one thing to do
  --engine NAME    only containerd, k3s, rke2, k0s, microk8s, crio, docker or podman
  --force          also replace an image that is not a pause image

Exit status: 0 if each engine has the image (--check: is ok), otherwise 1.
END
}

main() {
    as=$name check='' only='' force=''
    while [ $# -gt 0 ]; do
        case $1 in
        --as) [ $# -gt 1 ] || die "--as needs a name"; as=$2; shift ;;
        --check) check=yes ;;
        --engine) [ $# -gt 1 ] || die "--engine needs a name"; only=$2; shift ;;
        --force) force=yes ;;
        -h | --help) usage; exit ;;
        *) die "unknown option $1; see --help" ;;
        esac
        shift
    done
    case $as in
    configured) ;;
    *@*) die "leave out the digest, which no other image can have: $as" ;;
    *) normalise "$as" || die "not the name of an image: $as" ;;
    esac
    case $only in
    '' | containerd | k3s | rke2 | k0s | microk8s | crio | docker | podman) ;;
    *) die "unknown engine $only; see --help" ;;
    esac
    [ "$(id -u)" = 0 ] || die "run this as root"
    unpack
    find_engines

    served='' failed='' skipped=''
    for engine in $engines; do
        id=${engine%:*} pid=${engine#*:}
        [ "${only:-$id}" = "$id" ] || continue
        set +e # a condition would turn off the -e inside
        (set -e; serve)
        status=$?
        set -e
        case $id:$status in
        *:0) served=yes ;;
        *:3) skipped=yes ;;
        podman:*) [ "$served" ] || failed=yes ;;
        *) failed=yes ;;
        esac
    done
    [ -z "$failed" ] || exit 1
    [ -z "$skipped" ] || [ "$served" ] || die "no engine was served; see --as and --engine"
    [ "$served" ] || die "${only:-no container engine} is ${only:+not }running here"
}

unpack() {
    [ "$(payload | base64 -d 2>/dev/null | sha256sum)" = "@SHA256@  -" ] || die "this file is damaged: get it again"
    folder=$(mktemp -d 2>&1) || die "cannot make a temporary folder; set TMPDIR to a writable one: $folder"
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir "$folder/image"
    said=$(payload | base64 -d | gzip -dc | tar -xf - -C "$folder/image" 2>&1) ||
        die "cannot unpack; set TMPDIR to a folder with room: $(echo "$said" | sed q)"
    index=$(sed 's/.*"digest":"sha256:\([0-9a-f]*\)".*/\1/' "$folder/image/index.json")
    cp "$folder/image/index.json" "$folder"
}

# Sets $engines to a list of NAME:PID, and names those that do not run.
find_engines() {
    engines=''
    for pid in $(pids containerd crio dockerd); do
        case $(cat "/proc/$pid/comm") in
        crio) id=crio ;;
        dockerd) id=docker ;;
        *)
            # A shim's messenger; Docker's own containerd
            case $(words 2>/dev/null | tr '\n' ' ') in '' | *' publish '* | *docker/containerd/containerd.toml*) continue ;; esac
            parent=$(sed -n 's/^PPid:.//p' "/proc/$pid/status") || continue
            case "$(readlink "/proc/$pid/exe") $(flag 'c|config') $(cat "/proc/$parent/comm" 2>/dev/null)" in
            *rke2*) id=rke2 ;; *k3s*) id=k3s ;; *k0s*) id=k0s ;; *microk8s*) id=microk8s ;; *) id=containerd ;;
            esac
            ;;
        esac
        engines="$engines $id:$pid"
    done
    for installed in containerd:containerd k3s:k3s rke2:rke2 k0s:k0s microk8s:microk8s crio:crio docker:dockerd; do
        id=${installed%:*} program=${installed#*:}
        case " $engines" in *" $id:"*) continue ;; esac
        [ "${only:-$id}" = "$id" ] || continue
        has "$program" || continue
        [ "$id" != k3s ] || [ -z "$(pids k3s-server k3s-agent)" ] || continue
        # k3s and RKE2 have one program with many names.
        case $id:$(readlink -f "$(command -v "$program")") in containerd:*/k3s | containerd:*/rke2/*) continue ;; esac
        echo "$(title): is not running; skipped"
    done
    # On a CRI-O node Podman is the tool that fills CRI-O's store.
    case $only:$engines in :*' crio:'*) ;; *) ! has podman || engines="$engines podman:0" ;; esac
}

# The PIDs of the programs "$@" that are root's, in our PID namespace and on our root file system: others, such as those
# of kind, k3d and docker-in-docker, are not this node's.
pids() {
    here="$(readlink /proc/self/ns/pid) $(stat -L -c %d:%i /) 0"
    for process in /proc/[0-9]*; do
        read -r comm <"$process/comm" || continue # processes come and go
        case " $* " in *" $comm "*) ;; *) continue ;; esac
        uid=$(sed -n 's/^Uid:.\([0-9]*\).*/\1/p' "$process/status") || continue
        [ "$(readlink "$process/ns/pid") $(stat -L -c %d:%i "$process/root/") $uid" != "$here" ] ||
            echo "${process#/proc/}"
    done 2>/dev/null | sort -n
}

# Serves the engine $id, process $pid. Status: 0 if it has the image, 3 if it is skipped, otherwise 1.
serve() {
    title=$(title) configured='' crictl='' cri='' pin='' restart='' dump=''
    case $id in
    crio | docker | podman) "of_$id" ;;
    *) of_containerd ;;
    esac
    literal=$as
    [ "$as" != configured ] || literal=$configured
    case $literal in
    '') skip "no sandbox image is configured" ;;
    *@*) fail "the configured name has a digest, which no other image can have; configure a tag alone: $literal" ;;
    esac
    normalise "$literal" || fail "not the name of an image: $literal"
    # containerd 1.6, without a transfer service, has an older rule.
    case $dump in '' | *transfer.v1*) ;; *)
        case $domain in
        [!\[]*[.:]*) ;;
        \[* | *[A-Z]*) fail "containerd 1.6 refuses this name, configure another: $literal" ;;
        esac
    esac
    # CRI looks up the normalised name; containerd 2.3.0 and 2.3.1 the literal one.
    ref=$normal records=$normal
    [ "$tool" != ctr ] || [ "$literal" = "$ref" ] || records="$ref $literal"
    advice=$(advice)
    if normalise "$configured" && [ "$normal" = "$ref" ]; then advice=''; fi
    arch=$(architecture "$binary")
    config=$(cd "$folder/image/blobs/sha256" && grep -l "^{\"architecture\":\"$arch\"" ./*) ||
        fail "this installer has no pause for its architecture, $arch"
    config=${config#./}
    facts="configured: ${configured:-none}; "
    [ "$check" ] || import
    verdict
    echo "$title: $facts; $verdict"
    [ "$verdict" = ok ] || [ -z "$check" ]
}

import() {
    before=nothing
    for record in $records; do
        old=$(find_image "$record")
        if [ -z "$old" ]; then continue; fi
        if ours "$old"; then [ "$before" != nothing ] || before="the same"; continue; fi
        is_pause "$record" "$old" || [ "$force" ] ||
            fail "$record is not a pause image (entrypoint /pause); --force replaces it"
        kept=localhost/pause-before:$(echo "$old" | cut -c 1-12)
        on tag_image "$record" "$kept" || fail "cannot keep $record as $kept: $said"
        before="another, kept as $kept"
    done
    on pack || fail "cannot make the archive; set TMPDIR to a folder with room: $said"
    load
}

verdict() {
    for record in $records; do
        found=$(find_image "$record")
        ours "$found" || break
    done
    if ! ours "$found"; then
        [ "$check" ] || fail "$record was imported, but is not there"
        facts="$facts$record is not there" verdict="run this without --check"
        [ "$found" ] || return 0
        facts="${facts% not there} another image" verdict="run this without --check to replace it"
        is_pause "$record" "$found" ||
            facts="$facts, not a pause image" verdict="choose another name, or --force"
    elif ! resolves; then
        [ "$check" ] || fail "$ref was imported, but $checked does not find it"
        facts="$facts$ref is there, but $checked does not find it" verdict="restart $title"
    else
        if [ "$check" ]; then facts="$facts$ref is pause @VERSION@"; else facts="$ref is installed (before: $before)"; fi
        facts="$facts${pin:+, $pin}, checked by $checked"
        verdict=${advice:-${restart:-ok}}
        [ "$pin" != 'not pinned' ] || verdict="run this without --check to pin it"
    fi
}

ours() { [ "$1" = "$index" ] || [ "$1" = "$config" ]; }

# Whether the engine finds our image. Sets $checked to what was asked.
resolves() {
    checked=$tool
    if [ "$tool" = ctr ]; then
        case $(client images ls "name==\"$ref\"") in *pinned=pinned*) pin=pinned ;; *) pin='not pinned' ;; esac
    fi
    [ "$cri" ] && [ "$crictl" ] || return 0
    for wait in 1 1 1 0; do # CRI hears of an import a moment later
        on "$crictl" -r "unix://$cri" -i "unix://$cri" inspecti -o json "${records#* }" || case $said in
        *'not found'* | *'no such image'*) ;;
        *) return 0 ;; # it does not speak this engine's CRI
        esac
        checked=crictl
        case $said in *'"pinned": true'*) pin=pinned restart='' ;; *'"pinned": false'*) pin=${pin:+pinned by its labels} ;; esac
        case $said in *"$config"* | *"$index"*) return 0 ;; esac
        sleep $wait
    done
    return 1
}

advice() {
    case $id in
    containerd) echo "set $key to $ref and restart it" ;;
    k3s | rke2) echo "set pause-image: $ref in /etc/rancher/$id/config.yaml and restart it" ;;
    k0s) echo "set spec.images.pause in k0s.yaml to $ref and restart it" ;;
    microk8s) echo "set sandbox_image in args/containerd-template.toml to $ref and restart it" ;;
    crio) echo "set pause_image and pinned_images to $ref in [crio.image] and restart it" ;;
    docker) [ -z "$configured" ] || echo "set --pod-infra-container-image=$ref and restart cri-dockerd or k3s" ;;
    podman) echo "set infra_image = \"$ref\" and infra_command = \"/pause\" in containers.conf" ;;
    esac
}

# These set $configured, $tool, $binary, and how to reach the engine.
of_containerd() {
    tool=ctr binary=/proc/$pid/exe
    on as_started config dump || fail "cannot print its configuration: $said"
    dump=$said
    cri=$(flag 'a|address' | sed '$!d')
    [ "$cri" ] || cri=$(echo "$dump" | sed -n "/grpc['\"]*\]/,/^ *\[/s/^ *address = [\"']\(.*\)[\"']/\1/p")
    : "${cri:=/run/containerd/containerd.sock}"
    case $id:$cri in containerd:/run/containerd/containerd.sock) ;; containerd:*) title="$title at $cri" ;; esac
    case $(echo "$dump" | sed -n '/^disabled_plugins/p') in
    *cri\"* | *cri\'*) skip "its CRI plugin is disabled" ;;
    esac
    case $dump in *sandbox_image*) key=sandbox_image ;; *) key=pinned_images.sandbox ;; esac # containerd 1 and 2
    configured=$(echo "$dump" | sed -n "s/^ *sandbox\(_image\)\{0,1\} *= *[\"']\(.*\)[\"'].*/\2/p" | sed q)
    ctr=$(beside ctr) crictl=$(beside crictl)
    case $ctr:$id in
    "$(folder)"/*) ;;
    *:k[03]s | *:microk8s) ctr="$id ctr" ;; # the ctr in PATH is another's
    :*) fail "ctr is not installed" ;;
    esac
    on client image ls -q || fail "does not answer at $cri: $said"
}

of_crio() {
    binary=/proc/$pid/exe
    on as_started config || fail "cannot print its configuration: $said"
    settings=$said
    configured=$(setting pause_image) cri=$(setting listen) crictl=$(beside crictl)
    driver=$(setting storage_driver) root=$(setting root) runroot=$(setting runroot)
    store=containers-storage:[${driver:+$driver@}$root+$runroot]
    case $(setting pause_command) in '' | /pause) ;; *) restart='set pause_command = "/pause" and restart it' ;; esac
    for tool in podman skopeo none; do ! has $tool || break; done
    [ "$tool" != none ] || fail "neither podman nor skopeo is installed, to give it an image"
}

# A setting of CRI-O, which prints defaults as comments.
setting() {
    for comment in '' '# *'; do
        echo "$settings" | sed -n "s/^ *$comment$1 = \"\(.*\)\"/\1/p"
    done | sed q
}

of_docker() {
    tool=docker binary=/proc/$pid/exe
    socket=$({
        flag 'H|host'
        sed -n 's|.*"\(unix:///[^"]*\)".*|\1|p' /etc/docker/daemon.json 2>/dev/null || :
        echo unix:///var/run/docker.sock
    } | sed -n '/^unix:/{p;q;}')
    has docker || fail "the client docker is not installed"
    on client image ls -q || fail "does not answer: $said"
    # cri-dockerd, or k3s with --docker, makes its pods.
    for pid in $(pids cri-dockerd); do
        configured=$(flag pod-infra-container-image | sed '$!d') crictl=$(beside crictl) cri=/run/cri-dockerd.sock
        [ "$configured" ] || configured=$("$(program)" --help 2>&1 | default_of pod-infra-container-image)
    done
    case $engines in *k3s:*) return 0 ;; esac
    for pid in $(pids k3s-server k3s-agent); do
        # It hides its flags from /proc.
        configured=$({
            k3s "$(sed 's/k3s-//' "/proc/$pid/comm")" --help 2>/dev/null | default_of pause-image
            cat /etc/rancher/k3s/config.yaml /etc/rancher/k3s/config.yaml.d/*.yaml 2>/dev/null |
                sed -n "s/^pause-image: *[\"']\{0,1\}\([^\"' ]*\).*/\1/p"
            cat /etc/systemd/system/k3s*.service 2>/dev/null | tr '\\\n\t' '   ' |
                sed -nE "s/.*--pause-image[= '\"]*([^'\" ]*).*/\1/p"
        } | sed '$!d')
    done
}

# The default of flag $1, in a program's help.
default_of() { sed -n "s/.*--$1 .*(default:\{0,1\} \"\(.*\)\").*/\1/p"; }

of_podman() {
    tool=podman binary=$(command -v podman)
    configured=$(of_conf infra_image)
    case $(of_conf infra_command) in '' | /pause) ;; *) restart='set infra_command = "/pause"' ;; esac
}

# The last value of a key in root's containers.conf.
of_conf() {
    for d in /usr/share/containers /etc/containers; do
        cat $d/containers.conf $d/containers.conf.d/*.conf $d/containers.rootful.conf.d/*.conf 2>/dev/null || :
    done | sed -n "s/^ *$1 *= *[\"']\([^\"']*\).*/\1/p" | sed '$!d'
}

# shellcheck disable=SC2086 # $ctr can be two words: k3s ctr
client() {
    case $tool:$id in
    ctr:*) $ctr -a "$cri" -n k8s.io "$@" ;;
    docker:*) docker -H "$socket" "$@" ;;
    podman:crio) podman ${root:+--root "$root"} ${runroot:+--runroot "$runroot"} ${driver:+--storage-driver "$driver"} "$@" ;;
    *) "$tool" "$@" ;;
    esac
}

# The digest of image $1: of its index in containerd, of its configuration elsewhere.
find_image() {
    case $tool in
    ctr) client images ls "name==\"$1\"" 2>/dev/null | sed -n '2s/^[^ ]* *[^ ]* *sha256:\([0-9a-f]*\).*/\1/p' ;;
    skopeo) skopeo inspect --raw "$store$1" 2>/dev/null | config_in ;;
    *) client image inspect -f '{{.Id}}' "$1" 2>/dev/null | sed 's/^sha256://' ;;
    esac
}

# Whether the entrypoint of image $1, of digest $2, is /pause.
is_pause() {
    case $tool in
    ctr) has_entrypoint "$2" ;;
    skopeo) skopeo inspect --config "$store$1" 2>/dev/null | tr -d ' \n\t' | grep -q '"Entrypoint":\["/pause"\]' ;;
    *) [ "$(client image inspect -f '{{json .Config.Entrypoint}}' "$1" 2>/dev/null)" = '["/pause"]' ] ;;
    esac
}

# The same of a blob: an index, a manifest or a configuration.
has_entrypoint() {
    blob=$(client content get "sha256:$1" 2>/dev/null | tr -d ' \n\t')
    case $blob in
    *'"Entrypoint":["/pause"]'*) return 0 ;;
    *'"manifests":['*) next=$(echo "$blob" | grep -o '"digest":"sha256:[0-9a-f]*"' | sed 's/.*:\(.*\)"/\1/') ;;
    *'"layers":['*) next=$(echo "$blob" | config_in) ;;
    *) return 1 ;;
    esac
    for next in $next; do if has_entrypoint "$next"; then return 0; fi; done
    return 1
}

# The digest of a manifest's configuration.
config_in() { tr -d ' \n\t' | sed -n 's/.*"config":{[^}]*"digest":"sha256:\([0-9a-f]*\)".*/\1/p'; }

tag_image() {
    case $tool in
    ctr) client images tag --force "$1" "$2" && pin_image "$2" ;;
    skopeo) skopeo copy "$store$1" "$store$2" ;;
    *) client tag "$1" "$2" ;;
    esac
}

pin_image() { client images label "$1" io.cri-containerd.image=managed io.cri-containerd.pinned=pinned; }

load() {
    case $tool in
    ctr)
        # containerd 2 takes the pin with the image; before, CRI may not see it until a restart.
        labels='--label io.cri-containerd.image=managed --label io.cri-containerd.pinned=pinned'
        on client images import --help || :
        case $said in *--label*) ;; *) labels='' restart='restart it, so that it sees the pin' ;; esac
        # shellcheck disable=SC2086 # words
        on client images import --no-unpack $labels "$folder/tar" || fail "cannot import the image: $said"
        [ "$labels" ] || on pin_image "$ref" || fail "cannot pin the image: $said"
        [ "$records" = "$ref" ] || on tag_image "$ref" "$literal" || fail "cannot store it as $literal too: $said"
        ;;
    skopeo) on skopeo copy "docker-archive:$folder/tar" "$store$ref" || fail "cannot copy the image: $said" ;;
    *) on client load -i "$folder/tar" || fail "cannot load the image: $said" ;;
    esac
}

# Makes the archive as $ref. Its manifest.json, for docker, is of $arch.
pack() (
    cd "$folder/image" &&
        layer=$(sed -n "s|.*$config.*\"layers\":\[{\"digest\":\"sha256:\([0-9a-f]*\).*|\1|p" blobs/sha256/*) &&
        sed "s|$name|$ref|" ../index.json >index.json &&
        b=blobs/sha256 &&
        echo "[{\"Config\":\"$b/$config\",\"Layers\":[\"$b/$layer\"],\"RepoTags\":[\"$ref\"]}]" >manifest.json &&
        tar -cf ../tar ./*
)

# Sets $normal to what $1 stands for by the rule of github.com/distribution/reference; false if it is no name.
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

# That of program $1, as images name it. A 64-bit kernel can have an engine of 32 bits.
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

# The command line of process $pid from its own name on, a word a line.
words() { tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n "\|^\(.*/\)*$(cat "/proc/$pid/comm")\$|,\$p"; }

# The values of its flags $1 (a|b), a line each.
flag() { words | sed -nE -e "/^--?($1)\$/{n;p;}" -e "s/^--?($1)=//p"; }

program() {
    comm=$(cat "/proc/$pid/comm")
    for program in "$(words | sed q)" "$(folder)/$comm" "$comm"; do
        case $program in /*) [ ! -x "$program" ] || break ;; esac
    done
    echo "$program"
}

folder() { readlink "/proc/$pid/exe" | sed 's|/[^/]*$||'; }

beside() {
    if [ -x "$(folder)/$1" ]; then echo "$(folder)/$1"; else command -v "$1" || :; fi
}

# Runs its program as it was started, for a verb.
as_started() (
    verb=$* program=$(program)
    set -f
    IFS='
'
    # shellcheck disable=SC2046
    set -- $(words | sed 1d)
    unset IFS
    # shellcheck disable=SC2086
    "$program" "$@" $verb
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

# Sets $said to all that "$@" says.
on() { said=$("$@" 2>&1 </dev/null); }
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
