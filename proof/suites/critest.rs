//! Runs critest, with which Kubernetes judges runtimes.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use shared::host::Host;
use shared::runtime::{Kind, Oci, Runtime};
use shared::{NAME, until};

use crate::{Outcomes, Part, ginkgo, kept};

/// A network that forwards ports of the host to pods.
const NETWORK: &str = r#"{ "cniVersion": "1.0.0", "name": "bridge", "plugins": [
    { "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true,
      "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/16" }]], "routes": [{ "dst": "0.0.0.0/0" }] } },
    { "type": "portmap", "capabilities": { "portMappings": true } }
] }"#;

/// Enables in containerd 1.7 what newer versions enable by default.
const ENABLES_NRI: &str =
    "printf '[plugins.\"io.containerd.nri.v1.nri\"]\\ndisable = false\\n' >>/etc/containerd/config.toml";

/// Lets connections to 127.0.0.1 reach ports that CRI-O forwards. Its own tests (contrib/test/ci/critest.yml) do so too.
const FORWARDS_LOOPBACK: &str = "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet && \
    iptables -t nat -I POSTROUTING -s 127.0.0.0/8 ! -d 127.0.0.0/8 -j MASQUERADE";

const REPORT: &str = "/run/report.json";

/// Runs these tests, or all, with the pause in an archive.
pub fn run(part: &Part, pause: &Path, only: &[String]) -> Outcomes {
    let (name, version) = part.programs[1].rsplit_once('-').expect("an engine");
    let kind = if name == "cri-o" { Kind::CriO(version) } else { Kind::Containerd(version) };
    let prepare = |host: &Host| {
        host.write("/etc/cni/net.d/bridge.conflist", NETWORK);
        serve_images(host, pause);
        match kind {
            Kind::Containerd("1.7") => _ = host.ok(&["sh", "-c", ENABLES_NRI]),
            Kind::CriO(_) => _ = host.ok(&["sh", "-c", FORWARDS_LOOPBACK]),
            _ => (),
        }
    };
    let runtime = Runtime::without_pause(kind, Oci::Runc, prepare).expect("it is built");
    load(&runtime, pause);
    let endpoint = format!("--runtime-endpoint={}", runtime.socket);
    let report = format!("--ginkgo.json-report={REPORT}");
    let nri = "--nri-socket=/var/run/nri/nri.sock";
    let mut words = vec!["critest", &endpoint, &report, nri, "--ginkgo.no-color", "--ginkgo.timeout=29m"];
    let focus = ginkgo::focus(only).map(|focus| format!("--ginkgo.focus={focus}"));
    words.extend(focus.as_deref());
    let said = runtime.host.try_to(&words);
    let report = kept::report(part, pause);
    fs::copy(runtime.host.file(REPORT), &report).unwrap_or_else(|error| panic!("no report ({error}): {said:?}"));
    ginkgo::outcomes(&report)
}

/// Starts the registry, which serves the pause in an archive as Kubernetes'.
pub fn serve_images(host: &Host, pause: &Path) {
    let project = build::root();
    let script = project.join("proof/suites/serve.sh");
    let folder = project.join("target/suites/registry");
    let tags = folder.join("docker/registry/v2/repositories/pause/_manifests/tags");
    let tag = |name: &OsStr| tags.join(name).to_string_lossy().into_owned();
    host.ok(&["mount", "--bind", &tag(pause.file_stem().expect("a name")), &tag("3.10.2".as_ref())]);
    let registry = host.start(&[&script.to_string_lossy(), &folder.to_string_lossy()]);
    let ask = ["curl", "--insecure", "--silent", "--output", "/dev/null", "https://127.0.0.1/v2/"];
    registry.until("the registry answers", || host.try_to(&ask).is_ok());
}

/// Imports the pause in an archive into the engine, under the name with which the engine is configured.
fn load(runtime: &Runtime, pause: &Path) {
    let archive = pause.to_string_lossy();
    match runtime.kind {
        Kind::CriO(_) => {
            let names = [&format!("docker-archive:{archive}"), &format!("containers-storage:{NAME}")];
            runtime.host.ok(&["skopeo", "copy", names[0], names[1]]);
        }
        _ => _ = runtime.host.ok(&["ctr", "-n", "k8s.io", "images", "import", &archive]),
    }
    until("the engine has it", || runtime.images().iter().any(|name| name == NAME));
}
