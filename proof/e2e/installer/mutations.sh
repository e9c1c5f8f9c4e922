#!/bin/sh
# Tests the tests: breaks the installer with each of mutations/*.sed, one at a time (NAME...: only with these), and
# fails unless a test finds it. The first line of a script says what it breaks; the second names the tests that must
# fail.
set -eu
cd "$(dirname "$0")/../../.."
work=$PWD/target/mutations
mkdir -p "$work"
status=0
for script in proof/e2e/installer/mutations/*.sed; do
    name=$(basename "$script" .sed)
    case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
    test=$(sed -n '2s/^# //p' "$script")
    sed -f "$script" dist/pause-install.sh >"$work/$name.sh"
    if cmp -s dist/pause-install.sh "$work/$name.sh"; then
        echo "FAILED: $script no longer changes anything" && status=1
    elif PAUSE_INSTALLER=$work/$name.sh proof/e2e/run.sh --include-ignored "$test" >"$work/$name.log" 2>&1; then
        if grep '^SKIPPED: ' "$work/$name.log"; then exit 0; fi
        echo "FAILED: no test of $test finds this: $(sed -n '1s/^# //p' "$script")" && status=1
    elif ! grep -q '^test result: FAILED' "$work/$name.log"; then
        echo "FAILED: $test did not run: $work/$name.log" && exit 1
    else
        echo "found: $(sed -n '1s/^# //p' "$script")"
    fi
done
exit $status
