//! A chunk of a BatchAppend, read by hand: its events keep slices of what was received, and no map of their metadata is made.
//!
//! What is written in an unusual way (fields that come twice, groups, fields of another kind) is left to the generated
//! [`BatchAppendReq`]; a test compares the two.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use prost::{DecodeError, Message};

use super::protocol::shared;
use super::protocol::streams::{BatchAppendReq, batch_append_req};
use super::request::{CONTENT_TYPE, JSON, TYPE};
use crate::event::ContentType;

/// [`BatchAppendReq`] as the server needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::front) struct AppendChunk {
    pub correlation_id: Option<shared::Uuid>,
    pub options: Option<batch_append_req::Options>,
    pub events: Vec<ChunkEvent>,
    pub is_final: bool,
    /// Length of the whole message, which the events keep in memory.
    pub message_bytes: usize,
}

/// A proposed event, with what the store uses of its metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::front) struct ChunkEvent {
    pub id: Option<shared::Uuid>,
    pub event_type: Option<Arc<str>>,
    pub content_type: Option<ContentType>,
    /// Length of all keys and values of the metadata.
    pub words_bytes: usize,
    pub custom_metadata: Bytes,
    pub data: Bytes,
}

impl AppendChunk {
    pub fn decode(message: &Bytes) -> Result<AppendChunk, DecodeError> {
        let mut chunk = match read_chunk(message) {
            Some(chunk) => chunk,
            None => AppendChunk::from(BatchAppendReq::decode(message.clone())?),
        };
        chunk.message_bytes = message.len();
        Ok(chunk)
    }
}

impl From<BatchAppendReq> for AppendChunk {
    fn from(request: BatchAppendReq) -> AppendChunk {
        let event = |event: batch_append_req::ProposedMessage| ChunkEvent {
            id: event.id,
            event_type: event.metadata.get(TYPE).map(|text| Arc::from(&**text)),
            content_type: event
                .metadata
                .get(CONTENT_TYPE)
                .map(|text| content_type(text)),
            words_bytes: event
                .metadata
                .iter()
                .map(|(key, value)| key.len() + value.len())
                .sum(),
            custom_metadata: event.custom_metadata,
            data: event.data,
        };
        AppendChunk {
            correlation_id: request.correlation_id,
            options: request.options,
            events: request.proposed_messages.into_iter().map(event).collect(),
            is_final: request.is_final,
            message_bytes: 0,
        }
    }
}

pub(super) fn content_type(text: &str) -> ContentType {
    if text == JSON {
        ContentType::Json
    } else {
        ContentType::Binary
    }
}

// Field numbers of the protos.
const CORRELATION_ID: u64 = 1;
const OPTIONS: u64 = 2;
const PROPOSED_MESSAGES: u64 = 3;
const IS_FINAL: u64 = 4;
const EVENT_ID: u64 = 1;
const EVENT_METADATA: u64 = 2;
const EVENT_CUSTOM_METADATA: u64 = 3;
const EVENT_DATA: u64 = 4;
const UUID_STRUCTURED: u64 = 1;
const MOST_SIGNIFICANT: u64 = 1;
const LEAST_SIGNIFICANT: u64 = 2;
const MAP_KEY: u64 = 1;
const MAP_VALUE: u64 = 2;

const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;

/// `None`: unusual, or wrong.
fn read_chunk(message: &Bytes) -> Option<AppendChunk> {
    let mut chunk = AppendChunk::default();
    let mut fields = Fields::of(message, 0..message.len());
    let mut last_type: Option<Arc<str>> = None;
    while let Some(field) = fields.next()? {
        match field {
            Field::Bytes(CORRELATION_ID, range) if chunk.correlation_id.is_none() => {
                chunk.correlation_id = Some(read_uuid(message, range)?);
            }
            Field::Bytes(OPTIONS, range) if chunk.options.is_none() => {
                chunk.options = Some(batch_append_req::Options::decode(message.slice(range)).ok()?);
            }
            Field::Bytes(PROPOSED_MESSAGES, range) => {
                chunk
                    .events
                    .push(read_event(message, range, &mut last_type)?);
            }
            Field::Number(IS_FINAL, is_final) => chunk.is_final = is_final != 0,
            _ => return None,
        }
    }
    Some(chunk)
}

