//! From the two times of a request to those of the ledger: a moment becomes the position that was recorded last by then.

use std::sync::Arc;

use terrarium_journal::{Position, StreamName, field_status, recorded_time};
use terrarium_ledger::AsOf;
use terrarium_model::{ParkId, UnixMillis, UnixSeconds, parse_rfc3339_with_offset};
use terrarium_proto::ledger::v1 as wire;
use tonic::{Code, Status};

use super::LedgerApi;
use crate::recorded::KnownBy;

/// Events looked at in one read.
const READ_EVENTS: usize = 512;

impl LedgerApi {
    /// The two times that a request asks for.
    pub(crate) async fn as_of(
        &self,
        park: &str,
        asked: Option<&wire::AsOf>,
    ) -> Result<AsOf, Status> {
        let Some(asked) = asked else {
            return Ok(AsOf::default());
        };
        let instant = |field: &'static str, text: &str| {
            parse_rfc3339_with_offset(text)
                .map_err(|error| field_status(Code::InvalidArgument, field, error.to_string()))
        };
        let at = match asked.at.as_str() {
            "" => None,
            text => Some(instant("as_of.at", text)?),
        };
        let known_at = match (asked.known_at.as_str(), asked.known_at_position) {
            ("", position) => position,
            (_, Some(_)) => {
                return Err(field_status(
                    Code::InvalidArgument,
                    "as_of.known_at",
                    "a moment and a position are given; send one of the two",
                ));
            }
            (text, None) => {
                let known_at = instant("as_of.known_at", text)?;
                Some(self.position_known_at(park, known_at, text).await?)
            }
        };
        Ok(AsOf { at, known_at })
    }

    /// Position of the park's last event that was recorded by a moment.
    async fn position_known_at(
        &self,
        park: &str,
        known_at: UnixSeconds,
        text: &str,
    ) -> Result<u64, Status> {
        let nothing = |why: &str| {
            field_status(
                Code::NotFound,
                "as_of.known_at",
                format!("nothing of park {park} was recorded by {text}{why}"),
            )
        };
        // What was recorded within the second was known when it was over.
        let last_ms = UnixMillis(known_at.0 * 1_000 + 999);
        let park = ParkId::new(park).map_err(|_| nothing(": it is no park's name"))?;
        let known_by = {
            let projection = self.projector.read();
            let recorded = projection
                .recorded(&park)
                .ok_or_else(|| nothing(": no such park is defined here"))?;
            recorded.known_by(last_ms)
        };
        let (mut after, last) = match known_by {
            None => return Err(nothing("; its record begins later")),
            Some(KnownBy::Exactly(position)) => return Ok(position),
            Some(KnownBy::Between(after, last)) => (after, last),
        };
        let mut known = None;
        loop {
            let events = self
                .projector
                .store
                .read_all(after.map(Position), READ_EVENTS)
                .await
                .map_err(|error| Status::data_loss(error.to_string()))?;
            for event in &events {
                if event.position.0 > last {
                    break;
                }
                let is_of_park = StreamName::parse(Arc::clone(&event.stream))
                    .is_ok_and(|stream| stream.park() == park.as_str());
                if is_of_park && recorded_time(event).is_some_and(|time| time <= last_ms) {
                    known = Some(event.position.0);
                }
            }
            match events.last() {
                Some(read) if read.position.0 < last => after = Some(read.position.0),
                _ => break,
            }
        }
        known.ok_or_else(|| nothing("; its record begins later"))
    }
}
