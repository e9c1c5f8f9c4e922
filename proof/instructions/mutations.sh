#!/bin/sh
# Tests the test: breaks pause with each of mutations/*.patch, one at a time, and fails unless the test finds that.
# Prints what the test found. The first line of a patch says what it breaks; the second is a regular expression for what
# the test must print after `FAILED: `.
set -u
cd "$(dirname "$0")/../.." || exit
work=$PWD/target/mutations
tree=$work/tree
rm -rf "$tree" && mkdir -p "$tree" && git ls-files -z | xargs -0 cp --parents -t "$tree" || exit

# `git apply` must treat the tree as a separate directory, not as part of this repository.
apply() { (cd "$tree" && GIT_CEILING_DIRECTORIES=$work git apply "$@" "$patch" 2>/dev/null); }

# Prints, for each row of the test's table, the event, how many trials failed, and where the first one failed.
summary() {
    awk '
        /^    FAILED: and [0-9]+ more/ { count[row] += $3; next }
        /^    FAILED: / && !count[row]++ { rows[++n] = row; sub(/.* at /, ""); sub(/ \(.*|:.*/, ""); at[row] = $0 }
        /^[^ ].* s  / { row = $0; sub(/  .*/, "", row) }
        END {
            for (i = 1; i <= n; i++)
                printf "%s%s: %d, from %s", (i > 1 ? "; " : ""), rows[i], count[rows[i]], at[rows[i]]
        }
    ' "$1"
}

status=0
for patch in "$PWD"/proof/instructions/mutations/*.patch; do
    name=$(basename "$patch" .patch)
    log=$work/$name.log
    if ! apply; then
        echo "FAILED: $name.patch no longer applies to src/" && status=1
        continue
    fi
    if ! pause=$(cd "$tree" && CARGO_TARGET_DIR=$work/xtask cargo xtask build 2>"$log"); then
        echo "FAILED: $name.patch does not build: $log" && exit 1
    fi
    cargo test --quiet --package instructions -- --together "$pause" >"$log" 2>&1
    ends=$?
    if [ $ends = 0 ] && grep '^SKIPPED: ' "$log"; then exit 0; fi
    failed=$(sed -n 's/^\([0-9]*\) trials, \([0-9]*\) failed.*/\2 of \1/p' "$log")
    echo "$(sed -n 1p "$patch"): $failed trials failed: $(summary "$log")"
    if [ $ends = 0 ] || ! grep -q "^ *FAILED: $(sed -n 2p "$patch")" "$log"; then
        echo "FAILED: with $name.patch, the test does not print what it must: $log" && status=1
    fi
    apply -R || exit
done
exit $status