fn read_event(
    message: &Bytes,
    range: Range<usize>,
    last_type: &mut Option<Arc<str>>,
) -> Option<ChunkEvent> {
    let mut event = ChunkEvent::default();
    let mut fields = Fields::of(message, range);
    while let Some(field) = fields.next()? {
        match field {
            Field::Bytes(EVENT_ID, range) if event.id.is_none() => {
                event.id = Some(read_uuid(message, range)?);
            }
            Field::Bytes(EVENT_METADATA, range) => {
                read_word(message, range, &mut event, last_type)?;
            }
            Field::Bytes(EVENT_CUSTOM_METADATA, range) => {
                event.custom_metadata = message.slice(range);
            }
            Field::Bytes(EVENT_DATA, range) => event.data = message.slice(range),
            _ => return None,
        }
    }
    Some(event)
}

/// A key of the metadata and its value. Only the two that the protocol itself needs are usual.
fn read_word(
    message: &Bytes,
    range: Range<usize>,
    event: &mut ChunkEvent,
    last_type: &mut Option<Arc<str>>,
) -> Option<()> {
    let mut fields = Fields::of(message, range);
    let (Some(Field::Bytes(MAP_KEY, key)), Some(Field::Bytes(MAP_VALUE, value)), None) =
        (fields.next()?, fields.next()?, fields.next()?)
    else {
        return None;
    };
    event.words_bytes += key.len() + value.len();
    let value = std::str::from_utf8(&message[value]).ok()?;
    let key = &message[key];
    if key == TYPE.as_bytes() && event.event_type.is_none() {
        let known = last_type.take().filter(|last| &**last == value);
        let event_type = known.unwrap_or_else(|| Arc::from(value));
        *last_type = Some(Arc::clone(&event_type));
        event.event_type = Some(event_type);
    } else if key == CONTENT_TYPE.as_bytes() && event.content_type.is_none() {
        event.content_type = Some(content_type(value));
    } else {
        return None;
    }
    Some(())
}

fn read_uuid(message: &Bytes, range: Range<usize>) -> Option<shared::Uuid> {
    let mut fields = Fields::of(message, range.clone());
    match (fields.next()?, fields.next()?) {
        (Some(Field::Bytes(UUID_STRUCTURED, range)), None) => {
            let mut parts = shared::uuid::Structured::default();
            let mut numbers = Fields::of(message, range);
            while let Some(number) = numbers.next()? {
                match number {
                    Field::Number(MOST_SIGNIFICANT, most) => {
                        parts.most_significant_bits = most.cast_signed();
                    }
                    Field::Number(LEAST_SIGNIFICANT, least) => {
                        parts.least_significant_bits = least.cast_signed();
                    }
                    _ => return None,
                }
            }
            let value = Some(shared::uuid::Value::Structured(parts));
            Some(shared::Uuid { value })
        }
        _ => shared::Uuid::decode(message.slice(range)).ok(),
    }
}

/// A field of a message: its number, and its value or where that is.
enum Field {
    Number(u64, u64),
    Bytes(u64, Range<usize>),
}

