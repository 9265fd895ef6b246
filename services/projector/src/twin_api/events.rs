//! Events around a moment.

use terrarium_journal::{Position, field_status, read_status};
use terrarium_model::AssetId;
use terrarium_proto::twin::v1 as wire;
use terrarium_twin::EventMark;
use tonic::{Code, Status};

use super::{Seen, TwinApi};

const MOST_EVENTS: u32 = 1_000;
/// Marks looked through under one lock.
const LOOKED_THROUGH_AT_ONCE: usize = 20_000;
const DOMAINS: &[&str] = &["alarm", "carbon", "energy", "mobility", "waste", "water"];

/// Which events are wanted.
struct Wanted {
    asset: Option<AssetId>,
    domain: String,
    backwards: bool,
}

/// Where a search goes on: forwards at or after it, backwards before it.
type Place = (i64, u64);

impl Wanted {
    fn of(seen: &Seen<'_>, request: &wire::ListEventsRequest) -> Result<Wanted, Status> {
        let asset = if request.asset.is_empty() {
            None
        } else {
            let assets = &seen.definition.assets;
            let known = assets.get_key_value(request.asset.as_str());
            let (asset, _) = known.ok_or_else(|| {
                field_status(
                    Code::NotFound,
                    "asset",
                    format!(
                        "park {} has no asset \"{}\"; GetPark tells what it has, and empty stands for all",
                        seen.definition.id, request.asset
                    ),
                )
            })?;
            Some(asset.clone())
        };
        if !request.domain.is_empty() && !DOMAINS.contains(&request.domain.as_str()) {
            return Err(field_status(
                Code::InvalidArgument,
                "domain",
                format!(
                    "\"{}\" is no domain; there are {}, and empty stands for all",
                    request.domain,
                    DOMAINS.join(", ")
                ),
            ));
        }
        Ok(Wanted {
            asset,
            domain: request.domain.clone(),
            backwards: request.backwards,
        })
    }

    fn takes(&self, mark: &EventMark<'_>) -> bool {
        (self.domain.is_empty() || self.domain == mark.domain)
            && (self.asset.is_none() || self.asset.as_ref() == mark.asset)
    }

    /// Adds what is wanted of the next marks; gives where to go on, `None` at the end.
    fn search(
        &self,
        seen: &Seen<'_>,
        from: Place,
        most_events: usize,
        found: &mut Vec<wire::TwinEvent>,
    ) -> Option<Place> {
        let events = seen.twin.points().events();
        let marks: &mut dyn Iterator<Item = EventMark<'_>> = if self.backwards {
            &mut events.backwards(from)
        } else {
            &mut events.forwards(from)
        };
        let mut place = None;
        for mark in marks.take(LOOKED_THROUGH_AT_ONCE) {
            place = Some(if self.backwards {
                (mark.time_ms, mark.position)
            } else {
                (mark.time_ms, mark.position + 1)
            });
            if self.takes(&mark) {
                found.push(event_of_mark(seen, &mark));
                if found.len() == most_events {
                    return None;
                }
            }
        }
        place
    }
}

/// The event as far as the twin knows it: its id and type stand in the record.
fn event_of_mark(seen: &Seen<'_>, mark: &EventMark<'_>) -> wire::TwinEvent {
    let values = mark.asset.into_iter().flat_map(|asset| {
        seen.twin.points().of_asset(asset).filter_map(|(_, point)| {
            let sample = point.history.sample_of(mark.time_ms, mark.position)?;
            Some(wire::PointValue {
                quantity: point.name.quantity.code(),
                source: point.name.source.to_string(),
                value: sample.value,
            })
        })
    });
    wire::TwinEvent {
        position: mark.position,
        id: String::new(),
        r#type: String::new(),
        domain: mark.domain.to_owned(),
        asset: mark.asset.map(ToString::to_string).unwrap_or_default(),
        time_ms: mark.time_ms,
        values: values.collect(),
    }
}

impl TwinApi {
    pub(super) async fn events_around(
        &self,
        request: &wire::ListEventsRequest,
    ) -> Result<wire::ListEventsResponse, Status> {
        if !(1..=MOST_EVENTS).contains(&request.most_events) {
            return Err(field_status(
                Code::InvalidArgument,
                "most_events",
                format!("{} is not 1 to {MOST_EVENTS}", request.most_events),
            ));
        }
        let (wanted, position) = self.look(&request.park, |seen| {
            Ok((Wanted::of(seen, request)?, seen.position))
        })?;
        let first_position = match (request.beyond_position, request.backwards) {
            (None, _) => 0,
            (Some(beyond), true) => beyond,
            (Some(beyond), false) => beyond.saturating_add(1),
        };
        let mut events = Vec::new();
        let mut next = Some((request.from_ms, first_position));
        while let Some(from) = next {
            next = self.look(&request.park, |seen| {
                Ok(wanted.search(seen, from, request.most_events as usize, &mut events))
            })?;
        }
        for event in &mut events {
            let recorded = self
                .projector
                .store
                .event_at(Position(event.position))
                .await
                .map_err(|error| read_status(&error))?;
            event.id = recorded.id.to_string();
            event.r#type = recorded.event_type.to_string();
        }
        Ok(wire::ListEventsResponse {
            events,
            position: Some(position),
        })
    }
}
