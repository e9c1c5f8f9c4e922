#!/bin/sh
# Sets the version of an engine, in its line of proof/packages/engines/versions, its go.mod and its go.sum:
#   proof/packages/engines/raise.sh containerd-2.4 2.4.3
# For a new line, also name the module's packages that are programs:
#   proof/packages/engines/raise.sh etcd-3.7 3.7.3 go.etcd.io/etcd/server/v3
set -eu
cd "$(dirname "$0")/../../.."
# shellcheck source=proof/packages/engines/go.sh
. proof/packages/engines/go.sh
[ $# -ge 2 ] || { echo "usage: $0 NAME VERSION [PROGRAM...]" >&2; exit 2; }
name=$1
check_name "$name"
read_line "$name"
version=$2
shift 2
# shellcheck disable=SC2046 # a list
find_go "$(needed $(cd "$engines" && dirname -- */go.mod))" || { echo "$0: Go is missing ($why)" >&2 && exit 1; }
clean_environment

tools() { sed -n '/^tool (/,/^)/s/^\t//p; s/^tool \([^(]\)/\1/p'; }

own=$PWD/$engines/$name
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
if [ $# = 0 ] && [ -f "$own/go.mod" ]; then
    # shellcheck disable=SC2046 # a list
    set -- $(tools <"$own/go.mod")
fi
[ $# -gt 0 ] || { echo "$0: $name is new: name the packages that are its programs" >&2; exit 2; }
cp "$own"/*.go "$part" 2>/dev/null || : # only critest has one
cd "$part"

upstream=$(go list -m -f '{{.GoMod}}' "$module@v$version")
# Upstream's own go.mod determines the versions of all other modules. What it says about itself and its directories is
# removed.
awk '
    BEGIN { print "module engine" }
    /^(ignore|module|retract|tool|toolchain) / { skip = 1 }
    !skip && ! / => \.\.?\// { print }
    /^\)/ || ! /\($/ && /^[a-z]/ { skip = 0 }
' "$upstream" >go.mod
if [ "$module" = k8s.io/kubernetes ]; then
    # It requires the modules in its own repository as v0.0.0.
    for staged in $(sed -n 's|^\t\(k8s.io/[^ ]*\) v0\.0\.0\( .*\)*$|\1|p' go.mod); do
        go mod edit "-replace=$staged=$staged@v0.${version#*.}"
    done
fi
go mod edit "-require=$module@v$version"
for program; do
    go mod edit "-tool=$program"
done
go mod tidy

mkdir -p "$own"
cp go.mod go.sum "$own"
sed -i "s|^\($name  *$module  *\).*|\1$version|" "$own/../versions"
