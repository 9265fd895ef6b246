//! What is measured, the same for every store.

use std::time::Duration;

use hdrhistogram::Histogram;
use uuid::{Builder, Uuid};

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

/// Ids for events, the same in every run: asking the kernel for random ones would cost more than sending an event.
#[derive(Clone, Debug)]
pub struct Ids(u64);

impl Ids {
    pub fn of(seed: u64) -> Ids {
        Ids(seed)
    }

    pub fn next_id(&mut self) -> Uuid {
        let (most, least) = (self.next_word(), self.next_word());
        Builder::from_random_bytes((u128::from(most) << 64 | u128::from(least)).to_be_bytes())
            .into_uuid()
    }

    /// SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195).
    fn next_word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }
}
