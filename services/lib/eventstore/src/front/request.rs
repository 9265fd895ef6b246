//! From the protocol's requests to the store's words. What is missing or wrong is INVALID_ARGUMENT and says what.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tonic::Status;
use uuid::Uuid;

use super::append_chunk::{ChunkEvent, content_type};
use super::failure::{filter_status, missing_metadata};
use super::protocol::streams::{append_req, batch_append_req, delete_req, read_req, tombstone_req};
use super::protocol::{shared, streams};
use crate::encoding::EVENT_FIXED_BYTES;
use crate::event::{ExpectedRevision, Position, ProposedEvent};
use crate::filter::{Filter, FilterError, FilterOn};
use crate::page::Direction;

/// Key of the event's type in the metadata that the protocol itself needs.
pub(super) const TYPE: &str = "type";
pub(super) const CONTENT_TYPE: &str = "content-type";
pub(super) const JSON: &str = "application/json";
/// Window of a filter that names none, in events.
const DEFAULT_WINDOW: u32 = 32;

pub(super) fn missing(what: &str) -> Status {
    Status::invalid_argument(format!("the request has no {what}"))
}

pub(super) fn stream_name(
    identifier: Option<shared::StreamIdentifier>,
) -> Result<Arc<str>, Status> {
    let name = identifier
        .ok_or_else(|| missing("stream identifier"))?
        .stream_name;
    match std::str::from_utf8(&name) {
        Ok("") => Err(Status::invalid_argument("the stream name is empty")),
        Ok(name) => Ok(Arc::from(name)),
        Err(_) => Err(Status::invalid_argument("the stream name is not UTF-8")),
    }
}

pub(super) fn uuid(uuid: Option<shared::Uuid>) -> Result<Uuid, Status> {
    match uuid.and_then(|uuid| uuid.value) {
        None => Err(missing("UUID where one is needed")),
        Some(shared::uuid::Value::Structured(parts)) => Ok(Uuid::from_u64_pair(
            parts.most_significant_bits.cast_unsigned(),
            parts.least_significant_bits.cast_unsigned(),
        )),
        Some(shared::uuid::Value::String(text)) => Uuid::parse_str(&text)
            .map_err(|error| Status::invalid_argument(format!("\"{text}\" is no UUID: {error}"))),
    }
}

/// Defines how one request's oneof of expectations is read.
macro_rules! expectation {
    ($name:ident, $options:ty, $kind:path, $exact:ident) => {
        pub(super) fn $name(expected: Option<$options>) -> Result<ExpectedRevision, Status> {
            use $kind as Expected;
            Ok(
                match expected.ok_or_else(|| missing("expected revision"))? {
                    Expected::$exact(revision) => ExpectedRevision::Exact(revision),
                    Expected::NoStream(_) => ExpectedRevision::NoStream,
                    Expected::Any(_) => ExpectedRevision::Any,
                    Expected::StreamExists(_) => ExpectedRevision::StreamExists,
                },
            )
        }
    };
}

expectation!(
    append_expectation,
    append_req::options::ExpectedStreamRevision,
    append_req::options::ExpectedStreamRevision,
    Revision
);
expectation!(
    batch_expectation,
    batch_append_req::options::ExpectedStreamPosition,
    batch_append_req::options::ExpectedStreamPosition,
    StreamPosition
);
expectation!(
    delete_expectation,
    delete_req::options::ExpectedStreamRevision,
    delete_req::options::ExpectedStreamRevision,
    Revision
);
expectation!(
    tombstone_expectation,
    tombstone_req::options::ExpectedStreamRevision,
    tombstone_req::options::ExpectedStreamRevision,
    Revision
);

/// What a proposed event weighs in memory and in the log, whatever it is made of.
pub(super) fn proposed_bytes(
    metadata: &BTreeMap<String, String>,
    custom_metadata: &Bytes,
    data: &Bytes,
) -> usize {
    let words: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    EVENT_FIXED_BYTES + words + custom_metadata.len() + data.len()
}

pub(super) fn proposed_event(
    id: Option<shared::Uuid>,
    metadata: &BTreeMap<String, String>,
    custom_metadata: Bytes,
    data: Bytes,
) -> Result<ProposedEvent, Status> {
    let event = ChunkEvent {
        id,
        event_type: metadata.get(TYPE).map(|text| Arc::from(&**text)),
        content_type: metadata.get(CONTENT_TYPE).map(|text| content_type(text)),
        words_bytes: 0,
        custom_metadata,
        data,
    };
    event.propose()
}

impl ChunkEvent {
    /// What the event weighs in memory and in the log, whatever it is made of.
    pub(super) fn bytes(&self) -> usize {
        EVENT_FIXED_BYTES + self.words_bytes + self.custom_metadata.len() + self.data.len()
    }

