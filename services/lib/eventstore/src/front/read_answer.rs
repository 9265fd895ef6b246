//! Answers of Read, encoded by the page: events straight from the bytes of the log into what is sent.
//!
//! What comes out is what the generated [`ReadResp`] gives; a test compares the two.

use bytes::Bytes;
use prost::Message;

use super::protocol::streams::{ReadResp, read_resp};
use crate::event::{ContentType, Ticks};
use crate::replay::EventRef;

/// One encoded [`ReadResp`].
#[derive(Debug)]
pub(in crate::front) struct ReadAnswer(Bytes);

impl ReadAnswer {
    pub fn encoded(&self) -> &[u8] {
        &self.0
    }

    pub fn of_content(content: read_resp::Content) -> ReadAnswer {
        let answer = ReadResp {
            content: Some(content),
        };
        ReadAnswer(Bytes::from(answer.encode_to_vec()))
    }
}

/// Answers that are sent one after the other.
#[derive(Debug)]
pub(in crate::front) struct AnswerPage {
    structured_ids: bool,
    encoded: Vec<u8>,
    /// Where each answer ends.
    ends: Vec<usize>,
    created: CreatedText,
}

impl AnswerPage {
    /// `structured_ids`: whether ids are sent as two numbers; otherwise as text.
    pub fn new(structured_ids: bool) -> AnswerPage {
        AnswerPage {
            structured_ids,
            encoded: Vec::new(),
            ends: Vec::new(),
            created: CreatedText::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn encoded_bytes(&self) -> usize {
        self.encoded.len()
    }

    pub fn push_content(&mut self, content: read_resp::Content) {
        let answer = ReadResp {
            content: Some(content),
        };
        answer.encode(&mut self.encoded).expect("the buffer grows");
        self.ends.push(self.encoded.len());
    }

    /// Adds an event, or a link with what it points to.
    pub fn push_event(&mut self, event: Option<&EventRef<'_>>, link: Option<&EventRef<'_>>) {
        let mut sizes =
            |event: &EventRef<'_>| RecordSizes::of(event, self.structured_ids, &mut self.created);
        let event = event.map(|event| (event, sizes(event)));
        let link = link.map(|link| (link, sizes(link)));
        let position = link
            .as_ref()
            .or(event.as_ref())
            .map(|(original, _)| original.position.0);
        let record_bytes = |record: &Option<(&EventRef<'_>, RecordSizes)>| {
            record
                .as_ref()
                .map_or(0, |(_, sizes)| length_delimited(sizes.record))
        };
        let position_bytes = position.map_or(2, |position| 1 + varint_bytes(position));
        let read_event = record_bytes(&event) + record_bytes(&link) + position_bytes;
        let out = &mut self.encoded;
        out.reserve(length_delimited(read_event));
        put_length(out, READ_RESP_EVENT, read_event);
        for (tag, record) in [(READ_EVENT_EVENT, event), (READ_EVENT_LINK, link)] {
            if let Some((event, sizes)) = record {
                put_length(out, tag, sizes.record);
                put_record(out, event, &sizes, self.structured_ids);
            }
        }
        match position {
            Some(position) => put_number(out, READ_EVENT_COMMIT_POSITION, position),
            None => put_length(out, READ_EVENT_NO_POSITION, 0),
        }
        self.ends.push(self.encoded.len());
    }

    pub fn into_answers(self) -> PageAnswers {
        PageAnswers {
            encoded: Bytes::from(self.encoded),
            ends: self.ends.into_iter(),
            taken: 0,
        }
    }
}

/// The answers of a page, in order.
#[derive(Debug, Default)]
pub(in crate::front) struct PageAnswers {
    encoded: Bytes,
    ends: std::vec::IntoIter<usize>,
    taken: usize,
}

impl Iterator for PageAnswers {
    type Item = ReadAnswer;

    fn next(&mut self) -> Option<ReadAnswer> {
        let end = self.ends.next()?;
        let answer = self.encoded.split_to(end - self.taken);
        self.taken = end;
        Some(ReadAnswer(answer))
    }
}

// Field numbers of the protos.
const READ_RESP_EVENT: u8 = 1;
const READ_EVENT_EVENT: u8 = 1;
const READ_EVENT_LINK: u8 = 2;
const READ_EVENT_COMMIT_POSITION: u8 = 3;
const READ_EVENT_NO_POSITION: u8 = 4;
const RECORD_ID: u8 = 1;
const RECORD_STREAM: u8 = 2;
const RECORD_REVISION: u8 = 3;
const RECORD_PREPARE_POSITION: u8 = 4;
const RECORD_COMMIT_POSITION: u8 = 5;
const RECORD_METADATA: u8 = 6;
const RECORD_CUSTOM_METADATA: u8 = 7;
const RECORD_DATA: u8 = 8;
const UUID_STRUCTURED: u8 = 1;
const UUID_STRING: u8 = 2;
const MOST_SIGNIFICANT: u8 = 1;
const LEAST_SIGNIFICANT: u8 = 2;
const STREAM_NAME: u8 = 3;
const MAP_KEY: u8 = 1;
const MAP_VALUE: u8 = 2;

const UUID_TEXT_BYTES: usize = uuid::fmt::Hyphenated::LENGTH;
const TYPE: &str = "type";
const CREATED: &str = "created";
const CONTENT_TYPE: &str = "content-type";

/// Lengths of an event's nested messages, which stand before them.
struct RecordSizes {
    record: usize,
    /// Of the two numbers; none for an id as text.
    structured_id: usize,
    created: Decimal,
}

impl RecordSizes {
    fn of(event: &EventRef<'_>, structured_ids: bool, created: &mut CreatedText) -> RecordSizes {
        let created = created.of(event.recorded);
        let (most, least) = event.id.as_u64_pair();
        let structured_id = number_field(most) + number_field(least);
        let id = if structured_ids {
            length_delimited(structured_id)
        } else {
            length_delimited(UUID_TEXT_BYTES)
        };
        let metadata = [
            (TYPE, event.event_type.len()),
            (CREATED, created.text().len()),
            (CONTENT_TYPE, content_type(event.content_type).len()),
        ];
        let metadata: usize = metadata
            .iter()
            .map(|(key, value)| length_delimited(entry_bytes(key, *value)))
            .sum();
        let record = length_delimited(id)
            + length_delimited(bytes_field(event.stream.len()))
            + number_field(event.revision)
            + 2 * number_field(event.position.0)
            + metadata
            + bytes_field(event.metadata.len())
            + bytes_field(event.data.len());
        RecordSizes {
            record,
            structured_id,
            created,
        }
    }
}

fn put_record(out: &mut Vec<u8>, event: &EventRef<'_>, sizes: &RecordSizes, structured_ids: bool) {
    if structured_ids {
        let (most, least) = event.id.as_u64_pair();
        put_length(out, RECORD_ID, length_delimited(sizes.structured_id));
        put_length(out, UUID_STRUCTURED, sizes.structured_id);
        put_number_field(out, MOST_SIGNIFICANT, most);
        put_number_field(out, LEAST_SIGNIFICANT, least);
    } else {
        let mut text = [0; UUID_TEXT_BYTES];
        event.id.hyphenated().encode_lower(&mut text);
        put_length(out, RECORD_ID, length_delimited(UUID_TEXT_BYTES));
        put_bytes(out, UUID_STRING, &text);
    }
    put_length(out, RECORD_STREAM, bytes_field(event.stream.len()));
    put_bytes_field(out, STREAM_NAME, event.stream.as_bytes());
    put_number_field(out, RECORD_REVISION, event.revision);
    put_number_field(out, RECORD_PREPARE_POSITION, event.position.0);
    put_number_field(out, RECORD_COMMIT_POSITION, event.position.0);
    put_entry(out, TYPE, event.event_type.as_bytes());
    put_entry(out, CREATED, sizes.created.text());
    put_entry(
        out,
        CONTENT_TYPE,
        content_type(event.content_type).as_bytes(),
    );
    put_bytes_field(out, RECORD_CUSTOM_METADATA, event.metadata);
    put_bytes_field(out, RECORD_DATA, event.data);
}

fn content_type(content_type: ContentType) -> &'static str {
    match content_type {
        ContentType::Json => "application/json",
        ContentType::Binary => "application/octet-stream",
    }
}

/// A number in decimal digits.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    digits: [u8; 20],
    begin: usize,
}

