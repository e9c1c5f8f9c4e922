//! What a node does to a sandbox by its control groups: those of version 2, which systemd makes for containerd 2.

use std::fs;
use std::path::Path;

use k8s_cri::v1::NamespaceMode;
use shared::compatibility::{Origin, Row};
use shared::cri::{POD, Pod, slice, under_systemd};
use shared::{BUSYBOX, ok, until};

/// A pod whose orphans pause reaps.
const SHARED: Pod = Pod { pid: NamespaceMode::Pod, ..POD };

/// A zombie counts, and a kernel that reaps while pause is frozen leaves none.
#[tokio::test]
async fn orphans_that_die_while_it_is_frozen_cost_its_pod_no_pid() {
    let programs = ["containerd", "dockerd", "runc", "skopeo", "systemctl"];
    let Some(mut host) = under_systemd(&programs).await else { return };
    host.import(BUSYBOX);
    let (status, said) = host.install(&["--as", "configured"]);
    assert_eq!(status, 0, "{said}");
    let _row = Row::of(
        Origin::Module,
        "containerd through CRI, deploy/containerd-2, SystemdCgroup = true",
        &Row::version(&host.version),
        "pids.max of a pod in which 200 orphans die while it is frozen",
    );
    let id = host.run("pids", SHARED).await.expect("a sandbox");
    let app = host.start_container(&id, "app", SHARED, &["sleep", "600"]).await;
    let groups = host.status(&id).await.0.cgroups().expect("/proc/PID/cgroup").0;
    let [group] = &groups[..] else { panic!("not of version 2 alone: {groups:?}") };
    let of_pause = Path::new("/sys/fs/cgroup").join(&group.pathname[1..]);
    let of_pod = of_pause.parent().expect("the pod's");
    assert!(of_pod.ends_with(Path::new("kubepods.slice").join(slice("pids"))), "{}", of_pod.display());
    ok("systemctl", &["set-property", "--runtime", &slice("pids"), "TasksMax=40"]);
    let read = |group: &Path, file: &str| fs::read_to_string(group.join(file)).expect("a file");
    let freeze = |frozen: &str| {
        fs::write(of_pause.join("cgroup.freeze"), frozen).expect("it is taken");
        until("it is so", || read(&of_pause, "cgroup.events").contains(&format!("frozen {frozen}\n")));
    };
    freeze("1");
    // Each substitution ends when the orphan, which holds the pipe, has exited.
    let orphans = "i=0; while [ $i -lt 200 ]; do x=$( (true &) ) || exit; i=$((i + 1)); done; echo all";
    assert_eq!(host.exec(&app, &["sh", "-c", orphans]).await.as_deref(), Ok("all\n"));
    freeze("0");
    let (limit, refused) = (read(of_pod, "pids.max"), read(of_pod, "pids.events"));
    assert!(limit == "40\n" && refused.starts_with("max 0\n"), "{limit}{refused}");
    host.remove(&id).await;
    ok("systemctl", &["revert", &slice("pids")]);
}
