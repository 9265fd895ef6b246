//! Why a command is not carried out. Pure, and the same in every domain.

use terrarium_model::{UnixSeconds, format_rfc3339_utc};
use tonic::{Code, Status};

use crate::refusal::field_status;

/// Something may have happened this long after the park's clock, so that slightly fast devices are not held up.
pub const CLOCK_TOLERANCE_S: i64 = 60;

/// Why a command is not carried out: the code says how a caller should act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Rejection {
    /// What kind of answer it is.
    pub code: RejectionCode,
    /// Field of the request that is at fault.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Kinds of rejection, named and numbered as gRPC's status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCode {
    /// The request is malformed, whatever was recorded before.
    InvalidArgument = 3,
    /// What it refers to is not recorded.
    NotFound = 5,
    /// Something else is recorded in its place.
    AlreadyExists = 6,
    /// What is recorded does not allow it.
    FailedPrecondition = 9,
}

impl Rejection {
    /// The request is malformed, whatever was recorded before.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Rejection {
        Rejection {
            code: RejectionCode::InvalidArgument,
            field,
            message: message.into(),
        }
    }

    /// What the request refers to is not recorded.
    pub fn not_found(field: &'static str, message: impl Into<String>) -> Rejection {
        Rejection {
            code: RejectionCode::NotFound,
            field,
            message: message.into(),
        }
    }

    /// Something else is recorded in its place.
    pub fn already_exists(field: &'static str, message: impl Into<String>) -> Rejection {
        Rejection {
            code: RejectionCode::AlreadyExists,
            field,
            message: message.into(),
        }
    }

    /// What is recorded, or the park's clock, does not allow it.
    pub fn failed_precondition(field: &'static str, message: impl Into<String>) -> Rejection {
        Rejection {
            code: RejectionCode::FailedPrecondition,
            field,
            message: message.into(),
        }
    }
}

impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Status {
        let code = match rejection.code {
            RejectionCode::InvalidArgument => Code::InvalidArgument,
            RejectionCode::NotFound => Code::NotFound,
            RejectionCode::AlreadyExists => Code::AlreadyExists,
            RejectionCode::FailedPrecondition => Code::FailedPrecondition,
        };
        field_status(code, rejection.field, rejection.message)
    }
}

/// Refuses what would have happened after the park's clock.
pub fn refuse_future(
    field: &'static str,
    time: UnixSeconds,
    now: UnixSeconds,
) -> Result<(), Rejection> {
    if time.0 <= now.0.saturating_add(CLOCK_TOLERANCE_S) {
        return Ok(());
    }
    Err(Rejection::failed_precondition(
        field,
        format!(
            "{} is after the park's time {}; check the device's clock",
            format_rfc3339_utc(time),
            format_rfc3339_utc(now)
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_is_tolerated_for_a_minute_and_no_longer() {
        let now = UnixSeconds(1_000);
        assert_eq!(refuse_future("time", UnixSeconds(1_060), now), Ok(()));
        let refusal = refuse_future("time", UnixSeconds(1_061), now).expect_err("too fast");
        assert_eq!(refusal.code, RejectionCode::FailedPrecondition);
        assert!(
            refusal.message.contains("check the device's clock"),
            "{refusal}"
        );
    }

    #[test]
    fn a_rejection_names_its_field_on_the_wire() {
        let status = Status::from(Rejection::not_found(
            "ask_id",
            "it was never asked; look it up",
        ));
        assert_eq!(status.code(), Code::NotFound);
        assert!(
            status.message().starts_with("ask_id: it was never asked"),
            "{status}"
        );
    }
}
