//! Runs the recipe of docs/try.md exactly as written there.

use std::path::Path;

use build::root;
use kit::messages::TERMINATED;
use kit::peers::pause_for;
use kit::process::{End, command, run};
use kit::skip::{has, has_namespaces};

#[test]
fn namespaces_are_held_without_an_engine() {
    if !has_namespaces() || !has("ip") || !has("pgrep") {
        return;
    }
    let page = std::fs::read_to_string(root().join("docs/try.md")).expect("docs/try.md");
    let (_, section) = page.split_once("## Hold namespaces without an engine\n").expect("the section");
    let recipe: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let recipe = recipe.join("\n").replace("dist/pause-amd64", "\"$PAUSE\"");

    // A private /run, where `ip netns` keeps its names.
    let inside = format!("mount -t tmpfs tmpfs /run\n{recipe}\nwait $! || exit\necho \"left: $(ls /run/netns)\"");
    let mut recipe = command(["unshare", "--mount", "sh", "-euc", &inside]);
    let host = build::arch::Arch::here().expect("an architecture of pause");
    // A relative path leads to it even if this project is in the machine's /run.
    let pause = pause_for(host).strip_prefix(root()).expect("it is built here");
    recipe.env("PAUSE", Path::new(".").join(pause)).current_dir(root());
    let End { code, stdout, stderr } = run(recipe);
    let lines: Vec<&str> = stdout.lines().collect();
    let [hostname, process, loopback, left] = lines[..] else { panic!("{stdout}{stderr}") };
    assert_eq!(hostname, "pod");
    assert_eq!(process, "I am 2, and PID 1 reaps for me");
    assert!(loopback.starts_with("lo ") && loopback.contains("127.0.0.1/8"), "{loopback}");
    assert_eq!(left, "left: ");
    assert_eq!((code, stderr.as_str()), (Some(0), TERMINATED));
}
