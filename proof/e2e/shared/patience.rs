//! Waits as long as this machine may need.

use kit::machine::is_qemu;
use kit::wait::within;

/// Waits until `so` is true.
pub fn until(what: &str, so: impl Fn() -> bool) {
    found(what, || so().then_some(()));
}

/// Waits until `look` finds something, and returns it.
pub fn found<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    within(patience(), what, look)
}

/// Returns the number of seconds after which something that has not happened will not happen.
pub fn patience() -> u64 {
    if is_qemu() { 600 } else { 60 }
}
