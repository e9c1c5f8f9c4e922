#!/bin/sh
# Runs Kubernetes' node conformance tests that OPTIONs of ginkgo select, on a kubelet and containerd, with a pause that
# images.sh has made. Runs in isolated.sh: node_conformance.sh NAME REPORT OPTION...
set -eu
cd "$(dirname "$0")/../.."
engines=$PWD/target/engines
pause=$1 report=$2
shift 2

# isolated.sh shares these with the machine. / must be shared, because tests mount volumes in one container that others
# have to see.
mount --make-rshared /
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /run/suite/bin /run/proc /run/sysctl
# A pod's user namespace can mount /proc only if there is another that nothing covers.
mount -t proc proc /run/proc
while read -r name value; do # the kubelet would write it for the whole machine
    echo "$value" >"/run/sysctl/${name##*/}"
    mount --bind "/run/sysctl/${name##*/}" "/proc/sys/$name"
done <proof/e2e/shared/kubelet-settings
# The suite, the kubelet and the API server look for a default route, and a test for a megabyte that was received on it.
ip netns add peer
ip link add eth0 type veth peer name eth0 netns peer
ip addr add 10.89.0.1/24 dev eth0
ip -n peer addr add 10.89.0.2/24 dev eth0
ip link set eth0 up
ip -n peer link set eth0 up
ip route add default via 10.89.0.2
ip netns exec peer busybox ping -q -c 20 -i 0.01 -s 60000 10.89.0.1 >/dev/null
echo 'nameserver 127.0.0.1' >/run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
hostname node

# Nothing here may reach the machine's systemd. Without systemd-run, the suite starts a kubelet itself.
for program in journalctl sudo systemctl systemd-run; do
    ! program=$(command -v $program) || mount --bind /dev/null "$program"
done
for engine in containerd-2.4 runc-1.5 e2e-node-1.37 kubelet-1.37; do
    ln -s "$engines/$engine"/* /run/suite/bin/
done
PATH=/run/suite/bin:$PATH

images=$PWD/target/suites/registry
tags=$images/docker/registry/v2/repositories/pause/_manifests/tags
mount --bind "$tags/$pause" "$tags/3.10.2"
proof/suites/serve.sh "$images" >/run/registry.log 2>&1 &
until curl --insecure -fs https://127.0.0.1/v2/ >/dev/null; do kill -0 $!; sleep 0.1; done

mkdir -p /etc/cni/net.d
cat >/etc/containerd/config.toml <<END
version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = 'registry.k8s.io/pause:3.10.2'
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.test-handler] # the suite's RuntimeClasses name it
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['$engines/cni-plugins-1.9']
END
cat >/etc/cni/net.d/bridge.conflist <<END
{ "cniVersion": "0.4.0", "name": "bridge", "plugins": [{
    "type": "bridge", "bridge": "cni0", "isGateway": true,
    "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] }
}] }
END
( # in the group that the suite tells the kubelet
    for hierarchy in $(findmnt -nr -t cgroup,cgroup2 -o TARGET); do
        mkdir "$hierarchy/docker-daemon"
        for file in cpuset.cpus cpuset.mems; do # in v1 they are empty, and no process can enter the group
            [ ! -f "$hierarchy/cpuset.mems" ] || cat "$hierarchy/$file" >"$hierarchy/docker-daemon/$file"
        done
        sh -c 'echo $PPID' >"$hierarchy/docker-daemon/cgroup.procs"
    done
    exec containerd
) >/run/containerd.log 2>&1 &
until ctr version >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done

cat >/run/suite/kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: /
evictionHard: { nodefs.available: 1Mi }
failCgroupV1: false
failSwapOn: false
fileCheckFrequency: 10s
imageGCHighThresholdPercent: 100
oomScoreAdj: 0
serializeImagePulls: false
volumePluginDir: /run/volume-plugins
volumeStatsAggPeriod: 10s
END
cd /run/suite
ginkgo --procs=8 --no-color --output-dir=. --json-report=report.json "$@" bin/e2e_node.test -- \
    --container-runtime-endpoint=unix:///run/containerd/containerd.sock --kubelet-config-file="$PWD/kubelet.yaml" \
    --kubelet-flags=--node-ip=10.89.0.1 --prepull-images=false --report-dir=/run --server-start-timeout=300s \
    >/run/suite.log 2>&1 || :
grep -q '"LeafNodeType": "It"' report.json # otherwise no test ran
cp report.json "$report"
