//! The messages of pause; only the version differs from upstream's.

use crate::process::End;

/// Goes to stderr if pause is not PID 1.
pub const WARNING: &str = "Warning: pause should be the first process\n";
/// Goes to stderr on SIGTERM.
pub const TERMINATED: &str = "Shutting down, got signal: Terminated\n";
/// Goes to stderr on SIGINT.
pub const INTERRUPTED: &str = "Shutting down, got signal: Interrupt\n";
/// Goes to stderr if `pause` is refused.
pub const LOOP_TERMINATED: &str = "Error: infinite loop terminated\n";
/// Goes to stdout for `-v`.
pub const VERSION: &str = concat!("pause ", env!("CARGO_PKG_VERSION"), "\n");

/// Returns how pause ends after `-v`.
pub fn version_said() -> End {
    End { stdout: VERSION.to_owned(), ..End::silent(0) }
}