/// Walks the fields of a message that lies at `offset..end`.
struct Fields<'a> {
    bytes: &'a [u8],
    offset: usize,
    end: usize,
}

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8], range: Range<usize>) -> Fields<'a> {
        Fields {
            bytes,
            offset: range.start,
            end: range.end,
        }
    }

    /// The next field; `Some(None)` at the end, `None` when there is another kind of field, or none that can be read.
    fn next(&mut self) -> Option<Option<Field>> {
        if self.offset == self.end {
            return Some(None);
        }
        let key = self.varint()?;
        let number = key >> 3;
        match key & 7 {
            VARINT => Some(Some(Field::Number(number, self.varint()?))),
            LENGTH_DELIMITED => {
                let length = usize::try_from(self.varint()?).ok()?;
                let begin = self.offset;
                let end = begin.checked_add(length).filter(|end| *end <= self.end)?;
                self.offset = end;
                Some(Some(Field::Bytes(number, begin..end)))
            }
            _ => None,
        }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = *self.bytes[..self.end].get(self.offset)?;
            self.offset += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        // The tenth byte has the last bit.
        let byte = *self.bytes[..self.end].get(self.offset)?;
        self.offset += 1;
        (byte <= 1).then(|| number | u64::from(byte) << 63)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::front::protocol::streams::batch_append_req::options::ExpectedStreamPosition;

    fn id() -> impl Strategy<Value = shared::Uuid> {
        let value = prop_oneof![
            4 => any::<(i64, i64)>().prop_map(|(most, least)| {
                Some(shared::uuid::Value::Structured(shared::uuid::Structured {
                    most_significant_bits: most,
                    least_significant_bits: least,
                }))
            }),
            1 => ".{0,40}".prop_map(|text| Some(shared::uuid::Value::String(text))),
            1 => Just(None),
        ];
        value.prop_map(|value| shared::Uuid { value })
    }

    fn metadata() -> impl Strategy<Value = BTreeMap<String, String>> {
        let usual = ("[a-z]{1,5}", prop::bool::ANY).prop_map(|(event_type, is_json)| {
            let content_type = if is_json {
                JSON
            } else {
                "application/octet-stream"
            };
            BTreeMap::from([
                (TYPE.to_owned(), event_type),
                (CONTENT_TYPE.to_owned(), content_type.to_owned()),
            ])
        });
        let keys = prop_oneof![
            Just(TYPE.to_owned()),
            Just(CONTENT_TYPE.to_owned()),
            ".{0,4}"
        ];
        prop_oneof![4 => usual, 1 => prop::collection::btree_map(keys, ".{0,9}", 0..4)]
    }

    fn event() -> impl Strategy<Value = batch_append_req::ProposedMessage> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        (prop::option::of(id()), metadata(), bytes(), bytes()).prop_map(
            |(id, metadata, custom_metadata, data)| batch_append_req::ProposedMessage {
                id,
                metadata,
                custom_metadata,
                data,
            },
        )
    }

    fn request() -> impl Strategy<Value = BatchAppendReq> {
        let options = ".{0,9}".prop_map(|name| batch_append_req::Options {
            stream_identifier: Some(shared::StreamIdentifier {
                stream_name: name.into(),
            }),
            deadline_option: None,
            expected_stream_position: Some(ExpectedStreamPosition::Any(())),
        });
        let events = prop::collection::vec(event(), 0..6);
        (
            prop::option::of(id()),
            prop::option::of(options),
            events,
            any::<bool>(),
        )
            .prop_map(|(correlation_id, options, proposed_messages, is_final)| {
                BatchAppendReq {
                    correlation_id,
                    options,
                    proposed_messages,
                    is_final,
                }
            })
    }

    fn both(
        bytes: &Bytes,
    ) -> (
        Result<AppendChunk, DecodeError>,
        Result<AppendChunk, DecodeError>,
    ) {
        let generated = BatchAppendReq::decode(bytes.clone()).map(|request| AppendChunk {
            message_bytes: bytes.len(),
            ..AppendChunk::from(request)
        });
        (AppendChunk::decode(bytes), generated)
    }

    proptest! {
        #[test]
        fn a_chunk_reads_as_the_generated_message(request in request()) {
            let (chunk, generated) = both(&request.encode_to_vec().into());
            prop_assert_eq!(chunk, generated);
        }

        #[test]
        fn a_chunk_with_a_changed_byte_or_an_end_cut_off_reads_as_the_generated_message(
            request in request(), place: prop::sample::Index, byte: u8, end: prop::sample::Index,
        ) {
            let mut bytes = request.encode_to_vec();
            prop_assume!(!bytes.is_empty());
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes.truncate(end.index(bytes.len()) + 1);
            let (chunk, generated) = both(&bytes.into());
            prop_assert_eq!(chunk, generated);
        }

        #[test]
        fn two_requests_in_one_read_as_the_generated_message(one in request(), other in request()) {
            let mut bytes = one.encode_to_vec();
            other.encode(&mut bytes).expect("the buffer grows");
            let (chunk, generated) = both(&bytes.into());
            prop_assert_eq!(chunk, generated);
        }
    }

    #[test]
    fn usual_chunks_are_read_without_the_generated_message() {
        let event = |event_type: &str| batch_append_req::ProposedMessage {
            metadata: [(TYPE, event_type), (CONTENT_TYPE, JSON)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            data: Bytes::from_static(b"{}"),
            ..Default::default()
        };
        let request = BatchAppendReq {
            proposed_messages: vec![event("a"), event("a"), event("b")],
            is_final: true,
            ..Default::default()
        };
        let chunk = read_chunk(&request.encode_to_vec().into()).expect("a usual chunk");
        let types: Vec<_> = chunk
            .events
            .iter()
            .filter_map(|event| event.event_type.clone())
            .collect();
        assert!(Arc::ptr_eq(&types[0], &types[1]));
        assert_eq!(&*types[2], "b");
        assert_eq!(chunk, AppendChunk::from(request));
    }
}
