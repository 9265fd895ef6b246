//! Recorded events as the feed sends them: one by one, or in columns.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;
use terrarium_journal::EventRef;
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

pub(crate) fn cloud_event(event: &EventRef<'_>) -> wire::CloudEvent {
    // Metadata that can't be read still leaves the event itself; `terrarium verify` tells what is wrong with it.
    let attributes: Attributes<'_> = serde_json::from_slice(event.metadata).unwrap_or_default();
    wire::CloudEvent {
        id: event.id.to_string(),
        source: attributes.source.into_owned(),
        spec_version: "1.0".to_owned(),
        r#type: event.event_type.to_string(),
        subject: attributes.subject.into_owned(),
        time: attributes.time.into_owned(),
        data_content_type: "application/protobuf".to_owned(),
        data: Bytes::copy_from_slice(event.data),
        position: event.position.0,
        stream: event.stream.to_string(),
        revision: event.revision,
        metadata: Bytes::copy_from_slice(event.metadata),
    }
}

/// The columns of an answer, which grow by one event at a time.
#[derive(Default)]
pub(crate) struct ColumnsPage {
    columns: wire::EventColumns,
    ids: Vec<u8>,
    data: Vec<u8>,
    metadata: Vec<u8>,
    types: Places,
    streams: Places,
}

impl ColumnsPage {
    pub fn push(&mut self, event: &EventRef<'_>) {
        let columns = &mut self.columns;
        let names = &mut columns.type_names;
        columns
            .types
            .push(self.types.place_of(event.event_type, names));
        let names = &mut columns.stream_names;
        columns
            .streams
            .push(self.streams.place_of(event.stream, names));
        columns.positions.push(event.position.0);
        columns.revisions.push(event.revision);
        columns.data_bytes.push(bytes_of(event.data));
        columns.metadata_bytes.push(bytes_of(event.metadata));
        self.ids.extend_from_slice(event.id.as_bytes());
        self.data.extend_from_slice(event.data);
        self.metadata.extend_from_slice(event.metadata);
    }

    /// The columns so far, and begins anew, with room for as much again; `None` when there are no events.
    pub fn take(&mut self) -> Option<wire::EventColumns> {
        let events = self.columns.positions.len();
        if events == 0 {
            return None;
        }
        let like = |bytes: &Vec<u8>| Vec::with_capacity(bytes.len());
        let next = ColumnsPage {
            columns: wire::EventColumns {
                types: Vec::with_capacity(events),
                streams: Vec::with_capacity(events),
                positions: Vec::with_capacity(events),
                revisions: Vec::with_capacity(events),
                data_bytes: Vec::with_capacity(events),
                metadata_bytes: Vec::with_capacity(events),
                ..wire::EventColumns::default()
            },
            ids: like(&self.ids),
            data: like(&self.data),
            metadata: like(&self.metadata),
            types: Places::default(),
            streams: Places::default(),
        };
        let page = std::mem::replace(self, next);
        Some(wire::EventColumns {
            ids: page.ids.into(),
            data: page.data.into(),
            metadata: page.metadata.into(),
            ..page.columns
        })
    }
}

fn bytes_of(part: &[u8]) -> u32 {
    u32::try_from(part.len()).expect("an event is far smaller than 4 GiB")
}

/// Where names stand in the order of their first use.
#[derive(Default)]
struct Places {
    by_name: HashMap<String, u32>,
    /// Of the name that was asked for last: it usually comes again.
    last: u32,
}

impl Places {
    fn place_of(&mut self, name: &str, names: &mut Vec<String>) -> u32 {
        if names
            .get(self.last as usize)
            .is_some_and(|last| last == name)
        {
            return self.last;
        }
        self.last = match self.by_name.get(name) {
            Some(place) => *place,
            None => {
                let place = names.len() as u32;
                names.push(name.to_owned());
                self.by_name.insert(name.to_owned(), place);
                place
            }
        };
        self.last
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use terrarium_journal::{ContentType, Position, RecordedEvent, Ticks};
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
        let mut page = ColumnsPage::default();
        assert_eq!(page.take(), None);
        events.iter().for_each(|event| page.push(&event.view()));
        let columns = page.take().expect("there are events");
        assert_eq!(columns.type_names, ["T1", "T2"]);
        assert_eq!(columns.stream_names, ["a-1", "b-1"]);
        let without_attributes = |event: &RecordedEvent| wire::CloudEvent {
            source: String::new(),
            subject: String::new(),
            time: String::new(),
            spec_version: String::new(),
            data_content_type: String::new(),
            ..cloud_event(&event.view())
        };
        let expected: Vec<_> = events.iter().map(without_attributes).collect();
        assert_eq!(rows(&columns), expected);
        // The next page knows nothing of the names of the one before.
        page.push(&events[1].view());
        let columns = page.take().expect("there is an event");
        assert_eq!(columns.stream_names, ["b-1"]);
        assert_eq!(rows(&columns), expected[1..2]);
        assert_eq!(page.take(), None);
    }

    #[test]
    fn a_cloud_event_repeats_attributes_of_its_metadata_also_those_with_escapes() {
        let metadata =
            r#"{"id":"x","source":"/s","subject":"a \"b\" \u00e9","time":"2016","actor":"me"}"#;
        let sent = cloud_event(&event(3, "a-1", "T1", metadata).view());
        let attributes = (&*sent.source, &*sent.subject, &*sent.time);
        assert_eq!(attributes, ("/s", "a \"b\" \u{e9}", "2016"));
        let unreadable = cloud_event(&event(3, "a-1", "T1", "not JSON").view());
        assert_eq!((&*unreadable.source, unreadable.position), ("", 103));
    }
}
