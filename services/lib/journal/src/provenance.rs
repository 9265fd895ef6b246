//! Who asked for something, and on which trail.

use std::sync::Arc;

use terrarium_runtime::{actor, request_traceparent};
use tonic::{Code, Request, Status};

use crate::refusal::field_status;

/// A caller's own request id has at most this many bytes.
pub const LONGEST_REQUEST_ID_BYTES: usize = 64;

/// Who asked for something, and on which trail; every event carries it.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Name of the credential.
    pub actor: Arc<str>,
    /// The caller's own request id.
    pub client_request_id: Option<Arc<str>>,
    /// W3C trace context.
    pub traceparent: Option<Arc<str>>,
}

impl Provenance {
    /// Nobody asked: time moved on.
    pub fn of_time() -> Provenance {
        Provenance {
            actor: "clock".into(),
            client_request_id: None,
            traceparent: None,
        }
    }

    /// Of a request that carries the caller's own id of it (empty: none).
    pub fn of_request<T>(
        request: &Request<T>,
        client_request_id: &str,
    ) -> Result<Provenance, Status> {
        Ok(Provenance {
            actor: actor(request)?.name,
            client_request_id: take_in_request_id(client_request_id)?,
            traceparent: Some(request_traceparent(request).as_str().into()),
        })
    }
}

/// Checks a caller's own request id.
pub fn take_in_request_id(client_request_id: &str) -> Result<Option<Arc<str>>, Status> {
    if client_request_id.len() > LONGEST_REQUEST_ID_BYTES {
        return Err(field_status(
            Code::InvalidArgument,
            "client_request_id",
            format!(
                "it has {} bytes; at most {LONGEST_REQUEST_ID_BYTES} are kept, send a shorter one",
                client_request_id.len()
            ),
        ));
    }
    Ok((!client_request_id.is_empty()).then(|| client_request_id.into()))
}
