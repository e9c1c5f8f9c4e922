//! The commands in docs/pod-by-hand.md that need no cluster, run as a reader would. (`cargo xtask tidy` compares the
//! Chinese page.)

use std::time::{Duration, Instant};

use shared::compatibility::Row;
use shared::documents::{by_hand, normalized};
use shared::{ok, ready, run};
use xtask::code_blocks::console;

#[test]
fn every_command_prints_what_the_document_says() {
    if !ready(&["curl", "docker", "dockerd", "runc"]) {
        return;
    }
    let _row = Row::new("Docker", &ok("docker", &["version", "-f", "{{.Server.Version}}"]), "docs/pod-by-hand.md");
    let [page, _] = by_hand();
    let commands = console(&page);
    assert!(commands.len() > 30, "{} commands", commands.len());
    for (command, printed) in commands {
        let shell = ["60", "sh", "-c", &format!("exec 2>&1; {command}")];
        let says = || normalized(&run("timeout", &shell).unwrap_or_else(|error| error));
        // A reader does not type as fast as nginx starts.
        let may_be_early = ["curl ", "docker exec "].iter().any(|start| command.starts_with(start));
        let deadline = Instant::now() + Duration::from_secs(if may_be_early { 60 } else { 0 });
        let (expected, mut said) = (normalized(&printed), says());
        while said != expected && Instant::now() < deadline {
            said = says();
        }
        assert_eq!(said, expected, "{command}");
    }
}
