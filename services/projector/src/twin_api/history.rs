//! The course of points, and how many events there were when.

use terrarium_journal::field_status;
use terrarium_proto::twin::v1 as wire;
use terrarium_twin::event_index::{Buckets, DomainCounts};
use terrarium_twin::{PointName, Quantity, thin};
use tonic::{Code, Status};

use super::{Seen, TwinApi};
use crate::twin_wire::course_to_wire;

const MOST_POINTS: usize = 200;
const FEWEST_SAMPLES: u32 = 4;
const MOST_SAMPLES: u32 = 20_000;
const USUAL_SAMPLES: u32 = 2_000;
const MOST_SAMPLES_TOGETHER: usize = 1_000_000;
const MOST_BUCKETS: u32 = 10_000;
/// Events counted under one lock.
const COUNTED_AT_ONCE: usize = 50_000;

fn refused(field: &str, message: impl Into<String>) -> Status {
    field_status(Code::InvalidArgument, field, message)
}

impl TwinApi {
    pub(super) fn histories(
        &self,
        request: &wire::HistoryRequest,
    ) -> Result<wire::HistoryResponse, Status> {
        let most_samples = most_samples(request)?;
        let (from_ms, to_ms) = (request.from_ms, request.to_ms);
        if to_ms < from_ms {
            return Err(refused("to_ms", "it is before `from_ms`; turn them round"));
        }
        let mut position = None;
        let mut histories = Vec::with_capacity(request.points.len());
        for (index, asked) in request.points.iter().enumerate() {
            // One look for each, so that the fold waits for one course at most.
            let (name, course) = self.look(&request.park, |seen| {
                position = position.or(Some(seen.position));
                let name = point_name(seen, index, asked)?;
                let points = seen.twin.points();
                let point = points.id(&name).and_then(|id| points.point(id));
                let course = point.map(|point| point.history.course(from_ms, to_ms));
                Ok((name, course.unwrap_or_default()))
            })?;
            let samples = course
                .iter()
                .filter(|sample| sample.time_ms >= from_ms)
                .count();
            let thinned = thin(course, from_ms, to_ms, most_samples);
            histories.push(course_to_wire(&name, &thinned, samples));
        }
        Ok(wire::HistoryResponse {
            histories,
            position,
        })
    }

    pub(super) fn event_density(
        &self,
        request: &wire::DensityRequest,
    ) -> Result<wire::DensityResponse, Status> {
        if !(1..=MOST_BUCKETS).contains(&request.buckets) {
            return Err(refused(
                "buckets",
                format!("{} is not 1 to {MOST_BUCKETS}", request.buckets),
            ));
        }
        if request.to_ms <= request.from_ms {
            return Err(refused("to_ms", "it is not after `from_ms`"));
        }
        let buckets = Buckets {
            from_ms: request.from_ms,
            to_ms: request.to_ms,
            count: request.buckets,
        };
        let position = self.look(&request.park, |seen| Ok(seen.position))?;
        let mut counts = DomainCounts::new();
        let mut next = Some((request.from_ms, 0));
        while let Some(from) = next {
            next = self.look(&request.park, |seen| {
                let events = seen.twin.points().events();
                Ok(events.count(buckets, from, COUNTED_AT_ONCE, position, &mut counts))
            })?;
        }
        Ok(wire::DensityResponse {
            domains: counts
                .into_iter()
                .map(|(domain, events)| wire::DomainDensity {
                    domain: domain.to_string(),
                    events,
                })
                .collect(),
            position: Some(position),
        })
    }
}

fn most_samples(request: &wire::HistoryRequest) -> Result<usize, Status> {
    let points = request.points.len();
    if !(1..=MOST_POINTS).contains(&points) {
        return Err(refused(
            "points",
            format!("there are {points}; ask for 1 to {MOST_POINTS} at once"),
        ));
    }
    let most_samples = match request.most_samples {
        0 => USUAL_SAMPLES,
        asked if (FEWEST_SAMPLES..=MOST_SAMPLES).contains(&asked) => asked,
        asked => {
            return Err(refused(
                "most_samples",
                format!(
                    "{asked} is not {FEWEST_SAMPLES} to {MOST_SAMPLES}; 0 stands for {USUAL_SAMPLES}"
                ),
            ));
        }
    };
    let together = points * most_samples as usize;
    if together > MOST_SAMPLES_TOGETHER {
        return Err(refused(
            "most_samples",
            format!(
                "{points} points of up to {most_samples} samples are {together}; ask for at most {MOST_SAMPLES_TOGETHER}: fewer points \
                 or samples at once"
            ),
        ));
    }
    Ok(most_samples as usize)
}

/// A point of the record, or one that the park's definition lets expect.
fn point_name(seen: &Seen<'_>, index: usize, asked: &wire::PointName) -> Result<PointName, Status> {
    let field = |name: &str| format!("points[{index}].{name}");
    let quantity = Quantity::from_code(asked.quantity).ok_or_else(|| {
        refused(
            &field("quantity"),
            format!("{} is no quantity of this version", asked.quantity),
        )
    })?;
    let assets = &seen.definition.assets;
    let Some((asset, _)) = assets.get_key_value(asked.asset.as_str()) else {
        return Err(field_status(
            Code::NotFound,
            &field("asset"),
            format!(
                "park {} has no asset \"{}\"; GetPark tells what it has",
                seen.definition.id, asked.asset
            ),
        ));
    };
    Ok(PointName {
        asset: asset.clone(),
        quantity,
        source: asked.source.as_str().into(),
    })
}
