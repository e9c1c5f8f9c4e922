#!/bin/sh
# Builds Kubernetes runtimes and kubelets (those that are NAMEd, otherwise all), and runs the tests in them. `make
# engines` passes in EVERY_CHANGE what all tests need.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=proof/packages/engines/go.sh
. proof/packages/engines/go.sh

# containerd 1.6 is Debian 12's, kubelet 1.20 is built from its source. The newest kubelet is there in each test.
from_modules=$(names | grep -E '^(containerd|cri-o|docker|kubelet)-')
all=$({ echo "$from_modules" && echo containerd-1.6 && echo kubelet-1.20; } |
    grep -Fvx "$(names | grep -m 1 ^kubelet-)" | sort)
tests='' modules=''
for name; do
    echo "$all" | grep -Fqx -- "$name" ||
        { echo "$0: there is no engine '$name'; there are: $(echo "$all" | paste -sd ' ')" >&2 && exit 2; }
    ! names | grep -Fqx "$name" || modules="$modules $name"
    tests="$tests $(echo "$name" | tr .- __)"
done
proof/packages/newer-debian.sh
case ${tests:-kubelet_1_20} in *kubelet_1_20*) proof/packages/kubelet.sh ;; esac
[ $# != 0 ] || modules=$from_modules
# shellcheck disable=SC2086 # lists
proof/packages/engines.sh ${EVERY_CHANGE:?make engines sets it} $modules
# shellcheck disable=SC2086
exec proof/e2e/run.sh --include-ignored ${tests:-kubernetes:: installer::truth installer::endings}
