//! Wall time, for parks whose clock is not simulated.

use std::time::{SystemTime, UNIX_EPOCH};

use terrarium_model::{Clock, UnixMillis};

/// The operating system's clock in UTC. It may jump when the system's time is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> UnixMillis {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_after_this_was_written() {
        let written_ms = 1_763_000_000_000;
        assert!(WallClock.now().0 > written_ms);
    }
}
