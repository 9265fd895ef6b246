use std::sync::Arc;

use eventstore::{CurrentRevision, EventData, ExpectedRevision, ResolvedEvent};
use terrarium_journal::{ContentType, Position, ProposedEvent, RecordedEvent};

/// 100 ns in a second.
const TICKS_PER_SECOND: u64 = 10_000_000;

/// Streams of the store itself.
pub(crate) fn is_system(stream: &str) -> bool {
    stream.starts_with('$')
}

/// A stream that has this many events.
pub(crate) fn expecting(count: u64) -> ExpectedRevision {
    match count.checked_sub(1) {
        None => ExpectedRevision::NoStream,
        Some(last) => ExpectedRevision::Exact(last),
    }
}

/// How many events a stream has.
pub(crate) fn count(current: CurrentRevision) -> u64 {
    match current {
        CurrentRevision::NoStream => 0,
        CurrentRevision::Current(last) => last.saturating_add(1),
    }
}

pub(crate) fn event_data(event: &ProposedEvent) -> EventData {
    let data = match event.content_type {
        ContentType::Binary => EventData::binary(&event.event_type, event.data.clone()),
        ContentType::Json => json(event),
    };
    data.id(event.id).metadata(event.metadata.clone())
}

/// The client only makes JSON events from values; raw text keeps the bytes as they are.
fn json(event: &ProposedEvent) -> EventData {
    let raw = std::str::from_utf8(&event.data)
        .ok()
        .and_then(|text| serde_json::value::RawValue::from_string(text.to_owned()).ok());
    raw.and_then(|raw| EventData::json(&event.event_type, &raw).ok())
        .unwrap_or_else(|| EventData::binary(&event.event_type, event.data.clone()))
}

pub(crate) fn position(position: Position) -> eventstore::Position {
    eventstore::Position {
        commit: position.0,
        prepare: position.0,
    }
}

pub(crate) fn recorded(event: &ResolvedEvent) -> RecordedEvent {
    let event = event.get_original_event();
    let seconds = u64::try_from(event.created.timestamp()).unwrap_or(0);
    RecordedEvent {
        position: Position(event.position.commit),
        stream: Arc::from(event.stream_id.as_str()),
        revision: event.revision,
        id: event.id,
        event_type: Arc::from(event.event_type.as_str()),
        content_type: if event.is_json {
            ContentType::Json
        } else {
            ContentType::Binary
        },
        recorded: terrarium_journal::Ticks(seconds.saturating_mul(TICKS_PER_SECOND)),
        data: event.data.clone(),
        metadata: event.custom_metadata.clone(),
    }
}
