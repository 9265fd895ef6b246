//! How samples are written down.

use terrarium_model::{AssetId, round_half_even_div};
use terrarium_twin::{PointName, Quality, Quantity, Sample, Twin};

/// Milliseconds of a second.
pub(super) const MS_PER_S: i64 = 1_000;
const SECONDS_PER_HOUR: i64 = 3_600;

/// When an event happened, and to which asset.
pub(super) struct Happened {
    /// Of an interval its end.
    pub time_ms: i64,
    /// Where it happened to one.
    pub asset: Option<AssetId>,
}

impl Happened {
    pub fn at(time_s: i64, asset: Option<AssetId>) -> Happened {
        Happened {
            time_ms: time_s.saturating_mul(MS_PER_S),
            asset,
        }
    }
}

/// Takes the samples of one event.
pub(super) struct Samples<'a> {
    twin: &'a mut Twin,
    fresh: &'a mut Vec<(PointName, Sample)>,
    position: u64,
}

/// A stretch of time in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub from_s: i64,
    pub to_s: i64,
}

impl Span {
    pub fn seconds(self) -> i64 {
        self.to_s - self.from_s
    }
}

impl<'a> Samples<'a> {
    /// Samples of the event at a position go into the twin and, as they are, into `fresh`.
    pub fn new(
        twin: &'a mut Twin,
        fresh: &'a mut Vec<(PointName, Sample)>,
        position: u64,
    ) -> Samples<'a> {
        Samples {
            twin,
            fresh,
            position,
        }
    }

    /// An asset's own report of an instant.
    pub fn instant(&mut self, asset: &AssetId, quantity: Quantity, time_s: i64, value: i64) {
        let name = PointName::of_asset(asset, quantity);
        self.of_instant(&name, time_s, value);
    }

    /// Any point at an instant.
    pub fn of_instant(&mut self, name: &PointName, time_s: i64, value: i64) {
        self.of_millisecond(name, time_s.saturating_mul(MS_PER_S), value);
    }

    /// Any point at an instant that is known to the millisecond.
    pub fn of_millisecond(&mut self, name: &PointName, time_ms: i64, value: i64) {
        self.put(
            name,
            Sample {
                time_ms,
                span_ms: 0,
                value,
                quality: Quality::Good,
                position: self.position,
            },
        );
    }

    /// What a point was over a stretch of time.
    pub fn over(&mut self, name: &PointName, span: Span, value: i64, quality: Quality) {
        self.put(
            name,
            Sample {
                time_ms: span.to_s.saturating_mul(MS_PER_S),
                span_ms: span.seconds().saturating_mul(MS_PER_S),
                value,
                quality,
                position: self.position,
            },
        );
    }

    /// As [`Samples::over`], where another sample is to hold from the end on: a millisecond before it this one is over.
    pub fn over_until(&mut self, name: &PointName, span: Span, value: i64) {
        self.put(
            name,
            Sample {
                time_ms: span.to_s.saturating_mul(MS_PER_S) - 1,
                span_ms: span.seconds().saturating_mul(MS_PER_S) - 1,
                value,
                quality: Quality::Good,
                position: self.position,
            },
        );
    }

    /// The newest report over this stretch is kept apart: from then on the value that counted last is uncertain. A point
    /// without a value, or with a newer one, stays as it is.
    pub fn uncertain(&mut self, name: &PointName, span: Span) {
        let Some(newest) = self.twin.newest(name) else {
            return;
        };
        let time_ms = span.to_s.saturating_mul(MS_PER_S);
        if time_ms <= newest.time_ms {
            return;
        }
        let start_ms = span.from_s.saturating_mul(MS_PER_S).max(newest.time_ms);
        self.put(
            name,
            Sample {
                time_ms,
                span_ms: time_ms - start_ms,
                value: newest.value,
                quality: Quality::Uncertain,
                position: self.position,
            },
        );
    }

    fn put(&mut self, name: &PointName, sample: Sample) {
        self.twin.observe(name, sample);
        self.fresh.push((name.clone(), sample));
    }
}

/// Of an amount over a time its mean for an hour: Wh become W, litres litres an hour. Rounded half to even.
pub(super) fn per_hour(amount: i64, seconds: i64) -> i64 {
    let per_hour = round_half_even_div(
        i128::from(amount) * i128::from(SECONDS_PER_HOUR),
        i128::from(seconds.max(1)),
    );
    i64::try_from(per_hour).unwrap_or(i64::MAX)
}
