//! Waiting for a condition with a deadline.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(2);

/// Asks again and again until there is an answer.
///
/// # Panics
/// At the deadline, saying `what` was waited for.
pub fn until<T>(deadline: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            started.elapsed() < deadline,
            "waited {} s in vain until {what}",
            deadline.as_secs()
        );
        std::thread::sleep(PAUSE);
    }
}