    pub(super) fn propose(self) -> Result<ProposedEvent, Status> {
        let event_type = self
            .event_type
            .filter(|event_type| !event_type.is_empty())
            .ok_or_else(|| missing_metadata(TYPE))?;
        let content_type = self
            .content_type
            .ok_or_else(|| missing_metadata(CONTENT_TYPE))?;
        Ok(ProposedEvent {
            id: uuid(self.id)?,
            event_type,
            content_type,
            data: self.data,
            metadata: self.custom_metadata,
        })
    }
}

/// What a Read asks for.
pub(super) struct ReadRequest {
    pub source: Source,
    pub direction: Direction,
    pub extent: Extent,
    pub resolve_links: bool,
    pub filter: Option<Filter>,
    pub structured_ids: bool,
    /// Whether the client understands positions of the stream's ends.
    pub tells_ends: bool,
}

pub(super) enum Source {
    Stream { name: Arc<str>, start: Start<u64> },
    All { start: Start<Position> },
}

pub(super) enum Start<T> {
    Beginning,
    End,
    At(T),
}

pub(super) enum Extent {
    Count(u64),
    Subscription,
}

pub(super) fn read_request(request: streams::ReadReq) -> Result<ReadRequest, Status> {
    use read_req::options::{
        CountOption, FilterOption, ReadDirection, StreamOption, all_options, stream_options,
        uuid_option,
    };
    let options = request.options.ok_or_else(|| missing("options"))?;
    let direction = match ReadDirection::try_from(options.read_direction) {
        Ok(ReadDirection::Forwards) => Direction::Forwards,
        Ok(ReadDirection::Backwards) => Direction::Backwards,
        Err(_) => return Err(Status::invalid_argument("the read direction is unknown")),
    };
    let source = match options.stream_option.ok_or_else(|| missing("stream"))? {
        StreamOption::Stream(stream) => Source::Stream {
            name: stream_name(stream.stream_identifier)?,
            start: match stream.revision_option.ok_or_else(|| missing("revision"))? {
                stream_options::RevisionOption::Revision(revision) => Start::At(revision),
                stream_options::RevisionOption::Start(_) => Start::Beginning,
                stream_options::RevisionOption::End(_) => Start::End,
            },
        },
        StreamOption::All(all) => Source::All {
            start: match all.all_option.ok_or_else(|| missing("position"))? {
                all_options::AllOption::Position(position) => {
                    if position.prepare_position > position.commit_position {
                        return Err(Status::invalid_argument(format!(
                            "position {}/{} is prepared after it is committed: start from one that this server gave out",
                            position.commit_position, position.prepare_position
                        )));
                    }
                    Start::At(Position(position.commit_position))
                }
                all_options::AllOption::Start(_) => Start::Beginning,
                all_options::AllOption::End(_) => Start::End,
            },
        },
    };
    let extent = match options.count_option.ok_or_else(|| missing("count"))? {
        CountOption::Count(count) => Extent::Count(count),
        CountOption::Subscription(_) => Extent::Subscription,
    };
    if matches!(extent, Extent::Subscription) && direction == Direction::Backwards {
        return Err(Status::invalid_argument(
            "a subscription only goes forwards",
        ));
    }
    let filter = match options.filter_option {
        Some(FilterOption::Filter(options)) => {
            Some(filter(options).map_err(|error| filter_status(&error))?)
        }
        Some(FilterOption::NoFilter(_)) | None => None,
    };
    if filter.is_some() && matches!(source, Source::Stream { .. }) {
        return Err(Status::invalid_argument("only $all can be filtered"));
    }
    let structured_ids = matches!(
        options.uuid_option.and_then(|option| option.content),
        Some(uuid_option::Content::Structured(_))
    );
    Ok(ReadRequest {
        source,
        direction,
        extent,
        resolve_links: options.resolve_links,
        filter,
        structured_ids,
        tells_ends: options
            .control_option
            .is_some_and(|control| control.compatibility >= 1),
    })
}

fn filter(options: read_req::options::FilterOptions) -> Result<Filter, FilterError> {
    use read_req::options::filter_options::{Filter as By, Window};
    let window = match options.window {
        Some(Window::Max(max)) => max,
        Some(Window::Count(_)) | None => DEFAULT_WINDOW,
    };
    let checkpoint_every = u64::from(window) * u64::from(options.checkpoint_interval_multiplier);
    let (on, expression) = match options.filter.ok_or(FilterError::Empty)? {
        By::StreamIdentifier(expression) => (FilterOn::StreamName, expression),
        By::EventType(expression) => (FilterOn::EventType, expression),
    };
    if expression.regex.is_empty() {
        Filter::by_prefix(on, expression.prefix, checkpoint_every)
    } else {
        Filter::by_expression(on, &expression.regex, checkpoint_every)
    }
}
