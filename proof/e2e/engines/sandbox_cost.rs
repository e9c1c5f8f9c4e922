//! What a sandbox costs in an engine: the memory of its cgroup, where an operator looks.

use build::arch::Arch;
use kit::cgroup::memory_of;
use kit::floors;
use kit::machine::is_qemu;
use kit::peers::upstream;
use kit::skip::is_installed;
use shared::compatibility::Row;
use shared::cost::Cost;
use shared::cri::{POD, with_containerd_2};
use shared::{CHANGES, NAME, dist, make_image, until};

/// How many sandboxes of a program run at once.
const SANDBOXES: usize = 5;

/// Compares pause's sandbox with that of a program that only pauses, because the kernel and the engine use most of the
/// memory, whatever the program is.
#[tokio::test]
async fn it_costs_what_one_of_the_smallest_program_does() {
    let Some(upstream) = upstream() else { return };
    let Some((mut host, _)) = with_containerd_2(&["containerd", "dockerd", "runc"]).await else { return };
    let arch = Arch::here().expect("an architecture of pause");
    let ours = dist(&format!("pause-{}", arch.name));
    // The machine of `make node` has no compiler, so node.sh builds the floor outside.
    let floor = if is_installed("cargo") { floors::built("pause", arch) } else { floors::file("pause", arch) };
    let images = ["ours", "upstream", "floor"].map(|tag| format!("localhost/cost:{tag}"));
    for (image, program) in images.iter().zip([&ours, &upstream, &floor]) {
        make_image(program, "pause", CHANGES, image);
        host.import(image);
    }
    let engine = format!("containerd {}", Row::version(&host.version));
    let mut cost = Cost::new(&engine, &["pause", "upstream", "floor: only pauses"]);
    let rounds = if is_qemu() { 3 } else { 8 };
    for _ in 0..rounds {
        for (program, image) in images.iter().enumerate() {
            host.ok(&["ctr", "-n", "k8s.io", "images", "tag", "--force", image, NAME]);
            host.hears_of(&[NAME, image]).await;
            let mut sandboxes = Vec::new();
            for index in 0..SANDBOXES {
                sandboxes.push(host.run(&format!("cost-{index}"), POD).await.expect("a sandbox"));
            }
            for id in &sandboxes {
                let (pause, _) = host.status(id).await;
                until("it sleeps", || pause.status().is_ok_and(|status| status.state.starts_with('S')));
                let (shown, in_use) = memory_of(&host.file(&format!("/proc/{}", pause.pid)));
                cost.add(program, shown, in_use.all);
            }
            for id in sandboxes {
                host.remove(&id).await;
            }
        }
    }
    cost.keep();
    let [ours, _, floor] = [0, 1, 2].map(|program| cost.in_use(program));
    assert!(ours * 100 <= floor * 103, "{ours} bytes against {floor}");
}
