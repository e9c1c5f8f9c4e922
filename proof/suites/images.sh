#!/bin/sh
# Makes the images that the suites pull, from this machine's programs and those that proof/packages/engines.sh builds,
# in target/suites/registry, which serve.sh serves. Also makes images of pauses, there and as archives
# target/suites/pauses/NAME.tar. The same programs give the same bytes. Runs after proof/e2e/shared/applications.sh, in
# the namespaces of isolated.sh.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/fetch.sh
. proof/packages/fetch.sh
out=$PWD/target/suites
made=$(cat "$0" proof/e2e/shared/applications.sh dist/pause.tar target/upstream/pause "$(command -v busybox)" \
    "$(command -v nginx)" target/engines/e2e-node-1.37/agnhost 2>/dev/null | sha256sum)
[ "$(cat "$out/made" 2>/dev/null)" != "$made" ] || exit 0
work=$(mktemp -d -p /run)
rm -rf "$out"
mkdir -p "$out/pauses" "$kept/suites"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

# Makes a docker archive of the files in $root, with this configuration.
archive() { # FILE NAME CONFIG
    rm -rf "$work/image"
    mkdir "$work/image"
    tar --sort=name --mtime=@0 --numeric-owner -C "$root" -cf "$work/image/layer.tar" .
    layer=$(sha256sum "$work/image/layer.tar")
    echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":$3,\"rootfs\":{\"type\":\"layers\",
        \"diff_ids\":[\"sha256:${layer%% *}\"]}}" >"$work/image/config.json"
    echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"$2\"],\"Layers\":[\"layer.tar\"]}]" >"$work/image/manifest.json"
    tar --sort=name --mtime=@0 --numeric-owner -C "$work/image" -cf "$1" .
}

# Pushes an archive to the registry, under these names, which do not include a registry.
push() { # ARCHIVE NAME...
    archive=$1
    shift
    for name; do
        skopeo copy --quiet --dest-tls-verify=false "docker-archive:$archive" "docker://127.0.0.1/$name"
        echo "$name $(sha256sum <"$archive")" >>"$out/images"
    done
}

# Pushes an image of the files in $root.
image() { # CONFIG NAME...
    archive "$work/image.tar" "$2" "$1"
    shift
    push "$work/image.tar" "$@"
}

# Makes $root an empty directory, or unpacks an archive there.
unpacked() { # [ARCHIVE]
    root=$work/root
    rm -rf "$root"
    mkdir "$root"
    [ $# = 0 ] || tar -C "$root" -xf "$1"
}

# Compiles $work/program.
compiled() { # STATEMENTS
    printf '#include <%s.h>\n' signal stdio unistd >"$work/program.c"
    printf "int main(void) { %s }\n" "$1" >>"$work/program.c"
    gcc -Os -static -s -o "$work/program" "$work/program.c"
}

# Adds programs of this machine to $root, with their libraries.
add() { # PROGRAM...
    for program; do
        program=$(command -v "$program")
        rm -f "$root$program" # a link to busybox
        for file in "$program" $(ldd "$program" | grep -o '/[^ ]*'); do
            cp --dereference --parents "$file" "$root"
        done
    done
}

proof/suites/serve.sh "$out/registry" &
served=$!
trap 'kill $served; rm -rf "$work"' EXIT
tries=100
until curl --insecure --silent --output /dev/null https://127.0.0.1/v2/; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "$0: docker-registry does not answer" >&2 && exit 1; }
    sleep 0.1
done

# The images of critest.
cri_tools=k8s-staging-cri-tools
unpacked /run/busybox.tar
add ipcs pgrep # which Debian's busybox lacks
image '{"Cmd":["sh"]}' e2e-test-images/busybox:1.29-2
for user in uid=1002 username=www-data uid-group=1003:1004 username-group=www-data:1004; do
    image "{\"Cmd\":[\"sh\"],\"User\":\"${user#*=}\"}" "$cri_tools/test-image-user-${user%%=*}:latest"
done
for test in 1:latest 2:latest 3:latest latest:latest tag:test tag:all tags:1; do
    echo "$test" >"$root/test"
    case $test in
        tags:1) image '{"Cmd":["sh"]}' "$cri_tools/test-image-tags:1" "$cri_tools/test-image-tags:2" \
            "$cri_tools/test-image-tags:3" ;;
        *) image '{"Cmd":["sh"]}' "$cri_tools/test-image-$test" ;;
    esac
done
rm "$root/test"
echo 'default-user:x:1000:1000::/home/default-user:/bin/sh' >>"$root/etc/passwd"
printf 'default-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n' >>"$root/etc/group"
image '{"Cmd":["sh"],"User":"1000"}' "$cri_tools/test-image-predefined-group:latest"
unpacked /run/nginx.tar
ln -s /run "$root/var/run"
echo 'error_log /var/log/nginx/error.log notice;' >>"$root/etc/nginx/nginx.conf" # a test waits for a notice
nginx='{"Cmd":["nginx","-g","daemon off;"]}'
image "$nginx" containerd/nginx:1.27.0 e2e-test-images/nginx:1.14-2 e2e-test-images/nginx:1.27.0-2
image '{"Cmd":["sh","-c","echo httpd; exec nginx -g \"daemon off;\""]}' e2e-test-images/httpd:2.4.39-4
sed -i 's/listen 80/listen 12003/' "$root/etc/nginx/nginx.conf"
image "$nginx" "$cri_tools/hostnet-nginx-amd64:latest"

