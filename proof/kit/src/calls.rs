//! The calls in which pause sleeps and looks at stderr: `pause` and `poll`, or `ppoll` on architectures that lack both.
#![allow(dead_code, non_upper_case_globals, unused_imports)]

use nix::libc::SYS_ppoll;

// What a block imports takes precedence over what is defined outside of it: these are used only where libc does not
// define its own.
const SYS_pause: i64 = SYS_ppoll;
const SYS_poll: i64 = SYS_ppoll;

/// The number of `pause`, or that of `ppoll`.
pub const PAUSE: i64 = {
    use nix::libc::*;
    SYS_pause
};

/// The number of `poll`, or that of `ppoll`.
pub const POLL: i64 = {
    use nix::libc::*;
    SYS_poll
};

/// Whether `ppoll` takes the place of both.
pub const ONLY_PPOLL: bool = PAUSE == SYS_ppoll;
