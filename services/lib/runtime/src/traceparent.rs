//! The trace that a request belongs to, as W3C Trace Context writes it (`traceparent`, version 00).
//!
//! With an OTLP exporter the value is that of the request's own span. Without one an incoming value is passed on
//! unchanged, and a request without a value gets a random one: events always say which request they came from.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::metadata::{MetadataMap, MetadataValue};
use tower::{Layer, Service};
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

/// The header's name in gRPC metadata, NATS headers and event metadata.
pub const TRACEPARENT: &str = "traceparent";

tokio::task_local! {
    static CARRIED: Traceparent;
}

/// A valid version 00 `traceparent`, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceparent(Arc<str>);

impl Traceparent {
    /// `None` if the text is no valid version 00 value: foreign garbage is dropped, never stored.
    pub fn parse(text: &str) -> Option<Self> {
        span_context(text).map(|_| Self(text.into()))
    }

    /// A random one, not sampled.
    pub fn fresh() -> Self {
        let trace = Uuid::new_v4().simple();
        let span = Uuid::new_v4().as_u64_pair().0;
        Self(format!("00-{trace}-{span:016x}-00").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 32 hex digits.
    pub fn trace_id(&self) -> &str {
        &self.0[3..35]
    }

    fn of_span(span: &Span) -> Option<Self> {
        let context = span.context();
        let span_context = context.span().span_context().clone();
        span_context.is_valid().then(|| {
            let trace = span_context.trace_id();
            let parent = span_context.span_id();
            let flags = span_context.trace_flags().to_u8();
            Self(format!("00-{trace}-{parent}-{flags:02x}").into())
        })
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn span_context(text: &str) -> Option<SpanContext> {
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed = parts.next().is_none()
        && version == "00"
        && is_hex(trace, 32)
        && is_hex(span, 16)
        && is_hex(flags, 2);
    if !well_formed {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

/// The trace of the code that is running: of the current span when traces are exported, otherwise of the request
/// ([`within`]) that it serves. `None` outside of both.
pub fn current_traceparent() -> Option<String> {
    current().map(|traceparent| traceparent.as_str().to_owned())
}

fn current() -> Option<Traceparent> {
    Traceparent::of_span(&Span::current()).or_else(|| CARRIED.try_with(Clone::clone).ok())
}

/// The trace of a request that came through [`TraceRequests`]; a random one for any other.
pub fn request_traceparent<T>(request: &tonic::Request<T>) -> Traceparent {
    request
        .extensions()
        .get::<Traceparent>()
        .cloned()
        .or_else(|| extract(request.metadata()))
        .unwrap_or_else(Traceparent::fresh)
}

/// Runs `work` as part of a trace: [`current_traceparent`] inside it answers `traceparent`.
/// Tasks that `work` spawns are not inside.
pub async fn within<F: Future>(traceparent: Traceparent, work: F) -> F::Output {
    CARRIED.scope(traceparent, work).await
}

/// Makes a span, before it is entered, a child of a remote one. Does nothing when no traces are exported.
pub fn set_parent(span: &Span, traceparent: &str) {
    if let Some(parent) = span_context(traceparent) {
        let context = opentelemetry::Context::new().with_remote_span_context(parent);
        // An error means that no traces are exported or the span is filtered out: nothing to join.
        let _ = span.set_parent(context);
    }
}

/// The trace that gRPC metadata names.
pub fn extract(metadata: &MetadataMap) -> Option<Traceparent> {
    Traceparent::parse(metadata.get(TRACEPARENT)?.to_str().ok()?)
}

/// Writes the current trace, if there is one, into the metadata of an outgoing call.
pub fn inject(metadata: &mut MetadataMap) {
    if let Some(traceparent) = current() {
        let value = MetadataValue::try_from(traceparent.as_str()).expect("a traceparent is ASCII");
        metadata.insert(TRACEPARENT, value);
    }
}

/// A layer for the whole server: one span per request, joined to the caller's trace, with its [`Traceparent`] in the
/// request's extensions. The span ends with the response's head; a streaming service spans its own stream.
#[derive(Clone, Copy, Debug)]
pub struct TraceRequests;

impl<S> Layer<S> for TraceRequests {
    type Service = TracedRequests<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedRequests { inner }
    }
}

/// See [`TraceRequests`].
#[derive(Clone, Debug)]
pub struct TracedRequests<S> {
    inner: S,
}

impl<S, B> Service<http::Request<B>> for TracedRequests<S>
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

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let incoming = request
            .headers()
            .get(TRACEPARENT)
            .and_then(|value| Traceparent::parse(value.to_str().ok()?));
        let method = request.uri().path().trim_start_matches('/');
        let span = tracing::info_span!(
            "rpc",
            otel.name = method,
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.grpc.status_code = tracing::field::Empty,
        );
        if let Some(incoming) = &incoming {
            set_parent(&span, incoming.as_str());
        }
        let traceparent = Traceparent::of_span(&span)
            .or(incoming)
            .unwrap_or_else(Traceparent::fresh);
        request.extensions_mut().insert(traceparent.clone());
        let response = {
            let _entered = span.enter();
            self.inner.call(request)
        };
        let recorded_span = span.clone();
        let observed = async move {
            let response = response.await?;
            let status = response.headers().get("grpc-status");
            if let Some(code) = status.and_then(|code| code.to_str().ok()) {
                recorded_span.record("rpc.grpc.status_code", code);
            }
            Ok(response)
        };
        Box::pin(CARRIED.scope(traceparent, observed.instrument(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_what_the_standard_allows_is_a_traceparent() {
        let example = Traceparent::parse(EXAMPLE).expect("the standard's own example");
        assert_eq!(example.as_str(), EXAMPLE);
        assert_eq!(example.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Traceparent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_fresh_traceparent_is_valid_and_unlike_the_last() {
        let fresh = Traceparent::fresh();
        assert_eq!(Traceparent::parse(fresh.as_str()), Some(fresh.clone()));
        assert_ne!(fresh, Traceparent::fresh());
    }

    #[tokio::test]
    async fn a_trace_is_carried_into_the_metadata_of_calls_made_within_it() {
        assert_eq!(current_traceparent(), None);
        let example = Traceparent::parse(EXAMPLE).expect("valid");
        within(example.clone(), async {
            assert_eq!(current_traceparent().as_deref(), Some(EXAMPLE));
            let mut metadata = MetadataMap::new();
            inject(&mut metadata);
            assert_eq!(extract(&metadata), Some(example));
        })
        .await;
    }
}