unpacked /run/busybox.tar
compiled 'printf("Effective uid: %d\n", geteuid());'
install -m 6755 -D "$work/program" "$root/usr/local/bin/nnp"
image '{"Cmd":["nnp"],"Env":["PATH=/usr/local/bin:/bin"]}' e2e-test-images/nonewprivs:1.3 \
    e2e-test-images/nonewprivs:1.4

# The images of containerd's integration tests, which look for users and groups of busybox's image, and for a line of
# Alpine's.
unpacked /run/busybox.tar
echo 'daemon:x:1:1::/:/bin/sh' >>"$root/etc/passwd"
printf 'daemon:x:1:\nwheel:x:10:root\n' >>"$root/etc/group"
mkdir "$root/root"
image '{"Cmd":["sh"]}' containerd/busybox:1.36
printf '#!/bin/sh\n{ head -c 110m /dev/zero; sleep 30; } | tail -c 105m\n' >"$root/bin/stress"
chmod 755 "$root/bin/stress"
image '{"Cmd":["sleep","1d"]}' e2e-test-images/resource-consumer:1.10
echo 'NAME="Alpine Linux"' >"$root/etc/os-release"
image '{"Cmd":["sh"]}' containerd/alpine:3.14.0
mkdir -p "$root/C:/weird_test_dir" "$root/:colon_prefixed" "$root/test_dir"
echo test_content >"$root/C:/weird_test_dir/weird_test_file"
echo test_content >"$root/:colon_prefixed/colon_prefixed_file"
echo test_content >"$root/test_dir/test_file"
image '{"Volumes":{"/test_dir":{},"C:/weird_test_dir":{},"/:colon_prefixed":{}}}' containerd/volume-copy-up:2.2
rm "$root/test_dir/test_file"
chown 65534:65534 "$root/test_dir"
# A test stalls this layer after 3 MB, so it is larger even when compressed.
openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2>/dev/null | head -c 4M >"$root/random"
image '{"Volumes":{"/test_dir":{}}}' containerd/volume-ownership:2.1

# Adds what Debian's busybox lacks: nmeter, from which tests read the first line of -d0 %3t, and a shell that keeps
# variables whose names contain a dash, and can run an nc that is not busybox's.
add_bash() {
    add bash date
    ln -sf "$(command -v bash)" "$root/bin/sh"
    [ -e "$root/bin/bash" ] || ln -s sh "$root/bin/bash"
    printf '#!/bin/sh\nexec %s -u +%%T.%%3N\n' "$(command -v date)" >"$root/bin/nmeter"
    chmod 755 "$root/bin/nmeter"
}

# The images of Kubernetes' node conformance tests, which do not query DNS in glibc-dns-testing.
unpacked /run/busybox.tar
image '{"Cmd":["sh"],"User":"1234"}' e2e-test-images/nonroot:1.5
add hostname ipcmk ipcs perl pgrep
add_bash
image '{"Cmd":["sh"]}' e2e-test-images/busybox:1.37.0-2 e2e-test-images/glibc-dns-testing:2.1.1 \
    e2e-test-images/ipc-utils:1.4 e2e-test-images/perl:5.26
if [ -d target/engines/e2e-node-1.37 ]; then
    [ -f "$kept/suites/localhost.key" ] || openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -subj /CN=localhost -days 3650 -keyout "$kept/suites/localhost.key" -out "$kept/suites/localhost.crt"
    unpacked /run/busybox.tar
    add curl nc
    add_bash
    mkdir "$root/uploads"
    cp "$kept/suites/localhost.crt" "$kept/suites/localhost.key" "$root"
    cp target/engines/e2e-node-1.37/agnhost "$root"
    ln -s agnhost "$root/agnhost-2"
    echo user-defined-in-image:x:1000:1000::/:/bin/sh >>"$root/etc/passwd"
    printf 'user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n' >>"$root/etc/group"
    image '{"Entrypoint":["/agnhost"],"Cmd":["pause"]}' e2e-test-images/agnhost:2.66.1
    touch "$root/older" # so that its digest differs
    image '{"Entrypoint":["/agnhost"],"Cmd":["pause"]}' e2e-test-images/agnhost:2.55
fi

# Makes an image like upstream's.
pause() { # NAME PROGRAM MODE
    unpacked
    install -m "$3" "$2" "$root/pause"
    archive "$out/pauses/$1.tar" "localhost/pause:$version" '{"User":"65535:65535","Entrypoint":["/pause"]}'
    push "$out/pauses/$1.tar" "pause:$1"
}

broken() { # NAME STATEMENTS
    compiled "$2"
    pause "$1" "$work/program" 0755
}

cp dist/pause.tar "$out/pauses/ours.tar"
push dist/pause.tar pause:ours
pause upstream target/upstream/pause 0755
push "$out/pauses/upstream.tar" pause:3.10.2
image '{"Entrypoint":["/pause"]}' pause:3.9 # a test removes it, and with it each name of the same image
pause mode-0700 dist/pause-amd64 0700
broken ends-at-once 'return 0;'
broken does-not-reap 'signal(SIGTERM, _exit); for (;;) pause();'
broken ignores-term 'signal(SIGTERM, SIG_IGN); signal(SIGCHLD, SIG_IGN); for (;;) pause();'
echo "$made" >"$out/made"
