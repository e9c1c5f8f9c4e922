//! What a node does to a sandbox by its control groups: those of version 2, which systemd makes for containerd 2.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use k8s_cri::v1::*;
use kit::orphans::IN_A_POD;
use procfs::process::Process;
use shared::compatibility::{Origin, Row};
use shared::cri::{Containerd, POD, Pod, slice, under_systemd};
use shared::{BUSYBOX, ok, pause_is_ready, until};

const PROGRAMS: [&str; 5] = ["containerd", "dockerd", "runc", "skopeo", "systemctl"];
/// A pod whose orphans pause reaps.
const SHARED: Pod = Pod { pid: NamespaceMode::Pod, ..POD };

#[tokio::test]
async fn of_version_2() {
    let Some(mut host) = under_systemd(&PROGRAMS).await else { return };
    let host = &mut host;
    host.import(BUSYBOX);
    let (status, said) = host.install(&["--as", "configured"]);
    assert_eq!(status, 0, "{said}");
    let version = Row::version(&host.version);
    let row = |how: &str| {
        Row::of(Origin::Module, "containerd through CRI, deploy/containerd-2, SystemdCgroup = true", &version, how)
    };
    {
        let _row = row("cgroup.freeze and SIGSTOP while orphans die");
        orphans_die_while_it_cannot_run(host).await;
    }
    {
        let _row = row("SIGKILL while orphans die");
        it_is_killed_while_orphans_die(host).await;
    }
    {
        let _row = row("pids.max of a pod in which 200 orphans die while it is frozen");
        frozen_it_costs_its_pod_no_pid(host).await;
    }
    {
        let _row =
            row("the smallest memory.max of a pod in which runc starts it, then its own memory.max at what it has");
        in_as_little_memory_as_the_engine_takes(host).await;
    }
    let _row = row("memory.oom.group of a container beside it");
    it_outlives_a_container_that_runs_out_of_memory(host).await;
}

