//! From the store's words to the protocol's answers.

use bytes::Bytes;
use uuid::Uuid;

use super::protocol::streams::{
    AppendResp, DeleteResp, TombstoneResp, append_resp, batch_append_req, batch_append_resp,
    delete_resp, tombstone_resp,
};
use super::protocol::{google, shared};
use crate::event::{ExpectedRevision, Position, Written};

/// An id as text, or as two numbers.
pub(super) fn wire_uuid(id: &Uuid, structured: bool) -> shared::Uuid {
    let value = if structured {
        let (most, least) = id.as_u64_pair();
        shared::uuid::Value::Structured(shared::uuid::Structured {
            most_significant_bits: most.cast_signed(),
            least_significant_bits: least.cast_signed(),
        })
    } else {
        shared::uuid::Value::String(id.to_string())
    };
    shared::Uuid { value: Some(value) }
}

pub(super) fn stream_identifier(name: &str) -> shared::StreamIdentifier {
    shared::StreamIdentifier {
        stream_name: Bytes::copy_from_slice(name.as_bytes()),
    }
}

pub(super) fn appended(written: &Written) -> AppendResp {
    use append_resp::success::{CurrentRevisionOption, PositionOption};
    let revision = match written.revision {
        Some(revision) => CurrentRevisionOption::CurrentRevision(revision),
        None => CurrentRevisionOption::NoStream(shared::Empty {}),
    };
    let position = match written.position {
        Some(Position(position)) => PositionOption::Position(append_resp::Position {
            commit_position: position,
            prepare_position: position,
        }),
        None => PositionOption::NoPosition(shared::Empty {}),
    };
    AppendResp {
        result: Some(append_resp::Result::Success(append_resp::Success {
            current_revision_option: Some(revision),
            position_option: Some(position),
        })),
    }
}

/// A stream of `count` events that was expected to be otherwise: a response of Append, not a failure.
pub(super) fn not_appended(expected: ExpectedRevision, count: u64) -> AppendResp {
    use append_resp::wrong_expected_version::{
        CurrentRevisionOption, CurrentRevisionOption2060, ExpectedRevisionOption,
        ExpectedRevisionOption2060,
    };
    let (current, current_before) = match count.checked_sub(1) {
        Some(revision) => (
            CurrentRevisionOption::CurrentRevision(revision),
            CurrentRevisionOption2060::CurrentRevision2060(revision),
        ),
        None => (
            CurrentRevisionOption::CurrentNoStream(shared::Empty {}),
            CurrentRevisionOption2060::NoStream2060(shared::Empty {}),
        ),
    };
    let (expected, expected_before) = match expected {
        ExpectedRevision::Exact(revision) => (
            ExpectedRevisionOption::ExpectedRevision(revision),
            Some(ExpectedRevisionOption2060::ExpectedRevision2060(revision)),
        ),
        ExpectedRevision::Any => (
            ExpectedRevisionOption::ExpectedAny(shared::Empty {}),
            Some(ExpectedRevisionOption2060::Any2060(shared::Empty {})),
        ),
        ExpectedRevision::StreamExists => (
            ExpectedRevisionOption::ExpectedStreamExists(shared::Empty {}),
            Some(ExpectedRevisionOption2060::StreamExists2060(
                shared::Empty {},
            )),
        ),
        // The older form has no word for it.
        ExpectedRevision::NoStream => (
            ExpectedRevisionOption::ExpectedNoStream(shared::Empty {}),
            None,
        ),
    };
    AppendResp {
        result: Some(append_resp::Result::WrongExpectedVersion(
            append_resp::WrongExpectedVersion {
                current_revision_option_20_6_0: Some(current_before),
                expected_revision_option_20_6_0: expected_before,
                current_revision_option: Some(current),
                expected_revision_option: Some(expected),
            },
        )),
    }
}

pub(super) fn deleted(written: &Written) -> DeleteResp {
    use delete_resp::PositionOption;
    DeleteResp {
        position_option: Some(match written.position {
            Some(Position(position)) => PositionOption::Position(delete_resp::Position {
                commit_position: position,
                prepare_position: position,
            }),
            None => PositionOption::NoPosition(shared::Empty {}),
        }),
    }
}

pub(super) fn tombstoned(written: &Written) -> TombstoneResp {
    use tombstone_resp::PositionOption;
    TombstoneResp {
        position_option: Some(match written.position {
            Some(Position(position)) => PositionOption::Position(tombstone_resp::Position {
                commit_position: position,
                prepare_position: position,
            }),
            None => PositionOption::NoPosition(shared::Empty {}),
        }),
    }
}

pub(super) fn batch_result(
    result: Result<Written, google::rpc::Status>,
) -> batch_append_resp::Result {
    use batch_append_resp::success::{CurrentRevisionOption, PositionOption};
    let written = match result {
        Ok(written) => written,
        Err(status) => return batch_append_resp::Result::Error(status),
    };
    let revision = match written.revision {
        Some(revision) => CurrentRevisionOption::CurrentRevision(revision),
        None => CurrentRevisionOption::NoStream(()),
    };
    let position = match written.position {
        Some(Position(position)) => PositionOption::Position(shared::AllStreamPosition {
            commit_position: position,
            prepare_position: position,
        }),
        None => PositionOption::NoPosition(()),
    };
    batch_append_resp::Result::Success(batch_append_resp::Success {
        current_revision_option: Some(revision),
        position_option: Some(position),
    })
}

/// The expectation of a batch, given back with its answer.
pub(super) fn echoed_expectation(
    expected: &batch_append_req::options::ExpectedStreamPosition,
) -> batch_append_resp::ExpectedStreamPosition {
    use batch_append_req::options::ExpectedStreamPosition as Asked;
    use batch_append_resp::ExpectedStreamPosition as Echoed;
    match expected {
        Asked::StreamPosition(revision) => Echoed::StreamPosition(*revision),
        Asked::NoStream(()) => Echoed::NoStream(()),
        Asked::Any(()) => Echoed::Any(()),
        Asked::StreamExists(()) => Echoed::StreamExists(()),
    }
}

/// An expectation inside a packed error.
pub(super) trait ExpectedOnWire {
    fn on_wire(self) -> shared::wrong_expected_version::ExpectedStreamPositionOption;
}

impl ExpectedOnWire for ExpectedRevision {
    fn on_wire(self) -> shared::wrong_expected_version::ExpectedStreamPositionOption {
        use shared::wrong_expected_version::ExpectedStreamPositionOption as Wire;
        match self {
            ExpectedRevision::Exact(revision) => Wire::ExpectedStreamPosition(revision),
            ExpectedRevision::Any => Wire::ExpectedAny(()),
            ExpectedRevision::StreamExists => Wire::ExpectedStreamExists(()),
            ExpectedRevision::NoStream => Wire::ExpectedNoStream(()),
        }
    }
}
