//! Waits for a state, with a deadline.

use std::any::Any;
use std::thread;
use std::time::{Duration, Instant};

/// Calls `look` until it finds something, and returns that; panics after 10 s.
pub fn within_10_s<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(10, what, look)
}

/// Calls `look` like [`within_10_s`], with another deadline.
pub fn within<T>(seconds: u64, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns a panic's message, in one line.
pub fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("panic").split_whitespace().collect::<Vec<_>>().join(" ")
}
