//! Fewer samples of the same course, for charts.

use crate::history::Value;

/// A corner of a course.
pub type ChartSample = Value;

/// Corners kept of each bucket: first, least, greatest, last.
pub const KEPT_OF_BUCKET: usize = 4;

/// At most `most` (4 or more) samples of a course over a range: the range is cut into buckets of equal length, and of each
/// the first, the last, the least and the greatest sample are kept, so that no peak is lost.
pub fn thin(course: Vec<ChartSample>, from_ms: i64, to_ms: i64, most: usize) -> Vec<ChartSample> {
    if course.len() <= most {
        return course;
    }
    let buckets = (most / KEPT_OF_BUCKET).max(1) as i128;
    let length_ms = i128::from(to_ms) - i128::from(from_ms) + 1;
    let bucket_of = |sample: &ChartSample| {
        let offset_ms = (i128::from(sample.time_ms) - i128::from(from_ms)).max(0);
        offset_ms * buckets / length_ms
    };
    let mut thinned = Vec::with_capacity(most);
    for bucket in course.chunk_by(|a, b| bucket_of(a) == bucket_of(b)) {
        let (mut least, mut greatest) = (0, 0);
        for (index, sample) in bucket.iter().enumerate() {
            if sample.value < bucket[least].value {
                least = index;
            }
            if sample.value > bucket[greatest].value {
                greatest = index;
            }
        }
        let mut kept = [0, least, greatest, bucket.len() - 1];
        kept.sort_unstable();
        let mut last_kept = None;
        for index in kept {
            if last_kept != Some(index) {
                thinned.push(bucket[index]);
                last_kept = Some(index);
            }
        }
    }
    thinned
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::point::Quality;

    fn sample(time_ms: i64, value: i64) -> ChartSample {
        ChartSample {
            time_ms,
            value,
            quality: Quality::Good,
        }
    }

    #[test]
    fn a_short_course_stays_as_it_is() {
        let course: Vec<_> = (0..8).map(|n| sample(n, n)).collect();
        assert_eq!(thin(course.clone(), 0, 7, 8), course);
    }

    proptest! {
        #[test]
        fn no_peak_is_lost_and_the_ends_stay(
            values in prop::collection::vec((0_i64..3, -1_000_i64..1_000), 1..500),
            most in 4_usize..60,
        ) {
            let mut time_ms = 100;
            let course: Vec<_> = values
                .iter()
                .map(|(gap, value)| {
                    time_ms += gap;
                    sample(time_ms, *value)
                })
                .collect();
            let thinned = thin(course.clone(), 100, time_ms, most);
            prop_assert!(thinned.len() <= most.max(course.len().min(most)));
            prop_assert_eq!(thinned.first(), course.first());
            prop_assert_eq!(thinned.last(), course.last());
            let extremes = |samples: &[ChartSample]| {
                let values = || samples.iter().map(|sample| sample.value);
                (values().min(), values().max())
            };
            prop_assert_eq!(extremes(&thinned), extremes(&course));
            prop_assert!(thinned.is_sorted_by_key(|sample| sample.time_ms));
        }
    }
}
