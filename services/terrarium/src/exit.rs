//! What the process ends with: the exit code, and the error for people on stderr.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use crate::client::CallError;

/// Failed; the message says why.
pub const FAILURE: u8 = 1;
/// An import finished, but some readings were rejected.
pub const SOME_REJECTED: u8 = 3;
/// An import finished, none rejected, but some quarantined.
pub const SOME_QUARANTINED: u8 = 4;
/// Gave up because the server was unavailable.
pub const UNAVAILABLE: u8 = 5;

/// Prints an error to stderr and gives the exit code that it stands for.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let code = code_of(error);
    if code != 0 {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(code)
}

fn code_of(error: &anyhow::Error) -> u8 {
    // Whoever reads our output has seen enough (`| head`): that is no failure.
    let reader_left = error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|io| io.kind() == ErrorKind::BrokenPipe)
            || cause
                .downcast_ref::<csv::Error>()
                .is_some_and(is_broken_pipe)
    });
    if reader_left {
        return 0;
    }
    let unavailable = error.chain().any(|cause| {
        cause
            .downcast_ref::<CallError>()
            .is_some_and(CallError::is_unavailable)
    });
    if unavailable { UNAVAILABLE } else { FAILURE }
}

fn is_broken_pipe(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(io) if io.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let error = anyhow::Error::from(io::Error::from(ErrorKind::BrokenPipe)).context("printing");
        assert_eq!(code_of(&error), 0);
    }

    #[test]
    fn an_unavailable_server_has_its_own_code() {
        let unavailable =
            CallError::refused("http://127.0.0.1:1", tonic::Status::unavailable("away"));
        assert_eq!(
            code_of(&anyhow::Error::from(unavailable).context("asking for the balance")),
            UNAVAILABLE
        );
        let refused = CallError::refused(
            "http://127.0.0.1:1",
            tonic::Status::not_found("no such park"),
        );
        assert_eq!(code_of(&refused.into()), FAILURE);
    }
}
