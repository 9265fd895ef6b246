//! Recorded events as the feed sends them: one by one, or in columns.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use terrarium_journal::RecordedEvent;
use terrarium_proto::feed::v1 as wire;

/// What a CloudEvent repeats of an event's metadata.
#[derive(Default, Deserialize)]
struct Attributes<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

pub(crate) fn cloud_event(event: &RecordedEvent) -> wire::CloudEvent {
    // Metadata that can't be read still leaves the event itself; `terrarium verify` tells what is wrong with it.
    let attributes: Attributes<'_> = serde_json::from_slice(&event.metadata).unwrap_or_default();
    wire::CloudEvent {
        id: event.id.to_string(),
        source: attributes.source.into_owned(),
        spec_version: "1.0".to_owned(),
        r#type: event.event_type.to_string(),
        subject: attributes.subject.into_owned(),
        time: attributes.time.into_owned(),
        data_content_type: "application/protobuf".to_owned(),
        data: event.data.clone(),
        position: event.position.0,
        stream: event.stream.to_string(),
        revision: event.revision,
        metadata: event.metadata.clone(),
    }
}

/// A list for each property of the events; `None` when there are none.
pub(crate) fn event_columns<'a>(
    events: impl Iterator<Item = &'a RecordedEvent>,
) -> Option<wire::EventColumns> {
    let mut columns = wire::EventColumns::default();
    let (mut ids, mut data, mut metadata) = (Vec::new(), Vec::new(), Vec::new());
    let (mut types, mut streams) = (Names::default(), Names::default());
    for event in events {
        ids.extend_from_slice(event.id.as_bytes());
        columns.types.push(types.place_of(&event.event_type));
        columns.streams.push(streams.place_of(&event.stream));
        columns.positions.push(event.position.0);
        columns.revisions.push(event.revision);
        columns.data_bytes.push(bytes_of(&event.data));
        data.extend_from_slice(&event.data);
        columns.metadata_bytes.push(bytes_of(&event.metadata));
        metadata.extend_from_slice(&event.metadata);
    }
    if columns.positions.is_empty() {
        return None;
    }
    columns.type_names = types.names;
    columns.stream_names = streams.names;
    columns.ids = ids.into();
    columns.data = data.into();
    columns.metadata = metadata.into();
    Some(columns)
}

fn bytes_of(part: &[u8]) -> u32 {
    u32::try_from(part.len()).expect("an event is far smaller than 4 GiB")
}

/// Names in the order of their first use.
#[derive(Default)]
struct Names<'a> {
    names: Vec<String>,
    places: HashMap<&'a str, u32>,
}

impl<'a> Names<'a> {
    fn place_of(&mut self, name: &'a str) -> u32 {
        *self.places.entry(name).or_insert_with(|| {
            self.names.push(name.to_owned());
            (self.names.len() - 1) as u32
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use terrarium_journal::{ContentType, Position, Ticks};
    use uuid::Uuid;

    use super::*;

    fn event(number: u64, stream: &str, event_type: &str, metadata: &str) -> RecordedEvent {
        RecordedEvent {
            position: Position(100 + number),
            stream: Arc::from(stream),
            revision: number,
            id: Uuid::from_u128(u128::from(number) << 64 | 7),
            event_type: Arc::from(event_type),
            content_type: ContentType::Binary,
            recorded: Ticks(1),
            data: Bytes::from(vec![number as u8; number as usize]),
            metadata: Bytes::from(metadata.to_owned()),
        }
    }

    /// The events that columns stand for, as far as they say it themselves.
    fn rows(columns: &wire::EventColumns) -> Vec<wire::CloudEvent> {
        let (mut data, mut metadata) = (columns.data.clone(), columns.metadata.clone());
        let ids = columns.ids.chunks_exact(16);
        assert!(ids.remainder().is_empty());
        ids.enumerate()
            .map(|(place, id)| wire::CloudEvent {
                id: Uuid::from_slice(id).expect("16 bytes").to_string(),
                r#type: columns.type_names[columns.types[place] as usize].clone(),
                stream: columns.stream_names[columns.streams[place] as usize].clone(),
                position: columns.positions[place],
                revision: columns.revisions[place],
                data: data.split_to(columns.data_bytes[place] as usize),
                metadata: metadata.split_to(columns.metadata_bytes[place] as usize),
                ..wire::CloudEvent::default()
            })
            .collect()
    }

    #[test]
    fn columns_say_what_events_say() {
        let events = [
            event(0, "a-1", "T1", ""),
            event(1, "b-1", "T2", "{}"),
            event(
                2,
                "a-1",
                "T2",
                r#"{"source":"/s","subject":"it","time":"2016"}"#,
            ),
        ];
        let columns = event_columns(events.iter()).expect("there are events");
        assert_eq!(columns.type_names, ["T1", "T2"]);
        assert_eq!(columns.stream_names, ["a-1", "b-1"]);
        let without_attributes = |event: &RecordedEvent| wire::CloudEvent {
            source: String::new(),
            subject: String::new(),
            time: String::new(),
            spec_version: String::new(),
            data_content_type: String::new(),
            ..cloud_event(event)
        };
        let expected: Vec<_> = events.iter().map(without_attributes).collect();
        assert_eq!(rows(&columns), expected);
        assert_eq!(event_columns([].iter()), None);
    }

    #[test]
    fn a_cloud_event_repeats_attributes_of_its_metadata_also_those_with_escapes() {
        let metadata =
            r#"{"id":"x","source":"/s","subject":"a \"b\" \u00e9","time":"2016","actor":"me"}"#;
        let sent = cloud_event(&event(3, "a-1", "T1", metadata));
        let attributes = (&*sent.source, &*sent.subject, &*sent.time);
        assert_eq!(attributes, ("/s", "a \"b\" \u{e9}", "2016"));
        let unreadable = cloud_event(&event(3, "a-1", "T1", "not JSON"));
        assert_eq!((&*unreadable.source, unreadable.position), ("", 103));
    }
}
