//! How long tests wait for the world outside them.

use std::time::{Duration, Instant};

/// How long a test waits for what must come before it takes it for lost.
///
/// No measure of speed, and far beyond what is promised: on a busy machine everything is late.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Waits for the world outside the test.
///
/// # Panics
/// When it has not become so within [`PATIENCE`].
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
