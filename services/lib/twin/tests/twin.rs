//! The twin against a plain list: states, changes on the way, and the event index.

use std::collections::BTreeMap;

use proptest::prelude::*;
use terrarium_model::AssetId;
use terrarium_twin::event_index::{Buckets, DomainCounts};
use terrarium_twin::{Cursor, PointId, PointName, Quality, Quantity, Sample, Twin, Value};

fn name(number: usize) -> PointName {
    PointName {
        asset: AssetId::new(&format!("asset-{}", number / 2)).expect("a valid id"),
        quantity: Quantity::ALL[number % 3],
        source: "".into(),
    }
}

fn twin_of(observed: &[(usize, Sample)]) -> Twin {
    let mut twin = Twin::default();
    for (number, sample) in observed {
        twin.observe(&name(*number), *sample);
    }
    twin
}

prop_compose! {
    fn observations()(
        parts in prop::collection::vec((0_usize..6, 0_i64..400, 0_i64..15, -9_i64..9), 1..300)
    ) -> Vec<(usize, Sample)> {
        (0..).zip(parts).map(|(n, (point, time_ms, span_ms, value))| (point, Sample {
            time_ms,
            span_ms,
            value,
            quality: Quality::Good,
            position: n * 10,
        })).collect()
    }
}

/// A state that changes are laid over.
fn lay_over(state: &mut BTreeMap<PointId, Value>, changes: terrarium_twin::Changes) {
    for (id, value) in changes.values {
        assert_ne!(
            state.insert(id, value),
            Some(value),
            "{id:?} was told again"
        );
    }
    for id in changes.cleared {
        assert!(state.remove(&id).is_some(), "{id:?} was cleared before");
    }
}

proptest! {
    #[test]
    fn wherever_a_cursor_goes_the_changes_lead_to_the_state_there(
        observed in observations(),
        late in observations(),
        moments in prop::collection::vec(-10_i64..420, 1..30),
    ) {
        let mut twin = twin_of(&observed);
        let mut cursor = Cursor::default();
        let mut state = BTreeMap::new();
        for (step, moment_ms) in moments.iter().enumerate() {
            if let Some((number, sample)) = late.get(step) {
                twin.observe(&name(*number), Sample { position: 100_000 + sample.position, ..*sample });
            }
            lay_over(&mut state, cursor.seek(&twin, *moment_ms));
            let fresh: BTreeMap<_, _> = Cursor::default().seek(&twin, *moment_ms).values.into_iter().collect();
            prop_assert_eq!(&state, &fresh);
        }
    }

    #[test]
    fn what_changed_after_a_position_leads_from_the_state_there_to_the_newest(
        observed in observations(),
        position in 0_u64..3_000,
    ) {
        let twin = twin_of(&observed);
        let mut state: BTreeMap<_, _> = twin.at_position(position).collect();
        state.extend(twin.changed_after(Some(position)));
        let newest: BTreeMap<_, _> = twin.changed_after(None).collect();
        prop_assert_eq!(&state, &newest);
        let earlier: Vec<_> = observed.iter().filter(|(_, sample)| sample.position <= position).copied().collect();
        let values_by_name = |twin: &Twin, values: &mut dyn Iterator<Item = (PointId, Value)>| -> BTreeMap<PointName, Value> {
            values.map(|(id, value)| (twin.points()[id.0 as usize].name.clone(), value)).collect()
        };
        let then = twin_of(&earlier);
        prop_assert_eq!(
            values_by_name(&twin, &mut twin.at_position(position)),
            values_by_name(&then, &mut then.changed_after(None))
        );
    }

    #[test]
    fn events_are_counted_and_listed_as_in_a_plain_list(
        events in prop::collection::vec((0_i64..500, 0_usize..3, 0_usize..4), 0..400),
        from_ms in 0_i64..300,
        length_ms in 1_i64..300,
        count in 1_u32..20,
        at_once in 1_usize..50,
    ) {
        let domains = ["energy", "water", "waste"];
        let asset = |number: usize| AssetId::new(&format!("a-{number}")).expect("a valid id");
        let mut twin = Twin::default();
        for (position, (time_ms, domain, number)) in (0..).zip(&events) {
            let asset = (*number > 0).then(|| asset(*number));
            twin.happened(*time_ms, position, domains[*domain], asset.as_ref());
        }
        let buckets = Buckets { from_ms, to_ms: from_ms + length_ms, count };
        let up_to = events.len() as u64 / 2;
        let mut counts = DomainCounts::new();
        let mut next = Some((from_ms, 0));
        while let Some(from) = next {
            next = twin.events().count(buckets, from, at_once, up_to, &mut counts);
        }
        for (index, domain) in domains.iter().enumerate() {
            for bucket in 0..count {
                let expected = (0..).zip(&events).filter(|(position, (time_ms, of, _))| {
                    *position <= up_to && *of == index && *time_ms >= from_ms && *time_ms < from_ms + length_ms
                        && (*time_ms - from_ms) * i64::from(count) / length_ms == i64::from(bucket)
                }).count();
                let counted = counts.get(*domain).map_or(0, |of_domain| of_domain[bucket as usize]);
                prop_assert_eq!(counted as usize, expected);
            }
        }
        let mut sorted: Vec<(i64, u64)> = (0..).zip(&events).map(|(position, (time_ms, ..))| (*time_ms, position)).collect();
        sorted.sort_unstable();
        let forwards: Vec<_> = twin.events().forwards((from_ms, 0)).map(|mark| (mark.time_ms, mark.position)).collect();
        let split = sorted.partition_point(|(time_ms, _)| *time_ms < from_ms);
        prop_assert_eq!(&forwards, &sorted[split..]);
        let backwards: Vec<_> = twin.events().backwards((from_ms, 0)).map(|mark| (mark.time_ms, mark.position)).collect();
        sorted.truncate(split);
        sorted.reverse();
        prop_assert_eq!(backwards, sorted);
    }
}

proptest! {
    /// A twin that keeps no histories says the same of now.
    #[test]
    fn a_brief_twin_knows_what_is_so_now(observations in observations()) {
        let full = twin_of(&observations);
        let mut brief = Twin::brief();
        for (number, sample) in &observations {
            brief.observe(&name(*number), *sample);
        }
        for number in 0..6 {
            prop_assert_eq!(brief.newest(&name(number)), full.newest(&name(number)));
        }
        let usual = |twin: &Twin| -> Vec<u32> {
            twin.points().iter().map(terrarium_twin::Point::usual_interval_s).collect()
        };
        prop_assert_eq!(usual(&brief), usual(&full));
    }
}
