/// How far a shown value can be trusted, the best first. The eight states that operators know from IEC 60870-5 and OPC UA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    Good,
    /// Spread over an interval longer than an hour, or worked out from others.
    Estimated,
    /// Corrected by a person.
    Substituted,
    /// The newest report is in quarantine; this is the last one that counts.
    Uncertain,
    /// Outside of what the asset can do or hold.
    OutOfRange,
    /// Its time is ahead of the moment shown: a clock is wrong.
    FutureStamp,
    /// Older than twice its usual interval, or the stream is cut.
    Stale,
    /// The record says nothing that this viewer understands about it.
    Bad,
}

impl Quality {
    /// The best first.
    pub const ALL: [Quality; 8] = [
        Quality::Good,
        Quality::Estimated,
        Quality::Substituted,
        Quality::Uncertain,
        Quality::OutOfRange,
        Quality::FutureStamp,
        Quality::Stale,
        Quality::Bad,
    ];

    /// What the record says, by its number in `terrarium.twin.v1.Quality`; a number that is not known is [`Quality::Bad`].
    pub fn from_wire(number: i32) -> Quality {
        match number {
            1 => Quality::Good,
            2 => Quality::Estimated,
            3 => Quality::Substituted,
            4 => Quality::Uncertain,
            _ => Quality::Bad,
        }
    }

    /// Whether the value may be shown like any other: good, estimated or corrected by a person.
    pub fn is_trusted(self) -> bool {
        self <= Quality::Substituted
    }
}

/// The moment that is shown, and whether the stream behind it still flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub moment_ms: i64,
    /// The view is live and its stream is cut: everything may be old.
    pub is_cut: bool,
}

/// A stamp may be this much ahead before it counts as one from the future: clocks drift. Assumed.
const FUTURE_TOLERANCE_MS: i64 = 30_000;
/// A value is stale when it is older than this many of its usual intervals, as `terrarium.twin.v1.Point` says.
const STALE_AFTER_INTERVALS: i64 = 2;

/// The quality of a value at the moment shown: the worst of what the record says and what its age says. No age makes a
/// value stale whose usual interval is 0: it is not known, or the point is told only when it changes.
pub fn quality_at(recorded: Quality, time_ms: i64, usual_interval_s: u32, shown: Shown) -> Quality {
    let age_ms = shown.moment_ms - time_ms;
    let by_age = if shown.is_cut {
        Quality::Stale
    } else if age_ms < -FUTURE_TOLERANCE_MS {
        Quality::FutureStamp
    } else if usual_interval_s > 0 && age_ms > STALE_AFTER_INTERVALS * interval_ms(usual_interval_s)
    {
        Quality::Stale
    } else {
        Quality::Good
    };
    recorded.max(by_age)
}

/// How strongly a value is drawn: 1 while it is younger than its usual interval, fading to 0.3 at four intervals.
pub fn fade(time_ms: i64, usual_interval_s: u32, shown: Shown) -> f32 {
    const FAINTEST: f32 = 0.3;
    if shown.is_cut {
        return FAINTEST;
    }
    if usual_interval_s == 0 {
        return 1.0;
    }
    let age = (shown.moment_ms - time_ms) as f32 / interval_ms(usual_interval_s) as f32;
    (1.0 - (age - 1.0) / 3.0 * (1.0 - FAINTEST)).clamp(FAINTEST, 1.0)
}

fn interval_ms(usual_interval_s: u32) -> i64 {
    i64::from(usual_interval_s) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_780_000_000_000;

    fn at(age_s: i64, interval_s: u32) -> Quality {
        let shown = Shown {
            moment_ms: NOW_MS,
            is_cut: false,
        };
        quality_at(Quality::Good, NOW_MS - age_s * 1_000, interval_s, shown)
    }

    #[test]
    fn a_value_is_stale_after_twice_its_own_interval() {
        assert_eq!(at(120, 60), Quality::Good);
        assert_eq!(at(121, 60), Quality::Stale);
        assert_eq!(at(121, 900), Quality::Good);
    }

    #[test]
    fn what_is_told_on_change_does_not_grow_stale_by_age_but_by_a_cut() {
        assert_eq!(at(1_000_000, 0), Quality::Good);
        let cut = Shown {
            moment_ms: NOW_MS,
            is_cut: true,
        };
        assert_eq!(quality_at(Quality::Good, NOW_MS, 0, cut), Quality::Stale);
    }

    #[test]
    fn a_stamp_ahead_of_the_moment_is_told() {
        assert_eq!(at(-30, 60), Quality::Good);
        assert_eq!(at(-31, 60), Quality::FutureStamp);
    }

    #[test]
    fn the_record_and_the_age_are_both_heard_and_the_worse_counts() {
        let shown = Shown {
            moment_ms: NOW_MS,
            is_cut: false,
        };
        let quality =
            |recorded, age_s: i64| quality_at(recorded, NOW_MS - age_s * 1_000, 60, shown);
        assert_eq!(quality(Quality::Uncertain, 10), Quality::Uncertain);
        assert_eq!(quality(Quality::Uncertain, 500), Quality::Stale);
        assert_eq!(quality(Quality::from_wire(77), 10), Quality::Bad);
    }

    #[test]
    fn values_fade_with_age_and_never_vanish() {
        let shown = Shown {
            moment_ms: NOW_MS,
            is_cut: false,
        };
        let faded = |age_s: i64| fade(NOW_MS - age_s * 1_000, 60, shown);
        assert_eq!(faded(60), 1.0);
        assert!((faded(150) - 0.65).abs() < 1e-5);
        assert!((faded(100_000) - 0.3).abs() < 1e-5);
    }
}
