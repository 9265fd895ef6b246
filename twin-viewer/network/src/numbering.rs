//! One number for each point, whatever stream tells it: so that deltas of different streams merge.

use std::collections::BTreeMap;

use terrarium_proto::twin::v1 as wire;
use terrarium_view_model::{NewPoint, PointName, Quality, Quantity, Sample, TwinDelta};

/// Our own numbers of points.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    numbers: BTreeMap<PointName, u32>,
}

/// A stream's numbers of points in ours.
#[derive(Debug, Default)]
pub(crate) struct StreamNumbers {
    ours: BTreeMap<u32, u32>,
}

impl Numbering {
    /// Reads an update of a stream. Quantities that this viewer does not know are left out.
    pub(crate) fn read(
        &mut self,
        stream: &mut StreamNumbers,
        update: wire::TwinUpdate,
    ) -> TwinDelta {
        let mut delta = TwinDelta {
            moment_ms: update.moment_ms,
            position: update.position,
            head_position: update.head_position,
            caught_up: update.caught_up,
            ..TwinDelta::default()
        };
        for point in update.new_points {
            let Some(quantity) = Quantity::from_wire(point.quantity) else {
                continue;
            };
            let name = PointName {
                asset: point.asset,
                quantity,
                source: point.source,
            };
            let next = u32::try_from(self.numbers.len()).expect("fewer than 2^32 points");
            let number = *self.numbers.entry(name.clone()).or_insert(next);
            stream.ours.insert(point.index, number);
            delta.new_points.insert(
                number,
                NewPoint {
                    name,
                    usual_interval_s: point.usual_interval_s,
                },
            );
        }
        let values = update.values.unwrap_or_default();
        let columns = values
            .points
            .iter()
            .zip(&values.values)
            .zip(&values.times_ms)
            .zip(&values.qualities);
        for (((point, value), time_ms), quality) in columns {
            if let Some(number) = stream.ours.get(point) {
                let sample = Sample {
                    value: *value,
                    time_ms: *time_ms,
                    recorded: Quality::from_wire(*quality),
                };
                delta.values.insert(*number, Some(sample));
            }
        }
        for point in update.cleared {
            if let Some(number) = stream.ours.get(&point) {
                delta.values.insert(*number, None);
            }
        }
        delta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(points: &[(u32, &str, i32)], values: &[(u32, i64)]) -> wire::TwinUpdate {
        wire::TwinUpdate {
            new_points: points
                .iter()
                .map(|(index, asset, quantity)| wire::Point {
                    index: *index,
                    asset: (*asset).to_owned(),
                    quantity: *quantity,
                    source: String::new(),
                    usual_interval_s: 60,
                })
                .collect(),
            values: Some(wire::Values {
                points: values.iter().map(|(point, _)| *point).collect(),
                values: values.iter().map(|(_, value)| *value).collect(),
                times_ms: vec![1_000; values.len()],
                qualities: vec![1; values.len()],
            }),
            ..wire::TwinUpdate::default()
        }
    }

    #[test]
    fn a_point_keeps_its_number_when_another_stream_numbers_it_otherwise() {
        let mut numbering = Numbering::default();
        let mut one = StreamNumbers::default();
        let first = numbering.read(
            &mut one,
            update(&[(7, "tank", 30), (8, "bin", 40)], &[(7, 5)]),
        );
        let mut other = StreamNumbers::default();
        let second = numbering.read(
            &mut other,
            update(&[(0, "bin", 40), (1, "tank", 30)], &[(1, 6)]),
        );
        let number = |delta: &TwinDelta| *delta.values.keys().next().expect("a value");
        assert_eq!(number(&first), number(&second));
    }

    #[test]
    fn an_unknown_quantity_is_left_out_with_its_values() {
        let mut numbering = Numbering::default();
        let mut stream = StreamNumbers::default();
        let delta = numbering.read(
            &mut stream,
            update(&[(0, "tank", 9_999)], &[(0, 5), (3, 7)]),
        );
        assert!(delta.new_points.is_empty() && delta.values.is_empty());
    }
}
