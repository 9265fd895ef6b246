//! Events that point to others: those that clients wrote, and those of the virtual streams.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::ReadError;
use crate::event::{ContentType, RecordedEvent, Ticks};
use crate::page::Outline;
use crate::read::Contents;

/// Type of an event that only points to another one: its data is `<revision>@<stream>`.
pub const LINK_TYPE: &str = "$>";

/// An event as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedEvent {
    /// `None`: the link points to an event that is no longer there.
    pub event: Option<RecordedEvent>,
    /// The link by which the event was found, if it was one and the reader asked for what it points to.
    pub link: Option<RecordedEvent>,
}

impl ResolvedEvent {
    pub(crate) fn plain(event: RecordedEvent) -> ResolvedEvent {
        ResolvedEvent {
            event: Some(event),
            link: None,
        }
    }

    /// What stands in the stream that was read: the link, or the event itself.
    pub fn original(&self) -> &RecordedEvent {
        self.link
            .as_ref()
            .or(self.event.as_ref())
            .expect("a resolved event has one or the other")
    }
}

impl Contents {
    pub fn resolve(
        &self,
        event: RecordedEvent,
        resolve_links: bool,
        now: Ticks,
    ) -> Result<ResolvedEvent, ReadError> {
        if !resolve_links || &*event.event_type != LINK_TYPE {
            return Ok(ResolvedEvent::plain(event));
        }
        Ok(ResolvedEvent {
            event: self.resolve_link(&event.data, now)?,
            link: Some(event),
        })
    }

    pub fn resolve_link(
        &self,
        target: &[u8],
        now: Ticks,
    ) -> Result<Option<RecordedEvent>, ReadError> {
        let target = std::str::from_utf8(target)
            .ok()
            .and_then(|text| text.split_once('@'))
            .and_then(|(revision, stream)| Some((revision.parse::<u64>().ok()?, stream)));
        let Some((revision, stream)) = target else {
            return Ok(None);
        };
        let Some(event) = self.read_revision(stream, revision)? else {
            return Ok(None);
        };
        Ok(self.is_visible(&event, now)?.then_some(event))
    }

    /// Whether a reader of its stream would get this event.
    pub fn is_visible(&self, event: &RecordedEvent, now: Ticks) -> Result<bool, ReadError> {
        match self.outline(&event.stream)? {
            Outline::NotFound | Outline::Tombstoned(_) | Outline::Virtual { .. } => Ok(false),
            Outline::Stored {
                first_kept,
                max_age,
                ..
            } => {
                let oldest = now.0.saturating_sub(max_age.map_or(u64::MAX, |age| age.0));
                Ok(event.revision >= first_kept && event.recorded.0 >= oldest)
            }
        }
    }
}

/// The event of a virtual stream that points to `event`.
pub(crate) fn link_to(event: &RecordedEvent, stream: &Arc<str>, revision: u64) -> RecordedEvent {
    // Made from the event's own id, so that it is the same whenever it is read.
    let mut id = *event.id.as_bytes();
    for (place, byte) in stream.bytes().enumerate() {
        id[place % 16] = id[place % 16].rotate_left(3) ^ byte;
    }
    RecordedEvent {
        position: event.position,
        stream: Arc::clone(stream),
        revision,
        id: uuid::Builder::from_custom_bytes(id).into_uuid(),
        event_type: Arc::from(LINK_TYPE),
        content_type: ContentType::Binary,
        recorded: event.recorded,
        data: Bytes::from(format!("{}@{}", event.revision, event.stream)),
        metadata: Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::Position;

    #[test]
    fn a_link_has_an_id_of_its_own_that_stays() {
        let event = RecordedEvent {
            position: Position(96),
            stream: Arc::from("a-1"),
            revision: 3,
            id: Uuid::from_u128(7),
            event_type: Arc::from("happened"),
            content_type: ContentType::Json,
            recorded: Ticks(5),
            data: Bytes::new(),
            metadata: Bytes::new(),
        };
        let link = link_to(&event, &Arc::from("$ce-a"), 0);
        assert_eq!(link, link_to(&event, &Arc::from("$ce-a"), 0));
        assert_ne!(link.id, event.id);
        assert_ne!(link.id, link_to(&event, &Arc::from("$et-happened"), 0).id);
        assert_eq!(link.data, "3@a-1");
    }
}
