//! How failures look on the wire: a gRPC code, and trailers that clients make their own errors from.

use prost::Message;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};

use super::protocol::google::rpc;
use super::protocol::shared;
use super::reply::{ExpectedOnWire, stream_identifier};
use crate::error::{AppendError, ReadError, TooLarge};
use crate::event::{ExpectedRevision, MAX_COMMIT_BYTES, MAX_EVENT_BYTES};
use crate::filter::FilterError;
use crate::subscribe::SubscriptionError;

const EXCEPTION: &str = "exception";
const STREAM_NAME: &str = "stream-name";

/// A status with the trailer `exception` and others. What can't be sent as a header is left out.
fn with_trailers(code: Code, message: String, trailers: &[(&'static str, String)]) -> Status {
    let mut metadata = MetadataMap::new();
    for (key, value) in trailers {
        if let Ok(value) = AsciiMetadataValue::try_from(value.as_str()) {
            metadata.insert(*key, value);
        }
    }
    Status::with_metadata(code, message, metadata)
}

/// The stream was deleted for ever.
pub(super) fn stream_deleted(stream: &str) -> Status {
    with_trailers(
        Code::FailedPrecondition,
        format!("Event stream '{stream}' is deleted."),
        &[
            (EXCEPTION, "stream-deleted".to_owned()),
            (STREAM_NAME, stream.to_owned()),
        ],
    )
}

/// A deletion or tombstone that expected another revision. Clients in Python read the message.
fn wrong_expected_version(stream: &str, expected: ExpectedRevision, count: u64) -> Status {
    let expected = version_number(expected);
    let actual = count
        .checked_sub(1)
        .map_or("-1".to_owned(), |revision| revision.to_string());
    with_trailers(
        Code::FailedPrecondition,
        format!(
            "Append failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, Actual version: {actual}"
        ),
        &[
            (EXCEPTION, "wrong-expected-version".to_owned()),
            (STREAM_NAME, stream.to_owned()),
            ("expected-version", expected),
            ("actual-version", actual),
        ],
    )
}

/// Expectations as clients write them in one number.
fn version_number(expected: ExpectedRevision) -> String {
    match expected {
        ExpectedRevision::NoStream => "-1".to_owned(),
        ExpectedRevision::Any => "-2".to_owned(),
        ExpectedRevision::StreamExists => "-4".to_owned(),
        ExpectedRevision::Exact(revision) => revision.to_string(),
    }
}

/// A write that did not happen, as a status. Append answers a wrong revision in its response instead.
pub(super) fn write_status(
    stream: &str,
    expected: ExpectedRevision,
    error: &AppendError,
) -> Status {
    match error {
        AppendError::WrongExpectedRevision { actual } => {
            wrong_expected_version(stream, expected, *actual)
        }
        AppendError::StreamDeleted => stream_deleted(stream),
        AppendError::TooLarge(TooLarge::Event { .. }) => with_trailers(
            Code::InvalidArgument,
            error.to_string(),
            &[
                (EXCEPTION, "maximum-append-event-size-exceeded".to_owned()),
                ("maximum-append-size", MAX_EVENT_BYTES.to_string()),
            ],
        ),
        AppendError::TooLarge(TooLarge::Commit { .. }) => append_too_large(error.to_string()),
        AppendError::TooLarge(_) | AppendError::Empty => {
            Status::invalid_argument(error.to_string())
        }
        AppendError::StorageFull(_) => Status::resource_exhausted(error.to_string()),
        AppendError::Failed(_) | AppendError::Unavailable(_) => {
            Status::unavailable(error.to_string())
        }
    }
}

/// More than one append can have.
pub(super) fn append_too_large(message: String) -> Status {
    with_trailers(
        Code::InvalidArgument,
        message,
        &[
            (EXCEPTION, "maximum-append-size-exceeded".to_owned()),
            ("maximum-append-size", MAX_COMMIT_BYTES.to_string()),
        ],
    )
}

/// An event without what every event needs.
pub(super) fn missing_metadata(property: &str) -> Status {
    with_trailers(
        Code::InvalidArgument,
        format!("the event's metadata has no `{property}`"),
        &[
            (EXCEPTION, "missing-required-metadata-property".to_owned()),
            ("missing-required-metadata-property", property.to_owned()),
        ],
    )
}

/// Nothing is known about the write: it may still happen.
pub(super) fn write_timeout() -> Status {
    Status::deadline_exceeded(
        "the disk did not take the events in time; sending them again is harmless",
    )
}

/// Ends what would go on, so that the client looks for another server.
pub(super) fn server_is_stopping() -> Status {
    Status::unavailable("the server is stopping: connect again")
}

pub(super) fn read_status(error: &ReadError) -> Status {
    match error {
        ReadError::NotAnEvent { .. } | ReadError::BeyondEnd { .. } => {
            Status::invalid_argument(error.to_string())
        }
        ReadError::Damaged { .. } => Status::data_loss(error.to_string()),
        ReadError::Unavailable(_) => Status::unavailable(error.to_string()),
    }
}

pub(super) fn filter_status(error: &FilterError) -> Status {
    Status::invalid_argument(error.to_string())
}

pub(super) fn subscription_status(error: &SubscriptionError) -> Status {
    match error {
        SubscriptionError::Read(error) => read_status(error),
        SubscriptionError::Filter(error) => filter_status(error),
        SubscriptionError::Closed => Status::unavailable(error.to_string()),
    }
}

/// A write of a batch that did not happen: a status inside an answer, with a message packed into it.
pub(super) fn write_in_band(
    stream: &str,
    expected: ExpectedRevision,
    error: &AppendError,
) -> rpc::Status {
    match error {
        AppendError::WrongExpectedRevision { actual } => packed(
            rpc::Code::AlreadyExists,
            "WrongExpectedVersion",
            "WrongExpectedVersion",
            &shared::WrongExpectedVersion {
                current_stream_revision_option: Some(current_revision(*actual)),
                expected_stream_position_option: Some(expected.on_wire()),
            },
        ),
        AppendError::StreamDeleted => packed(
            rpc::Code::NotFound,
            "StreamDeleted",
            "StreamDeleted",
            &shared::StreamDeleted {
                stream_identifier: Some(stream_identifier(stream)),
            },
        ),
        AppendError::TooLarge(TooLarge::Event { .. } | TooLarge::Commit { .. }) => {
            too_large_in_band(&error.to_string())
        }
        AppendError::TooLarge(_) | AppendError::Empty => bad_request(&error.to_string()),
        AppendError::StorageFull(_) | AppendError::Failed(_) | AppendError::Unavailable(_) => {
            packed(
                rpc::Code::Unavailable,
                &error.to_string(),
                "Unknown",
                &shared::Unknown {},
            )
        }
    }
}

fn current_revision(count: u64) -> shared::wrong_expected_version::CurrentStreamRevisionOption {
    use shared::wrong_expected_version::CurrentStreamRevisionOption as Current;
    match count.checked_sub(1) {
        Some(revision) => Current::CurrentStreamRevision(revision),
        None => Current::CurrentNoStream(()),
    }
}

pub(super) fn too_large_in_band(message: &str) -> rpc::Status {
    packed(
        rpc::Code::InvalidArgument,
        message,
        "MaximumAppendSizeExceeded",
        &shared::MaximumAppendSizeExceeded {
            max_append_size: MAX_COMMIT_BYTES as u32,
        },
    )
}

pub(super) fn bad_request(message: &str) -> rpc::Status {
    let details = shared::BadRequest {
        message: message.to_owned(),
    };
    packed(rpc::Code::InvalidArgument, message, "BadRequest", &details)
}

pub(super) fn timeout_in_band() -> rpc::Status {
    packed(
        rpc::Code::DeadlineExceeded,
        "Timeout",
        "Timeout",
        &shared::Timeout {},
    )
}

/// Some clients fail on a status without details, so every one has some.
fn packed(
    code: rpc::Code,
    message: &str,
    details_type: &str,
    details: &impl Message,
) -> rpc::Status {
    rpc::Status {
        code: code.into(),
        message: message.to_owned(),
        details: Some(prost_types::Any {
            type_url: format!("type.googleapis.com/event_store.client.{details_type}"),
            value: details.encode_to_vec(),
        }),
    }
}

/// What can't be understood in a batch, from the status that a single append would get.
pub(super) fn refused_in_band(status: &Status) -> rpc::Status {
    bad_request(status.message())
}
