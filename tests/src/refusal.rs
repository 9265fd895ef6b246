//! What a refused call says.

use std::fmt::Debug;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Passes if a call was refused with this code and field, saying this.
#[track_caller]
pub fn expect_refused<T: Debug>(answer: Result<T, Status>, code: Code, field: &str, said: &str) {
    let status = answer.expect_err("this must be refused");
    expect_status(&status, code, field, said);
}

/// Passes if a refusal has this code, names this field and no other, and says this.
#[track_caller]
pub fn expect_status(status: &Status, code: Code, field: &str, said: &str) {
    assert_eq!(status.code(), code, "{status}");
    let details = status.get_details_bad_request();
    let details = details.unwrap_or_else(|| panic!("no field is named: {status}"));
    let fields: Vec<&str> = details
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, [field], "{status}");
    assert!(
        status.message().contains(said),
        "{said:?} is not in {status}"
    );
}
