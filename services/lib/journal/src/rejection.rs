//! Why a command is not carried out. Pure, and the same in every domain.

use terrarium_model::{UnixSeconds, format_rfc3339_utc, parse_rfc3339_with_offset};
use tonic::{Code, Status};

use crate::refusal::field_status;

/// Something may have happened this long after the park's clock, so that slightly fast devices are not held up.
pub const CLOCK_TOLERANCE_S: i64 = 60;
/// Longest id that a caller chooses, in bytes.
const LONGEST_TOKEN_BYTES: usize = 64;

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

/// Reads an instant.
pub fn take_in_instant(field: &'static str, text: &str) -> Result<UnixSeconds, Rejection> {
    parse_rfc3339_with_offset(text).map_err(|error| Rejection::invalid(field, error.to_string()))
}

/// Checks an id that a caller chooses. Its alphabet has no room for names, plates and card numbers with their signs.
pub fn take_in_token(field: &'static str, text: &str) -> Result<std::sync::Arc<str>, Rejection> {
    let is_letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = text.bytes().next().is_some_and(is_letter_or_digit);
    let all_allowed = text
        .bytes()
        .all(|byte| is_letter_or_digit(byte) || b"._-".contains(&byte));
    if starts_well && all_allowed && text.len() <= LONGEST_TOKEN_BYTES {
        return Ok(text.into());
    }
    Err(Rejection::invalid(
        field,
        format!(
            "{:?} is no id; write 1 to {LONGEST_TOKEN_BYTES} of a-z, 0-9, '.', '_', '-', starting with a letter or digit",
            text.chars().take(LONGEST_TOKEN_BYTES).collect::<String>()
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
    fn an_id_that_a_caller_chooses_has_no_room_for_a_name() {
        assert_eq!(
            &*take_in_token("assignee", "crew-3").expect("an id"),
            "crew-3"
        );
        for text in ["", "Li Wei", "京A12345", "-crew", &"a".repeat(65)] {
            let refusal = take_in_token("assignee", text).expect_err(text);
            assert!(refusal.message.contains("write 1 to 64"), "{refusal}");
        }
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
