//! How failures of a decision look on the wire, the same in every service.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::clocks::ClockError;
use crate::desk::SubmitError;
use crate::parks::ParkError;
use crate::store::ReadError;

/// Callers are asked to try again after this time.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// What the record does not tell for now, as after a restart of its store: ask again.
fn unavailable(message: String) -> Status {
    Status::with_error_details(
        Code::Unavailable,
        message,
        ErrorDetails::with_retry_info(Some(RETRY_AFTER)),
    )
}

/// A record that can't be read: UNAVAILABLE while its store is away, DATA_LOSS if what it holds is wrong.
pub fn read_status(error: &ReadError) -> Status {
    match error {
        ReadError::Unavailable(_) => unavailable(error.to_string()),
        ReadError::NotAnEvent { .. } | ReadError::BeyondEnd { .. } | ReadError::Damaged { .. } => {
            Status::data_loss(error.to_string())
        }
    }
}

impl From<SubmitError> for Status {
    fn from(error: SubmitError) -> Status {
        match &error {
            SubmitError::Unavailable(_) => {
                unavailable(format!("{error}; nothing acknowledged is lost, send again"))
            }
            SubmitError::TooLarge { .. } => Status::invalid_argument(error.to_string()),
            SubmitError::Contended { .. } => Status::aborted(error.to_string()),
            SubmitError::Unreadable { .. } => Status::data_loss(error.to_string()),
        }
    }
}

impl From<ParkError> for Status {
    fn from(error: ParkError) -> Status {
        match &error {
            ParkError::Unknown(_) => Status::with_error_details(
                Code::NotFound,
                error.to_string(),
                ErrorDetails::with_bad_request_violation("park", error.to_string()),
            ),
            ParkError::Unavailable(_) => unavailable(error.to_string()),
            ParkError::Unreadable { .. } => Status::data_loss(error.to_string()),
        }
    }
}

impl From<ClockError> for Status {
    fn from(error: ClockError) -> Status {
        match &error {
            ClockError::NeverSet(_) => Status::with_error_details(
                Code::FailedPrecondition,
                error.to_string(),
                ErrorDetails::with_bad_request_violation("park", error.to_string()),
            ),
            ClockError::ToldInWallPark(_) => field_status(
                Code::InvalidArgument,
                terrarium_proto::PARK_TIME,
                error.to_string(),
            ),
            ClockError::Unavailable(_) => unavailable(error.to_string()),
            ClockError::Unreadable { .. } => Status::data_loss(error.to_string()),
        }
    }
}

/// A status with the field at fault.
pub fn field_status(code: Code, field: &str, message: impl Into<String>) -> Status {
    let message = message.into();
    Status::with_error_details(
        code,
        format!("{field}: {message}"),
        ErrorDetails::with_bad_request_violation(field, message),
    )
}
