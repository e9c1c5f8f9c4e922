//! The messages of pause; only the version differs from upstream's.

use crate::process::End;

/// On stderr, when it is not PID 1.
pub const WARNING: &str = "Warning: pause should be the first process\n";
/// On stderr, on SIGTERM.
pub const TERMINATED: &str = "Shutting down, got signal: Terminated\n";
/// On stderr, on SIGINT.
pub const INTERRUPTED: &str = "Shutting down, got signal: Interrupt\n";
/// On stderr, when `pause` is refused.
pub const LOOP_TERMINATED: &str = "Error: infinite loop terminated\n";
/// On stdout, for `-v`.
pub const VERSION: &str = concat!("pause ", env!("CARGO_PKG_VERSION"), "\n");

/// The end of pause after `-v`.
pub fn version_said() -> End {
    End { stdout: VERSION.to_owned(), ..End::silent(0) }
}