async fn orphans_die_while_it_cannot_run(host: &mut Containerd) {
    let (id, app, pause) = pod(host, "frozen").await;
    let group = group(&pause);
    freeze(&group, true);
    assert_eq!(host.exec(&app, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
    freeze(&group, false);

    signal("-STOP", &pause);
    until("it is stopped", || state(&pause) == "T (stopped)");
    assert_eq!(host.exec(&app, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
    assert_eq!(state(&pause), "T (stopped)");
    signal("-CONT", &pause);
    until("it sleeps again", || pause_is_ready(&pause.pid.to_string()));
    host.remove(&id).await;
}

async fn it_is_killed_while_orphans_die(host: &mut Containerd) {
    let id = host.run("killed", SHARED).await.expect("a sandbox");
    let (pause, _) = host.status(&id).await;
    let forks = ["sh", "-c", "while :; do (sleep 0 &); done"];
    host.start_container(&id, "forks", SHARED, &forks).await;
    let slice = group_of_pod(&pause);
    signal("-KILL", &pause);
    until("all of the pod has ended", || number(&slice, "pids.current") == 0);
    host.sees_the_end_of(&id).await;
    host.remove(&id).await;
}

/// A zombie counts, and a kernel that reaps while pause is frozen leaves none.
async fn frozen_it_costs_its_pod_no_pid(host: &mut Containerd) {
    let (id, app, pause) = pod(host, "pids").await;
    limit("pids", "TasksMax=40");
    let group = group(&pause);
    freeze(&group, true);
    // Each substitution ends when the orphan, which holds the pipe, has exited.
    let orphans = "i=0; while [ $i -lt 200 ]; do x=$( (true &) ) || exit; i=$((i + 1)); done; echo all";
    assert_eq!(host.exec(&app, &["sh", "-c", orphans]).await.as_deref(), Ok("all\n"));
    freeze(&group, false);
    let slice = group_of_pod(&pause);
    assert_eq!((number(&slice, "pids.max"), event(&slice, "pids.events", "max")), (40, 0));
    host.remove(&id).await;
    revert("pids");
}

async fn in_as_little_memory_as_the_engine_takes(host: &mut Containerd) {
    let mut kib = 128;
    let (id, pause) = loop {
        limit("memory", &format!("MemoryMax={kib}K"));
        if let Ok(id) = host.run("memory", SHARED).await {
            if let Some((pause, _)) = host.status_if_alive(&id).await {
                break (id, pause);
            }
            host.remove(&id).await;
        }
        kib += kib / 2;
        assert!(kib < 64 << 10, "{kib} KiB are not enough");
    };
    until("it has its handlers", || pause_is_ready(&pause.pid.to_string()));
    let group = group(&pause);
    // In pages, as the kernel counts.
    let bytes = number(&group, "memory.current");
    fs::write(group.join("memory.max"), bytes.to_string()).expect("it is taken");
    _ = writeln!(io::stderr(), "in a pod of {kib} KiB runc starts pause, which goes on with {} KiB", bytes / 1024);
    // The containers need more than that.
    limit("memory", "MemoryMax=infinity");
    let app = host.start_container(&id, "app", SHARED, &["sleep", "600"]).await;
    assert_eq!(host.exec(&app, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
    assert_eq!(event(&group, "memory.events", "oom_kill"), 0);
    host.remove(&id).await;
    revert("memory");
}

async fn it_outlives_a_container_that_runs_out_of_memory(host: &mut Containerd) {
    let (id, app, pause) = pod(host, "oom").await;
    let limits = LinuxContainerResources {
        memory_limit_in_bytes: 32 << 20,
        memory_swap_limit_in_bytes: 32 << 20,
        unified: [("memory.oom.group".to_owned(), "1".to_owned())].into(),
        ..Default::default()
    };
    let hungry = ["sh", "-c", "sleep 1234567 & exec awk 'BEGIN { text = \"text\"; while (1) text = text text }'"];
    let hungry = host.start_limited(&id, "hungry", SHARED, limits, &hungry).await;
    assert_eq!(host.exit_code(&hungry).await, 137);
    // The pod's counter, because that of the container is gone, and containerd may be late to see its event.
    let slice = group_of_pod(&pause);
    assert_eq!(event(&slice, "memory.events", "oom_group_kill"), 1);
    // The brackets keep the pattern from matching itself. Status 2: a process has ended meanwhile.
    let left = host.exec(&app, &["sh", "-c", "grep -ls 'sleep.123456[7]' /proc/[0-9]*/cmdline || [ $? -le 2 ]"]).await;
    assert_eq!(left.as_deref(), Ok(""), "all of the container has been killed, and reaped");
    assert_eq!(event(&group(&pause), "memory.events", "oom_kill"), 0);
    assert!(host.is_ready(&id).await && pause.is_alive());
    assert_eq!(host.exec(&app, &["sh", "-c", IN_A_POD]).await.as_deref(), Ok("reaped\n"));
    host.remove(&id).await;
}

/// A sandbox with a container that sleeps; the IDs of both, and the pause.
async fn pod(host: &mut Containerd, name: &str) -> (String, String, Process) {
    let id = host.run(name, SHARED).await.expect("a sandbox");
    let app = host.start_container(&id, "app", SHARED, &["sleep", "600"]).await;
    let (pause, _) = host.status(&id).await;
    assert!(group(&pause).starts_with(format!("/sys/fs/cgroup/kubepods.slice/{}", slice(name))), "{:?}", group(&pause));
    (id, app, pause)
}

fn limit(pod: &str, property: &str) {
    ok("systemctl", &["set-property", "--runtime", &slice(pod), property]);
}

fn revert(pod: &str) {
    ok("systemctl", &["revert", &slice(pod)]);
}

/// The folder of its control group.
fn group(process: &Process) -> PathBuf {
    let groups = process.cgroups().expect("/proc/PID/cgroup").0;
    let [group] = &groups[..] else { panic!("not of version 2 alone: {groups:?}") };
    format!("/sys/fs/cgroup{}", group.pathname).into()
}

/// The folder of the control group of its pod.
fn group_of_pod(process: &Process) -> PathBuf {
    group(process).parent().expect("the pod's").to_owned()
}

fn freeze(group: &Path, frozen: bool) {
    fs::write(group.join("cgroup.freeze"), u8::from(frozen).to_string()).expect("it is taken");
    until("it is so", || event(group, "cgroup.events", "frozen") == u64::from(frozen));
}

fn signal(signal: &str, process: &Process) {
    ok("kill", &[signal, &process.pid.to_string()]);
}

fn state(process: &Process) -> String {
    process.status().expect("it runs").state
}

/// The number in a file of a group; none means no limit.
fn number(group: &Path, file: &str) -> u64 {
    fs::read_to_string(group.join(file)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

/// A number in a file of a group that has one in each line.
fn event(group: &Path, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(group.join(file)).expect("a file");
    let number = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    number.unwrap_or_else(|| panic!("no {name} in {file}: {text}"))
}
