//! Requests that are no protobuf message of their kind.
//!
//! tonic answers them with INTERNAL; but it is the caller's message that is wrong, so they are told INVALID_ARGUMENT.

use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::http;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// How prost's decode errors begin.
const DECODE_ERROR: &str = "failed to decode Protobuf message";

/// `status` as the caller should see it.
pub fn blame_the_request(status: Status) -> Status {
    if status.code() != Code::Internal || !status.message().starts_with(DECODE_ERROR) {
        return status;
    }
    Status::invalid_argument(format!(
        "{}; the request is no message of this method: build it from the .proto files of this server's version",
        status.message()
    ))
}

/// The layer that does so for all methods of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlameMalformedRequests;

impl<S> Layer<S> for BlameMalformedRequests {
    type Service = BlamingMalformedRequests<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BlamingMalformedRequests { inner }
    }
}

/// See [`BlameMalformedRequests`].
#[derive(Clone, Debug)]
pub(crate) struct BlamingMalformedRequests<S> {
    inner: S,
}

impl<S, B> Service<http::Request<B>> for BlamingMalformedRequests<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = response.await?;
            Ok(match Status::from_header_map(response.headers()) {
                Some(status) if status.code() == Code::Internal => {
                    let blamed = blame_the_request(status);
                    if blamed.code() == Code::Internal {
                        response
                    } else {
                        blamed.into_http()
                    }
                }
                _ => response,
            })
        })
    }
}
