//! More signals than a queue can hold.

use kit::peers::Peer;
use kit::process::{Process, command};
use nix::sys::signal::Signal;

use crate::pod::Pod;

/// Sends so many realtime signals to a stopped PID 1 that its queue overflows. The second time RLIMIT_SIGPENDING is 0,
/// as if this user's queue were already full.
pub fn full_queue(peer: &Peer) {
    let program = peer.program.to_string_lossy();
    let words: Vec<&str> = peer.args.iter().map(String::as_str).collect();
    let limited = Peer::new(&peer.name, "prlimit", &[&["--sigpending=0", &program], &words[..]].concat());
    for pod in [Pod::start(peer), Pod::start(&limited)] {
        pod.pid1.stop();
        let pid = pod.pid1.id().to_string();
        let storm = "$p = shift; for $s (34 .. 64) { kill $s, $p for 1 .. 2000 }";
        let inside = pod.start_beside(command(["perl", "-e", storm, "1"])).end_within(60);
        let outside = Process::start(command(["perl", "-e", storm, &pid])).end_within(60);
        assert_eq!([inside.code, outside.code], [Some(0); 2], "sent");
        pod.pid1.signal(Signal::SIGCONT);
        pod.works_and_stops();
    }
}
