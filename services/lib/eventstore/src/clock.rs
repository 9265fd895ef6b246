use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::event::Ticks;

/// Where the store has its time from; tests give it their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Ticks + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock::new(|| {
            let since_epoch = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            Ticks(u64::try_from(since_epoch.as_nanos() / 100).unwrap_or(u64::MAX))
        })
    }

    /// A clock that answers what `now` does.
    pub fn new(now: impl Fn() -> Ticks + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    pub fn now(&self) -> Ticks {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

/// A clock that stands still while the machine's goes back, so that times in the log never fall.
pub(crate) struct RecordingClock {
    clock: Clock,
    latest: Ticks,
}

impl RecordingClock {
    pub fn new(clock: Clock, latest: Ticks) -> RecordingClock {
        RecordingClock { clock, latest }
    }

    pub fn now(&mut self) -> Ticks {
        self.latest = self.latest.max(self.clock.now());
        self.latest
    }
}