impl Decimal {
    fn of(mut number: u64) -> Decimal {
        let mut digits = [b'0'; 20];
        let mut begin = digits.len();
        loop {
            begin -= 1;
            digits[begin] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Decimal { digits, begin };
            }
        }
    }

    fn text(&self) -> &[u8] {
        &self.digits[self.begin..]
    }
}

/// The last time that was written: events that were recorded together share it.
#[derive(Debug)]
struct CreatedText {
    recorded: Ticks,
    text: Decimal,
}

impl Default for CreatedText {
    fn default() -> Self {
        CreatedText {
            recorded: Ticks::default(),
            text: Decimal::of(0),
        }
    }
}

impl CreatedText {
    fn of(&mut self, recorded: Ticks) -> Decimal {
        if self.recorded != recorded {
            self.recorded = recorded;
            self.text = Decimal::of(recorded.0);
        }
        self.text
    }
}

/// Bytes of a number as a varint: 7 bits a byte.
fn varint_bytes(number: u64) -> usize {
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// Bytes of a field of `bytes` bytes with tag and length.
fn length_delimited(bytes: usize) -> usize {
    1 + varint_bytes(bytes as u64) + bytes
}

/// An empty field is left out.
fn bytes_field(bytes: usize) -> usize {
    if bytes == 0 {
        0
    } else {
        length_delimited(bytes)
    }
}

/// A field of 0 is left out.
fn number_field(number: u64) -> usize {
    if number == 0 {
        0
    } else {
        1 + varint_bytes(number)
    }
}

fn entry_bytes(key: &str, value_bytes: usize) -> usize {
    length_delimited(key.len()) + bytes_field(value_bytes)
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_length(out: &mut Vec<u8>, tag: u8, bytes: usize) {
    out.push(tag << 3 | 2);
    put_varint(out, bytes as u64);
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_length(out, tag, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_bytes_field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_bytes(out, tag, bytes);
    }
}

fn put_number(out: &mut Vec<u8>, tag: u8, number: u64) {
    out.push(tag << 3);
    put_varint(out, number);
}

fn put_number_field(out: &mut Vec<u8>, tag: u8, number: u64) {
    if number != 0 {
        put_number(out, tag, number);
    }
}

fn put_entry(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    put_length(out, RECORD_METADATA, entry_bytes(key, value.len()));
    put_bytes(out, MAP_KEY, key.as_bytes());
    put_bytes_field(out, MAP_VALUE, value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::protocol::shared;
    use super::*;
    use crate::event::Position;
    use crate::front::protocol::streams::read_resp::{ReadEvent, read_event};

    #[derive(Clone, Debug)]
    struct Event {
        numbers: (u64, u64, u64, u128),
        names: (String, String),
        is_json: bool,
        bytes: (Vec<u8>, Vec<u8>),
    }

    impl Event {
        fn view(&self) -> EventRef<'_> {
            EventRef {
                position: Position(self.numbers.0),
                stream: &self.names.0,
                revision: self.numbers.1,
                id: Uuid::from_u128(self.numbers.3),
                event_type: &self.names.1,
                content_type: if self.is_json {
                    ContentType::Json
                } else {
                    ContentType::Binary
                },
                recorded: Ticks(self.numbers.2),
                data: &self.bytes.0,
                metadata: &self.bytes.1,
            }
        }

        fn on_wire(&self, structured: bool) -> read_event::RecordedEvent {
            let event = self.view();
            let (most, least) = event.id.as_u64_pair();
            let value = if structured {
                shared::uuid::Value::Structured(shared::uuid::Structured {
                    most_significant_bits: most.cast_signed(),
                    least_significant_bits: least.cast_signed(),
                })
            } else {
                shared::uuid::Value::String(event.id.to_string())
            };
            let metadata = [
                ("type", event.event_type.to_owned()),
                ("created", event.recorded.0.to_string()),
                ("content-type", content_type(event.content_type).to_owned()),
            ];
            read_event::RecordedEvent {
                id: Some(shared::Uuid { value: Some(value) }),
                stream_identifier: Some(shared::StreamIdentifier {
                    stream_name: Bytes::copy_from_slice(event.stream.as_bytes()),
                }),
                stream_revision: event.revision,
                prepare_position: event.position.0,
                commit_position: event.position.0,
                metadata: metadata.map(|(key, value)| (key.to_owned(), value)).into(),
                custom_metadata: Bytes::copy_from_slice(event.metadata),
                data: Bytes::copy_from_slice(event.data),
            }
        }
    }

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 0..300_u64, any::<u64>(), Just(u64::MAX)]
    }

    fn event() -> impl Strategy<Value = Event> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..300);
        let id = prop_oneof![Just(0), any::<u64>().prop_map(u128::from), any::<u128>()];
        (
            (number(), number(), number(), id),
            (".{1,20}", ".{1,200}"),
            any::<bool>(),
            (bytes(), bytes()),
        )
            .prop_map(|(numbers, names, is_json, bytes)| Event {
                numbers,
                names,
                is_json,
                bytes,
            })
    }

    proptest! {
        #[test]
        fn an_encoded_event_is_what_the_generated_message_gives(
            events in prop::collection::vec((prop::option::of(event()), prop::option::of(event())), 1..5),
            structured: bool,
        ) {
            let mut page = AnswerPage::new(structured);
            let mut expected = Vec::new();
            for (event, link) in &events {
                let views = (event.as_ref().map(Event::view), link.as_ref().map(Event::view));
                page.push_event(views.0.as_ref(), views.1.as_ref());
                let original = views.1.or(views.0);
                let position = original.map_or(read_event::Position::NoPosition(shared::Empty {}), |original| {
                    read_event::Position::CommitPosition(original.position.0)
                });
                expected.push(ReadResp {
                    content: Some(read_resp::Content::Event(ReadEvent {
                        event: event.as_ref().map(|event| event.on_wire(structured)),
                        link: link.as_ref().map(|link| link.on_wire(structured)),
                        position: Some(position),
                    })),
                });
            }
            prop_assert_eq!(page.len(), expected.len());
            let answers: Vec<ReadAnswer> = page.into_answers().collect();
            prop_assert_eq!(answers.len(), expected.len());
            for (answer, expected) in answers.iter().zip(&expected) {
                let decoded = ReadResp::decode(answer.encoded()).expect("a message");
                prop_assert_eq!(&decoded, expected);
                prop_assert_eq!(answer.encoded().len(), expected.encoded_len());
            }
        }
    }
}
