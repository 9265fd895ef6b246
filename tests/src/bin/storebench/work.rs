//! What is measured, the same for every store.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Payload of every event.
pub const DATA_BYTES: usize = 200;

/// How many in how long.
#[derive(Clone, Copy, Debug)]
pub struct Throughput {
    pub count: usize,
    pub per_s: f64,
}

impl Throughput {
    pub fn of(count: usize, time: Duration) -> Throughput {
        Throughput {
            count,
            per_s: count as f64 / time.as_secs_f64(),
        }
    }
}

/// How long things took, in microseconds.
pub struct Waits(Histogram<u64>);

impl Default for Waits {
    fn default() -> Waits {
        Waits(Histogram::new(3).expect("three digits are allowed"))
    }
}

impl Waits {
    pub fn add(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).expect("not that long");
        self.0.record(us).expect("the histogram grows");
    }

    pub fn p50_us(&self) -> f64 {
        self.0.value_at_quantile(0.5) as f64
    }

    pub fn p99_us(&self) -> f64 {
        self.0.value_at_quantile(0.99) as f64
    }
}
