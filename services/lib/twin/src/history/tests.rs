use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn sample(time_ms: i64, span_ms: i64, value: i64, position: u64) -> Sample {
    Sample {
        time_ms,
        span_ms,
        value,
        quality: Quality::Good,
        position,
    }
}

fn history_of(samples: &[Sample]) -> History {
    let mut history = History::default();
    for sample in samples {
        history.insert(*sample);
    }
    history
}

/// Value and time shown.
fn shown(history: &History, moment_ms: i64) -> Option<(i64, i64)> {
    let value = history.at(moment_ms).value?;
    Some((value.value, value.time_ms))
}

#[test]
fn a_metered_interval_is_known_inside_and_its_end_counts_as_its_own() {
    let history = history_of(&[
        sample(200, 100, 7, 1),
        sample(300, 100, 9, 2),
        sample(500, 100, 4, 3),
    ]);
    assert_eq!(shown(&history, 99), None);
    assert_eq!(shown(&history, 100), Some((7, 100)));
    assert_eq!(shown(&history, 199), Some((7, 100)));
    assert_eq!(shown(&history, 200), Some((7, 200)));
    assert_eq!(shown(&history, 201), Some((9, 200)));
    assert_eq!(shown(&history, 300), Some((9, 300)));
    // The gap keeps what was known last.
    assert_eq!(shown(&history, 399), Some((9, 300)));
    assert_eq!(shown(&history, 400), Some((4, 400)));
    assert_eq!(shown(&history, 9_000), Some((4, 500)));
}

#[test]
fn a_correction_counts_by_time_and_is_unknown_before_its_position() {
    let history = history_of(&[
        sample(100, 0, 1, 10),
        sample(200, 0, 2, 20),
        sample(100, 0, 5, 30),
        sample(50, 0, 3, 40),
    ]);
    assert_eq!(shown(&history, 150), Some((5, 100)));
    assert_eq!(shown(&history, 60), Some((3, 50)));
    let value_at = |position| history.at_position(position).map(|value| value.value);
    assert_eq!(value_at(9), None);
    assert_eq!(value_at(10), Some(1));
    assert_eq!(value_at(35), Some(2));
    // The newest by time was moved at 20, never after.
    assert_eq!(history.changed_position(), 20);
}

#[test]
fn a_course_has_the_corners_of_its_steps() {
    let history = history_of(&[
        sample(200, 100, 7, 1),
        sample(300, 100, 9, 2),
        sample(500, 100, 4, 3),
    ]);
    let corners = |from, to| -> Vec<(i64, i64)> {
        history
            .course(from, to)
            .iter()
            .map(|corner| (corner.time_ms, corner.value))
            .collect()
    };
    assert_eq!(
        corners(0, 1_000),
        [(100, 7), (200, 7), (200, 9), (300, 9), (400, 4), (500, 4)]
    );
    assert_eq!(corners(250, 450), [(200, 9), (300, 9), (400, 4)]);
    assert_eq!(corners(320, 330), [(300, 9)]);
    assert_eq!(corners(0, 50), []);
}

#[test]
fn the_usual_interval_is_the_median_gap() {
    let mut history = History::default();
    let mut time_ms = 0;
    for (position, gap_s) in (0..).zip([0, 900, 900, 7_200, 900, 60]) {
        assert!(position > 2 || history.usual_interval_s() == 0);
        time_ms += gap_s * 1_000;
        history.insert(sample(time_ms, 0, 1, position));
    }
    assert_eq!(history.usual_interval_s(), 900);
}

#[test]
fn a_year_of_a_meter_takes_little_memory() {
    let mut history = History::default();
    for n in 0..35_040_i64 {
        let position = (n * 46_000 + n * 7_919 % 5_000) as u64;
        history.insert(sample(n * 900_000, 900_000, n * 7_919 % 40_000, position));
    }
    let bytes_per_sample = history.heap_bytes() / history.len();
    assert!(bytes_per_sample <= 16, "{bytes_per_sample} bytes");
}

