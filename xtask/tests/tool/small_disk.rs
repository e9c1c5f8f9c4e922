//! A disk that is soon full.

use std::path::Path;
use std::thread;

use kit::skip::has_namespaces;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Runs `test` while a disk of two pages is mounted at `folder`, for its thread alone. A skip if that is impossible.
pub fn with_small_disk(folder: &Path, test: impl FnOnce() + Send) {
    if !has_namespaces() {
        return;
    }
    let mounted = || {
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
        mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some("size=8k")).expect("a disk");
        test();
    };
    thread::scope(|scope| scope.spawn(mounted).join()).expect("no panic");
}
