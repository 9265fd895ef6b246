//! Points and values as the wire carries them.

use terrarium_proto::twin::v1 as wire;
use terrarium_twin::{Point, PointId, PointName, Value};

use crate::twin::ParkTwin;

/// A point is told again when its usual interval has moved by more than a fifth.
const TOLD_AGAIN_BEYOND: u32 = 5;

/// What a stream has told of the points.
#[derive(Default)]
pub(crate) struct Told {
    /// Usual interval as told, in seconds, by point.
    usual_intervals_s: Vec<Option<u32>>,
}

impl Told {
    /// The points of these values that are to be told, again or for the first time.
    pub fn new_points(&mut self, twin: &ParkTwin, values: &[(PointId, Value)]) -> Vec<wire::Point> {
        let points = twin.points().points();
        self.usual_intervals_s.resize(points.len(), None);
        let mut new_points = Vec::new();
        for (id, _) in values {
            let point = &points[id.0 as usize];
            let interval_s = point.usual_interval_s();
            let told = &mut self.usual_intervals_s[id.0 as usize];
            let is_known =
                told.is_some_and(|told| told.abs_diff(interval_s) <= told / TOLD_AGAIN_BEYOND);
            if !is_known {
                *told = Some(interval_s);
                new_points.push(point_to_wire(*id, point, interval_s));
            }
        }
        new_points
    }
}

fn point_to_wire(id: PointId, point: &Point, usual_interval_s: u32) -> wire::Point {
    wire::Point {
        index: id.0,
        asset: point.name.asset.to_string(),
        quantity: point.name.quantity.code(),
        source: point.name.source.to_string(),
        usual_interval_s,
    }
}

/// Values as columns.
pub(crate) fn values_to_wire(values: &[(PointId, Value)]) -> wire::Values {
    wire::Values {
        points: values.iter().map(|(id, _)| id.0).collect(),
        values: values.iter().map(|(_, value)| value.value).collect(),
        times_ms: values.iter().map(|(_, value)| value.time_ms).collect(),
        qualities: values
            .iter()
            .map(|(_, value)| value.quality.code())
            .collect(),
    }
}

/// A point's course as columns.
pub(crate) fn course_to_wire(
    name: &PointName,
    course: &[Value],
    samples: usize,
) -> wire::PointHistory {
    wire::PointHistory {
        point: Some(wire::PointName {
            asset: name.asset.to_string(),
            quantity: name.quantity.code(),
            source: name.source.to_string(),
        }),
        times_ms: course.iter().map(|sample| sample.time_ms).collect(),
        values: course.iter().map(|sample| sample.value).collect(),
        qualities: course.iter().map(|sample| sample.quality.code()).collect(),
        samples: samples as u64,
    }
}