/// Samples by time; of one time the last recorded one.
struct Naive(Vec<Sample>);

impl Naive {
    fn counting(&self) -> BTreeMap<i64, Sample> {
        let mut by_position = self.0.clone();
        by_position.sort_by_key(|sample| sample.position);
        by_position
            .into_iter()
            .map(|sample| (sample.time_ms, sample))
            .collect()
    }

    fn at(&self, moment_ms: i64) -> Option<Value> {
        let counting = self.counting();
        let before = counting.range(..=moment_ms).next_back().map(|(_, s)| *s);
        let after = counting.range(moment_ms + 1..).next().map(|(_, s)| *s);
        let is_inside = after.is_some_and(|after| after.start_ms() <= moment_ms);
        let ends_now = before.is_some_and(|before| before.time_ms == moment_ms);
        if is_inside && !ends_now {
            let free_from_ms = before.map_or(i64::MIN, |before| before.time_ms);
            return after.map(|after| after.said_at(after.start_ms().max(free_from_ms)));
        }
        before.map(|before| before.at_end())
    }

    fn at_position(&self, position: u64) -> Option<Value> {
        self.0
            .iter()
            .filter(|sample| sample.position <= position)
            .max_by_key(|sample| (sample.time_ms, sample.position))
            .map(Sample::at_end)
    }
}

prop_compose! {
    fn samples(most: usize)(
        parts in prop::collection::vec((0_i64..600, 0_i64..20, -50_i64..50, 1_u8..=4), 0..most)
    ) -> Vec<Sample> {
        (0..).zip(parts).map(|(n, (time_ms, span_ms, value, quality))| Sample {
            time_ms,
            span_ms,
            value,
            quality: Quality::from_code(quality.into()),
            position: n * 3,
        }).collect()
    }
}

proptest! {
    #[test]
    fn a_history_shows_what_a_plain_list_would(samples in samples(500), moments in prop::collection::vec(-5_i64..620, 1..50)) {
        let history = history_of(&samples);
        let naive = Naive(samples.clone());
        for moment_ms in moments {
            let segment = history.at(moment_ms);
            prop_assert!(segment.contains(moment_ms));
            prop_assert_eq!(segment.value, naive.at(moment_ms), "at {}", moment_ms);
            for inside in [segment.from_ms.max(-5), segment.until_ms.min(620) - 1] {
                prop_assert_eq!(naive.at(inside), segment.value, "the segment of {} at {}", moment_ms, inside);
            }
            let position = moment_ms.max(0) as u64 * 2;
            prop_assert_eq!(history.at_position(position), naive.at_position(position));
        }
        prop_assert_eq!(history.newest().map(Sample::at_end), naive.at_position(u64::MAX));
        prop_assert_eq!(history.len(), samples.len());
    }

    #[test]
    fn the_order_in_which_samples_come_changes_nothing(samples in samples(200), moment_ms in 0_i64..600) {
        let mut turned = samples.clone();
        turned.reverse();
        let (forth, back) = (history_of(&samples), history_of(&turned));
        prop_assert_eq!(forth.sum(), back.sum());
        prop_assert_eq!(forth.newest(), back.newest());
        prop_assert_eq!(forth.at(moment_ms), back.at(moment_ms));
        prop_assert_eq!(forth.course(0, moment_ms), back.course(0, moment_ms));
    }

    #[test]
    fn a_course_shows_at_its_corners_what_the_history_shows(samples in samples(200), from_ms in 0_i64..600, length_ms in 0_i64..300) {
        let history = history_of(&samples);
        let course = history.course(from_ms, from_ms + length_ms);
        // A moment's own value is the first one told of this moment, as an interval's end is before the next one's start.
        for moment_ms in from_ms..=from_ms + length_ms {
            let corner = course.iter().find(|corner| corner.time_ms == moment_ms && moment_ms > from_ms);
            if corner.is_some() {
                prop_assert_eq!(history.at(moment_ms).value, corner.copied(), "at {}", moment_ms);
            }
        }
    }
}
